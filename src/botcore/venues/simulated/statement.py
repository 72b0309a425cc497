"""The venue's statement of an account: its working orders and its fills, in whole numbers."""

import msgspec

from botcore.domain.ids import (
    AccountId,
    ClientOrderId,
    Currency,
    InstrumentId,
    Nanos,
    StrategyId,
    TradeId,
    VenueOrderId,
)
from botcore.domain.orders import Liquidity, OrderType, Side
from botcore.domain.reports import VenueReport
from botcore.venues.simulated.scales import quanta
from botcore.venues.simulated.truth import Truth
from botcore.venues.simulated.working import Order


class OpenOrder(msgspec.Struct, frozen=True, gc=False):
    """A working order as the venue holds it: prices in ticks (0 is none), quantities in lots.

    `locked` is what it would lock alone, in quanta; a group locks only its largest.
    """

    client_order_id: ClientOrderId
    venue_order_id: VenueOrderId
    strategy: StrategyId
    instrument: InstrumentId
    side: Side
    type: OrderType
    quantity: int
    filled: int
    limit_price: int
    trigger_price: int
    locked: int


class VenueTrade(msgspec.Struct, frozen=True, gc=False):
    """One fill as the venue booked it: ticks, lots, and quanta of 1e-8."""

    trade_id: TradeId
    client_order_id: ClientOrderId
    strategy: StrategyId
    instrument: InstrumentId
    side: Side
    price: int
    quantity: int
    quote_amount: int
    fee: int
    fee_currency: Currency
    liquidity: Liquidity
    ts_event: Nanos
    flags: tuple[str, ...]


def open_orders(truth: Truth, account: AccountId) -> tuple[OpenOrder, ...]:
    """Return an account's working orders, oldest first."""
    return tuple(
        OpenOrder(
            client_order_id=order.spec.client_order_id,
            venue_order_id=order.venue_order_id,
            strategy=order.spec.strategy,
            instrument=order.spec.instrument,
            side=order.spec.side,
            type=order.spec.type,
            quantity=order.filled + order.leaves,
            filled=order.filled,
            limit_price=order.limit,
            trigger_price=order.trigger,
            locked=order.locked,
        )
        for order in truth.numbered
        if order.is_working and order.spec.account == account
    )


def trades(truth: Truth, account: AccountId) -> tuple[VenueTrade, ...]:
    """Return an account's fills, oldest first."""
    found = [
        _trade(truth, order, report)
        for order in truth.numbered
        if order.spec.account == account
        for report in order.fills
    ]
    return tuple(sorted(found, key=lambda trade: int(trade.trade_id[1:])))


def _trade(truth: Truth, order: Order, report: VenueReport) -> VenueTrade:
    fill, spec = report.fill, order.spec
    assert fill is not None
    scale = truth.scale(spec.instrument, fill.ts_event)
    return VenueTrade(
        trade_id=fill.trade_id,
        client_order_id=spec.client_order_id,
        strategy=spec.strategy,
        instrument=spec.instrument,
        side=spec.side,
        price=scale.ticks_of(fill.price) or 0,
        quantity=scale.lots_of(fill.quantity) or 0,
        quote_amount=quanta(fill.quote_amount),
        fee=quanta(fill.fee),
        fee_currency=fill.fee_currency,
        liquidity=fill.liquidity,
        ts_event=fill.ts_event,
        flags=report.flags,
    )
