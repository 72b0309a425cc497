"""A store whose disk can be filled and emptied again, without filling a disk."""

import sqlite3
from typing import Any

import sqlalchemy as sa

from botcore.storage import Store


class FullDisk:
    """Refuses every write to a store while `is_full`, as SQLite does on a full disk.

    Args:
        store: SQLite; reads go on.
    """

    def __init__(self, store: Store) -> None:
        self.is_full = False
        self.refused = 0
        sa.event.listen(store.engine, "before_cursor_execute", self._before)

    def fill(self, *, after: int = 0) -> None:
        """Leave room for some more statements that write, and then for none."""
        self.is_full = True
        self._room = after

    def free(self) -> None:
        """Make room again."""
        self.is_full = False

    _room = 0

    def _before(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not self.is_full or not statement.startswith(("INSERT", "UPDATE", "DELETE")):
            return
        if self._room > 0:
            self._room -= 1
            return
        self.refused += 1
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error
