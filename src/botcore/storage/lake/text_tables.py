"""Csv and json in columns, a bounded part of the text at a time."""

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from typing import Final

import msgspec
import numpy as np

from botcore.storage.lake.column import Column, is_instant, is_number, of_cells, stacked
from botcore.storage.lake.database import Database
from botcore.storage.lake.numeric_csv import Matrix, numeric_columns
from botcore.storage.lake.tables import SAMPLED, Table, sampled
from botcore.storage.lake.unpacking import Payload, damaged_file, unknown_layout

_CHUNK: Final = 1 << 24
"""Bytes of text that are parsed at a time: memory stays bounded."""
_SAMPLE: Final = 4_096
"""Bytes in which the rows that are shown stand."""
_DELIMITERS: Final = (",", ";", "\t", "|")
_TITLES_MOST: Final = 8
"""Lines above the header that are looked past."""


class _Shape(msgspec.Struct, frozen=True):
    """How a csv is written: where its rows begin, and what stands between and above them."""

    delimiter: str
    width: int
    names: tuple[str, ...] | None
    begin: int


def csv_tables(
    payloads: Sequence[Payload], database: Database, wanted: Collection[int] | None = None
) -> list[Table]:
    """Return several csvs in columns; a first row without any number or date is a header.

    Files of nothing but numbers and of one shape are read together, some twenty times faster than
    cell by cell, which is how any other file is read.

    Args:
        payloads: the files.
        database: reads the numbers.
        wanted: places of the columns that matter; others may be left out. None for all.

    Raises:
        DataError: one is no text, or no csv.
    """
    bodies = [payload.data.removeprefix(b"\xef\xbb\xbf") for payload in payloads]
    shapes = [_shape(body, each.name) for body, each in zip(bodies, payloads, strict=True)]
    numeric = _numeric(bodies, shapes, database, wanted)
    return [
        _csv_table(body, shape, columns, each.name)
        for body, shape, columns, each in zip(bodies, shapes, numeric, payloads, strict=True)
    ]


def csv_header(payload: Payload) -> tuple[str, ...] | None:
    """Return the names in a csv's header, in small letters; None where it has none.

    Raises:
        DataError: its first lines are no text, or no csv.
    """
    return _shape(payload.data.removeprefix(b"\xef\xbb\xbf"), payload.name).names


def _numeric(
    bodies: Sequence[bytes],
    shapes: Sequence[_Shape],
    database: Database,
    wanted: Collection[int] | None,
) -> Sequence[Matrix | None]:
    """Read all bodies together where they are numbers of one shape; None for each elsewhere."""
    nothing = [None] * len(bodies)
    if len({(shape.delimiter, shape.width) for shape in shapes}) != 1:
        return nothing
    if wanted is not None and max(wanted) >= shapes[0].width:
        return nothing
    texts = [body[shape.begin :] for body, shape in zip(bodies, shapes, strict=True)]
    delimiter, width = shapes[0].delimiter, shapes[0].width
    if not all(_is_numeric(text, delimiter) for text in texts):
        return nothing
    found = numeric_columns(
        texts, delimiter=delimiter, width=width, wanted=wanted, database=database
    )
    return nothing if found is None else found


def _is_numeric(text: bytes, delimiter: str) -> bool:
    """Look at the first row only; whether it holds of all, reading them tells."""
    cells = text[: text.find(b"\n") + 1 or len(text)].strip().split(delimiter.encode())
    return all(is_number(cell.decode(errors="replace")) for cell in cells)


