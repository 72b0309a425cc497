"""The audit and the access log: who did what, who was refused it, and who asked for what."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec

from botcore.control.access import Scope
from botcore.control.operations import Operation, Page, Query, RouteClass
from botcore.control.schema.values import PAGE_DEFAULT, Cursor, Limit

_Name = Annotated[str, msgspec.Meta(max_length=200)]
_Route = Annotated[str, msgspec.Meta(max_length=200, description="template of a route")]
_Status = Annotated[int, msgspec.Meta(ge=100, le=599)]


class AuditResult(StrEnum):
    """What came of an act."""

    ASKED = "asked"
    """It was about to be carried out; an entry with what came of it follows."""
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class Sort(StrEnum):
    """In which order entries are listed."""

    NEWEST = "newest"
    OLDEST = "oldest"


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the audit.

    Attributes:
        seq: its number; they are without gaps.
        time: when it was written down, UTC.
        actor: who: `person:alice`, `key:ab12cd34`, `local:root`, `system` or `stranger`.
        user: id of the user who answers for it; empty for strangers and the machine.
        session: id of the session or key.
        address: where from.
        action: the operation.
        request: what was asked, secrets struck out.
        result: `asked`, `done`, `refused` or `failed`.
        code: why, where it was not done.
        detail: the same in words; and of a change what it was before and after.
        correlation: id of the call.
    """

    seq: int
    time: datetime
    actor: str
    user: str
    session: str
    address: str
    action: str
    request: dict[str, Any]
    result: str
    code: str
    detail: str
    correlation: str


class AuditVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the audit is what was written.

    Attributes:
        entries: how many were checked.
        is_whole: none was edited, deleted, inserted or swapped, and the end is not missing.
        first_bad: number of the first entry that is wrong or missing; None where all is well.
        finding: what is wrong, in words.
        hash: of the last good entry: note it elsewhere to prove later that nothing before changed.
    """

    entries: int
    is_whole: bool
    first_bad: int | None
    finding: str
    hash: str


class AccessRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One call that changed nothing.

    Attributes:
        time: when it began, UTC.
        actor: who, as in the audit.
        method, route: what was called; the template, not the path.
        status: of HTTP.
        duration_ms: from the request to the end of the answer.
        bytes: of the answer.
        address: where from.
        correlation: id of the call.
    """

    time: datetime
    actor: str
    method: str
    route: str
    status: int
    duration_ms: float
    bytes: int
    address: str
    correlation: str


class ListAudit(Query[Page[AuditRecord]], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """List who did what, or was refused it, newest first.

    Attributes:
        actor: only what this one did, `person:alice`.
        user: only what this user answers for, by id.
        action: only this operation, `orders.place`.
        result: only what came to this.
        text: only where the detail contains it, in this spelling: `order_frac`.
        correlation: only this call.
        start, end: only from `start` on and before `end`, UTC.
        sort: `newest` or `oldest` first.
        limit: how many.
        cursor: `next_cursor` of the page before.
    """

    actor: _Name = ""
    user: _Name = ""
    action: _Name = ""
    result: AuditResult | None = None
    text: _Name = ""
    correlation: _Name = ""
    start: datetime | None = None
    end: datetime | None = None
    sort: Sort = Sort.NEWEST
    limit: Limit = PAGE_DEFAULT
    cursor: Cursor = ""


class VerifyAudit(Query[AuditVerdict], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Check that no entry of the audit was edited, deleted, inserted or swapped."""


class ListAccess(Query[Page[AccessRecord]], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """List who asked for what: one row for each call that the audit does not hold, newest first.

    Rows are kept for 30 days, and appear about a second after the call.

    Attributes:
        actor: only what this one asked, `person:alice`.
        route: only this route, `/api/v1/trading/orders`.
        status: only what was answered with it.
        correlation: only this call.
        start, end: only from `start` on and before `end`, UTC.
        sort: `newest` or `oldest` first.
        limit: how many.
        cursor: `next_cursor` of the page before.
    """

    actor: _Name = ""
    route: _Route = ""
    status: _Status | None = None
    correlation: _Name = ""
    start: datetime | None = None
    end: datetime | None = None
    sort: Sort = Sort.NEWEST
    limit: Limit = PAGE_DEFAULT
    cursor: Cursor = ""


_PROBLEMS: Final = ("CURSOR_MALFORMED", "RANGE_EMPTY", "TIME_WITHOUT_ZONE")

OPERATIONS: Final = (
    Operation(
        name="audit.list",
        request=ListAudit,
        method="GET",
        path="/audit",
        scope=Scope.ADMIN_AUDIT,
        command=("audit", "list"),
        problems=_PROBLEMS,
        examples=(
            ListAudit(),
            ListAudit(actor="person:alice", result=AuditResult.REFUSED, limit=20),
            ListAudit(action="risk.set-limits", text="order_frac"),
        ),
    ),
    Operation(
        name="audit.verify",
        request=VerifyAudit,
        method="GET",
        path="/audit/verification",
        scope=Scope.ADMIN_AUDIT,
        command=("audit", "verify"),
        route_class=RouteClass.RESEARCH,
        cost=10,
        examples=(VerifyAudit(),),
    ),
    Operation(
        name="access.list",
        request=ListAccess,
        method="GET",
        path="/access",
        scope=Scope.ADMIN_AUDIT,
        command=("access", "list"),
        problems=_PROBLEMS,
        examples=(ListAccess(), ListAccess(status=403, limit=20)),
    ),
)
