"""A tape of ticks through the same engine and gate, and the venue that matches on books.

Two timelines are one here. The venue meets an event when the venue made it; the engine hears of it
when it was received, and of the venue's answers when they have come back. Between them orders are
under way. Everything is played in order of its instant, so a run has one outcome.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from botcore.backtest.collector import Collector
from botcore.backtest.demo import USDT
from botcore.domain.commands import ApplyConfig, Deposit, Reconciled, SessionStarted
from botcore.domain.ids import Currency
from botcore.domain.instruments import InstrumentBook
from botcore.domain.market import BookDelta, BookSnapshot, Quote, Trade
from botcore.domain.numbers import ZERO, use_money_context
from botcore.domain.reports import VenueReport
from botcore.engine import Engine, EngineConfig, Sequencer, Session, StrategyClass
from botcore.venues.simulated.book import BookVenue, BookVenueConfig

TickEvent = BookDelta | BookSnapshot | Trade | Quote
_NEVER = 1 << 63


class Tick(msgspec.Struct, frozen=True, gc=False):
    """One event of a tape; its own `ts_event` is the venue's stamp.

    Attributes:
        ts: when it was received, nanoseconds UTC; never earlier than the tick before it.
    """

    ts: int
    event: TickEvent


class TickResult(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a run over ticks came to.

    Attributes:
        ticks: how many events were played.
        orders, fills, denied: counts.
        equity_start, equity_end, fees: in the account's reporting currency.
        fingerprint: over the facts that matter: equal tape, settings and seed give an equal one.
        assumptions: of the venue and the limits, each a name and a sentence.
    """

    ticks: int
    orders: int
    fills: int
    denied: int
    equity_start: Decimal
    equity_end: Decimal
    fees: Decimal
    fingerprint: str
    assumptions: tuple[tuple[str, str], ...]


def clock_ahead_ns(tape: Iterable[Tick], *, least_latency_ns: int = 0) -> int:
    """Return how far the venue's clock is ahead of ours, nanoseconds; negative is behind.

    The event that came fastest is taken to have been under way for `least_latency_ns`: nothing in
    a tape tells a slow line from a clock that is wrong.
    """
    fastest = min((tick.ts - tick.event.ts_event for tick in tape), default=0)
    return least_latency_ns - fastest


