"""Amounts in one written form, so that equal amounts are equal bytes wherever they came from.

`Decimal("1.0")` and `Decimal("1.00")` are equal and print differently. A position restored from a
snapshot and one that never stopped must write the same facts, so what is kept has one form.
"""

import decimal
from decimal import Decimal

from botcore.domain.numbers import EXACT, MONEY, QUANTUM, ZERO

_quantize = EXACT.quantize
_round = MONEY.quantize


def canonical(amount: Decimal) -> Decimal:
    """Return the same value in its one form: 8 decimal places (more where it has more), or 0.

    Raises:
        decimal.InvalidOperation: it does not fit into 38 digits.
    """
    if not amount:
        return ZERO
    try:
        return _quantize(amount, QUANTUM)
    except decimal.Inexact:
        return EXACT.normalize(amount)


def to_quantum(amount: Decimal) -> Decimal:
    """Round to 1e-8, half to even."""
    return _round(amount, QUANTUM)


def plain(amount: Decimal) -> str:
    """Write an amount without exponent, trailing zeros or a negative zero."""
    return f"{EXACT.normalize(amount):f}" if amount else "0"
