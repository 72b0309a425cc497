"""One socket of one actor who has signed in: what it says, what it is told, and how it ends."""

from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from botcore.api.ws import frames
from botcore.api.ws.hub import Hub
from botcore.api.ws.subscriber import Subscriber
from botcore.control.access import Actor
from botcore.control.problems import Forbidden, Malformed, NotFound, Problem, TooMany
from botcore.control.schema.streams import (
    CHANNELS,
    FRAME_MAX,
    MESSAGES_PER_S,
    Channel,
    ChannelSpec,
    ClientFrame,
    Ping,
    Subscribe,
    Unsubscribe,
)
from botcore.control.schema.values import instant
from botcore.domain.errors import BotError
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock

BINARY: Final = 1003
TOO_LONG: Final = 1009
RESTARTING: Final = 1012
NOT_SIGNED_IN: Final = 4401
STUCK: Final = 4408
TOO_MANY: Final = 4429
_SHOWN: Final = 200
_FRAMES: Final = msgspec.json.Decoder(ClientFrame)


class Ready(Protocol):
    """Sees to it that a channel's state is there; `Feeds.ready` does."""

    async def __call__(self, channel: Channel, actor: Actor, instruments: tuple[str, ...]) -> None:
        """Return once it can be given out.

        Raises:
            BotError: it cannot be read now.
        """
        ...


