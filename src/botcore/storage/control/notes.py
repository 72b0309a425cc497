"""Small records of people: notes on reports, and who changed which setting."""

from collections.abc import Sequence
from typing import Final

import msgspec
import sqlalchemy as sa

from botcore.storage.control.locking import one_at_a_time
from botcore.storage.control.store import ControlStore
from botcore.storage.control.tables import report_notes, settings_changes

_CHANGES_MAX: Final = 500


class ReportNote(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wrote to a report.

    Attributes:
        report: id of the run it is about.
        created_at: nanoseconds since 1970.
    """

    report: str
    id: str
    author: str
    text: str
    created_at: int


class SettingChange(msgspec.Struct, frozen=True, kw_only=True):
    """A setting that was given a value while the platform ran; the newest of a name counts.

    Attributes:
        value: JSON; None gives it back to the settings file.
        created_at: nanoseconds since 1970.
    """

    name: str
    value: str | None
    author: str
    created_at: int


class NoteStore:
    """Notes on reports. Every method raises `StorageError` where it cannot be done.

    Args:
        store: opened.
    """

    def __init__(self, store: ControlStore) -> None:
        self._store = store

    async def add(self, note: ReportNote, *, notes_max: int = 200) -> bool:
        """Add one; False where its id is taken or the report has `notes_max` already."""

        def act(connection: sa.Connection) -> bool:
            t = report_notes
            one_at_a_time(connection, f"{t.name}/{note.report}")
            ids = set(
                connection.execute(sa.select(t.c.id).where(t.c.report == note.report)).scalars()
            )
            if note.id in ids or len(ids) >= notes_max:
                return False
            connection.execute(sa.insert(t).values(**msgspec.structs.asdict(note)))
            return True

        return await self._store.write(act)

    async def notes(self, report: str) -> Sequence[ReportNote]:
        """Return the notes of a report, oldest first."""
        t = report_notes
        query = sa.select(t).where(t.c.report == report).order_by(t.c.created_at, t.c.id)
        return await self._store.read(
            lambda c: [ReportNote(**row._mapping) for row in c.execute(query)]
        )

    async def every(self) -> Sequence[ReportNote]:
        """Return the notes of all reports, oldest first."""
        t = report_notes
        query = sa.select(t).order_by(t.c.created_at, t.c.id)
        return await self._store.read(
            lambda c: [ReportNote(**row._mapping) for row in c.execute(query)]
        )

    async def remove(self, report: str, id_: str | None = None) -> int:
        """Remove one note, or all of a report that is deleted; return how many."""
        t = report_notes
        gone = sa.delete(t).where(t.c.report == report)
        if id_ is not None:
            gone = gone.where(t.c.id == id_)
        return await self._store.write(lambda c: c.execute(gone).rowcount)


class SettingStore:
    """Changed settings. Every method raises `StorageError` where it cannot be done.

    Args:
        store: opened.
    """

    def __init__(self, store: ControlStore) -> None:
        self._store = store

    async def add(self, changes: Sequence[SettingChange]) -> None:
        """Note changes, all or none."""

        def act(connection: sa.Connection) -> None:
            t = settings_changes
            one_at_a_time(connection, t.name)
            last = connection.execute(sa.select(sa.func.max(t.c.seq))).scalar() or 0
            for seq, change in enumerate(changes, last + 1):
                connection.execute(sa.insert(t).values(seq=seq, **msgspec.structs.asdict(change)))

        await self._store.write(act)

    async def newest(self) -> dict[str, SettingChange]:
        """Return name → newest change, those given back too."""
        return await self._store.read(_newest)

    async def history(self, name: str) -> Sequence[SettingChange]:
        """Return the last 500 changes of one, newest first."""
        t = settings_changes
        query = (
            sa.select(*_CHANGE).where(t.c.name == name).order_by(t.c.seq.desc()).limit(_CHANGES_MAX)
        )
        return await self._store.read(
            lambda c: [SettingChange(**row._mapping) for row in c.execute(query)]
        )


_CHANGE = [settings_changes.c[name] for name in SettingChange.__struct_fields__]


def _newest(connection: sa.Connection) -> dict[str, SettingChange]:
    t = settings_changes
    last = sa.select(sa.func.max(t.c.seq)).group_by(t.c.name)
    rows = connection.execute(sa.select(*_CHANGE).where(t.c.seq.in_(last.scalar_subquery())))
    return {row.name: SettingChange(**row._mapping) for row in rows}
