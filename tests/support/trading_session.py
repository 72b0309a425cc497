"""A whole engine over the simulated venue, driven bar by bar, with strategies made for tests.

Each bar is one minute. Charges, slippage and the participation cap are off and the risk limits are
wide unless a test asks for them, so that what is left are the rules under test.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from tests.support.venue_session import COINUSDT, MINUTES, USDT, a_config, an_instrument

from botcore.domain.commands import (
    ApplyConfig,
    Command,
    Deposit,
    Input,
    Reconciled,
    SessionStarted,
)
from botcore.domain.decisions import Denied
from botcore.domain.effects import Effect
from botcore.domain.events import Fact, OrderDenied, OrderFilled, OrderPlaced
from botcore.domain.ids import DAY_NS, MINUTE_NS, AccountId, InstrumentId, Nanos, StrategyId
from botcore.domain.instruments import Instrument, InstrumentBook
from botcore.domain.intents import CancelOrder, Intent, PlaceOrder, ReplaceOrder, Target
from botcore.domain.keys import Key
from botcore.domain.market import Bar, BarsClosed, BarSpec
from botcore.domain.numbers import use_money_context
from botcore.domain.orders import OrderType, Side
from botcore.domain.parameters import Parameter, ParameterSpace
from botcore.domain.steps import Step
from botcore.engine import (
    AccountConfig,
    Engine,
    EngineConfig,
    Fingerprint,
    Sequencer,
    Session,
    SignalSlot,
    StrategyClass,
    StrategyConfig,
)
from botcore.engine.event_slots import EventSlot
from botcore.execution import BarVenue, Order
from botcore.indicators import FloatRow
from botcore.portfolio import Position
from botcore.risk import AccountRisk, Protection, RiskLimits, Sizing, SizingKind
from botcore.strategies import (
    WARM_UP_REASON,
    EventStrategyBase,
    FeatureSpec,
    SignalStrategy,
    StrategyView,
)
from botcore.strategies.layout import CLOSE, CODE, NO_VIEW, OPEN
from botcore.venues.simulated import SimulatedVenue, VenueConfig

ACCOUNT = AccountId("main")
WIDE = RiskLimits(
    order_frac=100.0,
    instrument_frac=100.0,
    strategy_frac=100.0,
    account_frac=100.0,
    price_band_frac=0.5,
    daily_loss_frac=0.99,
    drawdown_frac=0.99,
    orders_per_s=1_000,
)
"""Limits of which none trips."""
ONE_COIN = Sizing(kind=SizingKind.FIXED, quantity=Decimal(1))

F = TypeVar("F")
OnBar = Callable[[Bar, StrategyView], Iterable[Intent]]
OnFill = Callable[[OrderFilled, StrategyView], Iterable[Intent]]
OnDenied = Callable[[Denied, StrategyView], Iterable[Intent]]


def scripted(
    on_bar: OnBar | None = None,
    *,
    on_fill: OnFill | None = None,
    on_denied: OnDenied | None = None,
) -> type[EventStrategyBase]:
    """Return an event strategy that does what these functions say."""

    class Scripted(EventStrategyBase):
        name: ClassVar[str] = "scripted"

        def on_bar(self, bar: Bar, view: StrategyView) -> Iterable[Intent]:
            return on_bar(bar, view) if on_bar is not None else ()

        def on_fill(self, fill: OrderFilled, view: StrategyView) -> Iterable[Intent]:
            return on_fill(fill, view) if on_fill is not None else ()

        def on_denied(self, denied: Denied, view: StrategyView) -> Iterable[Intent]:
            return on_denied(denied, view) if on_denied is not None else ()

    return Scripted


def planned(
    plan: Mapping[int, Callable[[StrategyView], Any]], **more: Any
) -> type[EventStrategyBase]:
    """Return an event strategy that speaks once at the close of each bar named by number, from 1.

    Bars are numbered from UTC midnight; of several instruments' bars the first asks.
    """

    class Planned(scripted(**more)):  # type: ignore[misc]  # a class made by a function
        name: ClassVar[str] = "planned"

        def __init__(self, params: Mapping[str, float]) -> None:
            super().__init__(params)
            self.spoken = 0

        def on_bar(self, bar: Bar, view: StrategyView) -> Iterable[Intent]:
            say = plan.get(bar.ts_close % DAY_NS // MINUTE_NS)
            if say is None or self.spoken == bar.ts_close:
                return ()
            self.spoken = bar.ts_close
            said: Iterable[Intent] = say(view)
            return said

    return Planned


def order(
    view: StrategyView, side: Side, quantity: object, type_: OrderType, **more: Any
) -> PlaceOrder:
    """An order of the strategy that holds `view`; quantities and prices may be text."""
    for name, value in more.items():
        if isinstance(value, str) and name in _NUMBERS:
            more[name] = Decimal(value)
    return PlaceOrder(
        account=view.account,
        strategy=view.strategy,
        instrument=more.pop("instrument", COINUSDT),
        side=side,
        type=type_,
        quantity=Decimal(quantity) if isinstance(quantity, str) else quantity,  # type: ignore[arg-type]  # any values
        **more,
    )


def buy(
    view: StrategyView, quantity: object = "1", type_: OrderType = OrderType.MARKET, **more: Any
) -> PlaceOrder:
    """A buy, at the market unless told otherwise."""
    return order(view, Side.BUY, quantity, type_, **more)


def sell(
    view: StrategyView, quantity: object = "1", type_: OrderType = OrderType.MARKET, **more: Any
) -> PlaceOrder:
    """A sell, at the market unless told otherwise."""
    return order(view, Side.SELL, quantity, type_, **more)


def target(
    view: StrategyView, weight: float, instrument: InstrumentId = COINUSDT, **more: Any
) -> Target:
    """A wish for an exposure."""
    return Target(view.account, view.strategy, instrument, weight, **more)


def cancel(view: StrategyView, index: int = 0, instrument: InstrumentId = COINUSDT) -> CancelOrder:
    """Take back the strategy's working order at `index`, oldest first."""
    found = view.working(instrument)[index]
    return CancelOrder(view.account, view.strategy, found.client_order_id)


