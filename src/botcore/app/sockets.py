"""The WebSocket put together: hub, feeds and door over a control room."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from botcore.api.cors import Origins
from botcore.api.limits import RateLimits
from botcore.api.ws import Feeds, RestTruth, SocketDoor, new_hub
from botcore.app.control_room import ControlRoom
from botcore.app.edge_watch import RefusalsNoted
from botcore.app.fact_feed import Lost
from botcore.control.access import Actor
from botcore.control.schema.streams import Channel, Message
from botcore.domain.errors import BotError
from botcore.domain.events import Fact
from botcore.domain.market import BarsClosed, Quote, Trade
from botcore.kernel.clock import Clock

Lines = Callable[[], Awaitable[Sequence[Message]]]


class Sockets:
    """Everything behind ``/api/v1/ws``.

    Args:
        room: control, sign-in, and the engine's view.
        lines: reads the newest lines of the log, oldest first.
        origins: web sites whose pages may connect, beside our own.
        limits: of strangers, which who is refused pays from.
        clock: says when.
    """

    def __init__(
        self,
        room: ControlRoom,
        *,
        lines: Lines,
        origins: Origins,
        limits: RateLimits,
        clock: Clock,
    ) -> None:
        watch = _Watch(RefusalsNoted(room.stores.audit))
        self.hub = new_hub(clock)
        self.feeds = Feeds(
            self.hub,
            truth=RestTruth(control=room.control, platform=room.engine, lines=lines),
            platform=room.engine,
            watch=watch,
            clock=clock,
        )
        self.door = SocketDoor(
            hub=self.hub,
            ready=self.feeds.ready,
            tickets=room.identity.tickets,
            living=room.identity.authenticator,
            watch=watch,
            clock=clock,
            origins=origins,
            limits=limits,
        )
        room.identity.endings.on_revoked(self.door.revoked)
        room.notices.listen(lambda user, _: self.feeds.changed(Channel.ALERTS, user))
        room.jobs.watch(lambda job: self.feeds.changed(Channel.JOBS, job.owner))

    def on_fact(self, lsn: int, fact: Fact) -> None:
        """Take a fact; on any thread."""
        self.feeds.fact(lsn, fact)

    def on_market(self, event: BarsClosed | Quote | Trade) -> None:
        """Take what the engine was given of the market; on any thread."""
        if isinstance(event, Quote):
            self.feeds.quoted(event)

    def on_lost(self, lost: Lost) -> None:
        """Take that facts are missing; on any thread."""
        self.feeds.lost(lost)

    async def run(self) -> None:
        """Feed and look after sockets, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.feeds.run(), name="feeds")
            tasks.create_task(self.door.run(), name="socket-door")

    def close(self) -> None:
        """Close all sockets: the server stops."""
        self.door.close()


class _Watch:
    """Writes down who was refused, and logs the rest (`api.ws.ports.SocketWatch`)."""

    def __init__(self, refusals: RefusalsNoted) -> None:
        self._refusals = refusals
        self._log = structlog.get_logger("sockets")

    def opened(self, actor: Actor) -> None:
        """Log it."""
        self._log.info("socket_opened", actor=actor.name, address=actor.address)

    def closed(self, actor: Actor, code: int) -> None:
        """Log it."""
        self._log.info("socket_closed", actor=actor.name, code=code)

    def refused(self, actor: Actor, action: str, error: BotError) -> None:
        """Write it into the audit, without waiting."""
        self._refusals.note(actor, action, error)

    def failed(self, channel: str, error: BotError) -> None:
        """Log it."""
        self._log.warning("channel_failed", channel=channel, code=error.code, cause=error.cause)

    def mended(self, channel: str, changes: int) -> None:
        """Log it."""
        self._log.info("channel_mended", channel=channel, changes=changes)
