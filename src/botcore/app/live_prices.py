"""Binance's public prices as a source for the paper account: no key, play money."""

import asyncio
import threading
from collections import deque
from collections.abc import Coroutine, Sequence
from typing import TypeVar

from botcore.app.home import Home
from botcore.app.live_books import levels_of
from botcore.app.live_feed import LiveFeed, Reach, answers, backfill, listed
from botcore.app.live_streams import stream_of
from botcore.app.market_tape import Tape
from botcore.app.markets import History, MarketEvent, Put, PutHistory
from botcore.app.restoring import Restored
from botcore.app.settings import Settings
from botcore.control.views import StreamView
from botcore.domain.errors import VenueError
from botcore.domain.ids import DAY_NS, MINUTE_NS, InstrumentId, Nanos, instrument_id
from botcore.domain.instruments import InstrumentBook
from botcore.domain.market import BarsClosed
from botcore.domain.questions import BookLevels
from botcore.kernel.clock import Clock, SystemClock
from botcore.venues.live.binance.feed import FeedConfig
from botcore.venues.live.binance.notices import ConnectionChanged, GapSeen, HealthChanged, Notice
from botcore.venues.live.binance.streams import StreamConfig

R = TypeVar("R")
USUAL = ("BTCUSDT.BINANCE", "ETHUSDT.BINANCE", "SOLUSDT.BINANCE")
_NEWS_KEPT = 20


def config_of(settings: Settings) -> FeedConfig:
    """Return where Binance is, by the settings."""
    return FeedConfig(
        stream=StreamConfig(url=settings.binance_streams), rest_url=settings.binance_rest
    )


def reach(settings: Settings) -> Reach:
    """Ask Binance for its time and a frame; three seconds at most."""
    return asyncio.run(answers(clock=SystemClock(), config=config_of(settings)))


class VenueClock:
    """The venue's time where the feed has measured it, else the machine's.

    Args:
        wall: the machine's clock.
    """

    def __init__(self, wall: Clock) -> None:
        self._wall = wall
        self._feed: LiveFeed | None = None

    def follow(self, feed: LiveFeed) -> None:
        """Show the time that a feed measures from now on."""
        self._feed = feed

    def now_ns(self) -> Nanos:
        """Return the venue's time, nanoseconds UTC."""
        return self._wall.now_ns() if self._feed is None else Nanos(self._feed.now_ns)

    def monotonic_ns(self) -> int:
        """Return the machine's monotonic time."""
        return self._wall.monotonic_ns()

    def sleep_blocking(self, seconds: float) -> None:
        """Sleep by the machine's clock."""
        self._wall.sleep_blocking(seconds)

    async def sleep(self, seconds: float) -> None:
        """Sleep by the machine's clock."""
        await self._wall.sleep(seconds)


