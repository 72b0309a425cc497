"""The equity curve: one float a bar, beside its stamp."""

from array import array

import numpy as np
from numpy.typing import NDArray

_TRIM = 2
_ENDLESS = 1 << 62


class EquityCurve:
    """Equity at the close of each bar.

    Args:
        kept: how many points are remembered at least; None keeps all (a backtest).
    """

    __slots__ = ("_bound", "_equity", "_kept", "_stamps")

    def __init__(self, kept: int | None = None) -> None:
        self._kept = kept
        self._bound = _ENDLESS if kept is None else _TRIM * kept
        self._stamps = array("q")
        self._equity = array("d")

    @property
    def stamps(self) -> "array[int]":
        """The points' stamps: nanoseconds UTC, ascending; a copy."""
        return self._stamps[:]

    @property
    def equity(self) -> "array[float]":
        """The points' equity in the reporting currency; a copy."""
        return self._equity[:]

    def add(self, ts: int, equity: float) -> None:
        """Append a point."""
        self._stamps.append(ts)
        self._equity.append(equity)
        if len(self._stamps) > self._bound:
            self.trim()

    def extend(self, stamps: NDArray[np.int64], equity: list[float]) -> None:
        """Append points, oldest first; as many stamps as values of equity."""
        self._stamps.frombytes(stamps.tobytes())
        self._equity.fromlist(equity)
        if len(self._stamps) > self._bound:
            self.trim()

    def trim(self) -> None:
        """Drop the oldest points where a bound is set: half of what is there, now and then."""
        if self._kept is not None:
            excess = max(0, len(self) - self._kept)
            del self._stamps[:excess]
            del self._equity[:excess]

    def __len__(self) -> int:
        """How many points there are."""
        return len(self._stamps)
