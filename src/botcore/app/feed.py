"""The simulated market in real time: opens, quotes, trades and closed bars, each at its instant.

Its clock is wall time less its pauses: a stop and a later start leave no gap, and prices go on
where they were.
"""

import base64
import threading
from collections.abc import Callable, Iterator

import msgspec

from botcore.app.home import Home
from botcore.app.markets import Put
from botcore.app.settings import Settings
from botcore.domain.errors import StorageError
from botcore.domain.ids import DAY_NS, SECOND_NS, InstrumentId, Nanos
from botcore.domain.market import Bar, BarOpened, BarsClosed, BarSpec, Quote, Trade
from botcore.kernel.clock import Clock, PausableClock
from botcore.venues.simulated.market import (
    DEMO,
    AggressorSide,
    BarColumns,
    MarketConfig,
    MarketQuote,
    MarketTick,
    SimulatedMarket,
)

BANNER = "SIMULATED MARKET – not real prices; this result says nothing about real markets"
_NAP_S = 0.25
"""The longest sleep: a stop is noticed within it."""


class FeedState(msgspec.Struct, frozen=True):
    """Where the market stands: what a later start goes on from.

    Attributes:
        clock_ns: the market's own clock.
        market: the generator's state, base64.
        seed: it was begun with; another one in the settings does not change it.
    """

    clock_ns: int
    market: str
    seed: int


def market_config(settings: Settings) -> MarketConfig:
    """Return the simulated market at the bar size of the settings."""
    return DEMO.with_bar_ns(round(settings.bar_s * SECOND_NS))


def begin(config: MarketConfig, *, seed: int, now: int, history_ns: int) -> SimulatedMarket:
    """Begin a market whose first live bar opens at the bar boundary before `now`."""
    step = config.bar_ns
    first = now // step * step
    return SimulatedMarket(config, seed, origin_ns=first - history_ns // step * step)


def load_state(home: Home) -> FeedState | None:
    """Return where the market of a home stands; None where it never ran.

    Raises:
        StorageError: the file is damaged.
    """
    if not home.market.exists():
        return None
    try:
        return msgspec.json.decode(home.market.read_bytes(), type=FeedState)
    except (OSError, msgspec.MsgspecError) as error:
        raise StorageError(
            code="MARKET_DAMAGED",
            cause=f"{home.market} cannot be read: {error}",
            fix="restore it from a backup, or run `./bot clean` to begin a new paper account",
        ) from error


def save_state(home: Home, market: SimulatedMarket, clock_ns: int) -> None:
    """Keep where the market stands."""
    state = FeedState(clock_ns, base64.b64encode(market.state()).decode(), market.seed)
    home.replace(home.market.name, msgspec.json.encode(state), folder=home.state)


def resumed(config: MarketConfig, state: FeedState) -> SimulatedMarket:
    """Return the market as it stood."""
    return SimulatedMarket.resume(config, base64.b64decode(state.market))


def open_market(
    settings: Settings, home: Home, *, wall: Clock, last: int
) -> tuple[SimulatedMarket, PausableClock]:
    """Return the market of a home, begun anew where it never ran, and its own clock.

    Args:
        settings: of a market that is new.
        home: keeps where it stands.
        wall: the machine's clock.
        last: the newest instant on record: the market's clock does not go back behind it.

    Raises:
        StorageError: what was kept cannot be read or written.
    """
    config = market_config(settings)
    state = load_state(home)
    if state is None:
        now = wall.now_ns()
        history = round(settings.history_days * DAY_NS)
        market = begin(config, seed=settings.seed, now=now, history_ns=history)
        save_state(home, market, now)
        return market, PausableClock(now, base=wall)
    return resumed(config, state), PausableClock(max(state.clock_ns, last), base=wall)


def bars_of(history: dict[str, BarColumns], spec: BarSpec) -> Iterator[BarsClosed]:
    """Return generated history as the inputs it would have been, oldest first."""
    names = sorted(history)
    columns = {
        name: (
            history[name].ts_open.tolist(),
            history[name].open.tolist(),
            history[name].high.tolist(),
            history[name].low.tolist(),
            history[name].close.tolist(),
            history[name].volume.tolist(),
        )
        for name in names
    }
    count = len(columns[names[0]][0]) if names else 0
    for row in range(count):
        bars = []
        for name in names:
            ts, o, h, low, c, v = (values[row] for values in columns[name])
            bars.append(Bar(InstrumentId(name), spec, ts, ts + spec.step_ns, o, h, low, c, v))
        yield BarsClosed(Nanos(bars[0].ts_close), tuple(bars))


class SimulatedFeed:
    """Plays the market forward on a thread of its own.

    Args:
        market: its next bar is the one under way, or one that is due already.
        clock: the market's own.
        put: takes each event with its stamp; may block when the engine is behind.
        on_bar: called after each closed bar (to keep where the market stands).
    """

    def __init__(
        self,
        *,
        market: SimulatedMarket,
        clock: PausableClock,
        put: Put,
        on_bar: Callable[[], None],
    ) -> None:
        self._market = market
        self._clock = clock
        self._put = put
        self._on_bar = on_bar
        self._spec = BarSpec(market.config.bar_ns)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self.error: BaseException | None = None

    def start(self) -> None:
        """Begin to play."""
        self._thread.start()

    def stop(self) -> None:
        """Stop playing and wait for the thread."""
        self._stopping.set()
        self._thread.join(timeout=5.0)

    def _run(self) -> None:
        resumed_at = self._clock.now_ns()
        while not self._stopping.is_set():
            number = self._market.next_bar
            opens = self._market.ts_open(number)
            closes = opens + self._spec.step_ns
            opened: set[str] = set()
            for tick in self._market.ticks(number):
                is_first = not isinstance(tick, MarketQuote) and tick.instrument not in opened
                if is_first:
                    opened.add(tick.instrument)
                if tick.ts_event < resumed_at:
                    continue  # before the stop: it was played then
                if not self._wait_until(tick.ts_event):
                    return
                if is_first:
                    name = InstrumentId(tick.instrument)
                    self._put(BarOpened(name, Nanos(tick.ts_event), _price(tick)), tick.ts_event)
                self._put(_event(tick), tick.ts_event)
            if not self._wait_until(closes):
                return
            for event in bars_of(self._market.history(1), self._spec):
                self._put(event, closes)
            self._on_bar()

    def _wait_until(self, ts: int) -> bool:
        while not self._stopping.is_set():
            left = (ts - self._clock.now_ns()) / 1e9
            if left <= 0:
                return True
            self._clock.sleep_blocking(min(left, _NAP_S))
        return False


def _price(tick: MarketTick) -> float:
    assert not isinstance(tick, MarketQuote)
    return tick.price


def _event(tick: MarketTick) -> Trade | Quote:
    name, ts = InstrumentId(tick.instrument), Nanos(tick.ts_event)
    if isinstance(tick, MarketQuote):
        return Quote(name, ts, tick.bid, tick.ask, tick.bid_size, tick.ask_size)
    is_buy = tick.aggressor is AggressorSide.BUY
    return Trade(name, ts, tick.price, tick.quantity, is_buy)
