"""Moving averages: simple and weighted over a window, exponential from a seed."""

from collections.abc import Sequence
from math import nan
from typing import Final, Literal

import numpy as np

from botcore.indicators.loops import bases, exponential, in_blocks, stepped, window_sums
from botcore.indicators.row import FloatRow, FloatTable
from botcore.indicators.spec import IndicatorSpec, decay_bars, whole, window_settled

Seed = Literal["sma", "first"]

# State of the SMA: 0 next slot, 1 base, 2 sum since the last wrap, 3 period, 4… the ring.
_SMA_RING: Final = 4


def sma_step(state: FloatRow, out: FloatRow, at: int, x: float) -> None:
    """Write the mean of the last `period` values to ``out[at]``.

    The window is a block that fills and the tail of the block before it. Values are taken relative
    to `base`, the newest value of the old block, and each wrap turns the full block into sums of
    its tails. Nothing is ever subtracted from a running sum, so it cannot drift; and as the base
    is always inside the window, a flat window gives exactly its price and a collapse by any factor
    costs no digits. NaN in the unused ring is what keeps the first outputs NaN.
    """
    head = state[0]
    slot = int(head)
    period = state[3]
    state[slot] = x
    if slot + 1 < _SMA_RING + period:
        state[0] = head + 1.0
        base = state[1]
        total = state[2] + (x - base)
        state[2] = total
        out[at] = base + (total + state[slot + 1]) / period
        return
    total = 0.0
    for i in range(slot, _SMA_RING - 1, -1):
        total += state[i] - x
        state[i] = total
    state[0] = float(_SMA_RING)
    state[1] = x
    state[2] = 0.0
    out[at] = x + total / period


def sma_loop(state: list[float], column: Sequence[float]) -> FloatTable:
    """Return the means over a column: `sma_step` bar by bar."""
    period = int(state[3])
    return in_blocks(sma_step, _sma_blocks, state, [column], ring=_SMA_RING, period=period)


def _sma_blocks(state: list[float], blocks: FloatTable) -> tuple[FloatTable]:
    base = bases(state[1], blocks)
    closing = blocks - blocks[:, -1:]
    sums, state[_SMA_RING:] = window_sums(blocks - base, closing, state[_SMA_RING:])
    state[1] = blocks.item(-1)
    return (base + sums / state[3],)


def _sma_initial(*, period: int = 20) -> list[float]:
    ring = [nan] * whole("period", period)
    return [float(_SMA_RING), 0.0, 0.0, float(period), *ring]


def _sma_first_valid(*, period: int = 20) -> int:
    return whole("period", period) - 1


def _sma_settled(tolerance: float, *, period: int = 20) -> int:
    return window_settled(tolerance, whole("period", period))


SMA = IndicatorSpec(
    name="sma",
    inputs=("close",),
    outputs=("sma",),
    step=sma_step,
    initial=_sma_initial,
    first_valid=_sma_first_valid,
    settled=_sma_settled,
    loop=sma_loop,
    formula="smaₜ = (xₜ + … + xₜ₋ₙ₊₁) / n, with n = period",
    source="Elementary; the oracle is TA-Lib SMA.",
    note="A flat window gives exactly its price.",
)


# State of the WMA: 0 next slot, 1 base, 2 sum since the last wrap, 3 the same weighted, 4 period,
# 5 sum of the weights; 6… two rings, values and weighted sums of the tails.
_WMA_RING: Final = 6


def wma_step(state: FloatRow, out: FloatRow, at: int, x: float) -> None:
    """Write the linearly weighted mean of the last `period` values to ``out[at]``.

    The scheme of `sma_step`. Each wrap turns the full block into the weighted sums of its tails,
    their oldest value weighing 1; a value of the filling block weighs as much as there are values
    up to it: those of the tail, one for each, and its place in the block.
    """
    head = state[0]
    slot = int(head)
    n = int(state[4])
    state[slot] = x
    following = slot + 1
    if following < _WMA_RING + n:
        state[0] = head + 1.0
        base = state[1]
        offset = x - base
        place = float(following - _WMA_RING)
        total = state[2] + offset
        weighted = state[3] + place * offset
        state[2] = total
        state[3] = weighted
        tail = state[following + n]
        out[at] = base + (tail + (state[4] - place) * total + weighted) / state[5]
        return
    total = 0.0
    weighted = 0.0
    for i in range(slot, _WMA_RING - 1, -1):
        total += state[i] - x
        weighted += total
        state[i + n] = weighted
    state[0] = float(_WMA_RING)
    state[1] = x
    state[2] = 0.0
    state[3] = 0.0
    out[at] = x + weighted / state[5]


