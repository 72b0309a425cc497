"""Falls from a peak: how deep, from when to when, and how they weigh together."""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from botcore.statistics.sampling import Values


class Drawdown(msgspec.Struct, frozen=True):
    """One stretch below a peak; stamps are nanoseconds UTC.

    Attributes:
        began: the last instant at the peak.
        bottom: the first instant at the lowest value.
        recovered: the first instant at the peak again or above, None when that did not happen.
        ended: `recovered`, or the end of the curve.
        peak, low: values there.
    """

    began: int
    bottom: int
    recovered: int | None
    ended: int
    peak: float
    low: float

    @property
    def depth_frac(self) -> float:
        """How far it fell, as a fraction of the peak (0.2 is −20 %)."""
        return (self.peak - self.low) / self.peak

    @property
    def depth(self) -> float:
        """How far it fell, in the unit of the curve."""
        return self.peak - self.low

    @property
    def duration_ns(self) -> int:
        """How long it lasted, from the peak to the recovery or the end of the curve."""
        return self.ended - self.began


def drawdowns(
    stamps: NDArray[np.int64],
    equity: Values,
    *,
    initial: float,
    start: int,
    most: int | None = None,
) -> tuple[Drawdown, ...]:
    """Return every stretch below a previous peak, deepest (as a fraction) first.

    The initial value is the first peak (trap E106).

    Args:
        stamps: nanoseconds UTC, ascending, shape ``(n,)``.
        equity: at those stamps, open positions marked to market.
        initial: equity at `start`, above 0.
        start: when the curve begins.
        most: how many to return; None is all.
    """
    curve = np.concatenate(([initial], np.asarray(equity, dtype=np.float64)))
    at = np.concatenate(([start], np.asarray(stamps, dtype=np.int64)))
    peaks = np.maximum.accumulate(curve)
    first, last = _stretches(curve < peaks)
    if not len(first):
        return ()
    fallen = (peaks - curve) / peaks
    depth = np.maximum.reduceat(fallen, first)
    chosen = np.argsort(-depth, kind="stable")[:most]
    return tuple(_drawdown(at, curve, int(first[k]), int(last[k])) for k in chosen)


def longest_under_water_ns(
    stamps: NDArray[np.int64], equity: Values, *, initial: float, start: int
) -> int:
    """Return the longest time between a peak and the return to it, nanoseconds; 0 without one."""
    curve = np.concatenate(([initial], np.asarray(equity, dtype=np.float64)))
    at = np.concatenate(([start], np.asarray(stamps, dtype=np.int64)))
    first, last = _stretches(curve < np.maximum.accumulate(curve))
    if not len(first):
        return 0
    return int(np.max(at[np.minimum(last + 1, len(at) - 1)] - at[first - 1]))


def ulcer_index(equity: Values, initial: float) -> float:
    """Return the root of the mean squared drawdown, a fraction; NaN for an empty curve.

    The mean is over the samples of the curve, the initial value being the first peak only. Source:
    Martin and McCann, "The Investor's Guide to Fidelity Funds", 1989.
    """
    values = np.asarray(equity, dtype=np.float64)
    if not len(values):
        return math.nan
    peaks = np.maximum(np.maximum.accumulate(values), initial)
    return float(np.sqrt(np.mean(((peaks - values) / peaks) ** 2)))


def _stretches(below: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and last index of each run of True."""
    edges = np.diff(below.astype(np.int8), prepend=0, append=0)
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1


def _drawdown(at: NDArray[np.int64], curve: NDArray[np.float64], first: int, last: int) -> Drawdown:
    bottom = first + int(np.argmin(curve[first : last + 1]))
    is_over = last + 1 < len(curve)
    ended = int(at[last + 1]) if is_over else int(at[last])
    return Drawdown(
        began=int(at[first - 1]),
        bottom=int(at[bottom]),
        recovered=ended if is_over else None,
        ended=ended,
        peak=float(curve[first - 1]),
        low=float(curve[bottom]),
    )
