"""Rows that were set aside, as csv text for people: from which file, which row, why, and what."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from botcore.marketdata.candles import FIELDS
from botcore.marketdata.validation import RawCandles, Reason

HEADER: Final = ("file", "row", "reason", "ts_open", *FIELDS)


class BadRows(msgspec.Struct, frozen=True, eq=False):
    """Rows of one file that were set aside: index of the row → why."""

    file: str
    raw: RawCandles
    bad: Mapping[int, Reason]


def as_csv(several: Sequence[BadRows]) -> bytes:
    """Return rows as csv with a header; nothing where there are none.

    Rows count from 1, without a header; stamps are nanoseconds UTC.
    """
    if not any(each.bad for each in several):
        return b""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for each in several:
        for row, reason in each.bad.items():
            values = [float(each.raw.columns[name][row]) for name in FIELDS]
            stamp = int(each.raw.ts_open[row])
            writer.writerow((each.file, row + 1, reason.value, stamp, *values))
    return text.getvalue().encode()
