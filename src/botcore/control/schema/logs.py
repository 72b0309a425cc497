"""The log of all processes, searched."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec

from botcore.control.access import Scope
from botcore.control.operations import Operation, Page, Query, RouteClass
from botcore.control.schema.values import PAGE_DEFAULT, Cursor, Limit

_Word = Annotated[str, msgspec.Meta(max_length=200)]


class LogLevel(StrEnum):
    """How grave a line is."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the log; secrets are cut out before it is written.

    Attributes:
        id: unique; a later line of one instant has a later one.
        time: when it was written, UTC.
        level: `debug`, `info`, `warning`, `error` or `critical`.
        event: name from the closed list of log events.
        service: which process wrote it.
        correlation: id of the call, or of the decision, that it belongs to; empty where it belongs
            to none.
        message: its text; most lines say all in event and fields.
        fields: the rest.
    """

    id: str
    time: datetime
    level: LogLevel
    event: str
    service: str
    correlation: str
    message: str
    fields: dict[str, Any]


class ListLogs(Query[Page[LogEntry]], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Search the log of all processes, newest first.

    Lines are kept for 7 days, and appear about two seconds after they were written.

    Attributes:
        text: only lines with this text, anywhere in them, whatever the case.
        level: only this level and worse ones.
        event: only this event, `order_placed`.
        service: only this process, `engine`.
        correlation: only what belongs to this call or decision.
        start, end: only from `start` on and before `end`, UTC.
        limit: how many.
        cursor: `next_cursor` of the page before.
    """

    text: _Word = ""
    level: LogLevel | None = None
    event: _Word = ""
    service: _Word = ""
    correlation: _Word = ""
    start: datetime | None = None
    end: datetime | None = None
    limit: Limit = PAGE_DEFAULT
    cursor: Cursor = ""


OPERATIONS: Final = (
    Operation(
        name="logs.list",
        request=ListLogs,
        method="GET",
        path="/logs",
        scope=Scope.ADMIN_AUDIT,
        command=("log", "search"),
        route_class=RouteClass.RESEARCH,
        cost=2,
        problems=("CURSOR_MALFORMED", "RANGE_EMPTY", "TIME_WITHOUT_ZONE"),
        examples=(
            ListLogs(),
            ListLogs(correlation="9f2c41d07a5be813"),
            ListLogs(level=LogLevel.WARNING, service="engine", limit=20),
        ),
    ),
)
