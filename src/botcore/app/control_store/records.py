"""The audit and the access log of `control.db`, as those who read them are told."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from botcore.control.audit_port import Wanted
from botcore.control.operations import Page
from botcore.control.problems import Malformed
from botcore.control.schema.audit import AccessRecord, AuditRecord, AuditVerdict
from botcore.control.schema.values import instant
from botcore.domain.errors import ConfigError
from botcore.storage.control import AuditLog, Search, Searching
from botcore.storage.paging import Row, Rows

T = TypeVar("T")


class SqlRecords:
    """Keeps the contract of `Records`; every method may raise `StorageError`.

    Args:
        searching: pages of both.
        log: checks the audit.
    """

    def __init__(self, searching: Searching, log: AuditLog) -> None:
        self._searching = searching
        self._log = log

    async def audit(self, wanted: Wanted) -> Page[AuditRecord]:
        """Return entries of the audit.

        Raises:
            Malformed: the cursor is none of ours.
        """
        return await _page(self._searching.audit, wanted, _entry)

    async def access(self, wanted: Wanted) -> Page[AccessRecord]:
        """Return rows of the access log.

        Raises:
            Malformed: the cursor is none of ours.
        """
        return await _page(self._searching.access, wanted, _call)

    async def verify(self) -> AuditVerdict:
        """Check the whole audit."""
        found = await self._log.verify()
        return AuditVerdict(
            entries=found.entries,
            is_whole=found.is_whole,
            first_bad=found.first_bad,
            finding=found.finding,
            hash=found.hash,
        )


async def _page(
    search: Callable[..., Awaitable[Rows]], wanted: Wanted, shown: Callable[[Row], T]
) -> Page[T]:
    try:
        found = await search(
            _search(wanted),
            is_newest=not wanted.is_oldest,
            cursor=wanted.cursor,
            limit=wanted.limit,
        )
    except ConfigError as error:
        raise Malformed(code=error.code, cause=error.cause, fix=error.fix) from error
    return Page(items=tuple(map(shown, found.rows)), next_cursor=found.next_cursor)


def _search(wanted: Wanted) -> Search:
    return Search(
        actor=wanted.actor,
        user=wanted.user,
        action=wanted.action,
        result=wanted.result,
        text=wanted.text,
        correlation=wanted.correlation,
        since=wanted.span.start,
        until=wanted.span.end,
    )


def _entry(row: Row) -> AuditRecord:
    return AuditRecord(
        seq=row["seq"],
        time=instant(row["ts"]),
        actor=row["actor"],
        user=row["user_id"],
        session=row["session"],
        address=row["address"],
        action=row["action"],
        request=row["request"],
        result=row["result"],
        code=row["code"],
        detail=row["detail"],
        correlation=row["correlation"],
    )


def _call(row: Row) -> AccessRecord:
    return AccessRecord(
        time=instant(row["ts"]),
        actor=row["actor"],
        method=row["method"],
        route=row["route"],
        status=row["status"],
        duration_ms=row["duration_ms"],
        bytes=row["size"],
        address=row["address"],
        correlation=row["correlation"],
    )
