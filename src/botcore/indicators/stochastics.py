"""Where a bar stands among the last ones: the stochastic lines, the commodity channel index."""

from math import nan
from typing import Final

from botcore.indicators.row import FloatRow
from botcore.indicators.spec import IndicatorSpec, whole, window_settled
from botcore.indicators.windows import (
    RING,
    extremes_row,
    ring_mean,
    ring_push,
    ring_row,
    window_extremes,
)

# State of the stochastic: 0 bars still to come until the first value, 1 and 2 starts of the rings
# of the two means; 3… the extremes, then the rings.
_EXTREMES: Final = 3


def stochastic_step(  # noqa: PLR0917 – a step is positional: state, out, at, then its inputs
    state: FloatRow, out: FloatRow, at: int, high: float, low: float, close: float
) -> None:
    """Write fast %K, slow %K and slow %D, in ``[0, 100]``, to ``out[at]`` and after it."""
    upper, lower = window_extremes(state, _EXTREMES, high, low)
    if upper > lower:
        fast = (close - lower) / (upper - lower) * 100.0
    elif upper == lower:
        fast = 0.0
    else:  # NaN: there are too few bars yet
        fast = nan
    slow = ring_mean(state, int(state[1]), fast)
    signal = ring_mean(state, int(state[2]), slow)
    if state[0] > 1.0:
        state[0] -= 1.0
        out[at] = nan
        out[at + 1] = nan
        out[at + 2] = nan
        return
    out[at] = fast
    out[at + 1] = slow
    out[at + 2] = signal


def _stochastic_initial(*, period: int = 14, smooth_k: int = 3, smooth_d: int = 3) -> list[float]:
    bars = _stochastic_first_valid(period=period, smooth_k=smooth_k, smooth_d=smooth_d) + 1
    extremes = extremes_row(period, _EXTREMES)
    slow = _EXTREMES + len(extremes)
    slow_ring = ring_row(smooth_k, slow)
    signal = slow + len(slow_ring)
    head = [float(bars), float(slow), float(signal)]
    return [*head, *extremes, *slow_ring, *ring_row(smooth_d, signal)]


def _stochastic_first_valid(*, period: int = 14, smooth_k: int = 3, smooth_d: int = 3) -> int:
    lengths = whole("period", period), whole("smooth_k", smooth_k), whole("smooth_d", smooth_d)
    return sum(lengths) - 3


def _stochastic_settled(
    tolerance: float, *, period: int = 14, smooth_k: int = 3, smooth_d: int = 3
) -> int:
    first = _stochastic_first_valid(period=period, smooth_k=smooth_k, smooth_d=smooth_d)
    return window_settled(tolerance, first + 1)


STOCHASTIC = IndicatorSpec(
    name="stochastic",
    inputs=("high", "low", "close"),
    outputs=("fast_k", "slow_k", "slow_d"),
    step=stochastic_step,
    initial=_stochastic_initial,
    first_valid=_stochastic_first_valid,
    settled=_stochastic_settled,
    formula=(
        "fast %K = 100·(close − L) / (H − L), with H and L the highest high and the lowest low of "
        "the last period bars, the present one among them; slow %K = sma(fast %K, smooth_k), "
        "slow %D = sma(slow %K, smooth_d)"
    ),
    source=(
        "Lane, Lane's Stochastics, Technical Analysis of Stocks and Commodities, 1984; TA-Lib "
        "STOCHF for the fast line and STOCH for the slow ones, with simple averages."
    ),
    note=(
        "Where the whole window is one price fast %K is 0, as TA-Lib has it. The averages are "
        "added up anew at each bar: they are meant to be short. Settled in points of the "
        "100-point scale."
    ),
)


_CCI_SCALE: Final = 0.015  # Lambert's constant: some three quarters of all values within ±100


# State of the CCI: a ring of typical prices.
def cci_step(  # noqa: PLR0917 – a step is positional: state, out, at, then its inputs
    state: FloatRow, out: FloatRow, at: int, high: float, low: float, close: float
) -> None:
    """Write the distance from the mean, in mean deviations over 0.015, to ``out[at]``.

    Offsets from the newest typical price, so that a flat window gives exactly 0.
    """
    typical = (high + low + close) / 3.0
    ring_push(state, 0, typical)
    period = state[1]
    end = RING + int(period)
    total = 0.0
    for i in range(RING, end):
        total += state[i] - typical
    mean = total / period
    deviation = 0.0
    for i in range(RING, end):
        offset = state[i] - typical - mean
        if offset < 0.0:
            deviation -= offset
        else:
            deviation += offset
    if deviation == 0.0:
        out[at] = 0.0
    else:
        out[at] = -mean / (_CCI_SCALE * (deviation / period))


def _cci_initial(*, period: int = 20) -> list[float]:
    return ring_row(whole("period", period, at_least=2), 0)


def _cci_first_valid(*, period: int = 20) -> int:
    return whole("period", period, at_least=2) - 1


def _cci_settled(tolerance: float, *, period: int = 20) -> int:
    return window_settled(tolerance, whole("period", period, at_least=2))


CCI = IndicatorSpec(
    name="cci",
    inputs=("high", "low", "close"),
    outputs=("cci",),
    step=cci_step,
    initial=_cci_initial,
    first_valid=_cci_first_valid,
    settled=_cci_settled,
    formula=(
        "cciₜ = (pₜ − mean) / (0.015·D), with p = (high + low + close) / 3, mean and D its mean "
        "and its mean absolute deviation from it over the last period bars"
    ),
    source="Lambert, Commodity Channel Index, Commodities, 1980; TA-Lib CCI.",
    note=(
        "A flat window gives 0, where TA-Lib may show the rounding of its mean. Its cost grows "
        "with the period. Settled in points, for windows that move by more than a billionth."
    ),
)
