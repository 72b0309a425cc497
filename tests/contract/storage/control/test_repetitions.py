"""Idempotency keys: one act, one answer, through failures and a restart."""

import asyncio
import sqlite3
from typing import Any

import pytest
import sqlalchemy as sa
from tests.contract.storage.control.test_audit import an_entry

from botcore.app.control_store import ControlStores, open_control
from botcore.control.ports import Beginning
from botcore.control.ports import Repetitions as RepetitionsPort
from botcore.domain.errors import StorageError
from botcore.domain.ids import DAY_NS
from botcore.kernel.clock import ManualClock
from botcore.storage.control.tables import audit, repetitions

ALICE = "person:alice"


def test_an_act_runs_once_and_its_answer_is_given_again(control: ControlStores) -> None:
    async def story() -> None:
        asked: RepetitionsPort = control.repetitions
        assert await asked.begin(ALICE, "k", "digest") is Beginning.NEW
        assert await asked.begin(ALICE, "k", "digest") is Beginning.RUNNING
        assert await asked.begin(ALICE, "k", "another") is Beginning.OTHER
        assert await asked.begin("person:bob", "k", "digest") is Beginning.NEW
        await asked.finish(ALICE, "k", b'{"id":1}', an_entry())
        assert await asked.begin(ALICE, "k", "digest") == b'{"id":1}'
        assert await asked.begin(ALICE, "k", "another") is Beginning.OTHER

    asyncio.run(story())


def test_of_many_who_come_with_one_key_at_once_one_begins(control: ControlStores) -> None:
    async def story() -> list[Any]:
        return await asyncio.gather(
            *(control.repetitions.begin(ALICE, "k", "digest") for _ in range(20))
        )

    found = asyncio.run(story())

    assert found.count(Beginning.NEW) == 1
    assert found.count(Beginning.RUNNING) == 19


def test_what_was_not_carried_out_may_come_again(control: ControlStores) -> None:
    async def story() -> None:
        asked = control.repetitions
        await asked.begin(ALICE, "k", "digest")
        await asked.forget(ALICE, "k")
        assert await asked.begin(ALICE, "k", "another") is Beginning.NEW
        await asked.finish(ALICE, "k", b"1", an_entry())
        await asked.forget(ALICE, "k")  # what was answered stays answered
        assert await asked.begin(ALICE, "k", "another") == b"1"

    asyncio.run(story())


def test_what_ran_when_the_process_died_is_new_after_the_restart(
    store_url: str, clock: ManualClock
) -> None:
    async def begin(control: ControlStores, digest: str) -> Any:
        return await control.repetitions.begin(ALICE, "k", digest)

    first = open_control(store_url, clock=clock)
    assert asyncio.run(begin(first, "digest")) is Beginning.NEW
    first.close()  # as a killed process leaves it: begun, and no answer

    second = open_control(store_url, clock=clock)
    assert asyncio.run(begin(second, "another")) is Beginning.OTHER
    assert asyncio.run(begin(second, "digest")) is Beginning.NEW
    assert asyncio.run(begin(second, "digest")) is Beginning.RUNNING
    second.close()


QUARTER_NS = 15 * 60 * 10**9


