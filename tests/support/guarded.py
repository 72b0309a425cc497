"""A guard that a test feeds with trades and marks, as the engine would."""

from decimal import Decimal

from tests.support.builders import BTCUSDT, EMA, MAIN, a_key

from botcore.domain.events import PositionChanged, ProtectionLifted, ProtectionLocked
from botcore.domain.ids import MINUTE_NS, InstrumentId, Nanos, StrategyId
from botcore.domain.keys import Key
from botcore.domain.numbers import ZERO
from botcore.risk import Guard, Lock, Protection
from botcore.risk.locking.trades import Booking

RSI = StrategyId("rsi")
ETHUSDT = InstrumentId("ETHUSDT.SIM")
ADA = "person:ada"

Made = ProtectionLocked | ProtectionLifted


class GuardedAccount:
    """Trades and marks of one account; instants are minutes.

    Attributes:
        facts: every lock and its end, in order.
    """

    def __init__(self, *rules: Protection) -> None:
        self.rules = rules
        self.guard = Guard(MAIN, rules)
        self.facts: list[Made] = []
        self._earned: dict[tuple[StrategyId, InstrumentId], Decimal] = {}

    def trade(
        self,
        minute: int,
        profit: str | int = "-1",
        *,
        stake: str | int = 100,
        stop: bool = False,
        strategy: StrategyId = EMA,
        instrument: InstrumentId = BTCUSDT,
        heard: int | None = None,
    ) -> list[ProtectionLocked]:
        """Buy for `stake` and sell it all at `minute`; return the locks that follow."""
        earned = self._earned.get((strategy, instrument), ZERO)
        cost = Decimal(stake)
        self.fill(minute, ZERO, ZERO, earned, False, Decimal(1), cost, strategy, instrument)
        earned_after = earned + Decimal(profit)
        self._earned[strategy, instrument] = earned_after
        self.guard.filled(Booking(Decimal(1), cost, earned, stop))
        changed = self._changed(minute, ZERO, ZERO, earned_after, strategy, instrument)
        closed = self.guard.changed(changed)
        assert closed is not None
        made = self.guard.judge(closed, at(minute if heard is None else heard))
        self.facts += made
        return made

    def fill(
        self,
        minute: int,
        quantity: Decimal,
        cost: Decimal,
        earned: Decimal,
        stop: bool,
        after: Decimal,
        cost_after: Decimal,
        strategy: StrategyId = EMA,
        instrument: InstrumentId = BTCUSDT,
    ) -> None:
        """Let a fill change a position from one to another without closing it."""
        self.guard.filled(Booking(quantity, cost, earned, stop))
        changed = self._changed(minute, after, cost_after, earned, strategy, instrument)
        assert self.guard.changed(changed) is None

    def mark(self, minute: int, equity: float) -> list[ProtectionLocked]:
        """Mark equity at a bar's close; return the locks that follow."""
        made = list(self.guard.mark(equity, at(minute)))
        self.facts += made
        return made

    def lift(self, lock: str, minute: int, by: str = ADA) -> ProtectionLifted | None:
        """Lift a lock."""
        made = self.guard.lift(lock, by=by, at=at(minute))
        self.facts += [made] if made else []
        return made

    def denies(
        self, minute: float, strategy: StrategyId = EMA, instrument: InstrumentId = BTCUSDT
    ) -> Lock | None:
        """Return the lock that denies an entry."""
        return self.guard.denies(strategy, instrument, round(minute * MINUTE_NS))

    def _changed(
        self,
        minute: int,
        quantity: Decimal,
        cost: Decimal,
        earned: Decimal,
        strategy: StrategyId,
        instrument: InstrumentId,
    ) -> PositionChanged:
        ts = Nanos(minute * MINUTE_NS)
        return PositionChanged(MAIN, strategy, instrument, quantity, cost, earned, ZERO, ts)


def at(minute: int) -> Key:
    """The key of an input at a minute."""
    return a_key(minute * MINUTE_NS)
