"""The venue's time by our clock."""

from botcore.domain.ids import SECOND_NS, Nanos
from botcore.kernel.clock import Clock

_ADOPT_FROM_NS = SECOND_NS // 2


class VenueTime:
    """A clock that shows the venue's time: ours, corrected by what was measured.

    A correction is adopted only where it differs by half a second or more from the last one: a
    smaller one is of the size of what the measurement itself is wrong by, and every adoption makes
    the time jump.

    Args:
        base: our clock.

    Attributes:
        offset_ns: venue less local time, as adopted.
    """

    def __init__(self, base: Clock) -> None:
        self._base = base
        self.offset_ns = 0

    def adopt(self, offset_ns: int) -> None:
        """Take a measured correction, venue less local time, nanoseconds."""
        if abs(offset_ns - self.offset_ns) >= _ADOPT_FROM_NS:
            self.offset_ns = offset_ns

    def now_ns(self) -> Nanos:
        """Return the venue's time, nanoseconds UTC."""
        return Nanos(self._base.now_ns() + self.offset_ns)

    def monotonic_ns(self) -> int:
        """Return our clock's monotonic time."""
        return self._base.monotonic_ns()

    def sleep_blocking(self, seconds: float) -> None:
        """Sleep by our clock."""
        self._base.sleep_blocking(seconds)

    async def sleep(self, seconds: float) -> None:
        """Sleep by our clock."""
        await self._base.sleep(seconds)
