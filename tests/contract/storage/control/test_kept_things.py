"""Jobs, alert rules, notifications, wanted versions, notes and settings, on both databases."""

import asyncio
from typing import Any

import msgspec
import pytest

from botcore.app.control_store import ControlStores, open_control
from botcore.app.jobs.ports import JobKeeping
from botcore.control.jobs_port import JobRecord
from botcore.control.schema.jobs import JobState
from botcore.domain.errors import ConfigError, StorageError
from botcore.domain.ids import DAY_NS
from botcore.kernel.clock import ManualClock
from botcore.storage.control import (
    AlertRule,
    DesiredStore,
    ReportNote,
    SettingChange,
    Told,
    Version,
)

replace = msgspec.structs.replace


def a_job(number: int = 1, **changes: Any) -> JobRecord:
    return JobRecord(
        **{
            "id": f"job{number:05}",
            "kind": "backtest",
            "title": "rsi on BTCUSDT",
            "owner": "u1",
            "state": JobState.QUEUED,
            "request": {"strategy": "rsi", "days": [1, 2], "note": "„odd“ \x00"},
            "created_at": number,
            **changes,
        }
    )


# Jobs


async def _jobs(control: ControlStores) -> None:
    jobs: JobKeeping = control.jobs
    job = a_job()
    assert await jobs.put(job) == job
    assert await jobs.get("unknown") is None
    done = replace(
        job, state=JobState.DONE, result={"profit": "1.50"}, done=7, total=7, ended_at=5, attempts=1
    )
    await jobs.update(done)
    await jobs.update(a_job(99))  # there is none: nothing happens
    assert await jobs.get(job.id) == done
    with pytest.raises(StorageError):
        await jobs.put(job)

    other = a_job(2, owner="u2", kind="import")
    failed = a_job(3, state=JobState.FAILED, ended_at=9, code="DATA_MISSING", detail="no candles")
    for each in (other, failed):
        await jobs.put(each)
    assert await jobs.unfinished() == [other]
    filters: list[tuple[dict[str, Any], list[int]]] = [
        ({"owner": None, "state": None, "kind": ""}, [3, 2, 1]),
        ({"owner": "u1", "state": None, "kind": ""}, [3, 1]),
        ({"owner": None, "state": JobState.FAILED, "kind": ""}, [3]),
        ({"owner": None, "state": None, "kind": "import"}, [2]),
    ]
    for wanted, ids in filters:
        page = await jobs.page(limit=10, cursor="", **wanted)
        assert [job.created_at for job in page.items] == ids
        assert page.next_cursor is None
    first = await jobs.page(owner=None, state=None, kind="", limit=2, cursor="")
    rest = await jobs.page(owner=None, state=None, kind="", limit=2, cursor=first.next_cursor or "")
    assert [job.created_at for job in (*first.items, *rest.items)] == [3, 2, 1]
    with pytest.raises(ConfigError, match="CURSOR_MALFORMED"):
        await jobs.page(owner=None, state=None, kind="", limit=2, cursor="nonsense")


def test_jobs_are_kept_changed_and_listed(control: ControlStores) -> None:
    asyncio.run(_jobs(control))


def test_one_run_of_a_schedule_is_one_job_though_many_ask_at_once(control: ControlStores) -> None:
    async def story() -> None:
        run = "end-of-day/2026-01-31"
        made = await asyncio.gather(
            *(control.jobs.put(a_job(number, run_key=run)) for number in range(10))
        )
        assert len({job.id for job in made}) == 1
        assert len(await control.jobs.unfinished()) == 1

    asyncio.run(story())


def test_of_a_jobs_log_the_last_lines_stay(control: ControlStores) -> None:
    async def story() -> None:
        await control.jobs.put(a_job())
        for start in range(0, 100, 10):
            lines = [f"line {n}" for n in range(start, start + 10)]
            await control.jobs.say(a_job().id, lines, most=25)
        await control.jobs.say(a_job().id, [], most=25)
        await control.jobs.say("unknown", ["line"], most=25)
        log = await control.jobs.log(a_job().id, 1_000)
        assert log == tuple(f"line {n}" for n in range(75, 100))
        assert await control.jobs.log(a_job().id, 2) == ("line 98", "line 99")
        await control.jobs.say(a_job().id, [f"many {n}" for n in range(100)], most=25)
        log = await control.jobs.log(a_job().id, 1_000)
        assert log == tuple(f"many {n}" for n in range(75, 100))
        await control.jobs.forget(a_job().id)
        assert await control.jobs.get(a_job().id) is None
        assert await control.jobs.log(a_job().id, 10) == ()

    asyncio.run(story())


