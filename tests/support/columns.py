"""Bars in columns, for rules that are asked over many at once."""

from collections.abc import Sequence

import numpy as np
from tests.support.venue_session import COINUSDT

from botcore.domain.ids import MINUTE_NS
from botcore.strategies import BarColumns, BarValues


def as_columns(bars: Sequence[BarValues]) -> BarColumns:
    """The bars in columns; their stamps are their places."""
    columns = tuple(np.array(column, dtype=np.float64) for column in zip(*bars, strict=True))
    stamps = np.arange(len(bars), dtype=np.int64)
    return BarColumns(COINUSDT, MINUTE_NS, stamps, columns, columns[3].tolist())
