"""The lake answers SQL under the name and with the columns that were asked for."""

from pathlib import Path

import duckdb
import numpy as np
import pytest

from botcore.domain.ids import MINUTE_NS, InstrumentId
from botcore.marketdata.candles import FIELDS, Candles
from botcore.storage.lake import Lake, market_data_view

START = 1_640_995_200_000_000_000
"""2022-01-01T00:00:00Z."""


def candles(name: str, *, step_ns: int = MINUTE_NS, price: float = 100.0) -> Candles:
    stamps = START + np.arange(3, dtype=np.int64) * step_ns
    columns = {field: np.full(3, price) for field in FIELDS}
    return Candles(InstrumentId(name), step_ns, stamps, columns)


@pytest.mark.requirement("TABLE market_data")
def test_market_data_is_one_table_over_every_series(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "o'hara")  # a quote in a folder's name is no end of a string
    lake.write(candles("BTCUSDT.BINANCE"))
    lake.write(candles("ETHUSDT-PERP.BYBIT", step_ns=5 * MINUTE_NS, price=7.5))

    with duckdb.connect() as connection:
        connection.execute(market_data_view(lake))
        names = [row[0] for row in connection.execute("DESCRIBE market_data").fetchall()]
        found = connection.execute(
            "SELECT symbol, exchange, count(*), max(high), min(epoch_ns(time)), max(step_ns)"
            " FROM market_data GROUP BY ALL ORDER BY symbol"
        ).fetchall()

    wanted = ["time", "symbol", "exchange", "open", "high", "low", "close", "volume"]
    assert names == [*wanted, "step_ns"]
    assert found == [
        ("BTCUSDT", "BINANCE", 3, 100.0, START, MINUTE_NS),
        ("ETHUSDT-PERP", "BYBIT", 3, 7.5, START, 5 * MINUTE_NS),
    ]


def test_an_empty_lake_is_an_empty_table(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(market_data_view(Lake(tmp_path)))
        count = connection.execute("SELECT count(*) FROM market_data").fetchone()

    assert count == (0,)
