"""Every decision in columns: five floats and a stamp a bar, put into words only when read."""

from array import array
from collections.abc import Iterator, MutableSequence

import msgspec

WIDTH = 6
"""Floats a row: reason code, four operands, weight (NaN is "no view")."""
_TRIM = 2


class DecisionRow(msgspec.Struct, frozen=True):
    """One decision as it was kept.

    Attributes:
        ts: close of the bar it was made on, nanoseconds UTC.
        code: index into the strategy's reasons.
        weight: the target, NaN for "no view".
    """

    ts: int
    code: int
    operands: tuple[float, float, float, float]
    weight: float


class DecisionLog:
    """The decisions of one strategy on one instrument, oldest first.

    Args:
        kept: how many are remembered at least; None keeps all (a backtest).
    """

    __slots__ = ("_kept", "stamps", "values")

    def __init__(self, kept: int | None) -> None:
        self._kept = kept
        self.stamps = array("q")
        self.values = array("d")

    def add(self, ts: int, memory: MutableSequence[float], weight: float) -> None:
        """Keep a decision: its code and operands stand in the first five places of `memory`."""
        self.stamps.append(ts)
        values = self.values
        values.fromlist(memory[:5])  # type: ignore[arg-type]  # a list at run time
        values.append(weight)
        if self._kept is not None and len(self.stamps) > _TRIM * self._kept:
            self.trim()

    def trim(self) -> None:
        """Drop the oldest where a bound is set: half of what is there, now and then."""
        if self._kept is not None:
            excess = max(0, len(self.stamps) - self._kept)
            del self.stamps[:excess]
            del self.values[: excess * WIDTH]

    def __len__(self) -> int:
        """How many rows are remembered."""
        return len(self.stamps)

    def row(self, at: int) -> DecisionRow:
        """Return a row by index; negative ones count from the newest.

        Raises:
            IndexError: there is no such row.
        """
        size = len(self.stamps)
        index = at + size if at < 0 else at
        if not 0 <= index < size:
            raise IndexError(at)
        code, a, b, c, d, weight = self.values[index * WIDTH : (index + 1) * WIDTH]
        return DecisionRow(self.stamps[index], int(code), (a, b, c, d), weight)

    def __iter__(self) -> Iterator[DecisionRow]:
        """Iterate, oldest first."""
        return (self.row(index) for index in range(len(self.stamps)))
