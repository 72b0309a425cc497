"""Live data in the order in which the engine takes it.

Nothing of a minute goes out before the bars of the minute that ended with its beginning: ticks and
opens that are ahead wait for them, for as long as `MinuteBars` does. What is older than bars that
went out is late: it is counted and dropped (trap E62).
"""

from collections.abc import Iterable, Mapping

from botcore.domain.ids import MINUTE_NS, InstrumentId
from botcore.domain.market import Bar, BarOpened, BarsClosed
from botcore.venues.live.binance.conflation import WINDOW_NS, Conflation, Tick
from botcore.venues.live.binance.minutes import PATIENCE_NS, MinuteBars

MarketEvent = BarsClosed | BarOpened | Tick


def stamp_of(event: MarketEvent) -> int:
    """Return when an event happened by the venue's clock, nanoseconds UTC."""
    if isinstance(event, BarsClosed):
        return event.ts_close
    return event.ts_open if isinstance(event, BarOpened) else event.ts_event


class Assembly:
    """What arrived and may not go out yet. It holds everything until `begin`.

    Args:
        instruments: that are followed.
        step_ns: length of a bar.
        patience_ns: how long a bar is waited for after its close.
        window_ns: least time between two quotes, and two prints, of an instrument.

    Attributes:
        minutes: the bars; its counters say what came late.
        late_ticks: quotes and prints that were older than bars that went out.
        is_starved: a minute passed that nobody delivered; everything is held until `begin`.
    """

    def __init__(
        self,
        instruments: Iterable[InstrumentId],
        *,
        step_ns: int = MINUTE_NS,
        patience_ns: int = PATIENCE_NS,
        window_ns: int = WINDOW_NS,
    ) -> None:
        self._step = step_ns
        self.minutes = MinuteBars(instruments, step_ns=step_ns, patience_ns=patience_ns)
        self._now = Conflation(window_ns=window_ns)
        self._ahead = Conflation(window_ns=window_ns)
        self._opens: list[BarOpened] = []
        self._opens_ahead: dict[InstrumentId, BarOpened] = {}
        self._is_held = True
        self.is_starved = False
        self.late_ticks = 0

    @property
    def conflated(self) -> int:
        """How many quotes and prints were folded into another."""
        return self._now.conflated + self._ahead.conflated

    def hold(self) -> None:
        """Give out nothing until `begin`: the connection is lost."""
        self._is_held = True

    def begin(self, opens_at: int, last_closes: Mapping[InstrumentId, int]) -> None:
        """Give out from the minute that opens at `opens_at` on, as `MinuteBars.begin`."""
        self.minutes.begin(opens_at, last_closes)
        self._is_held = self.is_starved = False
        self._turn()

    def bar(self, bar: Bar) -> bool:
        """Take a closed bar; return False where it is late."""
        return self.minutes.add(bar)

    def tick(self, tick: Tick) -> None:
        """Take a quote or a print."""
        closes_at = self.minutes.closes_at
        if self._is_held or tick.ts_event >= closes_at:
            self._ahead.add(tick)
        elif tick.ts_event >= closes_at - self._step:
            self._now.add(tick)
        else:
            self.late_ticks += 1

    def opened(self, event: BarOpened) -> None:
        """Take the first price of a bar."""
        closes_at = self.minutes.closes_at
        if self._is_held or event.ts_open >= closes_at:
            self._opens_ahead[event.instrument] = event
        elif event.ts_open >= closes_at - self._step:
            self._opens.append(event)

    def take(self, venue_now: int) -> list[MarketEvent]:
        """Return what may go out now, in order.

        Args:
            venue_now: the venue's time, nanoseconds UTC.
        """
        events: list[MarketEvent] = []
        if self._is_held:
            return events
        while (closed := self.minutes.due(venue_now)) is not None:
            events += self._opens
            self._opens.clear()
            events += self._now.flush()
            if not closed.bars:
                self._is_held = self.is_starved = True
                return events
            events.append(closed)
            self._turn()
        events += self._opens
        self._opens.clear()
        events += self._now.due(venue_now)
        return events

    def _turn(self) -> None:
        """Let what was ahead be of the minute under way."""
        opens = list(self._opens_ahead.values())
        self._opens_ahead.clear()
        for event in opens:
            self.opened(event)
        for tick in self._ahead.flush():
            self.tick(tick)
