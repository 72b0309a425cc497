"""Bad days: value at risk, expected shortfall, and whether a forecast of them has held.

Everything is in the unit of returns, so a loss is negative: −0.03 is 3 % lost.
"""

import math
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np

from botcore.statistics.distribution import NORMAL, chi_square_above
from botcore.statistics.ratios import known
from botcore.statistics.sampling import Values

_ROUNDING: Final = 1e-9


class QuantileRule(StrEnum):
    """What a quantile between two observations is; the value at risk differs by it."""

    LINEAR = "linear"
    """In between, by distance (Hyndman and Fan, type 7)."""
    OBSERVED = "inverted_cdf"
    """The worse observation (type 1)."""


def value_at_risk(
    returns: Values, share: float = 0.05, *, rule: QuantileRule = QuantileRule.LINEAR
) -> float:
    """Return the return that the worst `share` of periods stay below; NaN without returns.

    Source: the empirical quantile; Hyndman and Fan, "Sample Quantiles", 1996, for the rules.
    """
    numbers = known(returns)
    return float(np.quantile(numbers, share, method=rule.value)) if len(numbers) else math.nan


def expected_shortfall(returns: Values, share: float = 0.05) -> float:
    """Return the mean return of the worst `share` of periods; NaN without returns.

    The observation on the edge counts by the part of it that belongs to the tail. Source: Acerbi
    and Tasche, "On the Coherence of Expected Shortfall", 2002.
    """
    worst = np.sort(known(returns))
    if not len(worst):
        return math.nan
    count = max(len(worst) * share, _ROUNDING)
    whole = math.floor(count + _ROUNDING)
    part = max(0.0, count - whole)
    edge = part * float(worst[whole]) if part > 0 and whole < len(worst) else 0.0
    return (float(np.sum(worst[:whole])) + edge) / count


def normal_value_at_risk(mean: float, deviation: float, share: float = 0.05) -> float:
    """Return the quantile of a normal return, ``μ + z·σ``."""
    return mean + NORMAL.inv_cdf(share) * deviation


def normal_expected_shortfall(mean: float, deviation: float, share: float = 0.05) -> float:
    """Return the mean of a normal return's tail, ``μ − σ·φ(z) / share``."""
    return mean - deviation * NORMAL.pdf(NORMAL.inv_cdf(share)) / share


def cornish_fisher_quantile(share: float, *, skewness: float, excess_kurtosis: float) -> float:
    """Return a standardised quantile corrected for skewness and kurtosis.

    Holds for small corrections only; for large ones it is not even monotone. Source: Cornish and
    Fisher, 1937, in the form of Zangari, "A VaR Methodology for Portfolios That Include Options",
    1996.

    Args:
        share: of the tail, 0 to 1.
        skewness: third standardised moment.
        excess_kurtosis: fourth one less 3.
    """
    z = NORMAL.inv_cdf(share)
    return (
        z
        + (z**2 - 1) * skewness / 6
        + (z**3 - 3 * z) * excess_kurtosis / 24
        - (2 * z**3 - 5 * z) * skewness**2 / 36
    )


class Coverage(msgspec.Struct, frozen=True):
    """Kupiec's test: the likelihood ratio, and how often chance alone makes one as large."""

    statistic: float
    p_value: float


def kupiec(observations: int, exceptions: int, share: float) -> Coverage:
    """Test whether exceptions of a value at risk came about as often as it says.

    ``−2·ln[(1 − p)^(N − x)·p^x / ((1 − x/N)^(N − x)·(x/N)^x)]``, χ² of one degree of freedom.
    Source: Kupiec, "Techniques for Verifying the Accuracy of Risk Measurement Models", 1995. It
    tells little below some 250 observations.

    Args:
        observations: periods, above 0.
        exceptions: periods worse than forecast, 0 to `observations`.
        share: how often that should happen, 0 to 1.
    """
    calm, found = observations - exceptions, exceptions / observations
    expected = calm * math.log1p(-share) + exceptions * math.log(share)
    likeliest = (calm * math.log1p(-found) if calm else 0.0) + (
        exceptions * math.log(found) if exceptions else 0.0
    )
    statistic = max(0.0, 2.0 * (likeliest - expected))
    return Coverage(statistic, chi_square_above(statistic))
