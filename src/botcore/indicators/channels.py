"""Lines at a distance of average true ranges: Keltner channels and Supertrend."""

from math import isfinite, nan
from typing import Final

from botcore.indicators.moving_averages import ema_settled
from botcore.indicators.row import FloatRow
from botcore.indicators.spec import IndicatorSpec, whole
from botcore.indicators.volatility import ATR, atr_settled, atr_step


# State of Keltner: that of the ATR, then 5 average (before the seed: the sum), 6 k, 7 bars still to
# come until the average, 8 its period, 9 width.
def keltner_step(  # noqa: PLR0917 – a step is positional: state, out, at, then its inputs
    state: FloatRow, out: FloatRow, at: int, high: float, low: float, close: float
) -> None:
    """Write the upper, middle and lower line to ``out[at]``, ``out[at + 1]``, ``out[at + 2]``."""
    atr_step(state, out, at, high, low, close)
    reach = state[9] * out[at]
    typical = (high + low + close) / 3.0
    middle = state[5]
    to_come = state[7]
    if to_come == 0.0:
        middle = (typical - middle) * state[6] + middle
    else:
        state[7] = to_come - 1.0
        middle += typical
        if to_come == 1.0:
            middle /= state[8]
    state[5] = middle
    if state[2] > 0.0 or state[7] > 0.0:  # one of the two averages has no value yet
        reach = nan
        middle = nan
    out[at] = middle + reach
    out[at + 1] = middle
    out[at + 2] = middle - reach


def _keltner_initial(*, period: int = 20, atr_period: int = 10, width: float = 2.0) -> list[float]:
    bars, reach = float(whole("period", period)), _factor("width", width)
    atr = ATR.initial(period=whole("atr_period", atr_period))
    return [*atr, 0.0, 2.0 / (bars + 1.0), bars, bars, reach]


def _keltner_first_valid(*, period: int = 20, atr_period: int = 10, width: float = 2.0) -> int:
    _factor("width", width)
    return max(whole("period", period) - 1, whole("atr_period", atr_period))


def _keltner_settled(
    tolerance: float, *, period: int = 20, atr_period: int = 10, width: float = 2.0
) -> int:
    _factor("width", width)
    middle = ema_settled(tolerance, period=period)
    return max(middle, atr_settled(tolerance, period=whole("atr_period", atr_period)))


def _factor(name: str, value: float) -> float:
    if not (isfinite(value) and value > 0.0):
        raise ValueError(f"{name} {value!r} is not above 0 and finite")
    return float(value)


KELTNER = IndicatorSpec(
    name="keltner",
    inputs=("high", "low", "close"),
    outputs=("upper", "middle", "lower"),
    step=keltner_step,
    initial=_keltner_initial,
    first_valid=_keltner_first_valid,
    settled=_keltner_settled,
    formula=(
        "middle = ema(p, period) with p = (high + low + close) / 3 and the mean of the first "
        "period values as its seed; upper and lower = middle ± width·atr(atr_period)"
    ),
    source=(
        "Keltner, How To Make Money in Commodities, 1960, for the typical price; Raschke, Street "
        "Smarts, 1995, for the exponential average and the true range; TA-Lib KC."
    ),
    note=(
        "Both averages are those of `ema` and `atr`. TA-Lib starts its true ranges later, so that "
        "the two seeds fall on one bar: the bands differ until the seed is forgotten. Settled "
        "relative to the middle line, as `ema` and `atr`."
    ),
)


# State of Supertrend: that of the ATR, then 5 upper and 6 lower line, 7 direction (0 before the
# first), 8 multiplier.
def supertrend_step(  # noqa: PLR0917 – a step is positional: state, out, at, then its inputs
    state: FloatRow, out: FloatRow, at: int, high: float, low: float, close: float
) -> None:
    """Write the line to ``out[at]`` and the direction, 1 up or −1 down, to ``out[at + 1]``."""
    previous = state[1]
    atr_step(state, out, at, high, low, close)
    if state[2] > 0.0:  # the average true range has no value yet
        out[at + 1] = nan
        return
    middle = (high + low) / 2.0
    reach = state[8] * out[at]
    upper = middle + reach
    lower = middle - reach
    direction = state[7]
    if direction == 0.0:
        direction = 1.0
    else:
        if upper >= state[5] and previous <= state[5]:
            upper = state[5]
        if lower <= state[6] and previous >= state[6]:
            lower = state[6]
        if direction > 0.0:
            direction = -1.0 if close < lower else 1.0
        else:
            direction = 1.0 if close > upper else -1.0
    state[5] = upper
    state[6] = lower
    state[7] = direction
    out[at] = lower if direction > 0.0 else upper
    out[at + 1] = direction


def _supertrend_initial(*, period: int = 10, multiplier: float = 3.0) -> list[float]:
    return [*ATR.initial(period=period), 0.0, 0.0, 0.0, _factor("multiplier", multiplier)]


def _supertrend_first_valid(*, period: int = 10, multiplier: float = 3.0) -> int:
    _factor("multiplier", multiplier)
    return whole("period", period)


_MEETING: Final = 25.0


def _supertrend_settled(tolerance: float, *, period: int = 10, multiplier: float = 3.0) -> int:
    wide = 1.0 + _factor("multiplier", multiplier)
    return atr_settled(tolerance, period=period) + int(_MEETING * wide * wide)


SUPERTREND = IndicatorSpec(
    name="supertrend",
    inputs=("high", "low", "close"),
    outputs=("line", "direction"),
    step=supertrend_step,
    initial=_supertrend_initial,
    first_valid=_supertrend_first_valid,
    settled=_supertrend_settled,
    formula=(
        "upper and lower = (high + low) / 2 ± multiplier·atr(period); the upper one does not rise "
        "and the lower one does not fall until the close before was beyond it. The direction "
        "turns down at a close below the lower line, up at one above the upper line; the line is "
        "the lower one while it is up, the upper one while it is down"
    ),
    source="Seban, Supertrend, 2008; TA-Lib SUPERTREND, which like this one starts upwards.",
    note=(
        "A line is kept for as long as its trend lasts, so no number of bars is sure to forget the "
        "start: runs that start at different bars are one after both have turned at the same "
        "close. Settled as `atr`, and then 25·(1 + multiplier)² bars for them to meet; over "
        "minutes of BTCUSDT in 2022 they needed at most 8·multiplier² + 10. Other starts exist: "
        "Pine's begins downwards."
    ),
)
