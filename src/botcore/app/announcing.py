"""What people are told without having asked: risk, strategies, jobs that have ended."""

import asyncio
from collections.abc import Iterable
from typing import Final, assert_never

import msgspec
import structlog

from botcore.app.fact_feed import Lost
from botcore.app.jobs.schedule import SYSTEM
from botcore.app.notices import Notices
from botcore.control.access import GRANTS, Scope
from botcore.control.identity.people import People
from botcore.control.identity.ports import User
from botcore.control.jobs_port import JobRecord
from botcore.control.schema.jobs import JobState
from botcore.control.schema.values import instant
from botcore.domain.errors import StorageError
from botcore.domain.events import (
    Fact,
    ModeChanged,
    ProtectionLocked,
    RiskAlert,
    StrategyQuarantined,
)
from botcore.kernel.clock import Clock
from botcore.observability.monitoring import Alert
from botcore.storage import FoundFacts, Store, head_lsn, newest_facts
from botcore.storage.control import Told

_TOLD: Final = (RiskAlert, ModeChanged, StrategyQuarantined, ProtectionLocked)
_SEVERITY: Final = {"page": "critical", "ticket": "info"}
_ENDED: Final = (JobState.DONE, JobState.FAILED)
_JOURNAL: Final = "journal"
_MOST: Final = 200
"""Facts told at a time: of the thousand notifications that are kept for each person, most are to
stay what they were."""
_AT_ONCE: Final = 20
_BEAT_S: Final = 60.0
_AGAIN_S: Final = 5.0


class _Words(msgspec.Struct, frozen=True, kw_only=True):
    """What people are told of a fact."""

    severity: str
    code: str
    text: str
    link: str = "risk/state"


