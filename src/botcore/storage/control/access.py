"""The access log: one row for every call that the audit does not hold, written when there is time.

A call is never held up by it. When too many rows wait, further ones are counted and dropped.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.sql.compiler import SQLCompiler

from botcore.domain.errors import StorageError
from botcore.domain.ids import DAY_NS
from botcore.kernel.clock import Clock
from botcore.kernel.guard import Crashed
from botcore.storage.columns import iso
from botcore.storage.control.store import ControlStore
from botcore.storage.control.tables import access_log as table

_CLEANED: Final = 5_000
_BATCH: Final = 1_000


class Access(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One call.

    Attributes:
        actor: name, as in the audit.
        route: the template, never the path that was asked for.
        status: of HTTP.
        duration_ms: from the request's first byte to the answer's last.
        size: bytes of the answer.
        correlation: id of the call.
        ts: when it began, nanoseconds since 1970.
    """

    actor: str
    method: str
    route: str
    status: int
    duration_ms: float
    size: int
    address: str
    correlation: str
    ts: int


class AccessLog:
    """Rows that wait, and those that were written.

    Args:
        store: opened.
        clock: tells which rows are old.
        days_kept: older rows are removed.
        rows_max: of more rows the oldest are removed.
        capacity: how many may wait; further ones are dropped and counted.

    Attributes:
        dropped: how many rows were not written since the start.
    """

    def __init__(
        self,
        store: ControlStore,
        *,
        clock: Clock,
        days_kept: int = 30,
        rows_max: int = 2_000_000,
        capacity: int = 20_000,
    ) -> None:
        self._store = store
        self._clock = clock
        self._days_kept = days_kept
        self._rows_max = rows_max
        self._capacity = capacity
        self._waiting: deque[Access] = deque()
        self._lock = threading.Lock()
        self._is_writing = False
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """How many rows are not written yet."""
        return len(self._waiting)

    def note(self, access: Access) -> None:
        """Take a row, to be written later; never waits and never raises."""
        if len(self._waiting) >= self._capacity:
            self.dropped += 1
        else:
            self._waiting.append(access)

    def catch_up(self) -> None:
        """Have what waits written, unless a part of it is being written."""
        with self._lock:
            if self._is_writing or not self._waiting:
                return
            self._is_writing = True
            rows = [self._waiting.popleft() for _ in range(min(len(self._waiting), _BATCH))]

        def act(connection: sa.Connection) -> None:
            _write(connection, rows)

        def told(outcome: Crashed | None) -> None:
            with self._lock:
                self._is_writing = False
                if isinstance(outcome, Crashed):
                    self._waiting.extendleft(reversed(rows))
            if outcome is None and len(rows) == _BATCH:
                self.catch_up()  # there is more; a few rows wait for company

        try:
            self._store.post(act, told)
        except StorageError as error:
            told(Crashed(error))

    def clean_up(self) -> Callable[[sa.Connection], int]:
        """Return the act that removes some of what is too old or too much, and says how many."""
        before = self._clock.now_ns() - self._days_kept * DAY_NS

        def act(connection: sa.Connection) -> int:
            newest = connection.execute(sa.select(sa.func.max(table.c.id))).scalar() or 0
            excess = sa.select(table.c.id).where(table.c.id <= newest - self._rows_max)
            old = sa.select(table.c.id).where(table.c.ts < before)
            return sum(
                connection.execute(
                    sa.delete(table).where(
                        table.c.id.in_(each.order_by(table.c.id).limit(_CLEANED).scalar_subquery())
                    )
                ).rowcount
                for each in (excess, old)
            )

        return act


def _write(connection: sa.Connection, rows: Sequence[Access]) -> None:
    """Write rows by the driver's own means: nobody reads what these are, and there are many."""
    insert = _insert(connection.dialect)
    values = [{**msgspec.structs.asdict(row), "time": iso(row.ts)} for row in rows]
    if insert.positiontup is None:
        connection.exec_driver_sql(str(insert), values)
        return
    names = insert.positiontup
    in_order = [tuple([each[name] for name in names]) for each in values]
    connection.exec_driver_sql(str(insert), in_order)


@lru_cache(maxsize=8)
def _insert(dialect: sa.Dialect) -> SQLCompiler:
    compiled = sa.insert(table).compile(dialect=dialect, column_keys=_COLUMNS)
    assert isinstance(compiled, SQLCompiler)
    return compiled


_COLUMNS: Final = [*Access.__struct_fields__, "time"]
