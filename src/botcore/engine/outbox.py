"""What a step has produced so far."""

from botcore.domain.effects import Effect
from botcore.domain.events import Fact
from botcore.domain.steps import Step


class Outbox:
    """Facts and effects of the step under way, in order."""

    __slots__ = ("effects", "facts")

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.effects: list[Effect] = []

    def take(self) -> Step:
        """Return what there is and begin anew."""
        facts, effects = self.facts, self.effects
        step = Step(tuple(facts), tuple(effects))
        facts.clear()
        effects.clear()
        return step
