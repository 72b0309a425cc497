"""What the server says beside deltas, as JSON."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from botcore.control.discretion import discreet
from botcore.control.schema.streams import (
    FRAME_MAX,
    MESSAGES_PER_S,
    Channel,
    Fault,
    FaultData,
    Heartbeat,
    HeartbeatData,
    Pong,
    PongData,
    Unsubscribed,
    Welcome,
    WelcomeData,
)
from botcore.domain.errors import BotError

_encode = msgspec.json.encode


def welcome(
    actor: str, *, time: datetime, channels: Iterable[Channel], heartbeat_s: float
) -> bytes:
    """Return the first frame to who signed in."""
    return _encode(
        Welcome(
            data=WelcomeData(
                actor=actor,
                time=time,
                channels=tuple(channels),
                heartbeat_s=heartbeat_s,
                frame_max=FRAME_MAX,
                messages_per_s=MESSAGES_PER_S,
            )
        )
    )


def heartbeat(time: datetime, positions: Mapping[str, int]) -> bytes:
    """Return a sign of life with the numbers one must have."""
    return _encode(Heartbeat(data=HeartbeatData(time=time, seq=dict(positions))))


def pong(name: str, time: datetime) -> bytes:
    """Return the answer to a ping."""
    return _encode(Pong(data=PongData(id=name, time=time)))


def unsubscribed(channel: Channel) -> bytes:
    """Return the last frame of a channel."""
    return _encode(Unsubscribed(channel=channel))


def fault(error: BotError, channel: str = "") -> bytes:
    """Return a refusal: code, cause and fix; what they tell of this machine stays here."""
    data = FaultData(
        code=error.code, cause=discreet(error.cause), fix=discreet(error.fix), channel=channel
    )
    return _encode(Fault(data=data))
