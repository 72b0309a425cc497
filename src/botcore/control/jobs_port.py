"""What handlers need of jobs: to ask for one, to look at them, to stop and forget them."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from botcore.control.operations import Page
from botcore.control.schema.jobs import JobState


class JobRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it is kept; instants are nanoseconds since 1970, 0 where there was none yet.

    Attributes:
        request: what it was asked, as JSON values; a worker needs nothing else.
        result: what came out, as JSON values; None until it is done.
        done, total: how far it is, in its own units; 0 where it cannot tell.
        run_key: names one run of a schedule, or one act of somebody, so that it is made once.
    """

    id: str
    kind: str
    title: str
    owner: str
    state: JobState
    request: dict[str, Any]
    result: dict[str, Any] | None = None
    done: int = 0
    total: int = 0
    attempts: int = 0
    created_at: int = 0
    started_at: int = 0
    ended_at: int = 0
    code: str = ""
    detail: str = ""
    run_key: str = ""


class Jobs(Protocol):
    """The jobs of this platform."""

    async def submit(
        self,
        *,
        kind: str,
        title: str,
        owner: str,
        request: Mapping[str, Any],
        run_key: str = "",
    ) -> JobRecord:
        """Keep a job, durably; it begins when its turn comes. A known run key returns its job.

        Raises:
            TooMany: the owner has too many that have not ended.
            StorageError: it cannot be kept.
        """
        ...

    async def get(self, job: str) -> JobRecord | None:
        """Return a job; None where there is none."""
        ...

    async def page(
        self, *, owner: str | None, state: JobState | None, kind: str, limit: int, cursor: str
    ) -> Page[JobRecord]:
        """Return jobs, newest first; `owner` None is everybody's."""
        ...

    async def log(self, job: str, lines: int) -> tuple[str, ...]:
        """Return the last lines that a job said, oldest first."""
        ...

    async def cancel(self, job: str) -> JobRecord:
        """Stop a job that has not ended; return it when it has."""
        ...

    async def forget(self, job: str) -> None:
        """Remove a job that has ended, with its log."""
        ...
