"""How far prices went against a round trip, and for it, while it was held."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from botcore.backtest.reporting.curves import Marks
from botcore.backtest.reporting.trips import LONG, RoundTrip
from botcore.domain.ids import InstrumentId


class Excursions(msgspec.Struct, frozen=True, eq=False):
    """Of each round trip, a fraction of its entry price, from 0; NaN without candles.

    Whole bars are looked at, those of the entry and the exit included: what a bar did before the
    entry counts too, so both are upper bounds.

    Attributes:
        adverse: how far the price went against it, shape ``(n,)``.
        favourable: how far it went for it, shape ``(n,)``.
    """

    adverse: NDArray[np.float64]
    favourable: NDArray[np.float64]


def excursions(trips: Sequence[RoundTrip], marks: Marks) -> Excursions:
    """Return the excursions of round trips, in their order."""
    against, along = np.full(len(trips), np.nan), np.full(len(trips), np.nan)
    for name in sorted({trip.instrument for trip in trips}):
        candles = marks.get(InstrumentId(name))
        if candles is None or not len(candles):
            continue
        chosen = np.array([at for at, trip in enumerate(trips) if trip.instrument == name])
        opened = np.array([trips[at].opened for at in chosen], dtype=np.int64)
        closed = np.array([trips[at].closed for at in chosen], dtype=np.int64)
        entry = np.array([trips[at].entry_price for at in chosen])
        is_long = np.array([trips[at].side == LONG for at in chosen])
        first = np.maximum(np.searchsorted(candles.ts_open, opened, side="right") - 1, 0)
        after = np.maximum(np.searchsorted(candles.ts_open, closed, side="left"), first + 1)
        low = _extreme(np.minimum, candles.columns["low"], first, after)
        high = _extreme(np.maximum, candles.columns["high"], first, after)
        priced = entry > 0
        below = np.divide(entry - low, entry, out=np.full(len(entry), np.nan), where=priced)
        above = np.divide(high - entry, entry, out=np.full(len(entry), np.nan), where=priced)
        against[chosen] = np.maximum(np.where(is_long, below, above), 0.0)
        along[chosen] = np.maximum(np.where(is_long, above, below), 0.0)
    return Excursions(against, along)


def _extreme(
    of: np.ufunc, values: NDArray[np.float64], first: NDArray[np.int64], after: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the extreme of ``values[first:after]`` for each pair."""
    ends = np.column_stack((first, after)).ravel()
    whole = np.append(values, values[-1])  # an end may lie right behind the last value
    found: NDArray[np.float64] = of.reduceat(whole, ends)[::2]
    return found
