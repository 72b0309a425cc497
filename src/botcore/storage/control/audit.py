"""The audit: who did what, or was refused it; append-only, each entry chained to the one before."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from botcore.domain.errors import StorageError
from botcore.kernel.clock import Clock
from botcore.kernel.guard import Crashed
from botcore.storage.control.audit_chain import (
    AuditRow,
    Check,
    EntryLike,
    Verdict,
    read_part,
    row_of,
    write_rows,
)
from botcore.storage.control.store import ControlStore

_LOST_MAX: Final = 1_000
_WAITING_MAX: Final = 4_096


class AuditLog:
    """The audit of one store; what waits is written together.

    Args:
        store: opened.
        clock: dates the entries.
        on_lost: hears of each entry that could not be written after the fact, and of each that
            there was no room to keep.
    """

    def __init__(
        self,
        store: ControlStore,
        *,
        clock: Clock,
        on_lost: Callable[[EntryLike, StorageError], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._on_lost = on_lost
        self._lock = threading.Lock()
        self._is_posted = False
        self._waiting: list[_Waiting] = []
        self._lost: deque[AuditRow] = deque()
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """How many entries could not be written yet."""
        return len(self._lost)

    async def append(self, entry: EntryLike) -> int:
        """Write an entry down; return its number once it is durable.

        Raises:
            StorageError: it cannot be written.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        self._wait(_Waiting(self._row(entry), future, loop))
        return await future

    def writing(self, entry: EntryLike) -> Callable[[sa.Connection], int]:
        """Return the act that writes an entry, dated now, to be joined with others."""
        row = self._row(entry)
        return lambda connection: write_rows(connection, [row])[0]

    def lost(self, entry: EntryLike, error: StorageError) -> None:
        """Keep what could not be written after the fact, to be written before what comes next.

        At most 1,000 are kept; of further ones the number is.
        """
        row = self._row(entry)
        with self._lock:
            if len(self._lost) < _LOST_MAX:
                self._lost.append(row)
            else:
                self.dropped += 1
        self._on_lost(entry, error)

    def catch_up(self) -> None:
        """Have what was lost written now, in its order; what cannot be stays for the next time."""
        with self._lock:
            if self._is_posted or not (self._lost or self._waiting or self.dropped):
                return
            self._is_posted = True
        writing = _Writing(self)
        try:
            self._store.post(writing.act, writing.told)
        except StorageError as error:
            writing.told(Crashed(error))

    async def verify(self) -> Verdict:
        """Check every entry, and where the audit ends; others go on writing meanwhile.

        Raises:
            StorageError: it cannot be read.
        """
        check = Check()
        while True:
            found = check.take(await self._store.read(partial(read_part, after=check.seq)))
            if found is not None:
                return found

    def _row(self, entry: EntryLike) -> AuditRow:
        return row_of(entry, self._clock.now_ns())

    def _wait(self, waiting: "_Waiting") -> None:
        with self._lock:
            if len(self._waiting) >= _WAITING_MAX:
                raise StorageError(
                    code="STORE_BUSY",
                    cause=f"{_WAITING_MAX} entries of the audit wait already",
                    fix="try again in a moment",
                )
            self._waiting.append(waiting)
        self.catch_up()

    def _take(self) -> "_Taken":
        """Return what is to be written now; what comes later is for the next."""
        with self._lock:
            taken = _Taken(list(self._lost), self.dropped, self._waiting)
            self._is_posted = False
            self._waiting = []
            self._lost.clear()
            self.dropped = 0
        return taken

    def _give_back(self, taken: "_Taken") -> None:
        with self._lock:
            self._lost.extendleft(reversed(taken.lost))
            self.dropped += taken.dropped

    def _rows(self, taken: "_Taken") -> list[AuditRow]:
        dropped = [self._row(_Dropped(taken.dropped))] if taken.dropped else []
        return [*taken.lost, *dropped, *(each.row for each in taken.waiting)]


class _Waiting(NamedTuple):
    """An entry, and who waits for its number."""

    row: AuditRow
    future: asyncio.Future[int]
    loop: asyncio.AbstractEventLoop


class _Taken(NamedTuple):
    """What is written together, in this order."""

    lost: list[AuditRow]
    dropped: int
    waiting: list[_Waiting]


class _Writing:
    """One writing of all that waits when its turn comes."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log
        self._taken: _Taken | None = None

    def act(self, connection: sa.Connection) -> list[int]:
        """Write it; again, if the transaction is run again."""
        if self._taken is None:
            self._taken = self._log._take()
        return write_rows(connection, self._log._rows(self._taken))

    def told(self, outcome: list[int] | Crashed) -> None:
        """Tell who waits; what was lost stays so if it could not be written."""
        taken = self._taken or self._log._take()
        if isinstance(outcome, Crashed):
            self._log._give_back(taken)
            outcomes: list[int | Exception] = [outcome.error] * len(taken.waiting)
        else:
            outcomes = [*outcome[len(outcome) - len(taken.waiting) :]]
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Waiting, int | Exception]]] = {}
        for waiting, each in zip(taken.waiting, outcomes, strict=True):
            by_loop.setdefault(waiting.loop, []).append((waiting, each))
        for loop, told in by_loop.items():
            with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
                loop.call_soon_threadsafe(_settle, told)


def _settle(told: list[tuple[_Waiting, int | Exception]]) -> None:
    for waiting, outcome in told:
        if waiting.future.done():
            continue
        if isinstance(outcome, int):
            waiting.future.set_result(outcome)
        else:
            waiting.future.set_exception(_own(outcome))


def _own(error: Exception) -> Exception:
    """Return an equal error: each who waits is to raise one of its own."""
    if isinstance(error, StorageError):
        return type(error)(code=error.code, cause=error.cause, fix=error.fix)
    return error


class _Dropped:
    """Stands in the audit for entries that there was no room to keep."""

    actor, user, session, address, correlation = "system", "", "", "", ""
    action, result, code = "audit.lost", "failed", "AUDIT_DROPPED"

    def __init__(self, count: int) -> None:
        self.request: Mapping[str, Any] = {"entries": count}
        self.detail = f"{count} entries could not be written, and there was no room to keep them"
