"""Limits and how much of each is used, for people; the gate itself asks the view."""

from decimal import Decimal

from botcore.domain.ids import SECOND_NS
from botcore.domain.numbers import MONEY, QUANTUM, exact
from botcore.domain.questions import Usage
from botcore.risk import AccountRisk


def usage(limit: str, of: str, used: float | Decimal, allowed: float | Decimal, unit: str) -> Usage:
    """Return a limit's use; see `Usage`."""
    taken, most = amount(used), amount(allowed)
    return Usage(
        limit=limit,
        of=of,
        used=taken,
        allowed=most,
        left=most - taken,
        used_frac=float(taken / most) if most > 0 else None,
        unit=unit,
    )


def amount(value: float | Decimal) -> Decimal:
    """Return a number to 1e-8."""
    return exact(value, what="an amount").quantize(QUANTUM, context=MONEY)


def orders_within_a_second(account: AccountRisk, now: int) -> int:
    """Count the orders that the rate limit looks at, at the instant `now` of event time."""
    return sum(1 for ts in account.orders_at if now - ts < SECOND_NS)
