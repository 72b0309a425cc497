"""The searchable log, as control and the WebSocket ask for its lines."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from botcore.control.handlers.paging import decode_cursor, encode_cursor
from botcore.control.logs_port import SoughtLines
from botcore.control.operations import Page
from botcore.control.problems import Malformed
from botcore.control.schema.logs import LogEntry, LogLevel
from botcore.control.schema.streams import LogLine
from botcore.control.schema.values import instant
from botcore.storage.logs import FoundLine, LogStore, Sought

_SHOWN_APART: Final = ("ts", "level", "event", "service", "correlation_id", "msg")


class KeptLogs:
    """Searches the log (`control.logs_port.LogSearch`).

    Args:
        store: has the lines.
    """

    def __init__(self, store: LogStore) -> None:
        self._store = store

    async def find(self, sought: SoughtLines) -> Page[LogEntry]:
        """Return lines, the newest first.

        Raises:
            Malformed: the cursor is none of ours.
            StorageError: they cannot be read.
        """
        asked = Sought(
            text=sought.text,
            level=sought.level,
            event=sought.event,
            service=sought.service,
            correlation=sought.correlation,
            since=sought.span.start,
            until=sought.span.end,
            before=_before(sought.cursor),
            limit=sought.limit + 1,
        )
        found = await asyncio.to_thread(self._store.find, asked)
        shown = found[: sought.limit]
        is_more = len(found) > sought.limit
        return Page(
            items=tuple(map(_entry, shown)),
            next_cursor=encode_cursor(f"{shown[-1].ts} {shown[-1].id}") if is_more else None,
        )

    async def newest(self, count: int = 200) -> Sequence[LogLine]:
        """Return the newest lines as the WebSocket sends them, oldest first."""
        found = await asyncio.to_thread(self._store.find, Sought(limit=count))
        return [_message(each) for each in reversed(found)]


def _before(cursor: str) -> tuple[int, int] | None:
    text = decode_cursor(cursor)
    if not text:
        return None
    ts, _, number = text.partition(" ")
    largest = 2**63
    if not (ts.isdecimal() and number.isdecimal() and max(int(ts), int(number)) < largest):
        raise Malformed(
            code="CURSOR_MALFORMED",
            cause="the cursor is not one that this server gave",
            fix="take `next_cursor` of the page before as it is, or leave it out to begin",
        )
    return int(ts), int(number)


def _entry(found: FoundLine) -> LogEntry:
    fields = _fields(found)
    message = fields.get("msg", "")
    return LogEntry(
        id=f"{found.ts}-{found.id}",
        time=instant(found.ts),
        level=LogLevel(found.level),
        event=found.event,
        service=found.service,
        correlation=found.correlation,
        message=message if isinstance(message, str) else json.dumps(message),
        fields={name: value for name, value in fields.items() if name not in _SHOWN_APART},
    )


def _message(found: FoundLine) -> LogLine:
    apart = ("ts", "level", "event")
    fields = {name: value for name, value in _fields(found).items() if name not in apart}
    return LogLine(
        id=f"{found.ts:020d}-{found.id:010d}",
        time=instant(found.ts),
        level=found.level,
        event=found.event,
        fields={name: v if isinstance(v, str) else json.dumps(v) for name, v in fields.items()},
    )


def _fields(found: FoundLine) -> dict[str, Any]:
    """Return the fields of a line; one that was cut is its text."""
    try:
        fields = msgspec.json.decode(found.line)
    except msgspec.MsgspecError:
        fields = {"msg": found.line}
    return fields if isinstance(fields, dict) else {"msg": found.line}
