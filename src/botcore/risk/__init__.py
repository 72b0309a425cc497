"""Intents in; sealed approvals or denials out, with sizing, limits, watermarks and modes."""

from botcore.risk.account import AccountRisk
from botcore.risk.denials import DENIALS, sentence
from botcore.risk.gate import RiskManagementSystem
from botcore.risk.limits import RiskLimits
from botcore.risk.locking import (
    CoolDown,
    Counted,
    DrawdownGuard,
    Guard,
    Lock,
    LowProfit,
    Protection,
    Scope,
    StopLossGuard,
    protection_of,
)
from botcore.risk.portfolio_risk import PortfolioRisk
from botcore.risk.ports import RiskView
from botcore.risk.sizing import PPM, Sizing, SizingKind

__all__ = [
    "DENIALS",
    "PPM",
    "AccountRisk",
    "CoolDown",
    "Counted",
    "DrawdownGuard",
    "Guard",
    "Lock",
    "LowProfit",
    "PortfolioRisk",
    "Protection",
    "RiskLimits",
    "RiskManagementSystem",
    "RiskView",
    "Scope",
    "Sizing",
    "SizingKind",
    "StopLossGuard",
    "protection_of",
    "sentence",
]
