"""Jobs: work that outlives a request and a restart; one row each, with a log."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from botcore.storage.control.locking import one_at_a_time
from botcore.storage.control.store import ControlStore
from botcore.storage.control.tables import job_log, jobs
from botcore.storage.paging import Order, read_page

_LINE_MAX: Final = 2_000
_BY_AGE: Final = Order("jobs", (jobs.c.created_at, jobs.c.id))


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of work.

    Attributes:
        owner: who asked for it.
        request, result: JSON; `result` is None until it is done.
        done, total: how far it is, in its own units; 0 where it cannot tell.
        attempts: how often it was begun.
        created_at, started_at, ended_at: nanoseconds since 1970; 0 is not yet.
        code, detail: why it failed, or where it stands.
        run_key: names one run of a schedule, or one act, unique; None for others.
    """

    id: str
    kind: str
    title: str
    owner: str
    state: str
    request: str
    result: str | None = None
    done: int = 0
    total: int = 0
    attempts: int = 0
    created_at: int
    started_at: int = 0
    ended_at: int = 0
    code: str = ""
    detail: str = ""
    run_key: str | None = None


class JobPage(msgspec.Struct, frozen=True, kw_only=True):
    """Part of a list of jobs; `next_cursor` is None at the end."""

    jobs: tuple[Job, ...]
    next_cursor: str | None


class JobStore:
    """Every method raises `StorageError` where the store cannot be read or written.

    Args:
        store: opened.
    """

    def __init__(self, store: ControlStore) -> None:
        self._store = store

    async def put(self, job: Job) -> Job:
        """Keep a new job, durably; where its run key is known, return the job that has it.

        Raises:
            StorageError: its id is taken, or it cannot be written.
        """

        def act(connection: sa.Connection) -> Job:
            if job.run_key is not None:
                one_at_a_time(connection, f"runs/{job.run_key}")
                known = sa.select(jobs).where(jobs.c.run_key == job.run_key)
                row = connection.execute(known).one_or_none()
                if row is not None:
                    return Job(**row._mapping)
            connection.execute(sa.insert(jobs).values(**msgspec.structs.asdict(job)))
            return job

        return await self._store.write(act)

    async def update(self, job: Job) -> None:
        """Overwrite one, by id; nothing if there is none."""
        change = sa.update(jobs).where(jobs.c.id == job.id).values(**msgspec.structs.asdict(job))
        await self._store.write(lambda c: c.execute(change).rowcount)

    async def get(self, id_: str) -> Job | None:
        """Return one; None if there is none."""
        found = await self._read(sa.select(jobs).where(jobs.c.id == id_))
        return found[0] if found else None

    async def page(
        self,
        *,
        owner: str | None = None,
        kinds: Collection[str] = (),
        states: Collection[str] = (),
        is_newest: bool = True,
        cursor: str = "",
        limit: int = 100,
    ) -> JobPage:
        """Return jobs by when they were made; None and empty are no filter.

        Raises:
            ConfigError: the cursor is none of ours.
        """
        query = sa.select(jobs)
        if owner is not None:
            query = query.where(jobs.c.owner == owner)
        if kinds:
            query = query.where(jobs.c.kind.in_(kinds))
        if states:
            query = query.where(jobs.c.state.in_(states))
        found = await self._store.read(
            lambda c: read_page(c, query, _BY_AGE, is_newest=is_newest, cursor=cursor, limit=limit)
        )
        return JobPage(jobs=tuple(Job(**row) for row in found.rows), next_cursor=found.next_cursor)

    async def unfinished(self) -> Sequence[Job]:
        """Return the jobs that have not ended, oldest first."""
        return await self._read(
            sa.select(jobs).where(jobs.c.ended_at == 0).order_by(jobs.c.created_at, jobs.c.id)
        )

    async def say(self, id_: str, lines: Sequence[str], *, most: int) -> None:
        """Add lines to a job's log, of which the last `most` stay; nothing if there is none."""

        def act(connection: sa.Connection) -> None:
            t = job_log
            if connection.execute(sa.select(jobs.c.id).where(jobs.c.id == id_)).first() is None:
                return
            one_at_a_time(connection, f"log/{id_}")
            numbers = sa.select(sa.func.max(t.c.seq)).where(t.c.job_id == id_)
            last = connection.execute(numbers).scalar() or 0
            kept = list(enumerate(lines, last + 1))[-most:]
            if kept:
                rows = [{"job_id": id_, "seq": n, "line": line[:_LINE_MAX]} for n, line in kept]
                connection.execute(sa.insert(t), rows)
                old = t.c.seq <= last + len(lines) - most
                connection.execute(sa.delete(t).where(t.c.job_id == id_, old))

        await self._store.write(act)

    async def log(self, id_: str, lines: int) -> tuple[str, ...]:
        """Return the last lines that a job said, oldest first."""
        t = job_log
        query = sa.select(t.c.line).where(t.c.job_id == id_).order_by(t.c.seq.desc()).limit(lines)
        found = await self._store.read(lambda c: list(c.execute(query).scalars()))
        return tuple(reversed(found))

    async def forget(self, id_: str) -> None:
        """Remove a job with its log; nothing if there is none."""
        gone = sa.delete(jobs).where(jobs.c.id == id_)
        await self._store.write(lambda c: c.execute(gone).rowcount)

    async def _read(self, query: sa.Select[Any]) -> list[Job]:
        return await self._store.read(lambda c: [Job(**row._mapping) for row in c.execute(query)])
