"""How good recorded candles are: coverage, gaps, dead stretches, outliers and price spikes.

Pure functions of columns. Nothing here repairs anything: what looks odd is reported, with its time,
for a person to judge.
"""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from botcore.marketdata.candles import Candles

OUTLIER_Z: Final = 30.0
"""Robust standard deviations from which a return is worth a look; minutes have fat tails."""
OUTLIER_WINDOW: Final = 720
"""Returns before a return that say how much the market moved lately."""
ZERO_RUN_MIN: Final = 5
"""Fewer candles in a row without volume are an ordinary lull."""
LISTED_MOST: Final = 1_000
"""Findings of one kind that are listed; all of them are counted."""
REVERTED_FRAC: Final = 0.8
"""A jump is a spike when the next candle takes back this share of it."""
_WICK_TIMES: Final = 2.0
"""How much farther than its close a candle's high or low must lie to be judged in its place."""
_MAD_TO_SIGMA: Final = 1.4826
"""Makes the median absolute deviation of normal numbers their standard deviation (Hampel, 1974)."""


class Gap(msgspec.Struct, frozen=True, gc=False):
    """Candles that are not there: `missing` of them over ``[start, end)``, nanoseconds UTC."""

    start: int
    end: int
    missing: int


class ZeroVolumeRun(msgspec.Struct, frozen=True, gc=False):
    """Candles in a row without volume: `count` of them over ``[start, end)``, nanoseconds UTC."""

    start: int
    end: int
    count: int


class Outlier(msgspec.Struct, frozen=True, gc=False):
    """A return far out of the ordinary.

    Attributes:
        ts_open: of its candle, nanoseconds UTC.
        log_return: ln of its farthest price over the close before.
        z: robust standard deviations from the recent median, signed.
        is_spike: most of it was taken back, by its own close or the next one: perhaps a bad print.
    """

    ts_open: int
    log_return: float
    z: float
    is_spike: bool


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """What is odd about a series.

    Attributes:
        zero_volume: candles without volume, in all.
        zero_runs: runs of `ZERO_RUN_MIN` and more of them, oldest first; at most `LISTED_MOST`.
        zero_run_count: how many such runs there are.
        outliers: oldest first; at most `LISTED_MOST`, then the farthest out.
        outlier_count: how many there are.
    """

    zero_volume: int
    zero_runs: tuple[ZeroVolumeRun, ...]
    zero_run_count: int
    outliers: tuple[Outlier, ...]
    outlier_count: int


def gaps(ts_open: NDArray[np.int64], step_ns: int) -> tuple[Gap, ...]:
    """Return the stretches between ascending open stamps in which candles are missing."""
    apart = np.diff(ts_open)
    before = np.flatnonzero(apart > step_ns)
    return tuple(
        Gap(int(ts_open[i]) + step_ns, int(ts_open[i + 1]), int(apart[i] // step_ns) - 1)
        for i in before
    )


def coverage(candles: Candles) -> float:
    """Return which share of the candles between the first and the last is there; 0 of none."""
    if len(candles) == 0:
        return 0.0
    span = int(candles.ts_open[-1] - candles.ts_open[0]) // candles.step_ns + 1
    return len(candles) / span


def zero_volume_runs(
    candles: Candles, *, at_least: int = ZERO_RUN_MIN
) -> tuple[ZeroVolumeRun, ...]:
    """Return runs of `at_least` candles without volume; a gap ends a run."""
    stamps, step = candles.ts_open, candles.step_ns
    dead = candles.columns["volume"] == 0
    together = dead[1:] & dead[:-1] & (np.diff(stamps) == step)
    begins = np.flatnonzero(dead & ~np.concatenate(([False], together)))
    ends = np.flatnonzero(dead & ~np.concatenate((together, [False])))
    return tuple(
        ZeroVolumeRun(int(stamps[a]), int(stamps[b]) + step, int(b - a) + 1)
        for a, b in zip(begins, ends, strict=True)
        if b - a + 1 >= at_least
    )


def assess(candles: Candles) -> Quality:
    """Return what is odd about validated candles."""
    runs = zero_volume_runs(candles)
    found = outliers(candles)
    farthest = sorted(found, key=lambda each: -abs(each.z))[:LISTED_MOST]
    return Quality(
        zero_volume=int(np.count_nonzero(candles.columns["volume"] == 0)),
        zero_runs=runs[:LISTED_MOST],
        zero_run_count=len(runs),
        outliers=tuple(sorted(farthest, key=lambda each: each.ts_open)),
        outlier_count=len(found),
    )


def outliers(
    candles: Candles, *, threshold: float = OUTLIER_Z, window: int = OUTLIER_WINDOW
) -> tuple[Outlier, ...]:
    """Return the returns that lie far out of what the market did just before them.

    A return is compared with the median and the median absolute deviation of the `window` to
    ``2 × window`` returns before its block of `window`: of the past alone, so that a crash does not
    excuse itself. Returns of zero do not count towards the scale (a quiet market would have none),
    and a return across a gap is not judged. The first window is not judged.

    Source: Hampel, "The influence curve and its role in robust estimation", 1974.
    """
    z, returns = robust_z(candles, window=window)
    chosen = np.flatnonzero(np.abs(z) >= threshold)
    closes = np.log(candles.columns["close"])
    after = np.append(closes[2:], np.nan)
    way = np.sign(returns)
    left = np.fmin(way * (closes[1:] - closes[:-1]), way * (after - closes[:-1]))
    reverted = left <= (1.0 - REVERTED_FRAC) * np.abs(returns)
    stamps = candles.ts_open[1:]
    return tuple(
        Outlier(int(stamps[i]), float(returns[i]), float(z[i]), bool(reverted[i])) for i in chosen
    )


def robust_z(
    candles: Candles, *, window: int = OUTLIER_WINDOW
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return causal robust scores and log returns of all candles but the first, shape ``(n-1,)``.

    The scale is that of returns from close to close. What is scored is the price of a candle that
    lies farthest from the close before: its close, or a high or low that it came back from, so
    that a print at a thousandfold price is seen in whatever column it stands.

    The score is NaN where it cannot be known: in the first window, across a gap, and where nothing
    moved in the window before.
    """
    moves = np.diff(np.log(candles.columns["close"]))
    returns = _farthest(candles, moves)
    z = np.full(len(returns), np.nan)
    adjacent = np.diff(candles.ts_open) == candles.step_ns
    moved = np.where(adjacent & (moves != 0), moves, np.nan)
    for begin in range(window, len(returns), window):
        past = moved[max(0, begin - 2 * window) : begin]
        past = past[~np.isnan(past)]
        if len(past) < window // 8:
            continue
        middle = np.median(past)
        scale = _MAD_TO_SIGMA * np.median(np.abs(past - middle))
        if scale > 0:
            block = slice(begin, begin + window)
            z[block] = np.where(adjacent[block], (returns[block] - middle) / scale, np.nan)
    return z, returns


def _farthest(candles: Candles, moves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log return of each candle's farthest price; the close's where others are near.

    A high or low counts only beyond twice the close's own way: a wick is ordinary.
    """
    before = np.log(candles.columns["close"][:-1])
    up = np.log(candles.columns["high"][1:]) - before
    down = np.log(candles.columns["low"][1:]) - before
    wick = np.where(up > -down, up, down)
    return np.where(np.abs(wick) > _WICK_TIMES * np.abs(moves), wick, moves)
