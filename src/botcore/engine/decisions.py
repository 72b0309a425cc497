"""Every decision in columns: five floats and a stamp a bar, put into words only when read."""

from collections.abc import Iterator, Sequence

import msgspec

from botcore.strategies import DECISION

_SIZE = DECISION.size
_pack = DECISION.pack
_TRIM = 2
_ENDLESS = 1 << 62


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

    __slots__ = ("_bound", "_kept", "_rows")

    def __init__(self, kept: int | None) -> None:
        self._kept = kept
        self._bound = _ENDLESS if kept is None else _TRIM * kept * _SIZE
        # Packed rows in one block: a tenth of the memory of objects, and nothing to collect.
        self._rows = bytearray()

    def add(self, ts: int, memory: Sequence[float], weight: float) -> None:
        """Keep a decision: its code and operands stand in the first five places of `memory`."""
        rows = self._rows
        rows += _pack(ts, memory[0], memory[1], memory[2], memory[3], memory[4], weight)
        if len(rows) > self._bound:
            self.trim()

    def extend(self, rows: bytes | bytearray | memoryview) -> None:
        """Keep decisions that are rows of `DECISION` already."""
        self._rows += rows
        if len(self._rows) > self._bound:
            self.trim()

    def trim(self) -> None:
        """Drop the oldest where a bound is set: half of what is there, now and then."""
        if self._kept is not None:
            excess = max(0, len(self) - self._kept)
            del self._rows[: excess * _SIZE]

    def __len__(self) -> int:
        """How many rows are remembered."""
        return len(self._rows) // _SIZE

    @property
    def packed(self) -> bytes:
        """All rows as they are kept: `DECISION` one after the other, oldest first; a copy."""
        return bytes(self._rows)

    def row(self, at: int) -> DecisionRow:
        """Return a row by index; negative ones count from the newest.

        Raises:
            IndexError: there is no such row.
        """
        size = len(self)
        index = at + size if at < 0 else at
        if not 0 <= index < size:
            raise IndexError(at)
        ts, code, a, b, c, d, weight = DECISION.unpack_from(self._rows, index * _SIZE)
        return DecisionRow(ts, int(code), (a, b, c, d), weight)

    def __iter__(self) -> Iterator[DecisionRow]:
        """Iterate, oldest first."""
        return (self.row(index) for index in range(len(self)))
