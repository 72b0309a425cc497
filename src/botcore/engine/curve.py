"""The equity curve: one float a bar, beside its stamp."""

from array import array


class EquityCurve:
    """Equity at the close of each bar.

    Args:
        kept: how many points are remembered at least; None keeps all (a backtest).

    Attributes:
        stamps: nanoseconds UTC, ascending.
        equity: reporting currency, float.
    """

    __slots__ = ("_kept", "equity", "stamps")

    def __init__(self, kept: int | None = None) -> None:
        self._kept = kept
        self.stamps = array("q")
        self.equity = array("d")

    def add(self, ts: int, equity: float) -> None:
        """Append a point; where a bound is set, drop the oldest now and then."""
        self.stamps.append(ts)
        self.equity.append(equity)
        if self._kept is not None and len(self.stamps) > 2 * self._kept:
            excess = len(self.stamps) - self._kept
            del self.stamps[:excess]
            del self.equity[:excess]

    def __len__(self) -> int:
        """How many points there are."""
        return len(self.stamps)
