"""How much was at stake and how much was traded: exposure and turnover."""

import math
from collections.abc import Sequence

import numpy as np

from botcore.statistics.sampling import Values


def time_in_market(stretches: Sequence[tuple[int, int]], *, start: int, end: int) -> float:
    """Return the share of the time in which something was held; NaN over no time.

    Args:
        stretches: opened and closed, nanoseconds UTC, in any order; they may overlap.
        start: of the whole, nanoseconds UTC.
        end: of the whole.
    """
    if end <= start:
        return math.nan
    held, reached = 0, start
    for opened, closed in sorted(stretches):
        begin, stop = max(opened, reached), min(closed, end)
        held += max(0, stop - begin)
        reached = max(reached, stop)
    return held / (end - start)


def mean_exposure(gross: Values, equity: Values) -> float:
    """Return the mean of gross exposure over equity; NaN for an empty curve.

    Args:
        gross: Σ|position · price| at each point, the equity's currency.
        equity: at the same points; points without equity left are left out.
    """
    stake, worth = np.asarray(gross, dtype=np.float64), np.asarray(equity, dtype=np.float64)
    solvent = worth > 0
    return float(np.mean(stake[solvent] / worth[solvent])) if solvent.any() else math.nan


def mean_turnover(traded: Values, equity: Values) -> float:
    """Return how much of the equity is turned over a period, one-sided: mean of ``½·Σ|ΔN| / E``.

    1 means that everything was bought and sold once a period; NaN for no period.

    Args:
        traded: bought and sold notional of each period.
        equity: at the start of each period; periods without equity are left out.
    """
    notional, worth = np.asarray(traded, dtype=np.float64), np.asarray(equity, dtype=np.float64)
    solvent = worth > 0
    return float(np.mean(0.5 * notional[solvent] / worth[solvent])) if solvent.any() else math.nan
