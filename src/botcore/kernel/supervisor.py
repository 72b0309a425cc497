"""Supervision: child processes that are started again.

The supervisor is one loop on the caller's thread, without asyncio: it waits on the children's
pipes, restarts what dies, kills what is silent or says that it is stuck, and gives up when that
happens too often.
"""

import os
import selectors
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from botcore.domain.ids import SECOND_NS
from botcore.kernel.backoff import Uniform
from botcore.kernel.child import Child, ChildEventKind, ChildSpec
from botcore.kernel.clock import Clock

_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class ChildEvent:
    """One thing that happened to a child, for the log."""

    kind: ChildEventKind
    child: str
    pid: int | None = None
    detail: str = ""


class Ending(StrEnum):
    """Why supervision ended."""

    STOPPED = "STOPPED"
    FINISHED = "FINISHED"
    """A child ended with one of its final codes."""
    GAVE_UP = "GAVE_UP"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How supervision ended.

    Attributes:
        child: whose end ended it; None when a stop was asked for.
        code: that child's exit code (negative: the signal), None with `child`.
    """

    ending: Ending
    child: str | None = None
    code: int | None = None


class Supervisor:
    """Keep child processes alive until told to stop, or until one cannot be kept.

    Args:
        children: started in this order, stopped in the opposite one.
        clock: measures by its monotonic time.
        rng: jitter of the backoff; a seeded NumPy generator.
        on_event: called on the supervisor's thread for each event.
    """

    def __init__(
        self,
        children: Sequence[ChildSpec],
        *,
        clock: Clock,
        rng: Uniform,
        on_event: Callable[[ChildEvent], None],
    ) -> None:
        self._clock = clock
        self._rng = rng
        self._on_event = on_event
        self._selector = selectors.DefaultSelector()
        self._children = [Child(spec, self._selector) for spec in children]
        self._stops = 0
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        self._pids_lock = threading.Lock()

    def run_blocking(self) -> Verdict:
        """Start the children and keep them, then stop them all; once in a supervisor's life."""
        try:
            for child in self._children:
                self._start(child)
            verdict = self._keep()
        finally:
            for child in reversed(self._children):
                self._stop(child)
            self._selector.close()
            os.close(self._woken)
            # A signal may come yet, and the number may be another file's by then.
            wake, self._wake = self._wake, -1
            os.close(wake)
        return verdict

    def request_stop(self) -> None:
        """Stop in order; the second time, kill what is left. Safe in a signal handler."""
        self._stops += 1
        try:
            os.write(self._wake, b"s")
        except OSError:
            return  # full: it is awake already; closed: it has stopped

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the children that run, by name."""
        with self._pids_lock:
            return {c.spec.name: c.process.pid for c in self._children if c.process is not None}

    def _keep(self) -> Verdict:
        while not self._stops:
            self._wait(_POLL_S)
            now = self._clock.monotonic_ns()
            for child in self._children:
                verdict = self._look_at(child, now)
                if verdict is not None:
                    return verdict
        return Verdict(Ending.STOPPED)

    def _look_at(self, child: Child, now: int) -> Verdict | None:
        process = child.process
        if process is None:
            if now >= child.restart_at:
                self._start(child)
            return None
        code = process.poll()
        if code is None:
            complaint = child.complaint(now)
            if complaint is None:
                return None
            kind, detail = complaint
            self._tell(kind, child, detail)
            child.kill()
            return self._restart_later(child, now, code=-signal.SIGKILL)
        self._tell(ChildEventKind.EXITED, child, f"code {code}")
        # Its last words may explain the end: read them before they are gone.
        child.read()
        if code in child.spec.final_codes:
            self._release(child)
            return Verdict(Ending.FINISHED, child.spec.name, code)
        if child.asks_again(code, now):
            self._release(child)
            self._tell(ChildEventKind.RESTARTING, child, "as it asked")
            self._start(child)
            return None
        return self._restart_later(child, now, code=code)

    def _restart_later(self, child: Child, now: int, *, code: int) -> Verdict | None:
        self._release(child)
        delay_s = child.next_delay_s(now, rng=self._rng)
        if delay_s is None:
            policy = child.spec.restart
            self._tell(
                ChildEventKind.GAVE_UP,
                child,
                f"more than {policy.restarts_max} restarts within {policy.within_s:g} s",
            )
            return Verdict(Ending.GAVE_UP, child.spec.name, code)
        child.restart_at = now + round(delay_s * SECOND_NS)
        self._tell(ChildEventKind.RESTARTING, child, f"in {delay_s:.1f} s")
        return None

    def _start(self, child: Child) -> None:
        with self._pids_lock:
            child.start(self._clock.monotonic_ns())
        self._tell(ChildEventKind.STARTED, child)

    def _stop(self, child: Child) -> None:
        process = child.process
        if process is None:
            return
        deadline = self._clock.monotonic_ns() + round(child.spec.grace_s * SECOND_NS)
        process.terminate()
        while process.poll() is None:
            if self._stops > 1 or self._clock.monotonic_ns() >= deadline:
                self._tell(ChildEventKind.KILLED, child)
                child.kill()
                break
            self._wait(_POLL_S / 4)
        self._tell(ChildEventKind.EXITED, child, f"code {process.returncode}")
        self._release(child)

    def _release(self, child: Child) -> None:
        with self._pids_lock:
            child.release()

    def _wait(self, timeout_s: float) -> None:
        for ready, _ in self._selector.select(timeout_s):
            if ready.data is None:
                os.read(self._woken, 64)
            else:
                ready.data.hear(self._clock.monotonic_ns())

    def _tell(self, kind: ChildEventKind, child: Child, detail: str = "") -> None:
        pid = None if child.process is None else child.process.pid
        self._on_event(ChildEvent(kind, child.spec.name, pid, detail))
