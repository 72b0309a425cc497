import sqlite3
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import errors as pg

from botcore.domain.errors import Remedy, StorageError
from botcore.storage import StoreRefused, faults


def _sqlite(name: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(name)
    error.sqlite_errorcode = getattr(sqlite3, name)
    return error


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SQLITE_FULL", "STORE_DISK_FULL"),
        ("SQLITE_READONLY", "STORE_READ_ONLY"),
        ("SQLITE_READONLY_DIRECTORY", "STORE_READ_ONLY"),
        ("SQLITE_IOERR_WRITE", "STORE_IO_ERROR"),
        ("SQLITE_IOERR_FSYNC", "STORE_IO_ERROR"),
        ("SQLITE_CORRUPT", "STORE_CORRUPT"),
        ("SQLITE_NOTADB", "STORE_CORRUPT"),
        ("SQLITE_BUSY", "STORE_BUSY"),
        ("SQLITE_BUSY_SNAPSHOT", "STORE_BUSY"),
        ("SQLITE_CANTOPEN", "STORE_CANNOT_OPEN"),
        ("SQLITE_ERROR", "STORE_FAILED"),
    ],
)
def test_each_failure_of_sqlite_has_a_code_a_cause_and_a_fix(name: str, code: str) -> None:
    wrapped = sa.exc.OperationalError("INSERT", {}, _sqlite(name))

    for error in (_sqlite(name), wrapped):
        told = faults.from_database(error, doing="writing the journal")
        assert told.code == code
        assert "writing the journal" in told.cause
        assert name in told.cause
        assert told.fix


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (pg.DiskFull, "STORE_DISK_FULL"),
        (pg.ReadOnlySqlTransaction, "STORE_READ_ONLY"),
        (pg.InsufficientPrivilege, "STORE_READ_ONLY"),
        (pg.IoError, "STORE_IO_ERROR"),
        (pg.DataCorrupted, "STORE_CORRUPT"),
        (pg.SerializationFailure, "STORE_BUSY"),
        (pg.DeadlockDetected, "STORE_BUSY"),
        (pg.AdminShutdown, "STORE_UNREACHABLE"),
        (pg.TooManyConnections, "STORE_UNREACHABLE"),
        (pg.InvalidPassword, "STORE_UNREACHABLE"),
        (pg.InvalidCatalogName, "STORE_CANNOT_OPEN"),
        (psycopg.OperationalError, "STORE_UNREACHABLE"),
        (pg.UndefinedTable, "STORE_FAILED"),
    ],
)
def test_each_failure_of_postgresql_has_a_code(error: type[psycopg.Error], code: str) -> None:
    wrapped = sa.exc.OperationalError("INSERT", {}, error("said so"))

    assert faults.from_database(wrapped, doing="writing").code == code


def test_d04_only_locks_and_deadlocks_may_be_retried() -> None:
    def wrapped(error: Exception) -> Exception:
        return sa.exc.OperationalError("INSERT", {}, error)

    assert faults.may_be_retried(wrapped(pg.SerializationFailure()))
    assert faults.may_be_retried(_sqlite("SQLITE_BUSY"))
    assert not faults.may_be_retried(wrapped(pg.DiskFull()))
    assert not faults.may_be_retried(_sqlite("SQLITE_FULL"))


def test_a_damaged_store_is_not_started_again_and_a_full_disk_is() -> None:
    corrupt = faults.from_database(_sqlite("SQLITE_CORRUPT"), doing="reading")
    full = faults.from_database(_sqlite("SQLITE_FULL"), doing="writing")

    assert isinstance(corrupt, StoreRefused)
    assert (corrupt.remedy, full.remedy) == (Remedy.HALT, Remedy.RESTART)


def test_what_our_own_columns_refuse_is_told_as_it_is() -> None:
    refused = StorageError(code="NUMBER_TOO_FINE", cause="c", fix="f")

    assert (
        faults.from_database(sa.exc.StatementError("m", "INSERT", {}, refused), doing="writing")
        is refused
    )


def test_a_failure_of_the_file_system_names_the_path() -> None:
    told = faults.from_files(OSError(28, "No space left"), doing="taping", path=Path("/x"))

    assert told.code == "STORE_DISK_FULL"
    assert "/x: No space left" in told.cause
