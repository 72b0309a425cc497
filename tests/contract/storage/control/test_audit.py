"""The audit: without gaps, chained, and honest about what was done to it."""

import asyncio
import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa

from botcore.app.control_store import ControlStores
from botcore.control.audit_port import Wanted
from botcore.control.history_port import Span
from botcore.control.ports import AuditEntry, AuditTrail
from botcore.control.problems import Malformed
from botcore.domain.errors import StorageError
from botcore.kernel.clock import ManualClock, SystemClock
from botcore.storage.control.tables import audit, audit_head


def an_entry(**changes: Any) -> AuditEntry:
    return AuditEntry(
        **{
            "actor": "person:alice",
            "user": "u1",
            "session": "s1",
            "address": "127.0.0.1",
            "action": "orders.place",
            "request": {"instrument": "BTCUSDT.SIM", "quantity": "0.01"},
            "result": "done",
            "correlation": "c1",
            **changes,
        }
    )


def attack(control: ControlStores, *statements: sa.Executable) -> None:
    """Change the tables as somebody who owns the database can: without the triggers."""

    def act(connection: sa.Connection) -> None:
        if connection.dialect.name == "sqlite":
            for (name,) in connection.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            for table in ("audit", "audit_head"):
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in statements:
            connection.execute(statement)

    control.store.write_blocking(act)


async def fill(control: ControlStores, count: int) -> None:
    for number in range(count):
        await control.audit.append(an_entry(correlation=f"c{number}"))


def test_it_is_what_control_asks_for(control: ControlStores) -> None:
    trail: AuditTrail = control.audit

    assert asyncio.run(trail.append(an_entry())) == 1


async def _numbers(control: ControlStores, writers: int, each: int) -> list[int]:
    async def write(writer: int) -> list[int]:
        return [await control.audit.append(an_entry(actor=f"person:{writer}")) for _ in range(each)]

    return [seq for part in await asyncio.gather(*map(write, range(writers))) for seq in part]


def test_numbers_have_no_gap_though_many_write_at_once(control: ControlStores) -> None:
    numbers = asyncio.run(_numbers(control, 20, 5))

    assert sorted(numbers) == list(range(1, 101))
    found = asyncio.run(control.audit.verify())
    assert (found.entries, found.is_whole, found.first_bad, found.finding) == (100, True, None, "")


@pytest.mark.services
def test_two_processes_write_one_chain(postgres_schema: str, clock: ManualClock) -> None:
    from botcore.app.control_store import open_control

    both = [open_control(postgres_schema, clock=clock) for _ in range(2)]

    async def write() -> list[int]:
        parts = await asyncio.gather(*(_numbers(one, 10, 5) for one in both))
        return [*parts[0], *parts[1]]

    numbers = asyncio.run(write())

    assert sorted(numbers) == list(range(1, 101))
    assert asyncio.run(both[0].audit.verify()).is_whole
    for one in both:
        one.close()


@pytest.mark.parametrize(
    "statement",
    [
        sa.update(audit).values(actor="person:mallory"),
        sa.delete(audit),
        sa.update(audit_head).values(seq=1),
        sa.update(audit_head).values(seq=7),
        sa.delete(audit_head),
    ],
    ids=["edit", "delete", "shorten", "skip", "behead"],
)
def test_the_database_refuses_to_change_it(control: ControlStores, statement: sa.Update) -> None:
    asyncio.run(fill(control, 3))

    with pytest.raises(StorageError):
        control.store.write_blocking(lambda c: c.execute(statement))

    assert asyncio.run(control.audit.verify()).is_whole


def test_the_database_refuses_an_entry_out_of_turn_or_in_the_place_of_another(
    control: ControlStores,
) -> None:
    asyncio.run(fill(control, 3))
    for seq in (2, 5):
        row = sa.select(
            *(
                sa.literal(seq).label("seq") if column.name == "seq" else column
                for column in audit.columns
            )
        ).where(audit.c.seq == 1)
        verbs = ("INSERT", "INSERT OR REPLACE") if _is_sqlite(control) else ("INSERT",)
        for verb in verbs:
            forged = sa.insert(audit).from_select(audit.columns.keys(), row)
            if verb != "INSERT":
                forged = forged.prefix_with("OR REPLACE")

            with pytest.raises(StorageError):
                control.store.write_blocking(partial(sa.Connection.execute, statement=forged))

    found = asyncio.run(control.audit.verify())
    assert (found.entries, found.is_whole) == (3, True)


