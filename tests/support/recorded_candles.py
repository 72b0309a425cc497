"""Recorded candles read by hand, so that tests do not lean on the importer they are about."""

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from botcore.domain.ids import MINUTE_NS, InstrumentId
from botcore.marketdata.candles import FIELDS, Candles

MILLISECOND_NS = 1_000_000


def candles_of(
    instrument: str, rows: Sequence[Sequence[float]], step_ns: int = MINUTE_NS
) -> Candles:
    """Return candles of rows: stamp in milliseconds, open, high, low, close, volume."""
    stamps = np.array([int(row[0]) for row in rows], dtype=np.int64) * MILLISECOND_NS
    table = np.array([[float(x) for x in row[1:6]] for row in rows])
    columns = {name: table[:, at].copy() for at, name in enumerate(FIELDS)}
    return Candles(InstrumentId(instrument), step_ns, stamps, columns)


def spot_days(data: Path, symbol: str, first: str, days: int) -> Candles:
    """Return Binance's daily archives of 1-minute candles, from the day `first` on."""
    rows: list[list[float]] = []
    for day in _days(first, days):
        path = data / "binance-spot-1m" / f"{symbol}-1m-{day}.zip"
        with zipfile.ZipFile(path) as archive:
            text = archive.read(archive.namelist()[0]).decode()
        rows += [[float(x) for x in row[:6]] for row in csv.reader(io.StringIO(text))]
    return candles_of(f"{symbol}.BINANCE", rows)


def json_rows(path: Path) -> list[list[float]]:
    """Return the rows of a gzipped json array of candles, as they stand in it."""
    rows: list[list[float]] = json.loads(gzip.decompress(path.read_bytes()))
    return rows


def _days(first: str, days: int) -> Iterator[date]:
    begin = date.fromisoformat(first)
    return (begin + timedelta(days=number) for number in range(days))
