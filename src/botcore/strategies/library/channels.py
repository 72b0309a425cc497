"""What the library's rules about channels share over columns: breaks, and how far they reach."""

import numpy as np

from botcore.indicators import FloatColumn
from botcore.strategies.library.hysteresis import (
    BPS,
    EXIT,
    KEEP_FLAT,
    KEEP_LONG,
    NO_VIEW_YET,
    STAY_FLAT,
    STILL_ENTER,
    Flags,
)


def bar_before(column: FloatColumn, before: float) -> FloatColumn:
    """Return a column one bar later: what a rule that remembers it finds on each bar.

    Args:
        column: what it notes on each bar, shape ``(n,)``.
        before: what it remembers before the first bar.
    """
    found = np.empty_like(column)
    found[:1] = before
    found[1:] = column[:-1]
    return found


def middle_over(high: FloatColumn, low: FloatColumn) -> FloatColumn:
    """Return the middle of a channel on each bar, NaN where there is none yet."""
    with np.errstate(invalid="ignore"):  # infinity minus infinity, as single floats have it
        middle: FloatColumn = (high + low) / 2.0
    return middle


def breaks_over(
    close: FloatColumn, high: FloatColumn, low: FloatColumn, band_bps: float
) -> tuple[Flags, Flags]:
    """Return on which bars price is over a channel, and on which under it, beyond the band.

    Args:
        close: price on each bar, shape ``(n,)``.
        high: highest high of the bars before each; infinite where there are too few.
        low: lowest low of those; minus infinity where there are too few.
        band_bps: how far from the middle of the channel price has to be, in bps of the middle.
    """
    middle = middle_over(high, low)
    reach = middle * band_bps / BPS
    is_up = (close > high) & (close - middle > reach)
    is_down = (close < low) & (middle - close > reach)
    return is_up, is_down


def distances_over(
    codes: FloatColumn, over_bps: FloatColumn, under_bps: FloatColumn
) -> FloatColumn:
    """Return how far price is from the line that a shared reason code is about.

    A decisive view is about the line that was broken, one that was kept about the line whose break
    would end it; the distance is positive on the side that the sentence names.

    Args:
        codes: shared ones, shape ``(n,)``.
        over_bps: how far price is over the high that is broken to enter.
        under_bps: how far price is under the low that is broken to exit.
    """
    found: FloatColumn = np.select(
        [
            codes == NO_VIEW_YET,
            codes == KEEP_FLAT,
            (codes == EXIT) | (codes == STAY_FLAT),
            (codes == STILL_ENTER) | (codes == KEEP_LONG),
        ],
        [np.zeros(len(codes)), -over_bps, under_bps, -under_bps],
        over_bps,
    )
    return found