def _is_sqlite(control: ControlStores) -> bool:
    return str(control.store).startswith("sqlite")


def _swap(first: int, second: int) -> list[sa.Executable]:
    away = 1_000
    moves = ((first, away), (second, first), (away, second))
    return [sa.update(audit).where(audit.c.seq == a).values(seq=b) for a, b in moves]


def _copy_of(seq: int, to: int) -> sa.Insert:
    columns = [
        sa.literal(to).label("seq") if column.name == "seq" else column for column in audit.columns
    ]
    return sa.insert(audit).from_select(
        audit.columns.keys(), sa.select(*columns).where(audit.c.seq == seq)
    )


@pytest.mark.parametrize(
    ("statements", "first_bad"),
    [
        ([sa.update(audit).where(audit.c.seq == 4).values(actor="person:mallory")], 4),
        ([sa.update(audit).where(audit.c.seq == 4).values(ts=1)], 4),
        ([sa.update(audit).where(audit.c.seq == 4).values(time="yesterday")], 4),
        ([sa.update(audit).where(audit.c.seq == 4).values(request="{}")], 4),
        ([sa.update(audit).where(audit.c.seq == 4).values(hash=bytes(32))], 4),
        ([sa.delete(audit).where(audit.c.seq == 4)], 4),
        ([sa.delete(audit).where(audit.c.seq == 1)], 1),
        ([sa.delete(audit).where(audit.c.seq == 10)], 10),
        ([sa.delete(audit).where(audit.c.seq > 7)], 8),
        ([sa.delete(audit)], 1),
        (_swap(3, 4), 3),
        ([_copy_of(10, 11)], 11),
        ([_copy_of(10, 11), sa.update(audit_head).values(seq=11)], 11),
        ([sa.update(audit_head).values(seq=9)], 10),
        ([sa.update(audit_head).values(hash=bytes(32))], 10),
        ([sa.delete(audit_head)], 11),
    ],
    ids=[
        "edited actor",
        "edited stamp",
        "edited time",
        "edited request",
        "edited hash",
        "deleted in the middle",
        "deleted at the start",
        "deleted at the end",
        "truncated",
        "emptied",
        "swapped",
        "inserted",
        "inserted with its head",
        "head behind",
        "head of another chain",
        "head gone",
    ],
)
def test_verify_names_the_first_entry_that_is_not_what_was_written(
    control: ControlStores, statements: list[sa.Executable], first_bad: int
) -> None:
    asyncio.run(fill(control, 10))
    attack(control, *statements)

    found = asyncio.run(control.audit.verify())

    assert (found.is_whole, found.first_bad) == (False, first_bad)
    assert found.finding


@pytest.mark.parametrize(
    "text",
    [
        'x\n{"seq":2,"actor":"person:alice","action":"users.remove","result":"done"}',
        "x\r\n2 person:alice users.remove done",
        "x\u2028line",
        "\u202eevil\u202c",
        "nul \x00 and bell \x07",
        "half \ud83d of a pair",
        "x" * 100_000,
    ],
    ids=["line feed", "CR LF", "separator", "direction", "control", "surrogate", "long"],
)
def test_no_text_of_a_user_can_look_like_another_entry(control: ControlStores, text: str) -> None:
    entry = an_entry(
        actor=text, session=text, detail=text, correlation=text, request={"note": text, text: 1}
    )

    asyncio.run(control.audit.append(entry))

    row = control.store.read_blocking(lambda c: c.execute(sa.select(audit)).one())
    for value in row._mapping.values():
        if isinstance(value, str):
            assert value.isprintable()
            assert len(value) <= 16 * 1024
    [shown] = asyncio.run(control.records.audit(Wanted(limit=10))).items
    assert shown.seq == 1
    assert asyncio.run(control.audit.verify()).is_whole


