"""Bars of the simulated market as columns, aggregated from the trades inside them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from botcore.venues.simulated.market.config import Grid
from botcore.venues.simulated.market.path import InstrumentBlock


@dataclass(frozen=True, slots=True, eq=False)
class BarColumns:
    """Consecutive bars of one instrument, oldest first; each array has the shape `(n_bars,)`.

    Prices are the floats nearest to multiples of the tick, volumes to multiples of the lot, so
    `Decimal(repr(x))` is exact. The open of a bar is the close of the one before.

    Attributes:
        ts_open: Beginning of the bar, nanoseconds UTC; it ends where the next begins.
        open: First trade's price.
        high: Highest trade's price.
        low: Lowest trade's price.
        close: Last trade's price.
        volume: Sum of the trades' quantities, base currency.
    """

    ts_open: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.ts_open)


def join(parts: Sequence[BarColumns]) -> BarColumns:
    """Return the bars of `parts`, one after the other; at least one part is needed."""
    return BarColumns(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(BarColumns)
        }
    )


def aggregate(
    block: InstrumentBlock, *, bars: slice, ts_open: NDArray[np.int64], tick: Grid, lot: Grid
) -> BarColumns:
    """Return the bars of a part of a block.

    Args:
        block: The trades.
        bars: Which bars of the block.
        ts_open: When each of them begins.
        tick: Grid of prices.
        lot: Grid of quantities.
    """
    prices = block.prices[bars]
    return BarColumns(
        ts_open=ts_open,
        open=to_floats(prices[:, 0], tick),
        high=to_floats(prices.max(axis=1), tick),
        low=to_floats(prices.min(axis=1), tick),
        close=to_floats(prices[:, -1], tick),
        volume=to_floats(block.quantities[bars].sum(axis=1), lot),
    )


def to_floats(steps: NDArray[np.int64], grid: Grid) -> NDArray[np.float64]:
    """Return the floats nearest to so many steps of a grid."""
    # One division of two exactly held integers is correctly rounded; multiplying by 0.01 is not.
    return (steps * grid.numerator) / grid.denominator
