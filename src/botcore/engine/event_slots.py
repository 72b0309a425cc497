"""An event strategy on its instruments, with the view of the past that it is given."""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

from botcore.domain.decisions import Denied
from botcore.domain.events import OrderFilled
from botcore.domain.ids import AccountId, InstrumentId, Nanos, StrategyId
from botcore.domain.intents import CancelOrder, Intent, PlaceOrder, Target
from botcore.domain.market import Bar, Quote, Trade
from botcore.domain.numbers import ZERO
from botcore.domain.orders import OrderState, OrderType, Side
from botcore.engine.admission import admitted
from botcore.engine.config import StrategyConfig
from botcore.engine.desk import Desk
from botcore.engine.slots import SpreadEstimate
from botcore.execution import Order
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
    """One event strategy: asked with a bar, a fill or a denial, answering with intents.

    Attributes:
        rank: where it stands in the configured order.
        outcome: why its last intent was denied, or why it is not asked.
        said: intents since the last bar or fill; more than `flood` are a flood.
        dropped: intents that came while history was fed.
    """

    def __init__(
        self,
        *,
        rank: int,
        config: StrategyConfig,
        strategy: EventStrategy,
        desk: Desk,
        flood: int,
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
        self.said = 0
        self.flood = flood
        self._config = config
        self._asked = strategy
        self._desk = desk
        self._spreads: dict[InstrumentId, SpreadEstimate] = {}
        if config.sizing.needs_range:
            self._spreads = {
                name: SpreadEstimate(config.sizing, config.step_ns) for name in config.instruments
            }
        self.view = EventView(config, desk)

    def see(self, bar: Bar, *, is_warmup: bool) -> None:
        """Take a closed bar into the past, before anybody is asked about its stamp (P8)."""
        self.said = 0
        self.view.see(bar)
        self.view.is_warmup = is_warmup
        if self._spreads:
            self._spreads[bar.instrument].update(bar.high, bar.low, bar.close)

    def on_bar(self, bar: Bar) -> list[Intent]:
        """Ask with a closed bar."""
        return self._admitted(self._asked.on_bar(bar, self.view))

    @property
    def parameters(self) -> dict[str, float]:
        """The parameters in force, by name."""
        space = type(self._asked).parameters
        return space.named(space.row(self._config.parameters))

    @property
    def history_bars(self) -> int:
        """How many closed bars it wants to be shown before its first decision."""
        return self._asked.needs.history_bars

    @property
    def timer_every_ns(self) -> int:
        """How often it wants to be asked by the clock; 0 is never."""
        return self._asked.needs.timer_every_ns

    def hears(self, event: Trade | Quote) -> bool:
        """Whether it asked for events of this kind, on this instrument."""
        needs = self._asked.needs
        wanted = needs.trades if isinstance(event, Trade) else needs.quotes
        return wanted and event.instrument in self.instruments

    def on_tick(self, event: Trade | Quote) -> list[Intent]:
        """Tell of a print or a quote."""
        self.said = 0
        self.view.now = event.ts_event
        if isinstance(event, Trade):
            return self._admitted(self._asked.on_trade(event, self.view))
        return self._admitted(self._asked.on_quote(event, self.view))

    def on_timer(self, ts: int) -> list[Intent]:
        """Tell that its timer is due."""
        self.said = 0
        self.view.now = Nanos(ts)
        return self._admitted(self._asked.on_timer(self.view))

    def on_fill(self, fill: OrderFilled) -> list[Intent]:
        """Tell of a fill; the view holds no price later than it (P9)."""
        self.said = 0
        self.view.now = fill.fill.ts_event
        return self._admitted(self._asked.on_fill(fill, self.view))

    def on_denied(self, denied: Denied) -> list[Intent]:
        """Tell of a no, or it believes that it is long."""
        return self._admitted(self._asked.on_denied(denied, self.view))

    def towards(self, target: Target) -> list[PlaceOrder] | list[CancelOrder]:
        """Return what brings the line nearer to a target now, by the rules of P14.

        Orders under way count, attached exits do not. What works against the target is cancelled
        first. A flip is two orders: this one closes, the next target opens.
        """
        view, name = self._desk.view, target.instrument
        mark = view.mark(name)
        if mark is None:
            return []
        instrument, price, sizing = view.instrument(name), Decimal(repr(mark)), self._config.sizing
        spread = self._spreads.get(name)
        wanted = sizing.target_quantity(
            target.weight,
            equity=view.equity_exact(self.account),
            price=price,
            lot=instrument.lot,
            spread=0.0 if spread is None else spread.value,
        )
        position = view.position(self.account, self.strategy, name)
        orders = self._under_way(name)
        working = sum((order.leaves * order.sign for order in orders), start=ZERO)
        if position * wanted < ZERO:
            wanted = ZERO
        missing = wanted - position
        if working * missing < ZERO or (working and not missing):
            who = (self.account, self.strategy)
            return [CancelOrder(*who, o.id, target.reason) for o in orders if not o.cancel_owed]
        delta, expected = missing - working, position + working
        if abs(delta) < instrument.lot:
            return []
        if wanted and abs(delta) * price < instrument.min_notional:
            return []
        is_held = wanted * expected > ZERO
        if is_held and abs(float(delta)) <= abs(float(expected)) * sizing.band_frac:
            return []
        return [
            PlaceOrder(
                account=self.account,
                strategy=self.strategy,
                instrument=name,
                side=Side.BUY if delta > ZERO else Side.SELL,
                type=OrderType.MARKET,
                quantity=abs(delta),
                reduce_only=position * delta < ZERO,
                reason=target.reason,
            )
        ]

    def state(self) -> bytes:
        """What the strategy wants to keep over a restart."""
        return self._asked.state()

    def resume(self, state: bytes | None, downtime_ns: int) -> None:
        """Give it back what it kept, and how long it was away."""
        self._asked.resume(state, downtime_ns)

    def _under_way(self, name: InstrumentId) -> list[Order]:
        return [
            order
            for order in self._desk.execution.index.working(self.account, name)
            if order.spec.strategy == self.strategy
            and order.spec.parent is None
            and order.state is not OrderState.HELD
        ]

    def _admitted(self, said: Iterable[object] | None) -> list[Intent]:
        intents = admitted(said, self._config, most=self.flood - self.said)
        self.said += len(intents)
        return intents