def test_jobs_are_there_after_a_restart(store_url: str, clock: ManualClock) -> None:
    first = open_control(store_url, clock=clock)
    asyncio.run(first.jobs.put(a_job(state=JobState.RUNNING, started_at=3, attempts=1)))
    first.close()

    second = open_control(store_url, clock=clock)
    [job] = asyncio.run(second.jobs.unfinished())
    second.close()

    assert (job.state, job.attempts) == (JobState.RUNNING, 1)


# Alerts and notifications


def a_rule(number: int = 1, **changes: Any) -> AlertRule:
    return AlertRule(
        **{
            "id": f"r{number}",
            "owner": "u1",
            "kind": "price",
            "state": "armed",
            "document": '{"level":"60000"}',
            "created_at": number,
            **changes,
        }
    )


async def _alerts(control: ControlStores) -> None:
    alerts = control.alerts
    assert await alerts.add(a_rule(), rules_max=2)
    assert not await alerts.add(a_rule(), rules_max=2)
    assert await alerts.add(a_rule(2, kind="drawdown", state="fired"), rules_max=2)
    assert not await alerts.add(a_rule(3), rules_max=2)
    assert await alerts.add(a_rule(4, owner="u2"), rules_max=2)
    assert await alerts.in_states(["armed"]) == [a_rule(), a_rule(4, owner="u2")]
    fired = a_rule(state="fired", fired_at=9, fired_count=1, detail="60001 is above 60000")
    assert await alerts.save(fired, was=["armed"])
    assert not await alerts.save(fired, was=["armed"])
    assert not await alerts.save(a_rule(9))
    assert [rule.id for rule in await alerts.in_states(["fired", "armed"])] == ["r1", "r2", "r4"]
    assert fired in await alerts.in_states(["fired"])
    assert await alerts.remove("r1")
    assert not await alerts.remove("r1")


def test_alert_rules_are_kept_changed_and_listed(control: ControlStores) -> None:
    asyncio.run(_alerts(control))


def test_of_many_who_add_rules_at_once_no_more_than_the_most_are_added(
    control: ControlStores,
) -> None:
    async def story() -> list[bool]:
        return await asyncio.gather(
            *(control.alerts.add(a_rule(number), rules_max=3) for number in range(12))
        )

    assert sum(asyncio.run(story())) == 3


def told(number: int, user: str = "u1", **changes: Any) -> Told:
    return Told(
        **{
            "user_id": user,
            "kind": "alert",
            "severity": "warning",
            "code": "PRICE_ABOVE",
            "text": f"text {number}",
            "created_at": number,
            **changes,
        }
    )


async def _notifications(control: ControlStores) -> None:
    kept = control.notifications
    made = await kept.add([told(1), told(2, "u2"), told(3, kind="job")])
    assert [each.id for each in made] == [1, 2, 3]
    assert await kept.add([]) == []
    page = await kept.page("u1")
    assert [each.text for each in page.items] == ["text 3", "text 1"]
    assert await kept.unread("u1") == 2
    assert await kept.mark_read("u1", 50, ids=[1, 2]) == 1  # another's is not
    assert await kept.mark_read("u1", 60, ids=[1]) == 0
    assert [each.id for each in (await kept.page("u1", only_unread=True)).items] == [3]
    assert [each.read_at for each in (await kept.page("u1", kinds=["alert"])).items] == [50]
    assert await kept.unread("u2") == 1
    assert await kept.mark_read("u1", 70) == 1
    assert await kept.unread("u1") == 0
    first = await kept.page("u1", limit=1)
    rest = await kept.page("u1", limit=1, cursor=first.next_cursor or "")
    assert [each.id for each in (*first.items, *rest.items)] == [3, 1]


def test_notifications_are_kept_read_and_listed(control: ControlStores) -> None:
    asyncio.run(_notifications(control))


