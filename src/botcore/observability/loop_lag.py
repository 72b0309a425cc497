"""How late an event loop comes: what blocks it is seen by everybody who waits on it."""

from typing import Final

from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock
from botcore.observability import catalogue as c
from botcore.observability.rolling import RollingQuantiles
from botcore.observability.sheet import Histogram, Sheet

SAMPLE_S: Final = 0.05


class LoopLag:
    """Sleeps, and measures by how much longer it took.

    Args:
        clock: sleeps and measures.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._histogram = Histogram()
        self._recent = RollingQuantiles()

    async def run(self) -> None:
        """Measure until cancelled."""
        step = round(SAMPLE_S * SECOND_NS)
        while True:
            began = self._clock.monotonic_ns()
            await self._clock.sleep(SAMPLE_S)
            ended = self._clock.monotonic_ns()
            late = max(0, ended - began - step)
            self._histogram.add(late / SECOND_NS)
            self._recent.add(late, now_ns=ended)

    def __call__(self, sheet: Sheet) -> None:
        """Write the figures down."""
        sheet.add_histogram(c.LOOP_LAG, self._histogram)
        (p99,) = self._recent.quantiles_s(0.99, now_ns=self._clock.monotonic_ns())
        if p99 is not None:
            sheet.add(c.LOOP_LAG_P99, p99)
