"""The settings' rates as the API's limits."""

from botcore.api.limits import (
    DecisionLatency,
    LimitsConfig,
    LoadGovernor,
    MemoryBuckets,
    RateLimits,
    Tier,
)
from botcore.app.settings import RateSettings
from botcore.kernel.clock import Clock


def limits_config(rates: RateSettings) -> LimitsConfig:
    """Return the numbers of the limits; health details print them."""
    numbers = {name: getattr(rates, name) for name in LimitsConfig.__struct_fields__}
    numbers["tiers"] = {name: Tier(tier) for name, tier in rates.tiers.items()}
    return LimitsConfig(**numbers)


def rate_limits(rates: RateSettings, *, latency: DecisionLatency, clock: Clock) -> RateLimits:
    """Return the limits, and in them (`governor`) what slows reading under load."""
    config = limits_config(rates)
    governor = LoadGovernor(config, latency, now_ns=clock.monotonic_ns())
    buckets = MemoryBuckets(config.payers_max)
    return RateLimits(config, buckets=buckets, governor=governor, clock=clock)
