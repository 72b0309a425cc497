"""Intents in; sealed approvals or denials out, with sizing, limits, watermarks and modes."""

from botcore.risk.account import AccountRisk
from botcore.risk.denials import DENIALS, sentence
from botcore.risk.gate import RiskManagementSystem
from botcore.risk.limits import RiskLimits
from botcore.risk.portfolio_risk import PortfolioRisk
from botcore.risk.ports import RiskView
from botcore.risk.sizing import PPM, Sizing, SizingKind

__all__ = [
    "DENIALS",
    "PPM",
    "AccountRisk",
    "PortfolioRisk",
    "RiskLimits",
    "RiskManagementSystem",
    "RiskView",
    "Sizing",
    "SizingKind",
    "sentence",
]
