"""Candles out of the lake, as csv or Parquet for other programs."""

from enum import StrEnum
from pathlib import Path

import duckdb

from botcore.domain.errors import ConfigError, StorageError
from botcore.marketdata.candles import FIELDS, Candles
from botcore.storage.faults import from_files
from botcore.storage.lake.database import Database
from botcore.storage.lake.index import settle


class ExportFormat(StrEnum):
    """What is written."""

    CSV = "csv"
    PARQUET = "parquet"


def export(candles: Candles, target: Path, kind: ExportFormat, database: Database) -> None:
    """Write candles into a new file, whole or not at all, with the open as an instant in UTC.

    Raises:
        ConfigError: the file exists, or its folder does not.
        StorageError: it cannot be written.
    """
    if target.exists() or not target.parent.is_dir():
        raise ConfigError(
            code="EXPORT_REFUSED",
            cause=f"{target} exists already"
            if target.exists()
            else f"the folder of {target} does not exist",
            fix="choose another file with --output",
        )
    temporary = target.with_name(f".{target.name}.tmp")
    try:
        _write(candles, temporary, kind, database)
        settle(temporary, target)
    except duckdb.Error as error:
        raise StorageError(
            code="EXPORT_FAILED",
            cause=f"{target} cannot be written: {(str(error).splitlines() or ['?'])[0]}",
            fix="free disk space or correct the permissions",
        ) from error
    except OSError as error:
        raise from_files(error, doing="exporting", path=target) from error
    finally:
        temporary.unlink(missing_ok=True)


def _write(candles: Candles, path: Path, kind: ExportFormat, database: Database) -> None:
    fields = ", ".join(f'"{name}"' for name in FIELDS)
    options = (
        "FORMAT csv, HEADER" if kind is ExportFormat.CSV else "FORMAT parquet, COMPRESSION zstd"
    )
    instant = "make_timestamp_ns(ts_open)"
    if kind is ExportFormat.CSV:  # says its zone, as a typed instant does not in text
        instant = f"strftime({instant}, '%Y-%m-%dT%H:%M:%SZ')"
    target = str(path).replace("'", "''")
    with database.cursor() as cursor:
        cursor.register("candles", {"ts_open": candles.ts_open, **candles.columns})
        cursor.execute(
            f"COPY (SELECT {instant} AS open_time, {fields} FROM candles)"  # noqa: S608  # own names, quoted
            f" TO '{target}' ({options})"
        )
