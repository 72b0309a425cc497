"""Failpoints: named places at which a test ends, stops, delays or fails the process.

Off unless armed, and then one look at a global. They stand at every step at which a crash must
lose nothing: in the release of effects, around commits, in what is written to a venue. Only the
command line arms them (``BOTCORE_FAILPOINT``), and tests.
"""

import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable
from enum import StrEnum

import msgspec

from botcore.domain.errors import ConfigError
from botcore.kernel.clock import SystemClock

ANY = "*"
"""As a name: the n-th hit of all, whatever it is called."""

_SPEC = re.compile(
    r"(?P<name>\*|[a-z_.]+):(?P<number>[1-9][0-9]*):"
    r"(?P<action>kill|stop|raise|sleep(?=:)):?(?P<seconds>(?<=sleep:)[0-9]+(\.[0-9]+)?)?\Z"
)


class Action(StrEnum):
    """What happens at a failpoint."""

    KILL = "kill"
    """SIGKILL to this process: nothing of it runs any more."""
    STOP = "stop"
    """SIGSTOP to this process: whoever watches it may kill it, or let it go on."""
    SLEEP = "sleep"
    RAISE = "raise"
    """`Died`, which nothing on its way may catch."""


class Died(BaseException):
    """The death of a process, acted: everything not durable is to be dropped."""


class Failpoint(msgspec.Struct, frozen=True):
    """Where and when something happens, and what.

    Attributes:
        name: of the place, or `ANY`.
        number: at which of its hits, from 1.
        seconds: for `Action.SLEEP`.
    """

    name: str
    number: int
    action: Action
    seconds: float = 0.0


class _Armed:
    """What is armed, and the hits so far."""

    def __init__(self, failpoints: tuple[Failpoint, ...]) -> None:
        self.failpoints = failpoints
        self.trace: list[str] = []
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def hit(self, name: str) -> None:
        with self._lock:
            self.trace.append(name)
            self._counts[name] += 1
            counts = {name: self._counts[name], ANY: len(self.trace)}
        for failpoint in self.failpoints:
            if counts.get(failpoint.name) == failpoint.number:
                _ACTS[failpoint.action](failpoint)


_armed: _Armed | None = None


def hit(name: str) -> None:
    """Pass a named place: nothing, unless somebody armed it."""
    if _armed is not None:
        _armed.hit(name)


def arm(spec: str) -> None:
    """Arm failpoints, forgetting those armed before.

    Args:
        spec: ``<name>:<n>:kill|stop|raise|sleep:<seconds>``, several parted by commas: at the
            n-th hit of the name (``*``: of any) that happens, once. Empty: hits are only counted.

    Raises:
        ConfigError: it is not of that form.
    """
    global _armed  # noqa: PLW0603  # one process, one set: any room may be hit
    _armed = _Armed(tuple(_parsed(part) for part in spec.split(",") if part))


def disarm() -> list[str]:
    """Switch all failpoints off; return the names hit since they were armed, in order."""
    global _armed
    before, _armed = _armed, None
    return before.trace if before is not None else []


def _parsed(text: str) -> Failpoint:
    match = _SPEC.match(text.strip())
    if match is None:
        raise _malformed(text)
    return Failpoint(
        match["name"], int(match["number"]), Action(match["action"]), float(match["seconds"] or 0)
    )


def _malformed(text: str) -> ConfigError:
    return ConfigError(
        code="FAILPOINT_MALFORMED",
        cause=f"failpoint {text!r} is not <name>:<n>:kill|stop|raise|sleep:<seconds>",
        fix="write for example submit.committed:1:kill, or unset BOTCORE_FAILPOINT",
    )


def _die(_failpoint: Failpoint) -> None:
    raise Died


_ACTS: dict[Action, Callable[[Failpoint], None]] = {
    Action.KILL: lambda _: os.kill(os.getpid(), signal.SIGKILL),
    # To this thread: to the process, another thread may stop first, and this one run on meanwhile.
    Action.STOP: lambda _: signal.pthread_kill(threading.get_ident(), signal.SIGSTOP),
    Action.SLEEP: lambda failpoint: SystemClock().sleep_blocking(failpoint.seconds),
    Action.RAISE: _die,
}
