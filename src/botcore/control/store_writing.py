"""Writing into a store that may be slow: how long a call waits, and what goes on without it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from botcore.domain.errors import StorageError
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock

R = TypeVar("R")


class Patience:
    """How long one call still waits for the store."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.seconds = seconds
        self._clock = clock
        self._until = clock.monotonic_ns() + round(seconds * SECOND_NS)

    def left_s(self) -> float:
        """Return how long, seconds; not below 0."""
        return max(0.0, (self._until - self._clock.monotonic_ns()) / SECOND_NS)


class StoreWriting:
    """Waits for what is written; keeps hold of it where nobody waits any more."""

    def __init__(self) -> None:
        self._late: set[asyncio.Task[Any]] = set()

    async def before(
        self, writing: Coroutine[Any, Any, R], patience: Patience, *, goes_on: bool
    ) -> R:
        """Wait until something is written that comes before an act, as long as there is time left.

        Args:
            writing: what is to be written.
            patience: of the call.
            goes_on: the act is carried out without, as one that lowers risk; its writing goes on,
                too. Else the writing is given up with the act.

        Raises:
            StorageError: it cannot be written, or takes longer.
        """
        task = self._begin(writing)
        try:
            done, _ = await asyncio.wait([task], timeout=patience.left_s())
        except asyncio.CancelledError:
            if not goes_on:
                task.cancel()
            raise
        if done:
            return task.result()
        if not goes_on:
            task.cancel()  # the act is refused: should it still be written, it says nothing wrong
        raise StorageError(
            code="STORE_SLOW",
            cause=f"the store did not answer within {patience.seconds:g} s",
            fix="see `./bot doctor` for what holds it up",
        )

    async def behind(self, writing: Coroutine[Any, Any, None], seconds: float) -> None:
        """Wait a while until something is written; it goes on, whoever still waits."""
        task = self._begin(writing)
        await asyncio.wait([task], timeout=seconds)

    def _begin(self, writing: Coroutine[Any, Any, R]) -> "asyncio.Task[R]":
        task = asyncio.create_task(writing)
        self._late.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: "asyncio.Task[Any]") -> None:
        self._late.discard(task)
        if not task.cancelled():
            task.exception()  # who waited has gone on without it
