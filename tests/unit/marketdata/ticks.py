"""Builders of one symbol's ticks around a fixed instant, for the tests of the processor."""

from __future__ import annotations

from typing import Any

from botcore.domain.ids import MINUTE_NS, SECOND_NS, InstrumentId, Nanos
from botcore.domain.market import Bar, BarSpec, BookDelta, BookSnapshot, Quote, Trade
from botcore.kernel import ManualClock
from botcore.marketdata.processor import MarketDataProcessor

BTC = InstrumentId("BTCUSDT.BINANCE")
ETH = InstrumentId("ETHUSDT.BINANCE")
NOW = 1_700_000_040 * SECOND_NS
"""2023-11-14T22:14:00Z, a whole minute."""


def a_processor(**arguments: Any) -> MarketDataProcessor:
    """One whose clock stands at `NOW` and that takes BTC and ETH, unless told otherwise."""
    symbols = arguments.pop("symbols", (BTC, ETH))
    processor = MarketDataProcessor(**({"clock": ManualClock(NOW)} | arguments))
    processor.subscribe(symbols)
    return processor


def a_trade(price: float = 100.0, *, ts: int = NOW, **fields: Any) -> Trade:
    return Trade(fields.get("instrument", BTC), Nanos(ts), price, fields.get("quantity", 1.0))


def a_quote(bid: float = 100.0, ask: float = 100.5, *, ts: int = NOW, **fields: Any) -> Quote:
    sizes = fields.get("bid_quantity", 1.0), fields.get("ask_quantity", 2.0)
    return Quote(fields.get("instrument", BTC), Nanos(ts), bid, ask, *sizes)


def a_minute(close: float = 100.0, *, ts_close: int = NOW, **fields: Any) -> Bar:
    """A flat one-minute bar at `close`, unless told otherwise."""
    values: dict[str, Any] = {
        "instrument": BTC,
        "spec": BarSpec(MINUTE_NS),
        "ts_open": ts_close - MINUTE_NS,
        "ts_close": ts_close,
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "volume": 1.0,
    }
    return Bar(**(values | fields))


def a_snapshot(*, ts: int = NOW, **fields: Any) -> BookSnapshot:
    values: dict[str, Any] = {
        "instrument": BTC,
        "ts_event": Nanos(ts),
        "last_id": 10,
        "bids": ((99.5, 1.0), (99.0, 2.0)),
        "asks": ((100.5, 1.0), (101.0, 2.0)),
    }
    return BookSnapshot(**(values | fields))


def a_delta(first_id: int = 11, last_id: int = 12, *, ts: int = NOW, **fields: Any) -> BookDelta:
    values: dict[str, Any] = {"bids": ((99.5, 0.0),), "asks": ((100.5, 3.0),)}
    return BookDelta(BTC, Nanos(ts), first_id, last_id, **(values | fields))
