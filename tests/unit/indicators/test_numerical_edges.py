"""Extreme, constant and collapsing prices, empty volume, a million bars."""

import statistics
from math import fsum
from pathlib import Path

import numpy as np
import pytest
import talib
from tests.unit.indicators.bars import recorded_bars, seeded_bars

from botcore.indicators import (
    ADX,
    ANCHORED_VWAP,
    ATR,
    BOLLINGER,
    CCI,
    DONCHIAN,
    EMA,
    ICHIMOKU,
    INDICATORS,
    KELTNER,
    MACD,
    NATR,
    RSI,
    SMA,
    STOCHASTIC,
    SUPERTREND,
    VOLATILITY,
    VWAP,
    WILLIAMS_R,
    WMA,
    ZSCORE,
    over,
)

EXTREMES = [1e-8, 1e8]
# Neither a power of two nor exact in binary: a mean that rounds would show.
WITHOUT_UNIT = (RSI, ZSCORE, NATR, WILLIAMS_R, ADX, STOCHASTIC, CCI, VOLATILITY)
IN_PRICES = (SMA, EMA, WMA, MACD, BOLLINGER, ATR, DONCHIAN, VWAP, KELTNER, ICHIMOKU, SUPERTREND)
UNITS = (*IN_PRICES, *WITHOUT_UNIT)
CONSTANTS = [1e-8, 0.1, 30000.01, 1e8]


@pytest.mark.parametrize("price", EXTREMES)
@pytest.mark.parametrize("period", [3, 20])
def test_windows_are_exact_at_extreme_prices(price: float, period: int) -> None:
    closes = seeded_bars(3, 200, price=price, step=1e-3).close

    bands = over(BOLLINGER, closes, period=period, width=1.0)
    mean = over(SMA, closes, period=period)
    zscore = over(ZSCORE, closes, period=period)

    for t in range(period - 1, 200):
        window = closes[t - period + 1 : t + 1].tolist()
        exact, deviation = statistics.fmean(window), statistics.pstdev(window)
        assert mean[t] == pytest.approx(exact, rel=1e-14)
        assert bands[t] == pytest.approx(
            [exact + deviation, exact, exact - deviation], rel=1e-14, abs=0.0
        )
        assert zscore[t] * deviation == pytest.approx(
            window[-1] - exact, rel=0.0, abs=1e-14 * price
        )


@pytest.mark.parametrize("exponent", [-60, 60])
def test_the_unit_of_the_price_changes_nothing_but_the_unit(exponent: int) -> None:
    # A power of two: all of + − × ÷ √ scale without a rounding.
    unit = 2.0**exponent
    bars = seeded_bars(5, 400)

    for spec in UNITS:
        columns = bars.inputs(spec)
        scaled = [
            c if s == "volume" else c * unit for s, c in zip(spec.inputs, columns, strict=True)
        ]
        expected = over(spec, *columns)
        if spec is SUPERTREND:  # the line is a price, the direction has no unit
            expected = expected * np.array([unit, 1.0])
        elif spec in IN_PRICES:
            expected = expected * unit
        assert np.array_equal(over(spec, *scaled), expected, equal_nan=True), spec.name


@pytest.mark.parametrize("price", CONSTANTS)
def test_constant_prices_give_exactly_the_price(price: float) -> None:
    flat = np.full(100, price)

    assert set(over(SMA, flat, period=7)[6:]) == {price}
    assert set(over(EMA, flat, period=7, seed="first")[6:]) == {price}
    assert set(over(BOLLINGER, flat, period=7)[6:].ravel()) == {price}
    assert set(over(DONCHIAN, flat, flat, period=7)[6:].ravel()) == {price}
    assert set(over(ZSCORE, flat, period=7)[6:]) == {0.0}
    assert set(over(ATR, flat, flat, flat, period=7)[7:]) == {0.0}
    assert set(over(NATR, flat, flat, flat, period=7)[7:]) == {0.0}
    assert set(over(WILLIAMS_R, flat, flat, flat, period=7)[6:]) == {0.0}
    assert set(over(WMA, flat, period=7)[6:]) == {price}
    assert set(over(STOCHASTIC, flat, flat, flat)[17:].ravel()) == {0.0}
    assert set(over(CCI, flat, flat, flat, period=7)[6:]) == {0.0}
    assert set(over(ADX, flat, flat, flat, period=7)[13:].ravel()) == {0.0}
    assert set(over(VOLATILITY, flat, period=7)[7:]) == {0.0}
    assert set(over(ICHIMOKU, flat, flat)[77:].ravel()) == {price}
    assert set(over(SUPERTREND, flat, flat, flat)[10:, 0]) == {price}
    keltner = over(KELTNER, flat, flat, flat, period=7)[10:]
    assert (keltner == keltner[:, [1]]).all()  # one line; its typical price is rounded
    assert keltner == pytest.approx(price, rel=1e-15)


