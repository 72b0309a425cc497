"""A worker as its parent has it: a process that is given one job and tells of it until its end."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from botcore.app.jobs.wire import (
    DECODER,
    LINE_MAX,
    Asked,
    Ended,
    Failed,
    Message,
    Progressed,
    Said,
)

_LINE_KEPT: Final = 2_000
"""Characters of a printed line; a longer one is cut."""


class WorkerProcess:
    """A worker's process; whoever started it kills it and waits for it.

    Args:
        process: with pipes for all that it hears and says.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, command: Sequence[str]) -> "WorkerProcess":
        """Start a worker in a session of its own: a terminal's signals do not reach it.

        Raises:
            OSError: it cannot be started.
        """
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LINE_MAX,
            start_new_session=True,
        )
        return cls(process)

    @property
    def code(self) -> int | None:
        """With what it ended; None while it runs."""
        return self._process.returncode

    def terminate(self) -> None:
        """Ask it to end; nothing where it has."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()

    def kill(self) -> None:
        """End it; nothing where it has ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def wait(self) -> None:
        """Wait until it has ended."""
        await self._process.wait()

    async def do(
        self,
        asked: Asked,
        *,
        progressed: Callable[[Progressed], Awaitable[None]],
        said: Callable[[str], Awaitable[None]],
    ) -> Ended | Failed | None:
        """Give it a job, and take what it says until it ends.

        Args:
            asked: the job.
            progressed: is told how far it is.
            said: is told each line for the job's log, what it prints besides included.

        Returns:
            Its last word; None where it ended without one.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(asked) + b"\n")
        errors = asyncio.create_task(self._errors(said))
        last: Ended | Failed | None = None
        try:
            async for line in self._process.stdout:
                message: Message = DECODER.decode(line)
                match message:
                    case Progressed():
                        await progressed(message)
                    case Said(text):
                        await said(text)
                    case Ended() | Failed() as ending:
                        last = ending
        except (ValueError, msgspec.MsgspecError) as error:
            last = Failed(
                code="JOB_UNREADABLE",
                cause=f"the worker's word is none: {error}",
                fix="report this as a bug, with the job's log",
            )
        except asyncio.CancelledError:
            errors.cancel()  # the platform stops: nobody waits for the worker's last words
            raise
        if last is None or isinstance(last, Failed):
            self.kill()  # what says nonsense may go on for ever
        await errors
        return last

    async def _errors(self, said: Callable[[str], Awaitable[None]]) -> None:
        """Tell what it prints."""
        assert self._process.stderr is not None
        with contextlib.suppress(ValueError):  # a line beyond all bounds: the rest is let go
            async for line in self._process.stderr:
                await said(line.decode(errors="replace").rstrip()[:_LINE_KEPT])
