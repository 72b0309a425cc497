"""How strongly, and which way, prices move: the directional movement of Wilder, and Ichimoku."""

from math import nan
from typing import Final

from botcore.indicators.row import FloatRow
from botcore.indicators.spec import IndicatorSpec, decay_bars, whole, window_settled
from botcore.indicators.volatility import true_range
from botcore.indicators.windows import extremes_row, ring_push, ring_row, window_extremes


# State of the ADX: 0 to 2 previous high, low and close, 3 to 5 smoothed sums of the upward and the
# downward movement and of the true range, 6 average (before the seed: the sum), 7 bars still to
# come until the first value, 8 period, 9 period − 1.
def adx_step(  # noqa: PLR0917 – a step is positional: state, out, at, then its inputs
    state: FloatRow, out: FloatRow, at: int, high: float, low: float, close: float
) -> None:
    """Write ADX, +DI and −DI, in ``[0, 100]``, to ``out[at]``, ``out[at + 1]``, ``out[at + 2]``."""
    up = high - state[0]
    down = state[1] - low
    moved = true_range(high, low, state[2])
    state[0] = high
    state[1] = low
    state[2] = close
    out[at] = nan
    out[at + 1] = nan
    out[at + 2] = nan
    to_come = state[7]
    period = state[8]
    if to_come > 0.0:
        state[7] = to_come - 1.0
        if to_come == 2.0 * period:  # the first bar has none before it
            return
    rise = state[3]
    fall = state[4]
    ranges = state[5]
    if to_come <= period:
        rise -= rise / period
        fall -= fall / period
        ranges -= ranges / period
    if up > down and up > 0.0:
        rise += up
    elif down > up and down > 0.0:
        fall += down
    ranges += moved
    state[3] = rise
    state[4] = fall
    state[5] = ranges
    if to_come > period:
        return
    average = state[6]
    moving = ranges > 0.0 and rise + fall > 0.0
    if moving:
        apart = rise - fall if rise > fall else fall - rise
        directional = 100.0 * (apart / (rise + fall))
        average = (
            average + directional
            if to_come > 0.0
            else ((average * state[9] + directional) / period)
        )
    if to_come == 1.0:
        average /= period
    state[6] = average
    if to_come <= 1.0:
        out[at] = average
        out[at + 1] = 100.0 * (rise / ranges) if moving else 0.0
        out[at + 2] = 100.0 * (fall / ranges) if moving else 0.0


def _adx_initial(*, period: int = 14) -> list[float]:
    bars = float(whole("period", period, at_least=2))
    return [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0 * bars, bars, bars - 1.0]


def _adx_first_valid(*, period: int = 14) -> int:
    return 2 * whole("period", period, at_least=2) - 1


def _adx_settled(tolerance: float, *, period: int = 14) -> int:
    keep = 1.0 - 1.0 / whole("period", period, at_least=2)
    # One average of another: the second forgets what the first had wrong until it had settled.
    return 2 * period + 2 * decay_bars(keep, tolerance, seed_error=100.0)


ADX = IndicatorSpec(
    name="adx",
    inputs=("high", "low", "close"),
    outputs=("adx", "plus_di", "minus_di"),
    step=adx_step,
    initial=_adx_initial,
    first_valid=_adx_first_valid,
    settled=_adx_settled,
    formula=(
        "+DM = highₜ − highₜ₋₁ where that is above 0 and above lowₜ₋₁ − lowₜ, else 0, −DM the "
        "other way round; S(x)ₜ = S(x)ₜ₋₁ − S(x)ₜ₋₁ / n + xₜ from the sum of x₁ … xₙ₋₁ on; "
        "±DI = 100·S(±DM) / S(TR), DX = 100·|+DI − −DI| / (+DI + −DI), "
        "adxₜ = (adxₜ₋₁·(n − 1) + DXₜ) / n, seeded with the mean of DXₙ … DX₂ₙ₋₁; n = period"
    ),
    source=(
        "Wilder, New Concepts in Technical Trading Systems, 1978; TA-Lib ADX, PLUS_DI and "
        "MINUS_DI, whose sums start from n − 1 changes."
    ),
    note=(
        "Where nothing has moved both lines are 0 and ADX stays as it was. TA-Lib shows the lines "
        "from bar n on, here they begin with the ADX. Settled in points of the 100-point scale, "
        "for a seed window up to 100 times as agitated as the present one."
    ),
)


