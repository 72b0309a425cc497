"""Orders: placed, changed, taken back, looked at, and tried without doing anything."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from botcore.control.access import Scope
from botcore.control.operations import (
    Act,
    Confirm,
    Idempotency,
    Operation,
    Page,
    Query,
    RouteClass,
)
from botcore.control.schema.accounts import AccountName, PricesAge
from botcore.control.schema.trades import Fill
from botcore.control.schema.values import (
    PAGE_DEFAULT,
    Cursor,
    InstrumentName,
    Limit,
    Money,
    Slug,
    nanoseconds,
)
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderState, OrderType, Side, TimeInForce
from botcore.domain.questions import Headroom

OrderId = Annotated[str, msgspec.Meta(min_length=1, max_length=36, pattern=r"^[.A-Za-z0-9:/_-]+\Z")]
"""Our id of an order, as venues take it."""
_DIGITS: Final = 28
"""How many digits before or behind the point an amount may have."""


class OrderSort(StrEnum):
    """In which order orders are listed."""

    NEWEST = "newest"
    OLDEST = "oldest"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One order.

    Attributes:
        id: ours, unique for ever; the venue knows it too.
        account, strategy: whose.
        instrument, symbol, venue: what is traded, and where.
        side, type, time_in_force: `BUY` or `SELL`; how and how long.
        state: where it stands.
        is_working: whether it may still trade.
        quantity, filled, leaves: base units: asked for, filled, left.
        average_price: of what has filled, in quote units; None before the first fill.
        limit_price, trigger_price, trail: quote units; None where its type has none.
        expires_at: for `GTD`.
        reduce_only: may only bring the position nearer to zero.
        parent: the order whose fill releases it.
        oco_group: orders of one group cancel one another.
        cancel_owed: a cancel was asked for and is not proven yet.
        replace_pending: a change was asked for and is not answered yet.
        venue_order_id: the venue's own id, once it is known.
        reserve: what was locked for it when it was placed.
        arrival_price: the price seen when it was decided.
        reason: why, in words; empty where none is known.
        detail: the last word of venue or engine about it.
        placed_at, updated_at: in the feed's clock.
    """

    id: str
    account: str
    strategy: str
    instrument: str
    symbol: str
    venue: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    state: OrderState
    is_working: bool
    quantity: Decimal
    filled: Decimal
    leaves: Decimal
    average_price: Decimal | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    trail: Decimal | None = None
    expires_at: datetime | None = None
    reduce_only: bool = False
    parent: str | None = None
    oco_group: str = ""
    cancel_owed: bool = False
    replace_pending: bool = False
    venue_order_id: str | None = None
    reserve: Money | None = None
    arrival_price: Decimal | None = None
    reason: str = ""
    detail: str = ""
    placed_at: datetime
    updated_at: datetime


class OrderDetail(Order, frozen=True, kw_only=True):
    """One order with all that became of it.

    Attributes:
        fills: its executions, oldest first.
        children: ids of the orders that hang on it.
    """

    fills: tuple[Fill, ...] = ()
    children: tuple[str, ...] = ()


class Denial(msgspec.Struct, frozen=True, kw_only=True):
    """Why the risk gate says no.

    Attributes:
        code: stable.
        sentence: in words, with the figures.
        value, limit: what was asked for, and what is allowed.
    """

    code: str
    sentence: str
    value: float
    limit: float


class SeenPrice(msgspec.Struct, frozen=True, kw_only=True):
    """A price with its age.

    Attributes:
        price: quote units.
        source: `mark`, `bid`, `ask` or `trade`.
        at: when it was, in the feed's clock; None where that is not known.
        age_s: how old it is, seconds; None where that is not known.
    """

    price: Decimal
    source: str
    at: datetime | None
    age_s: float | None


class PreviewedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order as it would go to the venue.

    Attributes:
        side, type, time_in_force: which way, how, and how long.
        quantity: base units, on the grid.
        limit_price, trigger_price, trail: quote units, on the grid.
        expires_at: for `GTD`.
        reduce_only: it may only bring the position nearer to zero.
    """

    side: Side
    type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    limit_price: Decimal | None
    trigger_price: Decimal | None
    trail: Decimal | None
    expires_at: datetime | None
    reduce_only: bool


class OrderPreview(msgspec.Struct, frozen=True, kw_only=True):
    """What an order would do. Nothing is reserved: a moment later it may be another.

    Attributes:
        effect: one sentence with the figures.
        is_allowed: what the risk gate says now.
        denial: why not; None where it is allowed.
        can_raise: whether it can raise exposure, and must be confirmed therefore.
        account, strategy, instrument: whose, and what.
        mode: what the account may do now.
        order: on the grid, cut to what is allowed; None where that cannot be.
        exits: what would hang on it.
        reference: the price it is measured at; None where none is known.
        expected_price: what it is expected to fill at, quote units.
        notional: quantity at the expected price.
        fee, fee_model: expected, and under which assumption.
        slippage, slippage_bps, slippage_model: expected, as money and in hundredths of a per cent,
            and under which assumption.
        reserve: what it would lock.
        position_before, position_after: of the strategy on the instrument, base units, once it has
            filled.
        position_frac_after: value of that position as a fraction of equity.
        equity, equity_frac: of the account, and the notional as a fraction of it.
        head_room: each limit before the order and with it.
        prices: where prices come from, and whether they are fresh.
    """

    effect: str
    is_allowed: bool
    denial: Denial | None
    can_raise: bool
    account: str
    strategy: str
    instrument: str
    mode: Mode
    order: PreviewedOrder | None
    exits: tuple[PreviewedOrder, ...]
    reference: SeenPrice | None
    expected_price: Decimal | None
    notional: Money | None
    fee: Money | None
    fee_model: str
    slippage: Money | None
    slippage_bps: Decimal | None
    slippage_model: str
    reserve: Money | None
    position_before: Decimal
    position_after: Decimal | None
    position_frac_after: float | None
    equity: Money
    equity_frac: float | None
    head_room: tuple[Headroom, ...]
    prices: PricesAge


class CanceledOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A cancel was asked for: it is owed until the venue proves it.

    Attributes:
        id, account: of the order.
        state: where it stands now.
        filled, leaves: base units: filled, and what may still fill until then.
        cancel_owed: whether the proof is still to come.
    """

    id: str
    account: str
    state: OrderState | None
    filled: Decimal | None
    leaves: Decimal | None
    cancel_owed: bool


class Canceled(msgspec.Struct, frozen=True, kw_only=True):
    """Cancels were asked for: each is owed until the venue proves it.

    Attributes:
        account: whose.
        count: how many orders worked when they were cancelled, all of them.
        orders: ids of the first 500 of them, the oldest first.
        detail: in words.
    """

    account: str
    count: int
    orders: tuple[str, ...]
    detail: str


_PRICES: Final = ("limit_price", "trigger_price", "trail")
_WANTED: Final = {
    OrderType.MARKET: (),
    OrderType.LIMIT: ("limit_price",),
    OrderType.STOP: ("trigger_price",),
    OrderType.STOP_LIMIT: ("limit_price", "trigger_price"),
    OrderType.TRAILING_STOP: ("trail",),
}

_TERMS: Final = """

    Prices and quantity are put on the venue's grid, towards less, never beyond what is asked.

    Attributes:
        account: whose; the first one by default.
        instrument: such as `BTCUSDT.SIM`.
        side: `BUY` or `SELL`.
        type: `MARKET`, `LIMIT`, `STOP`, `STOP_LIMIT` or `TRAILING_STOP`.
        quantity: base units, rounded down to the lot.
        limit_price, trigger_price: quote units; given where the type has them, and only there.
        trail: distance of a trailing stop, quote units.
        time_in_force: `GTC`, `IOC`, `FOK` or `GTD`, which takes `expires_at`.
        expires_at: when it ends, UTC.
        reduce_only: it may only bring the position nearer to zero.
        take_profit, stop_loss: prices of two orders that hang on it and cancel one another.
        trailing: distance of a trailing stop that hangs on it, quote units.
        strategy: on whose position it acts; a person's own by default.
    """


