"""Limits: takes in who asks for what, gives out whether he may, and what he is told about it."""

from botcore.api.limits.buckets import MemoryBuckets
from botcore.api.limits.config import LimitsConfig, Tier
from botcore.api.limits.gcra import Rate
from botcore.api.limits.load import LoadGovernor, watch_load
from botcore.api.limits.payers import Caller, address_payer, caller_of
from botcore.api.limits.ports import Buckets, Charge, DecisionLatency, Outcome
from botcore.api.limits.rates import Decision, RateLimits

__all__ = [
    "Buckets",
    "Caller",
    "Charge",
    "Decision",
    "DecisionLatency",
    "LimitsConfig",
    "LoadGovernor",
    "MemoryBuckets",
    "Outcome",
    "Rate",
    "RateLimits",
    "Tier",
    "address_payer",
    "caller_of",
    "watch_load",
]
