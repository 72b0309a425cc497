"""Quantiles of what was measured within the last minute, in bounded memory and without sorting."""

from bisect import bisect_left
from collections import deque
from typing import Final

from botcore.domain.ids import SECOND_NS

WINDOW_S: Final = 60
_SMALLEST_NS: Final = 1_000
_GROWTH: Final = 1.05
_LARGEST_NS: Final = 60 * SECOND_NS


def _bounds() -> tuple[int, ...]:
    bounds, bound = [_SMALLEST_NS], float(_SMALLEST_NS)
    while bounds[-1] < _LARGEST_NS:
        bound *= _GROWTH
        bounds.append(round(bound))
    return tuple(bounds)


_BOUNDS: Final = _bounds()


class RollingQuantiles:
    """Counts durations in buckets that grow by 5 %, a slot a second, and forgets old slots.

    A quantile is its bucket's upper bound: never too low, and at most 5 % too high.

    Args:
        window_s: how many seconds count, the one under way included.
    """

    def __init__(self, *, window_s: int = WINDOW_S) -> None:
        self._window_s = window_s
        self._slots: deque[tuple[int, dict[int, int]]] = deque()
        self._counts = [0] * (len(_BOUNDS) + 1)
        self._total = 0

    def add(self, duration_ns: int, *, now_ns: int) -> None:
        """Take one duration; `now_ns` is monotonic."""
        second = now_ns // SECOND_NS
        if not self._slots or self._slots[-1][0] != second:
            self._forget(second)
            self._slots.append((second, {}))
        at = bisect_left(_BOUNDS, duration_ns)
        slot = self._slots[-1][1]
        slot[at] = slot.get(at, 0) + 1
        self._counts[at] += 1
        self._total += 1

    def count(self, *, now_ns: int) -> int:
        """Return how many durations the window holds."""
        self._forget(now_ns // SECOND_NS)
        return self._total

    def quantiles_s(self, *quantiles: float, now_ns: int) -> tuple[float | None, ...]:
        """Return quantiles in seconds, in the order asked for; None while the window is empty.

        Args:
            quantiles: 0 to 1, not falling.
            now_ns: monotonic.
        """
        self._forget(now_ns // SECOND_NS)
        if not self._total:
            return (None,) * len(quantiles)
        found: list[float | None] = []
        seen, at = self._counts[0], 0
        for quantile in quantiles:
            while seen < quantile * self._total:
                at += 1
                seen += self._counts[at]
            found.append(_BOUNDS[min(at, len(_BOUNDS) - 1)] / SECOND_NS)
        return tuple(found)

    def _forget(self, second: int) -> None:
        while self._slots and self._slots[0][0] <= second - self._window_s:
            for at, count in self._slots.popleft()[1].items():
                self._counts[at] -= count
                self._total -= count
