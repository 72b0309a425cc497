"""One supervised process: what it should be, its pipe, and what is known of its health."""

import os
import selectors
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from botcore.domain.ids import SECOND_NS
from botcore.kernel.backoff import Backoff, Uniform
from botcore.kernel.heart import BEAT, STUCK, SUPERVISOR_FD

_LINE_MAX = 4096
_DEFAULT_BACKOFF = Backoff()


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """How often, and after what wait, a child is started again.

    Attributes:
        restarts_max: more than this many restarts within `within_s` seconds is giving up.
        within_s: also how long a child must live for its backoff to begin anew.
        backoff: the wait before each restart.
    """

    restarts_max: int = 5
    within_s: float = 60.0
    backoff: Backoff = _DEFAULT_BACKOFF


_DEFAULT_POLICY = RestartPolicy()


def _no_arguments(_name: str) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """A process to keep alive.

    Attributes:
        name: what events call it.
        argv: program and arguments.
        env: its whole environment; None inherits ours.
        grace_s: between SIGTERM and SIGKILL, seconds.
        silence_s: without a beat for so long it is killed; None expects no beats.
        startup_s: how long the first beat may take, seconds.
        final_codes: exit codes after which a restart would change nothing (0 is a clean end).
        again_codes: exit codes with which it asks to be started again: at once, and not counted
            as a restart, if it had lived for `again_s` seconds.
        stuck_arguments: from the name it was stuck in to further arguments of all later starts.
        restart: policy of its restarts.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] | None = None
    grace_s: float = 30.0
    silence_s: float | None = None
    startup_s: float = 30.0
    final_codes: frozenset[int] = frozenset({0})
    again_codes: frozenset[int] = frozenset()
    again_s: float = 1.0
    stuck_arguments: Callable[[str], tuple[str, ...]] = _no_arguments
    restart: RestartPolicy = _DEFAULT_POLICY


class ChildEventKind(StrEnum):
    """What happened to a child."""

    STARTED = "STARTED"
    EXITED = "EXITED"
    SILENT = "SILENT"
    STUCK = "STUCK"
    RESTARTING = "RESTARTING"
    GAVE_UP = "GAVE_UP"
    KILLED = "KILLED"
    """It did not end within its grace."""


class Child:
    """A process as its supervisor sees it: running (`process`) or waiting (`restart_at`).

    Args:
        spec: what it should be.
        selector: where its pipe is registered, with this object as data.
    """

    def __init__(self, spec: ChildSpec, selector: selectors.BaseSelector) -> None:
        self.spec = spec
        self.process: subprocess.Popen[bytes] | None = None
        self.restart_at = 0
        self._selector = selector
        self._pipe: int | None = None
        self._heard = b""
        self._arguments: tuple[str, ...] = ()
        self._started_at = 0
        self._beat_at: int | None = None
        self._stuck_in: str | None = None
        self._restarts: deque[int] = deque()
        self._attempt = 0

    def start(self, now: int) -> None:
        """Start the process; `now` is monotonic, nanoseconds."""
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        env = {**(os.environ if self.spec.env is None else self.spec.env)}
        env[SUPERVISOR_FD] = str(writing)
        try:
            self.process = subprocess.Popen(
                [*self.spec.argv, *self._arguments],
                env=env,
                pass_fds=(writing,),
                stdin=subprocess.DEVNULL,
                # A session of its own: Ctrl-C at the terminal is for the supervisor, which stops
                # the children in order.
                start_new_session=True,
            )
        except OSError:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        self._pipe, self._heard = reading, b""
        self._started_at, self._beat_at, self._stuck_in = now, None, None
        self._selector.register(reading, selectors.EVENT_READ, self)

    def hear(self, now: int) -> None:
        """Read what the child said; a closed pipe is read no more (its process tells the rest)."""
        if not self.read():
            self._close_pipe()
        else:
            self._beat_at = now

    def read(self) -> bool:
        """Take in what it said so far, and say whether its pipe is still open."""
        if self._pipe is None:
            return False
        try:
            chunk = os.read(self._pipe, _LINE_MAX)
        except BlockingIOError:
            return True
        *lines, rest = (self._heard + chunk).split(b"\n")
        self._heard = rest[-_LINE_MAX:]
        for line in lines:
            word, _, name = line.partition(b" ")
            if word == STUCK:
                self._learn_stuck(name.decode(errors="replace"))
            elif word != BEAT:
                continue  # the child's own business; only the two words mean anything
        return bool(chunk)

    def complaint(self, now: int) -> tuple[ChildEventKind, str] | None:
        """Return why it must be killed though it runs, or None."""
        if self._stuck_in is not None:
            return ChildEventKind.STUCK, self._stuck_in
        if self.spec.silence_s is None:
            return None
        limit_s = self.spec.startup_s if self._beat_at is None else self.spec.silence_s
        silent_ns = now - (self._started_at if self._beat_at is None else self._beat_at)
        if silent_ns > limit_s * SECOND_NS:
            return ChildEventKind.SILENT, f"no beat for {silent_ns / SECOND_NS:.1f} s"
        return None

    def asks_again(self, code: int, now: int) -> bool:
        """Whether an end was a wish to be started again; one that never ran is a failure."""
        lived_ns = now - self._started_at
        return code in self.spec.again_codes and lived_ns >= self.spec.again_s * SECOND_NS

    def next_delay_s(self, now: int, *, rng: Uniform) -> float | None:
        """Count one more restart; return the wait before it, or None when it is one too many."""
        policy = self.spec.restart
        window_ns = round(policy.within_s * SECOND_NS)
        while self._restarts and self._restarts[0] <= now - window_ns:
            self._restarts.popleft()
        if len(self._restarts) >= policy.restarts_max:
            return None
        if now - self._started_at > window_ns:
            self._attempt = 0
        self._restarts.append(now)
        delay_s = policy.backoff.delay_s(self._attempt, rng=rng)
        self._attempt += 1
        return delay_s

    def kill(self) -> None:
        """End it, and whatever it started itself, at once."""
        assert self.process is not None
        try:
            # Its number is its group's, and is nobody else's before `wait` has reaped it.
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            self.process.kill()
        self.process.wait()

    def release(self) -> None:
        """Let go of a process that has ended."""
        self._close_pipe()
        self.process = None

    def _learn_stuck(self, name: str) -> None:
        if self._stuck_in is None:
            self._stuck_in = name
            self._arguments = (*self._arguments, *self.spec.stuck_arguments(name))

    def _close_pipe(self) -> None:
        if self._pipe is not None:
            self._selector.unregister(self._pipe)
            os.close(self._pipe)
            self._pipe = None