@pytest.mark.parametrize("is_killed", [False, True])
def test_what_nobody_knows_the_outcome_of_comes_again_for_a_quarter_of_an_hour_and_no_longer(
    store_url: str, clock: ManualClock, is_killed: bool
) -> None:
    control = open_control(store_url, clock=clock)

    async def begin() -> Any:
        return await control.repetitions.begin(ALICE, "k", "digest")

    found = []
    for after in (0, QUARTER_NS // 2, QUARTER_NS // 2 - 1, 1, DAY_NS - QUARTER_NS - 1, 1):
        clock.advance(after)
        found.append(asyncio.run(begin()))
        if is_killed:
            control.close()
            control = open_control(store_url, clock=clock)
        else:
            control.repetitions.leave(ALICE, "k")
    control.close()

    late = Beginning.UNFINISHED
    assert found == [Beginning.NEW] * 3 + [late, late, Beginning.NEW], "from the first try on"


def test_an_act_that_runs_for_long_is_running(control: ControlStores, clock: ManualClock) -> None:
    async def story() -> None:
        await control.repetitions.begin(ALICE, "k", "digest")
        clock.advance(2 * QUARTER_NS)
        assert await control.repetitions.begin(ALICE, "k", "digest") is Beginning.RUNNING
        await control.repetitions.finish(ALICE, "k", b"1", an_entry())
        assert await control.repetitions.begin(ALICE, "k", "digest") == b"1"

    asyncio.run(story())


def test_the_answer_and_the_entry_are_written_both_or_neither(control: ControlStores) -> None:
    class Hostile(str):
        __slots__ = ()

        def __getitem__(self, _: object) -> str:
            raise LookupError("no entry can be made of this")

    async def story() -> None:
        await control.repetitions.begin(ALICE, "k", "digest")
        with pytest.raises(LookupError):
            await control.repetitions.finish(ALICE, "k", b"1", an_entry(detail=Hostile("x")))

    asyncio.run(story())

    answers = control.store.read_blocking(
        lambda c: list(c.execute(sa.select(repetitions.c.answer)).scalars())
    )
    entries = control.store.read_blocking(lambda c: list(c.execute(sa.select(audit))))
    assert (answers, entries) == ([None], [])


def test_a_key_is_kept_for_a_day(control: ControlStores, clock: ManualClock) -> None:
    async def story() -> None:
        asked = control.repetitions
        await asked.begin(ALICE, "k", "digest")
        await asked.finish(ALICE, "k", b"1", an_entry())
        clock.advance(DAY_NS - 1)
        await control.clean_up()
        assert await asked.begin(ALICE, "k", "digest") == b"1"
        clock.advance(2)
        assert await asked.begin(ALICE, "k", "another") is Beginning.NEW
        await asked.begin(ALICE, "old", "digest")
        clock.advance(DAY_NS + 1)
        await control.clean_up()
        assert await control.store.rows(sa.select(repetitions)) == []

    asyncio.run(story())


def test_any_text_may_be_a_key(control: ControlStores) -> None:
    async def story() -> None:
        for key in ("", "\x00", "\ud800", "x" * 100_000, "'; DROP TABLE users; --"):
            assert await control.repetitions.begin(ALICE, key, "digest") is Beginning.NEW
            assert await control.repetitions.begin(ALICE, key, "digest") is Beginning.RUNNING

    asyncio.run(story())


class Shut:
    """A store that takes no writes while it is shut."""

    def __init__(self, control: ControlStores) -> None:
        self.is_shut = False
        sa.event.listen(control.store._store.engine, "before_cursor_execute", self._before)

    def _before(self, _c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if self.is_shut and statement.startswith(("INSERT", "UPDATE", "DELETE")):
            full = sqlite3.OperationalError("database or disk is full")
            full.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise sa.exc.OperationalError(statement, {}, full)


def test_an_answer_that_could_not_be_stored_is_given_from_memory_and_stored_later(
    control: ControlStores, clock: ManualClock, store_url: str
) -> None:
    store = Shut(control)

    async def story() -> None:
        asked = control.repetitions
        await asked.begin(ALICE, "k", "digest")
        store.is_shut = True
        with pytest.raises(StorageError):
            await asked.finish(ALICE, "k", b"1", an_entry())
        assert await asked.begin(ALICE, "k", "digest") == b"1"
        assert await asked.begin(ALICE, "k", "another") is Beginning.OTHER
        with pytest.raises(StorageError):
            await asked.begin(ALICE, "new", "digest")
        store.is_shut = False
        assert await asked.begin(ALICE, "new", "digest") is Beginning.NEW
        control.catch_up()
        await asked.begin(ALICE, "and then", "digest")  # which is written after it

    asyncio.run(story())

    again = open_control(store_url, clock=clock)
    assert asyncio.run(again.repetitions.begin(ALICE, "k", "digest")) == b"1"
    again.close()


def test_a_forgetting_that_fails_holds_no_repetition_up(control: ControlStores) -> None:
    store = Shut(control)

    async def story() -> None:
        asked = control.repetitions
        await asked.begin(ALICE, "k", "digest")
        store.is_shut = True
        with pytest.raises(StorageError):
            await asked.forget(ALICE, "k")
        store.is_shut = False
        assert await asked.begin(ALICE, "k", "digest") is Beginning.NEW

    asyncio.run(story())


def test_an_act_whose_caller_left_before_its_answer_was_kept_is_not_running_for_ever(
    control: ControlStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = control.repetitions

    async def left(_act: object) -> None:
        raise asyncio.CancelledError

    async def story() -> None:
        await asked.begin(ALICE, "k", "digest")
        with monkeypatch.context() as leaving:
            leaving.setattr(asked._store, "write", left)
            with pytest.raises(asyncio.CancelledError):
                await asked.finish(ALICE, "k", b"1", an_entry())
        assert await asked.begin(ALICE, "k", "digest") is Beginning.NEW
        finishing = asyncio.create_task(asked.finish(ALICE, "k", b"1", an_entry()))
        await asyncio.wait([finishing], timeout=0)
        finishing.cancel()  # the writer has it: it is kept all the same
        assert await asked.begin(ALICE, "k", "digest") == b"1"

    asyncio.run(story())
