"""What a database or a file system says, as an error with a code, a cause and a fix."""

import errno
import sqlite3
from pathlib import Path

import sqlalchemy as sa

from botcore.domain.errors import Remedy, StorageError


class StoreRefused(StorageError):  # noqa: N818  # says what became of it
    """A store that a restart would not mend: a person must look at it."""

    remedy = Remedy.HALT


_DISK_FULL = (
    "STORE_DISK_FULL",
    "the disk is full",
    "free some space; open orders can still be cancelled, and nothing new is sent meanwhile",
)
_READ_ONLY = (
    "STORE_READ_ONLY",
    "the store cannot be written",
    "make its file and its folder writable for this user, and the disk mounted read-write",
)
_IO = (
    "STORE_IO_ERROR",
    "the disk failed while reading or writing",
    "check the disk (dmesg) and its limits (ulimit -f), then start again",
)
_CORRUPT = (
    "STORE_CORRUPT",
    "the store is damaged",
    "restore the last backup; `botcore doctor` says what is damaged",
)
_BUSY = (
    "STORE_BUSY",
    "another program holds the store",
    "end what else writes to it, and try again",
)
_CANNOT_OPEN = (
    "STORE_CANNOT_OPEN",
    "the store cannot be opened",
    "check that its folder exists and that this user may read and write it",
)
_UNREACHABLE = (
    "STORE_UNREACHABLE",
    "the database does not answer",
    "start it, or check its address, name and password in the settings",
)
_FAILED = (
    "STORE_FAILED",
    "a statement failed",
    "report this as a bug, with the log",
)

_SQLITE = {
    sqlite3.SQLITE_FULL: _DISK_FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_IOERR: _IO,
    sqlite3.SQLITE_CORRUPT: _CORRUPT,
    sqlite3.SQLITE_NOTADB: _CORRUPT,
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_CANTOPEN: _CANNOT_OPEN,
}
# PostgreSQL error classes and codes, from "Appendix A. PostgreSQL Error Codes" of its manual.
_POSTGRES = {
    "53100": _DISK_FULL,
    "25006": _READ_ONLY,
    "42501": _READ_ONLY,
    "58": _IO,
    "XX001": _CORRUPT,
    "XX002": _CORRUPT,
    "55P03": _BUSY,
    "40": _BUSY,
    "08": _UNREACHABLE,
    "57": _UNREACHABLE,
    "53": _UNREACHABLE,
    "28": _UNREACHABLE,
    "3D000": _CANNOT_OPEN,
}
_LOCK_NOT_AVAILABLE = "55P03"
_ERRNO = {
    errno.ENOSPC: _DISK_FULL,
    errno.EDQUOT: _DISK_FULL,
    errno.EFBIG: _DISK_FULL,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _READ_ONLY,
    errno.EPERM: _READ_ONLY,
    errno.ENOENT: _CANNOT_OPEN,
    errno.ENOTDIR: _CANNOT_OPEN,
}


def from_database(error: Exception, *, doing: str) -> StorageError:
    """Return what a failure of the database means to the user.

    Args:
        error: of SQLAlchemy or of the driver itself.
        doing: what was tried, for example ``writing the journal``.
    """
    orig = _origin(error)
    if isinstance(orig, StorageError):
        return orig  # refused by a column type of ours, before the database saw it
    return _made(_meaning(error, orig), doing=doing, said=f"{type(orig).__name__}: {orig}")


def from_files(error: OSError, *, doing: str, path: Path) -> StorageError:
    """Return what a failure of the file system means to the user."""
    said = f"{path}: {error.strerror or error}"
    return _made(_ERRNO.get(error.errno or 0, _IO), doing=doing, said=said)


def may_be_retried(error: Exception) -> bool:
    """Whether the transaction itself may run again: a deadlock, a serialisation failure, a lock."""
    return _meaning(error, _origin(error)) is _BUSY


def has_waited(error: Exception) -> bool:
    """Whether the database has waited for a lock that another program holds, and given up."""
    orig = _origin(error)
    if isinstance(orig, sqlite3.Error):
        return _meaning(error, orig) is _BUSY
    return getattr(orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE


def is_disconnect(error: Exception) -> bool:
    """Whether the connection was lost, so that nobody knows what became of a commit."""
    return isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated


def _origin(error: Exception) -> BaseException:
    return error.orig if isinstance(error, sa.exc.StatementError) and error.orig else error


def _meaning(error: Exception, orig: BaseException) -> tuple[str, str, str]:
    if is_disconnect(error):
        return _UNREACHABLE
    if isinstance(orig, sqlite3.Error):
        # The low byte is the class of SQLite's extended result codes.
        return _SQLITE.get(getattr(orig, "sqlite_errorcode", 0) & 0xFF, _FAILED)
    state = getattr(orig, "sqlstate", None)
    if state is None:
        # psycopg gives no code when it could not even connect.
        return _UNREACHABLE if isinstance(error, sa.exc.OperationalError) else _FAILED
    return _POSTGRES.get(state) or _POSTGRES.get(state[:2], _FAILED)


def _made(meaning: tuple[str, str, str], *, doing: str, said: str) -> StorageError:
    code, cause, fix = meaning
    kind = StoreRefused if meaning in (_CORRUPT, _FAILED) else StorageError
    return kind(code=code, cause=f"{cause} ({doing}: {said.strip()})", fix=fix)