def test_of_a_users_notifications_the_last_thousand_are_kept_for_ninety_days(
    control: ControlStores, clock: ManualClock
) -> None:
    async def story() -> None:
        kept = control.notifications
        await kept.add([told(0, "u2", created_at=clock.now_ns())])
        await kept.add([told(n, created_at=clock.now_ns()) for n in range(1_020)])
        oldest = await kept.page("u1", is_newest=False, limit=1)
        assert [each.text for each in oldest.items] == ["text 20"]
        assert await kept.unread("u1") == 1_000
        assert await kept.unread("u2") == 1
        clock.advance(91 * DAY_NS)
        await control.clean_up()
        assert await kept.unread("u1") == 0

    asyncio.run(story())


async def _announced(control: ControlStores) -> None:
    kept = control.notifications
    assert await kept.announced("journal") is None
    await kept.announce_from("journal", 5)
    made = await kept.announce("journal", [(5, told(5)), (6, told(6)), (8, told(8))], upto=8)
    assert [each.text for each in made] == ["text 6", "text 8"]
    again = await kept.announce("journal", [(8, told(8)), (9, told(9))], upto=9)
    assert [each.text for each in again] == ["text 9"]
    assert await kept.announce("journal", [], upto=7) == []
    assert await kept.announced("journal") == 9
    await kept.announce_from("journal", 2)
    assert await kept.announced("journal") == 2
    assert await kept.unread("u1") == 3


def test_what_a_journal_holds_is_told_once_and_up_to_where_is_kept_with_it(
    control: ControlStores,
) -> None:
    asyncio.run(_announced(control))


# Versions, notes and settings


def a_version(number: int, **changes: Any) -> Version:
    return Version(
        **{
            "account": "paper",
            "id": "rsi",
            "version": number,
            "author": "person:alice",
            "at": number * 100,
            "document": f'{{"period":{number}}}',
            **changes,
        }
    )


async def _versions(kept: DesiredStore) -> None:
    assert await kept.newest("paper") == {}
    assert await kept.write(a_version(1))
    assert not await kept.write(a_version(1))
    assert not await kept.write(a_version(3))
    assert await kept.write(a_version(2, is_deleted=True, note="too slow"))
    assert await kept.write(a_version(3, undo_of=1))
    assert await kept.write(a_version(1, id="macd"))
    assert await kept.write(a_version(1, account="other"))
    assert await kept.versions("paper", "rsi") == [
        a_version(3, undo_of=1),
        a_version(2, is_deleted=True, note="too slow"),
        a_version(1),
    ]
    assert await kept.newest("paper") == {
        "macd": a_version(1, id="macd"),
        "rsi": a_version(3, undo_of=1),
    }
    assert await kept.versions("paper", "unknown") == []


def test_versions_count_up_and_the_newest_is_found(control: ControlStores) -> None:
    asyncio.run(_versions(control.strategies))
    asyncio.run(_versions(control.limits))


def test_of_many_who_write_the_next_version_at_once_one_does(control: ControlStores) -> None:
    async def story() -> list[bool]:
        return await asyncio.gather(
            *(control.strategies.write(a_version(1, author=f"{n}")) for n in range(10))
        )

    assert sum(asyncio.run(story())) == 1


def test_notes_on_reports_are_kept_with_the_report(control: ControlStores) -> None:
    def a_note(number: int, report: str = "run1") -> ReportNote:
        return ReportNote(
            report=report, id=f"n{number}", author="u1", text="odd\x00", created_at=number
        )

    async def story() -> None:
        notes = control.notes
        for number in (2, 1):
            assert await notes.add(a_note(number))
        assert not await notes.add(a_note(1))
        assert not await notes.add(a_note(3), notes_max=2)
        assert await notes.add(a_note(1, "run2"))
        assert [note.id for note in await notes.notes("run1")] == ["n1", "n2"]
        assert await notes.remove("run1", "n1") == 1
        assert await notes.remove("run1") == 1
        assert [note.id for note in await notes.notes("run2")] == ["n1"]

    asyncio.run(story())


def test_the_newest_change_of_a_setting_counts(control: ControlStores) -> None:
    def change(name: str, value: str | None, at: int) -> SettingChange:
        return SettingChange(name=name, value=value, author="person:alice", created_at=at)

    async def story() -> None:
        settings = control.settings
        assert await settings.newest() == {}
        await settings.add([change("orders_per_s", "10", 1), change("tier", '"pro"', 1)])
        await settings.add([change("orders_per_s", None, 2)])
        assert await settings.newest() == {
            "orders_per_s": change("orders_per_s", None, 2),
            "tier": change("tier", '"pro"', 1),
        }
        assert [each.value for each in await settings.history("orders_per_s")] == [None, "10"]

    asyncio.run(story())
