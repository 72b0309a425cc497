"""The control process's store: one writer that commits together, a few connections that read."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection

from botcore import __version__
from botcore.domain.errors import StorageError
from botcore.kernel.guard import Crashed
from botcore.storage import faults
from botcore.storage.control.shape import CONTROL
from botcore.storage.control.tables import store_info
from botcore.storage.control.writing import Act, GroupWriter
from botcore.storage.paging import Row
from botcore.storage.store import Store

T = TypeVar("T")
_READERS: Final = 4
_CONNECT_S: Final = 5
_SILENT_MS: Final = 5_000
_LIMITS: Final = {"postgresql": "SET statement_timeout = '15s'; SET lock_timeout = '5s'"}
_ONLY_READ: Final = {
    "sqlite": "PRAGMA query_only = ON",
    "postgresql": "SET default_transaction_read_only = on",
}


class ControlStore:
    """Users, audit, jobs and what is wanted, in one database; opened and upgraded at once.

    Args:
        url: of SQLAlchemy, ``sqlite:///<path>`` or ``postgresql+psycopg://…``. A new file is made
            for its owner only.
        readers: how many reads run at a time.
        capacity: how many writes, and how many reads, may wait; further ones are refused.

    Attributes:
        changed: a line that says what an upgrade changed; None where nothing was.

    Raises:
        ConfigError: the URL is of no database we know.
        StoreRefused: a newer version wrote the store.
        StorageError: it cannot be opened.
    """

    def __init__(self, url: str, *, readers: int = _READERS, capacity: int = 4_096) -> None:
        parsed = bounded(url)
        _make_private(parsed)
        text = parsed.render_as_string(hide_password=False)
        self._store = Store(text, CONTROL)
        self._reading = Store(text, CONTROL)
        _prepare(self._store, ())
        _prepare(self._reading, (_ONLY_READ,))
        self._capacity = capacity
        self._reads = 0
        self._lock = threading.Lock()
        try:
            self.changed = self._store.upgrade()
            with self._store.writing() as connection:
                connection.execute(sa.update(store_info).values(written_by=__version__))
        except BaseException:
            self._store.close()
            raise
        self._writer = GroupWriter(self._store, capacity=capacity)
        self._pool = ThreadPoolExecutor(readers, thread_name_prefix="control-read")

    def __enter__(self) -> "ControlStore":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __str__(self) -> str:
        return str(self._store)

    @property
    def writes_waiting(self) -> int:
        """How many writes wait for the disk."""
        return self._writer.depth

    @property
    def capacity(self) -> int:
        """How many writes may wait; further ones are refused."""
        return self._capacity

    @property
    def connections(self) -> tuple[int, int]:
        """How many of its connections are in use, and how many there may be."""
        writing, reading = self._store.connections, self._reading.connections
        return writing[0] + reading[0], writing[1] + reading[1]

    @property
    def in_words(self) -> str:
        """How its connections, reads and writes are used, for people."""
        used, most = self.connections
        with self._lock:
            reads = self._reads
        return (
            f"{used} of {most} connections in use, {reads} of {self._capacity} reads and"
            f" {self.writes_waiting} of {self._capacity} writes under way"
        )

    @property
    def commits(self) -> int:
        """How many transactions were committed since it was opened."""
        return self._writer.commits

    @property
    def failures(self) -> int:
        """How many transactions the database refused since it was opened."""
        return self._writer.failures

    async def write(self, act: Act[T]) -> T:
        """Run `act` in a transaction and return what it returns, once that is durable.

        `act` may be run again, and beside other acts in one transaction: it has no effect but on
        its connection.

        Raises:
            StorageError: nothing was written; or, where the connection was lost while committing,
                nobody can tell.
            Exception: what `act` raised; what it had written is undone.
        """
        return await self._writer.write(act)

    def write_blocking(self, act: Act[T]) -> T:
        """As `write`, for threads."""
        return self._writer.write_blocking(act)

    def post(self, act: Act[T], told: Callable[[T | Crashed], None]) -> None:
        """Have `act` run without waiting; `told` is called on the writer's thread.

        Raises:
            StorageError: too many writes wait.
        """
        self._writer.post(act, told)

    async def read(self, question: Callable[[sa.Connection], T]) -> T:
        """Ask something, on a thread and a connection that can only read.

        Raises:
            StorageError: the store cannot be read, or too many ask.
        """
        with self._lock:
            if self._reads >= self._capacity:
                raise StorageError(
                    code="STORE_BUSY",
                    cause=f"{self._capacity} reads wait already",
                    fix="try again in a moment",
                )
            self._reads += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, self.read_blocking, question)
        finally:
            with self._lock:
                self._reads -= 1

    def read_blocking(self, question: Callable[[sa.Connection], T]) -> T:
        """As `read`, on the calling thread."""
        with self._reading.reading() as connection:
            return question(connection)

    async def rows(self, query: sa.Select[Any]) -> list[Row]:
        """Return the rows that a question gives; raises as `read`."""
        return await self.read(lambda c: [dict(row) for row in c.execute(query).mappings()])

    async def row(self, table: sa.Table, **unique: object) -> Row | None:
        """Return the one row with these values, or None; raises as `read`."""
        query = sa.select(table).where(*(table.c[name] == to for name, to in unique.items()))
        found = await self.rows(query)
        return found[0] if found else None

    def close(self) -> None:
        """Write what waits, and close every connection."""
        self._pool.shutdown()
        self._writer.close()
        self._reading.close()
        self._store.close()


def bounded(url: str) -> sa.URL:
    """Return the URL; a server that does not answer is given up after some seconds."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        return Store(url).engine.url  # which says what is wrong with it
    if parsed.get_backend_name() != "postgresql":
        return parsed
    bounds = {"connect_timeout": str(_CONNECT_S), "tcp_user_timeout": str(_SILENT_MS)}
    return parsed.update_query_dict(
        {name: value for name, value in bounds.items() if name not in parsed.query}
    )


def _make_private(url: sa.URL) -> None:
    """Make the file of a new store before the database does, for its owner only."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return
    path = Path(url.database)
    try:
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise faults.from_files(error, doing="opening the control store", path=path) from error


def _prepare(store: Store, more: tuple[dict[str, str], ...]) -> None:
    """Have every new connection of a store told how it is to behave."""
    dialect = store.engine.dialect.name
    statements = [each[dialect] for each in (_LIMITS, *more) if dialect in each]

    def told(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()
        connection.commit()

    sa.event.listen(store.engine, "connect", told)
