"""An event strategy on its instruments, with the view of the past that it is given."""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

from botcore.domain.decisions import Denied
from botcore.domain.events import OrderFilled
from botcore.domain.ids import AccountId, InstrumentId, Nanos, StrategyId
from botcore.domain.intents import Intent, PlaceOrder, Target
from botcore.domain.market import Bar
from botcore.domain.numbers import ZERO
from botcore.domain.orders import OrderState, OrderType, Side
from botcore.engine.config import StrategyConfig
from botcore.engine.desk import Desk
from botcore.portfolio import Position
from botcore.strategies import EventStrategy, WorkingOrder

BARS_KEPT = 1_000


class EventView:
    """Implements `strategies.StrategyView`: what was known, nothing later."""

    def __init__(self, config: StrategyConfig, desk: Desk) -> None:
        self._config = config
        self._desk = desk
        self._bars: dict[InstrumentId, deque[Bar]] = {
            name: deque(maxlen=BARS_KEPT) for name in config.instruments
        }
        self.now = Nanos(0)
        self.is_warmup = True

    @property
    def account(self) -> AccountId:
        """Whose money."""
        return self._config.account

    @property
    def strategy(self) -> StrategyId:
        """Under which name."""
        return self._config.id

    def see(self, bar: Bar) -> None:
        """Take a closed bar into the past."""
        self._bars[bar.instrument].append(bar)
        self.now = Nanos(bar.ts_close)

    def position(self, instrument: InstrumentId) -> Decimal:
        """The strategy's own position, base units, signed."""
        return self._line(instrument).quantity

    def average_price(self, instrument: InstrumentId) -> Decimal | None:
        """Average price of the open position; None when flat."""
        return self._line(instrument).average

    def working(self, instrument: InstrumentId) -> tuple[WorkingOrder, ...]:
        """The strategy's working orders, in doubt ones too, oldest first."""
        orders = self._desk.execution.index.working(self._config.account, instrument)
        return tuple(
            WorkingOrder(
                order.id,
                order.spec.side,
                order.spec.type,
                order.leaves,
                order.limit_price,
                order.trigger_price,
                order.cancel_owed,
            )
            for order in orders
            if order.spec.strategy == self._config.id and order.state is not OrderState.HELD
        )

    def equity_budget(self) -> float:
        """What a weight of 1 on one instrument is worth, reporting currency."""
        equity = self._desk.valuation.equity(self._config.account)
        return equity * self._config.sizing.equity_frac

    def last(self, instrument: InstrumentId) -> Bar | None:
        """The newest closed bar."""
        bars = self._bars[instrument]
        return bars[-1] if bars else None

    def bars(self, instrument: InstrumentId, n: int) -> tuple[Bar, ...]:
        """The newest `n` closed bars at most, oldest first."""
        kept = self._bars[instrument]
        return tuple(kept[i] for i in range(max(0, len(kept) - n), len(kept)))

    def _line(self, instrument: InstrumentId) -> Position:
        return self._desk.portfolio.position(self._config.account, self._config.id, instrument)


class EventSlot:
    """One event strategy: asked with a bar, a fill or a denial, answering with intents."""

    def __init__(
        self, *, rank: int, config: StrategyConfig, strategy: EventStrategy, desk: Desk
    ) -> None:
        self.rank = rank
        self.name = config.strategy
        self.account = config.account
        self.strategy = config.id
        self.step_ns = config.step_ns
        self.instruments = config.instruments
        self.is_paused = False
        self.outcome = ""
        self.dropped = 0
        self.denials = 0
        self._config = config
        self._asked = strategy
        self._desk = desk
        self.view = EventView(config, desk)

    def on_bar(self, bar: Bar, *, is_warmup: bool) -> list[Intent]:
        """Ask with a closed bar."""
        self.denials = 0
        self.view.see(bar)
        self.view.is_warmup = is_warmup
        intents = self._own(self._asked.on_bar(bar, self.view))
        if is_warmup:
            self.dropped += len(intents)
            return []
        return intents

    def on_fill(self, fill: OrderFilled) -> list[Intent]:
        """Tell of a fill; the view holds no price later than it (P9)."""
        self.view.now = fill.fill.ts_event
        return self._own(self._asked.on_fill(fill, self.view))

    def on_denied(self, denied: Denied) -> list[Intent]:
        """Tell of a no, or it believes that it is long."""
        self.denials += 1
        return self._own(self._asked.on_denied(denied, self.view))

    def order_for(self, target: Target) -> PlaceOrder | None:
        """Return the market order that brings the position to a target, or None."""
        instrument = self._desk.view.instrument(target.instrument)
        mark = self._desk.view.mark(target.instrument)
        if mark is None:
            return None
        price = Decimal(repr(mark))
        wanted = self._config.sizing.target_quantity(
            target.weight,
            equity=self._desk.view.equity_exact(self.account),
            price=price,
            lot=instrument.lot,
            spread=0.0,
        )
        line = (self.account, self.strategy, target.instrument)
        position = self._desk.view.position(*line)
        under_way = self._desk.view.working_buys(*line) - self._desk.view.working_sells(*line)
        delta = wanted - position - under_way
        if abs(delta) < instrument.lot:
            return None
        return PlaceOrder(
            account=self.account,
            strategy=self.strategy,
            instrument=target.instrument,
            side=Side.BUY if delta > ZERO else Side.SELL,
            type=OrderType.MARKET,
            quantity=abs(delta),
            reduce_only=position != ZERO and (position > ZERO) is not (delta > ZERO),
            reason=target.reason,
        )

    def state(self) -> bytes:
        """What the strategy wants to keep over a restart."""
        return self._asked.state()

    def resume(self, state: bytes | None, downtime_ns: int) -> None:
        """Give it back what it kept, and how long it was away."""
        self._asked.resume(state, downtime_ns)

    def _own(self, intents: Iterable[Intent] | None) -> list[Intent]:
        """Return what it said, each under its own name: it cannot speak for another."""
        said = list(intents or ())
        for intent in said:
            if intent.account != self.account or intent.strategy != self.strategy:
                raise ValueError(f"an intent names {intent.account}/{intent.strategy}")
        return said
