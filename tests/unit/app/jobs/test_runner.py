import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from tests.support.fast_clock import FastClock
from tests.support.memory_jobs import ENDED, MemoryJobs

from botcore.app.jobs.runner import ATTEMPTS_MAX, JobRunner
from botcore.app.jobs.wire import Asked
from botcore.app.runs import Runs
from botcore.control.jobs_port import JobRecord
from botcore.control.operations import Page
from botcore.control.problems import TooMany
from botcore.control.schema.jobs import JobState
from botcore.domain.errors import StorageError

WORKER = """
import json, sys, time
asked = json.loads(sys.stdin.readline())
def say(**message):
    print(json.dumps(message), flush=True)
kind = asked["kind"]
say(type="progress", done=1, total=4)
say(type="said", line="begun")
if kind == "good":
    say(type="progress", done=4, total=4)
    say(type="ended", result={"sum": sum(asked["request"]["numbers"])})
elif kind == "bad":
    say(type="failed", code="NO_DATA", cause="nothing is there", fix="import it")
elif kind == "dies":
    print("a last word", file=sys.stderr, flush=True)
    sys.exit(7)
elif kind == "babbles":
    print("not a message", flush=True)
elif kind == "waits":
    time.sleep(60)
elif kind == "long":
    for _ in range(3):
        say(type="progress", done=1, total=4)
        say(type="said", line="on")
        print("beside", file=sys.stderr, flush=True)
    say(type="ended", result={})
"""


def runner(jobs: MemoryJobs, **more: object) -> JobRunner:
    return JobRunner(
        keeping=jobs,
        overrides={},
        clock=FastClock(10**18),
        command=(sys.executable, "-c", WORKER),
        **more,  # type: ignore[arg-type]  # the tests give what it takes
    )


def played(act: Callable[[JobRunner], Awaitable[None]], jobs: MemoryJobs, **more: object) -> None:
    async def play() -> None:
        running = runner(jobs, **more)
        await running.start()
        try:
            await asyncio.wait_for(act(running), 30)
        finally:
            await running.stop()

    asyncio.run(play())


async def asked(running: JobRunner, kind: str, owner: str = "u1", **request: object) -> JobRecord:
    return await running.submit(kind=kind, title=kind, owner=owner, request=request)


async def all_of(running: JobRunner) -> Page[JobRecord]:
    return await running.page(owner=None, state=None, kind="", limit=10, cursor="")


async def ended(running: JobRunner, job: str) -> JobRecord:
    clock = FastClock(0)
    while True:
        found = await running.get(job)
        assert found is not None
        if found.state in ENDED:
            return found
        await clock.sleep(0.01)


def test_a_job_is_done_and_its_result_and_words_are_kept() -> None:
    jobs = MemoryJobs()

    async def act(running: JobRunner) -> None:
        job = await asked(running, "good", numbers=[1, 2, 3])
        done = await ended(running, job.id)
        assert (done.state, done.result) == (JobState.DONE, {"sum": 6})
        assert (done.done, done.total) == (4, 4)
        assert await running.log(job.id, 10) == ("begun",)

    played(act, jobs)


def test_a_job_that_cannot_be_done_says_why_and_is_not_begun_again() -> None:
    jobs = MemoryJobs()

    async def act(running: JobRunner) -> None:
        found = await ended(running, (await asked(running, "bad")).id)
        assert (found.state, found.code, found.attempts) == (JobState.FAILED, "NO_DATA", 1)

    played(act, jobs)


def test_a_worker_that_dies_is_begun_again_three_times_and_its_last_words_are_kept() -> None:
    jobs = MemoryJobs()

    async def act(running: JobRunner) -> None:
        found = await ended(running, (await asked(running, "dies")).id)
        assert (found.code, found.attempts) == ("JOB_DIED", ATTEMPTS_MAX)
        assert "a last word" in await running.log(found.id, 10)

    played(act, jobs)


def test_a_worker_that_says_nonsense_fails_its_job() -> None:
    jobs = MemoryJobs()

    async def act(running: JobRunner) -> None:
        found = await ended(running, (await asked(running, "babbles")).id)
        assert found.code == "JOB_UNREADABLE"

    played(act, jobs)


def test_a_running_job_is_cancelled_at_once() -> None:
    jobs = MemoryJobs()

    async def act(running: JobRunner) -> None:
        job = await asked(running, "waits")
        while (await running.log(job.id, 1)) == ():
            await FastClock(0).sleep(0.01)
        assert (await running.cancel(job.id)).state is JobState.CANCELLED

    played(act, jobs)


