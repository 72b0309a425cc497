"""What one step of the engine gives back."""

import msgspec

from botcore.domain.effects import Effect
from botcore.domain.events import Fact


class Step(msgspec.Struct, frozen=True):
    """Facts first, then the effects that may be released once the facts are durable."""

    facts: tuple[Fact, ...]
    effects: tuple[Effect, ...]


NOTHING = Step((), ())
