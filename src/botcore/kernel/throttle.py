"""Rates: pure, in integer nanoseconds, with the instant passed in.

A token bucket allows bursts (up to ``burst + rate × T`` in any window of T); a sliding window
never allows more than its limit in any window. Both ignore a stamp that goes back.
"""

from collections import deque
from collections.abc import Iterable

from botcore.domain.ids import SECOND_NS


class TokenBucket:
    """At most `burst` at once, refilled at `rate_per_s`; exact, without floats.

    Args:
        rate_per_s: tokens a second, above zero.
        burst: most tokens it holds; it begins full.

    Raises:
        ValueError: a bound is not above zero.
    """

    def __init__(self, rate_per_s: int, burst: int) -> None:
        if rate_per_s <= 0 or burst <= 0:
            raise ValueError(f"rate {rate_per_s} and burst {burst} must be above zero")
        self._rate = rate_per_s
        # A token is a second's worth of nanoseconds, so that one nanosecond refills `rate` units.
        self._full = burst * SECOND_NS
        self._level = self._full
        self._at: int | None = None

    def allow(self, ts_ns: int, tokens: int = 1) -> bool:
        """Take `tokens` at instant `ts_ns` if they are there, and say whether they were."""
        self._refill(ts_ns)
        cost = tokens * SECOND_NS
        if cost > self._level:
            return False
        self._level -= cost
        return True

    def wait_ns(self, ts_ns: int, tokens: int = 1) -> int:
        """Return how long after `ts_ns` the tokens will be there; zero if they are.

        Raises:
            ValueError: `tokens` is more than the bucket ever holds.
        """
        cost = tokens * SECOND_NS
        if cost > self._full:
            raise ValueError(f"{tokens} tokens exceed the burst of {self._full // SECOND_NS}")
        self._refill(ts_ns)
        return max(0, -((self._level - cost) // self._rate))

    def _refill(self, ts_ns: int) -> None:
        if self._at is None:
            self._at = ts_ns
        elif ts_ns > self._at:
            self._level = min(self._full, self._level + (ts_ns - self._at) * self._rate)
            self._at = ts_ns


class SlidingWindow:
    """At most `limit` events in any window of `window_ns`, and no fewer than that.

    Args:
        limit: above zero.
        window_ns: nanoseconds, above zero; the window is half open, ``(ts - window, ts]``.
        stamps: when the last events were, oldest first, to go on where another stopped.

    Raises:
        ValueError: a bound is not above zero.
    """

    def __init__(self, limit: int, window_ns: int = SECOND_NS, stamps: Iterable[int] = ()) -> None:
        if limit <= 0 or window_ns <= 0:
            raise ValueError(f"limit {limit} and window {window_ns} ns must be above zero")
        self._limit = limit
        self._window = window_ns
        self._stamps: deque[int] = deque(stamps, maxlen=limit)

    @property
    def stamps(self) -> tuple[int, ...]:
        """When the last events were (no more than the limit), oldest first."""
        return tuple(self._stamps)

    def allow(self, ts_ns: int) -> bool:
        """Count an event at `ts_ns` if it fits, and say whether it did."""
        if self._stamps:
            # A stamp that goes back counts as the latest one: it must not open the window again.
            ts_ns = max(ts_ns, self._stamps[-1])
        if self.used(ts_ns) >= self._limit:
            return False
        self._stamps.append(ts_ns)
        return True

    def used(self, ts_ns: int) -> int:
        """Return how many events the window that ends at `ts_ns` holds."""
        oldest = ts_ns - self._window
        return sum(1 for stamp in self._stamps if stamp > oldest)