def test_a_waiting_job_is_cancelled_without_being_begun() -> None:
    jobs = MemoryJobs()

    async def act(running: JobRunner) -> None:
        await asked(running, "waits")
        second = await asked(running, "good", numbers=[1])
        found = await running.cancel(second.id)
        assert (found.state, found.attempts) == (JobState.CANCELLED, 0)

    played(act, jobs)


def test_a_job_goes_on_after_a_restart() -> None:
    jobs = MemoryJobs()
    job = ""

    async def begin(running: JobRunner) -> None:
        nonlocal job
        job = (await asked(running, "waits")).id
        while (await running.log(job, 1)) == ():
            await FastClock(0).sleep(0.01)

    played(begin, jobs)
    assert jobs.records[job].state is JobState.RUNNING
    jobs.records[job] = msgspec.structs.replace(
        jobs.records[job], kind="good", request={"numbers": [4]}
    )

    async def go_on(running: JobRunner) -> None:
        found = await ended(running, job)
        assert (found.result, found.attempts) == ({"sum": 4}, 2)

    played(go_on, jobs)


def test_a_job_that_never_survives_a_restart_is_given_up() -> None:
    jobs = MemoryJobs()
    jobs.records["j"] = JobRecord(
        id="j",
        kind="good",
        title="",
        owner="u1",
        state=JobState.RUNNING,
        request={},
        attempts=ATTEMPTS_MAX,
    )

    async def act(running: JobRunner) -> None:
        assert (await ended(running, "j")).code == "JOB_INTERRUPTED"

    played(act, jobs)


def test_one_person_may_not_take_the_whole_queue() -> None:
    jobs = MemoryJobs()

    async def act(running: JobRunner) -> None:
        for _ in range(2):
            await asked(running, "waits")
        with pytest.raises(TooMany) as refused:
            await asked(running, "waits")
        assert refused.value.code == "JOB_QUOTA"
        await asked(running, "good", owner="u2", numbers=[])

    played(act, jobs, per_owner=2)


def test_one_run_of_a_schedule_is_made_once() -> None:
    jobs = MemoryJobs()

    async def act(running: JobRunner) -> None:
        made = [
            await running.submit(
                kind="good", title="", owner="system", request={"numbers": []}, run_key="day-1"
            )
            for _ in range(2)
        ]
        assert made[0].id == made[1].id

    played(act, jobs)
    assert len(jobs.records) == 1


class SlowJobs(MemoryJobs):
    """Keeps a change of a job only once the gate is open."""

    def __init__(self, state: JobState) -> None:
        super().__init__()
        self.state = state
        self.is_waiting, self.gate = asyncio.Event(), asyncio.Event()

    async def update(self, record: JobRecord) -> None:
        if record.state is self.state:
            self.is_waiting.set()
            await self.gate.wait()
        await super().update(record)


def test_a_job_that_is_cancelled_while_its_process_is_started_is_not_done() -> None:
    jobs = SlowJobs(JobState.RUNNING)

    async def act(running: JobRunner) -> None:
        job = await asked(running, "waits")
        await jobs.is_waiting.wait()
        cancelling = asyncio.create_task(running.cancel(job.id))
        await FastClock(0).sleep(0.01)
        jobs.gate.set()
        assert (await cancelling).state is JobState.CANCELLED
        assert (await ended(running, (await asked(running, "good", numbers=[])).id)).result

    played(act, jobs)
    assert [each.state for each in jobs.records.values()] == [JobState.CANCELLED, JobState.DONE]


def test_a_job_that_was_done_when_it_was_cancelled_is_done() -> None:
    jobs = SlowJobs(JobState.DONE)

    async def act(running: JobRunner) -> None:
        job = await asked(running, "good", numbers=[2])
        await jobs.is_waiting.wait()
        cancelling = asyncio.create_task(running.cancel(job.id))
        await FastClock(0).sleep(0.01)
        jobs.gate.set()
        found = await cancelling
        assert (found.state, found.result) == (JobState.DONE, {"sum": 2})

    played(act, jobs)


def test_a_process_that_cannot_be_started_fails_its_job_and_no_other() -> None:
    jobs = MemoryJobs()

    async def act(running: JobRunner) -> None:
        running._command = ("/no/such/program",)
        first = await ended(running, (await asked(running, "good")).id)
        running._command = (sys.executable, "-c", WORKER)
        second = await ended(running, (await asked(running, "good", numbers=[1])).id)
        assert (first.code, second.state) == ("JOB_NOT_STARTED", JobState.DONE)

    played(act, jobs)


