"""Rows of a file into candles that can be trusted: what is wrong is set aside, with its reason.

All in columns: no row is looked at alone.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from botcore.domain.ids import SECOND_NS, InstrumentId
from botcore.marketdata.candles import FIELDS, Candles, grid_origin_ns

EARLIEST_NS: Final = 1_230_768_000 * SECOND_NS
"""2009-01-01: before it there was nothing to trade."""
OFF_TICK_FEW: Final = 0.01
"""With more prices off the tick than this share, it is the tick that is wrong for their time."""
_ON_TICK: Final = 1e-6
"""How far from a whole number of ticks a recorded price may be, in ticks."""
_FLOAT_PRECISION: Final = 1e-15
_PRICES: Final = FIELDS[:4]


class Reason(StrEnum):
    """Why a row is set aside."""

    MALFORMED = "not as many values as columns"
    MISSING_VALUE = "a value is missing or not a number"
    STAMP_UNREADABLE = "its stamp cannot be read"
    STAMP_OUT_OF_RANGE = "its stamp is in another unit, before 2009 or in the future"
    OFF_GRID = "it does not open on the grid of the timeframe"
    PRICE_NOT_POSITIVE = "a price is zero or negative"
    HIGH_BELOW_LOW = "its high is below its low"
    OUTSIDE_RANGE = "its open or close is outside low to high"
    VOLUME_NEGATIVE = "its volume is negative"
    OFF_TICK = "a price is off the instrument's tick"
    STAMP_REPEATED = "its stamp is repeated with other values"


_REASONS: Final = tuple(Reason)


class RawCandles(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """Rows as a file has them, in its order, their stamps made nanoseconds.

    Attributes:
        ts_open: int64 nanoseconds UTC, shape ``(n,)``; 0 where it could not be read.
        columns: `FIELDS` → float64, shape ``(n,)``; NaN where a value is missing or no number.
        ts_close: where the file says when a candle closes; None where it does not.
        malformed: rows that have too few or too many values; None for no row.
    """

    ts_open: NDArray[np.int64]
    columns: Mapping[str, NDArray[np.float64]]
    ts_close: NDArray[np.int64] | None = None
    malformed: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.ts_open)


class Validated(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """What became of the rows of a file.

    Attributes:
        candles: the good ones, ascending.
        bad: index of each row set aside → why; the first reason found counts.
        duplicates: rows that repeated a stamp with the same values, dropped.
        unsorted: rows that stood after a later one, put in their place.
        unfinished: last candles that were still forming, dropped.
        is_off_tick: most prices do not lie on the tick that was given: it is not of their time.
    """

    candles: Candles
    bad: Mapping[int, Reason]
    duplicates: int
    unsorted: int
    unfinished: int
    is_off_tick: bool

    def counts(self) -> dict[str, int]:
        """Return how many rows were set aside for each reason."""
        found: dict[str, int] = {}
        for reason in self.bad.values():
            found[reason.value] = found.get(reason.value, 0) + 1
        return dict(sorted(found.items()))


def validate(
    raw: RawCandles,
    *,
    instrument: InstrumentId,
    step_ns: int,
    now: int,
    tick: Decimal | None = None,
) -> Validated:
    """Split rows into candles and rows to set aside.

    Args:
        raw: rows in the order of their file.
        instrument: whose.
        step_ns: length of a candle, nanoseconds.
        now: nanoseconds UTC; a last candle that closes later is unfinished, and an earlier row
            that opens later is set aside.
        tick: price step of the instrument, where it is known.
    """
    unfinished = _unfinished(raw, step_ns, now)
    why = _judged(raw, step_ns=step_ns, now=now)
    why[unfinished] = 0
    is_off_tick = _judge_tick(raw, why, tick)
    order = np.flatnonzero((why == 0) & ~unfinished)
    order = order[np.argsort(raw.ts_open[order], kind="stable")]
    kept, duplicates = _without_repeats(raw, order, why)
    columns = {name: raw.columns[name][kept] for name in FIELDS}
    return Validated(
        candles=Candles(instrument, step_ns, raw.ts_open[kept], columns),
        bad={int(row): _REASONS[why[row] - 1] for row in np.flatnonzero(why)},
        duplicates=duplicates,
        unsorted=_stand_after_later(raw.ts_open[np.sort(kept)]),
        unfinished=int(np.count_nonzero(unfinished)),
        is_off_tick=is_off_tick,
    )


def _judged(raw: RawCandles, *, step_ns: int, now: int) -> NDArray[np.int8]:
    """Return the first reason that holds of each row, 1 for the first, 0 for a sound row."""
    opened, high, low, close, volume = (raw.columns[name] for name in FIELDS)
    stamps = raw.ts_open
    every = np.stack([opened, high, low, close, volume])
    tests = (  # NaN compares as false, and was found before it is compared
        (Reason.MALFORMED, raw.malformed),
        (Reason.STAMP_UNREADABLE, stamps == 0),
        (Reason.STAMP_OUT_OF_RANGE, (stamps < EARLIEST_NS) | (stamps > now)),
        (Reason.MISSING_VALUE, ~np.isfinite(every).all(axis=0)),
        (Reason.OFF_GRID, (stamps - grid_origin_ns(step_ns)) % step_ns != 0),
        (Reason.PRICE_NOT_POSITIVE, (every[:4] <= 0).any(axis=0)),
        (Reason.HIGH_BELOW_LOW, high < low),
        (
            Reason.OUTSIDE_RANGE,
            (np.maximum(opened, close) > high) | (np.minimum(opened, close) < low),
        ),
        (Reason.VOLUME_NEGATIVE, volume < 0),
    )
    why = np.zeros(len(raw), np.int8)
    for reason, holds in tests:
        if holds is not None:
            why[holds & (why == 0)] = _code(reason)
    return why


def _code(reason: Reason) -> int:
    return _REASONS.index(reason) + 1


def _judge_tick(raw: RawCandles, why: NDArray[np.int8], tick: Decimal | None) -> bool:
    """Set few rows off the tick aside; of many, say that the tick is not theirs."""
    sound = why == 0
    if tick is None or not sound.any():
        return False
    off = ~on_tick(raw.columns, tick) & sound
    if np.count_nonzero(off) > OFF_TICK_FEW * np.count_nonzero(sound):
        return True
    why[off] = _code(Reason.OFF_TICK)
    return False


def on_tick(columns: Mapping[str, NDArray[np.float64]], tick: Decimal) -> NDArray[np.bool_]:
    """Return which candles have all four prices on the tick, within what a float can say."""
    step = float(tick)
    held = np.ones(len(columns[_PRICES[0]]), bool)
    with np.errstate(invalid="ignore", over="ignore"):  # an infinite price is on no tick
        for name in _PRICES:
            price = columns[name]
            off = np.abs(price - np.round(price / step) * step)
            held &= off <= np.maximum(step * _ON_TICK, 2 * np.abs(price) * _FLOAT_PRECISION)
    return held


def _unfinished(raw: RawCandles, step_ns: int, now: int) -> NDArray[np.bool_]:
    """Find the newest candle where it was still forming: it closes later than now, or too soon."""
    found = np.zeros(len(raw), bool)
    known = np.flatnonzero((raw.ts_open >= EARLIEST_NS) & (raw.ts_open <= now))
    if not len(known):
        return found
    newest = raw.ts_open[known].max()
    forming = raw.ts_open == newest
    if newest + step_ns > now:
        found |= forming
    if raw.ts_close is not None:
        closes = raw.ts_close - raw.ts_open
        found |= forming & (closes > 0) & (closes < step_ns - SECOND_NS)
    return found


def _without_repeats(
    raw: RawCandles, order: NDArray[np.int64], why: NDArray[np.int8]
) -> tuple[NDArray[np.int64], int]:
    """Drop repeats with equal values; set every row of a stamp with differing values aside."""
    stamps = raw.ts_open[order]
    repeats = np.flatnonzero(stamps[1:] == stamps[:-1]) + 1
    if not len(repeats):
        return order, 0
    differs = np.zeros(len(repeats), bool)
    for name in FIELDS:
        column = raw.columns[name][order]
        differs |= column[repeats] != column[repeats - 1]
    doubtful = np.isin(stamps, stamps[repeats[differs]])
    why[order[doubtful]] = _code(Reason.STAMP_REPEATED)
    first = np.ones(len(order), bool)
    first[repeats] = False
    return order[first & ~doubtful], int(np.count_nonzero(~first & ~doubtful))


def _stand_after_later(stamps: NDArray[np.int64]) -> int:
    return int(np.count_nonzero(stamps[1:] < np.maximum.accumulate(stamps)[:-1]))
