"""Sources of figures: stores, jobs, sockets, limits and the machine, each as it is when asked."""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from botcore.api.limits import RateLimits
from botcore.api.ws.hub import Hub
from botcore.app.control_store import ControlStores
from botcore.app.decision_timing import core_wait_s
from botcore.control.jobs_port import JobRecord
from botcore.control.schema.health import HealthStatus
from botcore.control.schema.jobs import JobState
from botcore.domain.errors import StorageError
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock
from botcore.observability import catalogue as c
from botcore.observability.from_view import add_queue
from botcore.observability.sheet import Sheet
from botcore.storage.control.tables import audit_head

_CONTROL: Final = "control"
_LIVE: Final = (JobState.QUEUED, JobState.RUNNING)
_ENDED: Final = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
_VERIFY_FIRST_S: Final = 60.0
_VERIFY_EVERY_S: Final = 6 * 3_600.0
_AGAIN_S: Final = 60.0


class StoreFigures:
    """The control store and the audit in it.

    Args:
        stores: opened.
        clock: dates the last check of the audit.
    """

    def __init__(self, stores: ControlStores, *, clock: Clock) -> None:
        self._stores = stores
        self._clock = clock
        self._is_whole: bool | None = None
        self._checked_ns = 0
        self._entries = 0

    async def run(self) -> None:
        """Check the audit a minute after the start, then each six hours, until cancelled."""
        await self._clock.sleep(_VERIFY_FIRST_S)
        while True:
            try:
                verdict = await self._stores.audit.verify()
            except StorageError:
                await self._clock.sleep(_AGAIN_S)
                continue
            self._is_whole = verdict.is_whole
            self._checked_ns = self._clock.now_ns()
            await self._clock.sleep(_VERIFY_EVERY_S)

    async def count(self) -> None:
        """Look where the audit ends; a store that cannot be read keeps the last figure."""
        try:
            row = await self._stores.store.row(audit_head, id=1)
        except StorageError:
            return
        if row is not None:
            self._entries = row["seq"]

    def health(self) -> tuple[HealthStatus, str]:
        """Return how the audit is (`ProcessVitals.add`)."""
        if self._is_whole is False:
            return HealthStatus.DOWN, "the audit is not what was written: `botcore audit verify`"
        return HealthStatus.OK, "" if self._is_whole else "not checked yet"

    def __call__(self, sheet: Sheet) -> None:
        """Write the figures down."""
        store = self._stores.store
        sheet.add(c.DB_COMMITS, store.commits, _CONTROL)
        sheet.add(c.DB_WAITING, store.writes_waiting, _CONTROL)
        sheet.add(c.DB_POOL, store.connections[0], _CONTROL)
        add_queue(sheet, _CONTROL, store.writes_waiting, store.capacity)
        sheet.add(c.DB_ERRORS, store.failures, _CONTROL)
        sheet.add(c.AUDIT_WAITING, self._stores.audit.waiting)
        if self._entries:
            sheet.add(c.AUDIT_SEQ, self._entries)
        if self._is_whole is not None:
            sheet.add(c.AUDIT_OK, self._is_whole)
            sheet.add(c.AUDIT_CHECKED, self._checked_ns / SECOND_NS)


class JobFigures:
    """Jobs by state; `changed` is a watcher of the runner."""

    def __init__(self) -> None:
        self._live: dict[str, JobState] = {}
        self._ended: Counter[JobState] = Counter(dict.fromkeys(_ENDED, 0))

    def changed(self, job: JobRecord) -> None:
        """Take a job as it is now."""
        if job.state in _LIVE:
            self._live[job.id] = job.state
            return
        self._live.pop(job.id, None)
        self._ended[job.state] += 1

    def __call__(self, sheet: Sheet) -> None:
        """Write the figures down."""
        live = Counter(self._live.values())
        for state in _LIVE:
            sheet.add(c.JOBS, live[state], state.value)
        for state, count in self._ended.items():
            sheet.add(c.JOBS_ENDED, count, state.value)


class LimitFigures:
    """What limits refused, and how far load has made them smaller."""

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits

    def __call__(self, sheet: Sheet) -> None:
        """Write the figures down."""
        sheet.add(c.LOAD_FACTOR, self._limits.governor.factor)
        for name, count in self._limits.refused.items():
            sheet.add(c.RATE_REFUSALS, count, name)


class BusFigures:
    """What was heard on the bus and not believed.

    Args:
        refused: how many messages, one count a listener.
    """

    def __init__(self, *refused: Callable[[], int]) -> None:
        self._refused = refused

    def __call__(self, sheet: Sheet) -> None:
        """Write the figures down."""
        sheet.add(c.BUS_REFUSED, sum(count() for count in self._refused))


class SocketFigures:
    """WebSockets, and what waits to be written to them."""

    def __init__(self, hub: Hub[bytes]) -> None:
        self._hub = hub

    def __call__(self, sheet: Sheet) -> None:
        """Write the figures down."""
        sheet.add(c.WS_CLIENTS, self._hub.subscribers)
        sheet.add(c.WS_MESSAGES, self._hub.taken)
        sheet.add(c.WS_RESYNCS, self._hub.resyncs)
        sheet.add(c.WS_QUEUE, self._hub.waiting(len))


class MachineFigures:
    """The disk, the files on it, and this process's wait for a core.

    Args:
        home: on the disk that is watched.
        databases: name → SQLite file; what is missing has no figure.
    """

    def __init__(self, home: Path, databases: Mapping[str, Path]) -> None:
        self._home = home
        self._databases = dict(databases)

    def __call__(self, sheet: Sheet) -> None:
        """Write the figures down."""
        disk = os.statvfs(self._home)
        if disk.f_blocks:
            sheet.add(c.DISK_FREE, disk.f_bavail / disk.f_blocks, "home")
        for name, path in self._databases.items():
            size = _size(path)
            if size is not None:
                sheet.add(c.DB_SIZE, size, name)
                sheet.add(c.DB_WAL, _size(path.with_name(f"{path.name}-wal")) or 0, name)
        waited = core_wait_s()
        if waited is not None:
            sheet.add(c.CORE_WAIT, waited, "api")


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
