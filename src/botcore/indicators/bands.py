"""Where a value stands in its recent past: Bollinger bands, z-score, Donchian, Williams %R."""

# ruff: noqa: PLR1730 – max() is slower here and leaves ties of zeros to whoever compiles it

from collections.abc import Sequence
from math import isfinite, nan, sqrt
from typing import Final

import numpy as np

from botcore.indicators.loops import bases, in_blocks, window_sums
from botcore.indicators.row import FloatRow, FloatTable
from botcore.indicators.spec import IndicatorSpec, whole, window_settled
from botcore.indicators.windows import extremes_over, extremes_row, window_extremes

# State of the moments: 0 next slot, 1 base, 2 and 3 sums of offsets and of their squares since the
# last wrap, 4 period, 5 period − ddof, 6 width of the bands; 7… two rings, offsets and squares.
_MOMENTS_RING: Final = 7


def window_moments(state: FloatRow, x: float) -> tuple[float, float, float]:
    """Take one value and return mean, ``x − mean`` and variance of the window.

    The scheme of `sma_step`: offsets from a base inside the window and sums of tails, nothing
    subtracted from a running sum. The base bounds the cancellation in the variance: with D the
    largest offset, the squares sum to at most n·D² and n times the variance is at least D²/2.
    A flat window gives exactly zero. All three are NaN until the window is full.
    """
    head = state[0]
    slot = int(head)
    period = state[4]
    n = int(period)
    following = slot + 1
    if following < _MOMENTS_RING + n:
        state[0] = head + 1.0
        state[slot] = x
        base = state[1]
        offset = x - base
        total = state[2] + offset
        squares = state[3] + offset * offset
        state[2] = total
        state[3] = squares
        total += state[following]
        squares += state[following + n]
    else:
        state[slot] = x
        base = x
        total = 0.0
        squares = 0.0
        for i in range(slot, _MOMENTS_RING - 1, -1):
            offset = state[i] - x
            total += offset
            squares += offset * offset
            state[i] = total
            state[i + n] = squares
        offset = 0.0
        state[0] = float(_MOMENTS_RING)
        state[1] = x
        state[2] = 0.0
        state[3] = 0.0
    mean = total / period
    variance = (squares - total * mean) / state[5]
    if variance < 0.0:  # a rounding
        variance = 0.0
    return base + mean, offset - mean, variance


def moments_row(period: int, ddof: int, width: float) -> list[float]:
    """Return the state of fresh moments, with room for a factor that their user needs."""
    head = [float(_MOMENTS_RING), 0.0, 0.0, 0.0, float(period), float(period - ddof), width]
    return head + [nan] * (2 * period)


def bollinger_step(state: FloatRow, out: FloatRow, at: int, x: float) -> None:
    """Write the upper, middle and lower band to ``out[at]``, ``out[at + 1]``, ``out[at + 2]``."""
    mean, _, variance = window_moments(state, x)
    reach = state[6] * sqrt(variance)
    out[at] = mean + reach
    out[at + 1] = mean
    out[at + 2] = mean - reach


def bollinger_loop(state: list[float], column: Sequence[float]) -> FloatTable:
    """Return the upper, middle and lower band over a column: `bollinger_step` bar by bar."""
    return in_blocks(
        bollinger_step,
        _bollinger_blocks,
        state,
        [column],
        ring=_MOMENTS_RING,
        period=int(state[4]),
        width=3,
    )


def _bollinger_blocks(state: list[float], blocks: FloatTable) -> tuple[FloatTable, ...]:
    period = state[4]
    second = _MOMENTS_RING + int(period)
    base = bases(state[1], blocks)
    offsets, closing = blocks - base, blocks - blocks[:, -1:]
    sums, tails = window_sums(offsets, closing, state[_MOMENTS_RING:second])
    squares, square_tails = window_sums(offsets * offsets, closing * closing, state[second:])
    state[1] = blocks.item(-1)
    state[_MOMENTS_RING:] = tails + square_tails
    mean = sums / period
    variance = (squares - sums * mean) / state[5]
    variance[variance < 0.0] = 0.0
    reach = state[6] * np.sqrt(variance)
    middle = base + mean
    return middle + reach, middle, middle - reach


def _bollinger_initial(*, period: int = 20, width: float = 2.0) -> list[float]:
    return moments_row(whole("period", period), 0, _width(width))


def _bollinger_first_valid(*, period: int = 20, width: float = 2.0) -> int:
    _width(width)
    return whole("period", period) - 1


def _bollinger_settled(tolerance: float, *, period: int = 20, width: float = 2.0) -> int:
    _width(width)
    return window_settled(tolerance, whole("period", period))


def _width(width: float) -> float:
    if not (isfinite(width) and width > 0.0):
        raise ValueError(f"width {width!r} is not above 0 and finite")
    return float(width)


