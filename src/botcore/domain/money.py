"""Money: an exact amount that knows its currency and refuses to mix with another."""

from decimal import Decimal, InvalidOperation

import msgspec

from botcore.domain.errors import InvariantBroken
from botcore.domain.ids import Currency
from botcore.domain.numbers import EXACT


class Money(msgspec.Struct, frozen=True, gc=False, order=False):
    """An amount of one currency.

    Attributes:
        amount: exact, in whole units of `currency`; negative means owed.
        currency: an upper-case code such as ``USDT``.
    """

    amount: Decimal
    currency: Currency

    def __add__(self, other: "Money") -> "Money":
        """Add an amount of the same currency."""
        return Money(EXACT.add(self.amount, self._same(other).amount), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        """Subtract an amount of the same currency."""
        return Money(EXACT.subtract(self.amount, self._same(other).amount), self.currency)

    def __neg__(self) -> "Money":
        """Turn what is owned into what is owed."""
        return Money(EXACT.minus(self.amount), self.currency)

    def __str__(self) -> str:
        """Write the amount plainly, without an exponent."""
        return f"{self.amount:f} {self.currency}"

    @classmethod
    def parse(cls, text: str) -> "Money":
        """Read what `str` wrote: ``parse(str(m)) == m``.

        Raises:
            ValueError: `text` is not an amount and a currency.
        """
        written, _, currency = text.partition(" ")
        try:
            amount = Decimal(written)
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite() or not currency.isalnum():
            raise ValueError(f"{text!r} is not an amount and a currency")
        return cls(amount, Currency(currency))

    def _same(self, other: "Money") -> "Money":
        if self.currency != other.currency:
            raise InvariantBroken(
                code="CURRENCIES_MIXED",
                cause=f"{other} was added to an amount of {self.currency}",
                fix="report this as a bug; nothing was booked",
            )
        return other
