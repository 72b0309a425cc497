"""Tapes in; the same engine over them; reports with every assumption out."""

from botcore.backtest.demo import SIMULATED, demo_instruments, demo_tape
from botcore.backtest.framework import BacktestingFramework, StrategyRun
from botcore.backtest.report import BacktestReport, RoundTrip
from botcore.backtest.stage import ACCOUNT, Stage
from botcore.backtest.tape import BarSeries, BarTape

__all__ = [
    "ACCOUNT",
    "SIMULATED",
    "BacktestReport",
    "BacktestingFramework",
    "BarSeries",
    "BarTape",
    "RoundTrip",
    "Stage",
    "StrategyRun",
    "demo_instruments",
    "demo_tape",
]
