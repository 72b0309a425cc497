"""What a run earned and how far it fell, one definition each."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def total_return(equity: Sequence[float], initial: float) -> float:
    """Return the gain over the whole curve as a fraction of `initial` (0.1 is +10 %).

    Args:
        equity: equity at each bar, oldest first; empty means nothing happened.
        initial: equity before the first bar, above 0.
    """
    return (equity[-1] - initial) / initial if len(equity) else 0.0


def max_drawdown(equity: Sequence[float] | NDArray[np.float64], initial: float) -> float:
    """Return the deepest fall from a previous peak, as a fraction of that peak (0.2 is −20 %).

    On mark-to-market equity at bar frequency, open positions included; the initial value is the
    first peak (trap E106). Source: Magdon-Ismail and Atiya, "Maximum Drawdown", 2004.
    """
    curve = np.concatenate(([initial], np.asarray(equity, dtype=np.float64)))
    peaks = np.maximum.accumulate(curve)
    return float(np.max((peaks - curve) / peaks))


def profit_factor(profits: Sequence[float]) -> float:
    """Return gross profit over gross loss; NaN without trades, infinity without a loss."""
    gains = sum(p for p in profits if p > 0)
    losses = -sum(p for p in profits if p < 0)
    if losses == 0:
        return math.inf if gains else math.nan
    return gains / losses


def win_rate(profits: Sequence[float]) -> float:
    """Return the share of profits above 0; NaN without trades."""
    return sum(p > 0 for p in profits) / len(profits) if profits else math.nan
