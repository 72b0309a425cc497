"""The audit's handlers."""

from typing import Any

from botcore.control.audit_port import Records, Wanted
from botcore.control.handlers.spans import span_of
from botcore.control.handling import Context, Handling
from botcore.control.operations import Page, Request
from botcore.control.schema import audit as a


class AuditHandlers:
    """Answers what was done and asked, and whether that is what was written.

    Args:
        records: what was written down.
    """

    def __init__(self, *, records: Records) -> None:
        self._records = records

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {
            a.ListAudit: Handling(self.audit),
            a.VerifyAudit: Handling(self.verify),
            a.ListAccess: Handling(self.access),
        }

    async def audit(self, _context: Context, request: a.ListAudit) -> Page[a.AuditRecord]:
        """List entries of the audit."""
        return await self._records.audit(
            Wanted(
                actor=request.actor,
                user=request.user,
                action=request.action,
                result=request.result or "",
                text=request.text,
                correlation=request.correlation,
                span=span_of(request.start, request.end),
                limit=request.limit,
                cursor=request.cursor,
                is_oldest=request.sort is a.Sort.OLDEST,
            )
        )

    async def verify(self, _context: Context, _request: a.VerifyAudit) -> a.AuditVerdict:
        """Check the audit."""
        return await self._records.verify()

    async def access(self, _context: Context, request: a.ListAccess) -> Page[a.AccessRecord]:
        """List rows of the access log."""
        return await self._records.access(
            Wanted(
                actor=request.actor,
                action=request.route,
                result="" if request.status is None else str(request.status),
                correlation=request.correlation,
                span=span_of(request.start, request.end),
                limit=request.limit,
                cursor=request.cursor,
                is_oldest=request.sort is a.Sort.OLDEST,
            )
        )
