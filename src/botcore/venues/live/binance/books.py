"""Order books of the live streams: each joined to a snapshot, and again after every hole.

The procedure is Binance's ("How to manage a local order book correctly", traps E57 to E59):
changes wait, a snapshot is asked for, the book joins both or a newer snapshot is asked for. The
book itself (`OrderBook`) keeps the sequence; here is who asks, how often, and who is told.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import MappingProxyType

import msgspec

from botcore.domain.errors import VenueError
from botcore.domain.ids import SECOND_NS, InstrumentId
from botcore.domain.market import BookDelta, BookSnapshot
from botcore.kernel.backoff import Backoff, Uniform
from botcore.kernel.clock import Clock
from botcore.marketdata.book import Applied, OrderBook

Fetch = Callable[[InstrumentId], Awaitable[BookSnapshot]]
_IDLE_S = 0.1
_BACKOFF = Backoff(base_s=1.0, cap_s=60.0)


class BookBroken(msgspec.Struct, frozen=True, gc=False):
    """A book that can no longer be believed; it is being joined anew.

    Attributes:
        ts: the venue's stamp of the change that did not follow, nanoseconds UTC.
        missing: how many updates were skipped; 0 where the reason is another.
        cause: what was wrong, for people.
    """

    instrument: InstrumentId
    ts: int
    missing: int
    cause: str


class LiveBooks:
    """Keeps a book an instrument.

    Args:
        instruments: whose.
        fetch: asks for a snapshot; raises `VenueError`.
        clock: waits between tries.
        rng: draws the waits.
        on_broken: told of every hole.

    Attributes:
        joined: how many times a book was joined to a snapshot.
        broken: how many times one was lost to a hole or a crossing.
    """

    def __init__(
        self,
        instruments: Iterable[InstrumentId],
        *,
        fetch: Fetch,
        clock: Clock,
        rng: Uniform,
        on_broken: Callable[[BookBroken], None],
    ) -> None:
        self._books = {name: OrderBook(name) for name in instruments}
        self._fetch = fetch
        self._clock = clock
        self._rng = rng
        self._on_broken = on_broken
        self._tries: dict[InstrumentId, int] = {}
        self._not_before: dict[InstrumentId, int] = {}
        self._clearings = 0
        self.joined = 0
        self.broken = 0

    @property
    def books(self) -> Mapping[InstrumentId, OrderBook]:
        """The books; believe one only while it `is_valid`."""
        return MappingProxyType(self._books)

    def delta(self, delta: BookDelta) -> None:
        """Take changed levels."""
        book = self._books.get(delta.instrument)
        if book is not None and book.apply(delta) is Applied.BROKEN:
            self.broken += 1
            self._on_broken(BookBroken(delta.instrument, delta.ts_event, book.gap, book.reason))

    def clear(self) -> None:
        """Forget all levels: the connection is new, and nothing is merged over a hole (E59)."""
        for book in self._books.values():
            book.clear()
        self._tries.clear()
        self._not_before.clear()
        self._clearings += 1

    async def run(self) -> None:
        """Ask for the snapshots that are missing, one at a time, until cancelled."""
        while True:
            name = self._wanted()
            if name is None:
                await self._clock.sleep(_IDLE_S)
            else:
                await self._join(name)

    def _wanted(self) -> InstrumentId | None:
        """Return a book whose changes wait for a snapshot, or that has outrun the last one."""
        now = self._clock.monotonic_ns()
        for name, book in self._books.items():
            wants = book.waiting > 0 if book.reason else book.has_outrun_snapshot
            if wants and now >= self._not_before.get(name, 0):
                return name
        return None

    async def _join(self, name: InstrumentId) -> None:
        tries, clearings = self._tries.get(name, 0), self._clearings
        self._tries[name] = tries + 1
        wait_s = _BACKOFF.delay_s(tries, rng=self._rng)
        self._not_before[name] = self._clock.monotonic_ns() + round(wait_s * SECOND_NS)
        try:
            snapshot = await self._fetch(name)
        except VenueError:
            return  # the stream tells of the venue's health; this is asked again
        book = self._books[name]
        if clearings != self._clearings:
            return  # of the connection before
        if book.is_valid and snapshot.last_id < book.last_id:
            return
        if book.snapshot(snapshot):
            self.joined += 1
            self._tries.pop(name, None)
