"""Oracles written here in NumPy, window by window and line by line, from the definitions alone."""

from math import log
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from tests.unit.indicators.bars import Bars, recorded_bars, seeded_bars

from botcore.indicators import (
    ADX,
    CCI,
    ICHIMOKU,
    KELTNER,
    STOCHASTIC,
    SUPERTREND,
    VOLATILITY,
    WMA,
    over,
)
from botcore.indicators.volatility import log_ratio

Column = NDArray[np.float64]


@pytest.fixture(params=["seeded", "recorded"], scope="module")
def bars(request: pytest.FixtureRequest) -> Bars:
    if request.param == "seeded":
        return seeded_bars(20221109, 1_500, price=3e4, step=3e-3)
    folder: Path = request.getfixturevalue("market_data_dir")
    return recorded_bars(folder, "BTCUSDT", "2022-11-08")


def true_ranges(bars: Bars) -> Column:
    """From the second bar on: the largest of the three distances of Wilder."""
    high, low, before = bars.high[1:], bars.low[1:], bars.close[:-1]
    distances = [high - low, np.abs(high - before), np.abs(low - before)]
    ranges: Column = np.max(distances, axis=0)
    return ranges


def wilder(values: Column, n: int) -> Column:
    """The mean of the first n, then weights of 1/n; one value for each from the n-th on."""
    smoothed = [values[:n].mean()]
    for value in values[n:]:
        smoothed.append(smoothed[-1] + (value - smoothed[-1]) / n)
    return np.array(smoothed)


def exponential(values: Column, n: int) -> Column:
    smoothed = [values[:n].mean()]
    for value in values[n:]:
        smoothed.append(smoothed[-1] + (value - smoothed[-1]) * 2.0 / (n + 1.0))
    return np.array(smoothed)


def mid(bars: Bars, n: int) -> Column:
    """(highest high + lowest low) / 2 of the windows of n bars; one a bar, NaN before."""
    highest = sliding_window_view(bars.high, n).max(axis=1)
    lowest = sliding_window_view(bars.low, n).min(axis=1)
    return np.concatenate([np.full(n - 1, np.nan), (highest + lowest) / 2.0])


@pytest.mark.parametrize(
    ("period", "atr_period", "width"), [(20, 10, 2.0), (5, 30, 1.5), (1, 1, 1.0)]
)
def test_keltner(bars: Bars, period: int, atr_period: int, width: float) -> None:
    middle = exponential((bars.high + bars.low + bars.close) / 3.0, period)
    reach = width * wilder(true_ranges(bars), atr_period)

    ours = over(
        KELTNER, bars.high, bars.low, bars.close, period=period, atr_period=atr_period, width=width
    )

    first = max(period - 1, atr_period)
    middle, reach = middle[first - period + 1 :], reach[first - atr_period :]
    expected = np.column_stack([middle + reach, middle, middle - reach])
    assert np.isnan(ours[:first]).all()
    assert ours[first:] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("period", "multiplier"), [(10, 3.0), (3, 0.7), (1, 1.0)])
def test_supertrend(bars: Bars, period: int, multiplier: float) -> None:
    average = wilder(true_ranges(bars), period)
    middle = (bars.high + bars.low)[period:] / 2.0
    close = bars.close[period:]
    upper, lower = middle + multiplier * average, middle - multiplier * average
    expected = [(lower[0], 1.0)]
    for t in range(1, len(close)):
        if close[t - 1] <= upper[t - 1]:  # it has not been broken: it may only come nearer
            upper[t] = min(upper[t], upper[t - 1])
        if close[t - 1] >= lower[t - 1]:
            lower[t] = max(lower[t], lower[t - 1])
        was_up = expected[-1][1] == 1.0
        is_up = close[t] >= lower[t] if was_up else close[t] > upper[t]
        expected.append((lower[t], 1.0) if is_up else (upper[t], -1.0))

    ours = over(SUPERTREND, bars.high, bars.low, bars.close, period=period, multiplier=multiplier)

    assert np.isnan(ours[:period]).all()
    assert ours[period:] == pytest.approx(np.array(expected), rel=1e-12)
    assert set(ours[period:, 1]) == {1.0, -1.0}


