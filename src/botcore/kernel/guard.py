"""Catching whatever foreign code raises: a strategy's callback, a driver's error.

Nothing is thrown away: what was raised is returned, and the caller deals with it.
"""

import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar, TypeVarTuple

A = TypeVarTuple("A")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Crashed:
    """What a guarded call came to when it raised."""

    error: Exception

    @property
    def summary(self) -> str:
        """Kind, message and innermost place, one line, for people."""
        frames = traceback.extract_tb(self.error.__traceback__)
        where = f" at line {frames[-1].lineno} of {frames[-1].name}" if frames else ""
        return f"{type(self.error).__name__}: {self.error}{where}"


def guarded(call: Callable[[*A], R], *args: *A) -> R | Crashed:
    """Run foreign code, a strategy's callback for example, and catch what it raises."""
    try:
        return call(*args)
    except Exception as error:
        return Crashed(error)


async def awaited(work: Awaitable[R]) -> R | Crashed:
    """As `guarded`, for what is awaited; a cancellation goes through."""
    try:
        return await work
    except Exception as error:
        return Crashed(error)
