"""Values of control as rows of a table, and back: the names of fields are those of columns."""

from collections.abc import Iterable
from enum import Enum
from typing import Any, TypeVar

import msgspec

from botcore.storage.paging import Row

S = TypeVar("S", bound=msgspec.Struct)


def row_of(value: msgspec.Struct) -> Row:
    """Return the row of a value: enumerations as their texts, sets sorted."""
    return {name: _plain(each) for name, each in msgspec.structs.asdict(value).items()}


def rows_of(values: Iterable[msgspec.Struct]) -> list[Row]:
    """Return the rows of values."""
    return [row_of(value) for value in values]


def value_of(row: Row, kind: type[S]) -> S:
    """Return the value of a row."""
    # SQLAlchemy names columns by a class of its own.
    fields = {str(name): value for name, value in row.items()}
    return msgspec.convert(fields, kind, builtin_types=(bytes,))


def values_of(rows: Iterable[Row], kind: type[S]) -> tuple[S, ...]:
    """Return the values of rows, in their order."""
    return tuple(value_of(row, kind) for row in rows)


def _plain(value: Any) -> Any:  # noqa: ANN401  # whatever a field holds
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, frozenset):
        return sorted(_plain(each) for each in value)
    return value
