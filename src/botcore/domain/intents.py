"""Intents: what a strategy may say. It sends nothing; risk sizes and approves."""

from decimal import Decimal

import msgspec

from botcore.domain.ids import AccountId, ClientOrderId, InstrumentId, Nanos, StrategyId
from botcore.domain.orders import OrderType, Side, TimeInForce


class Reason(msgspec.Struct, frozen=True, gc=False):
    """Why: a code and up to four operands, put into words only when read.

    Attributes:
        code: index into the reasons its strategy declares (0 means "no reason given").
        operands: the numbers the sentence quotes.
    """

    code: int = 0
    operands: tuple[float, ...] = ()


NO_REASON = Reason()


class Target(msgspec.Struct, frozen=True, gc=False):
    """The exposure a strategy wants: risk turns it into a quantity and, if needed, an order.

    Attributes:
        weight: share of the strategy's budget on this instrument, -1 to 1 (0 is flat).
        confidence: 0 to 1; recorded, and used by sizing only where so configured.
    """

    account: AccountId
    strategy: StrategyId
    instrument: InstrumentId
    weight: float
    confidence: float = 1.0
    reason: Reason = NO_REASON


class PlaceOrder(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A particular order, with the protection that hangs on it.

    Attributes:
        quantity: base units; risk floors it to the lot.
        limit_price, trigger_price, trail: floats are allowed, risk puts them on the grid.
        take_profit, stop_loss: prices of two attached children (a bracket); they are live once
            the entry fills, cancel one another, and only reduce.
        trailing: distance of an attached trailing stop, quote units.
        oco_group: orders that carry one name cancel one another.
    """

    account: AccountId
    strategy: StrategyId
    instrument: InstrumentId
    side: Side
    type: OrderType
    quantity: float | Decimal
    limit_price: float | Decimal | None = None
    trigger_price: float | Decimal | None = None
    trail: float | Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: Nanos | None = None
    reduce_only: bool = False
    take_profit: float | Decimal | None = None
    stop_loss: float | Decimal | None = None
    trailing: float | Decimal | None = None
    oco_group: str = ""
    reason: Reason = NO_REASON


class CancelOrder(msgspec.Struct, frozen=True, gc=False):
    """Take an order back."""

    account: AccountId
    strategy: StrategyId
    client_order_id: ClientOrderId
    reason: Reason = NO_REASON


class ReplaceOrder(msgspec.Struct, frozen=True, gc=False):
    """Change a working order's price or total quantity; None leaves it as it is."""

    account: AccountId
    strategy: StrategyId
    client_order_id: ClientOrderId
    quantity: float | Decimal | None = None
    limit_price: float | Decimal | None = None
    trigger_price: float | Decimal | None = None
    reason: Reason = NO_REASON


Intent = Target | PlaceOrder | CancelOrder | ReplaceOrder