class Announcer:
    """Turns facts and ended jobs into notifications.

    Facts are told from the journal, from where they were told last: each once, also those of a time
    at which nobody listened. What is heard of them only says that it is time to look. `fact` and
    `lost` may be called from any thread; the rest on the event loop.

    Args:
        notices: keeps them and hands them on.
        people: who may read the account is told of its risk.
        journal: the engine's store, which is only read.
        clock: dates notifications and wakes the announcer.
        loop: on which notices are kept.
    """

    def __init__(
        self,
        *,
        notices: Notices,
        people: People,
        journal: Store,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._notices = notices
        self._people = people
        self._journal = journal
        self._clock = clock
        self._loop = loop
        self._is_due = asyncio.Event()
        self._has_caught_up = False
        self._has_failed = False
        self._tasks: set[asyncio.Task[bool]] = set()
        self._log = structlog.get_logger("notices")

    def fact(self, lsn: int, fact: Fact) -> None:
        """Hear a fact; if people should hear of it, too, the journal is looked at."""
        if lsn and isinstance(fact, _TOLD):
            self._loop.call_soon_threadsafe(self._is_due.set)

    def lost(self, _lost: Lost) -> None:
        """Hear that facts did not come: they stand in the journal."""
        self._loop.call_soon_threadsafe(self._is_due.set)

    async def run(self) -> None:
        """Tell what happened meanwhile, and then what happens, until cancelled."""
        self._is_due.set()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._beat(), name="announcing-beat")
            while True:
                await self._is_due.wait()
                self._is_due.clear()
                if not await self.look():
                    await self._clock.sleep(_AGAIN_S)
                    self._is_due.set()

    async def look(self) -> bool:
        """Tell what stands in the journal and was not told; return whether that succeeded."""
        try:
            await self._tell_facts()
        except StorageError as error:
            if not self._has_failed:  # one line, however long it lasts
                self._log.warning("notices_wait", code=error.code, cause=error.cause, fix=error.fix)
            self._has_failed = True
            return False
        self._has_failed = False
        self._has_caught_up = True
        return True

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

    async def _tell_facts(self) -> None:
        known = await self._notices.announced(_JOURNAL)
        head = await asyncio.to_thread(head_lsn, self._journal)
        if known is None or known > head:
            # A store that is told of for the first time, or one that was restored from before:
            # what it holds was told, or nobody knows.
            await self._notices.announce_from(_JOURNAL, head)
            return
        if known == head:
            return
        found = await asyncio.to_thread(newest_facts, self._journal, _TOLD, after=known, most=_MOST)
        users = self._who(Scope.READ_ACCOUNT)
        left_out = _left_out(found)
        if left_out is not None:
            before = found.facts[0][0] - 1 if found.facts else found.head
            told = self._told(users, before, left_out)
            await self._notices.announce(_JOURNAL, told, upto=before)
        for first in range(0, len(found.facts), _AT_ONCE):
            some = found.facts[first : first + _AT_ONCE]
            told = [
                each
                for lsn, fact in some
                if (words := self._words(fact)) is not None
                for each in self._told(users, lsn, words)
            ]
            await self._notices.announce(_JOURNAL, told, upto=some[-1][0])
        await self._notices.announce(_JOURNAL, (), upto=found.head)

    def _words(self, fact: Fact) -> _Words | None:
        """Return what is told of a fact; who hears it late is told when it was."""
        if not isinstance(fact, _TOLD):
            return None
        words = _of_fact(fact)
        if words is None or self._has_caught_up:
            return words
        when = f"{instant(fact.ts):%Y-%m-%d %H:%M:%S} UTC"
        return msgspec.structs.replace(words, text=f"{words.text} (at {when})")

    def _told(self, users: Iterable[str], lsn: int, words: _Words) -> list[tuple[int, Told]]:
        now = self._clock.now_ns()
        return [
            (
                lsn,
                Told(
                    user_id=user,
                    kind="risk",
                    severity=words.severity,
                    code=words.code,
                    text=words.text,
                    link=words.link,
                    created_at=now,
                ),
            )
            for user in users
        ]

    async def _beat(self) -> None:
        """Look now and then, so that the next start has little to look through."""
        while True:
            await self._clock.sleep(_BEAT_S)
            self._is_due.set()

    def _who(self, scope: Scope) -> list[str]:
        return [user.id for user in self._people.all() if _may(user, scope)]

    def _begin(self, users: Iterable[str], **what: str) -> None:
        task = self._loop.create_task(self._notices.tell(users, **what))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _of_fact(
    fact: RiskAlert | ModeChanged | StrategyQuarantined | ProtectionLocked,
) -> _Words | None:
    match fact:
        case ModeChanged():
            is_worse = fact.mode.severity > fact.previous.severity
            return _Words(
                severity="critical" if is_worse else "info",
                code="MODE_CHANGED",
                text=f"{fact.account}: {fact.previous} → {fact.mode}, {fact.cause}",
            )
        case RiskAlert():
            if fact.code.startswith("MODE_"):
                return None  # the change itself is told
            return _Words(severity="warning", code=fact.code, text=f"{fact.account}: {fact.detail}")
        case StrategyQuarantined():
            return _Words(
                severity="critical",
                code="STRATEGY_QUARANTINED",
                text=f"{fact.strategy} is not asked any more: {fact.cause}",
                link=f"strategies/{fact.strategy}",
            )
        case ProtectionLocked():
            return _Words(
                severity="info",
                code="PROTECTION_LOCKED",
                text=f"{fact.protection}: {fact.cause}",
            )
        case _:
            assert_never(fact)


def _left_out(found: FoundFacts) -> _Words | None:
    """Return the line that stands for what came before the facts that are told one by one."""
    parts = []
    if found.earlier:
        parts.append(f"{found.earlier} further changes of mode, alerts and locks")
    if found.unseen:
        parts.append(f"{found.unseen} records that are too many to look through")
    if not parts:
        return None
    return _Words(
        severity="warning",
        code="NOTICES_LEFT_OUT",
        text=f"{' and '.join(parts)} came earlier, while nobody was told: see the list of alerts",
        link="monitoring/alerts",
    )


def _may(user: User, scope: Scope) -> bool:
    return not user.is_disabled and scope in GRANTS[user.role]