class _OrderTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an order asks for: the same for an order that is placed and one that is tried."""

    account: AccountName = ""
    instrument: InstrumentName
    side: Side
    type: OrderType = OrderType.MARKET
    quantity: Decimal
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    trail: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: datetime | None = None
    reduce_only: bool = False
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    trailing: Decimal | None = None
    strategy: Slug = "manual"

    def __post_init__(self) -> None:
        """Refuse figures that are no amounts, and prices that the type does not have.

        Raises:
            ValueError: with the field and what is wrong with it.
        """
        _refuse_amounts(self, ("quantity", *_PRICES, "take_profit", "stop_loss", "trailing"))
        wanted = _WANTED[self.type]
        for name in _PRICES:
            is_given = getattr(self, name) is not None
            if is_given and name not in wanted:
                raise ValueError(f"a {self.type} order takes no {name}")
            if name in wanted and not is_given:
                raise ValueError(f"a {self.type} order needs a {name}")
        if (self.expires_at is not None) != (self.time_in_force is TimeInForce.GTD):
            raise ValueError("expires_at goes with the time_in_force GTD, and only with it")
        if self.expires_at is not None:
            nanoseconds(self.expires_at)


class PlaceOrder(  # noqa: D101  # its docstring is put together: the terms are said once
    _OrderTerms, Act[Order], frozen=True, kw_only=True, forbid_unknown_fields=True
):
    __doc__ = "Place an order; the risk gate decides, and says why where it says no." + _TERMS


class PreviewOrder(  # noqa: D101  # as `PlaceOrder`
    _OrderTerms, Query[OrderPreview], frozen=True, kw_only=True, forbid_unknown_fields=True
):
    __doc__ = "Show what an order would do, and what the risk gate says; nothing is done." + _TERMS


class ListOrders(Query[Page[Order]], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """List orders.

    Attributes:
        account: whose; the first one by default.
        state: only in one of these states.
        working: only those that may still trade, or only those that ended.
        strategy, instrument, side: only these.
        start, end: only those placed from `start` on and before `end`, UTC.
        sort: `newest` or `oldest` first.
        limit: how many.
        cursor: `next_cursor` of the page before.
    """

    account: AccountName = ""
    state: tuple[OrderState, ...] = ()
    working: bool | None = None
    strategy: Slug | None = None
    instrument: InstrumentName | None = None
    side: Side | None = None
    start: datetime | None = None
    end: datetime | None = None
    sort: OrderSort = OrderSort.NEWEST
    limit: Limit = PAGE_DEFAULT
    cursor: Cursor = ""


class GetOrder(Query[OrderDetail], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Show one order with its executions.

    Attributes:
        id: of the order.
    """

    id: OrderId


