"""Whatever a file's layout: its content as a table."""

from collections.abc import Collection, Sequence

from botcore.storage.lake.arrow_tables import feather_table, parquet_table
from botcore.storage.lake.database import Database
from botcore.storage.lake.tables import Table, no_rows
from botcore.storage.lake.text_tables import csv_tables, json_table
from botcore.storage.lake.unpacking import Layout, Payload


def read_tables(
    payloads: Sequence[Payload], database: Database, wanted: Collection[int] | None = None
) -> list[Table]:
    """Return the content of several files in columns; csv of one shape is read together.

    Args:
        payloads: the files.
        database: reads csv and Parquet.
        wanted: places of the columns that matter; others may be left out. None for all.

    Raises:
        DataError: one is damaged, has no rows, or is laid out in an unknown way.
    """
    csvs = [payload for payload in payloads if payload.layout is Layout.CSV]
    read = iter(csv_tables(csvs, database, wanted))
    tables = [
        next(read) if payload.layout is Layout.CSV else _read(payload, database)
        for payload in payloads
    ]
    for table, payload in zip(tables, payloads, strict=True):
        if table.rows == 0:
            raise no_rows(payload.name)
    return tables


def _read(payload: Payload, database: Database) -> Table:
    match payload.layout:
        case Layout.JSON:
            return json_table(payload)
        case Layout.FEATHER:
            return feather_table(payload)
        case _:
            return parquet_table(payload, database)