BOLLINGER = IndicatorSpec(
    name="bollinger",
    inputs=("close",),
    outputs=("upper", "middle", "lower"),
    step=bollinger_step,
    initial=_bollinger_initial,
    first_valid=_bollinger_first_valid,
    settled=_bollinger_settled,
    loop=bollinger_loop,
    formula=(
        "middle = sma(x, n), upper and lower = middle ± width·σ, with n = period and σ the "
        "population deviation (ddof 0) of the window"
    ),
    source="Bollinger, Bollinger on Bollinger Bands, 2001; TA-Lib BBANDS with a simple average.",
    note="A flat window gives three equal bands. Settled relative to the middle band.",
)


def zscore_step(state: FloatRow, out: FloatRow, at: int, x: float) -> None:
    """Write the distance from the window's mean, in its standard deviations, to ``out[at]``."""
    _, distance, variance = window_moments(state, x)
    out[at] = 0.0 if variance == 0.0 else distance / sqrt(variance)


def _zscore_initial(*, period: int = 20, ddof: int = 0) -> list[float]:
    return moments_row(_zscore_period(period, ddof), ddof, 0.0)


def _zscore_first_valid(*, period: int = 20, ddof: int = 0) -> int:
    return _zscore_period(period, ddof) - 1


def _zscore_settled(tolerance: float, *, period: int = 20, ddof: int = 0) -> int:
    return window_settled(tolerance, _zscore_period(period, ddof))


def _zscore_period(period: int, ddof: int) -> int:
    if ddof not in (0, 1):
        raise ValueError(f"ddof {ddof!r} is neither 0 nor 1")
    return whole("period", period, at_least=2)


ZSCORE = IndicatorSpec(
    name="zscore",
    inputs=("close",),
    outputs=("zscore",),
    step=zscore_step,
    initial=_zscore_initial,
    first_valid=_zscore_first_valid,
    settled=_zscore_settled,
    formula=(
        "zₜ = (xₜ − mean) / σ over the last period values, xₜ among them; σ has the given ddof"
    ),
    source="Elementary; ddof 0 agrees with the Bollinger bands (z = 2 is the upper one).",
    note="A flat window gives 0. Settled in units of one standard deviation.",
)


def donchian_step(state: FloatRow, out: FloatRow, at: int, high: float, low: float) -> None:
    """Write the upper, middle and lower line to ``out[at]``, ``out[at + 1]``, ``out[at + 2]``."""
    upper, lower = window_extremes(state, 0, high, low)
    out[at] = upper
    out[at + 1] = (upper + lower) / 2.0
    out[at + 2] = lower


def donchian_loop(state: list[float], highs: Sequence[float], lows: Sequence[float]) -> FloatTable:
    """Return the upper, middle and lower line over columns: `donchian_step` bar by bar."""
    upper, lower = extremes_over(state, highs, lows)
    return np.column_stack((upper, (upper + lower) / 2.0, lower))


def _donchian_initial(*, period: int = 20) -> list[float]:
    return extremes_row(whole("period", period), 0)


def _donchian_first_valid(*, period: int = 20) -> int:
    return whole("period", period) - 1


def _donchian_settled(tolerance: float, *, period: int = 20) -> int:
    return window_settled(tolerance, whole("period", period))


DONCHIAN = IndicatorSpec(
    name="donchian",
    inputs=("high", "low"),
    outputs=("upper", "middle", "lower"),
    step=donchian_step,
    initial=_donchian_initial,
    first_valid=_donchian_first_valid,
    settled=_donchian_settled,
    loop=donchian_loop,
    formula="upper = highest high, lower = lowest low of the last period bars; middle = their mean",
    source="Donchian, Commodities: High Finance in Copper, Financial Analysts Journal, 1960.",
    note=(
        "The present bar is among the n: no close is ever above the upper line of its own bar, so "
        "a breakout is measured against the line of the bar before."
    ),
)


def williams_r_step(  # noqa: PLR0917 – a step is positional: state, out, at, then its inputs
    state: FloatRow, out: FloatRow, at: int, high: float, low: float, close: float
) -> None:
    """Write where the close stands in its channel, in ``[-100, 0]``, to ``out[at]``."""
    upper, lower = window_extremes(state, 0, high, low)
    if upper > lower:
        out[at] = -100.0 * ((upper - close) / (upper - lower))
    elif upper == lower:
        out[at] = 0.0
    else:  # NaN: there are too few bars yet
        out[at] = nan


def _williams_r_initial(*, period: int = 14) -> list[float]:
    return _donchian_initial(period=period)


def _williams_r_first_valid(*, period: int = 14) -> int:
    return _donchian_first_valid(period=period)


def _williams_r_settled(tolerance: float, *, period: int = 14) -> int:
    return _donchian_settled(tolerance, period=period)


WILLIAMS_R = IndicatorSpec(
    name="williams_r",
    inputs=("high", "low", "close"),
    outputs=("williams_r",),
    step=williams_r_step,
    initial=_williams_r_initial,
    first_valid=_williams_r_first_valid,
    settled=_williams_r_settled,
    formula=(
        "%Rₜ = −100·(H − closeₜ) / (H − L), with H and L the highest high and the lowest low of "
        "the last period bars, the present one among them"
    ),
    source="Williams, How I Made One Million Dollars Last Year Trading Commodities, 1973; TA-Lib.",
    note="Where the whole window is one price it is 0, as TA-Lib has it.",
)
