"""A store: one database of ours, on SQLite or PostgreSQL; by default the engine's."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection

from botcore.domain.errors import ConfigError
from botcore.storage import faults, upgrading
from botcore.storage.lineage import Lineage
from botcore.storage.migrating import ENGINE

_BUSY_TIMEOUT_MS = 5_000
_WAL_BYTES_MAX = 64 * 1024 * 1024
_IMMEDIATE = "botcore_immediate"
_KEPT, _MORE = 5, 10
"""Connections kept open, and how many more there may be for a while."""
POOLED: Final[dict[str, Any]] = {
    "poolclass": sa.QueuePool,
    "pool_size": _KEPT,
    "max_overflow": _MORE,
}
"""How SQLAlchemy keeps a store's connections."""


class Store:
    """Connections to one database; nothing is read or written before it is asked for.

    Args:
        url: of SQLAlchemy, ``sqlite:///<path>`` or ``postgresql+psycopg://…``.
        lineage: which tables it holds; the journal and its projections by default.

    Raises:
        ConfigError: the URL is of no database we know.
    """

    def __init__(self, url: str, lineage: Lineage = ENGINE) -> None:
        self.engine = _engine(url)
        self.lineage = lineage

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __str__(self) -> str:
        return self.engine.url.render_as_string(hide_password=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of ours rather than a server."""
        return self.engine.dialect.name == "sqlite"

    @property
    def connections(self) -> tuple[int, int]:
        """How many of its connections are in use, and how many there may be."""
        pool = self.engine.pool
        in_use = pool.checkedout() if isinstance(pool, sa.QueuePool) else 0
        return in_use, _KEPT + _MORE

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a connection for a short read.

        Raises:
            StorageError: the store cannot be opened or read.
        """
        with translated(f"reading {self}"), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Open a transaction that writes; it is committed when the block ends without error.

        Raises:
            StorageError: the store cannot be opened or written.
        """
        with (
            translated(f"writing {self}"),
            self.writer() as connection,
            connection.begin(),
        ):
            yield connection

    def writer(self) -> sa.Connection:
        """Open a connection whose transactions take the write lock when they begin."""
        return self.engine.connect().execution_options(**{_IMMEDIATE: True})

    def upgrade(self) -> str | None:
        """Bring the tables to this version's shape; all of it or nothing.

        An older store of a file of its own is copied beside it first.

        Returns:
            A line that says what was changed; None where nothing was, or the store is new.

        Raises:
            StoreRefused: a newer version wrote the store.
            StorageError: the store cannot be opened, copied or written; it is as it was.
        """
        with self.reading() as connection:
            since = self.lineage.revision(connection)
            if since == self.lineage.head:
                return None
            self.lineage.refuse_if_newer(connection)
        backup = upgrading.backup_beside(self.engine.url, since) if since else None
        try:
            with self.writing() as connection:
                self.lineage.upgrade(connection)
        except BaseException:
            upgrading.discard(backup)
            raise
        if since is None:
            return None
        name = Path(self.engine.url.database or "").name or str(self)
        return upgrading.told(name, self.lineage, since, backup)

    def upgraded(self) -> list[tuple[Path, str]]:
        """Return each copy that an upgrade left beside the store, with the line that tells of it.

        Oldest first; empty where none was made, or all were removed.
        """
        name = Path(self.engine.url.database or "").name
        return [
            (copy, upgrading.told(name, self.lineage, since, copy))
            for since, copy in upgrading.copies_beside(self.engine.url)
        ]

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn a failure of the database within the block into a `StorageError`."""
    try:
        yield
    except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
        raise faults.from_database(error, doing=doing) from error


def _engine(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise _unknown_url(url) from error
    match parsed.get_backend_name():
        case "sqlite":
            engine = sa.create_engine(parsed, **POOLED)
            sa.event.listen(engine, "connect", _prepare_sqlite)
            sa.event.listen(engine, "begin", _begin_sqlite)
        case "postgresql":
            try:
                engine = sa.create_engine(parsed, pool_pre_ping=True, **POOLED)
            except ModuleNotFoundError as error:
                raise ConfigError(
                    code="EXTRA_MISSING",
                    cause="PostgreSQL needs its driver, which is not installed",
                    fix="pip install 'botcore[postgres]'",
                ) from error
            sa.event.listen(engine, "connect", _prepare_postgres)
        case _:
            raise _unknown_url(parsed.render_as_string(hide_password=True))
    return engine


def _unknown_url(url: str) -> ConfigError:
    return ConfigError(
        code="STORE_URL_UNKNOWN",
        cause=f"{url!r} names no database that Bot Core stores in",
        fix="use sqlite:///<path> or postgresql+psycopg://<user>@<host>/<database>",
    )


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # Transactions are begun by `_begin_sqlite`; the driver's own way would commit before DDL.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout = {_BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        # NORMAL may lose a committed intent when the power goes (K31).
        "synchronous = FULL",
        "foreign_keys = ON",
        f"journal_size_limit = {_WAL_BYTES_MAX}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A deferred transaction that begins to write may find the lock taken after it has read.
    immediate = connection.get_execution_options().get(_IMMEDIATE)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _prepare_postgres(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    # Weaker settings would call a commit done that a crash can lose; stronger ones stay.
    cursor.execute(
        "SELECT set_config('synchronous_commit', 'on', false)"
        " WHERE current_setting('synchronous_commit') IN ('off', 'local')"
    )
    cursor.close()
    connection.commit()