# State of Ichimoku: 0 bars still to come until the first value, 1 to 5 starts of what follows:
# the extremes of conversion, base and span, the rings of the two leading spans.
_ICHIMOKU_HEAD: Final = 6


def ichimoku_step(state: FloatRow, out: FloatRow, at: int, high: float, low: float) -> None:
    """Write conversion, base, span A and span B to ``out[at]`` and the three after it."""
    upper, lower = window_extremes(state, int(state[1]), high, low)
    conversion = (upper + lower) / 2.0
    upper, lower = window_extremes(state, int(state[2]), high, low)
    base = (upper + lower) / 2.0
    upper, lower = window_extremes(state, int(state[3]), high, low)
    span_a = ring_push(state, int(state[4]), (conversion + base) / 2.0)
    span_b = ring_push(state, int(state[5]), (upper + lower) / 2.0)
    if state[0] > 1.0:
        state[0] -= 1.0
        out[at] = nan
        out[at + 1] = nan
        out[at + 2] = nan
        out[at + 3] = nan
        return
    out[at] = conversion
    out[at + 1] = base
    out[at + 2] = span_a
    out[at + 3] = span_b


def _ichimoku_initial(
    *, conversion: int = 9, base: int = 26, span: int = 52, displacement: int = 26
) -> list[float]:
    bars = 1 + _ichimoku_first_valid(
        conversion=conversion, base=base, span=span, displacement=displacement
    )
    starts: list[float] = []
    rows: list[float] = []
    for row, length in (
        (extremes_row, conversion),
        (extremes_row, base),
        (extremes_row, span),
        (ring_row, displacement),
        (ring_row, displacement),
    ):
        start = _ICHIMOKU_HEAD + len(rows)
        starts.append(float(start))
        rows += row(length, start)
    return [float(bars), *starts, *rows]


def _ichimoku_first_valid(
    *, conversion: int = 9, base: int = 26, span: int = 52, displacement: int = 26
) -> int:
    longest = max(whole("conversion", conversion), whole("base", base), whole("span", span))
    return longest - 1 + whole("displacement", displacement)


def _ichimoku_settled(
    tolerance: float,
    *,
    conversion: int = 9,
    base: int = 26,
    span: int = 52,
    displacement: int = 26,
) -> int:
    first = _ichimoku_first_valid(
        conversion=conversion, base=base, span=span, displacement=displacement
    )
    return window_settled(tolerance, first + 1)


ICHIMOKU = IndicatorSpec(
    name="ichimoku",
    inputs=("high", "low"),
    outputs=("conversion", "base", "span_a", "span_b"),
    step=ichimoku_step,
    initial=_ichimoku_initial,
    first_valid=_ichimoku_first_valid,
    settled=_ichimoku_settled,
    formula=(
        "mid(n) = (highest high + lowest low of the last n bars) / 2; conversion = "
        "mid(conversion), base = mid(base); span Aₜ = (conversion + base) / 2 and "
        "span Bₜ = mid(span), both of the bar t − displacement"
    ),
    source="Hosoda, Ichimoku Kinko Hyo, 1969; names as in English charting.",
    note=(
        "Charts draw the spans displacement bars ahead, so the cloud that stands at a bar was "
        "known that many bars before: that is what is given, nothing of it is from later. The "
        "lagging span, the close drawn as many bars back, is left out: to read it at an earlier "
        "bar is to look ahead. Some charts shift by displacement − 1: give one less for those."
    ),
)
