"""What client and server say around the messages: frames, their bounds, and how it ends."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Final, Literal

import msgspec

from botcore.control.schema.streams.channels import CHANNELS, MESSAGES, Channel
from botcore.control.schema.streams.messages import Message
from botcore.control.schema.values import InstrumentName

HEARTBEAT_S: Final = 30
FRAME_MAX: Final = 64 * 1024
"""Bytes of a frame that a client may send."""
MESSAGES_PER_S: Final = 20
SUBPROTOCOL: Final = "botcore.v1"
TICKET_PROTOCOL: Final = "ticket."
"""``Sec-WebSocket-Protocol: botcore.v1, ticket.<ticket>`` instead of a first frame."""
INSTRUMENTS_MAX: Final = 100


class SignIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first frame, unless the ticket came as a subprotocol: within five seconds.

    Attributes:
        ticket: from ``POST /api/v1/ws-ticket``: 30 seconds, one use, bound to this origin.
    """

    ticket: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Filter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a channel is wanted.

    Attributes:
        instruments: ids; items about others are left out, those about none stay. Empty is all.
    """

    instruments: Annotated[
        tuple[InstrumentName, ...], msgspec.Meta(max_length=INSTRUMENTS_MAX)
    ] = ()


class Subscribe(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="op",
    tag="subscribe",
):
    """Ask for a channel's state and its changes; answered with `snapshot` or `resumed`.

    One subscription a channel: a second one takes the place of the first.

    Attributes:
        channel: its name.
        since_seq: the number one has, from an earlier connection with the same filter: what came
            since is sent, if it is still known, and else a snapshot. None asks for a snapshot.
        filter: what of it.
    """

    channel: Annotated[str, msgspec.Meta(max_length=32)]
    since_seq: Annotated[int, msgspec.Meta(ge=0)] | None = None
    filter: Filter = Filter()


class Unsubscribe(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="op",
    tag="unsubscribe",
):
    """Want no more of a channel; answered with `unsubscribed`, its last frame."""

    channel: Annotated[str, msgspec.Meta(max_length=32)]


class Ping(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="op",
    tag="ping",
):
    """Ask for a `pong` with the same `id`."""

    id: Annotated[str, msgspec.Meta(max_length=64)] = ""


ClientFrame = Subscribe | Unsubscribe | Ping
"""What a client says once it is signed in."""


class WelcomeData(msgspec.Struct, frozen=True, kw_only=True):
    """What holds on this connection.

    Attributes:
        actor: as whom one is known.
        time: of the server.
        channels: those one may subscribe to.
        heartbeat_s: how often a `heartbeat` comes.
        frame_max: bytes of a frame that is taken; `messages_per_s`: how many of them.
    """

    actor: str
    time: datetime
    channels: tuple[Channel, ...]
    heartbeat_s: float
    frame_max: int
    messages_per_s: int


class Welcome(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="welcome"):
    """The ticket was taken: from now on one may subscribe."""

    data: WelcomeData


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """An envelope within a `snapshot` or a `batch`: one item of the state.

    Attributes:
        type: name of the message type; `data` is one.
        key: its name within the channel, unique for its type.
        removed: it has left the state.
    """

    type: str
    data: Any
    key: str
    removed: bool = False


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="snapshot"):
    """The whole state of a channel, in one or more parts; it takes the place of what one had.

    Attributes:
        seq: the number one has from now on.
        part: counted from 0; part 0 begins anew.
        is_last: whether it is the last part.
        data: the items, those of which only the newest are kept oldest first.
    """

    channel: Channel
    seq: int
    part: int
    is_last: bool
    data: tuple[Item, ...]


class Resumed(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="resumed"):
    """Nothing was missed but the deltas that follow; one keeps the state one had.

    Attributes:
        seq: the number one has from now on. It may differ from the one that was given where
            nothing happened in between.
    """

    channel: Channel
    seq: int


class Batch(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="batch"):
    """Several items of a conflated channel changed: one delta for all of them."""

    channel: Channel
    after: int
    seq: int
    data: tuple[Item, ...]


class ResyncData(msgspec.Struct, frozen=True, kw_only=True):
    """Why."""

    cause: str


class Resync(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="resync"):
    """Deltas were left out because they were not read in time: a snapshot follows."""

    channel: Channel
    data: ResyncData


class Unsubscribed(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="unsubscribed"):
    """Nothing more of this channel comes."""

    channel: Channel


class HeartbeatData(msgspec.Struct, frozen=True, kw_only=True):
    """The server's clock, and of every subscribed channel the number one must have.

    A channel whose snapshot is still owed is not named.
    """

    time: datetime
    seq: dict[str, int]


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="heartbeat"):
    """The connection lives; every 30 seconds."""

    data: HeartbeatData


class PongData(msgspec.Struct, frozen=True, kw_only=True):
    """The `id` of the ping and the server's clock."""

    id: str
    time: datetime


class Pong(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="pong"):
    """The answer to a ping."""

    data: PongData


class FaultData(msgspec.Struct, frozen=True, kw_only=True):
    """What was refused and why.

    Attributes:
        code: stable.
        cause: what happened.
        fix: what to do about it.
        channel: which it was about; empty if none.
    """

    code: str
    cause: str
    fix: str
    channel: str = ""


class Fault(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="error"):
    """A frame was refused; nothing else changed. Where the connection ends, a close follows."""

    data: FaultData


ServerFrame = (
    Welcome | Snapshot | Resumed | Batch | Resync | Unsubscribed | Heartbeat | Pong | Fault
)
"""What a server says beside deltas."""

CLOSES: Final[Mapping[int, str]] = {
    1003: "a binary frame came; frames are JSON text",
    1009: f"a frame was longer than {FRAME_MAX} bytes",
    1011: "the client has not answered a WebSocket ping for 20 seconds",
    1012: "the server stops or starts again: connect again",
    4401: "not signed in within five seconds, or the ticket, session or key is good no more",
    4408: "the client has not read for so long that its frames were too many",
    4429: "too many messages, or too many sockets of one user",
}
"""Codes with which the server ends a connection, and what each says."""


@cache
def delta_frames() -> tuple[Any, ...]:
    """Return one Struct a message type: the delta that carries it, as the schema shows it."""
    return tuple(
        msgspec.defstruct(
            f"{name}Delta",
            [
                ("data", kind),
                ("key", str),
                ("channel", Literal[_channel_of(kind)]),
                ("after", int),
                ("seq", int),
                ("removed", bool, False),
            ],
            frozen=True,
            kw_only=True,
            tag_field="type",
            tag=name,
            namespace={"__doc__": f"A change in channel `{_channel_of(kind)}`: {_first(kind)}"},
        )
        for name, kind in MESSAGES.items()
    )


def _channel_of(kind: type[Message]) -> str:
    return next(str(spec.name) for spec in CHANNELS.values() if kind in spec.messages)


def _first(kind: type[Message]) -> str:
    line = (kind.__doc__ or "").strip().splitlines()[0]
    return line[0].lower() + line[1:]
