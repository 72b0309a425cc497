"""What a handler is to control: how it carries an operation out, and what it knows of the call."""

from collections.abc import Callable
from typing import Any, NamedTuple

from botcore.control.access import Actor
from botcore.control.noting import Noted


class Effect(NamedTuple):
    """What an act would do, for who confirms it.

    Attributes:
        words: one sentence with the figures: "Buy 0.01 BTCUSDT at market, about 641.20 USDT".
        is_raising: whether it can raise exposure or destroy data.
    """

    words: str
    is_raising: bool = True


class Context(NamedTuple):
    """What a handler knows of a call beside the request.

    Attributes:
        actor: who asks.
        correlation: id of this call, from door to audit, log, command and order.
        reference: stable for a repetition of the same act: an effect that must not happen twice
            carries it.
        noted: takes what an act changes, before and after, for the audit.
    """

    actor: Actor
    correlation: str
    reference: str
    noted: Noted


class Handling(NamedTuple):
    """How one operation is carried out.

    Attributes:
        carry_out: ``(context, request) → answer``; a coroutine function, or a plain one that
            blocks (it is run on a thread).
        effect: ``(context, request) → Effect``; for what may have to be confirmed.
        redact: names of fields that the audit must not show.
        rests_on: ``(context, request) → str``; what an effect is told of beside the request, such
            as the mode that is left. A confirmation is good while it is the same.
    """

    carry_out: Callable[[Context, Any], Any]
    effect: Callable[[Context, Any], Any] | None = None
    redact: frozenset[str] = frozenset()
    rests_on: Callable[[Context, Any], Any] | None = None