class _Gate:
    """Refuses what the store is asked to write while it is shut."""

    def __init__(self, control: ControlStores) -> None:
        self.is_shut = False
        sa.event.listen(control.store._store.engine, "before_cursor_execute", self._before)

    def _before(self, _c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if self.is_shut and statement.startswith("INSERT INTO audit"):
            full = sqlite3.OperationalError("database or disk is full")
            full.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise sa.exc.OperationalError(statement, {}, full)


def test_what_could_not_be_written_is_written_before_what_comes_next_in_its_order(
    control: ControlStores, clock: ManualClock
) -> None:
    gate = _Gate(control)

    async def story() -> None:
        await control.audit.append(an_entry(correlation="before"))
        gate.is_shut = True
        for number in range(3):
            entry = an_entry(correlation=f"lost {number}")
            with pytest.raises(StorageError) as failed:
                await control.audit.append(entry)
            control.audit.lost(entry, failed.value)
            clock.advance(1_000_000_000)
        control.catch_up()  # still no room: nothing of it is forgotten
        while control.store.writes_waiting or not control.audit.waiting:
            await SystemClock().sleep(0.001)
        gate.is_shut = False
        await control.audit.append(an_entry(correlation="after"))

    asyncio.run(story())

    found = asyncio.run(control.records.audit(Wanted(limit=10, is_oldest=True))).items
    assert [entry.correlation for entry in found] == [
        "before",
        "lost 0",
        "lost 1",
        "lost 2",
        "after",
    ]
    assert len({entry.time for entry in found[1:4]}) == 3  # as they were, not as they were written
    assert control.audit.waiting == 0
    assert asyncio.run(control.audit.verify()).is_whole


def test_of_more_than_there_is_room_for_the_number_is_written(control: ControlStores) -> None:
    gone = StorageError(code="STORE_DISK_FULL", cause="the disk is full", fix="free some space")
    for number in range(1_005):
        control.audit.lost(an_entry(correlation=f"lost {number}"), gone)

    asyncio.run(control.audit.append(an_entry(correlation="after")))

    found = asyncio.run(control.records.audit(Wanted(limit=500, action="audit.lost"))).items
    assert [(entry.seq, entry.request) for entry in found] == [(1_001, {"entries": 5})]
    assert asyncio.run(control.audit.verify()).entries == 1_002


def _search(control: ControlStores, **wanted: Any) -> list[str]:
    page = asyncio.run(control.records.audit(Wanted(**{"limit": 100, **wanted})))
    return [entry.correlation for entry in page.items]


def test_it_is_searched_by_who_what_when_and_what_came_of_it(
    control: ControlStores, clock: ManualClock
) -> None:
    async def story() -> None:
        for changes in (
            {"correlation": "a"},
            {"correlation": "b", "actor": "key:k1", "user": "u2"},
            {"correlation": "c", "result": "refused", "code": "NOT_ALLOWED"},
            {"correlation": "d", "action": "keys.new", "user": "u2"},
        ):
            clock.advance(1_000_000_000)
            await control.audit.append(an_entry(**changes))

    start = clock.now_ns()
    asyncio.run(story())

    assert _search(control) == ["d", "c", "b", "a"]
    assert _search(control, is_oldest=True) == ["a", "b", "c", "d"]
    assert _search(control, actor="key:k1") == ["b"]
    assert _search(control, user="u2") == ["d", "b"]
    assert _search(control, action="keys.new") == ["d"]
    assert _search(control, result="refused") == ["c"]
    assert _search(control, correlation="a") == ["a"]
    assert _search(control, span=Span(start=start + 2 * 10**9, end=start + 4 * 10**9)) == ["c", "b"]
    assert _search(control, actor="' OR 1=1 --") == []


def test_pages_join_without_a_gap_while_entries_are_added(control: ControlStores) -> None:
    asyncio.run(fill(control, 10))
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = asyncio.run(control.records.audit(Wanted(limit=3, cursor=cursor)))
        seen += [entry.seq for entry in page.items]
        cursor = page.next_cursor
        asyncio.run(fill(control, 1))

    assert seen == list(range(10, 0, -1))


@pytest.mark.parametrize("cursor", ["nonsense", "!!!", "AAAA", "x" * 600, "kw"])
def test_a_cursor_of_nobody_is_refused(control: ControlStores, cursor: str) -> None:
    with pytest.raises(Malformed, match="CURSOR_MALFORMED"):
        asyncio.run(control.records.audit(Wanted(limit=3, cursor=cursor)))


def test_a_cursor_of_another_list_or_order_is_refused(control: ControlStores) -> None:
    asyncio.run(fill(control, 3))
    cursor = asyncio.run(control.records.audit(Wanted(limit=1))).next_cursor
    assert cursor is not None
    others: list[Callable[[], Any]] = [
        lambda: control.records.audit(Wanted(limit=1, cursor=cursor, is_oldest=True)),
        lambda: control.records.access(Wanted(limit=1, cursor=cursor)),
        lambda: control.records.audit(Wanted(limit=1, cursor=cursor, span=Span(start=1))),
    ]

    for other in others:
        with pytest.raises(Malformed, match="CURSOR_MALFORMED"):
            asyncio.run(other())
