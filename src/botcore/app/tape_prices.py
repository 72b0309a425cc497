"""An imported tape as a source of prices: recorded candles, played at a shown speed."""

import threading
from collections import deque
from collections.abc import Iterator

import msgspec

from botcore.app.home import Home
from botcore.app.market_source import rules_of, series_of
from botcore.app.market_tape import Tape
from botcore.app.markets import History, MarketEvent, Put, PutHistory
from botcore.app.restoring import Restored
from botcore.app.settings import Settings
from botcore.backtest import BarTape
from botcore.domain.calendar import instant_name, parse_instant, parse_step
from botcore.domain.errors import ConfigError, StorageError
from botcore.domain.ids import (
    DAY_NS,
    ContractKind,
    InstrumentId,
    Nanos,
    instrument_id,
    parse_instrument_id,
)
from botcore.domain.market import Bar, BarFlag, BarOpened
from botcore.kernel.clock import Clock, PausableClock
from botcore.marketdata.series import SeriesInfo
from botcore.storage.lake import Lake

_NAP_S = 0.25
"""The longest sleep: a stop is noticed within it."""
ENDED = "the tape has ended: nothing is opened any more; `botcore rewind` plays it from its start"


class TapeState(msgspec.Struct, frozen=True):
    """Where a tape stands: its own clock, nanoseconds, and whether it was played to its end."""

    clock_ns: int
    has_ended: bool = False


