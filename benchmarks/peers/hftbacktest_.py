"""hftbacktest over the same lines: its own converter, then its compiled replay with a maker in it.

Two stages are timed: ``convert`` (its Python: JSON to rows of 64 bytes, stamps corrected, order
checked) and ``replay`` (its Rust engine, driven by a numba-compiled strategy; the compilation is
not timed). It converts once and may replay often; a fresh run over raw lines pays for both.

What it does of a line differs from ours. It drops book tickers after reading them (72 % of the
lines), checks no sequence numbers, and books money in floats. Orders fill in whole only:
`partial_fill_exchange` (2.4.4) ends this task's replay after some seconds with its error 14.

Its converter reads the futures' layout. The spot lines lack fields that it asks for (``e`` and
``T`` of a ticker, ``T`` of a depth event, ``X`` of a trade): they are added beforehand, untimed.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
from hftbacktest import GTC, LIMIT, BacktestAsset, HashMapMarketDepthBacktest
from hftbacktest.data.utils import binancefutures
from numba import njit

from contestant import Time, timed
from l2_lines import RECORDINGS, REQUOTE_NS, STAMP_DIGITS, Recording, report

ROWS = 2_000_000
FEE = 0.001
NS_PER_MS = 1_000_000


@njit
def keep_quoting(backtest, quantity):
    orders = 0
    while backtest.elapse(REQUOTE_NS) == 0:
        backtest.clear_inactive_orders(0)
        working = backtest.orders(0).values()
        while working.has_next():
            order = working.get()
            if order.cancellable:
                backtest.cancel(0, order.order_id, False)
        depth = backtest.depth(0)
        if depth.best_bid_tick < depth.best_ask_tick:
            backtest.submit_buy_order(0, orders, depth.best_bid, quantity, GTC, LIMIT, False)
            backtest.submit_sell_order(0, orders + 1, depth.best_ask, quantity, GTC, LIMIT, False)
            orders += 2
    return orders


def futures_layout(line: bytes, event_ms: int) -> tuple[bytes, int]:
    """Return a line with the fields that the converter asks for, and the venue's stamp so far."""
    stamp, message = line[:STAMP_DIGITS], json.loads(line[STAMP_DIGITS + 1 :])
    data = message.get("data", message)
    event_ms = data.get("T") or data.get("E") or event_ms
    data.setdefault("e", "bookTicker")
    data.setdefault("T", event_ms)
    data.setdefault("X", "MARKET")
    return stamp + b" " + json.dumps(message).encode() + b"\n", event_ms


def prepared(recording: Recording, folder: Path) -> Path:
    """Write the lines of a recording as one file that the converter reads."""
    lines = recording.lines()
    path = folder / (recording.name.replace("/", "-") + ".gz")
    first = next(json.loads(line[STAMP_DIGITS + 1 :]) for line in lines if b"depthUpdate" in line)
    event_ms = first["data"]["E"]
    with gzip.open(path, "wb", compresslevel=1) as file:
        for line in lines:
            written, event_ms = futures_layout(line, event_ms)
            file.write(written)
    return path


def converted(path: Path) -> np.ndarray:
    with contextlib.redirect_stdout(io.StringIO()):
        return binancefutures.convert(str(path), buffer_size=ROWS)


def backtest_of(rows: np.ndarray, recording: Recording) -> HashMapMarketDepthBacktest:
    asset = (
        BacktestAsset()
        .data([rows])
        .linear_asset(1.0)
        .constant_order_latency(0, 0)
        .risk_adverse_queue_model()
        .no_partial_fill_exchange()
        .trading_value_fee_model(FEE, FEE)
        .tick_size(float(recording.tick))
        .lot_size(float(recording.lot))
    )
    return HashMapMarketDepthBacktest([asset])


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        paths = [prepared(recording, Path(folder)) for recording in RECORDINGS]
        convert, tapes = timed(lambda: [converted(path) for path in paths])
    pairs = list(zip(tapes, RECORDINGS, strict=True))
    warm = backtest_of(tapes[0], RECORDINGS[0])
    keep_quoting(warm, float(RECORDINGS[0].quantity))
    warm.close()
    backtests = [backtest_of(rows, recording) for rows, recording in pairs]

    def replayed() -> list[int]:
        return [
            keep_quoting(backtest, float(recording.quantity))
            for backtest, (_, recording) in zip(backtests, pairs, strict=True)
        ]

    replay, orders = timed(replayed)
    report(
        name="hftbacktest",
        version=version("hftbacktest"),
        times={
            "convert": convert,
            "replay": replay,
            "both": Time(convert.wall + replay.wall, convert.processor + replay.processor),
        },
        orders=sum(orders),
        trades=sum(int(backtest.state_values(0).num_trades) for backtest in backtests),
        notes="no latency, risk-averse queue, whole fills, 0.1 % fee; book tickers dropped",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
