"""What control needs of the running platform; `app` implements it."""

from typing import Protocol

from botcore.control.views import PlatformView
from botcore.domain.commands import Command


class Platform(Protocol):
    """The running platform, from another process."""

    def view(self) -> PlatformView | None:
        """Return the newest view, or None before the first arrives."""
        ...

    def view_age_s(self) -> float:
        """Return how long ago the newest view arrived, seconds; infinity before the first."""
        ...

    def act(self, command: Command) -> str:
        """Give the engine a command and wait until it is durable; return what it says.

        Raises:
            BotError: the engine does not answer, or refuses.
        """
        ...
