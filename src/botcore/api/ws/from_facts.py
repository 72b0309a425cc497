"""Facts of the engine as messages: orders and executions at the instant they are told.

The fold of orders is the store's own (`storage/projector.py`): what REST reads a moment later is
the same, to the last digit: decimals are written as the store gives them back.
"""

from decimal import Decimal
from typing import Final

import msgspec

from botcore.control.handlers.market import middle
from botcore.control.handlers.plainly import plainly
from botcore.control.schema.streams import OrderUpdate, PriceUpdate, TradeUpdate
from botcore.control.schema.values import Money, instant
from botcore.domain.events import MarketDataUpdate, OrderFilled, OrderPlaced, OrderUpdated
from botcore.domain.market import Quote

_ZERO: Final = Decimal(0)


def placed(fact: OrderPlaced) -> OrderUpdate:
    """Return a new order."""
    order = fact.order
    return _standing(
        OrderUpdate(
            id=order.client_order_id,
            account=fact.account,
            strategy=order.strategy,
            instrument=order.instrument,
            side=order.side,
            type=order.type,
            time_in_force=order.time_in_force,
            state=fact.state,
            is_working=True,
            quantity=order.quantity,
            filled=_ZERO,
            leaves=order.quantity,
            limit_price=order.limit_price,
            trigger_price=order.trigger_price,
            trail=order.trail,
            reduce_only=order.reduce_only,
            placed_at=instant(fact.ts),
            updated_at=instant(fact.ts),
        )
    )


def updated(order: OrderUpdate, fact: OrderUpdated) -> OrderUpdate:
    """Return an order after it changed without a fill."""
    return _standing(
        msgspec.structs.replace(
            order,
            state=fact.state,
            quantity=order.quantity if fact.quantity is None else fact.quantity,
            limit_price=order.limit_price if fact.limit_price is None else fact.limit_price,
            trigger_price=order.trigger_price if fact.trigger_price is None else fact.trigger_price,
            cancel_owed=fact.cancel_owed,
            replace_pending=fact.replace_pending,
            venue_order_id=fact.venue_order_id or order.venue_order_id,
            detail=fact.detail,
            updated_at=instant(fact.ts),
        )
    )


def filled(order: OrderUpdate, fact: OrderFilled) -> OrderUpdate:
    """Return an order after a fill."""
    return _standing(
        msgspec.structs.replace(
            order,
            state=fact.state,
            filled=fact.filled,
            venue_order_id=fact.venue_order_id or order.venue_order_id,
            updated_at=instant(fact.fill.ts_event),
        )
    )


def executed(fact: OrderFilled) -> TradeUpdate:
    """Return the execution that filled an order."""
    fill = fact.fill
    return plainly(
        TradeUpdate(
            trade_id=fill.trade_id,
            price=fill.price,
            order_id=fact.client_order_id,
            account=fact.account,
            strategy=fact.strategy,
            instrument=fact.instrument,
            side=fact.side,
            quantity=fill.quantity,
            fee=Money(fill.fee, fill.fee_currency),
            time=instant(fill.ts_event),
        )
    )


def priced(fact: MarketDataUpdate) -> PriceUpdate:
    """Return the close of a bar; its digits are those of the shortest float."""
    return PriceUpdate(
        symbol=fact.instrument,
        price=plainly(Decimal(repr(fact.price))),
        timestamp=instant(fact.ts),
    )


def quoted(quote: Quote) -> PriceUpdate:
    """Return the price of a quote, which is the middle of its two."""
    return PriceUpdate(
        symbol=quote.instrument, price=middle(quote), timestamp=instant(quote.ts_event)
    )


def _standing(order: OrderUpdate) -> OrderUpdate:
    """Return an order with what follows from its state."""
    ended = order.state.is_terminal
    standing = msgspec.structs.replace(
        order,
        is_working=not ended,
        leaves=_ZERO if ended else max(_ZERO, order.quantity - order.filled),
        cancel_owed=order.cancel_owed and not ended,
        replace_pending=order.replace_pending and not ended,
    )
    return plainly(standing)
