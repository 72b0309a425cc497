"""Bringing a store to this version's shape: a copy of an older one first, then all or nothing."""

import os
import re
import sqlite3
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa

from botcore.storage import faults
from botcore.storage.lineage import Lineage

_NAMES_TRIED = 1_000


def backup_beside(url: sa.URL, revision: str) -> Path | None:
    """Copy an SQLite store, whole and consistent, into a file beside it; None without a file.

    Returns:
        ``<file>.<revision>.bak``, or that name with a number where it is taken; only its owner
        may read it.

    Raises:
        StorageError: the copy cannot be written; it is removed again.
    """
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    path = Path(url.database)
    target = _free(path, revision)
    doing = f"backing up {path.name}"
    try:
        target.touch(mode=0o600, exist_ok=False)
        _copy(path, target)
    except OSError as error:
        target.unlink(missing_ok=True)
        raise faults.from_files(error, doing=doing, path=target) from error
    except sqlite3.Error as error:
        target.unlink(missing_ok=True)
        raise faults.from_database(error, doing=doing) from error
    return target


def copies_beside(url: sa.URL) -> list[tuple[str, Path]]:
    """Return the copies that upgrades left beside a store, each with its revision, oldest first."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return []
    path = Path(url.database)
    named = re.compile(rf"{re.escape(path.name)}\.([0-9]{{4}})(?:-[0-9]+)?\.bak")
    found = [
        (match[1], each)
        for each in path.parent.glob("*.bak")
        if (match := named.fullmatch(each.name)) is not None
    ]
    return sorted(found, key=lambda copy: (copy[0], copy[1].name))


def told(name: str, lineage: Lineage, since: str, backup: Path | None) -> str:
    """Return the line that says what an upgrade changed."""
    kept = (
        f"the store as it was is {backup.name} beside it"
        if backup is not None
        else "no copy was made: the database's own backups hold what was"
    )
    return (
        f"{name} was brought from revision {since} to {lineage.head}"
        f" ({lineage.told(since)}); {kept}"
    )


def discard(backup: Path | None) -> None:
    """Remove the copy of a store that was not upgraded after all."""
    if backup is not None:
        with suppress(OSError):
            backup.unlink(missing_ok=True)


def _free(path: Path, revision: str) -> Path:
    target = path.with_name(f"{path.name}.{revision}.bak")
    for number in range(1, _NAMES_TRIED):
        if not target.exists():
            break
        target = path.with_name(f"{path.name}.{revision}-{number}.bak")
    return target


def _copy(path: Path, target: Path) -> None:
    source = sqlite3.connect(path)
    try:
        into = sqlite3.connect(target)
        try:
            source.backup(into)
        finally:
            into.close()
    finally:
        source.close()
    for synced in (target, target.parent):
        descriptor = os.open(synced, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
