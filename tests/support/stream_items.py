"""Messages of channels for tests, short to write."""

from datetime import UTC, datetime
from decimal import Decimal

from botcore.control.schema.streams import OrderUpdate, PriceUpdate, TradeUpdate
from botcore.control.schema.values import Money
from botcore.domain.orders import OrderState, OrderType, Side, TimeInForce

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def an_order(
    name: str,
    *,
    instrument: str = "BTCUSDT.SIM",
    filled: str = "0",
    state: OrderState = OrderState.ACCEPTED,
) -> OrderUpdate:
    return OrderUpdate(
        id=name,
        account="paper",
        strategy="ema",
        instrument=instrument,
        side=Side.BUY,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        state=state,
        is_working=not state.is_terminal,
        quantity=Decimal(100),
        filled=Decimal(filled),
        leaves=100 - Decimal(filled),
        placed_at=NOON,
        updated_at=NOON,
    )


def a_trade(name: str, *, instrument: str = "BTCUSDT.SIM", price: str = "100") -> TradeUpdate:
    return TradeUpdate(
        trade_id=name,
        price=Decimal(price),
        order_id="o",
        account="paper",
        strategy="ema",
        instrument=instrument,
        side=Side.BUY,
        quantity=Decimal(1),
        fee=Money(Decimal("0.1"), "USDT"),
        time=NOON,
    )


def a_price(symbol: str, price: str) -> PriceUpdate:
    return PriceUpdate(symbol=symbol, price=Decimal(price), timestamp=NOON)