def test_supertrend_by_hand() -> None:
    # True ranges of 2 throughout, multiplier 1: the lines are 2 from the middle of each bar.
    middles = np.array([10.0, 10.0, 11.0, 12.0, 11.0, 9.5, 9.0, 8.5, 9.5, 11.5])
    closes = middles.copy()
    high, low = middles + 1.0, middles - 1.0

    ours = over(SUPERTREND, high, low, closes, period=1, multiplier=1.0)

    # Bar 4: its own lower line is 9, but 10 of bar 3 stays. Bar 5 closes at 9.5 below it: down,
    # true range 2.5, upper line 9.5 + 2.5. It falls with the price and is broken at bar 9.
    assert ours[1:, 1].tolist() == [1, 1, 1, 1, -1, -1, -1, -1, 1]
    assert ours[1:5, 0].tolist() == [8.0, 9.0, 10.0, 10.0]
    assert ours[5:9, 0].tolist() == [12.0, 11.0, 10.5, 10.5]
    assert ours[9, 0] == 11.5 - 3.0


@pytest.mark.parametrize(
    ("conversion", "base", "span", "displacement"), [(9, 26, 52, 26), (3, 5, 4, 1), (1, 1, 1, 7)]
)
def test_ichimoku(bars: Bars, conversion: int, base: int, span: int, displacement: int) -> None:
    lines = mid(bars, conversion), mid(bars, base)
    leading = (lines[0] + lines[1]) / 2.0, mid(bars, span)
    delayed = [np.concatenate([np.full(displacement, np.nan), x[:-displacement]]) for x in leading]

    ours = over(
        ICHIMOKU,
        bars.high,
        bars.low,
        conversion=conversion,
        base=base,
        span=span,
        displacement=displacement,
    )

    first = max(conversion, base, span) - 1 + displacement
    expected = np.column_stack([*lines, *delayed])
    assert np.isnan(ours[:first]).all()
    assert np.array_equal(ours[first:], expected[first:])


def test_the_cloud_of_a_bar_was_known_as_many_bars_before_as_it_is_displaced(bars: Bars) -> None:
    shaken = np.array(bars.high)
    shaken[-26:] *= 2.0  # whatever the last bars do …

    usual = over(ICHIMOKU, bars.high, bars.low)[:, 2:]
    after = over(ICHIMOKU, shaken, bars.low)[:, 2:]

    assert usual.tobytes() == after.tobytes()  # … the cloud that stands at them is the same


@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("period", [2, 20, 300])
def test_volatility(bars: Bars, period: int, ddof: int) -> None:
    returns = np.log(bars.close[1:] / bars.close[:-1])
    expected = sliding_window_view(returns, period).std(axis=1, ddof=ddof)

    ours = over(VOLATILITY, bars.close, period=period, ddof=ddof)
    annual = over(VOLATILITY, bars.close, period=period, ddof=ddof, bars_per_year=525_600)

    assert np.isnan(ours[:period]).all()
    assert ours[period:] == pytest.approx(expected, rel=1e-9, abs=1e-15)
    # Known answers, H-28: √525600.
    assert annual[period:] == pytest.approx(ours[period:] * 724.98276, rel=1e-7)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (30_000.01, 30_000.0),
        (1.0, 1.0),
        (1e-8, 1e8),
        (1e300, 1e-300),
        (2.0, 1.0),
        (1.0, 1.4142135623730951),
        (16_000.0, 17_622.0),
        (3.0, 2.0),
    ],
)
def test_the_logarithm_of_a_ratio_is_that_of_the_library(x: float, y: float) -> None:
    exact = log(x) - log(y) if x / y in (0.0, np.inf) else log(x / y)
    # ln(1 + r) of the library where the ratio itself has lost digits.
    exact = float(np.log1p((x - y) / y)) if abs(x - y) < 0.1 * y else exact

    assert log_ratio(x, y) == pytest.approx(exact, rel=1e-14, abs=0.0)
    assert log_ratio(y, x) == -log_ratio(x, y)