class TapePrices:
    """Implements `Market` with candles of the lake.

    Args:
        settings: name instruments, timeframe, start and speed.
        home: holds the lake, and keeps where the tape stands.

    Raises:
        ConfigError: there are no such candles.
        StorageError: what was kept is damaged.
    """

    name = "tape"
    is_connected = True
    end_words = ENDED

    def __init__(self, settings: Settings, home: Home) -> None:
        self._home = home
        self.pace = settings.feed_speed
        self.step_ns = parse_step(settings.feed_timeframe)
        lake = Lake(home.lake)
        names = settings.feed_instruments or tuple(
            sorted({str(i.instrument) for i in lake.series() if _is_playable(i, self.step_ns)})
        )
        if not names:
            raise ConfigError(
                code="DATA_ABSENT",
                cause=f"no {settings.feed_timeframe} candles were imported to be played",
                fix="bring some in: botcore data import PATH, or botcore data fetch",
            )
        notes: list[str] = []
        candles = [
            series_of(lake, instrument_id(name), self.step_ns, None, None, notes)
            for name in sorted(names)
        ]
        self.instruments = tuple(rules_of(each, notes) for each in candles)
        self._tape = BarTape.of(candles)
        first, self._end = self._tape.span
        history = round(settings.history_days * DAY_NS)
        self._first = (
            first + history if settings.feed_from is None else parse_instant(settings.feed_from)
        )
        if not first <= self._first < self._end:
            raise ConfigError(
                code="RANGE_REFUSED",
                cause=f"the tape cannot begin at {instant_name(self._first)}",
                fix=f"it holds {instant_name(first)} to {instant_name(self._end)}: choose"
                " --from in it, with some days of history before",
            )
        self._history_bars = history // self.step_ns
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._news = deque(notes)
        self.has_ended = False

    @property
    def clock_words(self) -> str:
        """How the tape's clock runs."""
        return f"the tape's own clock, {self.pace:g} times as fast as the wall's"

    def banner(self) -> str:
        """Say that this is the past, which day, and how fast it goes."""
        state = " · ended, `botcore rewind` plays it again" if self.has_ended else ""
        day = instant_name(self._clock.now_ns() // DAY_NS * DAY_NS)
        return f"REPLAY {day} · {self.pace:g}×{state}"

    def open(self, *, wall: Clock, last: int) -> None:
        """Go to where the tape stood, or to its start.

        Raises:
            StorageError: what was kept is damaged.
        """
        state = _load(self._home)
        stood = self._first if state is None else state.clock_ns
        # A tape that has grown since goes on.
        self.has_ended = state is not None and state.has_ended and state.clock_ns >= self._end
        self._clock = PausableClock(max(stood, last), base=wall, rate=self.pace)
        if self.has_ended:
            self._clock.pause()
        self._played = int(self._clock.now_ns())

    @property
    def clock(self) -> Clock:
        """The tape's own."""
        return self._clock

    def history(self, restored: Restored, tape: Tape) -> History:
        """Return the candles before now: they can be read from the lake at every start."""
        del tape
        past = self._tape.between(None, self._played - self.step_ns + 1)
        if restored.are_strategies_warm:
            return History([each for each in past if each.ts_close > restored.decided_at])
        return History(list(past.last(self._history_bars)))

    def caught_up(self, decided_at: int) -> None:
        """Go on behind the last bar that was played."""
        self._played = max(self._played, decided_at)

    def start(self, put: Put, put_history: PutHistory) -> None:
        """Play on; nothing is ever missed."""
        del put_history
        self._put = put
        self._thread.start()

    def stop(self) -> None:
        """Stop playing, and wait for the thread."""
        self._stopping.set()
        self._thread.join(timeout=5.0)

    def keep(self) -> None:
        """Keep where the tape stands.

        Raises:
            StorageError: it cannot be written.
        """
        state = TapeState(self._clock.now_ns(), self.has_ended)
        self._home.replace(
            self._home.market.name, msgspec.json.encode(state), folder=self._home.state
        )

    def stream(self) -> None:
        """Have no streams."""

    def book(self, instrument: InstrumentId, depth: int) -> None:
        """Keep none: a tape holds candles."""
        del instrument, depth

    def news(self) -> str:
        """Return what must be said of its prices, and once that it has ended."""
        return self._news.popleft() if self._news else ""

    def _run(self) -> None:
        opens_after = self._played - self.step_ns  # the bar under way is played whole
        for ts, event in _events(self._tape.between(opens_after + 1, None)):
            if ts <= self._played and isinstance(event, BarOpened):
                continue  # before the stop: it was played then
            if not self._wait_until(ts):
                return
            self._put(event, ts)
        if not self.has_ended:
            self._news.append(ENDED)
        self.has_ended = True
        self._clock.pause()

    def _wait_until(self, ts: int) -> bool:
        while not self._stopping.is_set():
            left = (ts - self._clock.now_ns()) / 1e9 / self.pace
            if left <= 0:
                return True
            self._clock.sleep_blocking(min(left, _NAP_S))
        return False


def _is_playable(info: SeriesInfo, step_ns: int) -> bool:
    """Whether a series can be traded in bars of that length: perpetuals cannot, yet."""
    kind = parse_instrument_id(info.instrument)[1]
    return step_ns % info.step_ns == 0 and kind is ContractKind.SPOT


def _events(tape: BarTape) -> Iterator[tuple[int, MarketEvent]]:
    """Yield each bar's open, known when it opens, and then the bars of each close stamp.

    The open behind a hole is left out: what waited must not jump it (trap E10b), and the bar
    itself tells the venue of the hole.
    """
    for event in tape:
        for bar in event.bars:
            if not bar.flags & BarFlag.GAP_BEFORE:
                yield bar.ts_open, _opened(bar)
        yield event.ts_close, event


def _opened(bar: Bar) -> BarOpened:
    return BarOpened(bar.instrument, Nanos(bar.ts_open), bar.open)


def _load(home: Home) -> TapeState | None:
    if not home.market.exists():
        return None
    try:
        return msgspec.json.decode(home.market.read_bytes(), type=TapeState)
    except (OSError, msgspec.MsgspecError) as error:
        raise StorageError(
            code="MARKET_DAMAGED",
            cause=f"{home.market} cannot be read: {error}",
            fix="restore it from a backup, or `botcore rewind` to begin the tape again",
        ) from error
