"""Equity curves and trades in; performance figures out, one definition each, used by everyone."""

from botcore.statistics.performance import max_drawdown, profit_factor, total_return, win_rate

__all__ = ["max_drawdown", "profit_factor", "total_return", "win_rate"]
