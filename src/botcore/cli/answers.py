"""Any answer as text: a list as a table, a value as names and values, a file as it is."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from botcore.cli.tables import Drawn, table, table_of
from botcore.cli.values import NOTHING, is_rows, percent, printable, text_of
from botcore.control.encoding import to_json
from botcore.control.operations import Done, Page
from botcore.control.schema.backtests import Comparison, Text
from botcore.control.schema.exports import TaxFile
from botcore.control.schema.logs import LogEntry
from botcore.control.schema.values import Money

_INDENT: Final = "  "
_OF_EVERY_LINE: Final = ("version", "env")
_ON_ONE_LINE: Final = 72
"""A longer list or mapping stands with one entry a line."""


def show(answer: object) -> None:
    """Print an answer for people."""
    width = _terminal_width()
    if isinstance(answer, str | bytes):
        print(answer.decode() if isinstance(answer, bytes) else answer, end="")
    elif isinstance(answer, Done):
        print(printable(answer.detail) or "done")
    elif isinstance(answer, TaxFile):
        _file(answer)
    elif isinstance(answer, Text):
        print(answer.text, end="")
    elif isinstance(answer, Comparison):
        runs = [f"run {number}" for number in answer.runs]
        columns = [list(column) for column in zip(*answer.rows, strict=True)]
        _drawn(table_of([*zip(["figure", *runs], columns, strict=True)], width), width, "")
    elif isinstance(answer, Page):
        _rows(answer.items, width)
        _more(answer.next_cursor)
    elif isinstance(answer, tuple | list):
        _rows(answer, width)
    elif isinstance(answer, dict):
        print(msgspec.json.format(to_json(answer)).decode())
    elif isinstance(answer, msgspec.Struct):
        _value(answer, width, "")
        _more(getattr(answer, "next_cursor", None))
    else:
        print(text_of(answer))


def _terminal_width() -> int | None:
    """Return how wide the terminal is; None where a file or a program reads along."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _more(cursor: str | None) -> None:
    if cursor:
        print(f"there is more: --cursor {cursor}, or --all")


def _file(file: TaxFile) -> None:
    """Print a file for whoever takes it up, and what is to be said of it beside that."""
    sys.stdout.write(file.content)
    about = msgspec.structs.asdict(file)
    del about["content"], about["media_type"], about["notes"]
    for name, value in about.items():
        print(f"{name:<10}{text_of(value)}", file=sys.stderr)
    print(*map(printable, file.notes), sep="\n", file=sys.stderr)


def _rows(items: Sequence[Any], width: int | None, indent: str = "") -> None:
    if not items:
        print("nothing")
        return
    if not isinstance(items[0], msgspec.Struct):
        print("\n".join(indent + text_of(each) for each in items))
        return
    if _is_mostly_rows(items[0]):
        _parts(items, width, indent)
        return
    if isinstance(items[0], LogEntry):
        items = [_log_line(each) for each in items]
    _drawn(table(items, None if width is None else width - len(indent)), width, indent)


def _drawn(drawn: Drawn, width: int | None, indent: str) -> None:
    for line in drawn.lines:
        print(indent + line)
    if drawn.left_out:
        names = ", ".join(drawn.left_out)
        for line in _filled(f"without {names} (a wider terminal or --json shows them)", width):
            print(indent + line)


class _LogLine(msgspec.Struct, frozen=True):
    """What of a line of the log tells people something."""

    time: datetime
    level: str
    event: str
    service: str
    words: str
    correlation: str


def _log_line(entry: LogEntry) -> _LogLine:
    about = {name: value for name, value in entry.fields.items() if name not in _OF_EVERY_LINE}
    words = entry.message or text_of(about)
    return _LogLine(entry.time, entry.level, entry.event, entry.service, words, entry.correlation)


def _parts(items: Sequence[Any], width: int | None, indent: str) -> None:
    """Print things that hold tables, one below the other, each under its first field."""
    for number, each in enumerate(items):
        if number:
            print()
        first, *others = each.__struct_fields__
        print(indent + text_of(getattr(each, first)))
        _fields({_words(name): getattr(each, name) for name in others}, width, indent + _INDENT)


def _is_mostly_rows(item: msgspec.Struct) -> bool:
    """Whether what an item has to say is a table of its own, such as the figures of one part."""
    values = [getattr(item, name) for name in item.__struct_fields__]
    return any(map(is_rows, values)) and sum(not is_rows(each) for each in values) == 1


def _filled(text: str, width: int | None, used: int = 0) -> list[str]:
    """Break a text at its blanks; a word that is too long stays whole, so that it can be copied."""
    if width is None or len(text) <= width - used:
        return [text]
    lines = [""]
    for word in text.split():
        if lines[-1] and used + len(lines[-1]) + len(word) + 1 > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _words(name: str) -> str:
    return name.replace("_", " ")


def _value(answer: msgspec.Struct, width: int | None, indent: str) -> None:
    fields = msgspec.structs.asdict(answer)
    fields.pop("next_cursor", None)
    _fields({_words(name): value for name, value in fields.items()}, width, indent)


def _fields(fields: Mapping[str, Any], width: int | None, indent: str) -> None:
    """Print what is plain, name and value, and below it what is not."""
    there = {name: value for name, value in fields.items() if value not in NOTHING}
    plain = {name: value for name, value in there.items() if not _is_block(value)}
    wide = max((len(name) for name in plain), default=0) + 2
    for name, value in plain.items():
        begin = f"{indent}{name:<{wide}}"
        first, *others = _filled(_plain(name, value), width, len(begin))
        print(begin + first)
        for line in others:
            print(" " * len(begin) + line)
    for name, value in there.items():
        if name in plain:
            continue
        if not indent and plain:
            print()
        print(indent + name)
        if _is_records(value):
            names = dict.fromkeys(key for each in value for key in each)
            columns = [(_words(key), [each.get(key) for each in value]) for key in names]
            inside = indent + _INDENT
            room = None if width is None else width - len(inside)
            _drawn(table_of(columns, room), width, inside)
        elif is_rows(value):
            _rows(value, width, indent if not indent else indent + _INDENT)
        elif isinstance(value, msgspec.Struct):
            _value(value, width, indent + _INDENT)
        elif isinstance(value, dict):
            _fields({text_of(key): each for key, each in value.items()}, width, indent + _INDENT)
        else:
            print("\n".join(f"{indent}{_INDENT}{text_of(each)}" for each in value))


def _plain(name: str, value: object) -> str:
    if name.endswith("frac") and isinstance(value, int | float):
        return f"{text_of(value)} ({percent(value)})"
    return text_of(value)


def _is_records(value: object) -> bool:
    """Whether a value is a list of things that have names for what they hold, none of it lists."""
    return (
        isinstance(value, tuple | list)
        and bool(value)
        and all(isinstance(each, dict) for each in value)
        and not any(isinstance(part, dict | list) for each in value for part in each.values())
    )


def _is_block(value: object) -> bool:
    """Whether a value is too much for a line."""
    if isinstance(value, msgspec.Struct):
        return not isinstance(value, Money)
    if is_rows(value):
        return True
    if _is_records(value):
        return True
    if isinstance(value, dict) and any(
        isinstance(each, dict) or _is_records(each) for each in value.values()
    ):
        return True
    return isinstance(value, dict | tuple | list) and len(text_of(value)) > _ON_ONE_LINE
