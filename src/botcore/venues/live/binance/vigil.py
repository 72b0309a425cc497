"""Watches over the health of each instrument, and acts on silence (trap E60)."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from botcore.domain.errors import VenueError
from botcore.domain.ids import SECOND_NS, InstrumentId
from botcore.marketdata.processor import MarketDataProcessor
from botcore.marketdata.staleness import Health, SymbolHealth
from botcore.venues.live.binance.notices import HealthChanged, Notice
from botcore.venues.live.binance.streams import MarketStreams
from botcore.venues.live.binance.venue_time import VenueTime

_LOOK_S = 1.0


class Vigil:
    """Looks at every instrument once a second and tells of changes.

    An instrument that is silent while the connection lives is asked for anew; if it stays silent,
    the connection is dropped, so that another one is opened.

    Args:
        processor: knows the rhythm of each instrument.
        time: the venue's.
        streams: are asked again.
        names: the streams of each instrument.
        tell: takes what changed.
        resubscribe_s: how long the streams may stay silent after they were asked for anew.

    Attributes:
        health: of each instrument, as of the last look.
        resubscribed: how many times streams were asked for anew.
    """

    def __init__(
        self,
        processor: MarketDataProcessor,
        *,
        time: VenueTime,
        streams: MarketStreams,
        names: Mapping[InstrumentId, Sequence[str]],
        tell: Callable[[Notice], None],
        resubscribe_s: float,
    ) -> None:
        self._processor = processor
        self._time = time
        self._streams = streams
        self._names = names
        self._tell = tell
        self._resubscribe_ns = round(resubscribe_s * SECOND_NS)
        self._asked_at: dict[InstrumentId, int] = {}
        self._error: VenueError | None = None
        self.health: Mapping[InstrumentId, SymbolHealth] = {}
        self.resubscribed = 0

    def connected(self) -> None:
        """Take note that data flows again."""
        self._error = None
        self._asked_at.clear()

    def disconnected(self, error: VenueError) -> None:
        """Take note that no data flows, and why."""
        self._error = error

    async def run(self) -> None:
        """Look, tell and act, until cancelled."""
        while True:
            self.look()
            await self._act()
            await self._time.sleep(_LOOK_S)

    def look(self) -> None:
        """Judge every instrument, and tell of those that changed."""
        now = self._time.now_ns()
        judged: dict[InstrumentId, SymbolHealth] = {}
        for each in self._processor.assess(now_ns=now):
            found = each
            if each.health is Health.DOWN and self._error is not None:
                found = msgspec.structs.replace(each, cause=self._error.cause)
            judged[found.instrument] = found
            before = self.health.get(found.instrument)
            if before is None or before.health is not found.health:
                self._tell(HealthChanged(now, found))
        self.health = judged

    async def _act(self) -> None:
        now = self._time.monotonic_ns()
        up_ns = round(self._streams.up_s() * SECOND_NS)
        silent = [
            each
            for each, found in self.health.items()
            if found.health is Health.STALE and up_ns > found.limit_ns
        ]
        self._asked_at = {each: at for each, at in self._asked_at.items() if each in silent}
        if any(now - at > self._resubscribe_ns for at in self._asked_at.values()):
            self._asked_at.clear()
            self._streams.restart("it lives, but delivers nothing")
            return
        anew = [each for each in silent if each not in self._asked_at]
        if not anew:
            return
        self._asked_at.update(dict.fromkeys(anew, now))
        self.resubscribed += len(anew)
        try:
            await self._streams.resubscribe([name for each in anew for name in self._names[each]])
        except VenueError as error:
            self._streams.restart(error.cause)
