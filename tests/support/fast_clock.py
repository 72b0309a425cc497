"""A clock that runs faster than the machine's, for code that waits on real sockets."""

from __future__ import annotations

import asyncio
import time

from botcore.domain.ids import Nanos


class FastClock:
    """Wall and monotonic time, `rate` times as fast as the machine's; a sleep is as much shorter.

    Args:
        start_ns: what it shows now, nanoseconds UTC.
        rate: 1 is real time.
    """

    def __init__(self, start_ns: int, *, rate: float = 1.0) -> None:
        self._start = start_ns
        self._rate = rate
        self._began = time.monotonic_ns()

    def now_ns(self) -> Nanos:
        return Nanos(self._start + self.monotonic_ns())

    def skip(self, nanoseconds: int) -> None:
        """Set the wall clock forward; no time passes, and nobody who sleeps wakes."""
        self._start += nanoseconds

    def monotonic_ns(self) -> int:
        return round((time.monotonic_ns() - self._began) * self._rate)

    def sleep_blocking(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds / self._rate))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds / self._rate))
