"""What is read, and who is refused, before an operation is reached: rows and audit entries."""

import asyncio
from typing import Final

from botcore.api.limits import RateLimits, caller_of
from botcore.app.control_store.access_rows import SqlAccessRows
from botcore.control.access import Actor, ActorKind
from botcore.control.operations import RouteClass
from botcore.control.ports import AuditEntry, AuditTrail
from botcore.domain.errors import BotError, StorageError

_REFUSED: Final = "refused"
_WRITING_MAX: Final = 256
"""Refusals that may wait for the store; more are kept as lost, and told with the next entry."""


class RefusalsNoted:
    """Writes refusals into the audit without anybody waiting for it; on the event loop.

    Args:
        audit: takes the entries.
    """

    def __init__(self, audit: AuditTrail) -> None:
        self._audit = audit
        self._writing: set[asyncio.Task[None]] = set()

    def note(self, actor: Actor, action: str, error: BotError, *, correlation: str = "") -> None:
        """Write down that somebody was refused; never waits and never raises."""
        entry = AuditEntry(
            actor=actor.name,
            user=actor.user,
            session=actor.session,
            address=actor.address,
            action=action,
            request={},
            result=_REFUSED,
            code=error.code,
            detail=error.cause,
            correlation=correlation,
        )
        if len(self._writing) >= _WRITING_MAX:
            self._audit.lost(entry, _too_many())
            return
        task = asyncio.get_running_loop().create_task(self._written(entry))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _written(self, entry: AuditEntry) -> None:
        try:
            await self._audit.append(entry)
        except StorageError as error:
            self._audit.lost(entry, error)


class EdgeWatch:
    """Implements `api.ports.EdgeWatch`.

    A stranger's refusals are paid for from what strangers at that address may spend: who knocks
    more often has a row for each knock, and no entry, so that no flood fills the audit.

    Args:
        rows: the access log.
        refusals: writes entries.
        limits: what strangers pay from; None for no limit.
    """

    def __init__(
        self, rows: SqlAccessRows, refusals: RefusalsNoted, limits: RateLimits | None = None
    ) -> None:
        self._rows = rows
        self._refusals = refusals
        self._limits = limits

    def shown(
        self,
        actor: Actor,
        *,
        method: str,
        route: str,
        status: int,
        correlation: str,
        seconds: float,
        size: int,
    ) -> None:
        """Take down a call that no operation answered."""
        self._rows.shown(
            actor,
            method=method,
            route=route,
            status=status,
            correlation=correlation,
            seconds=seconds,
            size=size,
        )

    def refused(
        self, actor: Actor, action: str, error: BotError, *, correlation: str, is_paid: bool
    ) -> None:
        """Write a refusal into the audit."""
        if is_paid or actor.kind is not ActorKind.STRANGER or self._may_spend(actor):
            self._refusals.note(actor, action, error, correlation=correlation)

    def _may_spend(self, actor: Actor) -> bool:
        limits = self._limits
        return limits is None or limits.decide(caller_of(actor), RouteClass.READ).is_allowed


def _too_many() -> StorageError:
    return StorageError(
        code="AUDIT_BEHIND",
        cause=f"{_WRITING_MAX} refusals wait for the store already",
        fix="nothing: it is told with the next entry",
    )
