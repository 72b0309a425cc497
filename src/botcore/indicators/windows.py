"""Windows inside a state: several of them stand in one flat row, each from its own `start` on.

A window is handed the whole row and its start, so that a step may hold as many as it needs in the
subset that numba compiles. The NaN of unused places is what keeps the first results NaN.
"""

# ruff: noqa: PLR1730 – max() is slower here and leaves ties of zeros to whoever compiles it

from collections.abc import Sequence
from math import inf, nan
from typing import Final

import numpy as np

from botcore.indicators.loops import in_blocks, stepped, window_extreme
from botcore.indicators.row import FloatColumn, FloatRow, FloatTable

# State of the extremes, from their start on: 0 next slot, 1 highest and 2 lowest since the last
# wrap, 3 period; 4… two rings, highs and lows.
_EXTREMES_RING: Final = 4


def extremes_row(period: int, start: int) -> list[float]:
    """Return the state of fresh extremes that will stand at `start`."""
    return [float(start + _EXTREMES_RING), -inf, inf, float(period), *[nan] * (2 * period)]


def window_extremes(state: FloatRow, start: int, high: float, low: float) -> tuple[float, float]:
    """Take one bar and return the highest high and the lowest low of the window.

    A block that fills and the tails of the block before it, as in `sma_step`: each wrap turns the
    full block into the extremes of its tails. NaN in the unused rings wins each comparison.
    """
    head = state[start]
    slot = int(head)
    n = int(state[start + 3])
    first = start + _EXTREMES_RING
    following = slot + 1
    upper = state[start + 1]
    lower = state[start + 2]
    if high > upper:
        upper = high
    if low < lower:
        lower = low
    state[slot] = high
    state[slot + n] = low
    if following < first + n:
        state[start] = head + 1.0
        state[start + 1] = upper
        state[start + 2] = lower
        if not upper > state[following]:
            upper = state[following]
        if not lower < state[following + n]:
            lower = state[following + n]
    else:
        for i in range(slot - 1, first - 1, -1):
            if state[i + 1] > state[i]:
                state[i] = state[i + 1]
            if state[i + n + 1] < state[i + n]:
                state[i + n] = state[i + n + 1]
        state[start] = float(first)
        state[start + 1] = -inf
        state[start + 2] = inf
    return upper, lower


def extremes_over(
    state: list[float], highs: Sequence[float], lows: Sequence[float]
) -> tuple[FloatColumn, FloatColumn]:
    """Return the highest highs and the lowest lows over columns: `window_extremes` bar by bar.

    Args:
        state: extremes that stand at its start.
        highs: of n bars.
        lows: of the same.
    """
    columns = [highs, lows]
    if all(highs) and all(lows):
        period = int(state[3])
        out = in_blocks(
            _extremes_step, _extremes, state, columns, ring=_EXTREMES_RING, period=period, width=2
        )
    else:  # zeros have two signs, and a step keeps a certain one of two that tie
        out = stepped(_extremes_step, state, columns, width=2)
    return out[:, 0], out[:, 1]


def _extremes_step(state: FloatRow, out: FloatRow, at: int, high: float, low: float) -> None:
    out[at], out[at + 1] = window_extremes(state, 0, high, low)


def _extremes(
    state: list[float], highs: FloatTable, lows: FloatTable
) -> tuple[FloatTable, FloatTable]:
    second = _EXTREMES_RING + int(state[3])
    upper, tails = window_extreme(np.maximum, highs, state[_EXTREMES_RING:second])
    lower, low_tails = window_extreme(np.minimum, lows, state[second:])
    state[_EXTREMES_RING:] = tails + low_tails
    return upper, lower


# State of a ring, from its start on: 0 next slot, 1 period, 2… the ring.
RING: Final = 2
"""Where the values of a ring begin, from its start."""


def ring_row(period: int, start: int) -> list[float]:
    """Return the state of a fresh ring that will stand at `start`."""
    return [float(start + RING), float(period), *[nan] * period]


def ring_push(state: FloatRow, start: int, x: float) -> float:
    """Take one value and return the one that leaves the ring, NaN while it fills."""
    head = state[start]
    slot = int(head)
    oldest = state[slot]
    state[slot] = x
    following = head + 1.0
    end = start + RING + state[start + 1]
    state[start] = following if following < end else float(start + RING)
    return oldest


def ring_mean(state: FloatRow, start: int, x: float) -> float:
    """Take one value and return the mean of the ring, added up anew: for short rings."""
    ring_push(state, start, x)
    period = state[start + 1]
    total = 0.0
    for i in range(start + RING, start + RING + int(period)):
        total += state[i]
    return total / period
