"""Tax lots: what was acquired when and for how much, and which of it each disposal takes.

An account's lots are one pool for each asset, whichever strategy traded it: tax knows the owner
only. Amounts are worth what they are worth in one reporting currency; that currency has no lots.

Sources: for the order of lots, Internal Revenue Service, Publication 550, "Identifying stock or
bonds sold"; for fees as part of cost or proceeds, Publication 551, "Basis of Assets". Which of it
holds where somebody lives is theirs to know: this computes, it does not advise.
"""

from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum

import msgspec

from botcore.domain.errors import DataError
from botcore.domain.ids import Currency, Nanos
from botcore.domain.money import Money
from botcore.domain.numbers import EXACT, MONEY, ZERO
from botcore.portfolio.amounts import to_quantum

_add = EXACT.add
_subtract = EXACT.subtract


class LotMethod(StrEnum):
    """Which lot a disposal takes first."""

    FIFO = "FIFO"
    """The oldest."""
    LIFO = "LIFO"
    """The newest."""


class DisposalKind(StrEnum):
    """How an asset left."""

    SALE = "sale"
    FEE = "fee"
    """It paid a fee: a disposal at what the fee was worth."""
    TRANSFER = "transfer"
    """It was taken out of the account: no sale, and the cost goes with it."""


class Exchange(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One execution as an exchange of two amounts.

    A fee in what was received makes that less; one in what was given makes that more. Any other
    adds to the cost of a purchase and lessens the proceeds of a sale (between two assets, of the
    one that is given); paid in a third asset it is a disposal of that asset besides. A negative
    fee is a rebate: the same the other way round.

    Attributes:
        reference: of the execution, for whoever checks.
        given, received: above zero, before the fee.
        value: of what changed hands, in the reporting currency; needed only where neither amount
            is in it. None is unknown.
        fee: None where there was none.
        fee_value: of the fee, in the reporting currency; needed only for a fee in a third asset.
            None is unknown.
    """

    ts: Nanos
    reference: str
    given: Money
    received: Money
    value: Decimal | None = None
    fee: Money | None = None
    fee_value: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse what is no exchange.

        Raises:
            DataError: ``EXCHANGE_REFUSED``: an amount is not above zero, both are of one currency,
                or a fee takes all that was received.
        """
        given, received = self.given, self.received
        if given.amount <= ZERO or received.amount <= ZERO or given.currency == received.currency:
            raise _refused(self.reference, f"exchanges {given} for {received}")
        if _in_kind(self.fee, received) >= received.amount:
            raise _refused(self.reference, f"pays {self.fee} of the {received} it receives")
        if _add(given.amount, _in_kind(self.fee, given)) <= ZERO:
            raise _refused(self.reference, f"is paid back {self.fee} of the {given} it gives")


class Transfer(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An amount that came into the account from outside, or, if negative, left it.

    What comes in has a cost that only its owner knows: here it is unknown.
    """

    ts: Nanos
    reference: str
    amount: Money


class Lot(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What is left of one acquisition.

    Attributes:
        quantity: above zero.
        cost: of that quantity, in the reporting currency, fees included; None is unknown.
        is_complete: False where a fee of unknown value is not in the cost.
    """

    asset: Currency
    acquired_at: Nanos
    reference: str
    quantity: Decimal
    cost: Decimal | None
    is_complete: bool = True


class Disposal(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A part of a lot that left, by one execution.

    Attributes:
        acquired_at, acquired_by: stamp and reference of the acquisition; None and empty where
            more was disposed of than was ever acquired here.
        cost, proceeds: in the reporting currency, None where unknown; a transfer has no proceeds.
        is_complete: False where a fee of unknown value is in neither.
    """

    kind: DisposalKind
    asset: Currency
    quantity: Decimal
    disposed_at: Nanos
    disposed_by: str
    acquired_at: Nanos | None
    acquired_by: str
    cost: Decimal | None
    proceeds: Decimal | None
    is_complete: bool = True

    @property
    def gain(self) -> Decimal | None:
        """Proceeds less cost; None where either is unknown, and for a transfer."""
        if self.cost is None or self.proceeds is None:
            return None
        return _subtract(self.proceeds, self.cost)


class TaxLots:
    """The lots of one account, and what was taken from them: the fold of its exchanges.

    What is shared out is rounded to 1e-8, half to even, and the last part takes the remainder:
    costs and proceeds add up exactly.

    Args:
        currency: what costs and proceeds are told in; holding it makes no lot.
        method: which lot is taken first.
    """

    def __init__(self, *, currency: Currency, method: LotMethod) -> None:
        self.currency = currency
        self.method = method
        self._lots: dict[Currency, deque[Lot]] = {}

    def exchange(self, exchange: Exchange) -> tuple[Disposal, ...]:
        """Take one execution; executions come in the order in which they were booked.

        Returns:
            What it disposed of, by lot; empty for a plain purchase.
        """
        given, received, fee = exchange.given, exchange.received, exchange.fee
        value, fee_value = self._values(exchange)
        charged = ZERO if fee_value is None else fee_value
        is_complete = fee_value is not None
        disposals: list[Disposal] = []
        is_purchase = given.currency == self.currency
        if not is_purchase:
            quantity = _add(given.amount, _in_kind(fee, given))
            proceeds = None if value is None else _subtract(value, charged)
            sold = Money(quantity, given.currency)
            parts = self._dispose(
                exchange, DisposalKind.SALE, sold, proceeds=proceeds, is_complete=is_complete
            )
            disposals.extend(parts)
        if received.currency != self.currency:
            cost = value if value is None or not is_purchase else _add(value, charged)
            lot = Lot(
                asset=received.currency,
                acquired_at=exchange.ts,
                reference=exchange.reference,
                quantity=_subtract(received.amount, _in_kind(fee, received)),
                cost=cost,
                is_complete=is_complete or not is_purchase,
            )
            self._of(received.currency).append(lot)
        disposals.extend(self._third(exchange))
        return tuple(disposals)

    def transfer(self, transfer: Transfer) -> tuple[Disposal, ...]:
        """Take what came from outside, or went there."""
        amount, asset = transfer.amount.amount, transfer.amount.currency
        if asset == self.currency or not amount:
            return ()
        if amount < ZERO:
            return tuple(self._dispose(transfer, DisposalKind.TRANSFER, -transfer.amount))
        self._acquire(transfer, transfer.amount, None)
        return ()

    def open(self) -> tuple[Lot, ...]:
        """Return what is held, by asset, oldest first."""
        return tuple(lot for asset in sorted(self._lots) for lot in self._lots[asset])

    def _values(self, exchange: Exchange) -> tuple[Decimal | None, Decimal | None]:
        """Return what changed hands and what the fee adds or takes, in the reporting currency."""
        given, received, fee = exchange.given, exchange.received, exchange.fee
        value = exchange.value
        if given.currency == self.currency:
            value = given.amount
        elif received.currency == self.currency:
            value = received.amount
        if fee is None or not fee.amount:
            return value, ZERO
        if fee.currency == self.currency:
            return value, fee.amount
        if fee.currency in (given.currency, received.currency):
            return value, ZERO  # it is in the quantity
        return value, exchange.fee_value

    def _third(self, exchange: Exchange) -> list[Disposal]:
        """Take a fee that was paid, or paid back, in an asset that was not exchanged."""
        fee = exchange.fee
        known = (self.currency, exchange.given.currency, exchange.received.currency)
        if fee is None or not fee.amount or fee.currency in known:
            return []
        worth = exchange.fee_value
        if fee.amount > ZERO:
            return list(self._dispose(exchange, DisposalKind.FEE, fee, proceeds=worth))
        self._acquire(exchange, -fee, None if worth is None else worth.copy_negate())
        return []

    def _acquire(self, event: Exchange | Transfer, amount: Money, cost: Decimal | None) -> None:
        lot = Lot(
            asset=amount.currency,
            acquired_at=event.ts,
            reference=event.reference,
            quantity=amount.amount,
            cost=cost,
        )
        self._of(amount.currency).append(lot)

    def _dispose(
        self,
        event: Exchange | Transfer,
        kind: DisposalKind,
        amount: Money,
        *,
        proceeds: Decimal | None = None,
        is_complete: bool = True,
    ) -> Iterator[Disposal]:
        asset, left, brought = amount.currency, amount.amount, proceeds
        while left:
            taken = self._take(asset, left)
            part = left if taken is None else taken.quantity
            share = brought
            if brought is not None and part != left:
                share = _share(brought, part, left)
                brought = _subtract(brought, share)
            left = _subtract(left, part)
            yield Disposal(
                kind=kind,
                asset=asset,
                quantity=part,
                disposed_at=event.ts,
                disposed_by=event.reference,
                acquired_at=None if taken is None else taken.acquired_at,
                acquired_by="" if taken is None else taken.reference,
                cost=None if taken is None else taken.cost,
                proceeds=share,
                is_complete=is_complete and (taken is None or taken.is_complete),
            )

    def _take(self, asset: Currency, most: Decimal) -> Lot | None:
        """Take a lot, or as much of it as is asked for; None where nothing is left."""
        lots = self._of(asset)
        if not lots:
            return None
        is_oldest = self.method is LotMethod.FIFO
        lot = lots.popleft() if is_oldest else lots.pop()
        if lot.quantity <= most:
            return lot
        cost = None if lot.cost is None else _share(lot.cost, most, lot.quantity)
        kept = None if lot.cost is None or cost is None else _subtract(lot.cost, cost)
        rest = msgspec.structs.replace(lot, quantity=_subtract(lot.quantity, most), cost=kept)
        (lots.appendleft if is_oldest else lots.append)(rest)
        return msgspec.structs.replace(lot, quantity=most, cost=cost)

    def _of(self, asset: Currency) -> deque[Lot]:
        return self._lots.setdefault(asset, deque())


def _share(whole: Decimal, part: Decimal, of: Decimal) -> Decimal:
    return to_quantum(MONEY.divide(MONEY.multiply(whole, part), of))


def _in_kind(fee: Money | None, leg: Money) -> Decimal:
    """Return how much of a fee was paid in what was exchanged."""
    return fee.amount if fee is not None and fee.currency == leg.currency else ZERO


def _refused(reference: str, what: str) -> DataError:
    return DataError(
        code="EXCHANGE_REFUSED",
        cause=f"execution {reference} {what}",
        fix="report this as a bug, with the fill as the venue reported it",
    )
