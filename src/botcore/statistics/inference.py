"""Whether a result can be told from chance: p-values, and Sharpe ratios with their uncertainty."""

import math
from typing import Final

import numpy as np

from botcore.statistics.distribution import NORMAL, student_two_sided
from botcore.statistics.ratios import deviation, known
from botcore.statistics.sampling import Values

EULER: Final = 0.5772156649015329


def mean_p_value(values: Values) -> float:
    """Return how often a sample this far from 0 comes from trades that earn nothing on average.

    Student's t-test on the mean, two-sided, n − 1 degrees of freedom. It assumes that the values
    are independent of one another and that their mean is near normal; trades that overlap, or that
    come from a rule chosen among many, look better than they are. NaN below two values and without
    variance. Source: "Student", "The Probable Error of a Mean", 1908.
    """
    numbers = known(values)
    spread = deviation(numbers)
    if not spread > 0:
        return math.nan
    t = float(np.mean(numbers)) / (spread / math.sqrt(len(numbers)))
    return student_two_sided(t, len(numbers) - 1)


def probabilistic_sharpe(
    sharpe: float,
    *,
    observations: int,
    skewness: float = 0.0,
    kurtosis: float = 3.0,
    benchmark: float = 0.0,
) -> float:
    """Return the probability that the true Sharpe ratio exceeds a benchmark.

    ``Φ((SR − SR*)·√(n − 1) / √(1 − γ₃·SR + (γ₄ − 1)/4·SR²))``. Source: Bailey and López de Prado,
    "The Sharpe Ratio Efficient Frontier", 2012. NaN below two observations.

    Args:
        sharpe: per period, not annualised.
        observations: periods it was measured on.
        skewness: of the returns.
        kurtosis: of the returns, raw (3 is normal).
        benchmark: per period.
    """
    width = _width(sharpe, skewness, kurtosis)
    if observations < 2 or not width > 0 or math.isnan(sharpe):  # noqa: PLR2004  # n − 1 is none
        return math.nan
    return NORMAL.cdf((sharpe - benchmark) * math.sqrt(observations - 1) / math.sqrt(width))


def expected_best_sharpe(variance: float, trials: int) -> float:
    """Return the best Sharpe ratio to expect of so many trials that have no skill at all.

    ``√V·((1 − γ)·Φ⁻¹(1 − 1/N) + γ·Φ⁻¹(1 − 1/(N·e)))``, 0 for one trial. Source: Bailey and López
    de Prado, "The Deflated Sharpe Ratio", 2014; trials are taken as independent of one another.

    Args:
        variance: of the trials' Sharpe ratios, per period.
        trials: how many were tried, from 1.
    """
    if trials <= 1:
        return 0.0
    likely = NORMAL.inv_cdf(1.0 - 1.0 / trials)
    rare = NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - EULER) * likely + EULER * rare)


def deflated_sharpe(
    sharpe: float,
    *,
    observations: int,
    variance: float,
    trials: int,
    skewness: float = 0.0,
    kurtosis: float = 3.0,
) -> float:
    """Return the probability that the best of many trials has skill (trap E107).

    `probabilistic_sharpe` against `expected_best_sharpe`, with their arguments and source.
    """
    return probabilistic_sharpe(
        sharpe,
        observations=observations,
        skewness=skewness,
        kurtosis=kurtosis,
        benchmark=expected_best_sharpe(variance, trials),
    )


def track_record_needed(
    sharpe: float,
    *,
    skewness: float = 0.0,
    kurtosis: float = 3.0,
    benchmark: float = 0.0,
    confidence: float = 0.95,
) -> float:
    """Return how many periods must be seen before a Sharpe ratio exceeds a benchmark believably.

    ``1 + (1 − γ₃·SR + (γ₄ − 1)/4·SR²)·(z / (SR − SR*))²``; NaN for a ratio that does not exceed
    it. Source: Bailey and López de Prado, 2012.

    Args:
        sharpe: per period, not annualised.
        skewness: of the returns.
        kurtosis: of the returns, raw.
        benchmark: per period.
        confidence: one-sided, 0 to 1.
    """
    if not sharpe > benchmark:
        return math.nan
    z = NORMAL.inv_cdf(confidence)
    return 1.0 + _width(sharpe, skewness, kurtosis) * (z / (sharpe - benchmark)) ** 2


def _width(sharpe: float, skewness: float, kurtosis: float) -> float:
    return 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
