"""The child's end of supervision: a beat a second from a thread of its own, and a call for help.

Lines on a pipe that the supervisor reads: ``beat``, and ``stuck <name>`` when a section of the
child never returns. The pipe's end tells the child that its supervisor is gone.
"""

import os
import threading
from collections.abc import Callable

BEAT = b"beat"
STUCK = b"stuck"
SUPERVISOR_FD = "BOTCORE_SUPERVISOR_FD"
"""Environment variable with the number of the pipe's writing end."""


class Heart:
    """Tell the supervisor that this process lives.

    Args:
        fd: the pipe's writing end, which the heart owns from now on.
        interval_s: between beats, seconds.
        on_orphaned: called once, on the heart's thread, when nobody reads any more.
    """

    def __init__(
        self, fd: int, *, interval_s: float = 1.0, on_orphaned: Callable[[], None]
    ) -> None:
        self._fd = fd
        self._interval_s = interval_s
        self._on_orphaned = on_orphaned
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        # A supervisor that does not read must not hold up the child.
        os.set_blocking(fd, False)

    @property
    def name(self) -> str:
        """What a log line calls it."""
        return "heart"

    def start(self) -> None:
        """Beat at once and from now on."""
        self._thread = threading.Thread(target=self._beat, name=self.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Beat no more, and close the pipe."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        os.close(self._fd)

    def tell_stuck(self, name: str) -> None:
        """Ask to be killed and started again without `name`, which never returns."""
        self._say(STUCK + b" " + name.encode())

    def _beat(self) -> None:
        alive = self._say(BEAT)
        while alive and not self._stopped.wait(self._interval_s):
            alive = self._say(BEAT)
        if not alive:
            self._on_orphaned()

    def _say(self, line: bytes) -> bool:
        with self._lock:
            try:
                os.write(self._fd, line + b"\n")
            except BlockingIOError:
                return True  # a full pipe: there is news enough in it
            except OSError:
                return False
            return True
