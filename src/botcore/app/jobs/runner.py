"""The runner: takes jobs in order, does each in a worker process, keeps what it says."""

import asyncio
import secrets
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import msgspec
import structlog

from botcore.app.jobs.catching_up import CatchingUp
from botcore.app.jobs.ports import JobKeeping
from botcore.app.jobs.wire import Asked, Ended, Failed, Progressed
from botcore.app.jobs.worker_process import WorkerProcess
from botcore.control.discretion import discreet
from botcore.control.jobs_port import JobRecord
from botcore.control.operations import Page
from botcore.control.problems import TooMany
from botcore.control.schema.jobs import JobState
from botcore.kernel.clock import Clock
from botcore.kernel.guard import Crashed, awaited

ATTEMPTS_MAX: Final = 3
"""How often a job is begun that ended with its process; a job that fails is not begun again."""
PER_OWNER: Final = 5
"""Jobs of one owner that have not ended."""
LINES_KEPT: Final = 1_000
WORKER: Final = (sys.executable, "-m", "botcore", "worker")
_GRACE_S: Final = 5.0
_KEEP_PROGRESS_NS: Final = 2_000_000_000


Watcher = Callable[[JobRecord], None]
"""Is told of every change of a job."""
Entitled = Callable[[str], bool]
"""Whether an owner may run jobs now; one who was shut out, removed or made less may not."""
_SHUT_OUT: Final = "who asked for it may not run jobs any more"


def _everybody(_owner: str) -> bool:
    return True


