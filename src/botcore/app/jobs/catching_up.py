"""What became of jobs, kept even where the store is away for a while: written once it answers."""

import asyncio
from typing import Final

import structlog

from botcore.app.jobs.ports import JobWriting
from botcore.control.jobs_port import JobRecord
from botcore.domain.errors import StorageError
from botcore.kernel.clock import Clock

_AGAIN_S: Final = 1.0


class CatchingUp:
    """Keeps the newest of each job in memory until it is written; used on one event loop.

    A job is not worth less because its store was away for a moment: it goes on, and its end is
    written as soon as that can be. What is lost with the process is taken up by the next start,
    which finds the job as it was last written.

    Args:
        writing: the store.
        clock: waits between two tries.
    """

    def __init__(self, writing: JobWriting, *, clock: Clock) -> None:
        self._writing = writing
        self._clock = clock
        self._behind: dict[str, JobRecord] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._is_behind = asyncio.Event()
        self._unsaid: dict[str, int] = {}
        self._log = structlog.get_logger("jobs")

    def newest(self, job: str) -> JobRecord | None:
        """Return a job that the store does not have like this yet; None of any other."""
        return self._behind.get(job)

    async def keep(self, record: JobRecord) -> None:
        """Have a job written, now or once the store answers."""
        self._behind[record.id] = record
        if not await self._write(record.id):
            self._is_behind.set()

    async def say(self, job: str, text: str, *, most: int) -> None:
        """Add a line to a job's log; while the store is away lines are counted, and lost."""
        missing = self._unsaid.get(job, 0)
        lost = [f"({missing} lines could not be kept)"] if missing else []
        try:
            await self._writing.say(job, [*lost, text], most=most)
        except StorageError as error:
            if not missing:
                self._log.warning("job_line_lost", job=job, code=error.code, cause=error.cause)
            self._unsaid[job] = missing + 1
        else:
            self._unsaid.pop(job, None)

    def forget(self, job: str) -> None:
        """Write nothing more of a job."""
        self._behind.pop(job, None)

    async def run(self) -> None:
        """Write what could not be written, again and again, until cancelled."""
        while True:
            await self._is_behind.wait()
            await self._clock.sleep(_AGAIN_S)
            self._is_behind.clear()
            if not await self.catch_up():
                self._is_behind.set()

    async def catch_up(self) -> bool:
        """Write what was not written, once; return whether all of it was."""
        return all([await self._write(job) for job in list(self._behind)])

    async def _write(self, job: str) -> bool:
        """Write the newest of a job, one after the other: an older one never overtakes it."""
        lock = self._locks.setdefault(job, asyncio.Lock())
        async with lock:
            record = self._behind.get(job)
            if record is None:
                return True
            try:
                await self._writing.update(record)
            except StorageError as error:
                self._log.error("job_not_kept", job=job, code=error.code, cause=error.cause)
                return False
            if self._behind.get(job) is record:
                del self._behind[job]
                if record.ended_at:
                    self._locks.pop(job, None)
                    self._unsaid.pop(job, None)
        return True
