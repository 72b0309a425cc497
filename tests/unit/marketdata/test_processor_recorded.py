"""Recorded markets through the door: nothing of them is refused, and what was odd is found."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from decimal import Decimal
from math import exp
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.builders import an_instrument
from tests.unit.marketdata.ticks import a_minute, a_processor

from botcore.domain.ids import MINUTE_NS, InstrumentId, Nanos, parse_instrument_id
from botcore.domain.instruments import InstrumentBook
from botcore.domain.market import BookDelta, Quote, Trade
from botcore.marketdata.anomalies import AnomalyKind
from botcore.marketdata.processor import Processed
from botcore.marketdata.quarantine import MarketDatum
from botcore.marketdata.staleness import Health

MS = 1_000_000


def _levels(rows: list[list[str]]) -> tuple[tuple[float, float], ...]:
    return tuple((float(price), float(quantity)) for price, quantity in rows)


def _ticks(path: Path, name: InstrumentId) -> Iterator[tuple[MarketDatum, int, int]]:
    """The lines of a recorded stream as data, instant of receipt and the venue's id."""
    with gzip.open(path, "rt") as lines:
        for line in lines:
            received, _, text = line.partition(" ")
            local = int(received)
            frame: dict[str, Any] = json.loads(text)
            data = frame.get("data", {})
            match frame.get("stream", "").partition("@")[2].partition("@")[0]:
                case "trade":
                    ts = Nanos(data["T"] * MS)
                    price, quantity = float(data["p"]), float(data["q"])
                    yield Trade(name, ts, price, quantity, not data["m"]), local, data["t"]
                case "bookTicker":
                    ts = Nanos(data["T"] * MS if "T" in data else local)
                    values = (float(data[key]) for key in ("b", "a", "B", "A"))
                    yield Quote(name, ts, *values), local, data["u"]
                case "depth":
                    ids = data["U"], data["u"]
                    bids, asks = _levels(data["b"]), _levels(data["a"])
                    delta = BookDelta(name, Nanos(data["E"] * MS), *ids, bids, asks)
                    yield delta, local, data["u"]
                case _:
                    pass  # the snapshot of the REST route names no stream


@pytest.mark.parametrize(
    ("market", "suffix", "tick"),
    [("spot", "", "0.01"), pytest.param("usdm", "-PERP", "0.1", marks=pytest.mark.slow)],
)
def test_of_the_recorded_streams_nothing_is_refused(
    market_data_dir: Path, market: str, suffix: str, tick: str
) -> None:
    name = InstrumentId(f"BTCUSDT{suffix}.BINANCE")
    rules = an_instrument(id=name, tick=Decimal(tick), kind=parse_instrument_id(name)[1])
    processor = a_processor(symbols=[name], instruments=InstrumentBook([rules]))
    path = market_data_dir / "l2-hftbacktest" / market / "btcusdt_20240808.gz"
    last = count = 0

    for datum, last, event_id in _ticks(path, name):
        judged = processor.process_data(datum, ts_init=last, event_id=event_id)
        assert isinstance(judged, Processed), judged
        count += 1

    assert count > 41_000
    assert processor.quarantine.total == 0
    assert processor.health(name, now_ns=last).health is Health.LIVE
    # E72: its README says that the local clock runs 1.27 s behind the exchange's.
    assert processor.clock_offset_ns("BINANCE") == pytest.approx(-1.27e9, abs=5e6)
    assert processor.finding_counts == {(name, AnomalyKind.CLOCK_SKEW): 1}


def test_the_crash_of_may_2021_is_flagged_and_nothing_of_it_refused(market_data_dir: Path) -> None:
    name = InstrumentId("DOGEUSDT.BINANCE")
    processor = a_processor(symbols=[name])
    rows = _rows(market_data_dir, "DOGE")
    flagged: dict[int, float] = {}

    for stamp, opened, high, low, close, volume in rows:
        ts_close = stamp * MS + MINUTE_NS
        prices = {"open": opened, "high": high, "low": low, "volume": volume}
        bar = a_minute(close, ts_close=ts_close, instrument=name, **prices)
        judged = processor.process_data(bar, ts_init=ts_close)
        assert isinstance(judged, Processed), judged
        for finding in judged.findings:
            assert finding.kind is AnomalyKind.RETURN_OUTLIER
            flagged[stamp] = finding.value

    assert processor.quarantine.total == 0
    returns = _returns(rows)
    largest = max(returns, key=lambda stamp: abs(returns[stamp]))
    assert exp(returns[largest]) - 1 == pytest.approx(0.1838, abs=1e-4)
    assert flagged[largest] == pytest.approx(returns[largest])
    assert len(flagged) < len(rows) // 200


def _rows(market_data_dir: Path, base: str) -> list[list[Any]]:
    path = market_data_dir / "crash-2021-05" / f"{base}_USDT-1m.json.gz"
    rows: list[list[Any]] = json.loads(gzip.decompress(path.read_bytes()))
    return rows


def _returns(rows: list[list[Any]]) -> dict[int, float]:
    """Log returns from close to close by the open stamp of the later one, by NumPy."""
    returns = np.diff(np.log([row[4] for row in rows]))
    return dict(zip((row[0] for row in rows[1:]), returns.tolist(), strict=True))
