"""Protections that lock entries for a time: closed trades and equity in, locks as facts out."""

from botcore.risk.locking.guard import Guard
from botcore.risk.locking.locks import Lock, protection_of
from botcore.risk.locking.rules import (
    CoolDown,
    Counted,
    DrawdownGuard,
    LowProfit,
    Protection,
    Scope,
    StopLossGuard,
)

__all__ = [
    "CoolDown",
    "Counted",
    "DrawdownGuard",
    "Guard",
    "Lock",
    "LowProfit",
    "Protection",
    "Scope",
    "StopLossGuard",
    "protection_of",
]
