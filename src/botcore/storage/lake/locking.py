"""One writer a lake: a lock that the operating system lets go of when its holder dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from botcore.domain.errors import StorageError
from botcore.storage.faults import from_files

LOCK_FILE: Final = "lock"


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold ``<folder>/lock`` for a while; the folder is made where it is missing.

    Raises:
        StorageError: another writer holds it, or the folder cannot be written.
    """
    path = folder / LOCK_FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise from_files(error, doing="locking the lake", path=path) from error
    try:
        _lock(descriptor, path)
        yield
    finally:
        os.close(descriptor)  # the file stays: deleting it would let two hold two of them


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
        raise StorageError(
            code="LAKE_BUSY",
            cause=f"another program writes the lake {path.parent}"
            + (f" (process {holder})" if holder else ""),
            fix="wait until it has ended; reading goes on meanwhile",
        ) from error
    except OSError as error:
        raise from_files(error, doing="locking the lake", path=path) from error
