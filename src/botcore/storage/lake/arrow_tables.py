"""Feather and Parquet in columns."""

import io
import tempfile
from pathlib import Path
from typing import Final

import duckdb
import nanoarrow.ipc
import numpy as np

from botcore.storage.lake.arrow import ArrowColumn, read_stream
from botcore.storage.lake.column import Column, Instants
from botcore.storage.lake.database import Database
from botcore.storage.lake.tables import SAMPLED, Table
from botcore.storage.lake.unpacking import Payload, damaged_file

_NANOSECONDS: Final = {"s": 10**9, "m": 10**6, "u": 10**3, "n": 1, "D": 86_400 * 10**9}
"""Of the units that Arrow's format strings name."""
_MARK: Final = b"ARROW1"
_MARK_PADDED: Final = 8


def feather_table(payload: Payload) -> Table:
    """Return a Feather (Arrow) file in columns.

    Raises:
        DataError: it is truncated or damaged.
    """
    if not payload.data.endswith(_MARK):
        raise damaged_file(payload.name, "it ends in the middle")
    body = io.BytesIO(payload.data[_MARK_PADDED:])  # an Arrow file is a stream between two marks
    try:
        with nanoarrow.ipc.InputStream.from_readable(body) as stream:
            return _table(stream)
    except (RuntimeError, ValueError, EOFError) as error:  # nanoarrow's own is a RuntimeError
        raise damaged_file(payload.name, "it is no whole Feather file") from error


def parquet_table(payload: Payload, database: Database) -> Table:
    """Return a Parquet file in columns; through a file of our own, for it may have been packed.

    Raises:
        DataError: it is truncated or damaged.
    """
    with tempfile.TemporaryDirectory() as place, database.cursor() as cursor:
        path = Path(place, "it.parquet")
        path.write_bytes(payload.data)
        try:
            read = cursor.read_parquet(str(path))
            kinds = zip(read.columns, map(str, read.types), strict=True)
            return _table(read.project(", ".join(_selected(*each) for each in kinds)))
        except (duckdb.Error, RuntimeError) as error:
            raise damaged_file(payload.name, "it is no whole Parquet file") from error


def _selected(name: str, kind: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    if kind.startswith("DECIMAL") or kind.endswith("HUGEINT"):
        return f"CAST({quoted} AS DOUBLE) AS {quoted}"
    return quoted


def _table(source: object) -> Table:
    read, rows = read_stream(source)
    shown = range(min(SAMPLED, rows))
    return Table(
        names=tuple(column.name.strip().lower() for column in read),
        columns=tuple(map(_column, read)),
        rows=rows,
        sample=tuple(tuple(_shown(column, row) for column in read) for row in shown),
    )


def _column(column: ArrowColumn) -> Column:
    values = column.values
    if not len(values):
        return Column()
    if column.is_instants:
        shown = values.astype(np.int64) * _NANOSECONDS[column.kind[2]]
        if column.missing is not None:
            shown[column.missing] = 0
        return Column(typed=Instants(shown, has_zone=len(column.kind) > len("tsn:")))
    numbers = values.astype(np.float64)
    if column.missing is not None:
        numbers[column.missing] = np.nan
    whole = values.astype(np.int64) if values.dtype.kind in "iu" else None
    return Column(numbers=numbers, whole=whole)


def _shown(column: ArrowColumn, row: int) -> str:
    if not len(column.values):
        return "…"
    if column.is_instants:
        instant = int(column.values[row]) * _NANOSECONDS[column.kind[2]]
        return str(np.datetime64(instant, "ns"))
    return str(column.values[row])