class Ended(Exception):  # noqa: N818  # the end of a socket, no failure
    """The socket is to be closed.

    Args:
        code: to close it with.
        error: what to say before; None if the code says it.
    """

    def __init__(self, code: int, error: BotError | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.error = error


class Connection:
    """Answers what a client says.

    Args:
        actor: who signed in.
        hub: has the channels.
        ready: sees to it that their state is there.
        woken: called when there is something to write.
        on_end: called once when it is ended from here.
        refused: is told of refusals: ``(actor, action, error)``.
        clock: limits how much is said.
    """

    def __init__(
        self,
        actor: Actor,
        *,
        hub: Hub[bytes],
        ready: Ready,
        woken: Callable[[], None],
        on_end: Callable[[], None],
        refused: Callable[[Actor, str, BotError], None],
        clock: Clock,
    ) -> None:
        self.actor = actor
        self._hub = hub
        self._ready = ready
        self._on_end = on_end
        self._refused = refused
        self._clock = clock
        self._ended_with: int | None = None
        self._may_say = float(MESSAGES_PER_S)
        self._said_at = clock.monotonic_ns()
        self.subscriber: Subscriber[bytes] = hub.join(woken, owner=actor.user or actor.name)

    # Out.

    def end(self, code: int, error: BotError | None = None) -> None:
        """Have the socket closed at once; what waits is not written, `error` is said before."""
        if self._ended_with is None:
            self._ended_with = code
            for channel in list(self.subscriber.channels):
                self._hub.unsubscribe(self.subscriber, channel)
            self.subscriber.clear()
            if error is not None:
                self.subscriber.tell(frames.fault(error))
            self._on_end()

    @property
    def ended_with(self) -> int | None:
        """The code that it was ended with; None while it lives or where the client left."""
        return self._ended_with

    def beat(self) -> None:
        """Tell that the connection lives, and the numbers that the client must have."""
        if self._ended_with is not None:
            return
        positions = self.subscriber.positions()
        self.subscriber.tell(frames.heartbeat(instant(self._clock.now_ns()), positions))

    def become(self, actor: Actor) -> None:
        """Go on as the same with other scopes: channels that they do not allow end."""
        self.actor = actor
        for channel in list(self.subscriber.channels):
            spec = CHANNELS[channel]
            if not actor.may(spec.scope):
                self._hub.unsubscribe(self.subscriber, channel)
                self.subscriber.tell(frames.fault(_not_allowed(spec), channel))

    # In.

    async def hear(self, text: str) -> None:
        """Take one frame of the client, and answer it.

        Raises:
            Ended: it was too long, or one too many.
        """
        if len(text) > FRAME_MAX or len(text.encode()) > FRAME_MAX:
            raise Ended(TOO_LONG)
        self._count()
        frame: ClientFrame
        try:
            frame = _FRAMES.decode(text)
        except (msgspec.MsgspecError, UnicodeError) as error:
            self.subscriber.tell(frames.fault(_malformed(error)))
            return
        match frame:
            case Subscribe():
                await self._subscribe(frame)
            case Unsubscribe():
                self._unsubscribe(frame)
            case Ping():
                now = instant(self._clock.now_ns())
                self.subscriber.tell(frames.pong(frame.id, now))

    async def _subscribe(self, frame: Subscribe) -> None:
        try:
            spec = self._allowed(frame)
            await self._ready(spec.name, self.actor, frame.filter.instruments)
        except BotError as error:
            self.subscriber.tell(frames.fault(error, frame.channel))
            return
        if self._ended_with is None and self.actor.may(
            spec.scope
        ):  # both may change while it is read
            self._hub.subscribe(
                self.subscriber,
                spec.name,
                instruments=frame.filter.instruments,
                since_seq=frame.since_seq,
            )

    def _unsubscribe(self, frame: Unsubscribe) -> None:
        if self._hub.unsubscribe(self.subscriber, frame.channel):
            self.subscriber.tell(frames.unsubscribed(Channel(frame.channel)))
        else:
            self.subscriber.tell(frames.fault(_not_subscribed(frame.channel), frame.channel))

    def _allowed(self, frame: Subscribe) -> ChannelSpec:
        spec = CHANNELS.get(frame.channel)
        if spec is None:
            raise _unknown(frame.channel)
        if not self.actor.may(spec.scope):
            error = _not_allowed(spec)
            self._refused(self.actor, f"stream.{spec.name}", error)
            raise error
        if spec.needs_instruments and not frame.filter.instruments:
            raise _needs_instruments(spec)
        return spec

    def _count(self) -> None:
        """Take one message from what may be said.

        Raises:
            Ended: nothing is left.
        """
        now = self._clock.monotonic_ns()
        regained = (now - self._said_at) / SECOND_NS * MESSAGES_PER_S
        self._may_say = min(float(MESSAGES_PER_S), self._may_say + regained) - 1.0
        self._said_at = now
        if self._may_say < 0.0:
            raise Ended(TOO_MANY, _too_many())


def _unknown(channel: str) -> Problem:
    return NotFound(
        code="CHANNEL_UNKNOWN",
        cause=f"there is no channel {channel!r}",
        fix=f"subscribe to one of: {', '.join(CHANNELS)}",
    )


def _not_allowed(spec: ChannelSpec) -> Problem:
    return Forbidden(
        code="NOT_ALLOWED",
        cause=f"the channel {spec.name} needs the scope {spec.scope}",
        fix="ask the owner of this server for a role or a key that has it",
        details={"scope": spec.scope},
    )


def _needs_instruments(spec: ChannelSpec) -> Problem:
    return Malformed(
        code="INSTRUMENTS_NEEDED",
        cause=f"the channel {spec.name} does not come for all instruments at once",
        fix='name them: "filter": {"instruments": ["BTCUSDT.SIM"]}',
    )


def _not_subscribed(channel: str) -> Problem:
    return NotFound(
        code="NOT_SUBSCRIBED",
        cause=f"there is no subscription to {channel!r} on this socket",
        fix="nothing needs to be done",
    )


def _malformed(error: Exception) -> Problem:
    return Malformed(
        code="FRAME_MALFORMED",
        cause=f"the frame cannot be read: {str(error)[:_SHOWN]}",
        fix='send a JSON object such as {"op": "subscribe", "channel": "orders"};'
        " /api/v1/ws-schema.json has all of them",
    )


def _too_many() -> Problem:
    return TooMany(
        code="TOO_MANY_MESSAGES",
        cause=f"more than {MESSAGES_PER_S} messages a second came",
        fix="send fewer; subscriptions last until they are ended",
    )
