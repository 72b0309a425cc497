"""What the handler of the log needs: to search what every process has logged."""

from typing import Protocol

import msgspec

from botcore.control.history_port import Span
from botcore.control.operations import Page
from botcore.control.schema.logs import LogEntry


class SoughtLines(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for; empty is no filter. As of `ListLogs`."""

    text: str = ""
    level: str = ""
    event: str = ""
    service: str = ""
    correlation: str = ""
    span: Span = Span()
    limit: int
    cursor: str = ""


class LogSearch(Protocol):
    """The lines of the last days."""

    async def find(self, sought: SoughtLines) -> Page[LogEntry]:
        """Return lines, the newest first.

        Raises:
            Malformed: the cursor is none of ours.
            StorageError: they cannot be read.
        """
        ...
