"""The journal: records appended by the engine's thread, made durable by one writer thread."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol

import msgspec
import sqlalchemy as sa

from botcore.domain.errors import InvariantBroken, StorageError
from botcore.domain.ids import AccountId
from botcore.domain.keys import Key
from botcore.domain.records import SCHEMA, Record, RecordKind
from botcore.kernel.guard import Crashed, guarded
from botcore.storage import faults, projections, snapshots
from botcore.storage.committing import JournalWriter
from botcore.storage.reading import read_journal
from botcore.storage.snapshots import Snapshot
from botcore.storage.store import Store
from botcore.storage.tables import outbox
from botcore.storage.upcasting import UPCASTERS, Upcaster


class Entry(msgspec.Struct, frozen=True, gc=False):
    """What is appended: a record that has no number yet.

    Attributes:
        payload: msgpack of the tagged struct, in the current schema (`domain.records.encode`).
    """

    kind: RecordKind
    key: Key
    account: AccountId
    payload: bytes


class EntryLike(Protocol):
    """Anything with the fields of an `Entry`; the journal asks for no more."""

    @property
    def kind(self) -> RecordKind:
        """Input, fact or effect."""
        ...

    @property
    def key(self) -> Key:
        """Of the input that caused it."""
        ...

    @property
    def account(self) -> AccountId:
        """Whose."""
        ...

    @property
    def payload(self) -> bytes:
        """The encoded struct."""
        ...


class SqlJournal:
    """The journal of one store, with group commit: one writer thread, one transaction a batch.

    A batch is whatever was appended while the last one was being committed; the entries of one
    `append` are never parted (R9). After a commit that
    failed the journal refuses appends until `reopen` has succeeded; the entries that were not
    written stay, and `reopen` writes them, so that what the engine folded is never missing.

    Args:
        store: the database; it is upgraded, and stays the caller's to close.
        capacity: how many entries may wait to be written; `append` then blocks.
        batch_max: about how many entries go into one transaction.
        upcasters: steps from older schemas.

    Raises:
        StoreRefused: a newer version wrote the store.
        StorageError: the store cannot be opened.
    """

    def __init__(
        self,
        store: Store,
        *,
        capacity: int = 65_536,
        batch_max: int = 4_096,
        upcasters: Mapping[int, Upcaster] = UPCASTERS,
    ) -> None:
        self._store = store
        self._capacity = capacity
        self._batch_max = batch_max
        self._upcasters = upcasters
        store.upgrade()
        self._writer = JournalWriter(store)
        self._writer.open()
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._done = threading.Condition(self._lock)
        self._pending: deque[tuple[Record, ...]] = deque()
        self._waiting = 0
        self._tasks: deque[_Task] = deque()
        self._marks: dict[str, int] = {}
        self._last = self._durable = self._writer.head.lsn
        self._failure: StorageError | None = None
        self._is_closing = False
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    def __enter__(self) -> "SqlJournal":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def last_lsn(self) -> int:
        """Number of the last entry appended, durable or not; 0 in an empty journal."""
        with self._lock:
            return self._last

    @property
    def waiting(self) -> int:
        """How many entries wait to be written."""
        with self._lock:
            return self._waiting

    @property
    def capacity(self) -> int:
        """How many may wait; `append` then blocks."""
        return self._capacity

    @property
    def durable_lsn(self) -> int:
        """Number of the last entry that is committed."""
        with self._lock:
            return self._durable

    def append(self, entries: Sequence[EntryLike]) -> int:
        """Take entries in order and give each the next number.

        Does not wait for the disk, unless `capacity` entries wait already.

        Returns:
            The last number given; not durable before `wait_durable` returns.

        Raises:
            StorageError: a commit has failed and `reopen` has not succeeded since.
            InvariantBroken: it was closed.
        """
        with self._lock:
            self._refuse_if_failed()
            self._refuse_if_closed()
            if self._waiting and self._waiting + len(entries) > self._capacity:
                self._done.wait_for(lambda: self._has_room(len(entries)) or self._failure)
                self._refuse_if_failed()
            if entries:
                first = self._last + 1
                self._pending.append(
                    tuple(
                        Record(lsn, SCHEMA, entry.kind, entry.key, entry.account, entry.payload)
                        for lsn, entry in enumerate(entries, first)
                    )
                )
                self._last += len(entries)
                self._waiting += len(entries)
                self._work.notify()
            return self._last

    def wait_durable(self, lsn: int) -> None:
        """Wait until every entry up to `lsn` is committed.

        Raises:
            StorageError: the commit failed, and none of the entries after `durable_lsn` is
                promised; their effects must not be released.
            ValueError: `lsn` was never given.
        """
        with self._lock:
            if lsn > self._last:
                raise ValueError(f"lsn {lsn} was never given; the last one is {self._last}")
            self._done.wait_for(lambda: self._durable >= lsn or self._failure)
            if self._durable < lsn:
                self._refuse_if_failed()

    def reopen(self) -> int:
        """Connect anew after a failure, see what was written, and write what was not.

        Returns:
            The number of the last durable entry.

        Raises:
            StoreRefused: the store lost what it had called durable.
            StorageError: the store still cannot be written; the journal still refuses.
        """
        with self._lock:
            if self._failure is None:
                return self._durable
        # The writer thread sleeps while there is a failure: the connection is ours.
        self._writer.open()
        with self._lock:
            self._settle()
            self._failure = None
            last = self._last
            self._work.notify()
        self.wait_durable(last)
        return last

    def read(self, after: int = 0) -> Iterator[Record]:
        """Yield the durable records after `after` in the current schema, checking the chain.

        Raises:
            StoreRefused: a row is damaged, or of a newer schema.
            StorageError: the store cannot be read.
        """
        return read_journal(self._store, after, upcasters=self._upcasters)

    def save_snapshot(self, lsn: int, state: bytes, digest: str) -> None:
        """Store the engine's state after `lsn`, once that is durable; waits for the commit.

        Raises:
            StorageError: it could not be written; older snapshots stand.
        """
        self.wait_durable(lsn)
        snapshot = Snapshot(lsn, state, digest)
        self._run(lambda connection: snapshots.save(connection, snapshot))

    def latest_snapshot(self) -> Snapshot | None:
        """Return the newest undamaged snapshot, None without one.

        Raises:
            StorageError: the store cannot be read.
        """
        with self._store.reading() as connection:
            return snapshots.latest(connection)

    def mark_published(self, consumer: str, lsn: int) -> None:
        """Note that `consumer` has been sent everything up to `lsn`.

        It becomes durable with the next entries, or at the close: after a crash a few records are
        published again, and consumers drop them by their lsn (K10, K14).
        """
        with self._lock:
            self._marks[consumer] = lsn

    def published(self, consumer: str) -> int:
        """Return up to where `consumer` has been sent the journal; 0 if never.

        Raises:
            StorageError: the store cannot be read.
        """
        with self._lock:
            if consumer in self._marks:
                return self._marks[consumer]
        query = sa.select(outbox.c.lsn).where(outbox.c.consumer == consumer)
        with self._store.reading() as connection:
            return connection.execute(query).scalar_one_or_none() or 0

    def rebuild_projections(self) -> int:
        """Drop and refill every projection from the journal, between two commits.

        Returns:
            How many records were folded.

        Raises:
            StorageError: it failed, and the projections are as before.
        """
        count: int = self._run(projections.rebuild)
        return count

    def close(self) -> None:
        """Write what waits, and let go of the store.

        Raises:
            StorageError: entries that were never called durable could not be written.
        """
        with self._lock:
            self._is_closing = True
            self._work.notify()
        self._thread.join()
        self._writer.close()
        with self._lock:
            if self._pending:
                self._refuse_if_failed()

    def _has_room(self, count: int) -> bool:
        return not self._waiting or self._waiting + count <= self._capacity

    def _refuse_if_failed(self) -> None:
        failure = self._failure
        if failure is not None:
            raise type(failure)(code=failure.code, cause=failure.cause, fix=failure.fix)

    def _refuse_if_closed(self) -> None:
        if self._is_closing:
            raise InvariantBroken(
                code="JOURNAL_CLOSED",
                cause="a closed journal was asked to write",
                fix="report this as a bug",
            )

    def _run(self, act: Callable[[sa.Connection], Any]) -> Any:  # noqa: ANN401  # what `act` returns
        task = _Task(act)
        with self._lock:
            self._refuse_if_failed()
            self._refuse_if_closed()
            self._tasks.append(task)
            self._work.notify()
            self._done.wait_for(lambda: task.outcome)
        assert task.outcome is not None
        result = task.outcome[0]
        if isinstance(result, Crashed):
            raise result.error
        return result

    def _write(self) -> None:
        while True:
            with self._lock:
                self._work.wait_for(self._has_work)
                if self._failure is not None or not (self._pending or self._tasks or self._marks):
                    return
                batch = self._next_batch()
                task = self._tasks.popleft() if self._tasks and not batch else None
                marks = dict(self._marks)
            if task is None:
                self._finish_commit(batch, marks, guarded(self._writer.commit, batch, marks))
            else:
                self._finish_task(task, guarded(self._writer.run, task.act))

    def _has_work(self) -> bool:
        if self._is_closing:
            return True
        return self._failure is None and bool(self._pending or self._tasks)

    def _finish_commit(
        self, batch: Sequence[Record], marks: Mapping[str, int], outcome: Crashed | None
    ) -> None:
        with self._lock:
            if outcome is None:
                if batch:
                    self._forget(batch[-1].lsn)
                for consumer, lsn in marks.items():
                    if self._marks.get(consumer) == lsn:
                        del self._marks[consumer]
            else:
                self._fail(outcome.error)
            self._done.notify_all()

    def _finish_task(self, task: "_Task", outcome: object) -> None:
        with self._lock:
            if isinstance(outcome, Crashed):
                outcome = Crashed(_as_storage_error(outcome.error))
                # The connection may be in any state: take a new one before the next commit.
                self._writer.close()
            task.outcome = (outcome,)
            self._done.notify_all()

    def _fail(self, error: Exception) -> None:
        self._failure = _as_storage_error(error)
        for task in self._tasks:
            task.outcome = (Crashed(self._failure),)
        self._tasks.clear()

    def _settle(self) -> None:
        """Compare what waits with what the store turned out to hold."""
        lsn = self._writer.head.lsn
        if lsn < self._durable or lsn > self._last:
            raise faults.StoreRefused(
                code="JOURNAL_FORKED",
                cause=f"the journal ends at lsn {lsn}, and lsn {self._durable} was durable",
                fix="restore the last backup, and start again: what was lost is reconciled with"
                " the venue",
            )
        self._forget(lsn)

    def _next_batch(self) -> list[Record]:
        batch: list[Record] = []
        for group in self._pending:
            if batch and len(batch) + len(group) > self._batch_max:
                break
            batch += group
        return batch

    def _forget(self, lsn: int) -> None:
        """Let go of what waited and is durable now, up to `lsn`."""
        while self._pending and self._pending[0][-1].lsn <= lsn:
            self._waiting -= len(self._pending.popleft())
        self._durable = lsn


class _Task:
    """Something else for the writer thread to do, and what came of it."""

    def __init__(self, act: Callable[[sa.Connection], Any]) -> None:
        self.act = act
        self.outcome: tuple[object] | None = None


def _as_storage_error(error: Exception) -> StorageError:
    if isinstance(error, StorageError):
        return error
    return faults.from_database(error, doing="writing the journal")
