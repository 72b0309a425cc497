"""The mode ladder in words: what each step allows, and how it is left."""

from typing import Final

from botcore.control.schema.risk import ModeStep
from botcore.domain.modes import Mode

_ALLOWS: Final = {
    Mode.NORMAL: "everything within the limits",
    Mode.REDUCE_ONLY: "orders that bring a position nearer to zero, and cancels",
    Mode.CANCEL_ONLY: "cancels; nothing is placed",
    Mode.FLATTEN: "closing every position at market, and cancels",
    Mode.HALT: "cancels; nothing is placed, whatever it is for",
}
_LEAVING: Final = {
    Mode.NORMAL: "by a limit that trips, or by anyone",
    Mode.REDUCE_ONLY: "by itself once its cause is gone (a daily loss at midnight UTC); a drawdown "
    "by a person",
    Mode.CANCEL_ONLY: "by itself once the engine has reconciled, if the engine entered it; else by "
    "a person",
    Mode.FLATTEN: "by itself to CANCEL_ONLY once nothing is held; else by a person",
    Mode.HALT: "by a person only, who has shown a factor within the last minutes",
}


def ladder(mode: Mode) -> tuple[ModeStep, ...]:
    """Return every step, from all allowed to nothing but reading and cancelling."""
    return tuple(
        ModeStep(mode=step, is_current=step is mode, allows=_ALLOWS[step], leaving=_LEAVING[step])
        for step in Mode
    )