class LivePrices:
    """Implements `Market` with Binance's public streams.

    Args:
        settings: name the instruments, and where Binance is.
        home: unused: everything that is missed can be asked for again.

    Raises:
        ConfigError: an instrument is not one that Binance lists.
        VenueError: Binance does not answer, or does not serve this place.
    """

    name = "binance"
    step_ns = MINUTE_NS
    clock_words = "the exchange's clock, UTC"
    has_ended = False
    end_words = ""
    pace = 1.0

    def __init__(self, settings: Settings, home: Home) -> None:
        del home
        self._config = config_of(settings)
        self._names: Sequence[InstrumentId] = [
            instrument_id(name) for name in sorted(settings.feed_instruments or USUAL)
        ]
        self._clock: Clock = SystemClock()
        self._seed = settings.seed
        self._history_ns = round(settings.history_days * DAY_NS)
        self.instruments = _asked(listed(self._names, clock=self._clock, config=self._config))
        self._lock = threading.Lock()
        self._news: deque[str] = deque(maxlen=_NEWS_KEPT)
        self._since = 0
        self._missed = 0
        self._feed: LiveFeed | None = None

    def banner(self) -> str:
        """Say whose prices these are, and that the money is play money."""
        feed = self._feed
        if feed is None or feed.connection.is_up:
            return "PAPER – Binance's public prices, play money"
        return f"PAPER – Binance's prices are interrupted: {feed.connection.cause}"

    @property
    def is_connected(self) -> bool:
        """Whether the streams deliver."""
        return self._feed is not None and self._feed.connection.is_up

    def open(self, *, wall: Clock, last: int) -> None:
        """Begin now: a market that goes on by itself cannot be gone back to."""
        del last
        self._clock = wall
        self._venue_clock = VenueClock(wall)

    @property
    def clock(self) -> Clock:
        """The venue's, as far as it is known."""
        return self._venue_clock

    def history(self, restored: Restored, tape: Tape) -> History:
        """Ask for the candles since the strategies last saw one, or for days of them.

        Raises:
            VenueError: Binance does not answer.
        """
        del tape
        now = self._clock.now_ns()
        since = now - self._history_ns
        if restored.are_strategies_warm:
            since = max(since, restored.decided_at)
        events = _asked(
            backfill(
                self._names,
                start_ns=-(-since // MINUTE_NS) * MINUTE_NS,
                end_ns=now // MINUTE_NS * MINUTE_NS,
                clock=self._clock,
                config=self._config,
            )
        )
        return History(events)

    def caught_up(self, decided_at: int) -> None:
        """Go on with the minute after that."""
        self._since = decided_at

    def start(self, put: Put, put_history: PutHistory) -> None:
        """Connect; what is missed while it is interrupted comes as history."""
        self._put, self._put_history = put, put_history
        self._connect()

    def stop(self) -> None:
        """Close the connection."""
        if self._feed is not None:
            self._feed.stop()

    def keep(self) -> None:
        """Keep nothing: the exchange does."""

    def stream(self) -> StreamView | None:
        """Return what went through the streams since the process began; None before they began."""
        feed = self._feed
        return None if feed is None else stream_of(feed, self._missed)

    def book(self, instrument: InstrumentId, depth: int) -> BookLevels | None:
        """Return the kept book; None before the streams have begun."""
        feed = self._feed
        kept = None if feed is None else feed.books.get(instrument)
        return None if kept is None else levels_of(kept, depth, self.clock.now_ns())

    def news(self) -> str:
        """Return what the feed told since; begin it again where it has failed."""
        feed = self._feed
        if feed is not None and feed.error is not None:
            self._tell(f"the live feed failed and begins again: {feed.error}")
            feed.stop()
            self._connect()
        with self._lock:
            return self._news.popleft() if self._news else ""

    def _connect(self) -> None:
        self._feed = LiveFeed(
            instruments=self._names,
            clock=self._clock,
            seed=self._seed,
            put=self._heard,
            put_history=self._heard_history,
            tell=self._noticed,
            rules=InstrumentBook(self.instruments),
            since_ns=self._since,
            config=self._config,
        )
        self._feed.start()
        self._venue_clock.follow(self._feed)

    def _heard(self, event: MarketEvent, ts: int) -> None:
        if isinstance(event, BarsClosed):  # a feed that begins again must not give it once more
            self._since = max(self._since, event.ts_close)
        self._put(event, ts)

    def _heard_history(self, event: BarsClosed, ts: int) -> None:
        self._since = max(self._since, ts)
        self._put_history(event, ts)

    def _noticed(self, notice: Notice) -> None:
        """Put into words what a person should hear; called on a thread of the feed."""
        match notice:
            case ConnectionChanged(is_up=True):
                self._tell("connected to Binance's public streams")
            case ConnectionChanged():
                self._tell(f"Binance's streams are interrupted: {notice.cause} [{notice.code}]")
            case GapSeen():
                self._missed += 1
                whose = notice.instrument or "all instruments"
                self._tell(f"{notice.what} of {whose} were missed: {notice.cause}")
            case HealthChanged():
                self._tell(f"prices of {notice.now.instrument} are {notice.now.health}")

    def _tell(self, sentence: str) -> None:
        with self._lock:
            self._news.append(sentence)


def _asked(answer: Coroutine[None, None, R]) -> R:
    """Wait for an answer without which the platform cannot start on live prices."""
    try:
        return asyncio.run(answer)
    except VenueError as error:
        raise VenueError(
            code=error.code,
            cause=error.cause,
            fix="start with --feed auto, which takes the simulated market while Binance does not"
            " answer, or with --feed tape; `botcore doctor` asks again",
        ) from error
