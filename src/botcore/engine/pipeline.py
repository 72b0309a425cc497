"""The engine: ``step(key, event) → facts, effects``. Deterministic; performs nothing.

No I/O, no clock, no chance, no task and no lock below this line. A runner makes the facts durable
and then releases the effects, in order; their answers come back as inputs. The same `step` runs in
a backtest, on paper and live.
"""

from collections.abc import Callable, Mapping
from typing import Any

from botcore.domain import commands as c
from botcore.domain.errors import InvariantBroken
from botcore.domain.events import Fact, MarketDataUpdate
from botcore.domain.ids import Nanos
from botcore.domain.keys import Key
from botcore.domain.market import BarOpened, BarsClosed, Quote, Trade
from botcore.domain.modes import Mode
from botcore.domain.reports import VenueReport
from botcore.domain.steps import NOTHING, Step
from botcore.engine.acts import Acts
from botcore.engine.commanding import Commanding
from botcore.engine.config import EngineConfig
from botcore.engine.curve import EquityCurve
from botcore.engine.deciding import Deciders
from botcore.engine.desk import Desk
from botcore.engine.limits import LimitsInForce
from botcore.engine.lulls import Lulls
from botcore.engine.manual import Manual
from botcore.engine.outbox import Outbox
from botcore.engine.state import money_state, restore_money, state_hash
from botcore.risk import AccountRisk
from botcore.strategies import StrategyClass

# Python 3.11 looks a member of an enum up slowly: what every bar asks for is looked up once.
_FLATTEN = Mode.FLATTEN
_NORMAL = Mode.NORMAL
_REDUCE_ONLY = Mode.REDUCE_ONLY


