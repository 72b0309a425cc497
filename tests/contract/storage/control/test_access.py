"""The access log: written when there is time, never in anybody's way, and not for ever."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from tests.contract.storage.control.test_repetitions import Shut

from botcore.api.rest.routing import paths_of
from botcore.app.control_store import ControlStores
from botcore.control.access import Actor, ActorKind
from botcore.control.audit_port import Wanted
from botcore.control.history_port import Span
from botcore.control.schema import operations
from botcore.control.schema.audit import OPERATIONS, AccessRecord
from botcore.domain.ids import DAY_NS
from botcore.kernel.clock import ManualClock
from botcore.storage.control import Access, AccessLog
from botcore.storage.control.tables import access_log

ALICE = Actor(kind=ActorKind.PERSON, name="person:alice", address="127.0.0.1")


def an_access(number: int, **changes: Any) -> Access:
    return Access(
        **{
            "actor": "person:alice",
            "method": "GET",
            "route": "/api/v1/account",
            "status": 200,
            "duration_ms": 1.5,
            "size": 100,
            "address": "127.0.0.1",
            "correlation": f"c{number}",
            "ts": number,
            **changes,
        }
    )


async def written(control: ControlStores) -> None:
    """Wait until what was noted is in the table."""
    control.access.catch_up()
    while control.access.waiting:
        await control.store.write(lambda _: None)
    await control.store.write(lambda _: None)


def listed(control: ControlStores, **wanted: Any) -> list[AccessRecord]:
    page = asyncio.run(control.records.access(Wanted(**{"limit": 500, **wanted})))
    return list(page.items)


def test_a_call_is_a_row_with_what_is_known_of_it(
    control: ControlStores, clock: ManualClock
) -> None:
    operation = next(each for each in OPERATIONS if each.name == "audit.list")
    control.rows.accessed(ALICE, operation, status=200, correlation="c1", seconds=0.25, size=2_000)
    assert listed(control) == []  # nobody waited for it
    asyncio.run(written(control))

    [row] = listed(control)

    assert row == AccessRecord(
        time=row.time,
        actor="person:alice",
        method="GET",
        route="/api/v1/audit",
        status=200,
        duration_ms=250.0,
        bytes=2_000,
        address="127.0.0.1",
        correlation="c1",
    )
    assert row.time.isoformat() == "2025-12-31T23:59:59.750000+00:00"


def test_the_route_of_a_row_is_the_one_that_was_asked(control: ControlStores) -> None:
    for each in operations():
        control.rows.accessed(ALICE, each, status=200, correlation=each.name, seconds=0.0, size=0)
    asyncio.run(written(control))

    routes = {row.correlation: row.route for row in listed(control)}

    assert routes == {each.name: paths_of(each)[0] for each in operations()}


def test_many_rows_share_a_commit(control: ControlStores) -> None:
    for number in range(3_500):
        control.access.note(an_access(number))
    before = control.store.commits

    asyncio.run(written(control))

    assert len(listed(control)) == 500
    assert control.store.commits - before <= 10
    count = asyncio.run(control.store.rows(sa.select(sa.func.count(access_log.c.id))))
    assert list(count[0].values()) == [3_500]


def test_too_many_are_counted_and_dropped(control: ControlStores, clock: ManualClock) -> None:
    log = AccessLog(control.store, clock=clock, capacity=10)

    for number in range(25):
        log.note(an_access(number))

    assert (log.waiting, log.dropped) == (10, 15)


def test_rows_wait_for_a_store_that_cannot_be_written(control: ControlStores) -> None:
    store = Shut(control)
    for number in range(5):
        control.access.note(an_access(number))

    async def story() -> None:
        store.is_shut = True
        control.access.catch_up()
        await control.store.write(lambda _: None)
        await control.store.write(lambda _: None)
        assert control.access.waiting == 5
        store.is_shut = False
        await written(control)

    asyncio.run(story())

    assert [row.correlation for row in listed(control, is_oldest=True)] == [
        f"c{number}" for number in range(5)
    ]
    assert control.access.dropped == 0


def test_it_is_searched_as_the_audit_is(control: ControlStores) -> None:
    for number, changes in enumerate[dict[str, Any]](
        (
            {},
            {"actor": "key:k1"},
            {"route": "/api/v1/trades", "status": 403},
            {"correlation": "mine"},
        )
    ):
        control.access.note(an_access(number, ts=number * 10**9, **changes))
    asyncio.run(written(control))

    def found(**wanted: Any) -> list[str]:
        return [row.correlation for row in listed(control, **wanted)]

    assert found() == ["mine", "c2", "c1", "c0"]
    assert found(is_oldest=True) == ["c0", "c1", "c2", "mine"]
    assert found(actor="key:k1") == ["c1"]
    assert found(action="/api/v1/trades") == ["c2"]
    assert found(result="403") == ["c2"]
    assert found(result="nonsense") == []
    assert found(correlation="mine") == ["mine"]
    assert found(span=Span(start=10**9, end=3 * 10**9)) == ["c2", "c1"]


@pytest.mark.parametrize("limit", [1, 3, 7])
def test_pages_join_without_a_gap(control: ControlStores, limit: int) -> None:
    for number in range(10):
        control.access.note(an_access(number))
    asyncio.run(written(control))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = asyncio.run(control.records.access(Wanted(limit=limit, cursor=cursor)))
        seen += [row.correlation for row in page.items]
        cursor = page.next_cursor

    assert seen == [f"c{number}" for number in range(9, -1, -1)]


def test_old_rows_and_those_beyond_the_most_are_removed(
    control: ControlStores, clock: ManualClock
) -> None:
    log = AccessLog(control.store, clock=clock, rows_max=5)
    for number in range(8):
        age = 31 * DAY_NS if number == 5 else 29 * DAY_NS
        log.note(an_access(number, ts=clock.now_ns() - age))

    async def story() -> None:
        log.catch_up()
        await control.store.write(lambda _: None)
        assert await control.store.write(log.clean_up()) == 4
        assert await control.store.write(log.clean_up()) == 0

    asyncio.run(story())

    assert [row.correlation for row in listed(control)] == ["c7", "c6", "c4", "c3"]
