"""The default paper account on the simulated market in virtual time: no process, no clock, no disk.

Composed by the same functions as the running platform; only the waiting is left out.
"""

from decimal import Decimal

from botcore.app.composition import PAPER, USDT, engine_config
from botcore.app.feed import bars_of, market_config
from botcore.app.settings import Settings
from botcore.domain.commands import Deposit, Input, Reconciled, SessionStarted
from botcore.domain.events import Fact, ModeChanged, OrderFilled
from botcore.domain.ids import DAY_NS, InstrumentId, Nanos
from botcore.domain.instruments import InstrumentBook
from botcore.domain.keys import Key
from botcore.domain.market import BarOpened, BarSpec
from botcore.domain.numbers import use_money_context
from botcore.domain.steps import Step
from botcore.engine import Engine, Sequencer, Session
from botcore.venues.simulated import SimulatedVenue, VenueConfig
from botcore.venues.simulated.market import MarketQuote, SimulatedMarket

ORIGIN_NS = 1_735_689_600_000_000_000  # 2025-01-01T00:00:00Z


class DemoAccount:
    """The shipped account of one seed, warmed by the shipped history.

    Attributes:
        facts: every fact since trading began.
        started: the instant at which trading began, nanoseconds.
    """

    def __init__(self, seed: int, settings: Settings) -> None:
        use_money_context()
        self.facts: list[Fact] = []
        config, classes = engine_config(settings)
        self.engine = Engine(config, classes)
        venue = SimulatedVenue(instruments=InstrumentBook(config.instruments), config=VenueConfig())
        venue.deposit(PAPER, USDT, settings.cash)
        self._session = Session(
            engine=self.engine, venue=venue, sequencer=Sequencer(), commit=self._keep
        )
        market = market_config(settings)
        self._market = SimulatedMarket(market, seed, origin_ns=ORIGIN_NS)
        self._spec = BarSpec(market.bar_ns)
        history = round(settings.history_days * DAY_NS) // market.bar_ns
        self.started = self._market.ts_open(history)
        self._tell(SessionStarted(PAPER, 1), ORIGIN_NS)
        self._tell(Deposit(PAPER, USDT, f"{settings.cash:f}", "opening"), ORIGIN_NS)
        for bars in bars_of(self._market.history(history), self._spec):
            self._tell(bars, bars.ts_close)
        self._tell(Reconciled(PAPER, 0), self.started)
        self.facts.clear()

    @property
    def equity(self) -> Decimal:
        """What the account is worth now."""
        return self.engine.desk.valuation.equity_exact(PAPER)

    @property
    def fees(self) -> Decimal:
        """What it has paid."""
        return sum((p.fees for p in self.engine.desk.portfolio.positions(PAPER)), Decimal(0))

    @property
    def fills(self) -> list[OrderFilled]:
        """Its fills, oldest first."""
        return [fact for fact in self.facts if isinstance(fact, OrderFilled)]

    @property
    def mode_changes(self) -> list[ModeChanged]:
        """What its limits did."""
        return [fact for fact in self.facts if isinstance(fact, ModeChanged)]

    def play(self, bars: int, *, with_opens: bool) -> None:
        """Play so many bars; with opens, as the running feed does inside a bar."""
        at_once = 1 if with_opens else bars
        for _ in range(0, bars, at_once):
            if with_opens:
                self._play_opens()
            for event in bars_of(self._market.history(at_once), self._spec):
                self._session.bars(event)

    def _play_opens(self) -> None:
        seen: set[str] = set()
        for tick in self._market.ticks(self._market.next_bar):
            if isinstance(tick, MarketQuote) or tick.instrument in seen:
                continue
            seen.add(tick.instrument)
            name, ts = InstrumentId(tick.instrument), Nanos(tick.ts_event)
            self._session.opened(BarOpened(name, ts, tick.price))

    def _tell(self, event: Input, ts: int) -> None:
        self._session.input(event, ts)

    def _keep(self, _key: Key, _event: Input, step: Step, _durable: bool) -> None:
        self.facts.extend(step.facts)
