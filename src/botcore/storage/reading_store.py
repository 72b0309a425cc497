"""A store that another process writes: it is read, never made, changed or upgraded."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection

from botcore.storage import faults
from botcore.storage.lineage import Lineage
from botcore.storage.migrating import ENGINE
from botcore.storage.store import POOLED, Store

_BUSY_TIMEOUT_MS: Final = 1_000
_FILE: Final = "botcore_file"


class ReadingStore(Store):
    """Short reads of one database; a missing one is a `StorageError`, and none is made.

    A file that was put in the place of another is noticed at the next read.

    Args:
        url, lineage: as of a `Store`.

    Raises:
        ConfigError: the URL is of no database we know.
    """

    def __init__(self, url: str, lineage: Lineage = ENGINE) -> None:
        super().__init__(url, lineage)
        if self.is_sqlite:
            self._path = Path(self.engine.url.database or "")
            self.engine.dispose()
            self.engine = sa.create_engine(self.engine.url, creator=self._open, **POOLED)
            sa.event.listen(self.engine, "checkout", self._same_file)
        else:
            sa.event.listen(self.engine, "connect", _only_read)

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Refuse.

        Raises:
            StoreRefused: always.
        """
        yield self.writer()

    def writer(self) -> sa.Connection:
        """Refuse.

        Raises:
            StoreRefused: always.
        """
        raise faults.StoreRefused(
            code="STORE_NOT_OURS",
            cause=f"{self} is another process's to write",
            fix="report this as a bug",
        )

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False
        )
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
        return connection

    def _same_file(self, _connection: DBAPIConnection, record: Any, _proxy: object) -> None:  # noqa: ANN401  # SQLAlchemy's own record, which it does not export
        try:
            now = self._path.stat()
        except OSError as error:
            raise sa.exc.DisconnectionError(str(error)) from error
        file = (now.st_dev, now.st_ino)
        if record.info.setdefault(_FILE, file) != file:
            raise sa.exc.DisconnectionError(f"{self._path} is another file now")


def _only_read(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("SET default_transaction_read_only = on")
    cursor.close()
    connection.commit()
