"""What single trades say: expectancy, payoff, system quality, Kelly's fraction and streaks.

A trade is a round trip; its profit is money after fees. Profits are in the order of their closes.
"""

import math
from collections.abc import Sequence

from botcore.statistics.performance import win_rate
from botcore.statistics.ratios import deviation


def expectancy(profits: Sequence[float]) -> float:
    """Return the mean profit of a trade, in money; NaN without trades."""
    return math.fsum(profits) / len(profits) if profits else math.nan


def payoff(profits: Sequence[float]) -> float:
    """Return the mean win over the mean loss; NaN unless there are both."""
    wins = [p for p in profits if p > 0]
    losses = [-p for p in profits if p < 0]
    if not wins or not losses:
        return math.nan
    return expectancy(wins) / expectancy(losses)


def r_expectancy(profits: Sequence[float]) -> float:
    """Return what a trade earns in units of the mean loss: ``(1 + payoff) · win rate − 1``.

    NaN unless there are wins and losses. Source: Tharp, "Trade Your Way to Financial Freedom",
    1998, with the mean loss as the unit of risk.
    """
    return (1.0 + payoff(profits)) * win_rate(profits) - 1.0


def system_quality(profits: Sequence[float]) -> float:
    """Return the system quality number, ``√n · mean / sd`` of profits in money (ddof 1), uncapped.

    NaN below two trades and without variance. Source: Tharp, as above.
    """
    spread = deviation(profits)
    return math.sqrt(len(profits)) * expectancy(profits) / spread if spread > 0 else math.nan


def kelly(win_probability: float, payoff_ratio: float) -> float:
    """Return Kelly's fraction of a bet, ``p − (1 − p) / b``; negative says not to bet.

    Assumes that every win and every loss is of one size. Source: Kelly, "A New Interpretation of
    Information Rate", 1956. NaN for a payoff that is not above 0.
    """
    if not payoff_ratio > 0:
        return math.nan
    return win_probability - (1.0 - win_probability) / payoff_ratio


def kelly_continuous(mean: float, volatility: float) -> float:
    """Return Kelly's fraction for returns, ``μ / σ²``, both of the same length of time.

    Source: Thorp, "The Kelly Criterion in Blackjack, Sports Betting and the Stock Market", 2006.
    NaN without volatility.
    """
    return mean / volatility**2 if volatility > 0 else math.nan


def kelly_growth(fraction: float, win_probability: float, payoff_ratio: float) -> float:
    """Return the growth of log wealth a bet: ``p·ln(1 + f·b) + (1 − p)·ln(1 − f)``.

    NaN for a fraction that can lose everything. Source: Kelly, 1956.
    """
    if not fraction < 1 or not fraction * payoff_ratio > -1:
        return math.nan
    won = win_probability * math.log1p(fraction * payoff_ratio)
    return won + (1.0 - win_probability) * math.log1p(-fraction)


def longest_streaks(profits: Sequence[float]) -> tuple[int, int]:
    """Return the longest unbroken rows of wins and of losses; a profit of zero breaks both."""
    best, worst, run = 0, 0, 0
    for profit in profits:
        if profit > 0:
            run = max(run, 0) + 1
        elif profit < 0:
            run = min(run, 0) - 1
        else:
            run = 0
        best, worst = max(best, run), min(worst, run)
    return best, -worst
