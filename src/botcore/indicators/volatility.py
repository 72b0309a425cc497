"""Volatility: the average true range, in price units and as a share of it, and of log returns."""

from collections.abc import Sequence
from math import isfinite, nan, sqrt
from typing import Final

import numpy as np

from botcore.indicators.bands import moments_row, window_moments
from botcore.indicators.loops import stepped, wilder
from botcore.indicators.row import FloatRow, FloatTable
from botcore.indicators.spec import IndicatorSpec, decay_bars, whole, window_settled


def true_range(high: float, low: float, previous: float) -> float:
    """Return the range of a bar with the way to it from the previous close (Wilder, 1978)."""
    if previous > high:  # comparisons, not max(): ties and signed zeros fall alike everywhere
        return previous - low
    if previous < low:
        return high - previous
    return high - low


# State of the ATR: 0 average (before the seed: the sum), 1 previous close, 2 bars still to come
# until the first value, 3 period, 4 period − 1.
def atr_step(  # noqa: PLR0917 – a step is positional: state, out, at, then its inputs
    state: FloatRow, out: FloatRow, at: int, high: float, low: float, close: float
) -> None:
    """Write Wilder's average true range, in price units, to ``out[at]``."""
    moved = true_range(high, low, state[1])
    state[1] = close
    to_come = state[2]
    if to_come == 0.0:
        average = (state[0] * state[4] + moved) / state[3]
        state[0] = average
        out[at] = average
        return
    state[2] = to_come - 1.0
    out[at] = nan
    if to_come > state[3]:  # the first bar has no previous close
        return
    average = state[0] + moved
    if to_come == 1.0:
        average /= state[3]
        out[at] = average
    state[0] = average


def atr_loop(
    state: list[float], highs: Sequence[float], lows: Sequence[float], closes: Sequence[float]
) -> FloatTable:
    """Return the average true ranges over columns: `atr_step` bar by bar."""
    to_come = int(state[2])
    begun = stepped(atr_step, state, [highs[:to_come], lows[:to_come], closes[:to_come]])
    high, low, close = (np.array(each[to_come:]) for each in (highs, lows, closes))
    before = np.concatenate((state[1:2], close[:-1]))[: len(close)]
    moved = np.where(before < low, high - before, high - low)
    moved = np.where(before > high, before - low, moved)
    state[0], warm = wilder(state[0], state[3], moved.tolist())
    state[1] = closes[-1] if closes else state[1]
    return np.concatenate((begun[:, 0], warm))


def _atr_initial(*, period: int = 14) -> list[float]:
    bars = float(whole("period", period))
    return [0.0, 0.0, bars + 1.0, bars, bars - 1.0]


def _atr_first_valid(*, period: int = 14) -> int:
    return whole("period", period)


def atr_settled(tolerance: float, *, period: int = 14) -> int:
    """Count the bars until the average has forgotten its seed; see `ATR`."""
    keep = 1.0 - 1.0 / whole("period", period)
    return period + 1 + decay_bars(keep, tolerance, seed_error=100.0)


ATR = IndicatorSpec(
    name="atr",
    inputs=("high", "low", "close"),
    outputs=("atr",),
    step=atr_step,
    initial=_atr_initial,
    first_valid=_atr_first_valid,
    settled=atr_settled,
    loop=atr_loop,
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
    settled=atr_settled,
    formula="natrₜ = 100·atrₜ / closeₜ, with the average true range `atr` of the same period",
    source=(
        "Forman, Cross-Market Evaluations with Normalized Average True Range, 2006; TA-Lib NATR."
    ),
    note="Comparable between instruments and years, as `atr` is not. Settled as `atr`.",
)


_LOG_2: Final = 0.6931471805599453  # the nearest double
_SQRT_2: Final = 1.4142135623730951
_EXPONENTS: Final = 2200  # more than the halvings between the largest double and the smallest
_SERIES: Final = 23  # the last odd power: 0.172²³ is below the rounding of 0.172


def log_ratio(x: float, y: float) -> float:
    """Return ln(x / y) of two prices, both above zero, to some units in the last place.

    Arithmetic alone, for the logarithm of the C library differs between machines: halvings bring
    the ratio between 1/√2 and √2, then ln(x / y) = 2·artanh((x − y) / (x + y)) as its series
    (Abramowitz and Stegun, Handbook of Mathematical Functions, 1964, 4.1.27), which keeps all
    digits where the prices are near one another.

    Raises:
        ZeroDivisionError: one of them is zero.
    """
    halvings = 0.0
    for _ in range(_EXPONENTS):
        if x / y <= _SQRT_2:
            break
        x *= 0.5
        halvings += 1.0
    for _ in range(_EXPONENTS):
        if y / x <= _SQRT_2:
            break
        y *= 0.5
        halvings -= 1.0
    z = (x - y) / (x + y)
    square = z * z
    series = 0.0
    for power in range(_SERIES, 0, -2):
        series = series * square + 1.0 / power
    return halvings * _LOG_2 + 2.0 * z * series


# State of the volatility: the moments of the log returns, with √(bars per year) in the place of
# the width; then the previous close, 0 before the first.
def volatility_step(state: FloatRow, out: FloatRow, at: int, x: float) -> None:
    """Write the standard deviation of the window's log returns to ``out[at]``."""
    last = 7 + 2 * int(state[4])
    previous = state[last]
    state[last] = x
    if previous == 0.0:
        out[at] = nan
        return
    _, _, variance = window_moments(state, log_ratio(x, previous))
    out[at] = state[6] * sqrt(variance)


def _volatility_initial(
    *, period: int = 20, ddof: int = 1, bars_per_year: float = 1.0
) -> list[float]:
    bars = _volatility_first_valid(period=period, ddof=ddof, bars_per_year=bars_per_year)
    return [*moments_row(bars, ddof, sqrt(bars_per_year)), 0.0]


def _volatility_first_valid(*, period: int = 20, ddof: int = 1, bars_per_year: float = 1.0) -> int:
    if ddof not in (0, 1):
        raise ValueError(f"ddof {ddof!r} is neither 0 nor 1")
    if not (isfinite(bars_per_year) and bars_per_year > 0.0):
        raise ValueError(f"bars_per_year {bars_per_year!r} is not above 0 and finite")
    return whole("period", period, at_least=2)


def _volatility_settled(
    tolerance: float, *, period: int = 20, ddof: int = 1, bars_per_year: float = 1.0
) -> int:
    bars = _volatility_first_valid(period=period, ddof=ddof, bars_per_year=bars_per_year)
    return window_settled(tolerance, bars + 1)


VOLATILITY = IndicatorSpec(
    name="volatility",
    inputs=("close",),
    outputs=("volatility",),
    step=volatility_step,
    initial=_volatility_initial,
    first_valid=_volatility_first_valid,
    settled=_volatility_settled,
    formula=(
        "volatilityₜ = √(bars_per_year)·σ of the last period log returns ln(xᵢ / xᵢ₋₁), σ with the "
        "given ddof (1: the sample deviation)"
    ),
    source="Hull, Options, Futures, and Other Derivatives, chapter on volatility.",
    note=(
        "With bars_per_year 1, the default, it is that of one bar; 525600 makes it annual for "
        "bars of a minute, 8760 for hours, 365 for days, as crypto trades at all times: right "
        "where returns do not follow from one another. A flat window gives 0. Its input is above "
        "zero. Settled relative to the largest return of the window."
    ),
)
