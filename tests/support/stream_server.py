"""The WebSocket as it is served, on loopback, with a truth that a test writes."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.routing import Router

from botcore.api.cors import Origins
from botcore.api.limits import RateLimits
from botcore.api.ws import Feeds, FeedsConfig, SocketConfig, SocketDoor, new_hub
from botcore.api.ws.protocol import FrameProtocol
from botcore.control.access import GRANTS, Actor, ActorKind, Role
from botcore.control.identity.tickets import Tickets
from botcore.control.schema.streams import Channel, Message
from botcore.control.views import PlatformView
from botcore.domain.errors import BotError
from botcore.kernel.clock import Clock, SystemClock


class WrittenTruth:
    """What REST would show: a test writes it.

    Attributes:
        problem: raised by every read while it is set.
        reads: which channels were read, in order.
        waits: where set, a read waits for it before it returns what it has found.
    """

    def __init__(self) -> None:
        self.states: dict[tuple[str, str], list[Message]] = {}
        self.problem: BotError | None = None
        self.reads: list[str] = []
        self.waits: asyncio.Event | None = None

    def write(self, channel: Channel, messages: Iterable[Message], owner: str = "") -> None:
        self.states[channel, owner] = list(messages)

    async def read(
        self, channel: Channel, actor: Actor, instruments: Iterable[str]
    ) -> Sequence[Message]:
        self.reads.append(channel)
        if self.problem is not None:
            raise self.problem
        wanted = frozenset(instruments)
        found = [
            *self.states.get((channel, ""), ()),
            *(self.states.get((channel, actor.user), ()) if actor.user else ()),
        ]
        if self.waits is not None:
            await self.waits.wait()
        if channel in (Channel.CANDLES, Channel.BOOK):
            return [message for message in found if message.about in wanted]
        return found


class RecordingWatch:
    """Implements `SocketWatch`."""

    def __init__(self) -> None:
        self.opens: list[str] = []
        self.closes: list[int] = []
        self.refusals: list[tuple[str, str]] = []
        self.failures: list[str] = []
        self.mendings: list[tuple[str, int]] = []

    def opened(self, actor: Actor) -> None:
        self.opens.append(actor.name)

    def closed(self, actor: Actor, code: int) -> None:
        self.closes.append(code)

    def refused(self, actor: Actor, action: str, error: BotError) -> None:
        self.refusals.append((action, error.code))

    def failed(self, channel: str, error: BotError) -> None:
        self.failures.append(channel)

    def mended(self, channel: str, changes: int) -> None:
        self.mendings.append((channel, changes))


class LivingSessions:
    """Implements `Living`: sessions that a test ends, or that may less from now on."""

    def __init__(self) -> None:
        self.ended: set[str] = set()
        self.changed: dict[str, Actor] = {}
        self.asked = 0

    def again(self, actor: Actor) -> Actor | None:
        self.asked += 1
        if actor.session in self.ended:
            return None
        return self.changed.get(actor.session, actor)


class StillView:
    """Has the view that a test gives it."""

    def __init__(self) -> None:
        self.newest: PlatformView | None = None

    def view(self) -> PlatformView | None:
        return self.newest


def somebody(name: str = "alice", *, role: Role = Role.OWNER, session: str = "s1") -> Actor:
    return Actor(
        kind=ActorKind.PERSON,
        name=f"person:{name}",
        user=name,
        role=role,
        scopes=GRANTS[role],
        session=session,
    )


class StreamServer:
    """A server and all that hangs on it."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        config: SocketConfig | None = None,
        feeds: FeedsConfig | None = None,
        origins: Sequence[str] = (),
        ws: Any = FrameProtocol,
        limits: RateLimits | None = None,
    ) -> None:
        self.ws = ws
        self.clock = clock or SystemClock()
        self.truth = WrittenTruth()
        self.watch = RecordingWatch()
        self.living = LivingSessions()
        self.platform = StillView()
        self.tickets = Tickets(self.clock)
        self.hub = new_hub(self.clock)
        self.feeds = Feeds(
            self.hub,
            truth=self.truth,
            platform=self.platform,
            watch=self.watch,
            clock=self.clock,
            config=feeds,
        )
        self.door = SocketDoor(
            hub=self.hub,
            ready=self.feeds.ready,
            tickets=self.tickets,
            living=self.living,
            watch=self.watch,
            clock=self.clock,
            origins=Origins(origins),
            limits=limits,
            config=config,
        )
        self.port = 0
        self.server: uvicorn.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ticket(self, actor: Actor | None = None, origin: str = "") -> str:
        return self.tickets.give(actor or somebody(), origin)[0]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            Router(self.door.routes()),
            log_config=None,
            lifespan="off",
            ws=self.ws,
            ws_per_message_deflate=False,
            ws_max_size=64 * 1024,
            timeout_graceful_shutdown=1,
        )
        self.server = _Quiet(config)
        tasks = [
            asyncio.create_task(self.server.serve(sockets=[listener])),
            asyncio.create_task(self.feeds.run()),
            asyncio.create_task(self.door.run()),
        ]
        while not self.server.started:
            await asyncio.sleep(0.005)
        try:
            yield
        finally:
            self.server.should_exit = True
            await tasks[0]
            for task in tasks[1:]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            listener.close()

    def break_all(self) -> None:
        """Cut every connection as a broken network does, without a word."""
        assert self.server is not None
        for connection in list(self.server.server_state.connections):
            connection.transport.abort()


class _Quiet(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the test."""
        yield
