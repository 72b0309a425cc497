"""The equity curve: one float a bar, beside its stamp."""

from array import array
from struct import Struct

_POINT = Struct("=qd")
"""One point: stamp and equity, a word of 8 bytes each."""
_SIZE = _POINT.size
_pack = _POINT.pack
_TRIM = 2
_ENDLESS = 1 << 62


class EquityCurve:
    """Equity at the close of each bar.

    Args:
        kept: how many points are remembered at least; None keeps all (a backtest).
    """

    __slots__ = ("_bound", "_kept", "_points")

    def __init__(self, kept: int | None = None) -> None:
        self._kept = kept
        self._bound = _ENDLESS if kept is None else _TRIM * kept * _SIZE
        self._points = bytearray()

    @property
    def stamps(self) -> "array[int]":
        """The points' stamps: nanoseconds UTC, ascending; a copy."""
        return array("q", memoryview(self._points).cast("q")[0::2].tolist())

    @property
    def equity(self) -> "array[float]":
        """The points' equity in the reporting currency; a copy."""
        return array("d", memoryview(self._points).cast("d")[1::2].tolist())

    def add(self, ts: int, equity: float) -> None:
        """Append a point."""
        points = self._points
        points += _pack(ts, equity)
        if len(points) > self._bound:
            self.trim()

    def trim(self) -> None:
        """Drop the oldest points where a bound is set: half of what is there, now and then."""
        if self._kept is not None:
            excess = max(0, len(self) - self._kept)
            del self._points[: excess * _SIZE]

    def __len__(self) -> int:
        """How many points there are."""
        return len(self._points) // _SIZE
