"""What the live feed tells about itself, beside the data."""

import msgspec

from botcore.domain.ids import InstrumentId
from botcore.marketdata.staleness import SymbolHealth


class GapSeen(msgspec.Struct, frozen=True, gc=False):
    """Data that did not come.

    Attributes:
        instrument: whose; None for all.
        what: ``trades``, ``book`` or ``minutes``.
        ts: the venue's time at which it showed, nanoseconds UTC.
        missing: how many prints, book updates or minutes; 0 where it cannot be counted.
        cause: one sentence for people.
    """

    instrument: InstrumentId | None
    what: str
    ts: int
    missing: int
    cause: str


class HealthChanged(msgspec.Struct, frozen=True, gc=False):
    """An instrument's data is live, stale or down from `ts` on, and why."""

    ts: int
    now: SymbolHealth


class ConnectionChanged(msgspec.Struct, frozen=True, gc=False):
    """Data flows, or does not and `code` and `cause` say why."""

    ts: int
    is_up: bool
    code: str = ""
    cause: str = ""


Notice = GapSeen | HealthChanged | ConnectionChanged
