"""Return for risk: volatility, and the ratios of Sharpe, Sortino, Calmar, Martin and Omega.

Returns are simple returns of one period; NaN among them is left out. A ratio whose denominator is
zero is NaN and never infinity: without variance there is nothing to compare with (trap E105).
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from botcore.statistics.sampling import DAYS_A_YEAR, Values

_NOTHING: Final = 1e-12
"""A spread below this share of the largest value is rounding, not spread."""
_LEAST: Final = 2


def known(values: Values) -> NDArray[np.float64]:
    """Return the values that are not NaN, in their order."""
    numbers = np.asarray(values, dtype=np.float64)
    return numbers[~np.isnan(numbers)]


def deviation(values: Values) -> float:
    """Return the sample standard deviation (ddof 1); NaN below two values, 0 where all are equal.

    The spread that rounding alone makes of equal values counts as none.
    """
    numbers = known(values)
    if len(numbers) < _LEAST:
        return math.nan
    spread = float(np.std(numbers, ddof=1))
    return spread if spread > _NOTHING * float(np.max(np.abs(numbers))) else 0.0


def volatility(returns: Values, *, periods: float = DAYS_A_YEAR) -> float:
    """Return the annualised standard deviation of returns, ``sd(r) · √A``.

    Scaling by √A assumes that returns do not depend on one another.

    Args:
        returns: one a period.
        periods: a year.
    """
    return deviation(returns) * math.sqrt(periods)


def sharpe(returns: Values, *, periods: float = DAYS_A_YEAR, risk_free: float = 0.0) -> float:
    """Return the annualised Sharpe ratio, ``mean(r − rf) / sd(r) · √A``, with ddof 1.

    NaN below two returns and without variance (trap E105). Source: Sharpe, "The Sharpe Ratio",
    1994; annualised by √A as in Lo, "The Statistics of Sharpe Ratios", 2002, for returns that are
    independent of one another.

    Args:
        returns: one a period.
        periods: a year; 365 for days of a market that never closes, 1 for the ratio per period.
        risk_free: return without risk, per period.
    """
    numbers = known(returns)
    return _ratio(
        float(np.mean(numbers)) - risk_free if len(numbers) else math.nan, deviation(numbers)
    ) * math.sqrt(periods)


def downside_deviation(returns: Values, *, target: float = 0.0) -> float:
    """Return ``√mean(min(r − target, 0)²)`` per period, over all returns, those above it as 0.

    Source: Sortino and Price, "Performance Measurement in a Downside Risk Framework", 1994.
    """
    below = np.minimum(known(returns) - target, 0.0)
    return float(np.sqrt(np.mean(below**2))) if len(below) else math.nan


def sortino(returns: Values, *, periods: float = DAYS_A_YEAR, target: float = 0.0) -> float:
    """Return the annualised Sortino ratio, ``mean(r − target) · A / (downside · √A)``.

    NaN without a return below the target. Source: as `downside_deviation`.

    Args:
        returns: one a period.
        periods: a year.
        target: least acceptable return, per period.
    """
    numbers = known(returns)
    if not len(numbers):
        return math.nan
    excess = float(np.mean(numbers)) - target
    return _ratio(excess, downside_deviation(numbers, target=target)) * math.sqrt(periods)


def omega(returns: Values, *, threshold: float = 0.0) -> float:
    """Return gains over losses around a threshold: ``Σmax(r − τ, 0) / Σmax(τ − r, 0)``.

    NaN without a return below the threshold. Source: Keating and Shadwick, "A Universal
    Performance Measure", 2002; at 0 it is the ratio of Bernardo and Ledoit, 2000.

    Args:
        returns: one a period.
        threshold: per period.
    """
    away = known(returns) - threshold
    return _ratio(float(np.sum(away[away > 0])), -float(np.sum(away[away < 0])))


def cagr(initial: float, final: float, *, days: float) -> float:
    """Return compound growth a year as a fraction, ``(E_T / E_0)^(365 / days) − 1``.

    −1 where nothing is left; NaN over no time. Over a few days it is an extrapolation.

    Args:
        initial: equity at the start, above 0.
        final: equity at the end.
        days: length between them, also in fractions.
    """
    if days <= 0:
        return math.nan
    if final <= 0:
        return -1.0
    growth = math.log(final / initial) * DAYS_A_YEAR / days
    return math.expm1(growth) if growth < _LARGEST else math.inf


_LARGEST: Final = 700.0  # of what `exp` can take


def calmar(growth: float, drawdown: float) -> float:
    """Return growth a year over the deepest drawdown; NaN without a drawdown.

    Source: Young, "Calmar Ratio: A Smoother Tool", 1991, here over the whole run.

    Args:
        growth: compound, a fraction.
        drawdown: a fraction of the peak, from 0.
    """
    return _ratio(growth, drawdown)


def martin(growth: float, ulcer: float, *, risk_free: float = 0.0) -> float:
    """Return growth a year above the riskless one over the Ulcer index; NaN where that is 0.

    Source: Martin and McCann, "The Investor's Guide to Fidelity Funds", 1989.
    """
    return _ratio(growth - risk_free, ulcer)


def upside_risk(returns: Values, *, target: float = 0.0) -> float:
    """Return ``√mean(max(r − target, 0)²)`` per period, over all returns."""
    above = np.maximum(known(returns) - target, 0.0)
    return float(np.sqrt(np.mean(above**2))) if len(above) else math.nan


def downside_potential(returns: Values, *, target: float = 0.0) -> float:
    """Return the mean of ``max(target − r, 0)`` over all returns."""
    below = np.maximum(target - known(returns), 0.0)
    return float(np.mean(below)) if len(below) else math.nan


def downside_frequency(returns: Values, *, target: float = 0.0) -> float:
    """Return the share of returns below the target."""
    numbers = known(returns)
    return float(np.mean(numbers < target)) if len(numbers) else math.nan


def mean_absolute_deviation(returns: Values) -> float:
    """Return the mean distance of returns from their mean."""
    numbers = known(returns)
    return float(np.mean(np.abs(numbers - np.mean(numbers)))) if len(numbers) else math.nan


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else math.nan
