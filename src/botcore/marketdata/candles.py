"""Candles in columns: importers, the lake, quality checks and backtests hand them around."""

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from botcore.domain.ids import DAY_NS, InstrumentId

FIELDS: Final = ("open", "high", "low", "close", "volume")
"""The columns of a candle, in the order in which tables hold them."""

_WEEK_NS: Final = 7 * DAY_NS
_FIRST_MONDAY_NS: Final = 4 * DAY_NS  # 1970-01-05; the epoch was a Thursday


class Candles(msgspec.Struct, frozen=True, eq=False):
    """Closed candles of one instrument and timeframe, as they were recorded.

    Attributes:
        instrument: whose.
        step_ns: length of a candle, nanoseconds.
        ts_open: int64 nanoseconds UTC, shape ``(n,)``; ascending once validated.
        columns: `FIELDS` → float64, shape ``(n,)``; prices in quote units, volume in base units.
    """

    instrument: InstrumentId
    step_ns: int
    ts_open: NDArray[np.int64]
    columns: Mapping[str, NDArray[np.float64]]

    def __len__(self) -> int:
        """How many candles there are."""
        return len(self.ts_open)

    def between(self, start: int | None, end: int | None) -> "Candles":
        """Return the candles that open in ``[start, end)``, nanoseconds UTC; None is no bound."""
        low = 0 if start is None else int(np.searchsorted(self.ts_open, start))
        high = len(self) if end is None else int(np.searchsorted(self.ts_open, end))
        return self.rows(slice(low, high))

    def rows(self, chosen: slice | NDArray[np.bool_] | NDArray[np.int64]) -> "Candles":
        """Return the chosen candles: a slice, a mask, or indices."""
        columns = {name: values[chosen] for name, values in self.columns.items()}
        return Candles(self.instrument, self.step_ns, self.ts_open[chosen], columns)


def grid_origin_ns(step_ns: int) -> int:
    """Return an instant at which a candle of this length opens: weeks open on Mondays, UTC."""
    return _FIRST_MONDAY_NS if step_ns % _WEEK_NS == 0 else 0