@pytest.mark.parametrize("price", CONSTANTS)
def test_rsi_without_any_move_is_zero_as_in_ta_lib(price: float) -> None:
    flat = np.full(30, price)

    assert set(over(RSI, flat)[14:]) == {0.0}
    assert set(talib.RSI(flat, 14)[14:]) == {0.0}


def test_rsi_of_moves_in_one_direction_is_at_its_end() -> None:
    assert set(over(RSI, np.arange(1.0, 31.0))[14:]) == {100.0}
    assert set(over(RSI, np.arange(30.0, 0.0, -1.0))[14:]) == {0.0}


def test_a_window_becomes_flat_when_the_jump_has_left_it() -> None:
    closes = np.array([1e8] * 13 + [1e-8] * 40)

    bands = over(BOLLINGER, closes, period=10)
    mean = over(SMA, closes, period=10)

    assert mean[21] == pytest.approx((1e8 + 9e-8) / 10, rel=1e-15)
    assert set(mean[22:]) == {1e-8}
    assert set(bands[22:].ravel()) == {1e-8}


def test_a_collapse_inside_the_window_costs_no_digits() -> None:
    closes = 120.0 * 0.3 ** np.arange(40.0)  # a ten-billionth after 20 bars

    mean = over(SMA, closes, period=8)

    weighted = over(WMA, closes, period=8)

    for t in range(7, 40):
        window = closes[t - 7 : t + 1]
        assert mean[t] == pytest.approx(fsum(window) / 8, rel=1e-14)
        exact = fsum(weight * x for weight, x in enumerate(window, start=1)) / 36
        assert weighted[t] == pytest.approx(exact, rel=1e-14)


def test_windows_do_not_drift_over_a_million_bars() -> None:
    closes = seeded_bars(11, 1_000_000, price=3e4, step=1e-4).close

    mean = over(SMA, closes, period=30)
    bands = over(BOLLINGER, closes, period=30, width=1.0)
    weighted = over(WMA, closes[900_000:], period=30)

    for t in range(999_000, 1_000_000):
        window = closes[t - 29 : t + 1].tolist()
        assert mean[t] == pytest.approx(fsum(window) / 30, rel=1e-14)
        assert bands[t, 0] == pytest.approx(fsum(window) / 30 + np.std(window), rel=1e-13)
        exact = fsum(weight * x for weight, x in enumerate(window, start=1)) / 465
        assert weighted[t - 900_000] == pytest.approx(exact, rel=1e-14)


def test_lines_of_movement_stay_in_their_bounds_through_a_market_that_stops() -> None:
    # Smoothed sums halve for ever where nothing moves, down into the smallest numbers there are.
    moving = seeded_bars(41, 300)
    still = np.full(30_000, moving.close[-1])
    high, low, close = (
        np.concatenate([column, still]) for column in (moving.high, moving.low, moving.close)
    )

    lines = over(ADX, high, low, close, period=5)[9:]

    assert (lines >= 0.0).all()
    assert (lines <= 100.0).all()


def test_vwap_of_a_window_without_volume_is_the_newest_typical_price() -> None:
    n = 40
    close = np.arange(1.0, n + 1.0)
    volume = np.where(close <= 10, 1e9, 0.0)

    vwap = over(VWAP, close + 2.0, close - 1.0, close - 1.0, volume, period=5)

    assert np.array_equal(vwap[14:], close[14:])


def test_anchored_vwap_before_the_first_trade_is_the_typical_price() -> None:
    flat, none = np.full(3, 7.0), np.zeros(3)

    assert over(ANCHORED_VWAP, flat, flat, flat, none).tolist() == [7.0, 7.0, 7.0]


def test_vwap_stays_inside_its_window_through_a_real_outage(market_data_dir: Path) -> None:
    bars = recorded_bars(market_data_dir, "BTCUSDT", "2023-03-24")
    channel = over(DONCHIAN, bars.high, bars.low, period=20)[19:]

    vwap = over(VWAP, *bars.inputs(VWAP), period=20)[19:]

    assert (bars.volume == 0.0).sum() >= 70
    assert (vwap <= channel[:, 0] * (1.0 + 1e-12)).all()
    assert (vwap >= channel[:, 2] * (1.0 - 1e-12)).all()


def test_no_indicator_overflows_at_extreme_prices() -> None:
    for price in EXTREMES:
        bars = seeded_bars(13, 200, price=price)
        for spec in INDICATORS.values():
            values = over(spec, *bars.inputs(spec))
            assert np.isfinite(values[spec.first_valid() :]).all(), (spec.name, price)
