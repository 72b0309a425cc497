"""The market that the engine trades on, as the api process follows it: bounded, and only read."""

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from botcore.app.recorded_market import symbol_of
from botcore.control.schema.market import Symbol
from botcore.control.views import FeedStatus, PlatformView
from botcore.control.wording import STALE_AFTER_S
from botcore.domain.ids import SECOND_NS
from botcore.domain.instruments import Instrument
from botcore.domain.market import Bar, BarOpened, BarsClosed, Quote, Trade

BARS_KEPT: Final = 50_000
"""Of each instrument; at 15 s they are more than a week."""
TRADES_KEPT: Final = 500


class ViewSource(Protocol):
    """Has the newest view."""

    def view(self) -> PlatformView | None:
        """Return it, or None before the first."""
        ...

    def view_age_s(self) -> float:
        """Return how long ago it arrived, seconds."""
        ...


class FollowedMarket:
    """What came over the bus, and before that from the tape (`control.market_port.RunningMarket`).

    Args:
        platform: its newest view has the feed's clock and status.
    """

    def __init__(self, *, platform: ViewSource) -> None:
        self._platform = platform
        self._step_ns = 0
        self._symbols: tuple[Symbol, ...] = ()
        self._bars: dict[str, deque[Bar]] = {}
        self._trades: dict[str, deque[Trade]] = {}
        self._quotes: dict[str, Quote] = {}
        self._lock = threading.Lock()

    @property
    def step_ns(self) -> int:
        """Length of its bars."""
        return self._step_ns

    def use(self, instruments: Sequence[Instrument], step_ns: int) -> None:
        """Follow these from now on; what is known of those that stay is kept.

        Args:
            instruments: what is traded.
            step_ns: length of its bars, nanoseconds.
        """
        with self._lock:
            kept = self._bars if step_ns == self._step_ns else {}
            self._bars = {
                each.id: kept.get(each.id, deque(maxlen=BARS_KEPT)) for each in instruments
            }
            self._step_ns = step_ns
            self._symbols = tuple(symbol_of(each, is_traded=True) for each in instruments)

    def seed(self, recorded: Iterable[BarsClosed]) -> None:
        """Take up bars of the tape, oldest first; those that came meanwhile are kept behind."""
        earlier: dict[str, deque[Bar]] = {name: deque(maxlen=BARS_KEPT) for name in self._bars}
        for event in recorded:
            for bar in event.bars:
                if bar.instrument in earlier and bar.spec.step_ns == self._step_ns:
                    earlier[bar.instrument].append(bar)
        with self._lock:
            for name, bars in earlier.items():
                newer = self._bars[name]
                bars.extend(b for b in newer if not bars or b.ts_open > bars[-1].ts_open)
                self._bars[name] = bars

    def observe(self, event: BarsClosed | BarOpened | Quote | Trade) -> None:
        """Take what the engine has just been given."""
        with self._lock:
            match event:
                case BarsClosed():
                    for bar in event.bars:
                        self._add(bar)
                case Quote():
                    self._quotes[event.instrument] = event
                case Trade():
                    kept = self._trades.setdefault(event.instrument, deque(maxlen=TRADES_KEPT))
                    kept.append(event)
                case BarOpened():
                    return

    def symbols(self) -> Sequence[Symbol]:
        """Return what is traded."""
        return self._symbols

    def bars(self, symbol: str) -> Sequence[Bar]:
        """Return the closed bars of an instrument, oldest first."""
        with self._lock:
            return list(self._bars.get(symbol, ()))

    def last_bar(self, symbol: str) -> Bar | None:
        """Return the newest closed bar of an instrument."""
        kept = self._bars.get(symbol)
        return kept[-1] if kept else None

    def quote(self, symbol: str) -> Quote | None:
        """Return the newest best prices; None where the feed gives none."""
        return self._quotes.get(symbol)

    def trades(self, symbol: str) -> Sequence[Trade] | None:
        """Return the last trades, oldest first; None where the feed gives none."""
        with self._lock:
            found = self._trades.get(symbol)
            return None if found is None else list(found)

    def now_ns(self) -> int:
        """Return the feed's clock, as the newest view tells it and time has passed since."""
        view = self._platform.view()
        if view is None:
            return 0
        return view.feed.now + round(self._platform.view_age_s() * SECOND_NS)

    def status(self) -> str:
        """Return ``live``, ``stale`` or ``down``: of an engine that is silent nothing is live."""
        view = self._platform.view()
        if view is None:
            return FeedStatus.DOWN.value
        if self._platform.view_age_s() > STALE_AFTER_S:
            return FeedStatus.STALE.value
        return view.feed.status.value

    def _add(self, bar: Bar) -> None:
        kept = self._bars.get(bar.instrument)
        if kept is None or bar.spec.step_ns != self._step_ns:
            return
        if not kept or bar.ts_open > kept[-1].ts_open:
            kept.append(bar)
