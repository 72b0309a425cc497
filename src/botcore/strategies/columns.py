"""Closed bars in columns, as a backtest holds them."""

from collections.abc import Iterable

import msgspec
import numpy as np
from numpy.typing import NDArray

from botcore.domain.ids import InstrumentId
from botcore.indicators import FloatColumn

BarValues = tuple[float, float, float, float, float]
"""Open, high, low, close and volume of a bar."""


BarRow = tuple[int, BarValues]
"""The close stamp of a bar, nanoseconds UTC, and its values."""


class BarColumns(msgspec.Struct, frozen=True):
    """Consecutive closed bars of one instrument and timeframe, oldest first.

    Attributes:
        instrument, step_ns: whose.
        ts_close: when they closed, nanoseconds UTC, int64, shape ``(n,)``.
        columns: open, high, low, close and volume, float64, each of shape ``(n,)``.
        close: the closes again, as floats.
    """

    instrument: InstrumentId
    step_ns: int
    ts_close: NDArray[np.int64]
    columns: tuple[FloatColumn, ...]
    close: list[float]

    def __len__(self) -> int:
        """How many bars there are."""
        return len(self.close)

    def rows(self, chosen: slice) -> Iterable[BarRow]:
        """Give the close stamp and the values of each of some bars."""
        values = zip(*[column[chosen].tolist() for column in self.columns], strict=True)
        return zip(self.ts_close[chosen].tolist(), values, strict=True)
