"""The writer's connection: batches of records into the journal and its projections, as one."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import sqlalchemy as sa

from botcore import __version__
from botcore.domain.records import SCHEMA, Record
from botcore.kernel.failpoint import hit
from botcore.storage import faults, projections
from botcore.storage.chain import Head, link
from botcore.storage.faults import StoreRefused
from botcore.storage.projector import Projector
from botcore.storage.reading import head_of
from botcore.storage.store import Store, translated
from botcore.storage.tables import journal, journal_head, outbox
from botcore.storage.upcasting import newer

R = TypeVar("R")

_TRIES = 3
_DOING = "writing the journal"


class _Words(NamedTuple):
    """What every commit says, in the driver's own words.

    Nothing is to be converted, and a statement that is put together and compiled anew costs as much
    as all the rest of a commit.
    """

    move_head: str
    insert: str
    mark: str


def _words(mark: str) -> _Words:
    """Return the statements with a driver's placeholder."""
    head, table, marks = journal_head.name, journal.name, outbox.name
    columns = journal.columns.keys()
    return _Words(
        move_head=f"UPDATE {head} SET lsn = {mark}, digest = {mark}, schema = {mark},"  # noqa: S608  # names are ours
        f" written_by = {mark} WHERE lsn = {mark} AND digest = {mark}",
        insert=f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608  # names are ours
        f" VALUES ({', '.join([mark] * len(columns))})",
        mark=f"INSERT INTO {marks} (consumer, lsn) VALUES ({mark}, {mark})"  # noqa: S608  # names are ours
        " ON CONFLICT (consumer) DO UPDATE SET lsn = excluded.lsn",
    )


_SAID = {"sqlite": _words("?"), "postgresql": _words("%s")}


class JournalWriter:
    """One connection that writes one store; used by one thread at a time.

    Args:
        store: opened and upgraded.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._connection: sa.Connection | None = None
        self.head = Head(0, b"")

    def open(self) -> None:
        """Connect anew and read where the journal really ends.

        Raises:
            StoreRefused: a newer version wrote the store.
            StorageError: the store cannot be opened.
        """
        self.close()
        try:
            with translated(f"opening {self._store}"):
                self._connection = self._store.writer()
                self._read_on(self._connection)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the connection, whatever state it is in."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None

    def commit(self, records: Sequence[Record], marks: Mapping[str, int]) -> None:
        """Make `records` durable with their projections, and the outbox marks: all or nothing.

        A deadlock or a lock runs the transaction again, a bounded number of times (D04). When the
        connection is lost the outcome is read before anything else is done (D02).

        Raises:
            StorageError: nothing was written, or nobody can tell before the next `open`.
        """
        start, digest = self.head, self.head.digest
        digests: list[bytes] = []
        for record in records:
            digest = link(digest, record)
            digests.append(digest)
        end = Head(records[-1].lsn, digest) if records else start
        for tries_left in reversed(range(_TRIES)):
            try:
                self._commit_once(records, digests, end, marks)
            except sa.exc.DBAPIError as error:
                lost = faults.is_disconnect(error)
                if not tries_left or not (lost or faults.may_be_retried(error)):
                    raise faults.from_database(error, doing=_DOING) from error
                # A lost commit may have happened. Either way the projector has folded the batch.
                self.open()
                if lost and records and self.head == end:
                    return
                if self.head != start:
                    raise _forked(start) from error
            else:
                hit("journal.committed")
                self.head = end
                return

    def run(self, act: Callable[[sa.Connection], R]) -> R:
        """Run `act` in a transaction of its own on the writing connection.

        Raises:
            StorageError: the store cannot be written; nothing of `act` was kept.
        """
        with translated("writing the store"), self._connected().begin():
            result = act(self._connected())
            hit("journal.acted")
        self._projector = self._reloaded()
        return result

    def _commit_once(
        self,
        records: Sequence[Record],
        digests: Sequence[bytes],
        end: Head,
        marks: Mapping[str, int],
    ) -> None:
        connection = self._connected()
        with connection.begin():
            hit("journal.begun")
            # The head first: on PostgreSQL this row is what two writers would meet at.
            said, start = _SAID[connection.dialect.name], self.head
            moved = connection.exec_driver_sql(
                said.move_head,
                (end.lsn, end.digest, SCHEMA, __version__, start.lsn, start.digest),
            )
            if moved.rowcount != 1:
                raise _forked(start)
            if records:
                connection.exec_driver_sql(said.insert, list(map(_row, records, digests)))
                hit("journal.recorded")
                facts = projections.facts_of(list(records))
                projections.write(connection, self._projector.fold(facts))
            if marks:
                connection.exec_driver_sql(said.mark, list(marks.items()))
            hit("journal.projected")

    def _read_on(self, connection: sa.Connection) -> None:
        if self._store.is_sqlite:
            # What a killed process or a failed fsync left may be in the kernel's memory only: a
            # checkpoint syncs the log before it copies. On the driver's own connection, because
            # it cannot run within a transaction; passive, because it waits for nobody.
            connection.connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
        with connection.begin():
            self.head = head_of(connection)
            schema, written_by = connection.execute(
                sa.select(journal_head.c.schema, journal_head.c.written_by)
            ).one()
            if schema > SCHEMA:
                raise newer(f"records of schema {schema}", written_by=f"botcore {written_by}")
            self._projector = projections.load(connection)

    def _reloaded(self) -> Projector:
        with translated("reading the store"), self._connected().begin():
            return projections.load(self._connected())

    def _connected(self) -> sa.Connection:
        if self._connection is None:
            self.open()
        assert self._connection is not None
        return self._connection


def _forked(expected: Head) -> StoreRefused:
    return StoreRefused(
        code="JOURNAL_FORKED",
        cause=f"the journal does not end at lsn {expected.lsn} any more",
        fix="end the other process that writes this store; two never may",
    )


def _row(record: Record, digest: bytes) -> tuple[object, ...]:
    key = record.key
    return (
        record.lsn,
        record.schema,
        str(record.kind),
        key.ts,
        key.rank,
        key.source,
        key.seq,
        record.account,
        record.payload,
        digest,
    )
