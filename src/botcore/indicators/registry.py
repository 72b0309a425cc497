"""The indicators by name, in the order of the reference page."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from botcore.indicators.bands import BOLLINGER, DONCHIAN, WILLIAMS_R, ZSCORE
from botcore.indicators.moving_averages import EMA, SMA
from botcore.indicators.oscillators import MACD, RSI
from botcore.indicators.spec import IndicatorSpec
from botcore.indicators.volatility import ATR, NATR
from botcore.indicators.volume import ANCHORED_VWAP, OBV, VWAP

INDICATORS: Final[Mapping[str, IndicatorSpec]] = MappingProxyType(
    {
        "sma": SMA,
        "ema": EMA,
        "rsi": RSI,
        "macd": MACD,
        "bollinger": BOLLINGER,
        "atr": ATR,
        "natr": NATR,
        "zscore": ZSCORE,
        "obv": OBV,
        "vwap": VWAP,
        "anchored_vwap": ANCHORED_VWAP,
        "donchian": DONCHIAN,
        "williams_r": WILLIAMS_R,
    }
)