@pytest.mark.parametrize(("x", "y"), [(0.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
def test_no_logarithm_is_made_up_for_a_price_of_zero(x: float, y: float) -> None:
    with pytest.raises(ZeroDivisionError):
        log_ratio(x, y)


@pytest.mark.parametrize("period", [1, 2, 7, 50])
def test_wma(bars: Bars, period: int) -> None:
    weights = np.arange(1.0, period + 1.0)
    expected = sliding_window_view(bars.close, period) @ weights / weights.sum()

    ours = over(WMA, bars.close, period=period)

    assert ours[period - 1 :] == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(("period", "smooth_k", "smooth_d"), [(14, 3, 3), (5, 1, 4), (1, 2, 1)])
def test_stochastic(bars: Bars, period: int, smooth_k: int, smooth_d: int) -> None:
    highest = sliding_window_view(bars.high, period).max(axis=1)
    lowest = sliding_window_view(bars.low, period).min(axis=1)
    apart = highest - lowest
    place = 100.0 * (bars.close[period - 1 :] - lowest)
    fast = np.divide(place, apart, out=np.zeros_like(place), where=apart > 0.0)
    slow = sliding_window_view(fast, smooth_k).mean(axis=1)
    signal = sliding_window_view(slow, smooth_d).mean(axis=1)
    n = len(signal)

    ours = over(
        STOCHASTIC,
        *(bars.high, bars.low, bars.close),
        period=period,
        smooth_k=smooth_k,
        smooth_d=smooth_d,
    )

    expected = np.column_stack([fast[-n:], slow[-n:], signal])
    assert ours[-n:] == pytest.approx(expected, rel=1e-12, abs=1e-10)
    assert np.isnan(ours[:-n]).all()


@pytest.mark.parametrize("period", [2, 20, 100])
def test_cci(bars: Bars, period: int) -> None:
    typical = (bars.high + bars.low + bars.close) / 3.0
    windows = sliding_window_view(typical, period)
    offsets = windows - windows.mean(axis=1, keepdims=True)
    deviation = np.abs(offsets).mean(axis=1)

    ours = over(CCI, bars.high, bars.low, bars.close, period=period)

    assert ours[period - 1 :] * 0.015 * deviation == pytest.approx(
        offsets[:, -1], abs=1e-12 * float(typical.max())
    )


def test_adx_by_hand() -> None:
    # Period 2. Up by 1, up by 2, then down by 3 and down by 1: only the side that moved further
    # counts. Ranges are 2 where the close is in the middle and the bar overlaps the one before.
    middle = np.array([10.0, 11.0, 13.0, 10.0, 9.0])
    high, low = middle + 1.0, middle - 1.0

    ours = over(ADX, high, low, middle, period=2)

    # TR: –, 2, 3, 4, 2. +DM: –, 1, 2, 0, 0. −DM: –, 0, 0, 3, 1.
    # S(TR): 2 → 2/2 + 3 = 4 → 2 + 4 = 6 → 3 + 2 = 5
    # S(+DM): 1 → 0.5 + 2 = 2.5 → 1.25 → 0.625
    # S(−DM): 0 → 0 → 3 → 1.5 + 1 = 2.5
    # DX: bar 2: 100; bar 3: 100·1.75/4.25; bar 4: 100·1.875/3.125 = 60
    seed = (100.0 + 175.0 / 4.25) / 2.0
    assert np.isnan(ours[:3]).all()
    assert ours[3] == pytest.approx([seed, 100 * 1.25 / 6, 100 * 3 / 6], rel=1e-14)
    assert ours[4] == pytest.approx([(seed + 60.0) / 2.0, 12.5, 50.0], rel=1e-14)