class TickRun:
    """Strategies over one tape of ticks, on one account.

    Args:
        config: of the engine; its first account is the one that trades.
        classes: the strategies that `config` names.
        venue: the venue's assumptions, its latency among them.
        cash: opening money in `currency`, a decimal string above 0.
        venue_clock_ahead_ns: what to take off the venue's stamps to have them on the receiver's
            clock (`clock_ahead_ns`): then each event reaches the engine later than it happened, as
            the tape says. None: every event happens when it is received.

    Attributes:
        engine, venue: as they stand, for whoever looks closer.

    Raises:
        ConfigError: the configuration names something that does not exist.
    """

    def __init__(
        self,
        *,
        config: EngineConfig,
        classes: Mapping[str, StrategyClass],
        venue: BookVenueConfig | None = None,
        cash: str = "10000",
        currency: Currency = USDT,
        venue_clock_ahead_ns: int | None = None,
    ) -> None:
        use_money_context()
        self._config = config
        self._account = config.accounts[0].id
        self._cash, self._currency = cash, currency
        self._ahead_ns = venue_clock_ahead_ns
        self.engine = Engine(config, classes)
        self.venue = BookVenue(instruments=InstrumentBook(config.instruments), config=venue)
        self._answer_ns = self.venue.assumptions.latency.answer_ns
        self._collector = Collector()
        self._session = Session(
            engine=self.engine,
            venue=self.venue,
            sequencer=Sequencer(),
            commit=self._collector.commit,
        )
        self._heard: list[tuple[int, int, Trade | Quote | None, Sequence[VenueReport]]] = []
        self._posted = 0
        self._venue_now = 0

    def play(self, tape: Iterable[Tick]) -> TickResult:
        """Play the whole tape, once.

        Orders that are still under way when it ends arrive nowhere; what the venue has answered by
        then is heard.
        """
        count, is_open = 0, False
        for tick in tape:
            if not is_open:
                self._open(tick.ts)
                is_open = True
            self._play(tick)
            count += 1
        while self._heard:
            self._hear()
        self._collector.finish()
        return self._result(count)

    def _open(self, ts: int) -> None:
        account, tell = self._account, self._session.input
        self.venue.deposit(account, self._currency, Decimal(self._cash))
        tell(ApplyConfig(account, self._config.document()), ts)
        tell(SessionStarted(account, 0), ts)
        tell(Deposit(account, self._currency, self._cash, "opening"), ts)
        tell(Reconciled(account, 0), ts)

    def _play(self, tick: Tick) -> None:
        event, at = tick.event, self._at_venue(tick)
        self._until(at)
        if isinstance(event, Trade):
            reports = self.venue.on_trade(event, at)
        elif isinstance(event, Quote):
            reports = self.venue.on_quote(event, at)
        else:
            self._post(self.venue.on_book(event, at))
            return
        if tick.ts == at and not self._answer_ns:
            self._post_at(at, event, reports)
            return
        self._post(reports)
        self._post_at(tick.ts, event, ())

    def _at_venue(self, tick: Tick) -> int:
        """Return when an event happened, on our clock: never before the one before it."""
        at = tick.ts
        if self._ahead_ns is not None:
            at = min(at, tick.event.ts_event - self._ahead_ns)
        self._venue_now = at = max(at, self._venue_now)
        return at

    def _until(self, ts: int) -> None:
        """Let all happen that comes before an event at `ts`: arrivals there, and what we hear."""
        while True:
            due = self._heard[0][0] if self._heard else _NEVER
            arrival = self.venue.next_arrival
            if arrival is not None and arrival < min(due, ts):
                self._post(self.venue.advance(arrival))
            elif due <= ts:
                self._hear()
            else:
                return

    def _post(self, reports: Sequence[VenueReport]) -> None:
        """Send answers of the venue on their way to us."""
        for report in reports:
            self._post_at(report.ts_event + self._answer_ns, None, [report])

    def _post_at(
        self, due: int, event: Trade | Quote | None, reports: Sequence[VenueReport]
    ) -> None:
        self._posted += 1
        heapq.heappush(self._heard, (due, self._posted, event, reports))

    def _hear(self) -> None:
        """Give the engine what is due next."""
        due, _, event, reports = heapq.heappop(self._heard)
        self._session.fire_timers(due - 1)  # what is due at this very instant comes after it
        if event is not None:
            self._session.tick(event, due, reports)
            return
        for report in reports:
            self._session.input(report, due)

    def _result(self, ticks: int) -> TickResult:
        desk, collector = self.engine.desk, self._collector
        account = self._config.accounts[0]
        positions = desk.portfolio.positions(self._account)
        return TickResult(
            ticks=ticks,
            orders=collector.orders,
            fills=collector.fills,
            denied=collector.denied,
            equity_start=Decimal(self._cash),
            equity_end=desk.valuation.equity_exact(self._account),
            fees=sum((position.fees for position in positions), start=ZERO),
            fingerprint=collector.fingerprint.hexdigest(),
            assumptions=(
                *self.venue.describe(),
                ("feed", self._feed()),
                *((f"limit: {name}", value) for name, value in account.limits.describe()),
                *((f"protection: {each.name}", each.describe()) for each in account.protections),
            ),
        )

    def _feed(self) -> str:
        if self._ahead_ns is None:
            return "events happen at the venue when they are received"
        return (
            "events happen at the venue at its own stamps, less the"
            f" {Decimal(self._ahead_ns) / 1_000_000:f} ms by which its clock is ahead, and are"
            " heard when they were received"
        )
