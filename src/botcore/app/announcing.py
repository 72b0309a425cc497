"""What people are told without having asked: risk, strategies, jobs that have ended."""

import asyncio
from collections.abc import Iterable
from typing import Final

from botcore.app.alert_watch import Notices
from botcore.app.jobs.schedule import SYSTEM
from botcore.control.access import GRANTS, Scope
from botcore.control.identity.people import People
from botcore.control.identity.ports import User
from botcore.control.jobs_port import JobRecord
from botcore.control.schema.jobs import JobState
from botcore.domain.events import (
    Fact,
    ModeChanged,
    ProtectionLocked,
    RiskAlert,
    StrategyQuarantined,
)
from botcore.observability.monitoring import Alert

_TOLD: Final = (RiskAlert, ModeChanged, StrategyQuarantined, ProtectionLocked)
_SEVERITY: Final = {"page": "critical", "ticket": "info"}
_ENDED: Final = (JobState.DONE, JobState.FAILED)


class Announcer:
    """Turns facts and ended jobs into notifications.

    `fact` may be called from any thread; the rest on the event loop.

    Args:
        notices: keeps them and hands them on.
        people: who may read the account is told of its risk.
        loop: on which notices are kept.
    """

    def __init__(
        self, *, notices: Notices, people: People, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._notices = notices
        self._people = people
        self._loop = loop
        self._tasks: set[asyncio.Task[bool]] = set()

    def fact(self, lsn: int, fact: Fact) -> None:
        """Take a fact; those that people should hear of are told."""
        if lsn and isinstance(fact, _TOLD):
            self._loop.call_soon_threadsafe(self._tell_fact, fact)

    def job(self, record: JobRecord) -> None:
        """Take a job as it is now; its owner hears when it has ended."""
        if record.state not in _ENDED:
            return
        failed = record.state is JobState.FAILED
        detail = f": {record.detail} [{record.code}]" if failed else ""
        if record.owner == SYSTEM:
            users: Iterable[str] = self._who(Scope.READ_ACCOUNT)
        else:
            users = [record.owner]
        self._begin(
            users,
            kind="job",
            severity="warning" if failed else "info",
            code="JOB_FAILED" if failed else "JOB_DONE",
            text=f"{record.title} {'failed' if failed else 'is done'}{detail}",
            link=f"jobs/{record.id}",
        )

    def alert(self, alert: Alert) -> None:
        """Take an alert of the platform's own thresholds; operators hear when it is raised."""
        if alert.is_firing:
            self._begin(
                self._who(Scope.READ_METRICS),
                kind="system",
                severity=_SEVERITY.get(alert.severity.value, "warning"),
                code=f"ALERT_{alert.name.upper()}",
                text=alert.words,
                link="monitoring/alerts",
            )

    def _tell_fact(self, fact: Fact) -> None:
        match fact:
            case ModeChanged():
                is_worse = fact.mode.severity > fact.previous.severity
                self._begin(
                    self._who(Scope.READ_ACCOUNT),
                    kind="risk",
                    severity="critical" if is_worse else "info",
                    code="MODE_CHANGED",
                    text=f"{fact.account}: {fact.previous} → {fact.mode}, {fact.cause}",
                    link="risk/state",
                )
            case RiskAlert() if not fact.code.startswith("MODE_"):
                self._begin(
                    self._who(Scope.READ_ACCOUNT),
                    kind="risk",
                    severity="warning",
                    code=fact.code,
                    text=f"{fact.account}: {fact.detail}",
                    link="risk/state",
                )
            case StrategyQuarantined():
                self._begin(
                    self._who(Scope.READ_ACCOUNT),
                    kind="risk",
                    severity="critical",
                    code="STRATEGY_QUARANTINED",
                    text=f"{fact.strategy} is not asked any more: {fact.cause}",
                    link=f"strategies/{fact.strategy}",
                )
            case ProtectionLocked():
                self._begin(
                    self._who(Scope.READ_ACCOUNT),
                    kind="risk",
                    severity="info",
                    code="PROTECTION_LOCKED",
                    text=f"{fact.protection}: {fact.cause}",
                    link="risk/state",
                )
            case _:
                return

    def _who(self, scope: Scope) -> list[str]:
        return [user.id for user in self._people.all() if _may(user, scope)]

    def _begin(self, users: Iterable[str], **what: str) -> None:
        task = self._loop.create_task(self._notices.tell(users, **what))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _may(user: User, scope: Scope) -> bool:
    return not user.is_disabled and scope in GRANTS[user.role]
