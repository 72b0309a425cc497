"""One file's rows as raw candles, once it is known what its columns and stamps are."""

from datetime import tzinfo

import msgspec
import numpy as np
from numpy.typing import NDArray

from botcore.domain.errors import DataError
from botcore.marketdata.candles import FIELDS
from botcore.marketdata.validation import RawCandles
from botcore.storage.lake.column import Column
from botcore.storage.lake.roles import Roles
from botcore.storage.lake.stamps import NANOSECONDS, StampAt, Unit, to_open, to_utc, unit_of
from botcore.storage.lake.tables import Table


class Stamps(msgspec.Struct, frozen=True, eq=False):
    """A column of stamps before the candles' timeframe is known.

    Attributes:
        instants: int64 nanoseconds UTC; 0 where unreadable.
        unit: of the numbers in the file; None for dates and times as text or typed.
        has_zone: the file itself says that they are UTC or another zone.
    """

    instants: NDArray[np.int64]
    unit: Unit | None
    has_zone: bool


def read_stamps(column: Column, *, unit: Unit | None, zone: tzinfo | None, name: str) -> Stamps:
    """Return a column's stamps in nanoseconds.

    Args:
        column: of the file.
        unit: of numbers; None to tell it by their size.
        zone: of the clock that wrote them; None for UTC. What says its own zone keeps it.
        name: of the file, for the error.

    Raises:
        DataError: it is no column of stamps, its unit cannot be told, or some of its stamps say
            their zone and some do not.
    """
    found = column.instants()
    if found is not None:
        if found.is_mixed:
            raise DataError(
                code="ZONES_MIXED",
                cause=f"some stamps of {name} say their time zone and some do not",
                fix="write them all in UTC",
            )
        shown = found.shown
        if zone is not None and not found.has_zone:
            shown = to_utc(shown, zone)
        return Stamps(shown, None, found.has_zone)
    counted = column.exact()
    told = unit or (None if counted is None else unit_of(counted[counted != 0]))
    if counted is None or told is None:
        raise DataError(
            code="STAMPS_UNKNOWN",
            cause=f"the stamps of {name} are neither ISO dates nor seconds, milli-, micro- or "
            "nanoseconds since 1970",
            fix="say the unit with --unit, or which column it is with --columns",
        )
    factor = NANOSECONDS[told]
    readable = np.abs(counted) <= np.iinfo(np.int64).max // factor
    instants = np.where(readable, counted, -1) * factor  # too large is another unit
    return Stamps(instants if zone is None else to_utc(instants, zone), told, True)


def raw_candles(
    table: Table, roles: Roles, stamps: Stamps, *, step_ns: int, at: StampAt
) -> RawCandles:
    """Return a file's rows, in its order, with the open of each candle."""
    unit_ns = (
        NANOSECONDS[stamps.unit] if stamps.unit is not None else NANOSECONDS[Unit.MILLISECONDS]
    )
    closes = None
    if roles.close_stamp is not None and stamps.unit is not None:
        counted = table.columns[roles.close_stamp].exact()
        closes = None if counted is None else counted * unit_ns
    blank = np.full(table.rows, np.nan)
    columns = {}
    for field, place in zip(FIELDS, roles.fields, strict=True):
        numbers = table.columns[place].numbers
        columns[field] = blank if numbers is None else np.ascontiguousarray(numbers)
    return RawCandles(
        ts_open=to_open(stamps.instants, at=at, step_ns=step_ns, unit_ns=unit_ns),
        columns=columns,
        ts_close=closes,
        malformed=table.malformed,
    )
