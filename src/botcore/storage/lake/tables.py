"""The content of a file as a table: columns by name or position, whatever the file's layout."""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from botcore.domain.errors import DataError
from botcore.storage.lake.column import Column

SAMPLED: Final = 3
"""Rows that are shown to a person."""


class Table(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """A file in columns.

    Attributes:
        names: of the columns, in small letters; None where the file has no header.
        columns: in the order of the file.
        rows: how many rows.
        sample: the first rows as text, for people.
        malformed: rows with too few or too many values; None where there is none.
    """

    names: tuple[str, ...] | None
    columns: tuple[Column, ...]
    rows: int
    sample: tuple[tuple[str, ...], ...] = ()
    malformed: NDArray[np.bool_] | None = None


def sampled(rows: Sequence[Sequence[object]]) -> tuple[tuple[str, ...], ...]:
    """Return the first rows as text."""
    return tuple(tuple(str(cell) for cell in row) for row in rows[:SAMPLED])


def no_rows(name: str) -> DataError:
    """Return the error that a file has nothing in it."""
    return DataError(
        code="FILE_EMPTY",
        cause=f"{name} has no rows",
        fix="download or export it again",
    )
