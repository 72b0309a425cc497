"""TA-Lib agrees with every indicator on a year of recorded minutes: 525,600 of BTCUSDT, 2022."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import talib
from numpy.typing import NDArray
from tests.unit.indicators.bars import Bars, recorded_bars

from botcore.indicators import INDICATORS, over

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Columns = tuple[NDArray[np.float64], ...]
TOLERANCE = 1e-9
# The seed of its true ranges falls on another bar; forgotten after as many bars as `settled` says.
AFTER_THE_SEED = {"keltner": INDICATORS["keltner"].settled(TOLERANCE)}


@pytest.fixture(scope="module")
def year(market_data_dir: Path) -> Bars:
    days = np.arange("2022-01-01", "2023-01-01", dtype="datetime64[D]").astype(str)
    bars = recorded_bars(market_data_dir, "BTCUSDT", *days)
    assert len(bars) == 365 * 1440
    return bars


def _typical(b: Bars) -> NDArray[np.float64]:
    return (b.high + b.low + b.close) / 3.0


def _zscore(b: Bars) -> Columns:
    upper, middle, _ = talib.BBANDS(b.close, 20, 1.0, 1.0)
    return ((b.close - middle) / (upper - middle),)


def _volatility(b: Bars) -> Columns:
    returns = np.diff(np.log(b.close))
    population = talib.STDDEV(returns, 20, 1.0)  # divides by n, we by n − 1
    return (np.concatenate([[np.nan], population * np.sqrt(20 / 19)]),)


def _stochastic(b: Bars) -> Columns:
    bars = b.high, b.low, b.close
    simple = talib.MA_Type.SMA  # type: ignore[attr-defined]  # missing in its stub
    slow = talib.STOCH(*bars, 14, 3, simple, 3, simple)
    return talib.STOCHF(*bars, 14, 3, simple)[0], *slow


def _adx(b: Bars) -> Columns:
    bars = b.high, b.low, b.close, 14
    return talib.ADX(*bars), talib.PLUS_DI(*bars), talib.MINUS_DI(*bars)


def _ichimoku(b: Bars) -> Columns:
    conversion, base, span = (talib.MIDPRICE(b.high, b.low, n) for n in (9, 26, 52))
    spans = [
        np.concatenate([np.full(26, np.nan), x[:-26]]) for x in ((conversion + base) / 2, span)
    ]
    return conversion, base, *spans


def _supertrend(b: Bars) -> Columns:
    line, trend = talib.SUPERTREND(b.high, b.low, b.close, 10, 3.0)
    return line, trend.astype(np.float64)


# What TA-Lib gives for the outputs, in our order and with our default parameters.
THEIRS: dict[str, Callable[[Bars], Columns]] = {
    "sma": lambda b: (talib.SMA(b.close, 20),),
    "ema": lambda b: (talib.EMA(b.close, 20),),
    "wma": lambda b: (talib.WMA(b.close, 20),),
    "rsi": lambda b: (talib.RSI(b.close, 14),),
    "macd": lambda b: talib.MACD(b.close, 12, 26, 9),
    "bollinger": lambda b: talib.BBANDS(b.close, 20, 2.0, 2.0),
    "atr": lambda b: (talib.ATR(b.high, b.low, b.close, 14),),
    "natr": lambda b: (talib.NATR(b.high, b.low, b.close, 14),),
    "volatility": _volatility,
    "zscore": _zscore,
    "obv": lambda b: (talib.OBV(b.close, b.volume),),
    "vwap": lambda b: (talib.VWMA(_typical(b), b.volume, 20),),
    "anchored_vwap": lambda b: (talib.VWAP(b.high, b.low, b.close, b.volume),),
    "donchian": lambda b: talib.DONCHIAN(b.high, b.low, 20),
    "williams_r": lambda b: (talib.WILLR(b.high, b.low, b.close, 14),),
    "stochastic": _stochastic,
    "cci": lambda b: (talib.CCI(b.high, b.low, b.close, 20),),
    "keltner": lambda b: talib.KC(b.high, b.low, b.close, 20, 10, 2.0),
    "supertrend": _supertrend,
    "adx": _adx,
    "ichimoku": _ichimoku,
}
PERCENT = {"rsi", "williams_r", "stochastic", "adx", "natr"}


@pytest.mark.parametrize("name", INDICATORS)
def test_ta_lib_agrees_over_a_year_of_real_minutes(year: Bars, name: str) -> None:
    spec = INDICATORS[name]

    ours = over(spec, *year.inputs(spec)).reshape(len(year), len(spec.outputs))

    first = spec.first_valid()
    start = AFTER_THE_SEED.get(name) or first
    assert np.isnan(ours[:first]).all()
    assert np.isfinite(ours[first:]).all()
    for column, theirs in zip(ours.T, THEIRS[name](year), strict=True):
        error = np.abs(column - theirs)[start:]
        assert (error <= TOLERANCE * _scale(name, year, ours)[start:]).all()


def _scale(
    name: str, year: Bars, ours: NDArray[np.float64]
) -> NDArray[np.float64] | NDArray[np.int64]:
    """What the tolerance is relative to: where the price cancels out, the price in its units."""
    if name in PERCENT:
        return np.full(len(year), 100.0)
    if name == "obv":
        return np.zeros(len(year))  # the same additions in the same order
    if name == "volatility":
        return np.full(len(year), 1e-4)  # a move of one basis point a minute
    if name == "zscore":
        upper, middle, _ = talib.BBANDS(year.close, 20, 1.0, 1.0)
        return year.close / (upper - middle)
    if name == "cci":
        mean_deviation = talib.AVGDEV(_typical(year), 20)
        return year.close / (0.015 * mean_deviation)
    return year.close