def test_a_bug_in_one_who_watches_stops_no_other_job() -> None:
    jobs = MemoryJobs()
    seen: list[JobState] = []

    def watch(record: JobRecord) -> None:
        seen.append(record.state)
        if record.state is JobState.RUNNING and len(seen) < 4:
            raise ValueError("a bug")

    async def act(running: JobRunner) -> None:
        first = await ended(running, (await asked(running, "good", numbers=[1])).id)
        second = await ended(running, (await asked(running, "good", numbers=[1])).id)
        assert (first.code, second.state) == ("JOB_CRASHED", JobState.DONE)

    played(act, jobs, on_change=watch)


def test_who_cancels_a_job_that_cannot_be_kept_does_not_wait_for_ever() -> None:
    class Failing(SlowJobs):
        async def update(self, record: JobRecord) -> None:
            await super().update(record)
            if record.state is JobState.RUNNING:
                raise StorageError(code="DISK_FULL", cause="the disk is full", fix="free some")

    jobs = Failing(JobState.RUNNING)

    async def act(running: JobRunner) -> None:
        job = await asked(running, "waits")
        await jobs.is_waiting.wait()
        cancelling = asyncio.create_task(running.cancel(job.id))
        await FastClock(0).sleep(0.01)
        jobs.gate.set()
        await asyncio.wait_for(cancelling, 5)

    played(act, jobs)


def test_a_job_that_was_kept_though_an_error_was_answered_is_begun_when_it_comes_again() -> None:
    class Unsure(MemoryJobs):
        is_unsure = True

        async def put(self, record: JobRecord) -> JobRecord:
            kept = await super().put(record)
            if self.is_unsure:
                self.is_unsure = False
                raise StorageError(code="STORE_UNREACHABLE", cause="nobody knows", fix="look")
            return kept

    jobs = Unsure()

    async def act(running: JobRunner) -> None:
        async def ask() -> JobRecord:
            return await running.submit(
                kind="good", title="", owner="u1", request={"numbers": [3]}, run_key="k"
            )

        with pytest.raises(StorageError):
            await ask()
        assert (await ended(running, (await ask()).id)).result == {"sum": 3}

    played(act, jobs)
    assert len(jobs.records) == 1


def test_a_repetition_of_a_job_is_told_of_it_also_where_no_more_may_wait() -> None:
    jobs = MemoryJobs()

    async def act(running: JobRunner) -> None:
        made = [
            await running.submit(kind="waits", title="", owner="u1", request={}, run_key="k")
            for _ in range(2)
        ]
        assert made[0].id == made[1].id
        with pytest.raises(TooMany):
            await running.submit(kind="waits", title="", owner="u1", request={}, run_key="l")

    played(act, jobs, per_owner=1)


class AwayJobs(MemoryJobs):
    """A store that is away while `is_away`, and notes what it was asked to write then."""

    def __init__(self) -> None:
        super().__init__()
        self.is_away = False
        self.refused: list[JobState] = []

    async def update(self, record: JobRecord) -> None:
        if self.is_away:
            self.refused.append(record.state)
            raise StorageError(code="DISK_FULL", cause="the disk is full", fix="free some")
        await super().update(record)

    async def say(self, job: str, lines: list[str], *, most: int) -> None:
        if self.is_away:
            raise StorageError(code="DISK_FULL", cause="the disk is full", fix="free some")
        await super().say(job, lines, most=most)


@pytest.mark.parametrize(("kind", "state"), [("good", JobState.DONE), ("bad", JobState.FAILED)])
def test_a_job_that_ends_while_the_store_is_away_is_kept_once_it_answers(
    kind: str, state: JobState
) -> None:
    jobs = AwayJobs()

    async def act(running: JobRunner) -> None:
        job = await asked(running, kind, numbers=[1, 2])
        jobs.is_away = True
        found = await ended(running, job.id)
        assert (found.state, jobs.records[job.id].ended_at) == (state, 0)
        assert [each.state for each in (await all_of(running)).items] == [state]

        jobs.is_away = False
        while jobs.records[job.id].state is not state:
            await FastClock(0).sleep(0.01)
        assert (await ended(running, (await asked(running, "good", numbers=[])).id)).result

    played(act, jobs)


def test_a_job_whose_progress_and_words_cannot_be_kept_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("botcore.app.jobs.runner._KEEP_PROGRESS_NS", 0)
    jobs = AwayJobs()

    async def act(running: JobRunner) -> None:
        job = await asked(running, "long")
        jobs.is_away = True
        assert (await ended(running, job.id)).state is JobState.DONE
        assert jobs.refused.count(JobState.RUNNING) > 1

    played(act, jobs)


def test_what_could_not_be_kept_before_the_stop_is_kept_with_it() -> None:
    jobs = AwayJobs()

    async def act(running: JobRunner) -> None:
        job = await asked(running, "good", numbers=[1])
        jobs.is_away = True
        await ended(running, job.id)
        jobs.is_away = False

    played(act, jobs)
    assert [each.state for each in jobs.records.values()] == [JobState.DONE]


