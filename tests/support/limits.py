"""The API's limits on a clock that a test turns."""

from __future__ import annotations

from botcore.api.limits import RateLimits
from botcore.app.limiting import rate_limits
from botcore.app.settings import RateSettings
from botcore.kernel.clock import Clock, ManualClock


class FixedLatency:
    """Says what it was told to."""

    def __init__(self, p99_s: float | None = None) -> None:
        self.told = p99_s

    def p99_s(self) -> float | None:
        return self.told


def limits_of(
    rates: RateSettings | None = None,
    *,
    clock: Clock | None = None,
    latency: FixedLatency | None = None,
) -> RateLimits:
    return rate_limits(
        rates or RateSettings(), latency=latency or FixedLatency(), clock=clock or ManualClock()
    )
