"""Values that many answers share."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Final

import msgspec

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
YEAR_MIN: Final = 1678
YEAR_MAX: Final = 2261
"""Years whose instants 64 bits hold as nanoseconds since 1970."""
PAGE_MAX: Final = 500
PAGE_DEFAULT: Final = 100

Limit = Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX, description="how many items at most")]
Cursor = Annotated[
    str, msgspec.Meta(max_length=512, description="`next_cursor` of the page before")
]
Slug = Annotated[
    str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z")
]
"""An identifier: letters, digits, dot, dash and underscore."""
StrategyName = Annotated[
    str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*\Z")
]
"""What a strategy is called in the library or among one's own; without a dot, so that it is never
the name of a file, which would be run."""
InstrumentName = Annotated[
    str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9./:_-]*\Z")
]
Note = Annotated[str, msgspec.Meta(max_length=500)]


class Money(msgspec.Struct, frozen=True):
    """An amount with its currency; the amount is a decimal string."""

    amount: Decimal
    currency: str


def instant(ts: int) -> datetime:
    """Return nanoseconds since 1970 as an aware instant, UTC, down to microseconds."""
    return _EPOCH + timedelta(microseconds=ts // 1_000)


def nanoseconds(moment: datetime) -> int:
    """Return an aware instant as nanoseconds since 1970.

    Raises:
        ValueError: it names no time zone, or 64 bits do not hold it.
    """
    if moment.tzinfo is None:
        raise ValueError("the time has no zone; write it in UTC, with a Z behind it")
    if not YEAR_MIN <= moment.year <= YEAR_MAX:
        raise ValueError(f"the year {moment.year} lies outside {YEAR_MIN} to {YEAR_MAX}")
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1_000