def change(
    view: StrategyView, index: int = 0, instrument: InstrumentId = COINUSDT, **values: str
) -> ReplaceOrder:
    """Change the strategy's working order at `index`, oldest first."""
    found = view.working(instrument)[index]
    exact: dict[str, Any] = {name: Decimal(value) for name, value in values.items()}
    return ReplaceOrder(view.account, view.strategy, found.client_order_id, **exact)


class ByColour(SignalStrategy):
    """Wants `rise` after a bar that closed above its open, `fall` after one below, else nothing."""

    name: ClassVar[str] = "by-colour"
    version: ClassVar[int] = 1
    parameters: ClassVar[ParameterSpace] = ParameterSpace(
        Parameter("rise", "float", 1, -10, 10), Parameter("fall", "float", 0, -10, 10)
    )
    reasons: ClassVar[tuple[str, ...]] = (WARM_UP_REASON, "it rose", "it fell", "it stood")
    no_view: ClassVar[tuple[int, ...]] = (3,)

    @staticmethod
    def features(params: Mapping[str, float]) -> tuple[FeatureSpec, ...]:
        return ()

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        memory[1] = row[CLOSE] - row[OPEN]
        if row[CLOSE] > row[OPEN]:
            memory[CODE] = 1.0
            return params[0]
        if row[CLOSE] < row[OPEN]:
            memory[CODE] = 2.0
            return params[1]
        memory[CODE] = 3.0
        return NO_VIEW


class Taken:
    """One input with its key and what came of it."""

    def __init__(self, key: Key, event: Input, step: Step, durable: bool) -> None:
        self.key = key
        self.event = event
        self.step = step
        self.durable = durable


