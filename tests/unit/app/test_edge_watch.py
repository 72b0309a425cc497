"""Who is refused before an operation is reached: entries of the audit, within a budget."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from botcore.app.edge_watch import EdgeWatch, RefusalsNoted
from botcore.app.limiting import rate_limits
from botcore.app.settings import RateSettings
from botcore.control.access import local_actor, stranger_at
from botcore.control.ports import AuditEntry
from botcore.control.problems import Forbidden
from botcore.domain.errors import StorageError
from botcore.kernel.clock import ManualClock

WHY = Forbidden(code="ORIGIN_NOT_ALLOWED", cause="the origin may not act", fix="act from here")


class Trail:
    """An audit that can be away, and that can take its time."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.kept: list[AuditEntry] = []
        self.is_away = False
        self.open = asyncio.Event()
        self.open.set()

    async def append(self, entry: AuditEntry) -> int:
        await self.open.wait()
        if self.is_away:
            raise StorageError(code="STORE_AWAY", cause="it is away", fix="wait")
        self.entries.append(entry)
        return len(self.entries)

    def lost(self, entry: AuditEntry, error: StorageError) -> None:
        self.kept.append(entry)


class NoLatency:
    def p99_s(self) -> float | None:
        return None


class NoRows:
    """The rows are not under test here."""

    def shown(self, *_: object, **__: object) -> None:
        raise AssertionError("nothing was shown")


def play(story: Callable[[Trail, EdgeWatch], Awaitable[None]]) -> Trail:
    async def run() -> Trail:
        trail = Trail()
        limits = rate_limits(RateSettings(), latency=NoLatency(), clock=ManualClock())
        noted = RefusalsNoted(trail)
        watch = EdgeWatch(NoRows(), noted, limits)  # type: ignore[arg-type]  # by its shape
        await story(trail, watch)
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
        return trail

    return asyncio.run(run())


def refused(
    watch: EdgeWatch, times: int, address: str = "192.0.2.1", *, paid: bool = False
) -> None:
    for _ in range(times):
        watch.refused(stranger_at(address), "edge.come-in", WHY, correlation="c-1", is_paid=paid)


def test_a_refusal_says_who_from_where_what_and_why() -> None:
    async def story(_: Trail, watch: EdgeWatch) -> None:
        refused(watch, 1)

    (entry,) = play(story).entries

    assert (entry.actor, entry.address) == ("stranger", "192.0.2.1")
    assert (entry.action, entry.result, entry.code) == (
        "edge.come-in",
        "refused",
        "ORIGIN_NOT_ALLOWED",
    )
    assert (entry.detail, entry.correlation) == ("the origin may not act", "c-1")


def test_a_flood_from_one_address_fills_no_audit() -> None:
    async def story(_: Trail, watch: EdgeWatch) -> None:
        refused(watch, 200)
        refused(watch, 1, "192.0.2.2")

    entries = play(story).entries

    burst = RateSettings().strangers_burst
    assert sum(each.address == "192.0.2.1" for each in entries) == burst
    assert sum(each.address == "192.0.2.2" for each in entries) == 1


def test_what_was_paid_for_already_and_who_is_known_pays_nothing_more() -> None:
    async def story(_: Trail, watch: EdgeWatch) -> None:
        refused(watch, 50, paid=True)
        for _turn in range(50):
            watch.refused(local_actor("ada"), "page.read", WHY, correlation="", is_paid=False)

    assert len(play(story).entries) == 100


def test_what_the_store_does_not_take_is_kept_and_a_crowd_does_not_wait_for_it() -> None:
    async def story(trail: Trail, watch: EdgeWatch) -> None:
        trail.open.clear()
        refused(watch, 300, paid=True)
        assert len(trail.kept) == 300 - 256
        trail.is_away = True
        trail.open.set()

    trail = play(story)

    assert trail.entries == []
    assert len(trail.kept) == 300
