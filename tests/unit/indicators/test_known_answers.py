"""Published numbers: TA-Lib's own regression tests and StockCharts' worksheets."""

import numpy as np
import pytest
from tests.unit.indicators.bars import (
    STOCKCHARTS_CLOSES,
    TA_LIB_CLOSES,
    TA_LIB_HIGHS,
    TA_LIB_LOWS,
)

from botcore.indicators import (
    ATR,
    BOLLINGER,
    CCI,
    MACD,
    RSI,
    WILLIAMS_R,
    ZSCORE,
    IndicatorSpec,
    over,
)


def test_h1_rsi_of_ta_libs_closes() -> None:
    rsi = over(RSI, TA_LIB_CLOSES)

    assert len(TA_LIB_CLOSES) == 252
    assert rsi[14] == pytest.approx(49.1473, abs=5e-5)
    # These three are printed cut, not rounded; TA-Lib compares them within a hundredth too.
    assert rsi[[15, 16, -1]] == pytest.approx([52.32, 46.07, 49.63], abs=1e-2)


def test_h1_rsi_of_stockcharts_closes_has_the_seed_of_wilder() -> None:
    rsi = over(RSI, STOCKCHARTS_CLOSES)

    # Without the mean as seed it would be 71.86, 65.25, 65.61 (the library `ta`).
    assert rsi[14:] == pytest.approx([70.53, 66.32, 66.55], abs=5e-3)


def test_h3_bollinger_bands_have_the_population_deviation() -> None:
    bands = over(BOLLINGER, TA_LIB_CLOSES)

    assert bands[19] == pytest.approx([98.0734, 92.8910, 87.7086], abs=5e-5)


def test_h3_zscore_with_ddof_1_has_the_sample_deviation() -> None:
    middle = over(BOLLINGER, TA_LIB_CLOSES)[19, 1]
    deviation = (TA_LIB_CLOSES[19] - middle) / over(ZSCORE, TA_LIB_CLOSES, ddof=1)[19]

    # The number that the bands would have if they were wrong.
    assert middle + 2.0 * deviation == pytest.approx(98.2080, abs=5e-5)


def test_h3_atr_of_ta_libs_bars() -> None:
    closes = TA_LIB_CLOSES[:16]

    atr = over(ATR, TA_LIB_HIGHS, TA_LIB_LOWS, closes)

    assert atr[14] == pytest.approx(3.578214, abs=5e-7)
    assert 100.0 * atr[14:] / closes[14:] == pytest.approx([3.9321, 3.7576], abs=5e-5)


def test_h3_cci_and_williams_r_of_ta_libs_bars() -> None:
    bars = TA_LIB_HIGHS, TA_LIB_LOWS, TA_LIB_CLOSES[:16]

    cci = over(CCI, *bars, period=11)
    williams_r = over(WILLIAMS_R, *bars, period=14)

    assert cci[10:13] == pytest.approx([87.927, 180.005, 143.519], abs=5e-4)
    assert williams_r[13] == pytest.approx(-90.1943, abs=5e-5)
    assert np.isnan(cci[:10]).all()


@pytest.mark.parametrize(("spec", "index"), [(RSI, 14), (MACD, 33)])
def test_the_first_value_stands_where_ta_lib_has_it(spec: IndicatorSpec, index: int) -> None:
    values = over(spec, TA_LIB_CLOSES)

    assert spec.first_valid() == index
    assert np.isnan(values[:index]).all()
    assert np.isfinite(values[index:]).all()


def test_the_first_atr_stands_where_ta_lib_has_it() -> None:
    atr = over(ATR, TA_LIB_HIGHS, TA_LIB_LOWS, TA_LIB_CLOSES[:16])

    assert ATR.first_valid() == 14
    assert np.isnan(atr).sum() == 14
