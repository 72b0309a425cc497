"""Orders in memory as plain values, and back: exact, canonical, the same in every process."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from botcore.domain.errors import InvariantBroken
from botcore.domain.events import OrderPlaced
from botcore.domain.ids import ClientOrderId, Currency, Nanos, TradeId, VenueOrderId
from botcore.domain.intents import NO_REASON
from botcore.domain.orders import OrderSpec, OrderState
from botcore.execution.index import OrderIndex
from botcore.execution.order import Order


class _OrderRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One order; what follows from these (locked, terminal) is not kept."""

    spec: OrderSpec
    state: OrderState
    quantity: Decimal
    limit_price: Decimal | None
    trigger_price: Decimal | None
    filled: Decimal
    reserve: Decimal
    reserve_currency: Currency
    venue_order_id: VenueOrderId | None
    cancel_owed: bool
    cancel_attempts: int
    replace_pending: bool
    fills: tuple[tuple[TradeId, Decimal, Decimal], ...]
    cumulative_seen: tuple[Decimal, ...]
    children: tuple[ClientOrderId, ...]
    sent_at: int
    fees: tuple[tuple[Currency, Decimal], ...] = ()


class ExecutionState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that order management remembers.

    Attributes:
        orders: oldest first.
        terminal: the terminal ones, in the order in which they ended.
    """

    epoch: int
    intents: int
    orders: tuple[_OrderRecord, ...]
    terminal: tuple[ClientOrderId, ...]


def write_state(index: OrderIndex, *, epoch: int, intents: int) -> dict[str, Any]:
    """Return the state as JSON values; decimals are strings that keep every digit."""
    state = ExecutionState(
        epoch=epoch,
        intents=intents,
        orders=tuple(_record(order) for order in index),
        terminal=index.terminal(),
    )
    return msgspec.to_builtins(state)  # type: ignore[no-any-return]  # a struct becomes a dict


def read_state(state: Mapping[str, Any], index: OrderIndex) -> ExecutionState:
    """Make `index` hold what `state` describes, and return it.

    Raises:
        InvariantBroken: ``EXECUTION_STATE_MALFORMED``; nothing was changed.
    """
    try:
        read = msgspec.convert(dict(state), ExecutionState)
    except msgspec.ValidationError as error:
        raise InvariantBroken(
            code="EXECUTION_STATE_MALFORMED",
            cause=f"the orders of a snapshot cannot be read: {error}",
            fix="restore an older snapshot, or fold the journal from its beginning",
        ) from error
    index.adopt([_order(record) for record in read.orders], read.terminal)
    return read


def _record(order: Order) -> _OrderRecord:
    return _OrderRecord(
        spec=order.spec,
        state=order.state,
        quantity=order.quantity,
        limit_price=order.limit_price,
        trigger_price=order.trigger_price,
        filled=order.filled,
        reserve=order.reserve,
        reserve_currency=order.reserve_currency,
        venue_order_id=order.venue_order_id,
        cancel_owed=order.cancel_owed,
        cancel_attempts=order.cancel_attempts,
        replace_pending=order.replace_pending,
        fills=tuple((trade, *figures) for trade, figures in sorted(order.fills.items())),
        cumulative_seen=tuple(sorted(order.cumulative_seen)),
        children=order.children,
        sent_at=order.sent_at,
        fees=tuple(sorted(order.fees.items())),
    )


def _order(record: _OrderRecord) -> Order:
    placed = OrderPlaced(
        record.spec.account,
        record.spec,
        record.state,
        record.reserve,
        record.reserve_currency,
        0.0,
        Nanos(0),
        NO_REASON,
        "",
    )
    order = Order.of(placed)
    order.quantity = record.quantity
    order.limit_price = record.limit_price
    order.trigger_price = record.trigger_price
    order.filled = record.filled
    order.venue_order_id = record.venue_order_id
    order.cancel_owed = record.cancel_owed
    order.cancel_attempts = record.cancel_attempts
    order.replace_pending = record.replace_pending
    order.fills = {trade: (price, quantity) for trade, price, quantity in record.fills}
    order.cumulative_seen = dict.fromkeys(record.cumulative_seen)
    order.cumulative_highest = max(record.cumulative_seen, default=order.cumulative_highest)
    order.children = record.children
    order.sent_at = record.sent_at
    order.fees = dict(record.fees)
    order.settle()
    return order
