"""What people are told of risk: from the journal, each fact once, whoever listened meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.storage.facts import MAIN, RSI, an_alert, at, entries, placed
from tests.support.memory_identity_store import MemoryIdentityStore

from botcore.app.announcing import Announcer
from botcore.app.control_store import open_control
from botcore.app.fact_feed import Lost
from botcore.app.notices import Notices
from botcore.control.access import Role
from botcore.control.identity.people import People
from botcore.control.identity.ports import User
from botcore.control.schema.alerts import Notification
from botcore.domain.events import Fact, ModeChanged, RiskAlert, StrategyQuarantined
from botcore.domain.modes import Mode
from botcore.kernel.clock import ManualClock, SystemClock
from botcore.storage import ReadingStore, SqlJournal, Store

NOW = 1_767_225_600_000_000_000
HALTED = ModeChanged(MAIN, at(3), Mode.NORMAL, Mode.HALT, "a loss", "risk")
QUARANTINED = StrategyQuarantined(MAIN, RSI, at(4), "it raised")


class Desk:
    """An engine's journal, and a process that tells people of it and may be started anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(f"sqlite:///{folder / 'engine.db'}")
        self.journal = SqlJournal(self.store)
        self.heard: list[tuple[str, Notification]] = []

    def happens(self, *facts: Fact) -> None:
        self.journal.wait_durable(self.journal.append(entries(facts)))

    def listen(self, *, then: tuple[Fact, ...] = ()) -> None:
        """Run the process: it looks once, and again after `then` has happened."""
        asyncio.run(self._listen(then))

    async def _listen(self, then: tuple[Fact, ...]) -> None:
        async with asyncio.timeout(10):
            with Process(self) as process:
                people = await _people()
                announcer = process.announcer(people)
                assert await announcer.look()
                if then:
                    self.happens(*then)
                    assert await announcer.look()

    @property
    def texts(self) -> list[str]:
        return [told.text for user, told in self.heard if user == "ann"]

    def close(self) -> None:
        self.journal.close()
        self.store.close()


class Process:
    """The stores of one run of the api process."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.clock = ManualClock(NOW)
        self.stores = open_control(f"sqlite:///{desk.folder / 'control.db'}", clock=self.clock)
        self.reading = ReadingStore(f"sqlite:///{desk.folder / 'engine.db'}")
        self.notices = Notices(self.stores.notifications, clock=self.clock)
        self.notices.listen(lambda user, told: desk.heard.append((user, told)))

    def announcer(self, people: People) -> Announcer:
        return Announcer(
            notices=self.notices,
            people=people,
            journal=self.reading,
            clock=SystemClock(),
            loop=asyncio.get_running_loop(),
        )

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.reading.close()
        self.stores.close()


async def _people() -> People:
    people = People(MemoryIdentityStore())
    for name in ("ann", "bob"):
        await people.add(
            User(id=name, username=name, role=Role.OWNER, created_at=1, is_disabled=name == "bob")
        )
    return people


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.close()


def test_what_happened_while_nobody_listened_is_told_at_the_next_start_with_its_time(
    desk: Desk,
) -> None:
    desk.listen()
    desk.happens(placed(1), HALTED, an_alert("too much"), placed(2), QUARANTINED)

    desk.listen()

    assert desk.texts == [
        "main: NORMAL → HALT, a loss (at 2026-01-01 00:00:03 UTC)",
        "main: too much (at 2026-01-01 00:00:00 UTC)",
        "rsi is not asked any more: it raised (at 2026-01-01 00:00:04 UTC)",
    ]
    assert {user for user, _ in desk.heard} == {"ann"}


def test_each_fact_is_told_once_however_often_the_process_starts(desk: Desk) -> None:
    desk.listen()
    desk.happens(HALTED)
    desk.listen(then=(an_alert("later"),))

    desk.listen()
    desk.listen()

    assert desk.texts == [
        "main: NORMAL → HALT, a loss (at 2026-01-01 00:00:03 UTC)",
        "main: later",
    ]


def test_a_store_that_is_told_of_for_the_first_time_is_not_told_from_its_beginning(
    desk: Desk,
) -> None:
    desk.happens(an_alert("a year ago"))

    desk.listen(then=(an_alert("now"),))

    assert desk.texts == ["main: now"]


def test_of_very_many_the_newest_are_told_and_one_line_counts_the_others(desk: Desk) -> None:
    desk.listen()
    desk.happens(*(an_alert(str(number)) for number in range(250)))

    desk.listen()
    desk.listen()

    assert len(desk.texts) == 201
    assert desk.texts[0] == (
        "50 further changes of mode, alerts and locks came earlier, while nobody was told:"
        " see the list of alerts"
    )
    assert desk.heard[0][1].code == "NOTICES_LEFT_OUT"
    assert desk.texts[1].startswith("main: 50 ")
    assert desk.texts[-1].startswith("main: 249 ")


def test_a_journal_that_went_back_is_told_from_where_it_is_now(desk: Desk) -> None:
    desk.happens(*(an_alert(str(number)) for number in range(5)))
    desk.listen()
    desk.close()
    (desk.folder / "engine.db").unlink()
    restored = Desk(desk.folder)
    restored.happens(an_alert("restored"))

    restored.listen(then=(an_alert("new"),))

    assert restored.texts == ["main: new"]
    restored.close()


def test_a_change_of_mode_is_told_once_and_not_again_as_the_alert_that_goes_with_it(
    desk: Desk,
) -> None:
    desk.listen(then=(HALTED, RiskAlert(MAIN, at(3), "MODE_HALT", "a loss")))

    assert desk.texts == ["main: NORMAL → HALT, a loss"]


@pytest.mark.parametrize("word", ["a fact", "a loss of facts"])
def test_a_word_of_the_feed_has_the_journal_looked_at_at_once(desk: Desk, word: str) -> None:
    async def story() -> None:
        with Process(desk) as process:
            announcer = process.announcer(await _people())
            told: asyncio.Queue[str] = asyncio.Queue()
            process.notices.listen(lambda _, each: told.put_nowait(each.text))
            assert await announcer.look()
            desk.happens(an_alert("first"))
            running = asyncio.create_task(announcer.run())
            async with asyncio.timeout(10):
                assert await told.get() == "main: first"  # it has looked, and waits
                desk.happens(HALTED)
                if word == "a fact":
                    announcer.fact(2, HALTED)
                else:
                    announcer.lost(Lost(0, 2, 0, "a test"))
                await told.get()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(story())

    assert desk.texts == ["main: first", "main: NORMAL → HALT, a loss"]


def test_a_journal_that_cannot_be_read_is_looked_at_again_and_nothing_is_lost(desk: Desk) -> None:
    desk.listen()
    desk.happens(HALTED)
    file = desk.folder / "engine.db"

    async def story() -> None:
        with Process(desk) as process:
            announcer = process.announcer(await _people())
            file.rename(file.with_suffix(".away"))
            assert not await announcer.look()
            assert not await announcer.look()
            file.with_suffix(".away").rename(file)
            assert await announcer.look()

    asyncio.run(story())

    assert desk.texts == ["main: NORMAL → HALT, a loss (at 2026-01-01 00:00:03 UTC)"]