class Engine:
    """One loop over accounts, strategies, risk, execution and portfolio.

    Args:
        config: accounts, instruments, strategies and limits.
        strategies: name → class, for the names in `config`.
        observe: also make the facts that only watchers want (`DecisionMade`, `MarketDataUpdate`).

    Attributes:
        desk: risk, execution and portfolio (read only for others).
        deciders: the strategies (read only for others).
        acts: what people asked for, by reference (read only for others).
        limits: those in force, and who changed them (read only for others).
        curves: account → equity curve, one point a bar.
        lulls: takes bars on which nothing can happen without a step each.

    Raises:
        ConfigError: the configuration names something that does not exist.
    """

    def __init__(
        self,
        config: EngineConfig,
        strategies: Mapping[str, StrategyClass],
        *,
        observe: bool = False,
    ) -> None:
        self._out = Outbox()
        self._observe = observe
        self.config = config
        self.desk = Desk(config, self._out)
        self.deciders = Deciders(config, strategies, self.desk, observe=observe)
        self.curves = {a.id: EquityCurve(config.decisions_kept) for a in config.accounts}
        self._view = self.desk.view
        self._orders = self.desk.execution.index
        self._mark, self._mark_bars = self.desk.valuation.mark, self.desk.valuation.mark_bars
        self._watched = tuple(
            (known, self.desk.valuation.worth(known.account), self.curves[known.account])
            for known in self.desk.accounts
        )
        self.lulls = Lulls(self.desk, self.deciders, self.curves)
        self.acts = Acts()
        self.limits = LimitsInForce(self.desk, {a.id: a.limits for a in config.accounts})
        self._handlers: dict[type, Callable[[Key, Any], None]] = {
            BarsClosed: self._bars_closed,
            VenueReport: self.desk.report,
            BarOpened: self._bar_opened,
            Trade: self._trade_seen,
            Quote: self._quote_seen,
            c.TimerFired: self.deciders.timer_fired,
            c.LiftLock: self.desk.lift_lock,
            **Commanding(
                self.desk, self.deciders, limits=self.limits, digest=config.digest
            ).handlers(),
            **Manual(self.desk, self.deciders, acts=self.acts, limits=self.limits).handlers(),
        }

    def step(self, key: Key, event: c.Input) -> Step:
        """Take one input; return what happened and what the world must do.

        Raises:
            InvariantBroken: the event is of a kind the engine does not take.
        """
        handler = self._handlers.get(type(event))
        if handler is None:
            raise InvariantBroken(
                code="INPUT_UNKNOWN",
                cause=f"the engine was given a {type(event).__name__}",
                fix="report this as a bug",
            )
        view = self._view
        if key.ts >= view.until:
            view.move_to(key.ts)
        handler(key, event)
        out = self._out
        if not out.facts and not out.effects:
            return NOTHING
        step = Step(tuple(out.facts), tuple(out.effects))
        out.facts.clear()
        if out.effects:
            out.effects.clear()
        return step

    def fold(self, fact: Fact) -> None:
        """Apply a fact of an earlier session, exactly as it was applied when it was made."""
        self.desk.fold(fact)
        self.deciders.fold(fact)
        self.acts.fold(fact)
        self.limits.fold(fact)

    def refresh(self) -> None:
        """Take up the folded state where it is mirrored (after a restore)."""
        self.deciders.refresh()

    def money_state(self) -> dict[str, Any]:
        """Return all that is folded from facts, canonical: its hash is the state hash."""
        return money_state(self.desk, self.deciders, acts=self.acts, limits=self.limits)

    def restore_money(self, state: dict[str, Any]) -> None:
        """Bring a fresh engine to a stored money state."""
        restore_money(self.desk, self.deciders, state, acts=self.acts, limits=self.limits)

    def state_hash(self) -> str:
        """Return the SHA-256 of the money state, 64 hex digits."""
        return state_hash(self.money_state())

    def _bars_closed(self, key: Key, event: BarsClosed) -> None:
        """Phases 6 to 9; 2 to 5 are the venue's, whose reports came before this input."""
        bars = event.bars
        if len(bars) == 1:  # 6 mark
            (bar,) = bars
            self._mark(bar.instrument, bar.close)
        else:
            self._mark_bars(bars)
        deciders = self.deciders
        if deciders.is_ready:  # 7 equity, drawdown, day boundary, protections
            ts, has_doubts = key.ts, self._orders.has_doubts
            for account, worth, curve in self._watched:
                account.equity = equity = worth()
                curve.add(ts, equity)
                if account.guard is not None:
                    self.desk.note(account.guard.mark(equity, key))
                if account.is_moved(equity, ts) or has_doubts or account.mode is not _NORMAL:
                    self._attend(account, equity, key)
            if self._observe:
                self._out.facts.extend(
                    MarketDataUpdate(b.instrument, Nanos(b.ts_close), b.close, b.volume)
                    for b in bars
                )
        deciders.decide(bars, key)  # 8 decide, 9 risk

    def _attend(self, account: AccountRisk, equity: float, key: Key) -> None:
        """Do what an account's equity, mode or doubts ask for at a bar."""
        desk = self.desk
        desk.note(desk.risk.mark_equity(account, equity, key))
        if account.mode is _FLATTEN:
            desk.flatten(account, key)
        if self._orders.has_doubts or account.mode is _REDUCE_ONLY:  # flattening waits for doubts
            desk.watch_doubts(account, key)

    def _bar_opened(self, _key: Key, event: BarOpened) -> None:
        """The first price of a bar moves the mark."""
        self.desk.valuation.mark(event.instrument, event.price)

    def _trade_seen(self, key: Key, event: Trade) -> None:
        """A print moves the mark, and is heard by strategies that asked for prints."""
        self.desk.valuation.mark(event.instrument, event.price)
        self.deciders.heard(event, key)

    def _quote_seen(self, key: Key, event: Quote) -> None:
        """The middle of the spread is the mark (E94)."""
        self.desk.valuation.mark(event.instrument, (event.bid + event.ask) / 2.0)
        self.deciders.heard(event, key)
