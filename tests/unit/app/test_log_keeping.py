"""Log files followed: every line once, whatever happens to the files, and found by its call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.support.callers import a_call

from botcore.app import foreground
from botcore.app.home import Home
from botcore.app.log_keeping import FOLDER, LogKeeper
from botcore.app.log_searching import KeptLogs
from botcore.control.handlers.logs import LogHandlers
from botcore.control.logs_port import SoughtLines
from botcore.control.problems import Malformed
from botcore.control.schema.health import HealthStatus
from botcore.control.schema.logs import ListLogs, LogEntry, LogLevel
from botcore.domain.errors import StorageError
from botcore.domain.ids import SECOND_NS
from botcore.kernel.child import ChildEventKind
from botcore.kernel.clock import ManualClock
from botcore.kernel.supervisor import ChildEvent
from botcore.observability.sheet import Sheet
from botcore.storage.logs import KeptLine, LogStore

NOW = 1_763_733_930 * SECOND_NS


class Desk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock(NOW)
        self.store = LogStore(folder / FOLDER)
        self.keeper = LogKeeper(folder, self.store, clock=self.clock)
        self.logs = KeptLogs(self.store)

    def write(self, name: str, *numbers: int, text: str = "", **fields: object) -> None:
        with (self.folder / name).open("a", encoding="utf-8") as file:
            for number in numbers:
                line = {
                    "ts": f"2025-11-21T14:05:{number:02d}.000000Z",
                    "level": "info",
                    "event": "fill",
                    "service": name.split(".", maxsplit=1)[0],
                    **fields,
                }
                file.write(text or json.dumps(line) + "\n")

    def find(self, **sought: object) -> list[LogEntry]:
        asked = {"limit": 100} | sought
        return list(asyncio.run(self.logs.find(SoughtLines(**asked))).items)  # type: ignore[arg-type]  # of the test

    @property
    def seconds(self) -> list[int]:
        return [each.time.second for each in self.find()]

    def figures(self) -> dict[str, float]:
        sheet = Sheet()
        self.keeper(sheet)
        return {
            f"{each.name}{{{','.join(each.labels.values())}}}": each.value
            for family in sheet.families()
            for each in family.samples
        }


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "logs").mkdir()
    return Desk(tmp_path / "logs")


def test_what_became_of_the_processes_is_found_as_any_other_line(desk: Desk) -> None:
    tell = foreground.supervisor_log(Home(desk.folder.parent))

    for kind in ChildEventKind:
        tell(ChildEvent(kind, "engine", 4711, "code 4"))
    desk.keeper.follow()

    found = {each.event: each for each in desk.find()}
    assert set(found) == {f"child_{kind.lower()}" for kind in ChildEventKind}
    assert {each.service for each in found.values()} == {"supervisor"}
    assert found["child_started"].level is LogLevel.INFO
    assert found["child_killed"].level is LogLevel.WARNING
    assert found["child_exited"].fields["why"] == "code 4"


def test_what_comes_is_kept_once(desk: Desk) -> None:
    desk.write("engine.log", 1, 2)
    desk.keeper.follow()
    desk.write("engine.log", 3)
    desk.write("api.log", 4)
    desk.keeper.follow()
    desk.keeper.follow()

    assert desk.seconds == [4, 3, 2, 1]
    assert [each.service for each in desk.find()] == ["api", "engine", "engine", "engine"]


def test_half_a_line_waits_for_its_end(desk: Desk) -> None:
    desk.write("engine.log", 1, text='{"ts": "2025-11-21T14:05:01.000000Z", "level": "info",')
    desk.keeper.follow()
    before = desk.seconds
    desk.write("engine.log", 1, text=' "event": "fill"}\n')
    desk.keeper.follow()

    assert (before, desk.seconds) == ([], [1])


def test_a_file_that_is_turned_over_loses_nothing(desk: Desk) -> None:
    desk.write("engine.log", 1)
    desk.keeper.follow()
    desk.write("engine.log", 2)
    (desk.folder / "engine.log").rename(desk.folder / "engine.1.log")
    desk.write("engine.log", 3)
    desk.keeper.follow()

    assert desk.seconds == [3, 2, 1]
    assert {each.service for each in desk.find()} == {"engine"}


def test_a_file_that_was_emptied_is_read_from_its_beginning(desk: Desk) -> None:
    desk.write("engine.log", 1, 2)
    desk.keeper.follow()
    (desk.folder / "engine.log").write_text("")
    desk.write("engine.log", 3)
    desk.keeper.follow()

    assert desk.seconds == [3, 2, 1]


def test_a_new_start_goes_on_where_the_last_one_stood(desk: Desk) -> None:
    desk.write("engine.log", 1)
    desk.keeper.follow()
    desk.write("engine.log", 2)

    again = Desk(desk.folder)
    again.keeper.follow()

    assert again.seconds == [2, 1]
    assert "botcore_log_lines_total{engine,info}" not in again.figures()  # older than this start


def test_a_start_that_forgot_where_it_stood_keeps_no_line_twice(desk: Desk) -> None:
    desk.write("engine.log", 1, 2)
    desk.keeper.follow()
    (desk.folder / FOLDER / "places.json").unlink()

    again = Desk(desk.folder)
    again.keeper.follow()

    assert again.seconds == [2, 1]


def test_what_is_no_line_of_ours_is_kept_without_its_secrets(desk: Desk) -> None:
    secret = "bck_live_a1b2c3d4_0123456789"
    desk.write("engine.log", 1, text=f"Fatal Python error: {secret}\n")
    desk.write("engine.log", 1, text='["a list"]\n')
    desk.write("engine.log", 1, text='{"ts": 5, "level": "info", "event": "fill"}\n')
    desk.keeper.follow()

    found = desk.find()

    assert {each.event for each in found} == {"unknown_event"}
    assert any(each.message.startswith("Fatal Python error") for each in found)
    assert secret not in str(found)
    assert desk.figures()["botcore_log_lines_unreadable_total{}"] == 3


def test_lines_are_counted_by_process_and_level(desk: Desk) -> None:
    desk.write("engine.log", 31, 32, level="error")
    desk.write("api.log", 33, level="odd")
    desk.keeper.follow()

    found = desk.figures()

    assert found["botcore_log_lines_total{engine,error}"] == 2
    assert found["botcore_log_lines_total{api,other}"] == 1


def test_more_than_one_turn_takes_is_read_in_several(desk: Desk) -> None:
    desk.write("engine.log", *([1] * 20_000))
    turns = 1
    while desk.keeper.follow():
        turns += 1

    assert turns > 1
    assert len(desk.find(limit=30_000)) == 20_000


def test_a_call_is_found_in_all_processes_by_its_id(desk: Desk) -> None:
    desk.write("api.log", 1, correlation_id="c1", event="request_failed")
    desk.write("engine.log", 2, correlation_id="c1", event="order_placed", msg="words", n=[1])
    desk.write("engine.log", 3, correlation_id="c2")
    desk.keeper.follow()

    answer = asyncio.run(
        LogHandlers(lines=desk.logs).list(a_call(), ListLogs(correlation="c1", level=LogLevel.INFO))
    )

    assert [each.event for each in answer.items] == ["order_placed", "request_failed"]
    first = answer.items[0]
    assert (first.message, first.fields, first.correlation) == ("words", {"n": [1]}, "c1")


def test_a_page_follows_another(desk: Desk) -> None:
    desk.write("engine.log", *range(7))
    desk.keeper.follow()
    handlers = LogHandlers(lines=desk.logs)

    found, cursor = [], ""
    while True:
        page = asyncio.run(handlers.list(a_call(), ListLogs(limit=3, cursor=cursor)))
        found += [each.time.second for each in page.items]
        if page.next_cursor is None:
            break
        cursor = page.next_cursor

    assert found == [6, 5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize("cursor", ["!", "eA", "MSAy" + "OTk5" * 20, "LTEgMQ"])
def test_a_cursor_of_somebody_else_is_refused(desk: Desk, cursor: str) -> None:
    with pytest.raises(Malformed):
        asyncio.run(LogHandlers(lines=desk.logs).list(a_call(), ListLogs(cursor=cursor)))


def test_the_newest_are_what_a_socket_is_given(desk: Desk) -> None:
    desk.write("engine.log", 1, 2, 3, n=[1], price="1.25")
    desk.keeper.follow()

    found = asyncio.run(desk.logs.newest(2))

    assert [each.time.second for each in found] == [2, 3]
    assert found[0].id < found[1].id
    assert found[0].fields == {"service": "engine", "n": "[1]", "price": "1.25"}


class Failing(LogStore):
    """A store that cannot be written three times."""

    left = 3

    def keep(self, lines: Sequence[KeptLine]) -> int:
        self.left -= 1
        if self.left >= 0:
            raise StorageError(code="STORE_DISK_FULL", cause="full", fix="free some")
        return super().keep(lines)


def test_a_store_that_fails_is_tried_again_and_nothing_is_lost(desk: Desk) -> None:
    seen: list[HealthStatus] = []

    class Watching(ManualClock):
        async def sleep(self, seconds: float) -> None:
            seen.append(keeper.health()[0])
            await super().sleep(seconds)
            desk.write("engine.log", 5)
            if len(seen) > 6:
                raise asyncio.CancelledError

    desk.write("engine.log", 1)
    keeper = LogKeeper(desk.folder, Failing(desk.folder / FOLDER), clock=Watching(NOW))
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(keeper.run())

    assert seen[:4] == [HealthStatus.DEGRADED] * 3 + [HealthStatus.OK]
    assert desk.seconds == [5] * 6 + [1]
