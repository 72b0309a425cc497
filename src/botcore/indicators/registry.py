"""The indicators by name, in the order of the reference page."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from botcore.indicators.bands import BOLLINGER, DONCHIAN, WILLIAMS_R, ZSCORE
from botcore.indicators.channels import KELTNER, SUPERTREND
from botcore.indicators.moving_averages import EMA, SMA, WMA
from botcore.indicators.oscillators import MACD, RSI
from botcore.indicators.spec import IndicatorSpec
from botcore.indicators.stochastics import CCI, STOCHASTIC
from botcore.indicators.trend import ADX, ICHIMOKU
from botcore.indicators.volatility import ATR, NATR, VOLATILITY
from botcore.indicators.volume import ANCHORED_VWAP, OBV, VWAP

INDICATORS: Final[Mapping[str, IndicatorSpec]] = MappingProxyType(
    {
        "sma": SMA,
        "ema": EMA,
        "wma": WMA,
        "rsi": RSI,
        "macd": MACD,
        "bollinger": BOLLINGER,
        "atr": ATR,
        "natr": NATR,
        "volatility": VOLATILITY,
        "zscore": ZSCORE,
        "obv": OBV,
        "vwap": VWAP,
        "anchored_vwap": ANCHORED_VWAP,
        "donchian": DONCHIAN,
        "williams_r": WILLIAMS_R,
        "stochastic": STOCHASTIC,
        "cci": CCI,
        "keltner": KELTNER,
        "supertrend": SUPERTREND,
        "adx": ADX,
        "ichimoku": ICHIMOKU,
    }
)
