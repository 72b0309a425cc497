"""From a subscriber's queue to its socket: the short way, or the long one."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from botcore.api.ws.protocol import Writer
from botcore.api.ws.subscriber import Subscriber


class Outlet(Protocol):
    """Writes what waits for one socket, as fast as that takes it."""

    def woken(self) -> None:
        """Take that something waits, and nothing did."""
        ...

    async def stop(self) -> None:
        """Write no more."""
        ...


class ShortWay:
    """Hands frames straight to the transport.

    Args:
        writer: of the server.
        take: what is to be written now.
    """

    def __init__(self, writer: Writer, take: Callable[[], list[bytes]]) -> None:
        self._loop = asyncio.get_running_loop()
        self._writer = writer
        self._take = take
        self._is_coming = False
        self._is_stopped = False
        writer.on_writable(self.woken)

    def woken(self) -> None:
        """Write with the loop's next turn: what comes until then goes out at once with it."""
        if not self._is_coming and not self._is_stopped:
            self._is_coming = True
            self._loop.call_soon(self._pump)

    async def stop(self) -> None:
        """Write no more."""
        self._is_stopped = True

    def _pump(self) -> None:
        self._is_coming = False
        while not self._is_stopped and self._writer.is_writable:
            frames = self._take()
            if not frames:
                return
            self._writer.write(frames[0] if len(frames) == 1 else b"".join(frames))


class LongWay:
    """Sends one ASGI message a frame, in a task of its own.

    Args:
        send: sends one frame; waits while the socket takes no more.
        take: what is to be written now.
    """

    def __init__(
        self, send: Callable[[bytes], Awaitable[None]], take: Callable[[], list[bytes]]
    ) -> None:
        self._send = send
        self._take = take
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._write())
        self.woken = self._wake.set

    async def stop(self) -> None:
        """Write no more; a frame that the socket does not take is given up."""
        self._task.cancel()
        await asyncio.wait((self._task,))

    async def _write(self) -> None:
        with contextlib.suppress(OSError):  # the client is gone: reading says so too
            while True:
                await self._wake.wait()
                self._wake.clear()
                while waiting := self._take():
                    for frame in waiting:
                        await self._send(frame)


class Waker:
    """What a subscriber calls when something waits; its outlet comes a moment after it."""

    def __init__(self) -> None:
        self._outlet: Outlet | None = None
        self._was_woken = False

    def __call__(self) -> None:
        """Tell the outlet, or keep it for it."""
        if self._outlet is None:
            self._was_woken = True
        else:
            self._outlet.woken()

    def wake(self, outlet: Outlet) -> None:
        """Tell `outlet` from now on."""
        self._outlet = outlet
        if self._was_woken:
            outlet.woken()


def outlet_of(
    writer: Writer | None,
    send: Callable[[bytes], Awaitable[None]],
    subscriber: Subscriber[bytes],
) -> Outlet:
    """Return the shortest way that the server offers."""
    if writer is not None:
        return ShortWay(writer, subscriber.take)
    return LongWay(send, subscriber.take)
