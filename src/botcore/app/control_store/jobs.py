"""Jobs in `control.db`, as who runs them wants them kept."""

import msgspec

from botcore.control.jobs_port import JobRecord
from botcore.control.operations import Page
from botcore.control.schema.jobs import JobState
from botcore.storage.control import Job, JobStore


class SqlJobs:
    """Keeps the contract of `app.jobs.ports.JobKeeping`.

    Args:
        store: of jobs.
    """

    def __init__(self, store: JobStore) -> None:
        self._store = store

    async def put(self, record: JobRecord) -> JobRecord:
        """Keep a new job; one with a run key that is known is not kept, and that one returned."""
        return _record(await self._store.put(_job(record)))

    async def update(self, record: JobRecord) -> None:
        """Keep what has become of a job."""
        await self._store.update(_job(record))

    async def get(self, job: str) -> JobRecord | None:
        """Return a job."""
        found = await self._store.get(job)
        return None if found is None else _record(found)

    async def page(
        self, *, owner: str | None, state: JobState | None, kind: str, limit: int, cursor: str
    ) -> Page[JobRecord]:
        """Return jobs, newest first.

        Raises:
            ConfigError: the cursor is none of ours.
        """
        found = await self._store.page(
            owner=owner,
            states=() if state is None else (state.value,),
            kinds=(kind,) if kind else (),
            cursor=cursor,
            limit=limit,
        )
        return Page(items=tuple(_record(job) for job in found.jobs), next_cursor=found.next_cursor)

    async def unfinished(self) -> list[JobRecord]:
        """Return the jobs that have not ended, oldest first."""
        return [_record(job) for job in await self._store.unfinished()]

    async def say(self, job: str, lines: list[str], *, most: int) -> None:
        """Add lines to a job's log, of which the last `most` stay."""
        await self._store.say(job, lines, most=most)

    async def log(self, job: str, lines: int) -> tuple[str, ...]:
        """Return the last lines, oldest first."""
        return await self._store.log(job, lines)

    async def forget(self, job: str) -> None:
        """Remove a job with its log."""
        await self._store.forget(job)


def _job(record: JobRecord) -> Job:
    fields = msgspec.structs.asdict(record)
    result = None if record.result is None else msgspec.json.encode(record.result).decode()
    return Job(
        **{
            **fields,
            "state": record.state.value,
            "request": msgspec.json.encode(record.request).decode(),
            "result": result,
            "run_key": record.run_key or None,
        }
    )


def _record(job: Job) -> JobRecord:
    fields = msgspec.structs.asdict(job)
    return JobRecord(
        **{
            **fields,
            "state": JobState(job.state),
            "request": msgspec.json.decode(job.request),
            "result": None if job.result is None else msgspec.json.decode(job.result),
            "run_key": job.run_key or "",
        }
    )