class AmendOrder(Act[Order], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Change a working order's quantity or prices; what is left out stays.

    Attributes:
        id: of the order.
        quantity: in all, base units, what has filled included.
        limit_price, trigger_price: quote units.
    """

    id: OrderId
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse a change of nothing, and figures that are no amounts.

        Raises:
            ValueError: with the field and what is wrong with it.
        """
        names = ("quantity", "limit_price", "trigger_price")
        _refuse_amounts(self, names)
        if all(getattr(self, name) is None for name in names):
            raise ValueError("give a quantity, a limit_price or a trigger_price")


class CancelOrder(Act[CanceledOrder], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Take one order back.

    Attributes:
        id: of the order.
    """

    id: OrderId


class CancelOrders(Act[Canceled], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Take every working order back, or those of one strategy, instrument or side.

    Attributes:
        account: whose; the first one by default.
        strategy, instrument, side: only these.
    """

    account: AccountName = ""
    strategy: Slug | None = None
    instrument: InstrumentName | None = None
    side: Side | None = None


def _refuse_amounts(terms: msgspec.Struct, names: tuple[str, ...]) -> None:
    """Refuse what is given and is no amount above zero that 28 digits hold on either side.

    Raises:
        ValueError: with the field and what is wrong with it.
    """
    for name in names:
        amount: Decimal | None = getattr(terms, name)
        if amount is None:
            continue
        if not amount.is_finite() or amount <= 0:
            raise ValueError(f"{name} is {amount:.40}, not a number above 0")
        lowest, highest = int(amount.as_tuple().exponent), amount.adjusted()
        if lowest < -_DIGITS or highest >= _DIGITS:
            raise ValueError(f"{name} has more than {_DIGITS} digits before or behind the point")


_BUY: Final = PlaceOrder(instrument="BTCUSDT.SIM", side=Side.BUY, quantity=Decimal("0.01"))
_RESTING: Final = PlaceOrder(
    instrument="BTCUSDT.SIM",
    side=Side.BUY,
    type=OrderType.LIMIT,
    quantity=Decimal("0.01"),
    limit_price=Decimal(60_000),
    stop_loss=Decimal(58_000),
)
_ONE: Final = "0-1-manual"
_ACTS: Final = ("ENGINE_SILENT", "NOT_ALLOWED", "KEY_SCOPE")

OPERATIONS: Final = (
    Operation(
        name="orders.place",
        request=PlaceOrder,
        method="POST",
        path="/trading/orders",
        aliases=("/api/trades/execute",),
        scope=Scope.TRADE_PAPER,
        command=("orders", "place"),
        confirm=Confirm.IF_RAISING,
        idempotency=Idempotency.REQUIRED,
        route_class=RouteClass.ORDERS,
        status=201,
        problems=("ACCOUNT_UNKNOWN", "ORDER_LIMIT", "INSUFFICIENT_CASH", "MODE_FORBIDS", *_ACTS),
        examples=(_BUY, _RESTING),
    ),
    Operation(
        name="orders.list",
        request=ListOrders,
        method="GET",
        path="/trading/orders",
        scope=Scope.READ_ACCOUNT,
        command=("orders", "list"),
        problems=("ACCOUNT_UNKNOWN", "CURSOR_MALFORMED", "TIME_WITHOUT_ZONE"),
        examples=(ListOrders(working=True), ListOrders(strategy="rsi", sort=OrderSort.OLDEST)),
    ),
    Operation(
        name="orders.preview",
        request=PreviewOrder,
        method="POST",
        path="/trading/orders/preview",
        scope=Scope.READ_ACCOUNT,
        command=("orders", "preview"),
        route_class=RouteClass.ORDERS,
        problems=("ACCOUNT_UNKNOWN", "ENGINE_SILENT"),
        examples=(PreviewOrder(instrument="BTCUSDT.SIM", side=Side.BUY, quantity=Decimal("0.01")),),
    ),
    Operation(
        name="orders.show",
        request=GetOrder,
        method="GET",
        path="/trading/orders/{id}",
        scope=Scope.READ_ACCOUNT,
        command=("orders", "show"),
        positional=("id",),
        problems=("ORDER_UNKNOWN",),
        examples=(GetOrder(id=_ONE),),
    ),
    Operation(
        name="orders.amend",
        request=AmendOrder,
        method="PATCH",
        path="/trading/orders/{id}",
        scope=Scope.TRADE_PAPER,
        command=("orders", "amend"),
        positional=("id",),
        confirm=Confirm.IF_RAISING,
        idempotency=Idempotency.REQUIRED,
        route_class=RouteClass.ORDERS,
        problems=("ORDER_UNKNOWN", "ORDER_NOT_WORKING", "QUANTITY_BELOW_FILLED", *_ACTS),
        examples=(AmendOrder(id=_ONE, limit_price=Decimal(59_500)),),
    ),
    Operation(
        name="orders.cancel",
        request=CancelOrder,
        method="DELETE",
        path="/trading/orders/{id}",
        scope=Scope.TRADE_PAPER,
        command=("orders", "cancel"),
        positional=("id",),
        lowers_risk=True,
        route_class=RouteClass.ORDERS,
        problems=("ORDER_UNKNOWN", "ORDER_NOT_WORKING", *_ACTS),
        examples=(CancelOrder(id=_ONE),),
    ),
    Operation(
        name="orders.cancel-all",
        request=CancelOrders,
        method="DELETE",
        path="/trading/orders",
        scope=Scope.TRADE_PAPER,
        command=("orders", "cancel-all"),
        lowers_risk=True,
        route_class=RouteClass.ORDERS,
        problems=("ACCOUNT_UNKNOWN", *_ACTS),
        examples=(
            CancelOrders(),
            CancelOrders(strategy="rsi"),
            CancelOrders(instrument="BTCUSDT.SIM", side=Side.SELL),
        ),
    ),
)
