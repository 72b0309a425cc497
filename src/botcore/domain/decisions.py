"""What risk answers: approved and sealed, or denied with a code."""

from decimal import Decimal

import msgspec

from botcore.domain.ids import AccountId, Currency, InstrumentId, Nanos, StrategyId
from botcore.domain.intents import NO_REASON, Reason
from botcore.domain.orders import OrderType, Side, TimeInForce


class ApprovedOrder(msgspec.Struct, frozen=True, gc=False):
    """One order as risk allows it: sized, on the grid, with what it reserves.

    Attributes:
        reserve: locked until the order is filled or gone, in `reserve_currency`.
        held: lives only with us until its parent fills.
    """

    side: Side
    type: OrderType
    quantity: Decimal
    reserve: Decimal
    reserve_currency: Currency
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    trail: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: Nanos | None = None
    reduce_only: bool = False
    oco_group: str = ""
    held: bool = False


class Approved(msgspec.Struct, frozen=True, gc=False):
    """Permission to send one order and the children that hang on it.

    Only `risk` builds one (an architecture test keeps it), and `execution` checks `seal`.

    Attributes:
        orders: the order first, then its attached children.
        decision_price: the price risk saw, quote units (arrival price).
        config: digest of the configuration in force.
    """

    account: AccountId
    strategy: StrategyId
    instrument: InstrumentId
    orders: tuple[ApprovedOrder, ...]
    decision_price: float
    reason: Reason
    config: str
    seal: object


class Denied(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An expected no.

    Attributes:
        code: stable, from the risk room's table of denials.
        value: what was asked for, in the unit of `limit`.
        limit: what is allowed.
        detail: what no number says, in words; empty where the numbers say all.
    """

    account: AccountId
    strategy: StrategyId
    instrument: InstrumentId
    code: str
    value: float
    limit: float
    ts: Nanos
    reason: Reason = NO_REASON
    detail: str = ""
