"""Orders: their words, their states, and the specification that goes to a venue."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from botcore.domain.ids import AccountId, ClientOrderId, InstrumentId, Nanos, StrategyId


class Side(StrEnum):
    """Which way an order trades."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> "Side":
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        """+1 for BUY, -1 for SELL."""
        return 1 if self is Side.BUY else -1


class OrderType(StrEnum):
    """How an order becomes a fill."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"
    STOP_LIMIT = "STOP_LIMIT"
    TRAILING_STOP = "TRAILING_STOP"


class TimeInForce(StrEnum):
    """How long an order lives."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTD = "GTD"


class OrderState(StrEnum):
    """The states of order-protocol A.1; `pending_cancel` and `pending_replace` are flags."""

    HELD = "HELD"
    INTENT = "INTENT"
    SENDING = "SENDING"
    IN_DOUBT = "IN_DOUBT"
    ACCEPTED = "ACCEPTED"
    PARTIAL = "PARTIAL"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"
    REJECTED = "REJECTED"
    NOT_SENT = "NOT_SENT"
    NOT_ACCEPTED = "NOT_ACCEPTED"

    @property
    def is_terminal(self) -> bool:
        """Whether the order can no longer trade as far as we know (a late fill still lands)."""
        return self in TERMINAL


TERMINAL = frozenset(
    {
        OrderState.FILLED,
        OrderState.CANCELED,
        OrderState.EXPIRED,
        OrderState.EXPIRED_IN_MATCH,
        OrderState.REJECTED,
        OrderState.NOT_SENT,
        OrderState.NOT_ACCEPTED,
    }
)


class Liquidity(StrEnum):
    """Whether a fill took a resting price or gave one."""

    MAKER = "MAKER"
    TAKER = "TAKER"


class OrderSpec(msgspec.Struct, frozen=True, gc=False):
    """What a venue is asked to do; exact, on the grid.

    Attributes:
        client_order_id: ours, unique for ever.
        account: whose money.
        strategy: whose decision; its tag travels with the order.
        quantity: base units, above zero.
        limit_price: quote units; None unless the type has a limit.
        trigger_price: None unless the type has a trigger.
        trail: distance of a trailing stop in quote units, else None.
        expires_at: for GTD, the first instant at which it is too late; else None.
        reduce_only: may only bring the strategy's position nearer to zero.
        parent: the order whose fill releases this one, else None.
        oco_group: orders of one group cancel one another as they fill; empty means none.
    """

    client_order_id: ClientOrderId
    account: AccountId
    strategy: StrategyId
    instrument: InstrumentId
    side: Side
    type: OrderType
    quantity: Decimal
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    trail: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: Nanos | None = None
    reduce_only: bool = False
    parent: ClientOrderId | None = None
    oco_group: str = ""


class OrderRef(msgspec.Struct, frozen=True, gc=False):
    """Enough to find an order at its venue."""

    client_order_id: ClientOrderId
    instrument: InstrumentId
    account: AccountId
