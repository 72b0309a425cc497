"""Volatility of a bar: the average true range, in price units and as a share of the price."""

from math import nan

from botcore.indicators.row import FloatRow
from botcore.indicators.spec import IndicatorSpec, decay_bars, whole


# State of the ATR: 0 average (before the seed: the sum), 1 previous close, 2 bars still to come
# until the first value, 3 period, 4 period − 1.
def atr_step(  # noqa: PLR0917 – a step is positional: state, out, at, then its inputs
    state: FloatRow, out: FloatRow, at: int, high: float, low: float, close: float
) -> None:
    """Write Wilder's average true range, in price units, to ``out[at]``."""
    previous = state[1]
    state[1] = close
    true_range = high - low
    if previous > high:  # comparisons, not max(): ties and signed zeros fall alike everywhere
        true_range = previous - low
    elif previous < low:
        true_range = high - previous
    to_come = state[2]
    if to_come == 0.0:
        average = (state[0] * state[4] + true_range) / state[3]
        state[0] = average
        out[at] = average
        return
    state[2] = to_come - 1.0
    out[at] = nan
    if to_come > state[3]:  # the first bar has no previous close
        return
    average = state[0] + true_range
    if to_come == 1.0:
        average /= state[3]
        out[at] = average
    state[0] = average


def _atr_initial(*, period: int = 14) -> list[float]:
    bars = float(whole("period", period))
    return [0.0, 0.0, bars + 1.0, bars, bars - 1.0]


def _atr_first_valid(*, period: int = 14) -> int:
    return whole("period", period)


def _atr_settled(tolerance: float, *, period: int = 14) -> int:
    keep = 1.0 - 1.0 / whole("period", period)
    return period + 1 + decay_bars(keep, tolerance, seed_error=100.0)


ATR = IndicatorSpec(
    name="atr",
    inputs=("high", "low", "close"),
    outputs=("atr",),
    step=atr_step,
    initial=_atr_initial,
    first_valid=_atr_first_valid,
    settled=_atr_settled,
    formula=(
        "TRₜ = max(highₜ, closeₜ₋₁) − min(lowₜ, closeₜ₋₁); atrₜ = (atrₜ₋₁·(n − 1) + TRₜ) / n, "
        "seeded with the mean of TR₁ … TRₙ; n = period"
    ),
    source=(
        "Wilder, New Concepts in Technical Trading Systems, 1978; TA-Lib ATR. StockCharts takes "
        "high − low as the first bar's range and starts one bar earlier."
    ),
    note="Settled for a seed window up to 100 times as agitated as the present one.",
)


def natr_step(  # noqa: PLR0917 – a step is positional: state, out, at, then its inputs
    state: FloatRow, out: FloatRow, at: int, high: float, low: float, close: float
) -> None:
    """Write the average true range in per cent of the close to ``out[at]``; state as the ATR's."""
    atr_step(state, out, at, high, low, close)
    out[at] = out[at] / close * 100.0


NATR = IndicatorSpec(
    name="natr",
    inputs=("high", "low", "close"),
    outputs=("natr",),
    step=natr_step,
    initial=_atr_initial,
    first_valid=_atr_first_valid,
    settled=_atr_settled,
    formula="natrₜ = 100·atrₜ / closeₜ, with the average true range `atr` of the same period",
    source=(
        "Forman, Cross-Market Evaluations with Normalized Average True Range, 2006; TA-Lib NATR."
    ),
    note="Comparable between instruments and years, as `atr` is not. Settled as `atr`.",
)
