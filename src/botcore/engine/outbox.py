"""What a step has produced so far."""

from botcore.domain.effects import Effect
from botcore.domain.events import Fact


class Outbox:
    """Facts and effects of the step under way, in order."""

    __slots__ = ("effects", "facts")

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.effects: list[Effect] = []
