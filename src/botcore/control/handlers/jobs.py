"""Handlers of jobs: one's own; an administrator's are everybody's."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from botcore.control.access import Actor, Scope
from botcore.control.handling import Context, Effect, Handling
from botcore.control.jobs_port import JobRecord, Jobs
from botcore.control.operations import Act, Done, Page, Request
from botcore.control.problems import Conflict, Forbidden, NotFound
from botcore.control.schema import jobs as j
from botcore.control.schema.values import instant

ENDED = (j.JobState.DONE, j.JobState.FAILED, j.JobState.CANCELLED)


class JobHandlers:
    """Answers and acts on jobs.

    Args:
        jobs: where they are kept and run.
    """

    def __init__(self, *, jobs: Jobs) -> None:
        self._jobs = jobs

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {
            j.ListJobs: Handling(self.list),
            j.ReadJob: Handling(self.show),
            j.ReadJobLog: Handling(self.log),
            j.CancelJob: Handling(self.cancel),
            j.DeleteJob: Handling(self.delete, self.effect_of_delete),
        }

    async def list(self, context: Context, request: j.ListJobs) -> Page[j.Job]:
        """List jobs."""
        if request.everyone and not context.actor.may(Scope.ADMIN_SYSTEM):
            raise Forbidden(
                code="NOT_ALLOWED",
                cause=f"other people's jobs need the scope {Scope.ADMIN_SYSTEM}",
                fix="leave out `everyone`",
                details={"scope": Scope.ADMIN_SYSTEM},
            )
        found = await self._jobs.page(
            owner=None if request.everyone else owner_of(context.actor),
            state=request.state,
            kind=request.kind,
            limit=request.limit,
            cursor=request.cursor,
        )
        return Page(items=tuple(shown(each) for each in found.items), next_cursor=found.next_cursor)

    async def show(self, context: Context, request: j.ReadJob) -> j.JobResult:
        """Show one with its result."""
        found = await self._own(context.actor, request.id)
        return j.JobResult(job=shown(found), request=found.request, result=found.result)

    async def log(self, context: Context, request: j.ReadJobLog) -> j.JobLog:
        """Show what it has said."""
        await self._own(context.actor, request.id)
        return j.JobLog(lines=await self._jobs.log(request.id, request.lines))

    async def cancel(self, context: Context, request: j.CancelJob) -> j.Job:
        """Stop it."""
        found = await self._own(context.actor, request.id)
        if found.state in ENDED:
            raise Conflict(
                code="JOB_ENDED", cause=f"the job has ended: {found.state}", fix="nothing is left"
            )
        return shown(await self._jobs.cancel(request.id))

    async def delete(self, context: Context, request: j.DeleteJob) -> Done:
        """Forget it."""
        found = await self._own(context.actor, request.id)
        if found.state not in ENDED:
            raise Conflict(
                code="JOB_RUNNING", cause=f"the job is {found.state}", fix="cancel it first"
            )
        await self._jobs.forget(request.id)
        return Done(detail=f"job {request.id} is forgotten")

    async def effect_of_delete(self, context: Context, request: j.DeleteJob) -> Effect:
        """Say what is forgotten."""
        found = await self._own(context.actor, request.id)
        return Effect(f"Forget the job {found.title!r} and its log; what it made stays")

    async def _own(self, actor: Actor, job: str) -> JobRecord:
        found = await self._jobs.get(job)
        is_his = found is not None and (
            found.owner == owner_of(actor) or actor.may(Scope.ADMIN_SYSTEM)
        )
        if found is None or not is_his:
            raise NotFound(
                code="JOB_UNKNOWN", cause=f"there is no job {job!r}", fix="see GET /api/v1/jobs"
            )
        return found


def owner_of(actor: Actor) -> str:
    """Return to whom a job belongs: the user, also when a key of his asked for it."""
    return actor.user or actor.name


def run_key_of(context: Context, kind: str, request: Mapping[str, Any]) -> str:
    """Return what names a job that somebody asks for: the same where the same act comes again."""
    content = msgspec.json.encode([kind, request], order="deterministic")
    return f"{context.reference}/{hashlib.sha256(content).hexdigest()[:16]}"


async def submitted(
    jobs: Jobs, context: Context, kind: str, title: str, request: Act[j.Job]
) -> j.Job:
    """Ask for the job that a request describes; the same act come again finds its own."""
    asked: Mapping[str, Any] = msgspec.to_builtins(request)
    record = await jobs.submit(
        kind=kind,
        title=title,
        owner=owner_of(context.actor),
        request=asked,
        run_key=run_key_of(context, kind, asked),
    )
    return shown(record)


def shown(record: JobRecord) -> j.Job:
    """Return a job as people see it."""
    return j.Job(
        id=record.id,
        kind=record.kind,
        title=record.title,
        owner=record.owner,
        state=record.state,
        progress=min(1.0, record.done / record.total) if record.total else None,
        done=record.done,
        total=record.total,
        attempts=record.attempts,
        created_at=instant(record.created_at),
        started_at=instant(record.started_at) if record.started_at else None,
        ended_at=instant(record.ended_at) if record.ended_at else None,
        code=record.code,
        detail=record.detail,
    )
