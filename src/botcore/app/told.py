"""A command from outside on its way to the engine's thread, and its answer on the way back."""

import threading

from botcore.domain.commands import Command
from botcore.domain.errors import StorageError


class Told:
    """One command; whoever told it waits until the engine's thread has carried it out.

    Args:
        command: to be carried out.
    """

    def __init__(self, command: Command) -> None:
        self.command = command
        self._done = threading.Event()
        self._error: StorageError | None = None

    def carried_out(self, error: StorageError | None) -> None:
        """Let the other side go on; `error` is why it could not be done, None if it was."""
        self._error = error
        self._done.set()

    def wait_blocking(self) -> None:
        """Wait until it is carried out and durable.

        Raises:
            StorageError: it was not, or not in time.
        """
        if not self._done.wait(timeout=8.0):
            raise StorageError(
                code="ENGINE_BUSY",
                cause="the engine has not taken the command within 8 s",
                fix="see `./bot status`; it is carried out once the engine gets to it",
            )
        if self._error is not None:
            raise self._error
