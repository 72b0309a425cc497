"""What is wanted, in versions: set-ups of strategies and limits; the newest version counts."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import sqlalchemy as sa

from botcore.storage.control.locking import one_at_a_time
from botcore.storage.control.store import ControlStore
from botcore.storage.control.tables import desired_limits, strategy_versions

_VERSIONS_MAX: Final = 1_000


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one thing.

    Attributes:
        account, id: whose, and which.
        version: counts up from 1.
        author: name of the actor who wrote it.
        at: nanoseconds since 1970.
        document: JSON, as its owner wrote it.
        note: why, in the author's words.
        is_deleted: there is none from this version on.
        undo_of: the version that it went back to; None if it is no undo.
    """

    account: str
    id: str
    version: int
    author: str
    at: int
    document: str
    note: str = ""
    is_deleted: bool = False
    undo_of: int | None = None


class DesiredStore:
    """Versions of one kind of thing.

    Args:
        store: opened.
        table: which kind.
    """

    def __init__(self, store: ControlStore, table: sa.Table) -> None:
        self._store = store
        self._table = table

    @classmethod
    def of_strategies(cls, store: ControlStore) -> "DesiredStore":
        """Return the versions of strategies' set-ups."""
        return cls(store, strategy_versions)

    @classmethod
    def of_limits(cls, store: ControlStore) -> "DesiredStore":
        """Return the versions of limits."""
        return cls(store, desired_limits)

    async def newest(self, account: str) -> Mapping[str, Version]:
        """Return id → newest version, also of what was deleted.

        Raises:
            StorageError: it cannot be read.
        """
        return await self._store.read(lambda c: _newest(c, self._table, account))

    async def versions(self, account: str, id_: str) -> Sequence[Version]:
        """Return the last 1,000 versions of one, newest first; empty where there was none.

        Raises:
            StorageError: it cannot be read.
        """
        t = self._table
        query = (
            sa.select(t)
            .where(t.c.account == account, t.c.id == id_)
            .order_by(t.c.version.desc())
            .limit(_VERSIONS_MAX)
        )
        return await self._store.read(lambda c: [_version(row) for row in c.execute(query)])

    async def write(self, version: Version) -> bool:
        """Add a version after the one before it, durably; False where another came between.

        Raises:
            StorageError: it cannot be written.
        """

        def act(connection: sa.Connection) -> bool:
            t = self._table
            one_at_a_time(connection, f"{t.name}/{version.account}/{version.id}")
            last = connection.execute(
                sa.select(sa.func.max(t.c.version)).where(
                    t.c.account == version.account, t.c.id == version.id
                )
            ).scalar()
            if (last or 0) + 1 != version.version:
                return False
            row = msgspec.structs.asdict(version)
            row["created_at"] = row.pop("at")
            connection.execute(sa.insert(t).values(**row))
            return True

        return await self._store.write(act)


def _newest(connection: sa.Connection, table: sa.Table, account: str) -> dict[str, Version]:
    last = (
        sa.select(table.c.id, sa.func.max(table.c.version).label("version"))
        .where(table.c.account == account)
        .group_by(table.c.id)
        .subquery()
    )
    query = (
        sa.select(table)
        .join(last, sa.and_(table.c.id == last.c.id, table.c.version == last.c.version))
        .where(table.c.account == account)
        .order_by(table.c.id)
    )
    return {row.id: _version(row) for row in connection.execute(query)}


def _version(row: "sa.Row[tuple[object, ...]]") -> Version:
    values = dict(row._mapping)  # the public name of SQLAlchemy
    values["at"] = values.pop("created_at")
    return Version(**values)
