"""An engine that does not run: what is kept can be read, and nothing can be done."""

from typing import TypeVar

from botcore.control.problems import Unavailable
from botcore.control.views import PlatformView
from botcore.domain.commands import Command
from botcore.domain.outcomes import Outcome
from botcore.domain.questions import Question

A = TypeVar("A")


class NoEngine:
    """Implements `control.engine_port.EnginePort` for a platform that is not running."""

    def view(self) -> PlatformView | None:
        """Return nothing: there is none."""
        return None

    def view_age_s(self) -> float:
        """Return infinity."""
        return float("inf")

    async def act(self, command: Command) -> Outcome:
        """Refuse.

        Raises:
            Unavailable: always.
        """
        raise _not_running(type(command).__name__)

    async def ask(self, question: Question[A]) -> A:
        """Refuse.

        Raises:
            Unavailable: always.
        """
        raise _not_running(type(question).__name__)


def _not_running(what: str) -> Unavailable:
    return Unavailable(
        code="ENGINE_NOT_RUNNING",
        cause=f"the engine does not run, so {what} cannot be carried out",
        fix="start it with `./bot up` or `./bot start`",
    )