def test_a_job_that_ended_and_was_never_kept_is_begun_again_by_the_next_start() -> None:
    jobs = AwayJobs()

    async def begin(running: JobRunner) -> None:
        job = await asked(running, "good", numbers=[5])
        jobs.is_away = True
        await ended(running, job.id)

    played(begin, jobs)
    jobs.is_away = False
    (job,) = jobs.records

    async def go_on(running: JobRunner) -> None:
        assert (await ended(running, job)).result == {"sum": 5}

    played(go_on, jobs)
    assert jobs.records[job].state is JobState.DONE


def test_a_job_that_is_cancelled_while_the_store_is_away_is_not_begun_later() -> None:
    jobs = AwayJobs()

    async def act(running: JobRunner) -> None:
        first = await asked(running, "waits")
        second = await asked(running, "good", numbers=[1])
        while (await running.log(first.id, 1)) == ():
            await FastClock(0).sleep(0.01)
        jobs.is_away = True
        assert (await running.cancel(second.id)).state is JobState.CANCELLED
        jobs.is_away = False

    played(act, jobs)
    assert [each.state for each in jobs.records.values()] == [
        JobState.RUNNING,
        JobState.CANCELLED,
    ]


def test_jobs_of_who_is_shut_out_are_stopped_and_those_of_others_go_on() -> None:
    jobs = MemoryJobs()
    barred: set[str] = set()

    async def act(running: JobRunner) -> None:
        first = await asked(running, "waits")
        second = await asked(running, "good", numbers=[1])
        other = await asked(running, "good", owner="u2", numbers=[2])
        while (await running.log(first.id, 1)) == ():
            await FastClock(0).sleep(0.01)

        await running.shut_out("u1")
        assert (await running.get(first.id) or first).state is JobState.RUNNING
        barred.add("u1")
        await running.shut_out("u1")

        for job in (first.id, second.id):
            found = await ended(running, job)
            assert found.state is JobState.CANCELLED
            assert "may not run jobs any more" in found.detail
        assert (await ended(running, other.id)).state is JobState.DONE

    played(act, jobs, may_run=lambda owner: owner not in barred)


def test_jobs_of_who_was_shut_out_meanwhile_are_not_begun_by_the_next_start() -> None:
    jobs = MemoryJobs()

    async def begin(running: JobRunner) -> None:
        job = await asked(running, "waits")
        await asked(running, "good", numbers=[1])
        while (await running.log(job.id, 1)) == ():
            await FastClock(0).sleep(0.01)

    played(begin, jobs)

    async def go_on(running: JobRunner) -> None:
        for job in list(jobs.records):
            assert (await ended(running, job)).state is JobState.CANCELLED

    played(go_on, jobs, may_run=lambda _owner: False)
    assert {each.attempts for each in jobs.records.values()} == {0, 1}


@pytest.mark.slow
def test_a_real_worker_runs_a_backtest_and_keeps_it(tmp_path: Path) -> None:
    jobs = MemoryJobs()

    async def act(running: JobRunner) -> None:
        job = await running.submit(
            kind="backtest",
            title="",
            owner="u1",
            request={"strategies": ["ema-cross"], "bars": 300},
        )
        found = await ended(running, job.id)
        assert found.state is JobState.DONE, (found, await running.log(job.id, 50))
        assert found.result is not None
        assert found.result["run"] == 1

    async def play() -> None:
        running = JobRunner(keeping=jobs, overrides={"home": tmp_path}, clock=FastClock(10**18))
        await running.start()
        try:
            await asyncio.wait_for(act(running), 100)
        finally:
            await running.stop()

    asyncio.run(play())
    assert (tmp_path / "runs" / "0001-ema-cross" / "report.html").exists()
    assert Runs(tmp_path / "runs").find("1").record.owner == "u1"


@pytest.mark.parametrize("request_", [{}, {"strategies": ["ema-cross"], "bars": 300}])
def test_a_worker_ends_without_a_complaint(tmp_path: Path, request_: dict[str, object]) -> None:
    """Its parent's end of the pipe is still open then, as while it runs."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "botcore", "worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    asked_ = Asked(kind="backtest", request=request_, overrides={"home": str(tmp_path)})
    assert worker.stdin is not None
    assert worker.stdout is not None
    assert worker.stderr is not None
    with worker, worker.stdin:
        worker.stdin.write(msgspec.json.encode(asked_) + b"\n")
        worker.stdin.flush()

        last = worker.stdout.read().splitlines()[-1]
        complaint = worker.stderr.read()
        code = worker.wait(60)

    assert complaint == b""
    assert (code, b'"type":"ended"' in last) == ((0, True) if request_ else (1, False))
