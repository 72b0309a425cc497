"""The report of a backtest; its parts live in `reporting`."""

from botcore.backtest.reporting.result import BacktestReport
from botcore.backtest.reporting.trips import RoundTrip

__all__ = ["BacktestReport", "RoundTrip"]
