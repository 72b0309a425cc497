"""The one writer of a store: a thread that commits what waits together, one fsync for many."""

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent import futures
from contextlib import suppress
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from botcore.domain.errors import InvariantBroken, StorageError
from botcore.kernel.guard import Crashed, guarded
from botcore.storage import faults
from botcore.storage.store import Store

T = TypeVar("T")
Act = Callable[[sa.Connection], T]
"""What is done within a transaction. It may be run again if the transaction is."""

_TRIES: Final = 3
_BATCH_MAX: Final = 256


class GroupWriter:
    """Runs acts in order, many to a transaction, on a connection and a thread of its own.

    An act that raises is undone alone; the others of its transaction stand. When the database
    refuses the transaction, the acts are run again one by one, so that one that is too large for
    the disk takes no other with it. After a failure the connection is made anew: nothing has to
    be restarted once there is room, or the server is back. A lock that another program holds is
    waited for once, by all who wait then: else each would wait for all before it.

    Args:
        store: upgraded; it stays the caller's to close.
        capacity: how many acts may wait; further ones are refused (``STORE_BUSY``), because who
            waits is a person with a time-out.
    """

    def __init__(self, store: Store, *, capacity: int = 4_096) -> None:
        self._store = store
        self._capacity = capacity
        self._connection: sa.Connection | None = None
        self._is_committing = False
        self._is_held = False
        self._waiting: deque[_Task] = deque()
        self._work = threading.Condition()
        self._is_closing = False
        self.commits = 0
        self.failures = 0
        self._thread = threading.Thread(target=self._run, name="control-store", daemon=True)
        self._thread.start()

    async def write(self, act: Act[T]) -> T:
        """Run `act` in a transaction and return what it returns, once that is durable.

        Who is cancelled while waiting may find it done or not.

        Raises:
            StorageError: nothing was written; or, where the connection was lost while committing,
                nobody can tell.
            Exception: what `act` raised; what it had written is undone.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._submit(_Task(act, _settler(future), loop))
        return await future

    def write_blocking(self, act: Act[T]) -> T:
        """As `write`, for threads."""
        future: futures.Future[T] = futures.Future()
        self._submit(_Task(act, _settler(future), None))
        return future.result()

    def post(self, act: Act[T], told: Callable[[T | Crashed], None]) -> None:
        """Have `act` run without waiting for it; `told` is called on the writer's thread.

        Raises:
            StorageError: too many acts wait.
        """
        self._submit(_Task(act, told, None))

    @property
    def depth(self) -> int:
        """How many acts wait."""
        return len(self._waiting)

    def close(self) -> None:
        """Write what waits, and let go of the connection."""
        with self._work:
            self._is_closing = True
            self._work.notify()
        self._thread.join()

    def _submit(self, task: "_Task") -> None:
        with self._work:
            if self._is_closing:
                raise InvariantBroken(
                    code="STORE_CLOSED",
                    cause="a closed store was asked to write",
                    fix="report this as a bug",
                )
            if len(self._waiting) >= self._capacity:
                raise StorageError(
                    code="STORE_BUSY",
                    cause=f"{self._capacity} writes wait already",
                    fix="try again in a moment",
                )
            self._waiting.append(task)
            self._work.notify()

    def _run(self) -> None:
        while True:
            with self._work:
                self._work.wait_for(lambda: self._waiting or self._is_closing)
                count = min(len(self._waiting), _BATCH_MAX)
                batch = [self._waiting.popleft() for _ in range(count)]
            if not batch:
                self._disconnect()
                return
            self._is_held = False
            self._write(batch)
            if self._is_held:
                batch += self._refused(batch[-1].outcome)
            _deliver(batch)

    def _refused(self, outcome: object) -> "Sequence[_Task]":
        """Return all that came meanwhile, told what those before them are told."""
        with self._work:
            waiting = list(self._waiting)
            self._waiting.clear()
        for task in waiting:
            task.outcome = outcome
            if isinstance(outcome, Crashed) and isinstance(outcome.error, StorageError):
                task.outcome = Crashed(_again(outcome.error))
        return waiting

    def _write(self, batch: "Sequence[_Task]") -> None:
        failure = self._attempt(batch)
        is_alone = len(batch) == 1 or self._is_held
        if failure is not None and not is_alone and failure.code != "STORE_UNREACHABLE":
            for task in batch:
                if self._is_held:
                    task.outcome = Crashed(_again(failure))
                else:
                    self._write([task])
            return
        if failure is not None:
            self.failures += 1
            for task in batch:
                task.outcome = Crashed(_again(failure))

    def _attempt(self, batch: "Sequence[_Task]") -> StorageError | None:
        """Commit a batch; return why nothing of it was written."""
        for tries_left in reversed(range(_TRIES)):
            crashed = guarded(self._commit, batch)
            if crashed is None:
                return None
            error = crashed.error
            self._disconnect()
            # Before the commit nothing has happened, whatever became of the connection.
            may_repeat = faults.may_be_retried(error) or (
                faults.is_disconnect(error) and not self._is_committing
            )
            self._is_held = faults.has_waited(error)
            if self._is_held or not (tries_left and may_repeat):
                return _translated(error)
        return None

    def _commit(self, batch: "Sequence[_Task]") -> None:
        self._is_committing = False
        connection = self._connected()
        transaction = connection.begin()
        for task in batch:
            task.outcome = _outcome(connection, task.act, is_alone=len(batch) == 1)
        if len(batch) == 1 and isinstance(batch[0].outcome, Crashed):
            transaction.rollback()
            return
        self._is_committing = True
        transaction.commit()
        self.commits += 1

    def _connected(self) -> sa.Connection:
        if self._connection is None:
            self._connection = self._store.writer()
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            guarded(connection.invalidate)
            guarded(connection.close)


class _Task:
    """One act, who is to be told, and what came of it."""

    __slots__ = ("act", "loop", "outcome", "told")

    def __init__(
        self,
        act: Callable[[sa.Connection], Any],
        told: Callable[[Any], None],
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        self.act = act
        self.told = told
        self.loop = loop
        self.outcome: object = None


def _settler(future: asyncio.Future[T] | futures.Future[T]) -> Callable[[T | Crashed], None]:
    def told(outcome: T | Crashed) -> None:
        if future.done():
            return
        if isinstance(outcome, Crashed):
            future.set_exception(outcome.error)
        else:
            future.set_result(outcome)

    return told


def _outcome(connection: sa.Connection, act: Act[Any], *, is_alone: bool) -> object:
    """Run one act; what it raises is its own, unless the whole transaction suffers from it."""
    if is_alone:
        outcome = guarded(act, connection)
    else:
        savepoint = connection.begin_nested()
        outcome = guarded(act, connection)
        if not isinstance(outcome, Crashed):
            savepoint.commit()
        elif not _is_fatal(outcome.error):
            savepoint.rollback()
    if isinstance(outcome, Crashed):
        if _is_fatal(outcome.error):
            raise outcome.error
        if isinstance(outcome.error, sa.exc.SQLAlchemyError):
            return Crashed(faults.from_database(outcome.error, doing=_DOING))
    return outcome


_DOING: Final = "writing the control store"
_OWN_FAULT: Final = (sa.exc.IntegrityError, sa.exc.DataError, sa.exc.ProgrammingError)


def _is_fatal(error: Exception) -> bool:
    """Whether nothing can be said any more of the transaction it was raised in.

    SQLite rolls the whole of it back on a full disk and on failures of the file.
    """
    if isinstance(error, sqlite3.Error):
        return True
    if isinstance(error, sa.exc.DBAPIError):
        return faults.is_disconnect(error) or not isinstance(error, _OWN_FAULT)
    return False


def _translated(error: Exception) -> StorageError:
    return error if isinstance(error, StorageError) else faults.from_database(error, doing=_DOING)


def _again(error: StorageError) -> StorageError:
    """Return an equal error: each who waits is to raise one of its own."""
    return type(error)(code=error.code, cause=error.cause, fix=error.fix)


def _deliver(batch: Sequence[_Task]) -> None:
    """Tell everybody who waits, each event loop once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Task]] = {}
    for task in batch:
        if task.loop is None:
            guarded(task.told, task.outcome)
        else:
            by_loop.setdefault(task.loop, []).append(task)
    for loop, tasks in by_loop.items():
        with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            loop.call_soon_threadsafe(_settle, tasks)


def _settle(tasks: Sequence[_Task]) -> None:
    for task in tasks:
        task.told(task.outcome)
