"""The log's handler."""

from typing import Any

from botcore.control.handlers.spans import span_of
from botcore.control.handling import Context, Handling
from botcore.control.logs_port import LogSearch, SoughtLines
from botcore.control.operations import Page, Request
from botcore.control.schema import logs as s


class LogHandlers:
    """Searches the log.

    Args:
        lines: of the last days.
    """

    def __init__(self, *, lines: LogSearch) -> None:
        self._lines = lines

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {s.ListLogs: Handling(self.list)}

    async def list(self, _context: Context, request: s.ListLogs) -> Page[s.LogEntry]:
        """List lines."""
        return await self._lines.find(
            SoughtLines(
                text=request.text,
                level=request.level or "",
                event=request.event,
                service=request.service,
                correlation=request.correlation,
                span=span_of(request.start, request.end),
                limit=request.limit,
                cursor=request.cursor,
            )
        )
