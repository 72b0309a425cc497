"""Candles of a longer step out of shorter ones, in columns: 1m into 5m, 1h, 1d, weeks and months.

Boundaries are UTC's: a day begins at 00:00, a week on Monday, a month on its first (trap E101).
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from botcore.domain.errors import ConfigError, DataError
from botcore.domain.ids import DAY_NS, SECOND_NS
from botcore.marketdata.candles import Candles, grid_origin_ns

MONTH_NS: Final = 31 * DAY_NS
"""The longest a month lasts: the step that columns of months carry."""


class Resampled(msgspec.Struct, frozen=True, eq=False):
    """Candles of a longer step, and how whole each of them is.

    Attributes:
        candles: the longer candles; whatever has at least one part is there, nothing is invented.
        ts_close: int64 nanoseconds UTC, shape ``(n,)``: where each ends and becomes visible.
        missing: int64, shape ``(n,)``: how many of its parts were not there, 0 for a whole one.
            A candle with missing parts may have had another range than is known.
    """

    candles: Candles
    ts_close: NDArray[np.int64]
    missing: NDArray[np.int64]


def bucket_open(ts: int, step_ns: int) -> int:
    """Return the open of the bar of length `step_ns` that holds the instant `ts`.

    Args:
        ts: nanoseconds UTC.
        step_ns: a length that `check_step` accepts.
    """
    origin = grid_origin_ns(step_ns)
    return (ts - origin) // step_ns * step_ns + origin


def check_step(step_ns: int, parts_ns: int) -> None:
    """Refuse a step whose bars would not begin and end where the calendar does.

    Args:
        step_ns: length of the longer bar, nanoseconds.
        parts_ns: length of the bars it is made of; 0 where it is made of trades.

    Raises:
        ConfigError: `step_ns` is not positive, neither divides a day nor is whole days, or is no
            multiple of `parts_ns`.
    """
    if step_ns <= 0 or (DAY_NS % step_ns and step_ns % DAY_NS):
        raise ConfigError(
            code="TIMEFRAME_OFF_THE_DAY",
            cause=f"bars of {_seconds(step_ns)} neither divide a day nor are whole days",
            fix="ask for 1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 8h, 12h, 1d or 1w",
        )
    if parts_ns < 0 or (parts_ns and step_ns % parts_ns):
        raise ConfigError(
            code="TIMEFRAME_NOT_A_MULTIPLE",
            cause=f"bars of {_seconds(step_ns)} cannot be made of bars of {_seconds(parts_ns)}",
            fix="ask for a timeframe that is a multiple of the recorded one",
        )


def resample(candles: Candles, step_ns: int) -> Resampled:
    """Join candles into longer ones: first open, highest high, lowest low, last close, volume.

    The last one is dropped unless its end is known to have come: the last part is there. Volume
    is summed in the order of time, so that it equals the streaming sum to the bit.

    Args:
        candles: ascending; gaps are allowed and reported.
        step_ns: a multiple of the candles' step.

    Raises:
        ConfigError: the step does not fit; see `check_step`.
        DataError: a candle does not follow the one before it, or straddles a boundary.
    """
    check_step(step_ns, candles.step_ns)
    origin = grid_origin_ns(step_ns)
    opens = (candles.ts_open - origin) // step_ns * step_ns + origin
    return _joined(candles, opens, opens + step_ns, step_ns)


def resample_months(candles: Candles) -> Resampled:
    """Join candles into those of calendar months, UTC, as `resample` does.

    Months differ in length: `ts_close` has where each ends, and the step of the candles is
    `MONTH_NS`, so that no one who adds it to an open sees a month before it is over.

    Raises:
        ConfigError: the candles are longer than a day.
        DataError: as `resample`.
    """
    if candles.step_ns > DAY_NS:
        raise ConfigError(
            code="TIMEFRAME_NOT_A_MULTIPLE",
            cause=f"months cannot be made of bars of {_seconds(candles.step_ns)}",
            fix="take candles of a day or shorter",
        )
    months = candles.ts_open.astype("datetime64[ns]").astype("datetime64[M]")
    opens, closes = (
        edge.astype("datetime64[ns]").astype(np.int64)
        for edge in (months, months + np.timedelta64(1, "M"))
    )
    return _joined(candles, opens, closes, MONTH_NS)


def _joined(
    candles: Candles, opens: NDArray[np.int64], closes: NDArray[np.int64], step_ns: int
) -> Resampled:
    """Join the candles whose bucket, given for each of them, is the same."""
    _check_stamps(candles, opens, closes)
    first = np.flatnonzero(np.diff(opens, prepend=opens[:1] - 1))
    if len(first) and candles.ts_open[-1] + candles.step_ns < closes[-1]:
        kept = slice(0, int(first[-1]))  # nobody knows yet how the last one ends
        candles, opens, closes, first = candles.rows(kept), opens[kept], closes[kept], first[:-1]
    ts_open, ts_close = opens[first], closes[first]
    present = np.diff(first, append=len(candles))
    return Resampled(
        Candles(candles.instrument, step_ns, ts_open, _columns(candles, first, present)),
        ts_close,
        (ts_close - ts_open) // candles.step_ns - present,
    )


def _columns(
    candles: Candles, first: NDArray[np.int64], present: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    part = candles.columns
    if not len(first):  # reduceat has no empty answer
        return {name: values[:0] for name, values in part.items()}
    bucket = np.repeat(np.arange(len(first)), present)
    return {
        "open": part["open"][first],
        "high": np.maximum.reduceat(part["high"], first),
        "low": np.minimum.reduceat(part["low"], first),
        "close": part["close"][first + present - 1],
        # One addition after another, in order; add.reduceat would add in pairs.
        "volume": np.bincount(bucket, weights=part["volume"], minlength=len(first)),
    }


def _check_stamps(candles: Candles, opens: NDArray[np.int64], closes: NDArray[np.int64]) -> None:
    ts = candles.ts_open
    ends = ts + candles.step_ns
    behind = np.flatnonzero(ts[1:] < ends[:-1]) + 1
    if behind.size:
        at = int(behind[0])
        raise DataError(
            code="CANDLES_OUT_OF_ORDER",
            cause=f"candle {at} of {candles.instrument} opens at {ts[at]}, before {ends[at - 1]}, "
            "where the one before it ends",
            fix="sort the candles and drop the duplicates before they are joined",
        )
    astride = np.flatnonzero(((ts - opens) % candles.step_ns != 0) | (ends > closes))
    if astride.size:
        at = int(astride[0])
        raise DataError(
            code="CANDLES_OFF_GRID",
            cause=f"candle {at} of {candles.instrument} opens at {ts[at]}, off its own timeframe",
            fix="check the unit and the zone of the stamps in the source of the candles",
        )


def _seconds(step_ns: int) -> str:
    return f"{step_ns / SECOND_NS:g} s"
