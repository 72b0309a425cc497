"""Exposure measured against the limits: what is used and what is left."""

from collections.abc import Mapping

import msgspec

from botcore.risk.account import AccountRisk


class PortfolioRisk(msgspec.Struct, frozen=True):
    """The account's exposure now; money in the reporting currency, shares as fractions.

    Attributes:
        gross, net: Σ|exposure| and Σ exposure.
        largest: the instrument with the largest exposure, None when flat.
        account_used: gross over the account's limit (1 is full).
        instrument_used: largest exposure over its limit.
        daily_loss_used: today's loss over the allowed one; 0 on a gain.
        drawdown_used: fall from the peak over the allowed one.
    """

    equity: float
    gross: float
    net: float
    largest: str | None
    account_used: float
    instrument_used: float
    daily_loss_used: float
    drawdown_used: float


def measure(
    positions: Mapping[str, float], *, equity: float, account: AccountRisk
) -> PortfolioRisk:
    """Measure exposures (instrument → signed, reporting currency) against the limits."""
    limits = account.limits
    gross = sum(abs(positions[name]) for name in sorted(positions))
    net = sum(positions[name] for name in sorted(positions))
    largest = max(sorted(positions), key=lambda name: abs(positions[name]), default=None)
    top = abs(positions[largest]) if largest is not None else 0.0
    day_loss = _fall(account.day_start, equity)
    drawdown = _fall(account.peak, equity)
    return PortfolioRisk(
        equity=equity,
        gross=gross,
        net=net,
        largest=largest if top else None,
        account_used=gross / (equity * limits.account_frac) if equity > 0 else 0.0,
        instrument_used=top / (equity * limits.instrument_frac) if equity > 0 else 0.0,
        daily_loss_used=day_loss / limits.daily_loss_frac,
        drawdown_used=drawdown / limits.drawdown_frac,
    )


def _fall(high: float, equity: float) -> float:
    return max(0.0, (high - equity) / high) if high > 0 else 0.0
