"""One platform per home: a lock that the operating system lets go of when its holder dies.

It is the first thing a start takes, so it loads no database: words for a failure are fetched when
there is one.
"""

import contextlib
import fcntl
import json
import os
from pathlib import Path
from types import TracebackType

from botcore.domain.errors import ConfigError, StorageError
from botcore.kernel.clock import Clock, SystemClock

_LOOK_S = 0.02
_LOOKS_BORNE = 10
"""Looking whether a home is locked locks it for a moment: that must not refuse a start."""


class HomeLock:
    """Hold ``<home>/lock`` while the platform runs.

    Args:
        home: the folder that holds all state; made if it does not exist, for its owner only.
        clock: waits for a moment while another looks.
    """

    def __init__(self, home: Path, *, clock: Clock | None = None) -> None:
        self._home = home
        self._clock = clock or SystemClock()
        self._fd: int | None = None

    def __enter__(self) -> "HomeLock":
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def acquire(self) -> None:
        """Take the lock, and write our process id into it.

        Raises:
            ConfigError: another process holds it (``ALREADY_RUNNING``, with its URL and process
                id where ``<home>/run.json`` or the lock tells them).
            StorageError: the home cannot be written.
        """
        path = self._home / "lock"
        try:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(path, error) from error
        try:
            self._lock(fd)
            os.ftruncate(fd, 0)
            os.pwrite(fd, str(os.getpid()).encode(), 0)
        except BlockingIOError as error:
            os.close(fd)
            raise self._running() from error
        except OSError as error:
            os.close(fd)
            raise _unusable(path, error) from error
        self._fd = fd

    def _lock(self, fd: int) -> None:
        """Lock the file, bearing with whoever only looks whether it is locked."""
        for _ in range(_LOOKS_BORNE):
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._clock.sleep_blocking(_LOOK_S)
            else:
                return
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def release(self) -> None:
        """Let go; the file stays, because deleting it would let two processes hold two of them."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _running(self) -> ConfigError:
        run = _read_run(self._home / "run.json")
        url, pid = run.get("url"), run.get("pid") or _read(self._home / "lock")
        known = [str(url)] if url else []
        known += [f"pid {pid}"] if pid else []
        return ConfigError(
            code="ALREADY_RUNNING",
            cause=": ".join(["already running", *([", ".join(known)] if known else [])])
            + f" (home {self._home})",
            fix="open it, or stop it with `./bot stop`; another home is set with BOTCORE_HOME",
        )


def is_locked(home: Path) -> bool:
    """Look whether a platform holds the lock of a home; waits for nobody.

    Raises:
        StorageError: the lock cannot be read.
    """
    path = home / "lock"
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two that look never meet
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _unusable(path: Path, error: OSError) -> StorageError:
    from botcore.storage.faults import from_files  # heavy: only here

    return from_files(error, doing="locking the home", path=path)


def _read(path: Path) -> str:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return path.read_text().strip()
    return ""


def _read_run(path: Path) -> dict[str, object]:
    with contextlib.suppress(ValueError):
        found = json.loads(_read(path))
        return found if isinstance(found, dict) else {}
    return {}
