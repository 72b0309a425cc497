"""Builders of what trading is made of, valid with plain defaults: name only what a test is about.

The default instrument ticks in 0.01, trades in lots of 0.001 and takes orders worth 10 or more.
"""

from decimal import Decimal
from typing import Any

import msgspec

from botcore.domain.decisions import Approved, ApprovedOrder
from botcore.domain.ids import (
    MINUTE_NS,
    AccountId,
    ClientOrderId,
    Currency,
    InstrumentId,
    Nanos,
    StrategyId,
    TradeId,
)
from botcore.domain.instruments import Instrument
from botcore.domain.intents import NO_REASON, PlaceOrder
from botcore.domain.keys import Key
from botcore.domain.market import Bar, BarSpec
from botcore.domain.orders import Liquidity, OrderSpec, OrderType, Side
from botcore.domain.reports import Fill, ReportKind, VenueReport

MAIN = AccountId("main")
EMA = StrategyId("ema")
BTCUSDT = InstrumentId("BTCUSDT.SIM")
BTC, USDT = Currency("BTC"), Currency("USDT")
SEAL = object()
"""What risk and execution share in a test."""


def a_key(ts: int = 0, *, seq: int = 0) -> Key:
    """The key of an input at an instant."""
    return Key(ts, 0, 0, seq)


def an_instrument(**rules: Any) -> Instrument:
    """BTCUSDT.SIM: tick 0.01, lot 0.001, at least 0.001 and worth 10."""
    defaults: dict[str, Any] = {
        "id": BTCUSDT,
        "base": BTC,
        "quote": USDT,
        "settle": USDT,
        "tick": Decimal("0.01"),
        "lot": Decimal("0.001"),
        "min_quantity": Decimal("0.001"),
        "min_notional": Decimal(10),
    }
    return Instrument(**(defaults | rules))


def a_bar(*, close: float = 100.0, ts_close: int = MINUTE_NS, **fields: Any) -> Bar:
    """A flat one-minute bar at `close`, unless told otherwise."""
    defaults: dict[str, Any] = {
        "instrument": BTCUSDT,
        "spec": BarSpec(MINUTE_NS),
        "ts_open": ts_close - MINUTE_NS,
        "ts_close": ts_close,
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "volume": 1_000.0,
    }
    return Bar(**(defaults | fields))


def an_intent(**fields: Any) -> PlaceOrder:
    """A wish to buy 1 at the market."""
    defaults: dict[str, Any] = {
        "account": MAIN,
        "strategy": EMA,
        "instrument": BTCUSDT,
        "side": Side.BUY,
        "type": OrderType.MARKET,
        "quantity": Decimal(1),
    }
    return PlaceOrder(**(defaults | fields))


def an_order(quantity: str = "10", **fields: Any) -> OrderSpec:
    """A limit order to buy at 100, as it goes to a venue."""
    defaults: dict[str, Any] = {
        "client_order_id": ClientOrderId("BC-1-0-1-1"),
        "account": MAIN,
        "strategy": EMA,
        "instrument": BTCUSDT,
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "quantity": Decimal(quantity),
        "limit_price": Decimal(100),
    }
    return OrderSpec(**(defaults | fields))


def an_approved_order(quantity: str = "10", **fields: Any) -> ApprovedOrder:
    """A limit order to buy at 100 that reserves its notional, as risk allows it."""
    defaults: dict[str, Any] = {
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "quantity": Decimal(quantity),
        "reserve": Decimal(quantity) * 100,
        "reserve_currency": USDT,
        "limit_price": Decimal(100),
    }
    return ApprovedOrder(**(defaults | fields))


def an_exit(quantity: str = "10", **fields: Any) -> ApprovedOrder:
    """A held sell stop at 95 that hangs on an entry."""
    defaults: dict[str, Any] = {
        "side": Side.SELL,
        "type": OrderType.STOP,
        "reserve": Decimal(0),
        "reserve_currency": BTC,
        "limit_price": None,
        "trigger_price": Decimal(95),
        "reduce_only": True,
        "oco_group": "@parent",
        "held": True,
    }
    return an_approved_order(quantity, **(defaults | fields))


def an_approved(*orders: ApprovedOrder, seal: object = SEAL, **fields: Any) -> Approved:
    """A sealed approval of these orders, or of one to buy 10 at 100."""
    approved = Approved(
        account=MAIN,
        strategy=EMA,
        instrument=BTCUSDT,
        orders=orders or (an_approved_order(),),
        decision_price=100.0,
        reason=NO_REASON,
        config="test",
        seal=seal,
    )
    return msgspec.structs.replace(approved, **fields)


def a_fill(trade: str = "t1", quantity: str = "1", price: str = "100", **fields: Any) -> Fill:
    """A fill without a fee."""
    figures = Decimal(quantity), Decimal(price)
    defaults: dict[str, Any] = {
        "trade_id": TradeId(trade),
        "price": figures[1],
        "quantity": figures[0],
        "quote_amount": figures[0] * figures[1],
        "fee": Decimal(0),
        "fee_currency": USDT,
        "liquidity": Liquidity.TAKER,
        "ts_event": Nanos(0),
    }
    return Fill(**(defaults | fields))


def a_report(kind: ReportKind, order: str = "BC-1-0-1-1", **fields: Any) -> VenueReport:
    """A report about an order of BTCUSDT.SIM."""
    defaults: dict[str, Any] = {
        "kind": kind,
        "account": MAIN,
        "instrument": BTCUSDT,
        "client_order_id": ClientOrderId(order),
        "ts_event": Nanos(0),
    }
    return VenueReport(**(defaults | fields))
