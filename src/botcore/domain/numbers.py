"""Exact numbers: one decimal context, one quantum, and the two crossings from float to Decimal.

`Decimal` carries whatever touches an order, a fee or a balance; `float` carries market data,
signals and statistics. Nothing else converts between them.
"""

import decimal
import math
from decimal import Decimal
from functools import lru_cache

from botcore.domain.errors import DataError

QUANTUM = Decimal("1E-8")
"""The finest amount of any currency that is booked."""
QUANTA_PER_UNIT = 100_000_000
ZERO = Decimal(0)
ONE = Decimal(1)
_INFINITY = math.inf

_TRAPS = [
    decimal.FloatOperation,
    decimal.InvalidOperation,
    decimal.DivisionByZero,
    decimal.Overflow,
]
MONEY = decimal.Context(prec=38, rounding=decimal.ROUND_HALF_EVEN, traps=_TRAPS)
"""The context for prices and quantities: 38 digits, no float sneaks in, no NaN appears."""
EXACT = decimal.Context(prec=38, rounding=decimal.ROUND_HALF_EVEN, traps=[*_TRAPS, decimal.Inexact])
"""The ledger's context: an operation that would round raises `decimal.Inexact`."""


def use_money_context() -> None:
    """Make `MONEY` the context of the calling thread (contexts are per thread and per task)."""
    decimal.setcontext(MONEY.copy())


def finite(x: float, *, what: str) -> float:
    """Return `x` if it is a finite number.

    Raises:
        DataError: `x` is NaN or infinite.
    """
    if not math.isfinite(x):
        raise _not_finite(x, what)
    return x


def exact(x: float | Decimal, *, what: str) -> Decimal:
    """Return a number as the decimal that its shortest text says: 0.1 is 0.1.

    Raises:
        DataError: `x` is NaN or infinite.
    """
    if type(x) is float and (0.0 < x < _INFINITY or -_INFINITY < x < 0.0):
        return _shortest(x)
    if isinstance(x, Decimal):
        if x.is_finite():
            return x
        raise _not_finite(x, what)
    number = float(x)  # numpy's own repr is no number
    if not math.isfinite(number):
        raise _not_finite(x, what)
    return Decimal(repr(number))


@lru_cache(maxsize=1_024)
def _shortest(number: float) -> Decimal:
    """Remember: one mark or limit is read several times an order. Never a zero: two are equal."""
    return Decimal(repr(number))


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of `step` not above `value` (for negatives too).

    Raises:
        decimal.InvalidOperation: the multiple does not fit into 38 digits.
    """
    # An integer division does not round: a quotient just below a whole number stays below.
    multiple = MONEY.multiply(MONEY.divide_int(value, step), step)
    return multiple if multiple <= value else MONEY.subtract(multiple, step)


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """Return the smallest multiple of `step` not below `value`.

    Raises:
        decimal.InvalidOperation: the multiple does not fit into 38 digits.
    """
    multiple = MONEY.multiply(MONEY.divide_int(value, step), step)
    return multiple if multiple >= value else MONEY.add(multiple, step)


def to_quanta(value: Decimal) -> int:
    """Return an exact amount as a whole number of 1e-8 quanta.

    Raises:
        decimal.Inexact: `value` is finer than a quantum.
    """
    return int(EXACT.scaleb(EXACT.quantize(value, QUANTUM), 8))


def from_quanta(quanta: int) -> Decimal:
    """Return a whole number of 1e-8 quanta as an exact amount."""
    return Decimal(quanta).scaleb(-8, MONEY)


def _not_finite(x: float | Decimal, what: str) -> DataError:
    return DataError(
        code="NUMBER_NOT_FINITE",
        cause=f"{what} is {x}",
        fix="drop or repair the record it came from",
    )
