"""Indicators: functions of past bars, closed bars in, values out, streaming and over arrays alike.

Each is defined once, by its step; the array form is the loop of that step. `INDICATORS` has them
by name, with warm-up, formula and source.
"""

from botcore.indicators.arrays import over, run
from botcore.indicators.bands import BOLLINGER, DONCHIAN, WILLIAMS_R, ZSCORE
from botcore.indicators.channels import KELTNER, SUPERTREND
from botcore.indicators.moving_averages import EMA, SMA, WMA, Seed
from botcore.indicators.oscillators import MACD, RSI
from botcore.indicators.registry import INDICATORS
from botcore.indicators.row import FloatColumn, FloatRow, FloatTable
from botcore.indicators.spec import IndicatorSpec
from botcore.indicators.stochastics import CCI, STOCHASTIC
from botcore.indicators.streaming import (
    Adx,
    AnchoredVwap,
    Atr,
    Bollinger,
    Cci,
    Donchian,
    Ema,
    Ichimoku,
    Indicator,
    Keltner,
    Macd,
    Natr,
    Obv,
    RollingZScore,
    Rsi,
    Sma,
    Stochastic,
    Supertrend,
    Volatility,
    Vwap,
    WilliamsR,
    Wma,
)
from botcore.indicators.trend import ADX, ICHIMOKU
from botcore.indicators.volatility import ATR, NATR, VOLATILITY
from botcore.indicators.volume import ANCHORED_VWAP, OBV, VWAP

__all__ = [
    "ADX",
    "ANCHORED_VWAP",
    "ATR",
    "BOLLINGER",
    "CCI",
    "DONCHIAN",
    "EMA",
    "ICHIMOKU",
    "INDICATORS",
    "KELTNER",
    "MACD",
    "NATR",
    "OBV",
    "RSI",
    "SMA",
    "STOCHASTIC",
    "SUPERTREND",
    "VOLATILITY",
    "VWAP",
    "WILLIAMS_R",
    "WMA",
    "ZSCORE",
    "Adx",
    "AnchoredVwap",
    "Atr",
    "Bollinger",
    "Cci",
    "Donchian",
    "Ema",
    "FloatColumn",
    "FloatRow",
    "FloatTable",
    "Ichimoku",
    "Indicator",
    "IndicatorSpec",
    "Keltner",
    "Macd",
    "Natr",
    "Obv",
    "RollingZScore",
    "Rsi",
    "Seed",
    "Sma",
    "Stochastic",
    "Supertrend",
    "Volatility",
    "Vwap",
    "WilliamsR",
    "Wma",
    "over",
    "run",
]
