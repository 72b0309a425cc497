"""Jobs: work that takes a while; asked for once, done in a process of its own, kept."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec

from botcore.control.access import Scope
from botcore.control.operations import Act, Confirm, Done, Operation, Page, Query, RouteClass
from botcore.control.schema.values import Cursor, Limit

JobId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]{8,32}\Z")]


class JobState(StrEnum):
    """How far a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job.

    Attributes:
        kind: ``backtest``, ``replay``, ``strategy check``, ``import``, ``fetch``, ``data check`` or
            ``daily report``.
        title: what it does, in words.
        owner: who asked for it.
        progress: 0..1; None where it cannot tell.
        done, total: the same in its own units; 0 where it cannot tell.
        attempts: how often it was begun; after a restart it begins again, three times at most.
        code, detail: why it failed, or where it stands.
    """

    id: str
    kind: str
    title: str
    owner: str
    state: JobState
    progress: float | None
    done: int
    total: int
    attempts: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    code: str = ""
    detail: str = ""


class JobResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a job was asked, and what came out; `result` is None until it is done."""

    job: Job
    request: dict[str, Any]
    result: dict[str, Any] | None


class JobLog(msgspec.Struct, frozen=True, kw_only=True):
    """The last lines that a job said, oldest first."""

    lines: tuple[str, ...]


class ListJobs(Query[Page[Job]], frozen=True, kw_only=True):
    """List one's own jobs, newest first; an administrator sees everybody's.

    Attributes:
        state, kind: only those.
        everyone: also other people's; needs `admin:system`.
    """

    state: JobState | None = None
    kind: Annotated[str, msgspec.Meta(max_length=32)] = ""
    everyone: bool = False
    limit: Limit = 100
    cursor: Cursor = ""


class ReadJob(Query[JobResult], frozen=True, kw_only=True):
    """Show a job: how far it is, and its result."""

    id: JobId


class ReadJobLog(Query[JobLog], frozen=True, kw_only=True):
    """Show what a job has said."""

    id: JobId
    lines: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 100


class CancelJob(Act[Job], frozen=True, kw_only=True):
    """Stop a job; what it has stored whole stays."""

    id: JobId


class DeleteJob(Act[Done], frozen=True, kw_only=True):
    """Forget a job that has ended; what it made (a run, candles) stays."""

    id: JobId


_ID: Final = "k3v9x2m4q8"

OPERATIONS: Final = (
    Operation(
        name="jobs.list",
        request=ListJobs,
        method="GET",
        path="jobs",
        scope=Scope.READ_ACCOUNT,
        command=("jobs", "list"),
        problems=("NOT_ALLOWED",),
        examples=(ListJobs(), ListJobs(state=JobState.RUNNING)),
    ),
    Operation(
        name="jobs.show",
        request=ReadJob,
        method="GET",
        path="jobs/{id}",
        scope=Scope.READ_ACCOUNT,
        command=("jobs", "show"),
        positional=("id",),
        problems=("JOB_UNKNOWN",),
        examples=(ReadJob(id=_ID),),
    ),
    Operation(
        name="jobs.log",
        request=ReadJobLog,
        method="GET",
        path="jobs/{id}/log",
        scope=Scope.READ_ACCOUNT,
        command=("jobs", "log"),
        positional=("id",),
        problems=("JOB_UNKNOWN",),
        examples=(ReadJobLog(id=_ID),),
    ),
    Operation(
        name="jobs.cancel",
        request=CancelJob,
        method="POST",
        path="jobs/{id}/cancel",
        scope=Scope.RUN_JOBS,
        command=("jobs", "cancel"),
        positional=("id",),
        route_class=RouteClass.ACT,
        problems=("JOB_UNKNOWN", "JOB_ENDED"),
        examples=(CancelJob(id=_ID),),
    ),
    Operation(
        name="jobs.delete",
        request=DeleteJob,
        method="DELETE",
        path="jobs/{id}",
        scope=Scope.RUN_JOBS,
        command=("jobs", "delete"),
        positional=("id",),
        confirm=Confirm.ALWAYS,
        route_class=RouteClass.ACT,
        problems=("JOB_UNKNOWN", "JOB_RUNNING"),
        examples=(DeleteJob(id=_ID),),
    ),
)
