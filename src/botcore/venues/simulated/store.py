"""The venue's durable truth in one SQLite file, apart from the engine's."""

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from botcore.domain.errors import StorageError
from botcore.kernel.failpoint import hit
from botcore.venues.simulated.records import (
    SCHEMA,
    BalanceRecord,
    DepositRecord,
    FillRecord,
    OrderRecord,
    ProgressRecord,
    VenueRecords,
    damaged,
    newer,
)

_APPLICATION = 0x42435653
"""Marks the file as ours ("BCVS") in SQLite's `application_id`."""

_TABLES = """
CREATE TABLE truth (
    kind   TEXT NOT NULL,
    name   TEXT NOT NULL,
    body   TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;
CREATE TABLE head (
    commits      INTEGER NOT NULL,
    orders_seen  INTEGER NOT NULL,
    fills_seen   INTEGER NOT NULL,
    deposits_seen INTEGER NOT NULL
);
INSERT INTO head VALUES (0, 0, 0, 0);
"""

_UPSERT = (
    "INSERT INTO truth (kind, name, body, digest) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (kind, name) DO UPDATE SET body = excluded.body, digest = excluded.digest"
)
_ADVANCE = (
    "UPDATE head SET commits = commits + 1, orders_seen = ?, fills_seen = ?, deposits_seen = ?"
    " WHERE commits = ?"
)

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode


class SqliteVenueStore:
    """One file, one writer: WAL and ``synchronous=FULL``, so that a commit survives a power loss.

    Each record is one row of JSON with its digest; a change is one transaction.

    Args:
        path: the file; its folder must exist.

    Raises:
        StorageError: the file cannot be opened, is not a venue's, is damaged, or is newer.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._commits = 0
        connection = None
        try:
            # One venue writes, but the thread that made it need not be the one that runs it.
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._open(connection)
        except sqlite3.Error as error:
            if connection is not None:
                connection.close()
            raise self._translated(error, "opened") from error
        except StorageError:
            if connection is not None:
                connection.close()
            raise
        self._connection = connection

    def load(self) -> VenueRecords | None:
        """Return everything ever committed; None if nothing was.

        Raises:
            StorageError: it cannot be read, or a row is not what was written.
        """
        try:
            head = self._connection.execute(
                "SELECT commits, orders_seen, fills_seen, deposits_seen FROM head"
            ).fetchall()
            rows = self._connection.execute("SELECT kind, name, body, digest FROM truth").fetchall()
        except sqlite3.Error as error:
            raise self._translated(error, "read") from error
        if len(head) != 1:
            raise damaged("its head is missing")
        self._commits, orders_seen, fills_seen, deposits_seen = head[0]
        if not self._commits:
            return None
        bodies: dict[str, list[str]] = {}
        for kind, name, body, digest in rows:
            if digest != _digest(kind, name, body):
                raise damaged(f"{kind} {name} is not what was written")
            bodies.setdefault(kind, []).append(body)
        try:
            return VenueRecords(
                orders_seen=orders_seen,
                fills_seen=fills_seen,
                deposits_seen=deposits_seen,
                deposits=_read(bodies, "deposit", DepositRecord),
                balances=_read(bodies, "balance", BalanceRecord),
                orders=_read(bodies, "order", OrderRecord),
                fills=_read(bodies, "fill", FillRecord),
                progress=_read(bodies, "progress", ProgressRecord),
            )
        except (msgspec.MsgspecError, ValueError) as error:
            raise damaged(f"a row cannot be read ({error})") from error

    def commit(self, change: VenueRecords) -> None:
        """Make `change` durable in one transaction.

        Raises:
            StorageError: it was not written, or another venue writes the same file.
        """
        rows = [(kind, name, body, _digest(kind, name, body)) for kind, name, body in _rows(change)]
        counts = (change.orders_seen, change.fills_seen, change.deposits_seen)
        execute = self._connection.execute
        try:
            execute("BEGIN IMMEDIATE")
            hit("venue.begun")
            advanced = execute(_ADVANCE, (*counts, self._commits)).rowcount
            if advanced == 1:
                self._connection.executemany(_UPSERT, rows)
                hit("venue.written")
                execute("COMMIT")
                hit("venue.committed")
        except sqlite3.Error as error:
            self._abandon()
            raise self._translated(error, "written") from error
        if advanced != 1:
            self._abandon()
            raise StorageError(
                code="VENUE_STORE_SHARED",
                cause=f"another venue writes {self._path.name}",
                fix="stop the other process; one venue owns one file",
            )
        self._commits += 1

    def close(self) -> None:
        """Close the file; safe to repeat."""
        self._connection.close()

    def _open(self, connection: sqlite3.Connection) -> None:
        execute = connection.execute
        execute("PRAGMA busy_timeout = 2000")
        (application,) = execute("PRAGMA application_id").fetchone()
        (version,) = execute("PRAGMA user_version").fetchone()
        (tables,) = execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if application != _APPLICATION and tables:
            raise StorageError(
                code="VENUE_STORE_FOREIGN",
                cause=f"{self._path.name} is a database of another program",
                fix="give the simulated venue a file of its own",
            )
        if version > SCHEMA:
            raise newer(version)
        if tables and (state := execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise damaged(str(state))
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")
        if not tables:
            connection.executescript(
                f"BEGIN IMMEDIATE;{_TABLES}"
                f"PRAGMA application_id = {_APPLICATION};PRAGMA user_version = {SCHEMA};COMMIT;"
            )

    def _abandon(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._connection.close()  # closing abandons the transaction as well

    def _translated(self, error: sqlite3.Error, verb: str) -> StorageError:
        text = str(error)
        if isinstance(error, sqlite3.DatabaseError) and (
            "malformed" in text or "not a database" in text or "corrupt" in text
        ):
            return damaged(text)
        code, fix = "VENUE_STORE_FAILED", "look at the disk and the file's permissions, then retry"
        if "locked" in text:
            code, fix = "VENUE_STORE_LOCKED", "stop the other program that uses the file"
        elif "full" in text:
            code, fix = "VENUE_STORE_FULL", "free space on the disk, then start again"
        elif "readonly" in text:
            code, fix = "VENUE_STORE_READ_ONLY", "make the file and its folder writable"
        elif "unable to open" in text:
            code, fix = "VENUE_STORE_MISSING", "create the folder, or make it writable"
        return StorageError(
            code=code,
            cause=f"the simulated venue's store {self._path.name} could not be {verb}: {text}",
            fix=fix,
        )


def _rows(change: VenueRecords) -> Iterator[tuple[str, str, str]]:
    """Name each record so that names sort as the records do."""
    for deposit in change.deposits:
        yield "deposit", f"{deposit.number:012d}", _text(deposit)
    for balance in change.balances:
        yield "balance", f"{balance.account} {balance.currency}", _text(balance)
    for order in change.orders:
        yield "order", f"{order.number:012d}", _text(order)
    for fill in change.fills:
        yield "fill", f"{fill.number:012d}", _text(fill)
    for progress in change.progress:
        yield "progress", progress.instrument, _text(progress)


def _text(record: msgspec.Struct) -> str:
    return _encode(record).decode()


def _digest(kind: str, name: str, body: str) -> str:
    return hashlib.sha256(f"{kind}\n{name}\n{body}".encode()).hexdigest()[:32]


def _read(bodies: dict[str, list[str]], kind: str, of: type[T]) -> tuple[T, ...]:
    return tuple(msgspec.json.decode(body, type=of) for body in bodies.get(kind, ()))
