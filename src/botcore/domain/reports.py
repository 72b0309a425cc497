"""What comes back from a venue, or from our own sender, about an order."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from botcore.domain.ids import (
    AccountId,
    ClientOrderId,
    Currency,
    InstrumentId,
    Nanos,
    TradeId,
    VenueOrderId,
)
from botcore.domain.orders import Liquidity


class ReportKind(StrEnum):
    """What happened. The first three come from our sender, not from the venue."""

    SENDING = "SENDING"
    """Durable, and about to leave."""
    NOT_SENT = "NOT_SENT"
    """Proven: not one byte left."""
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    """Sent, and no proof of what became of it."""
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    FILLED = "FILLED"
    """One fill, partial or last."""
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"
    NOT_ACCEPTED = "NOT_ACCEPTED"
    """Absence proven by rule R4 of the order protocol."""
    CANCEL_REJECTED = "CANCEL_REJECTED"
    CANCEL_UNKNOWN = "CANCEL_UNKNOWN"
    """A cancel was sent and not answered: it stays owed."""
    REPLACED = "REPLACED"
    REPLACE_REJECTED = "REPLACE_REJECTED"
    NOT_FOUND = "NOT_FOUND"
    """A query did not find the order: never proof by itself."""
    STATUS = "STATUS"
    """A query found the order working; `cumulative` tells how much has filled."""


class Fill(msgspec.Struct, frozen=True, gc=False):
    """One execution, with the venue's own money figures; they are booked, not recomputed.

    Attributes:
        price: quote units per base unit.
        quantity: base units, above zero.
        quote_amount: price × quantity rounded to 1e-8 against us.
        fee: in `fee_currency`; positive is paid, negative is a rebate (E77).
    """

    trade_id: TradeId
    price: Decimal
    quantity: Decimal
    quote_amount: Decimal
    fee: Decimal
    fee_currency: Currency
    liquidity: Liquidity
    ts_event: Nanos


class VenueReport(msgspec.Struct, frozen=True, gc=False, tag=True):
    """One report about one order.

    Attributes:
        ts_event: when it happened at the venue, nanoseconds UTC.
        cumulative: total filled as the venue counts it, None where it does not say.
        quantity, limit_price, trigger_price: what a REPLACED order now carries.
        detail: the venue's word, or ours, for people; never parsed.
        flags: notes of the simulated venue (``ambiguous_bar``, ``cut_by_cash``).
    """

    kind: ReportKind
    account: AccountId
    instrument: InstrumentId
    client_order_id: ClientOrderId
    ts_event: Nanos
    venue_order_id: VenueOrderId | None = None
    fill: Fill | None = None
    cumulative: Decimal | None = None
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    detail: str = ""
    flags: tuple[str, ...] = ()
