"""A single value as people read it."""

from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from botcore.control.schema.values import Money

NOTHING: Final[tuple[object, ...]] = (None, "", (), {}, [])
"""What is not there, and is not shown where nobody has it."""
_BLANK: Final = "–"


def text_of(value: object) -> str:
    """Return a value on one line."""
    match value:
        case _ if value in NOTHING:
            return _BLANK
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
        case tuple() | list() | set() | frozenset():
            return ", ".join(text_of(each) for each in value)
        case dict():
            return ", ".join(f"{text_of(name)}={text_of(each)}" for name, each in value.items())
        case msgspec.Struct():
            shown = msgspec.structs.asdict(value)
            return ", ".join(f"{name} {text_of(each)}" for name, each in shown.items())
        case _:
            return printable(str(value))


def percent(fraction: float) -> str:
    """Return a fraction in hundredths."""
    return f"{fraction * 100:.2f} %"


def printable(text: str) -> str:
    """Return a text on one line: what others have written must not command the terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def is_rows(value: object) -> bool:
    """Whether a value is a table of its own."""
    return isinstance(value, tuple | list) and bool(value) and isinstance(value[0], msgspec.Struct)
