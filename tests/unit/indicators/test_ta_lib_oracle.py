"""TA-Lib is the oracle: relative 1e-9 of the price, on published, seeded and recorded bars."""

from pathlib import Path

import numpy as np
import pytest
import talib
from numpy.typing import NDArray
from tests.unit.indicators.bars import TA_LIB_CLOSES, Bars, recorded_bars, seeded_bars

from botcore.indicators import (
    ADX,
    ANCHORED_VWAP,
    ATR,
    BOLLINGER,
    CCI,
    DONCHIAN,
    EMA,
    KELTNER,
    MACD,
    NATR,
    OBV,
    RSI,
    SMA,
    STOCHASTIC,
    SUPERTREND,
    VWAP,
    WILLIAMS_R,
    WMA,
    ZSCORE,
    over,
)

FTX_FALLS = ("2022-11-07", "2022-11-08", "2022-11-09")
TOLERANCE = 1e-9


@pytest.fixture(params=["published", "seeded", "recorded"], scope="module")
def bars(request: pytest.FixtureRequest) -> Bars:
    if request.param == "recorded":
        folder: Path = request.getfixturevalue("market_data_dir")
        return recorded_bars(folder, "BTCUSDT", *FTX_FALLS)
    if request.param == "seeded":
        return seeded_bars(20221108, 2_000, price=3e4, step=1e-3)
    closes = TA_LIB_CLOSES
    return Bars(closes + 1.0, closes - 0.5, closes, np.abs(np.sin(np.arange(252.0))))


def assert_agree(
    ours: NDArray[np.float64], theirs: NDArray[np.float64], scale: NDArray[np.float64] | float
) -> None:
    assert np.array_equal(np.isnan(ours), np.isnan(theirs))
    assert np.nanmax(np.abs(ours - theirs) / scale) < TOLERANCE


@pytest.mark.parametrize("period", [2, 5, 20, 200])
class TestOverOnePeriod:
    def test_sma_agrees(self, bars: Bars, period: int) -> None:
        ours = over(SMA, bars.close, period=period)

        assert_agree(ours, talib.SMA(bars.close, period), bars.close)

    def test_ema_agrees(self, bars: Bars, period: int) -> None:
        ours = over(EMA, bars.close, period=period)

        assert_agree(ours, talib.EMA(bars.close, period), bars.close)

    def test_wma_agrees(self, bars: Bars, period: int) -> None:
        ours = over(WMA, bars.close, period=period)

        assert_agree(ours, talib.WMA(bars.close, period), bars.close)

    def test_cci_agrees(self, bars: Bars, period: int) -> None:
        typical = (bars.high + bars.low + bars.close) / 3.0
        deviation = 0.015 * talib.AVGDEV(typical, period)  # from points back to prices

        ours = over(CCI, bars.high, bars.low, bars.close, period=period)

        theirs = talib.CCI(bars.high, bars.low, bars.close, period)
        assert_agree(ours * deviation, theirs * deviation, bars.close)

    def test_stochastic_agrees(self, bars: Bars, period: int) -> None:
        prices = bars.high, bars.low, bars.close

        ours = over(STOCHASTIC, *prices, period=period, smooth_k=4, smooth_d=2)

        simple = talib.MA_Type.SMA  # type: ignore[attr-defined]  # missing in its stub
        slow = talib.STOCH(*prices, period, 4, simple, 2, simple)
        theirs = talib.STOCHF(*prices, period, 5, simple)[0], *slow
        for line, expected in zip(ours.T, theirs, strict=True):
            assert_agree(line, expected, 100.0)

    def test_supertrend_agrees(self, bars: Bars, period: int) -> None:
        prices = bars.high, bars.low, bars.close

        ours = over(SUPERTREND, *prices, period=period, multiplier=1.5)

        line, trend = talib.SUPERTREND(*prices, period, 1.5)
        assert_agree(ours[:, 0], line, bars.close)
        assert np.array_equal(ours[period:, 1], trend[period:])

    def test_rsi_agrees(self, bars: Bars, period: int) -> None:
        ours = over(RSI, bars.close, period=period)

        assert_agree(ours, talib.RSI(bars.close, period), 100.0)

    def test_atr_agrees(self, bars: Bars, period: int) -> None:
        ours = over(ATR, bars.high, bars.low, bars.close, period=period)

        assert_agree(ours, talib.ATR(bars.high, bars.low, bars.close, period), bars.close)

    def test_natr_agrees(self, bars: Bars, period: int) -> None:
        ours = over(NATR, bars.high, bars.low, bars.close, period=period)

        assert_agree(ours, talib.NATR(bars.high, bars.low, bars.close, period), 100.0)

    def test_williams_r_agrees(self, bars: Bars, period: int) -> None:
        ours = over(WILLIAMS_R, bars.high, bars.low, bars.close, period=period)

        assert_agree(ours, talib.WILLR(bars.high, bars.low, bars.close, period), 100.0)
        assert np.nanmin(ours) >= -100.0
        assert np.nanmax(ours) <= 0.0

    def test_bollinger_agrees(self, bars: Bars, period: int) -> None:
        ours = over(BOLLINGER, bars.close, period=period, width=2.5)

        for band, theirs in zip(ours.T, talib.BBANDS(bars.close, period, 2.5, 2.5), strict=True):
            assert_agree(band, theirs, ours[:, 1])

    def test_zscore_agrees_with_the_bands(self, bars: Bars, period: int) -> None:
        ours = over(ZSCORE, bars.close, period=period)

        upper, middle, _ = talib.BBANDS(bars.close, period, 1.0, 1.0)
        assert_agree(ours * (upper - middle), bars.close - middle, bars.close)

    def test_donchian_agrees_to_the_bit(self, bars: Bars, period: int) -> None:
        ours = over(DONCHIAN, bars.high, bars.low, period=period)

        theirs = talib.DONCHIAN(bars.high, bars.low, period)
        for line, expected in zip(ours.T, theirs, strict=True):
            assert np.array_equal(line, expected, equal_nan=True)

    def test_vwap_agrees_where_something_traded(self, bars: Bars, period: int) -> None:
        # TA-Lib's running sums keep a rest of what left the window: where nothing trades they
        # divide one rest by another. Our volume is kept above zero for the comparison.
        volume = bars.volume + 1.0
        typical = (bars.high + bars.low + bars.close) / 3.0

        ours = over(VWAP, bars.high, bars.low, bars.close, volume, period=period)

        assert_agree(ours, talib.VWMA(typical, volume, period), bars.close)


