"""Time: the only module that reads a clock or sleeps; everything else takes a `Clock`.

Wall time (`now_ns`) stamps things and may jump; monotonic time measures how long something takes
and never goes back. Neither may be compared with the other.
"""

import threading
import time
from typing import Protocol

from botcore.domain.ids import SECOND_NS, Nanos


class Clock(Protocol):
    """What time it is, and how to let it pass."""

    def now_ns(self) -> Nanos:
        """Return the instant, nanoseconds since 1970-01-01T00:00:00Z."""
        ...

    def monotonic_ns(self) -> int:
        """Return nanoseconds since an arbitrary point; never goes back."""
        ...

    def sleep_blocking(self, seconds: float) -> None:
        """Let `seconds` pass on the calling thread; nothing if not above zero."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass without holding the event loop."""
        ...


class SystemClock:
    """The machine's own clock, UTC."""

    def now_ns(self) -> Nanos:
        """Return the machine's wall time."""
        return Nanos(time.time_ns())

    def monotonic_ns(self) -> int:
        """Return the machine's monotonic time."""
        return time.monotonic_ns()

    def sleep_blocking(self, seconds: float) -> None:
        """Sleep on the calling thread."""
        if seconds > 0:
            time.sleep(seconds)

    async def sleep(self, seconds: float) -> None:
        """Sleep on the event loop."""
        import asyncio  # noqa: PLC0415  # 0.1 s to load, and most users of a clock never await

        await asyncio.sleep(max(0.0, seconds))


class ManualClock:
    """Virtual time: it stands still until told to advance, and a sleep advances it at once.

    Args:
        start_ns: the first instant, nanoseconds UTC. Monotonic time starts at zero.
    """

    def __init__(self, start_ns: int = 0) -> None:
        self._lock = threading.Lock()
        self._start = start_ns
        self._jumped = 0
        self._elapsed = 0

    def now_ns(self) -> Nanos:
        """Return the virtual instant."""
        with self._lock:
            return Nanos(self._start + self._jumped + self._elapsed)

    def monotonic_ns(self) -> int:
        """Return how much virtual time has passed."""
        with self._lock:
            return self._elapsed

    def advance(self, nanoseconds: int) -> None:
        """Let virtual time pass.

        Raises:
            ValueError: `nanoseconds` is negative; time that passes does not go back (`jump` does).
        """
        if nanoseconds < 0:
            raise ValueError(f"time cannot pass by {nanoseconds} ns")
        with self._lock:
            self._elapsed += nanoseconds

    def jump(self, nanoseconds: int) -> None:
        """Set the wall clock forward or back, as a person or NTP does; no time passes."""
        with self._lock:
            self._jumped += nanoseconds

    def sleep_blocking(self, seconds: float) -> None:
        """Advance by `seconds` and return."""
        self.advance(max(0, round(seconds * SECOND_NS)))

    async def sleep(self, seconds: float) -> None:
        """Advance by `seconds` and give other tasks a turn."""
        import asyncio  # noqa: PLC0415  # as above

        self.sleep_blocking(seconds)
        await asyncio.sleep(0)


class PausableClock:
    """Wall time less its pauses: the simulated market's own clock.

    It runs from `start_ns` at the pace of the base clock's monotonic time, so that a jump of the
    machine's clock is not seen. To go on after a restart, construct it from the instant stored
    when it stopped: the time between is one more pause.

    Args:
        start_ns: the instant it shows now, nanoseconds.
        base: gives the pace.
        rate: how much faster it runs than the base clock: 60 shows an hour a minute. Sleeps are in
            the base clock's seconds.
    """

    def __init__(self, start_ns: int, *, base: Clock, rate: float = 1.0) -> None:
        self._lock = threading.Lock()
        self._base = base
        self._rate = rate
        self._shown = start_ns
        self._since: int | None = base.monotonic_ns()

    @property
    def is_paused(self) -> bool:
        """Whether it stands still."""
        with self._lock:
            return self._since is None

    def now_ns(self) -> Nanos:
        """Return the instant of this clock, which is not the machine's."""
        with self._lock:
            return Nanos(self._now())

    def monotonic_ns(self) -> int:
        """Return the base clock's monotonic time, which pauses do not stop."""
        return self._base.monotonic_ns()

    def pause(self) -> Nanos:
        """Stand still, and return the instant to store; pausing twice is one pause."""
        with self._lock:
            self._shown = self._now()
            self._since = None
            return Nanos(self._shown)

    def resume(self) -> None:
        """Go on from where it stood; nothing if it runs."""
        with self._lock:
            if self._since is None:
                self._since = self._base.monotonic_ns()

    def sleep_blocking(self, seconds: float) -> None:
        """Sleep by the base clock."""
        self._base.sleep_blocking(seconds)

    async def sleep(self, seconds: float) -> None:
        """Sleep by the base clock."""
        await self._base.sleep(seconds)

    def _now(self) -> int:
        if self._since is None:
            return self._shown
        passed = self._base.monotonic_ns() - self._since
        return self._shown + (passed if self._rate == 1.0 else round(passed * self._rate))
