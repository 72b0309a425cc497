"""Arrow's columns into numpy: what DuckDB hands over, and what Feather files hold."""

from typing import Any, Final

import msgspec
import nanoarrow
import numpy as np
from numpy.typing import NDArray

_NUMBERS: Final = frozenset("gfcCsSiIlL")
"""Arrow's format letters of floats and integers (the C data interface, "format strings")."""


class ArrowColumn(msgspec.Struct, frozen=True, eq=False):
    """One column.

    Attributes:
        name: as the file says.
        kind: Arrow's format string, such as ``g`` for float64 and ``tsn:UTC`` for instants.
        values: as stored; empty where the kind is neither numbers nor instants.
        missing: rows without a value; None where all have one.
    """

    name: str
    kind: str
    values: NDArray[Any]
    missing: NDArray[np.bool_] | None

    @property
    def is_instants(self) -> bool:
        """Whether it holds instants or dates."""
        return self.kind.startswith(("ts", "td"))


def read_stream(source: object) -> tuple[tuple[ArrowColumn, ...], int]:
    """Return the columns of what speaks Arrow's stream protocol, and how many rows they have.

    Raises:
        nanoarrow's own error: the stream is broken.
    """
    stream = nanoarrow.c_array_stream(source)
    fields = list(stream.get_schema().children)
    kinds = [field.format if field.dictionary is None else "dictionary" for field in fields]
    values: list[list[NDArray[Any]]] = [[] for _ in fields]
    valid: list[list[NDArray[np.bool_]]] = [[] for _ in fields]
    alive = []  # the memory is the batches': they must outlive the joining below
    for batch in stream:
        view = batch.view()
        alive.append((batch, view))
        for position, kind in enumerate(kinds):
            if not _is_read(kind):
                continue
            column = view.child(position)
            part = slice(column.offset, column.offset + column.length)
            values[position].append(np.asarray(column.buffer(1))[part])
            valid[position].append(_validity(column, part))
    columns = tuple(
        _column(field.name, kind, values[place], valid[place])
        for place, (field, kind) in enumerate(zip(fields, kinds, strict=True))
    )
    return columns, sum(view.length for _, view in alive)


def _is_read(kind: str) -> bool:
    return kind in _NUMBERS or kind.startswith(("ts", "tdD", "tdm"))


def _validity(column: nanoarrow._array.CArrayView, part: slice) -> NDArray[np.bool_]:
    if not column.null_count:
        return np.ones(column.length, bool)
    bits = np.unpackbits(np.array(column.buffer(0)).view(np.uint8), bitorder="little")
    return bits[part].astype(bool)


def _column(
    name: str, kind: str, values: list[NDArray[Any]], valid: list[NDArray[np.bool_]]
) -> ArrowColumn:
    """Join the parts of a column; what is joined is a copy, also of a single part."""
    if not values:
        return ArrowColumn(name, kind, np.empty(0), None)
    missing = ~np.concatenate(valid)
    return ArrowColumn(name, kind, np.concatenate(values), missing if missing.any() else None)
