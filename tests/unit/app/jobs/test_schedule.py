import asyncio
from datetime import UTC, datetime

from tests.support.fast_clock import FastClock
from tests.support.memory_jobs import MemoryJobs

from botcore.app.jobs.runner import JobRunner
from botcore.app.jobs.schedule import Schedule, due_day
from botcore.domain.errors import StorageError

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY_NS = 86_400 * 10**9


class Platform:
    """A schedule over jobs that nobody does."""

    def __init__(self, jobs: MemoryJobs, clock: FastClock) -> None:
        self.schedule = Schedule(
            jobs=JobRunner(keeping=jobs, overrides={}, clock=clock), clock=clock
        )

    def look(self) -> None:
        asyncio.run(self.schedule.look())


def a_clock() -> FastClock:
    return FastClock(int(NOON.timestamp()) * 10**9)


def days(jobs: MemoryJobs) -> list[str]:
    return sorted(str(record.request["day"]) for record in jobs.records.values())


def test_a_day_is_due_five_minutes_after_it_has_ended() -> None:
    midnight = datetime(2026, 11, 22, tzinfo=UTC)

    assert due_day(midnight.replace(minute=4, second=59)) == "2026-11-20"
    assert due_day(midnight.replace(minute=5)) == "2026-11-21"


def test_the_report_of_a_day_is_asked_for_once_however_often_one_looks() -> None:
    jobs = MemoryJobs()
    platform = Platform(jobs, a_clock())

    for _ in range(3):
        platform.look()

    assert days(jobs) == ["2026-11-21"]


def test_a_restart_does_not_ask_again() -> None:
    jobs = MemoryJobs()

    for _ in range(2):
        Platform(jobs, a_clock()).look()

    assert days(jobs) == ["2026-11-21"]


def test_of_several_days_that_were_missed_the_newest_is_caught_up_once() -> None:
    jobs, clock = MemoryJobs(), a_clock()
    platform = Platform(jobs, clock)
    platform.look()

    clock.skip(4 * DAY_NS)
    platform.look()

    assert days(jobs) == ["2026-11-21", "2026-11-25"]


def test_a_store_that_is_away_is_asked_again_at_the_next_look() -> None:
    class Away(MemoryJobs):
        is_away = True

        async def put(self, record):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  # as the one it stands for
            if self.is_away:
                raise StorageError(code="DISK_FULL", cause="full", fix="free some")
            return await super().put(record)

    jobs = Away()
    platform = Platform(jobs, a_clock())
    platform.look()
    assert days(jobs) == []

    jobs.is_away = False
    platform.look()

    assert days(jobs) == ["2026-11-21"]
