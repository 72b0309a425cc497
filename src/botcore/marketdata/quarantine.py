"""What was refused, why, and how often: kept apart, never thrown away unseen."""

from collections import Counter, deque
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import msgspec

from botcore.domain.ids import InstrumentId
from botcore.domain.market import Bar, BarsClosed, BookDelta, BookSnapshot, Quote, Trade

MarketDatum = Trade | Quote | Bar | BarsClosed | BookSnapshot | BookDelta
"""What a venue tells about its market, in the domain's words."""


class RefusalReason(StrEnum):
    """Why market data was refused."""

    NOT_SUBSCRIBED = "NOT_SUBSCRIBED"
    UNKNOWN_KIND = "UNKNOWN_KIND"
    PRICE_INVALID = "PRICE_INVALID"
    QUANTITY_INVALID = "QUANTITY_INVALID"
    PRICE_OFF_TICK = "PRICE_OFF_TICK"
    BAR_INCONSISTENT = "BAR_INCONSISTENT"
    BAR_UNFINISHED = "BAR_UNFINISHED"
    BOOK_CROSSED = "BOOK_CROSSED"
    BOOK_UNSORTED = "BOOK_UNSORTED"
    STAMP_IMPLAUSIBLE = "STAMP_IMPLAUSIBLE"
    STAMP_IN_FUTURE = "STAMP_IN_FUTURE"
    OUT_OF_ORDER = "OUT_OF_ORDER"
    DUPLICATE = "DUPLICATE"


class Quarantined(msgspec.Struct, frozen=True, gc=False):
    """Market data that was refused: it moved nothing and nobody may act on it.

    Attributes:
        reason: why, stable.
        cause: one sentence with the value and the limit, for people.
        instrument: of what; None where that cannot be told.
        ts_init: when it was received, nanoseconds UTC.
        datum: the refused thing itself.
    """

    reason: RefusalReason
    cause: str
    instrument: InstrumentId | None
    ts_init: int
    datum: object


class Quarantine:
    """The last refusals, and the count of all of them by instrument and reason.

    Args:
        capacity: how many refused things are kept; the oldest is dropped first. They are counted
            for ever.
        names_max: how many instruments are counted apart; what is refused of any further one is
            counted under None. A venue that sends names without end must not fill the memory.
    """

    def __init__(self, *, capacity: int = 512, names_max: int = 4_096) -> None:
        self._kept: deque[Quarantined] = deque(maxlen=capacity)
        self._counts: Counter[tuple[InstrumentId | None, RefusalReason]] = Counter()
        self._names: set[InstrumentId] = set()
        self._names_max = names_max

    def __len__(self) -> int:
        """How many refused things are kept now."""
        return len(self._kept)

    @property
    def total(self) -> int:
        """How many were refused since the start."""
        return self._counts.total()

    @property
    def counts(self) -> Mapping[tuple[InstrumentId | None, RefusalReason], int]:
        """How many were refused since the start, by instrument and reason; a live view."""
        return MappingProxyType(self._counts)

    def by_reason(self) -> dict[RefusalReason, int]:
        """Return how many were refused since the start for each reason met; on any thread."""
        totals: Counter[RefusalReason] = Counter()
        for (_, reason), count in dict(self._counts).items():  # a copy: it counts on meanwhile
            totals[reason] += count
        return dict(totals)

    def add(self, refused: Quarantined) -> None:
        """Keep and count one refusal."""
        self._kept.append(refused)
        self._counts[self._counted_as(refused.instrument), refused.reason] += 1

    def recent(
        self,
        *,
        instrument: InstrumentId | None = None,
        reason: RefusalReason | None = None,
        limit: int = 100,
    ) -> tuple[Quarantined, ...]:
        """Return the last refusals that are kept, newest first; None asks for all of them."""
        chosen: list[Quarantined] = []
        for refused in reversed(self._kept):
            if len(chosen) >= limit:
                break
            if instrument in (None, refused.instrument) and reason in (None, refused.reason):
                chosen.append(refused)
        return tuple(chosen)

    def _counted_as(self, instrument: InstrumentId | None) -> InstrumentId | None:
        if instrument is None or instrument in self._names:
            return instrument
        if len(self._names) >= self._names_max:
            return None
        self._names.add(instrument)
        return instrument