class JobRunner:
    """Runs jobs (`control.jobs_port.Jobs`); used on one event loop.

    Args:
        keeping: the store.
        overrides: settings that workers are given, so that they work in the same home.
        clock: dates jobs.
        slots: how many workers at once.
        on_change: told of each change.
        per_owner: how many jobs of one owner may wait or run.
        command: starts a worker.
        may_run: asked before a job is begun, also one that an earlier run left.
    """

    def __init__(
        self,
        *,
        keeping: JobKeeping,
        overrides: Mapping[str, object],
        clock: Clock,
        slots: int = 1,
        on_change: Watcher | None = None,
        per_owner: int = PER_OWNER,
        command: Sequence[str] = WORKER,
        may_run: Entitled = _everybody,
    ) -> None:
        self._command = tuple(command)
        self._keeping = keeping
        self._kept = CatchingUp(keeping, clock=clock)
        self._may_run = may_run
        self._overrides = {name: _plain(value) for name, value in overrides.items()}
        self._clock = clock
        self._slots = slots
        self._watchers = [] if on_change is None else [on_change]
        self._per_owner = per_owner
        self._live: dict[str, JobRecord] = {}
        self._waiting: asyncio.Queue[str] = asyncio.Queue()
        self._workers: dict[str, WorkerProcess] = {}
        self._cancelled: dict[str, str] = {}
        self._ended: dict[str, asyncio.Event] = {}
        self._log = structlog.get_logger("jobs")
        self._tasks: list[asyncio.Task[None]] = []

    def watch(self, on_change: Watcher) -> None:
        """Call `on_change` with a job at each change from now on."""
        self._watchers.append(on_change)

    async def start(self) -> None:
        """Take up what an earlier run left, and begin.

        Raises:
            StorageError: the store cannot be read.
        """
        for record in await self._keeping.unfinished():
            await self._take_up(record)
        self._tasks = [
            asyncio.create_task(self._serve(), name=f"jobs-{slot}") for slot in range(self._slots)
        ]
        self._tasks.append(asyncio.create_task(self._kept.run(), name="jobs-kept"))

    async def stop(self) -> None:
        """End the workers; their jobs go on with the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in self._workers.values():
            worker.kill()
        for worker in list(self._workers.values()):
            await worker.wait()
        await self._kept.catch_up()

    async def submit(
        self,
        *,
        kind: str,
        title: str,
        owner: str,
        request: Mapping[str, Any],
        run_key: str = "",
    ) -> JobRecord:
        """Keep a job; it begins when its turn comes."""
        unfinished = Counter(each.owner for each in self._live.values())
        is_known = run_key and any(each.run_key == run_key for each in self._live.values())
        if not is_known and unfinished[owner] >= self._per_owner:
            raise TooMany(
                code="JOB_QUOTA",
                cause=f"{unfinished[owner]} jobs of yours have not ended; the most are"
                f" {self._per_owner}",
                fix="wait for one to end, or cancel one",
                details={"retry_after_s": 10},
            )
        fresh = JobRecord(
            id=secrets.token_hex(8),
            kind=kind,
            title=title,
            owner=owner,
            state=JobState.QUEUED,
            request=dict(request),
            created_at=self._clock.now_ns(),
            run_key=run_key,
        )
        self._live[fresh.id] = fresh  # it counts from now on: the store takes its time
        try:
            kept = await self._keeping.put(fresh)
        finally:
            del self._live[fresh.id]
        kept = self._kept.newest(kept.id) or kept
        is_new = kept.id == fresh.id
        # One whose keeping was answered by an error may be kept all the same.
        was_left = kept.state is JobState.QUEUED and not kept.attempts
        if is_new or (was_left and kept.id not in self._live):
            self._live[kept.id] = kept
            self._queue(kept)
        return self._live.get(kept.id, kept)

    async def get(self, job: str) -> JobRecord | None:
        """Return a job as it is now."""
        return self._live.get(job) or self._kept.newest(job) or await self._keeping.get(job)

    async def page(
        self, *, owner: str | None, state: JobState | None, kind: str, limit: int, cursor: str
    ) -> Page[JobRecord]:
        """Return jobs, newest first."""
        found = await self._keeping.page(
            owner=owner, state=state, kind=kind, limit=limit, cursor=cursor
        )
        now = tuple(
            self._live.get(each.id) or self._kept.newest(each.id) or each for each in found.items
        )
        return Page(items=now, next_cursor=found.next_cursor)

    async def log(self, job: str, lines: int) -> tuple[str, ...]:
        """Return what a job said last."""
        return await self._keeping.log(job, lines)

    async def cancel(self, job: str, *, why: str = "") -> JobRecord:
        """Stop a job; return it when it has ended."""
        record = self._live.get(job)
        if record is None:
            found = await self.get(job)
            if found is None:
                raise KeyError(job)
            return found
        self._cancelled[job] = why
        if record.state is JobState.QUEUED:
            return await self._end(record, JobState.CANCELLED, detail=why)
        ended = self._ended[job]
        worker = self._workers.get(job)  # None: it is not there yet, or has ended already
        if worker is not None:
            worker.terminate()
        try:
            await asyncio.wait_for(ended.wait(), _GRACE_S)
        except TimeoutError:
            worker = self._workers.get(job)
            if worker is not None:
                worker.kill()
            await ended.wait()
        found = await self.get(job)
        return record if found is None else found

    async def shut_out(self, owner: str) -> None:
        """Stop what an owner has waiting and running, where he may not run jobs any more.

        Whatever is not stopped, as without a running platform, is not begun again either.
        """
        if self._may_run(owner):
            return
        for record in [each for each in self._live.values() if each.owner == owner]:
            if record.id in self._ended:  # else it is only being kept, and never begun
                await self.cancel(record.id, why=_SHUT_OUT)

    async def forget(self, job: str) -> None:
        """Remove a job that has ended."""
        await self._keeping.forget(job)
        self._kept.forget(job)

    async def _take_up(self, record: JobRecord) -> None:
        """Queue a job of an earlier run again; one that ended its process too often has failed."""
        if record.state is JobState.RUNNING and record.attempts >= ATTEMPTS_MAX:
            failed = Failed(
                code="JOB_INTERRUPTED",
                cause=f"it was begun {record.attempts} times and never came to its end",
                fix="see its log and the platform's; ask for it once more",
            )
            await self._fail(record, failed)
            return
        again = msgspec.structs.replace(record, state=JobState.QUEUED, done=0, total=0)
        if again != record:
            await self._kept.keep(again)
        self._live[again.id] = again
        self._queue(again)

    def _queue(self, record: JobRecord) -> None:
        self._ended[record.id] = asyncio.Event()
        self._waiting.put_nowait(record.id)
        self._tell(record)

    async def _serve(self) -> None:
        while True:
            job = await self._waiting.get()
            record = self._live.get(job)
            if record is None or job in self._cancelled:
                continue
            crashed = await awaited(self._work(record))
            if isinstance(crashed, Crashed):
                crashed = await awaited(self._crashed(record, crashed))
            if isinstance(crashed, Crashed):
                self._log.error("job_not_ended", job=job, cause=crashed.summary)
                self._let_go(job)

    async def _crashed(self, record: JobRecord, crashed: Crashed) -> None:
        """End a job that met a bug of ours, so that those behind it have their turn."""
        failed = Failed(
            code="JOB_CRASHED",
            cause=crashed.summary,
            fix="report this as a bug, with the job's log",
        )
        await self._fail(self._live.get(record.id, record), failed)

    async def _work(self, record: JobRecord) -> None:
        if not self._may_run(record.owner):
            await self._end(record, JobState.CANCELLED, detail=_SHUT_OUT)
            return
        record = msgspec.structs.replace(
            record,
            state=JobState.RUNNING,
            attempts=record.attempts + 1,
            started_at=record.started_at or self._clock.now_ns(),
        )
        await self._change(record)
        try:
            worker = await WorkerProcess.start(self._command)
        except OSError as error:
            failed = Failed(
                code="JOB_NOT_STARTED",
                cause=f"its process cannot be started: {error.strerror}",
                fix="free memory, then ask for it once more",
            )
            await self._fail(record, failed)
            return
        self._workers[record.id] = worker
        if record.id in self._cancelled:  # while it was being started
            worker.kill()
        try:
            ending = await self._listen(record, worker)
        finally:
            worker.kill()
            await worker.wait()
            self._workers.pop(record.id, None)
        record = self._live.get(record.id, record)
        match ending:
            case Ended():  # also where it was to be stopped, and was faster
                await self._end(record, JobState.DONE, result=ending.result)
            case _ if record.id in self._cancelled:
                why = self._cancelled[record.id]
                await self._end(record, JobState.CANCELLED, detail=why)
            case Failed():
                await self._fail(record, ending)
            case _:
                await self._died(record, worker.code)

    async def _listen(self, record: JobRecord, worker: WorkerProcess) -> Ended | Failed | None:
        """Keep what a worker says until it ends; None where it ended without a last word."""
        kept_at = self._clock.monotonic_ns()

        async def progressed(told: Progressed) -> None:
            nonlocal record, kept_at
            record = msgspec.structs.replace(record, done=told.done, total=told.total)
            self._live[record.id] = record
            self._tell(record)
            now = self._clock.monotonic_ns()
            if now - kept_at >= _KEEP_PROGRESS_NS:
                kept_at = now
                await self._kept.keep(record)

        asked = Asked(
            kind=record.kind,
            request=record.request,
            overrides=self._overrides,
            owner=record.owner,
        )
        said = partial(self._kept.say, record.id, most=LINES_KEPT)
        return await worker.do(asked, progressed=progressed, said=said)

    async def _died(self, record: JobRecord, code: int | None) -> None:
        if record.attempts >= ATTEMPTS_MAX:
            failed = Failed(
                code="JOB_DIED",
                cause=f"its process ended {record.attempts} times without a word, last {code}",
                fix="see its log; free memory if it was killed, then ask for it once more",
            )
            await self._fail(record, failed)
            return
        self._log.warning("job_died", job=record.id, code=code, attempts=record.attempts)
        again = msgspec.structs.replace(record, state=JobState.QUEUED, done=0, total=0)
        await self._change(again)
        self._waiting.put_nowait(again.id)

    async def _change(self, record: JobRecord) -> None:
        self._live[record.id] = record
        await self._kept.keep(record)
        self._tell(record)

    async def _fail(self, record: JobRecord, failed: Failed) -> None:
        detail = discreet(f"{failed.cause} – {failed.fix}")
        self._log.warning(
            "error", job=record.id, code=failed.code, cause=failed.cause, fix=failed.fix
        )
        await self._end(record, JobState.FAILED, code=failed.code, detail=detail)

    async def _end(
        self,
        record: JobRecord,
        state: JobState,
        *,
        result: dict[str, Any] | None = None,
        code: str = "",
        detail: str = "",
    ) -> JobRecord:
        ended = msgspec.structs.replace(
            record,
            state=state,
            result=result,
            code=code,
            detail=detail,
            ended_at=self._clock.now_ns(),
            done=record.total if state is JobState.DONE else record.done,
        )
        try:
            await self._kept.keep(ended)
        finally:
            self._let_go(ended.id)
        self._tell(ended)
        self._log.info("job_ended", job=ended.id, kind=ended.kind, state=ended.state.value)
        return ended

    def _let_go(self, job: str) -> None:
        """Forget a job that is not done any more, and wake who waits for its end."""
        self._live.pop(job, None)
        self._cancelled.pop(job, None)
        waiting = self._ended.pop(job, None)
        if waiting is not None:
            waiting.set()

    def _tell(self, record: JobRecord) -> None:
        for watcher in self._watchers:
            watcher(record)


def _plain(value: object) -> object:
    """Return a setting as JSON can hold it."""
    return value if isinstance(value, str | int | float | bool | None) else str(value)
