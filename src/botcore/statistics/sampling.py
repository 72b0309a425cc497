"""Equity curves sampled once a UTC day, which is what every annualised figure is made of."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

Values = Sequence[float] | NDArray[np.float64]
"""Numbers, oldest first."""

DAYS_A_YEAR: Final = 365
"""Periods a year for daily figures: these markets never close."""
_DAY_NS: Final = 86_400_000_000_000


class DailyEquity(msgspec.Struct, frozen=True, eq=False):
    """Equity at the end of each UTC day.

    Attributes:
        days: int64 day numbers since 1970, shape ``(n,)``, each one more than the one before.
        equity: float64, shape ``(n,)``: the last value at or before the midnight that ends the
            day; of the last day, the curve's last value.
        initial: equity before the first day.
    """

    days: NDArray[np.int64]
    equity: NDArray[np.float64]
    initial: float

    @property
    def returns(self) -> NDArray[np.float64]:
        """Return simple returns of each day, shape ``(n,)``; they compound to the total return.

        NaN where the day before ended with nothing left.
        """
        before = np.concatenate(([self.initial], self.equity[:-1]))[: len(self.equity)]
        known = np.full(len(before), np.nan)
        np.divide(self.equity - before, before, out=known, where=before > 0)
        return known

    @property
    def profits(self) -> NDArray[np.float64]:
        """Return what each day added, in the unit of the equity, shape ``(n,)``."""
        return np.diff(self.equity, prepend=self.initial)


def daily_equity(
    stamps: Sequence[int] | NDArray[np.int64], equity: Values, *, initial: float, start: int
) -> DailyEquity:
    """Sample a curve at 00:00 UTC.

    A point that lies on midnight belongs to the day that ends there, as the close of its last bar
    does. A day without a point keeps the equity of the day before it. The first and the last day
    may be parts of a day; each counts as one, so that nothing earned is left out.

    Args:
        stamps: nanoseconds UTC, ascending, shape ``(n,)``.
        equity: at those stamps.
        initial: equity at `start`.
        start: when the curve begins, nanoseconds UTC, not after the first stamp.
    """
    at = np.asarray(stamps, dtype=np.int64)
    values = np.asarray(equity, dtype=np.float64)
    if not len(at):
        return DailyEquity(np.empty(0, np.int64), np.empty(0), initial)
    first, last = start // _DAY_NS, (int(at[-1]) - 1) // _DAY_NS
    days = np.arange(first, max(first, last) + 1, dtype=np.int64)
    newest = np.searchsorted(at, (days + 1) * _DAY_NS, side="right") - 1
    whole = np.concatenate(([initial], values))
    return DailyEquity(days, whole[newest + 1], initial)
