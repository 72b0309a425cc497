"""The highest equity within a look-back that moves, and how far equity may fall from it."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from botcore.risk.locking.rules import DrawdownGuard
from botcore.risk.locking.trades import Trades

SLICES = 48
"""Parts of a look-back: the window moves by one at a time, and is up to one longer."""
_NEVER, _ALWAYS = -1, 1 << 63


class EquityWindow:
    """Marked equity of an account through one drawdown guard's look-back.

    Fall = (high − equity) / high, where high is the highest mark in the window: the drawdown of
    M. Magdon-Ismail and A. Atiya, "Maximum Drawdown", Risk 17(10), 2004. The greatest drawdown of
    a window is first reached as the fall of its last mark, so only that one is looked at.

    Args:
        rule: whose.

    Attributes:
        begins: marks before this instant are not looked at.
        counts_until: the instant from which too few closed trades lie in the look-back.
        high: highest mark in the window, `floor`: equity at or below which it trips.
    """

    __slots__ = ("_highs", "_keep_frac", "_slice_end", "_width", "begins", "counts_until",
                 "floor", "high", "rule")  # fmt: skip

    def __init__(self, rule: DrawdownGuard) -> None:
        self.rule = rule
        self._width = max(1, rule.lookback_ns // SLICES)
        self._keep_frac = 1.0 - rule.drawdown_frac
        self._highs: dict[int, float] = {}
        self.counts_until = _NEVER if rule.trades else _ALWAYS
        self.restart(0)

    def restart(self, begins: int) -> None:
        """Forget every mark, and look at those from an instant on."""
        self.begins = begins
        self._highs.clear()
        self._settle()

    def mark(self, ts: int, equity: float) -> bool:
        """Take the equity at the close of a bar; return whether it has fallen too far."""
        if ts < self.begins:
            return False
        if ts >= self._slice_end:
            self._turn(ts, equity)
        elif equity > self._highs[self._slice_end - self._width]:
            self._highs[self._slice_end - self._width] = equity
        if equity > self.high:
            self._raise(equity)
        return equity <= self.floor and self.high > 0.0 and ts < self.counts_until

    def quiet(self, stamps: Sequence[int], equity: Sequence[float]) -> int:
        """Return on how many of several marks it does not trip."""
        highest = max(self.high, *equity)
        if min(equity) > highest * self._keep_frac or stamps[0] >= self.counts_until:
            return len(equity)
        probe = EquityWindow(self.rule)
        probe.counts_until, probe.begins = self.counts_until, self.begins
        probe.take(self.highs)
        for count, (ts, mark) in enumerate(zip(stamps, equity, strict=True)):
            if probe.mark(ts, mark):
                return count
        return len(equity)

    def count_trades(self, trades: Trades) -> None:
        """Take up until when enough closed trades lie in the look-back."""
        needed = self.rule.trades
        oldest = trades.nth_newest(needed)
        if not needed:
            self.counts_until = _ALWAYS
        else:
            self.counts_until = _NEVER if oldest is None else oldest + self.rule.lookback_ns

    def pass_over(self, stamps: Sequence[int], equity: Sequence[float]) -> None:
        """Take several marks on which it does not trip: what is left is the highest of each slice.

        Slice by slice, for a mark of its own costs more than all else that is done with a bar.
        """
        at = 0
        while at < len(stamps):
            if self.begins <= stamps[at] < self._slice_end:
                end = bisect_left(stamps, self._slice_end, at)
                self.mark(stamps[end - 1], max(equity[at:end]))
                at = end
            else:
                self.mark(stamps[at], equity[at])
                at += 1

    def move_by(self, amount: float) -> None:
        """Move every mark by money that came from, or went, outside: it is no profit."""
        for start in self._highs:
            self._highs[start] += amount
        self._settle()

    @property
    def highs(self) -> tuple[tuple[int, float], ...]:
        """Begin of each slice, nanoseconds, and the highest equity in it, oldest first."""
        return tuple(self._highs.items())

    def take(self, highs: Iterable[tuple[int, float]]) -> None:
        """Become what `highs` was, also where its slices were of another length."""
        self._highs.clear()
        for start, high in highs:
            place = start // self._width * self._width
            self._highs[place] = max(high, self._highs.get(place, high))
        self._settle()

    def _turn(self, ts: int, equity: float) -> None:
        """Begin a slice, and let go of those that lie behind the look-back."""
        oldest = ts - self.rule.lookback_ns - self._width
        kept = {start: high for start, high in self._highs.items() if start > oldest}
        self._highs = kept
        self._highs[ts // self._width * self._width] = equity
        self._settle()

    def _settle(self) -> None:
        """Derive from the slices what follows from them."""
        highs = self._highs
        self._slice_end = next(reversed(highs)) + self._width if highs else _NEVER
        self._raise(max(highs.values(), default=0.0))

    def _raise(self, high: float) -> None:
        self.high = high
        self.floor = high * self._keep_frac
