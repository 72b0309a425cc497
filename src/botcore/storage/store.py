"""A store: one database with the journal and its projections, on SQLite or PostgreSQL."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection

from botcore.domain.errors import ConfigError
from botcore.storage import faults, migrating

_BUSY_TIMEOUT_MS = 5_000
_WAL_BYTES_MAX = 64 * 1024 * 1024
_IMMEDIATE = "botcore_immediate"


class Store:
    """Connections to one database; nothing is read or written before it is asked for.

    Args:
        url: of SQLAlchemy, ``sqlite:///<path>`` or ``postgresql+psycopg://…``.

    Raises:
        ConfigError: the URL is of no database we know.
    """

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)

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

    def upgrade(self) -> None:
        """Bring the tables to this version's shape; all of it or nothing.

        Raises:
            StoreRefused: a newer version wrote the store.
            StorageError: the store cannot be opened or written.
        """
        with self.reading() as connection:
            if migrating.is_current(connection):
                return
        with self.writing() as connection:
            migrating.upgrade(connection)

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
            engine = sa.create_engine(parsed)
            sa.event.listen(engine, "connect", _prepare_sqlite)
            sa.event.listen(engine, "begin", _begin_sqlite)
        case "postgresql":
            try:
                engine = sa.create_engine(parsed, pool_pre_ping=True)
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
