"""Stepping up: a factor that a person has shown lately, which dangerous acts take."""

from typing import Final

from botcore.control.access import Actor, ActorKind
from botcore.control.problems import StepUpRequired
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock

STEP_UP_S: Final = 300
"""How recently a factor must have been shown for what takes a step-up."""
_AHEAD_S: Final = 5


def must_step_up(actor: Actor, clock: Clock, what: str) -> None:
    """Refuse who has not shown a factor within the last minutes.

    Args:
        actor: who asks.
        clock: says how long ago it was.
        what: the act, as the refusal names it.

    Raises:
        StepUpRequired: it is too long ago.
    """
    if not is_fresh(actor, clock):
        raise StepUpRequired(
            code="STEP_UP_REQUIRED",
            cause=f"{what} needs a factor shown within {STEP_UP_S // 60} minutes",
            fix="sign in and do it yourself, or use the command line on the machine"
            if actor.kind is ActorKind.KEY  # a program cannot show one
            else "POST /api/v1/auth/step-up with your code or password, then ask again",
            details={"seconds": STEP_UP_S},
        )


def is_fresh(actor: Actor, clock: Clock) -> bool:
    """Whether a person has shown a factor lately; who sits at the machine has its keyboard.

    One that was shown later than now is none: the clock was set back, nobody knows how far.
    """
    if actor.kind in ("local", "system"):
        return True
    ago = clock.now_ns() // SECOND_NS - actor.auth_time
    return -_AHEAD_S <= ago <= STEP_UP_S
