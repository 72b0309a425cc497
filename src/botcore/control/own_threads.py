"""Threads of their own for blocking calls that must not wait behind slow ones."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class OnThread(Protocol):
    """Runs a blocking call on a thread; `asyncio.to_thread` is one, shared by everybody."""

    def __call__(self, function: Callable[..., T], /, *args: Any) -> Awaitable[T]:
        """Return what `function(*args)` returns, or raise what it raises."""
        ...


class OwnThreads:
    """A few threads for one purpose: as many calls at a time, the others wait for one of these.

    Args:
        name: of the threads.
        count: how many.
    """

    def __init__(self, name: str, *, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(self, function: Callable[..., T], /, *args: Any) -> T:
        """Return what `function(*args)` returns; it sees the caller's context, as logs need it."""
        call = partial(contextvars.copy_context().run, function, *args)
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    def close(self) -> None:
        """Wait for what is under way."""
        self._pool.shutdown()
