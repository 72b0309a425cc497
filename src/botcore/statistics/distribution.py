"""The shape of a sample, and the two distributions that tests are read from."""

import math
from statistics import NormalDist
from typing import Final

import numpy as np

from botcore.statistics.ratios import deviation, known
from botcore.statistics.sampling import Values

NORMAL: Final = NormalDist()
_STEPS: Final = 300
_TINY: Final = 1e-300
_CLOSE: Final = 1e-15


def skewness(values: Values) -> float:
    """Return the third standardised moment of the sample (population form); NaN without variance.

    Negative: the losses are the long tail.
    """
    return _moment(values, 3)


def kurtosis(values: Values) -> float:
    """Return the fourth standardised moment, raw: 3 for a normal sample; NaN without variance."""
    return _moment(values, 4)


def tail_ratio(values: Values) -> float:
    """Return ``|95 % quantile| / |5 % quantile|``, linear between observations; NaN where 0."""
    numbers = known(values)
    if not len(numbers):
        return math.nan
    low, high = np.abs(np.quantile(numbers, [0.05, 0.95])).tolist()
    return float(high / low) if low > 0 else math.nan


def student_two_sided(t: float, freedom: float) -> float:
    """Return the probability that Student's t lies as far from 0 as `t`, on either side.

    Source: DLMF 8.17.22 (the continued fraction of the incomplete beta function).

    Args:
        t: the statistic.
        freedom: degrees of freedom, above 0.
    """
    return _incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + t * t))


def chi_square_above(x: float) -> float:
    """Return the probability that a χ² of one degree of freedom exceeds `x`, from 0."""
    return math.erfc(math.sqrt(x / 2.0))


def _moment(values: Values, order: int) -> float:
    numbers = known(values)
    if not deviation(numbers) > 0:
        return math.nan
    centred = numbers - np.mean(numbers)
    return float(np.mean(centred**order) / np.mean(centred**2) ** (order / 2))


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function ``I_x(a, b)``, x from 0 to 1."""
    if x <= 0.0 or x >= 1.0:
        return min(max(x, 0.0), 1.0)
    if x > (a + 1.0) / (a + b + 2.0):  # there the fraction converges slowly: use the symmetry
        return 1.0 - _incomplete_beta(b, a, 1.0 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    return front * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    """Evaluate the continued fraction from the front (Lentz's method)."""
    c, d = 1.0, 1.0 / _away(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        before = value
        for term in (even, odd):
            d = 1.0 / _away(1.0 + term * d)
            c = _away(1.0 + term / c)
            value *= c * d
        if abs(value - before) <= _CLOSE * abs(value):
            break
    return value


def _away(x: float) -> float:
    """Keep a divisor away from 0."""
    return x if abs(x) > _TINY else _TINY
