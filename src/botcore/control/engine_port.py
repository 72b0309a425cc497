"""What handlers need of the engine, which runs in another process."""

from typing import Protocol, TypeVar

from botcore.control.views import PlatformView
from botcore.domain.commands import Command
from botcore.domain.outcomes import Outcome
from botcore.domain.questions import Question

A = TypeVar("A")


class EnginePort(Protocol):
    """The running engine."""

    def view(self) -> PlatformView | None:
        """Return the newest view, or None before the first arrives."""
        ...

    def view_age_s(self) -> float:
        """Return how long ago the newest view arrived, seconds; infinity before the first."""
        ...

    async def act(self, command: Command) -> Outcome:
        """Give the engine a command and wait until what came of it is durable.

        Raises:
            BotError: the engine does not answer, or the command cannot be carried out.
        """
        ...

    async def ask(self, question: Question[A]) -> A:
        """Ask the engine something; nothing changes by it.

        Raises:
            BotError: the engine does not answer, or cannot.
        """
        ...
