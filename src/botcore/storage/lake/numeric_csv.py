"""Csv of nothing but numbers, the layout of exchanges' archives: many files in one go."""

import tempfile
from collections.abc import Collection, Sequence
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from botcore.storage.lake.arrow import read_stream
from botcore.storage.lake.column import EXACT_MOST
from botcore.storage.lake.database import Database

Matrix = dict[int, NDArray[np.float64]]
"""Columns of one length, by their place."""


def numeric_columns(
    texts: Sequence[bytes],
    *,
    delimiter: str,
    width: int,
    wanted: Collection[int] | None,
    database: Database,
) -> list[Matrix] | None:
    """Return the columns of each text; None where one holds anything but rows of numbers.

    Args:
        texts: without headers.
        delimiter: between numbers.
        width: numbers in a row.
        wanted: places of the columns to read, each below `width`; None for all.
        database: reads them.
    """
    with tempfile.TemporaryDirectory() as place:
        paths = [Path(place, f"{number:06}.csv") for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_bytes(text)
        columns = _read(paths, delimiter, width, wanted, database)
    if columns is None:
        return None
    # Which rows are whose follows from the lines, provided that every line was a row.
    edges = np.cumsum([0, *map(_lines, texts)]).tolist()
    if any(len(column) != edges[-1] for column in columns.values()):
        return None
    return [
        {place: column[begin:end] for place, column in columns.items()}
        for begin, end in pairwise(edges)
    ]


def _read(
    paths: Sequence[Path],
    delimiter: str,
    width: int,
    wanted: Collection[int] | None,
    database: Database,
) -> Matrix | None:
    """Read files as one; None where anything is missing, no number, or too large for a float."""
    places = sorted(range(width) if wanted is None else wanted)
    kinds = ", ".join(f"'c{place}': 'DOUBLE'" for place in range(width))
    chosen = ", ".join(f"c{place}" for place in places)
    query = (
        f"SELECT {chosen} FROM read_csv($files, columns={{{kinds}}}, delim=$delimiter, quote='',"  # noqa: S608  # our own names
        " escape='', header=false, auto_detect=false)"
    )
    parameters = {"files": [str(path) for path in paths], "delimiter": delimiter}
    with database.cursor() as cursor:
        try:
            read, _ = read_stream(cursor.sql(query, params=parameters))
        except (duckdb.Error, RuntimeError):  # nanoarrow passes a failed query on as its own
            return None
    if any(column.missing is not None for column in read):
        return None
    if not all((np.abs(column.values) <= EXACT_MOST).all() for column in read):
        return None
    return {place: column.values for place, column in zip(places, read, strict=True)}


def _lines(text: bytes) -> int:
    return text.count(b"\n") + bool(text and not text.endswith(b"\n"))