def _wma_initial(*, period: int = 20) -> list[float]:
    bars = whole("period", period)
    head = [float(_WMA_RING), 0.0, 0.0, 0.0, float(bars), bars * (bars + 1) / 2.0]
    return head + [nan] * (2 * bars)


WMA = IndicatorSpec(
    name="wma",
    inputs=("close",),
    outputs=("wma",),
    step=wma_step,
    initial=_wma_initial,
    first_valid=_sma_first_valid,
    settled=_sma_settled,
    formula="wmaₜ = (n·xₜ + (n − 1)·xₜ₋₁ + … + 1·xₜ₋ₙ₊₁) / (n·(n + 1) / 2), with n = period",
    source="Elementary; the oracle is TA-Lib WMA.",
    note="A flat window gives exactly its price.",
)


# State of the EMA: 0 value (before the seed: running sum or value), 1 k, 2 bars still to come
# until the first value, 3 period, 4 is 1 if seeded with the first value.
def ema_step(state: FloatRow, out: FloatRow, at: int, x: float) -> None:
    """Write the exponential average to ``out[at]``; the warm branch comes first, it is hot."""
    if state[2] == 0.0:
        value = state[0]
        value = (x - value) * state[1] + value
        state[0] = value
        out[at] = value
        return
    to_come = state[2]
    value = state[0]
    if state[4] == 0.0:
        value += x
        if to_come == 1.0:
            value /= state[3]
    elif to_come == state[3]:
        value = x
    else:
        value = (x - value) * state[1] + value
    state[0] = value
    state[2] = to_come - 1.0
    out[at] = value if to_come == 1.0 else nan


def ema_loop(state: list[float], column: Sequence[float]) -> FloatTable:
    """Return the exponential averages over a column: `ema_step` bar by bar."""
    to_come = int(state[2])
    begun = stepped(ema_step, state, [column[:to_come]])
    state[0], warm = exponential(state[0], state[1], column[to_come:])
    return np.concatenate((begun[:, 0], warm))


def _ema_initial(*, period: int = 20, seed: Seed = "sma") -> list[float]:
    bars = float(whole("period", period))
    return [0.0, 2.0 / (bars + 1.0), bars, bars, 1.0 if _is_first(seed) else 0.0]


def _ema_first_valid(*, period: int = 20, seed: Seed = "sma") -> int:
    _is_first(seed)
    return whole("period", period) - 1


def ema_settled(tolerance: float, *, period: int = 20, seed: Seed = "sma") -> int:
    """Count the bars until the average has forgotten its seed; see `EMA`."""
    forgotten = decay_bars(1.0 - 2.0 / (whole("period", period) + 1.0), tolerance)
    return max(period, 1 + forgotten) if _is_first(seed) else period + forgotten


def _is_first(seed: str) -> bool:
    if seed not in ("sma", "first"):
        raise ValueError(f"seed {seed!r} is neither 'sma' nor 'first'")
    return seed == "first"


EMA = IndicatorSpec(
    name="ema",
    inputs=("close",),
    outputs=("ema",),
    step=ema_step,
    initial=_ema_initial,
    first_valid=_ema_first_valid,
    settled=ema_settled,
    loop=ema_loop,
    formula=(
        "emaₜ = (xₜ − emaₜ₋₁)·k + emaₜ₋₁, with k = 2 / (period + 1). Seed `sma`: the mean of the "
        "first period values. Seed `first`: the first value; shown from the same bar on"
    ),
    source="TA-Lib EMA; seed `first` is its Metastock convention.",
    note="Settled as (1 − k)ⁿ < tolerance: the seed may be wrong by as much as the value itself.",
)
