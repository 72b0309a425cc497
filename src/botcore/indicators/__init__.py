"""Indicators: functions of past bars, closed bars in, values out, streaming and over arrays alike.

Each is defined once, by its step; the array form is the loop of that step. `INDICATORS` has them
by name, with warm-up, formula and source.
"""

from botcore.indicators.arrays import over, run
from botcore.indicators.bands import BOLLINGER, DONCHIAN, WILLIAMS_R, ZSCORE
from botcore.indicators.moving_averages import EMA, SMA, Seed
from botcore.indicators.oscillators import MACD, RSI
from botcore.indicators.registry import INDICATORS
from botcore.indicators.row import FloatColumn, FloatRow, FloatTable
from botcore.indicators.spec import IndicatorSpec
from botcore.indicators.streaming import (
    AnchoredVwap,
    Atr,
    Bollinger,
    Donchian,
    Ema,
    Indicator,
    Macd,
    Natr,
    Obv,
    RollingZScore,
    Rsi,
    Sma,
    Vwap,
    WilliamsR,
)
from botcore.indicators.volatility import ATR, NATR
from botcore.indicators.volume import ANCHORED_VWAP, OBV, VWAP

__all__ = [
    "ANCHORED_VWAP",
    "ATR",
    "BOLLINGER",
    "DONCHIAN",
    "EMA",
    "INDICATORS",
    "MACD",
    "NATR",
    "OBV",
    "RSI",
    "SMA",
    "VWAP",
    "WILLIAMS_R",
    "ZSCORE",
    "AnchoredVwap",
    "Atr",
    "Bollinger",
    "Donchian",
    "Ema",
    "FloatColumn",
    "FloatRow",
    "FloatTable",
    "Indicator",
    "IndicatorSpec",
    "Macd",
    "Natr",
    "Obv",
    "RollingZScore",
    "Rsi",
    "Seed",
    "Sma",
    "Vwap",
    "WilliamsR",
    "over",
    "run",
]