@pytest.mark.parametrize("period", [2, 5, 14, 60])
def test_adx_and_its_lines_agree(bars: Bars, period: int) -> None:
    prices = bars.high, bars.low, bars.close

    ours = over(ADX, *prices, period=period)

    assert_agree(ours[:, 0], talib.ADX(*prices, period), 100.0)
    for line, theirs in zip(ours.T[1:], (talib.PLUS_DI, talib.MINUS_DI), strict=True):
        first = ADX.first_valid(period=period)  # theirs are there from bar `period` on
        assert_agree(line[first:], theirs(*prices, period)[first:], 100.0)


def test_keltner_agrees_once_the_seed_of_its_true_ranges_is_forgotten(bars: Bars) -> None:
    prices = bars.high, bars.low, bars.close
    settled = KELTNER.settled(TOLERANCE, period=5, atr_period=3)
    assert settled is not None

    ours = over(KELTNER, *prices, period=5, atr_period=3, width=1.5)

    for line, theirs in zip(ours.T, talib.KC(*prices, 5, 3, 1.5), strict=True):
        assert_agree(line[settled:], theirs[settled:], bars.close[settled:])


@pytest.mark.parametrize(("fast", "slow", "signal"), [(12, 26, 9), (5, 34, 5), (2, 3, 1)])
def test_macd_agrees(bars: Bars, fast: int, slow: int, signal: int) -> None:
    ours = over(MACD, bars.close, fast=fast, slow=slow, signal=signal)

    theirs = talib.MACD(bars.close, fast, slow, signal)
    for line, expected in zip(ours.T, theirs, strict=True):
        assert_agree(line, expected, bars.close)


def test_macd_is_not_the_difference_of_two_averages_started_alone(bars: Bars) -> None:
    macd = over(MACD, bars.close)[33, 0]

    alone = over(EMA, bars.close, period=12)[33] - over(EMA, bars.close, period=26)[33]

    assert abs(macd - alone) > 1e-6 * bars.close[33]


def test_obv_agrees(bars: Bars) -> None:
    ours = over(OBV, bars.close, bars.volume)

    assert np.array_equal(ours, talib.OBV(bars.close, bars.volume))


def test_anchored_vwap_agrees(bars: Bars) -> None:
    columns = bars.high, bars.low, bars.close, bars.volume + 1e-3

    assert_agree(over(ANCHORED_VWAP, *columns), talib.VWAP(*columns), bars.close)


@pytest.mark.parametrize("period", [1, 10, 30])
@pytest.mark.parametrize("seed", ["sma", "first"])
def test_ema_is_ta_libs_text_to_the_bit(bars: Bars, period: int, seed: str) -> None:
    # The text, not the wheel: some builds of TA-Lib fuse the multiplication with the addition.
    k = 2.0 / (period + 1)
    closes = bars.close.tolist()
    start = period if seed == "sma" else 1
    previous = sum(closes[:start]) / start
    text = [previous]
    for x in closes[start:]:
        previous = ((x - previous) * k) + previous
        text.append(previous)

    ours = over(EMA, bars.close, period=period, seed=seed)

    assert ours[period - 1 :].tolist() == text[period - start :]


def test_a_seed_by_the_first_price_differs_for_hundreds_of_bars() -> None:
    closes = seeded_bars(7, 1_000).close

    mean = over(EMA, closes, period=30, seed="sma")
    first = over(EMA, closes, period=30, seed="first")

    apart = np.flatnonzero(np.abs(mean - first) > 1e-9 * closes)
    assert apart[0] == 29
    assert 150 < len(apart) < 340  # 30 bars of seed, 310 until (1 − 2/31)ⁿ < 1e-9
    assert mean[-1] == pytest.approx(first[-1], rel=1e-12)
