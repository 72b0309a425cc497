"""A worker: one job in a process of its own. It reads what to do, says how far it is, and ends.

It runs at a lower priority than the rest, for no backtest may slow trading down; and it ends when
its parent does: the end of its standard input tells.
"""

import os
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO, Final

import msgspec

from botcore.app.jobs.reporting import Reporting
from botcore.app.jobs.wire import ASKED, LINE_MAX, Ended, Failed, Message, Progressed, Said
from botcore.app.jobs.work import KINDS
from botcore.domain.errors import BotError
from botcore.kernel.clock import Clock, SystemClock
from botcore.kernel.guard import Crashed, guarded

NICER: Final = 10
_PROGRESS_EVERY_NS: Final = 200_000_000


def run_worker() -> int:
    """Do the one job that standard input names; return an exit code."""
    os.nice(NICER)
    asked = ASKED.decode(sys.stdin.buffer.readline(LINE_MAX))
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no message
    voice = Voice(out, clock=SystemClock(), owner=asked.owner)
    outcome = guarded(_done, asked.kind, asked.request, asked.overrides, voice.reporting)
    match outcome:
        case Crashed():
            voice.say(_failure(outcome.error))
            return 1
        case _:
            voice.say(Ended(outcome))
            return 0


def _done(
    kind: str, request: dict[str, object], overrides: dict[str, object], reporting: Reporting
) -> dict[str, object]:
    return KINDS[kind](request, overrides, reporting)


class Voice:
    """Writes messages, one a line; progress at most five times a second.

    Args:
        out: read by the parent.
        clock: measures between two words about progress.
        owner: of the job.
    """

    def __init__(self, out: BinaryIO, *, clock: Clock, owner: str = "") -> None:
        self._out = out
        self._clock = clock
        self._told_at = 0
        self.reporting = Reporting(progress=self._progress, say=self._line, owner=owner)

    def say(self, message: Message) -> None:
        """Write one message."""
        self._out.write(msgspec.json.encode(message) + b"\n")
        self._out.flush()

    def _progress(self, done: int, total: int) -> None:
        now = self._clock.monotonic_ns()
        if done >= total or now - self._told_at >= _PROGRESS_EVERY_NS:
            self._told_at = now
            self.say(Progressed(done, total))

    def _line(self, line: str) -> None:
        self.say(Said(line))


def _failure(error: BaseException) -> Failed:
    if isinstance(error, BotError):
        return Failed(error.code, error.cause, error.fix)
    return Failed(
        code="JOB_CRASHED",
        cause=f"{type(error).__name__}: {error}",
        fix="report this as a bug, with the job's log",
    )


def _end_with_parent(leave: Callable[[int], None] = os._exit) -> None:
    # Not through `sys.stdin`: the interpreter closes that at its end, and aborts if a thread reads.
    while os.read(0, 1):
        pass
    leave(1)
