"""Orders on the grid: what a strategy asked for in the instrument's ticks and lots."""

from decimal import Decimal

import msgspec

from botcore.domain.decisions import ApprovedOrder
from botcore.domain.ids import Currency
from botcore.domain.instruments import BelowMinimum, Instrument
from botcore.domain.intents import PlaceOrder, ReplaceOrder
from botcore.domain.numbers import ZERO, exact
from botcore.domain.orders import OrderSpec, OrderType, Side, TimeInForce

_LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_TRIGGERED = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})

# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_TRAILING_STOP = OrderType.TRAILING_STOP
_GTD = TimeInForce.GTD


class GridValues(msgspec.Struct, frozen=True, gc=False):
    """What a changed order will carry, on the grid; None means unchanged."""

    quantity: Decimal | None
    limit_price: Decimal | None
    trigger_price: Decimal | None


def on_grid(order: PlaceOrder, instrument: Instrument, ts: int) -> ApprovedOrder | BelowMinimum:
    """Put prices and quantity on the instrument's grid.

    Raises:
        DataError: a number is not finite, negative or rounds to nothing.
        ValueError: the type of the order needs a price that is missing, or has one too many; it
            is good until a date that is missing or past at `ts`.
        TypeError: what should be a number is none.
    """
    kind, limit, trigger, trail = order.type, order.limit_price, order.trigger_price, order.trail
    if (limit is not None) is not (kind in _LIMITED):
        raise ValueError("limit price")
    if (trigger is not None) is not (kind in _TRIGGERED):
        raise ValueError("trigger price")
    if (trail is not None) is not (kind is _TRAILING_STOP):
        raise ValueError("trail")
    expires_at = order.expires_at
    if (expires_at is not None) is not (order.time_in_force is _GTD):
        raise ValueError("expiry")
    if expires_at is not None and expires_at <= ts:
        raise ValueError("expired")
    quantity = instrument.quantity(order.quantity)
    if isinstance(quantity, BelowMinimum):
        return quantity
    side = order.side
    return ApprovedOrder(
        side,
        kind,
        quantity,
        ZERO,
        instrument.quote,
        None if limit is None else instrument.order_price(limit, side),
        None if trigger is None else instrument.order_price(trigger, side),
        None if trail is None else instrument.order_price(trail, Side.SELL),
        order.time_in_force,
        expires_at,
        order.reduce_only,
        order.oco_group,
    )


def changed(
    change: ReplaceOrder, order: OrderSpec, instrument: Instrument
) -> GridValues | BelowMinimum:
    """Put the new values on the grid.

    Raises:
        DataError: a number is not finite, negative or rounds to nothing.
        ValueError: the order has no such price.
    """
    quantity: Decimal | None = None
    if change.quantity is not None:
        floored = instrument.quantity(change.quantity)
        if isinstance(floored, BelowMinimum):
            return floored
        quantity = floored
    if change.limit_price is not None and order.limit_price is None:
        raise ValueError("limit price")
    if change.trigger_price is not None and order.trigger_price is None:
        raise ValueError("trigger price")
    limit, trigger = change.limit_price, change.trigger_price
    return GridValues(
        quantity,
        None if limit is None else instrument.order_price(limit, order.side),
        None if trigger is None else instrument.order_price(trigger, order.side),
    )


def carrying(order: OrderSpec, values: GridValues, currency: Currency) -> ApprovedOrder:
    """Return an order as it would be once it carries new values."""
    return ApprovedOrder(
        order.side,
        order.type,
        order.quantity if values.quantity is None else values.quantity,
        ZERO,
        currency,
        order.limit_price if values.limit_price is None else values.limit_price,
        order.trigger_price if values.trigger_price is None else values.trigger_price,
        reduce_only=order.reduce_only,
    )


def children(
    order: PlaceOrder, instrument: Instrument, parent: ApprovedOrder, price: Decimal
) -> tuple[ApprovedOrder, ...]:
    """Return the protection that hangs on an order: held, reduce-only, one cancels the other.

    Args:
        order: as it was asked for.
        instrument: the rules in force.
        parent: as it was approved.
        price: at which it is expected to fill.

    Raises:
        DataError: a price is not finite, or not above zero.
        ValueError: there is nothing to protect, or an exit would fill at once.
    """
    if parent.reduce_only or parent.side is Side.SELL:  # on spot every sell is an exit
        raise ValueError("an exit needs no protection")
    stop, profit, sign = order.stop_loss, order.take_profit, parent.side.sign
    if stop is not None and sign * (exact(stop, what="a stop loss") - price) >= 0:
        raise ValueError("stop loss")
    if profit is not None and sign * (exact(profit, what="a take profit") - price) <= 0:
        raise ValueError("take profit")
    exit_side = parent.side.opposite
    exits = []
    for kind, wanted in (
        (OrderType.STOP, order.stop_loss),
        (_TRAILING_STOP, order.trailing),
        (OrderType.LIMIT, order.take_profit),
    ):
        if wanted is None:
            continue
        snapped = instrument.order_price(wanted, exit_side)
        exits.append(
            ApprovedOrder(
                exit_side,
                kind,
                parent.quantity,
                ZERO,
                instrument.base,
                limit_price=snapped if kind is OrderType.LIMIT else None,
                trigger_price=snapped if kind is OrderType.STOP else None,
                trail=snapped if kind is _TRAILING_STOP else None,
                reduce_only=True,
                oco_group="@parent",
                held=True,
            )
        )
    return tuple(exits)


def with_quantity(order: ApprovedOrder, quantity: Decimal) -> ApprovedOrder:
    """Return the order with another quantity."""
    return _rebuilt(order, quantity, order.reserve, order.reserve_currency)


def with_reserve(order: ApprovedOrder, reserve: Decimal, currency: Currency) -> ApprovedOrder:
    """Return the order with what it reserves."""
    return _rebuilt(order, order.quantity, reserve, currency)


def _rebuilt(
    order: ApprovedOrder, quantity: Decimal, reserve: Decimal, currency: Currency
) -> ApprovedOrder:
    return ApprovedOrder(
        order.side,
        order.type,
        quantity,
        reserve,
        currency,
        order.limit_price,
        order.trigger_price,
        order.trail,
        order.time_in_force,
        order.expires_at,
        order.reduce_only,
        order.oco_group,
        order.held,
    )