def _csv_table(data: bytes, shape: _Shape, numeric: Matrix | None, name: str) -> Table:
    shown = _decoded(data[shape.begin : shape.begin + _SAMPLE], name).splitlines()
    sample = sampled([_cells(line, shape.delimiter) for line in shown[:SAMPLED]])
    if numeric is not None:
        columns = tuple(Column(numbers=numeric.get(place)) for place in range(shape.width))
        rows = len(next(iter(numeric.values())))
        return Table(names=shape.names, columns=columns, rows=rows, sample=sample)
    parts = [_part(text, shape, name) for text in _chunks(data, shape.begin)]
    same = zip(*(part.columns for part in parts), strict=True)
    ragged = [np.zeros(p.rows, bool) if p.malformed is None else p.malformed for p in parts]
    malformed = np.concatenate([np.zeros(0, bool), *ragged])
    return Table(
        names=shape.names,
        columns=tuple(map(stacked, same)),
        rows=len(malformed),
        sample=sample,
        malformed=malformed if malformed.any() else None,
    )


def json_table(payload: Payload) -> Table:
    """Return json in columns: a list of lists, or a list of objects.

    Raises:
        DataError: it is damaged, or something else.
    """
    try:
        rows = msgspec.json.decode(payload.data)
    except msgspec.MsgspecError as error:
        raise damaged_file(payload.name, f"it is no whole json ({error})") from error
    if isinstance(rows, list) and all(isinstance(row, list) for row in rows):
        width = max((len(row) for row in rows[:SAMPLED]), default=0)
        return _of_rows(None, rows, width)
    if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
        keys = tuple(rows[0])
        names = tuple(str(key).strip().lower() for key in keys)
        return _of_rows(names, [[row.get(key) for key in keys] for row in rows], len(keys))
    raise unknown_layout(
        payload.name, "json, but no list of rows", "give a list of lists, or a list of objects"
    )


def _shape(data: bytes, name: str) -> _Shape:
    begin = _titled(data)
    end = data.find(b"\n", begin) + 1 or len(data)
    first = _decoded(data[begin:end], name).strip()
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        cells = _cells(first, delimiter)
    except csv.Error as error:
        raise damaged_file(name, f"it is no csv ({error})") from error
    if any(is_number(cell) or is_instant(cell) for cell in cells):
        return _Shape(delimiter, len(cells), None, begin)
    return _Shape(delimiter, len(cells), tuple(cell.strip().lower() for cell in cells), end)


def _titled(data: bytes) -> int:
    """Return where a csv begins behind lines of one cell: a title, a comment, an address."""
    begin = 0
    for _ in range(_TITLES_MOST):
        end = data.find(b"\n", begin) + 1
        line = data[begin:end]
        is_comment = line.startswith(b"#")
        if not end or not (is_comment or all(mark.encode() not in line for mark in _DELIMITERS)):
            return begin
        begin = end
    return 0


def _chunks(data: bytes, begin: int) -> Iterator[bytes]:
    """Cut text at line ends into parts of a bounded size."""
    while begin < len(data):
        end = data.find(b"\n", begin + _CHUNK) + 1 or len(data)
        yield data[begin:end]
        begin = end


def _part(text: bytes, shape: _Shape, name: str) -> Table:
    reader = csv.reader(io.StringIO(_decoded(text, name), newline=""), delimiter=shape.delimiter)
    try:
        return _of_rows(None, [row for row in reader if row], shape.width)
    except csv.Error as error:
        raise damaged_file(name, f"it is no csv ({error})") from error


def _of_rows(names: tuple[str, ...] | None, rows: Sequence[Sequence[object]], width: int) -> Table:
    """Make columns of rows that may be ragged: a row of another width is malformed."""
    ragged = np.fromiter((len(row) != width for row in rows), bool, len(rows))
    if ragged.any():
        blank = (None,) * width
        rows = [blank if len(row) != width else row for row in rows]
    columns = zip(*rows, strict=True) if rows else [()] * width
    return Table(
        names=names,
        columns=tuple(map(of_cells, columns)),
        rows=len(rows),
        sample=sampled(rows),
        malformed=ragged if ragged.any() else None,
    )


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


def _decoded(text: bytes, name: str) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise unknown_layout(name, "no text in UTF-8", "save it as UTF-8") from error
