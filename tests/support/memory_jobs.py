"""Jobs kept in memory, as the control store keeps them."""

from __future__ import annotations

from botcore.control.handlers.paging import page_of
from botcore.control.jobs_port import JobRecord
from botcore.control.operations import Page
from botcore.control.schema.jobs import JobState

ENDED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class MemoryJobs:
    def __init__(self) -> None:
        self.records: dict[str, JobRecord] = {}
        self.lines: dict[str, list[str]] = {}

    async def put(self, record: JobRecord) -> JobRecord:
        for known in self.records.values():
            if record.run_key and known.run_key == record.run_key:
                return known
        self.records[record.id] = record
        return record

    async def update(self, record: JobRecord) -> None:
        self.records[record.id] = record

    async def get(self, job: str) -> JobRecord | None:
        return self.records.get(job)

    async def page(
        self, *, owner: str | None, state: JobState | None, kind: str, limit: int, cursor: str
    ) -> Page[JobRecord]:
        found = [
            each
            for each in self.records.values()
            if owner in (None, each.owner)
            and state in (None, each.state)
            and kind in ("", each.kind)
        ]
        return page_of(
            found,
            key=lambda each: f"{each.created_at:020d} {each.id}",
            limit=limit,
            cursor=cursor,
            is_newest=True,
        )

    async def unfinished(self) -> list[JobRecord]:
        found = [each for each in self.records.values() if each.state not in ENDED]
        return sorted(found, key=lambda each: each.created_at)

    async def say(self, job: str, lines: list[str], *, most: int) -> None:
        self.lines[job] = [*self.lines.get(job, []), *lines][-most:]

    async def log(self, job: str, lines: int) -> tuple[str, ...]:
        return tuple(self.lines.get(job, [])[-lines:])

    async def forget(self, job: str) -> None:
        self.records.pop(job, None)
