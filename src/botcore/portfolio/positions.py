"""Positions: what a strategy holds of an instrument, and what that cost.

The cost is kept as a sum, Σ price × quantity as booked; the average price is a view of it. A
partial close takes its share of the cost rounded to 1e-8 and leaves the rest with the position, so
that the equity identity (I4) stays exact and the average does not drift (E81).
"""

from decimal import Decimal

from botcore.domain.ids import AccountId, InstrumentId, StrategyId
from botcore.domain.numbers import EXACT, MONEY, ZERO
from botcore.portfolio.amounts import plain, to_quantum

_add = EXACT.add
_subtract = EXACT.subtract
_multiply = MONEY.multiply
_divide = MONEY.divide


class Position:
    """What one strategy holds of one instrument: a live view, kept current by `Portfolio.fold`.

    Attributes:
        quantity: base units, signed, without dust.
        cost: what the open quantity cost, quote units, signed like `quantity`.
        realised: earned by closing so far, quote units, before fees; kept when the position closes
            and opens again (E95).
        fees: quote value of the fees paid in quote and base so far. A fee in a third currency
            stands in the ledger in that currency (E75).
        dust: base units set aside as too small to sell (E78).
        dust_cost: what they cost, quote units.
        quantity_float: float mirror, refreshed with every change.
    """

    __slots__ = (
        "account",
        "cost",
        "dust",
        "dust_cost",
        "fees",
        "instrument",
        "quantity",
        "quantity_float",
        "realised",
        "strategy",
    )

    def __init__(self, account: AccountId, strategy: StrategyId, instrument: InstrumentId) -> None:
        self.account = account
        self.strategy = strategy
        self.instrument = instrument
        self.clear()

    def clear(self) -> None:
        """Hold nothing and have earned nothing, before a state is restored."""
        self.quantity: Decimal = ZERO
        self.cost: Decimal = ZERO
        self.realised: Decimal = ZERO
        self.fees: Decimal = ZERO
        self.dust: Decimal = ZERO
        self.dust_cost: Decimal = ZERO
        self.quantity_float = 0.0

    @property
    def cost_float(self) -> float:
        """The cost as a float, for views and estimates."""
        return float(self.cost)

    @property
    def is_open(self) -> bool:
        """Whether anything is held besides dust."""
        return bool(self.quantity)

    @property
    def average(self) -> Decimal | None:
        """Average entry price in quote units a base unit; None when nothing is held."""
        return _divide(self.cost, self.quantity) if self.quantity else None

    def __repr__(self) -> str:
        return (
            f"Position({self.account}/{self.strategy}/{self.instrument}: "
            f"{plain(self.quantity)}, cost {plain(self.cost)}, realised {plain(self.realised)}, "
            f"fees {plain(self.fees)})"
        )


def trade(
    quantity: Decimal, cost: Decimal, bought: Decimal, paid: Decimal
) -> tuple[Decimal, Decimal, Decimal]:
    """Return quantity, cost and what was earned after `bought` more for `paid`.

    Args:
        quantity: held before, signed.
        cost: of what was held, signed like it.
        bought: signed change in base units; negative is sold.
        paid: quote units given for it; negative is received.

    Whatever the case, ``earned - new cost = -paid - cost`` exactly, which is I4 for one fill.

    Raises:
        decimal.Inexact: a sum needs more than 38 digits.
    """
    total = _add(quantity, bought)
    if not total:
        return ZERO, ZERO, _add(paid, cost).copy_negate()
    if not quantity or quantity.is_signed() == bought.is_signed():
        return total, _add(cost, paid), ZERO
    if quantity.is_signed() == total.is_signed():
        # `bought` is against the position, so this share of the cost is against it too.
        share = to_quantum(_divide(_multiply(cost, bought), quantity))
        return total, _add(cost, share), _subtract(share, paid)
    # A flip (E80): the price paid is split by quantity between closing and opening.
    opening = to_quantum(_divide(_multiply(paid, total), bought))
    closing = _subtract(paid, opening)
    return total, opening, _add(closing, cost).copy_negate()