class TradingSession:
    """Strategies over a venue of one account, one close stamp a minute.

    Args:
        strategies: classes; their names in the configuration are the keys.
        instruments: what is traded; the first is the default of `bar`.
        sizing: of every strategy.
        parameters: strategy name → parameters.
        steps: strategy name → length of its bars, nanoseconds; a minute where none is named.
        trades: strategy name → instruments; all of them where none is named.
        wrap: what stands between session and venue, if anything.
        config: further fields of `EngineConfig`; `venue` those of `VenueConfig`.
    """

    def __init__(
        self,
        strategies: Mapping[str, StrategyClass],
        *instruments: Instrument,
        cash: str = "1000000",
        limits: RiskLimits = WIDE,
        protections: Sequence[Protection] = (),
        sizing: Sizing = ONE_COIN,
        parameters: Mapping[str, Mapping[str, float]] | None = None,
        steps: Mapping[str, int] | None = None,
        trades: Mapping[str, Sequence[InstrumentId]] | None = None,
        venue: Mapping[str, Any] | VenueConfig | None = None,
        wrap: Callable[[SimulatedVenue], BarVenue] | None = None,
        observe: bool = False,
        origin: int = 0,
        is_open: bool = True,
        **config: Any,
    ) -> None:
        use_money_context()
        self.instruments = instruments or (an_instrument(),)
        self.origin = origin
        self.minute = 0
        self.cash = cash
        self.taken: list[Taken] = []
        self.fingerprint = Fingerprint()
        self.config = EngineConfig(
            (AccountConfig(ACCOUNT, USDT, limits, tuple(protections)),),
            self.instruments,
            tuple(
                StrategyConfig(
                    id=StrategyId(name),
                    strategy=name,
                    account=ACCOUNT,
                    instruments=tuple((trades or {}).get(name, [i.id for i in self.instruments])),
                    step_ns=(steps or {}).get(name, MINUTE_NS),
                    parameters=(parameters or {}).get(name, {}),
                    sizing=sizing,
                )
                for name in strategies
            ),
            **config,
        )
        self.classes = dict(strategies)
        self.engine = Engine(self.config, self.classes, observe=observe)
        self.venue = SimulatedVenue(
            instruments=InstrumentBook(self.instruments),
            config=venue if isinstance(venue, VenueConfig) else a_config(**(venue or {})),
        )
        self.wrapped: BarVenue = self.venue if wrap is None else wrap(self.venue)
        self.session = self._session(Sequencer())
        if is_open:
            self.open()

    def open(self, *, epoch: int = 0) -> None:
        """Begin: configuration, start, opening money, and the word that all is reconciled."""
        self.venue.deposit(ACCOUNT, USDT, Decimal(self.cash))
        self.tell(ApplyConfig(ACCOUNT, self.config.document()))
        self.tell(SessionStarted(ACCOUNT, epoch))
        self.tell(Deposit(ACCOUNT, USDT, self.cash, "opening"))
        self.tell(Reconciled(ACCOUNT, 0))

    def restarted(self, *, fold: bool = False) -> None:
        """End the engine and begin another from the money state, or by folding every fact."""
        facts, state = self.facts, self.engine.money_state()
        engine = Engine(self.config, self.classes)
        if fold:
            for fact in facts:
                engine.fold(fact)
            engine.refresh()
        else:
            engine.restore_money(state)
        self.continued_by(engine)

    def continued_by(self, engine: Engine) -> None:
        """Go on with another engine."""
        self.engine = engine
        self.session = self._session(Sequencer(self.taken[-1].key))

    def resumed(self, *, epoch: int = 1) -> list[Fact]:
        """Take up after a restart: ask the venue about what is open, and go on."""
        started = self.tell(SessionStarted(ACCOUNT, epoch))
        return started + self.tell(Reconciled(ACCOUNT, 0))

    @property
    def now(self) -> Nanos:
        """The close of the last bar, which is the open of the next."""
        return Nanos(self.origin + self.minute * MINUTE_NS)

    def tell(self, command: Command) -> list[Fact]:
        """Give the engine a command; return what came of it."""
        before = len(self.taken)
        self.session.input(command, self.now)
        return self._since(before)

    def a_bar(
        self,
        open_: float,
        high: float,
        low: float,
        close: float,
        volume: float = 1e6,
        *,
        flags: int = 0,
        instrument: InstrumentId | None = None,
        spec: BarSpec = MINUTES,
    ) -> Bar:
        """The next bar, not given to anybody yet."""
        ts_close = self.now + MINUTE_NS
        return Bar(
            instrument or self.instruments[0].id,
            spec,
            ts_close - spec.step_ns,
            ts_close,
            float(open_),
            float(high),
            float(low),
            float(close),
            float(volume),
            flags,
        )

    def bar(self, *prices: float, **more: Any) -> list[Fact]:
        """Play the next bar: open, high, low and close, or one price for all; volume may follow."""
        if len(prices) == 1:
            prices = prices * 4
        return self.bars(self.a_bar(*prices, **more))

    def bars(self, *bars: Bar) -> list[Fact]:
        """Play all bars of the next close stamp; return what came of it."""
        before = len(self.taken)
        self.minute += 1
        self.session.bars(BarsClosed(Nanos(self.now), bars))
        return self._since(before)

    def flat(self, price: float, count: int = 1) -> None:
        """Play bars on which nothing happens."""
        for _ in range(count):
            self.bar(price)

    def gap(self, minutes: int) -> None:
        """Let time go by without a bar."""
        self.minute += minutes

    @property
    def facts(self) -> list[Fact]:
        """Everything that happened, in order."""
        return [fact for taken in self.taken for fact in taken.step.facts]

    @property
    def effects(self) -> list[Effect]:
        """Everything the engine asked for, in order."""
        return [effect for taken in self.taken for effect in taken.step.effects]

    def of(self, kind: type[F]) -> list[F]:
        """The facts of one kind, in order."""
        return [fact for fact in self.facts if isinstance(fact, kind)]

    @property
    def fills(self) -> list[tuple[str, Side, Decimal, Decimal]]:
        """Every fill: strategy, side, quantity and price."""
        return [(f.strategy, f.side, f.fill.quantity, f.fill.price) for f in self.of(OrderFilled)]

    @property
    def denials(self) -> list[str]:
        """The codes of every no, in order."""
        return [fact.denied.code for fact in self.of(OrderDenied)]

    @property
    def orders(self) -> list[Order]:
        """Every order ever placed, in order, as it stands now."""
        index = self.engine.desk.execution.index
        found = [index.get(fact.order.client_order_id) for fact in self.of(OrderPlaced)]
        return [each for each in found if each is not None]

    @property
    def risk(self) -> AccountRisk:
        """What risk knows of the account."""
        return self.engine.desk.risk.account(ACCOUNT)

    @property
    def equity(self) -> Decimal:
        """What the account is worth, exact."""
        return self.engine.desk.valuation.equity_exact(ACCOUNT)

    def position(self, strategy: str, instrument: InstrumentId = COINUSDT) -> Position:
        """What a strategy holds."""
        return self.engine.desk.portfolio.position(ACCOUNT, StrategyId(strategy), instrument)

    def signal(self, index: int = 0) -> SignalSlot:
        """The engine's slot at `index`, of a signal strategy."""
        slot = self.engine.deciders.slots[index]
        assert isinstance(slot, SignalSlot)
        return slot

    def event(self, index: int = 0) -> EventSlot:
        """The engine's slot at `index`, of an event strategy."""
        slot = self.engine.deciders.slots[index]
        assert isinstance(slot, EventSlot)
        return slot

    def _session(self, sequencer: Sequencer) -> Session:
        return Session(
            engine=self.engine, venue=self.wrapped, sequencer=sequencer, commit=self._commit
        )

    def _commit(self, key: Key, event: Input, step: Step, durable: bool) -> None:
        self.taken.append(Taken(key, event, step, durable))
        self.fingerprint.add(step.facts)

    def _since(self, before: int) -> list[Fact]:
        return [fact for taken in self.taken[before:] for fact in taken.step.facts]


_NUMBERS = frozenset(
    {"limit_price", "trigger_price", "trail", "take_profit", "stop_loss", "trailing"}
)
