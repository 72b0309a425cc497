"""The audit and the access log of `control.db`, as those who read them are told."""

from botcore.control.audit_port import Wanted
from botcore.control.operations import Page
from botcore.control.problems import Malformed
from botcore.control.schema.audit import AccessRecord, AuditRecord, AuditVerdict
from botcore.control.schema.values import instant
from botcore.domain.errors import ConfigError
from botcore.storage.control import AuditLog, Search, Searching
from botcore.storage.paging import Row


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
        try:
            found = await self._searching.audit(
                _search(wanted),
                is_newest=not wanted.is_oldest,
                cursor=wanted.cursor,
                limit=wanted.limit,
            )
        except ConfigError as error:
            raise _malformed(error) from error
        return Page(items=tuple(map(_entry, found.rows)), next_cursor=found.next_cursor)

    async def access(self, wanted: Wanted) -> Page[AccessRecord]:
        """Return rows of the access log.

        Raises:
            Malformed: the cursor is none of ours.
        """
        try:
            found = await self._searching.access(
                _search(wanted),
                is_newest=not wanted.is_oldest,
                cursor=wanted.cursor,
                limit=wanted.limit,
            )
        except ConfigError as error:
            raise _malformed(error) from error
        return Page(items=tuple(map(_call, found.rows)), next_cursor=found.next_cursor)

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


def _malformed(error: ConfigError) -> Malformed:
    return Malformed(code=error.code, cause=error.cause, fix=error.fix)


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
