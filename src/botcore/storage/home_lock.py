"""One platform per home: a lock that the operating system lets go of when its holder dies."""

import contextlib
import fcntl
import json
import os
from pathlib import Path
from types import TracebackType

from botcore.domain.errors import ConfigError
from botcore.kernel.clock import Clock, SystemClock
from botcore.storage import faults

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
            raise faults.from_files(error, doing="locking the home", path=path) from error
        try:
            self._lock(fd)
            os.ftruncate(fd, 0)
            os.pwrite(fd, str(os.getpid()).encode(), 0)
        except BlockingIOError as error:
            os.close(fd)
            raise self._running() from error
        except OSError as error:
            os.close(fd)
            raise faults.from_files(error, doing="locking the home", path=path) from error
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


def _read(path: Path) -> str:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return path.read_text().strip()
    return ""


def _read_run(path: Path) -> dict[str, object]:
    with contextlib.suppress(ValueError):
        found = json.loads(_read(path))
        return found if isinstance(found, dict) else {}
    return {}
