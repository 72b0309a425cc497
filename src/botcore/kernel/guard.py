"""The one place that catches whatever foreign code raises: a strategy's callback.

A strategy that raises must not take the engine with it. Nothing is thrown away: the fault is
returned, and the caller quarantines.
"""

import traceback
from collections.abc import Callable
from typing import ParamSpec

import msgspec

P = ParamSpec("P")


class Fault(msgspec.Struct, frozen=True):
    """What a callback raised.

    Attributes:
        summary: kind, message and innermost place, one line, for people.
        error: the exception itself.
    """

    summary: str
    error: Exception


def guarded(callback: Callable[P, object], /, *args: P.args, **kwargs: P.kwargs) -> Fault | None:
    """Call `callback`; return what it raised, or None."""
    try:
        callback(*args, **kwargs)
    except Exception as error:  # the guard: foreign code may raise anything
        return Fault(_summary(error), error)
    return None


def _summary(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at line {frames[-1].lineno} of {frames[-1].name}" if frames else ""
    return f"{type(error).__name__}: {error}{where}"
