"""Booking: the postings of a fill, of dust and of a deposit, from the figures they come with."""

from decimal import Decimal, DecimalException

from botcore.domain.commands import Deposit
from botcore.domain.errors import ConfigError
from botcore.domain.events import LedgerPosted, Posting
from botcore.domain.ids import Currency, Nanos
from botcore.domain.numbers import EXACT, MONEY, QUANTUM, ZERO
from botcore.domain.orders import Side
from botcore.domain.reports import Fill
from botcore.portfolio.amounts import to_quantum
from botcore.portfolio.ledger import assets_path, external_path
from botcore.portfolio.lines import Line

_add = EXACT.add
_subtract = EXACT.subtract
_BUY = Side.BUY


def fill_postings(
    line: Line, base: Currency, quote: Currency, side: Side, fill: Fill
) -> tuple[list[Posting], Decimal, Decimal, Decimal]:
    """Return the postings of a fill and what it does to the position.

    The base leg and the quote leg on the trading place stand first. A fee in base is part of what
    changes hands: its value at the fill's price goes from cost to fees (E74). A fee in a third
    currency is only posted (E75). A negative fee is a rebate (E77).

    Returns:
        The postings; the signed change of the position in base units; the quote units paid for
        that change (negative: received); the quote value of the fee, 0 for a third currency.
    """
    fee, currency = fill.fee, fill.fee_currency
    if side is _BUY:
        bought, paid = fill.quantity, fill.quote_amount
    else:
        bought, paid = fill.quantity.copy_negate(), fill.quote_amount.copy_negate()
    trading, assets = line.trading, line.assets
    given = Posting(trading, base, bought.copy_negate())
    got = Posting(trading, quote, paid)
    if not fee:
        postings = [
            given,
            got,
            Posting(assets, base, bought),
            Posting(assets, quote, paid.copy_negate()),
        ]
        return postings, bought, paid, ZERO
    charged = Posting(line.fees, currency, fee)
    if currency == quote:
        postings = [
            given,
            got,
            Posting(assets, base, bought),
            Posting(assets, quote, _add(paid, fee).copy_negate()),
            charged,
        ]
        return postings, bought, paid, fee
    if currency == base:
        change = _subtract(bought, fee)
        value = to_quantum(MONEY.multiply(fee, fill.price))
        postings = [
            given,
            got,
            Posting(assets, base, change),
            Posting(assets, quote, paid.copy_negate()),
            charged,
        ]
        return postings, change, _subtract(paid, value), value
    postings = [
        given,
        got,
        Posting(assets, base, bought),
        Posting(assets, quote, paid.copy_negate()),
        charged,
        Posting(assets, currency, fee.copy_negate()),
    ]
    return postings, bought, paid, ZERO


def dust_postings(line: Line, quantity: Decimal, cost: Decimal) -> list[Posting]:
    """Return the postings that set `quantity`, which cost `cost`, aside as dust (E78).

    Negative figures bring it back. The base amount leaves the assets, the cost leaves trading.
    """
    return [
        Posting(line.trading, line.quote, cost.copy_negate()),
        Posting(line.dust, line.quote, cost),
        Posting(line.assets, line.base, quantity.copy_negate()),
        Posting(line.dust, line.base, quantity),
    ]


def deposit_posted(deposit: Deposit, ts: Nanos) -> LedgerPosted:
    """Return the fact of money from (or, if negative, to) the outside.

    Raises:
        ConfigError: ``AMOUNT_REFUSED``: the amount is not a number other than zero, or is finer
            than 1e-8 or longer than 38 digits.
    """
    amount, currency = _parse(deposit.amount), Currency(deposit.currency)
    return LedgerPosted(
        deposit.account,
        ts,
        "deposit" if amount > ZERO else "withdrawal",
        deposit.reference,
        (
            Posting(assets_path(deposit.account), currency, amount),
            Posting(external_path(deposit.account), currency, amount.copy_negate()),
        ),
    )


def _parse(text: str) -> Decimal:
    try:
        amount = Decimal(text)
        if amount.is_finite() and amount:
            return EXACT.quantize(amount, QUANTUM)
    except DecimalException:
        pass  # refused below, in the words of whoever typed it
    raise ConfigError(
        code="AMOUNT_REFUSED",
        cause=f"{text!r} is not an amount other than 0 with at most 8 decimal places",
        fix="write it like 10000 or -250.5",
    )
