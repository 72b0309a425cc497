"""The lake as one table: ``market_data``, for whoever asks in SQL."""

from typing import Final

from botcore.storage.lake.catalogue import Lake
from botcore.storage.lake.parquet import STAMP

MARKET_DATA: Final = "market_data"
_COLUMNS: Final = (
    "CAST(NULL AS TIMESTAMP_NS) AS time, '' AS symbol, '' AS exchange, 0.0 AS open, 0.0 AS high,"
    " 0.0 AS low, 0.0 AS close, 0.0 AS volume, CAST(0 AS BIGINT) AS step_ns"
)


def market_data_view(lake: Lake) -> str:
    """Return the SQL of a DuckDB view over all candles as they are stored now.

    Its columns are ``time`` (open, UTC, nanoseconds), ``symbol`` (such as ``BTCUSDT``),
    ``exchange``, ``open``, ``high``, ``low``, ``close``, ``volume`` and ``step_ns``. Any DuckDB can
    run it; it names the files of this instant, so ask again after an import.

    Raises:
        StorageError: an index is damaged or cannot be read.
    """
    parts = [f"SELECT {_COLUMNS} WHERE false"]
    for info in lake.series():
        symbol, _, exchange = info.instrument.rpartition(".")
        files = ", ".join(_quoted(str(path)) for path in lake.files(info.instrument, info.step_ns))
        parts.append(
            f"SELECT make_timestamp_ns({STAMP}), {_quoted(symbol)}, {_quoted(exchange)},"  # noqa: S608  # quoted
            f" open, high, low, close, volume, {info.step_ns} FROM read_parquet([{files}])"
        )
    union = "\nUNION ALL\n".join(parts)
    return f"CREATE OR REPLACE VIEW {MARKET_DATA} AS\n{union}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
