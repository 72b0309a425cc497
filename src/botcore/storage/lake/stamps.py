"""Stamps of files into nanoseconds UTC: their unit, their zone, and which end of a candle they are.

Nothing is guessed: the unit follows from the size of the numbers, a zone must be said by the stamps
or by a person, and a stamp is taken for the open unless something says that it is the close.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from botcore.domain.errors import ConfigError
from botcore.domain.ids import MINUTE_NS, SECOND_NS

_OFFSET: Final = re.compile(r"^([+-])([01][0-9]):?([0-5][0-9])\Z")
_QUARTER_NS: Final = 15 * MINUTE_NS
"""No zone changes its offset within one."""


class Unit(StrEnum):
    """What a numeric stamp counts since 1970-01-01T00:00Z."""

    SECONDS = "s"
    MILLISECONDS = "ms"
    MICROSECONDS = "us"
    NANOSECONDS = "ns"


class StampAt(StrEnum):
    """Which end of a candle its stamp is."""

    OPEN = "open"
    CLOSE = "close"


NANOSECONDS: Final = {
    Unit.SECONDS: SECOND_NS,
    Unit.MILLISECONDS: 10**6,
    Unit.MICROSECONDS: 10**3,
    Unit.NANOSECONDS: 1,
}
_FROM, _TO = 1_000_000_000, 10_000_000_000
"""Seconds of 2001 and 2286: in this range the size of a stamp tells its unit."""


def unit_of(stamps: NDArray[np.int64]) -> Unit | None:
    """Return the unit that the middle of some numeric stamps has; None where no unit fits."""
    if not len(stamps):
        return None
    middle = float(np.median(stamps))
    for unit, factor in NANOSECONDS.items():
        per_second = SECOND_NS // factor
        if _FROM * per_second <= middle < _TO * per_second:
            return unit
    return None


def parse_zone(text: str) -> tzinfo:
    """Return the zone that ``UTC``, ``+03:00`` or ``Europe/Istanbul`` names.

    Raises:
        ConfigError: there is no such zone.
    """
    match = _OFFSET.match(text.strip())
    if match is not None:
        offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
        return timezone(offset if match[1] == "+" else -offset)
    try:
        return UTC if text.strip().upper() in ("UTC", "Z") else ZoneInfo(text.strip())
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            code="ZONE_UNKNOWN",
            cause=f"there is no time zone {text!r}",
            fix="write UTC, an offset such as +03:00, or a name such as Europe/Istanbul",
        ) from error


def to_utc(local: NDArray[np.int64], zone: tzinfo) -> NDArray[np.int64]:
    """Return instants that a clock in `zone` showed, as nanoseconds UTC; 0 stays 0.

    An hour that a zone has twice is taken for the first of the two.
    """
    quarters, which = np.unique(local // _QUARTER_NS, return_inverse=True)
    offsets = np.fromiter((_offset_ns(int(q) * _QUARTER_NS, zone) for q in quarters), np.int64)
    return np.where(local == 0, 0, local - offsets[which])


def to_open(
    stamps: NDArray[np.int64], *, at: StampAt, step_ns: int, unit_ns: int
) -> NDArray[np.int64]:
    """Return the open of each candle; a close may be the last unit before the next open."""
    if at is StampAt.OPEN:
        return stamps
    opens = stamps - step_ns
    inclusive = (stamps != 0) & ((opens + unit_ns) % step_ns == 0)
    return np.where(stamps == 0, 0, opens + unit_ns * inclusive)


def _offset_ns(local: int, zone: tzinfo) -> int:
    shown = datetime.fromtimestamp(local // SECOND_NS, UTC).replace(tzinfo=zone)
    offset = shown.utcoffset()
    assert offset is not None  # every zone of `parse_zone` has one
    return round(offset.total_seconds()) * SECOND_NS
