"""What the handlers of the audit need: to search what was written, and to check it."""

from typing import Protocol

import msgspec

from botcore.control.history_port import Span
from botcore.control.operations import Page
from botcore.control.schema.audit import AccessRecord, AuditRecord, AuditVerdict


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for; empty is no filter.

    Attributes:
        actor: name of who did it.
        user: id of the user who answers for it; of the audit only.
        action: name of the operation; of the access log the route.
        result: of the audit what came of it; of the access log the status.
        text: what the detail contains; of the audit only.
        correlation: id of a call.
        limit, cursor: how many, and where the page before ended.
        is_oldest: the oldest first; else the newest.
    """

    actor: str = ""
    user: str = ""
    action: str = ""
    result: str = ""
    text: str = ""
    correlation: str = ""
    span: Span = Span()
    limit: int
    cursor: str = ""
    is_oldest: bool = False


class Records(Protocol):
    """What was written down. Every method may raise StorageError."""

    async def audit(self, wanted: Wanted) -> Page[AuditRecord]:
        """Return entries of the audit.

        Raises:
            Malformed: the cursor is none of ours.
        """
        ...

    async def access(self, wanted: Wanted) -> Page[AccessRecord]:
        """Return rows of the access log; raises as `audit`."""
        ...

    async def verify(self) -> AuditVerdict:
        """Check the whole audit."""
        ...
