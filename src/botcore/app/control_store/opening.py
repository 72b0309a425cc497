"""Opening the control process's store, and tending it while it is open."""

from dataclasses import dataclass
from typing import Final

import structlog

from botcore.app.control_store.access_rows import SqlAccessRows
from botcore.app.control_store.identity import SqlIdentityStore
from botcore.app.control_store.jobs import SqlJobs
from botcore.app.control_store.records import SqlRecords
from botcore.control.ports import Beginning
from botcore.domain.errors import StorageError
from botcore.kernel.clock import Clock
from botcore.storage.control import (
    AccessLog,
    AlertStore,
    AuditLog,
    ControlStore,
    DesiredStore,
    EntryLike,
    JobStore,
    NoteStore,
    NotificationStore,
    Repetitions,
    Searching,
    SettingStore,
)

_BEAT_S: Final = 1.0
_BEATS_BETWEEN_CLEANING: Final = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlStores:
    """Everything that is kept in one store, opened; `run` tends it, `close` writes what waits.

    Attributes:
        rows: takes calls down, for the API.
        records: the audit and the access log, for who searches them.
        strategies, limits: what is wanted, in versions.
    """

    store: ControlStore
    clock: Clock
    audit: AuditLog
    repetitions: Repetitions[Beginning]
    access: AccessLog
    rows: SqlAccessRows
    records: SqlRecords
    identity: SqlIdentityStore
    jobs: SqlJobs
    alerts: AlertStore
    notifications: NotificationStore
    strategies: DesiredStore
    limits: DesiredStore
    notes: NoteStore
    settings: SettingStore

    @property
    def changed(self) -> str | None:
        """What an upgrade changed."""
        return self.store.changed

    async def run(self) -> None:
        """Every second write what waits, every minute remove what is old; for ever."""
        beats = 0
        while True:
            await self.clock.sleep(_BEAT_S)
            self.catch_up()
            beats += 1
            if beats % _BEATS_BETWEEN_CLEANING == 0:
                await self.clean_up()

    def catch_up(self) -> None:
        """Have what waits written: rows of the access log, and what could not be written before."""
        self.audit.catch_up()
        self.repetitions.catch_up()
        self.access.catch_up()

    async def clean_up(self) -> None:
        """Remove some of what is old; a store that cannot be written keeps it."""
        now = self.clock.now_ns()
        for act in (
            self.repetitions.clean_up(),
            self.access.clean_up(),
            self.notifications.clean_up(now),
        ):
            try:
                while await self.store.write(act):
                    await self.clock.sleep(_BEAT_S / 10)
            except StorageError as error:
                _log().warning("storage_failed", code=error.code, cause=error.cause, fix=error.fix)
                return

    def close(self) -> None:
        """Write what waits, and close every connection."""
        self.catch_up()
        self.store.close()


def open_control(url: str, *, clock: Clock) -> ControlStores:
    """Open a store, bring it to this version's shape, and return all that is in it.

    Args:
        url: of SQLAlchemy.
        clock: dates what is written.

    Raises:
        ConfigError: the URL is of no database we know.
        StoreRefused: a newer version wrote the store.
        StorageError: it cannot be opened.
    """
    store = ControlStore(url)
    if store.changed:
        _log().info("store_upgraded", detail=store.changed)
    audit = AuditLog(store, clock=clock, on_lost=_tell_lost)
    access = AccessLog(store, clock=clock)
    return ControlStores(
        store=store,
        clock=clock,
        audit=audit,
        repetitions=Repetitions(
            store,
            audit,
            clock=clock,
            new=Beginning.NEW,
            running=Beginning.RUNNING,
            other=Beginning.OTHER,
            unfinished=Beginning.UNFINISHED,
        ),
        access=access,
        rows=SqlAccessRows(access, clock=clock),
        records=SqlRecords(Searching(store), audit),
        identity=SqlIdentityStore(store),
        jobs=SqlJobs(JobStore(store)),
        alerts=AlertStore(store),
        notifications=NotificationStore(store),
        strategies=DesiredStore.of_strategies(store),
        limits=DesiredStore.of_limits(store),
        notes=NoteStore(store),
        settings=SettingStore(store),
    )


def _tell_lost(entry: EntryLike, error: StorageError) -> None:
    """Log an audit entry that waits for the store: the log may be all that is left of it."""
    _log().error(
        "audit_lost",
        actor=entry.actor,
        action=entry.action,
        request=dict(entry.request),
        result=entry.result,
        correlation_id=entry.correlation,
        code=error.code,
        cause=error.cause,
        fix=error.fix,
    )


def _log() -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.get_logger("control")
    return logger
