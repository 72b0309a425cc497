"""Any answer as text: a list as a table, a value as names and values."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from botcore.control.operations import Done, Page
from botcore.control.schema.values import Money

_RIGHT: Final = (int, float, Decimal, Money)
_PIPED_WIDTH: Final = 400
_CELL_MOST: Final = 4
_NOTHING: Final[tuple[object, ...]] = (None, "", (), {}, [])


def show(answer: object) -> None:
    """Print an answer for people."""
    # A file or another program gets whole lines; a terminal those that it can show.
    width = None if Console().is_terminal else _PIPED_WIDTH
    console = Console(width=width, highlight=False, markup=False)
    if isinstance(answer, str | bytes):
        print(answer.decode() if isinstance(answer, bytes) else answer, end="")
    elif isinstance(answer, Done):
        print(_printable(answer.detail) or "done")
    elif isinstance(answer, Page):
        _list(console, answer.items)
        if answer.next_cursor is not None:
            print(f"there is more: --cursor {answer.next_cursor}, or --all")
    elif isinstance(answer, tuple | list):
        _list(console, answer)
    elif isinstance(answer, msgspec.Struct):
        _value(console, answer)
    else:
        print(text_of(answer))


def text_of(value: object) -> str:
    """Return a single value as people read it."""
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case Money():
            return f"{value.amount:f} {value.currency}"
        case Decimal():
            return f"{value:f}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case float():
            return f"{value:.6g}"
        case tuple() | list():
            return ", ".join(text_of(each) for each in value)
        case dict():
            return ", ".join(f"{text_of(name)}={text_of(each)}" for name, each in value.items())
        case msgspec.Struct():
            shown = msgspec.structs.asdict(value)
            return ", ".join(f"{name} {text_of(each)}" for name, each in shown.items())
        case _:
            return _printable(str(value))


def _printable(text: str) -> str:
    """Return a text on one line: what others have written must not command the terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def _list(console: Console, items: Sequence[Any]) -> None:
    if not items:
        print("nothing")
        return
    if not isinstance(items[0], msgspec.Struct):
        print("\n".join(text_of(each) for each in items))
        return
    console.print(_table(items))


def _table(items: Sequence[Any]) -> Table:
    """Return a table with a column for each field that any of the items fills."""
    names = [
        name
        for name in items[0].__struct_fields__
        if any(getattr(each, name, None) not in _NOTHING for each in items)
        and not any(_is_nested(getattr(each, name, None)) for each in items)
    ]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        is_number = isinstance(getattr(items[0], name), _RIGHT)
        table.add_column(name.replace("_", " "), justify="right" if is_number else "left")
    for each in items:
        table.add_row(*(text_of(getattr(each, name, None)) for name in names))
    return table


def _value(console: Console, answer: msgspec.Struct) -> None:
    fields = msgspec.structs.asdict(answer)
    plain = {name: value for name, value in fields.items() if not _is_table(value)}
    width = max((len(name) for name in plain), default=0) + 2
    for name, value in plain.items():
        print(f"{name.replace('_', ' '):<{width}}{text_of(value)}")
    for name, value in fields.items():
        if _is_table(value):
            print(f"\n{name.replace('_', ' ')}")
            console.print(_table(value))


def _is_nested(value: object) -> bool:
    """Whether a value is too much for a cell; `--json` has it."""
    if isinstance(value, msgspec.Struct):
        return not isinstance(value, Money)
    return _is_table(value) or (isinstance(value, dict) and len(value) > _CELL_MOST)


def _is_table(value: object) -> bool:
    return isinstance(value, tuple | list) and bool(value) and isinstance(value[0], msgspec.Struct)
