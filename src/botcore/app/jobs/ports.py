"""What the runner needs of the store that keeps its jobs."""

from typing import Protocol

from botcore.control.jobs_port import JobRecord
from botcore.control.operations import Page
from botcore.control.schema.jobs import JobState


class JobWriting(Protocol):
    """Where what became of a job is kept."""

    async def update(self, record: JobRecord) -> None:
        """Keep what has become of a job.

        Raises:
            StorageError: it cannot be written.
        """
        ...

    async def say(self, job: str, lines: list[str], *, most: int) -> None:
        """Add lines to a job's log, of which the last `most` stay.

        Raises:
            StorageError: they cannot be written.
        """
        ...


class JobKeeping(JobWriting, Protocol):
    """Where jobs are kept, durably when a function returns; each may raise `StorageError`."""

    async def put(self, record: JobRecord) -> JobRecord:
        """Keep a new job; one with a run key that is known is not kept, and that one returned."""
        ...

    async def get(self, job: str) -> JobRecord | None:
        """Return a job."""
        ...

    async def page(
        self, *, owner: str | None, state: JobState | None, kind: str, limit: int, cursor: str
    ) -> Page[JobRecord]:
        """Return jobs, newest first."""
        ...

    async def unfinished(self) -> list[JobRecord]:
        """Return the jobs that have not ended, oldest first."""
        ...

    async def log(self, job: str, lines: int) -> tuple[str, ...]:
        """Return the last lines, oldest first."""
        ...

    async def forget(self, job: str) -> None:
        """Remove a job with its log."""
        ...
