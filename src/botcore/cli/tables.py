"""Lists as tables: whole lines for a file or a program, and what fits for a terminal."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec

from botcore.cli.values import NOTHING, is_rows, percent, text_of
from botcore.control.schema.values import Money

_GAP: Final = 2
_RIGHT: Final = (int, float, Decimal, Money)
_WRAPS_FROM: Final = 28
"""A column of words that is wider may be broken, down to this."""
_SAID_BY: Final[Mapping[str, str]] = {"symbol": "instrument", "venue": "instrument"}
"""What another column says already."""
_LEAST: Final = (
    "fingerprint",
    "inputs digest",
    "runbook",
    "labels",
    "takes effect",
    "is changeable",
    "address",
    "correlation",
    "session",
    "venue order id",
    "arrival price",
    "reserve",
    "oco group",
    "liquidity",
    "quote amount",
    "order id",
    "time in force",
    "updated at",
    "account",
    "leaves",
    "executions",
    "created at",
    "is working",
    "made by",
    "user",
    "id",
)
"""Columns that a narrow terminal does without, the first ones first."""
_ALWAYS: Final = 3
"""So many of the first columns are never left out."""


class Drawn(NamedTuple):
    """A table as lines.

    Attributes:
        lines: the first one is the head.
        left_out: names of columns that the terminal is too narrow for.
    """

    lines: list[str]
    left_out: list[str]


class _Column(NamedTuple):
    name: str
    cells: list[str]
    is_right: bool
    is_no: bool
    """Whether all of it says no."""

    @property
    def width(self) -> int:
        return max(len(self.name), *map(len, self.cells))

    @property
    def is_wrapped(self) -> bool:
        return not self.is_right and self.width > _WRAPS_FROM


def table(items: Sequence[Any], width: int | None) -> Drawn:
    """Draw a table with a column for each field that any of the items fills.

    Args:
        items: structs, of one type or of some that share their fields; at least one.
        width: of the terminal; None draws everything, a line an item.
    """
    return table_of(_values(items), width)


def table_of(named: Sequence[tuple[str, Sequence[object]]], width: int | None) -> Drawn:
    """Draw a table of columns.

    Args:
        named: each column's name with its values, all of one length; at least one value.
        width: of the terminal; None draws everything, a line an item.
    """
    columns = _columns(named)
    if width is None:
        return Drawn(_lines(columns, [each.width for each in columns]), [])
    kept = _fitting(columns, width)
    widths = _shared(kept, width)
    names = {each.name for each in kept}
    return Drawn(_lines(kept, widths), [each.name for each in columns if each.name not in names])


def _columns(named: Sequence[tuple[str, Sequence[object]]]) -> list[_Column]:
    found: list[_Column] = []
    for name, values in named:
        if all(each in NOTHING for each in values) or any(is_rows(each) for each in values):
            continue
        is_share = name.endswith("frac")
        cells = [
            percent(each) if is_share and isinstance(each, int | float) else text_of(each)
            for each in values
        ]
        some = next(each for each in values if each not in NOTHING)
        is_right = isinstance(some, _RIGHT) and not isinstance(some, bool)
        found.append(_Column(name, cells, is_right, set(cells) == {"no"}))
    names = {each.name for each in found}
    return [each for each in found if _SAID_BY.get(each.name) not in names]


def _values(items: Sequence[Any]) -> list[tuple[str, Sequence[object]]]:
    """Return each field's name with its values; what all items hold inside becomes columns too.

    Of pairs such as *before* and *after*, what is the same in both is one column.
    """
    found: list[tuple[str, Sequence[object]]] = []
    inner: dict[str, list[list[object]]] = {}
    for field in items[0].__struct_fields__:
        values = [getattr(each, field, None) for each in items]
        if not all(_is_inside(each) for each in values):
            if not any(_is_inside(each) for each in values):
                found.append((field.replace("_", " "), values))
            continue
        for part in values[0].__struct_fields__:  # type: ignore[union-attr]  # it is a struct
            parts = [getattr(each, part, None) for each in values]
            if parts in inner.setdefault(part, []):
                continue
            inner[part].append(parts)
            found.append((f"{field} {part}".replace("_", " "), parts))
    for part, variants in inner.items():
        if len(variants) == 1:
            name = next(n for n, values in found if values is variants[0])
            at = found.index((name, variants[0]))
            found[at] = (part.replace("_", " "), variants[0])
    return found


def _is_inside(value: object) -> bool:
    return isinstance(value, msgspec.Struct) and not isinstance(value, Money)


def _least_width(column: _Column) -> int:
    return max(len(column.name), _WRAPS_FROM) if column.is_wrapped else column.width


def _fitting(columns: Sequence[_Column], width: int) -> list[_Column]:
    """Return the columns that fit, in their order: what says least is left out first."""
    kept = list(columns)

    def is_too_wide() -> bool:
        return sum(map(_least_width, kept)) + _GAP * (len(kept) - 1) > width

    least = [name for name in _LEAST if name != columns[0].name]
    rest = columns[_ALWAYS:]
    order = [
        *(each for each in rest if each.is_no),
        *sorted((c for c in columns if c.name in least), key=lambda c: least.index(c.name)),
        *reversed(rest),
    ]
    for each in order:
        if not is_too_wide():
            break
        if each in kept:
            kept.remove(each)
    return kept


def _shared(columns: Sequence[_Column], width: int) -> list[int]:
    """Return widths that fit: what is left goes to the words, the narrower ones first."""
    widths = [_least_width(each) for each in columns]
    left = width - sum(widths) - _GAP * (len(widths) - 1)
    for index in sorted(range(len(columns)), key=lambda i: columns[i].width):
        more = max(0, min(left, columns[index].width - widths[index]))
        widths[index] += more
        left -= more
    return widths


def _lines(columns: Sequence[_Column], widths: Sequence[int]) -> list[str]:
    rows = [[each.name for each in columns], *zip(*(each.cells for each in columns), strict=True)]
    lines: list[str] = []
    for row in rows:
        cells = [_wrapped(cell, width) for cell, width in zip(row, widths, strict=True)]
        for line in range(max(map(len, cells))):
            texts = (
                (cell[line] if line < len(cell) else "", column.is_right, width)
                for cell, column, width in zip(cells, columns, widths, strict=True)
            )
            placed = (f"{t:>{w}}" if is_right else f"{t:<{w}}" for t, is_right, w in texts)
            lines.append((" " * _GAP).join(placed).rstrip())
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    if len(text) <= width:
        return [text]
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if len(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        line = word
        while len(line) > width:  # an address, a digest: broken where it must be
            lines.append(line[:width])
            line = line[width:]
    return [*lines, line]
