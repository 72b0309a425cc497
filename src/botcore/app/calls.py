"""What is called over the channel, and how it is answered: commands, questions, composition."""

from typing import Any

import msgspec

from botcore.app.desired import Desired
from botcore.app.zmq_calls import EngineUnreachable
from botcore.domain.commands import Command
from botcore.domain.errors import BotError, ConfigError, DataError, StorageError
from botcore.domain.questions import Asked


class Recompose(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Compose the engine anew from settings and desired document: it ends and is started again.

    Not journaled: it changes nothing of the account, whose orders and positions stand.
    """

    by: str


class Recomposing(msgspec.Struct, frozen=True, kw_only=True):
    """The engine ends now, to be composed anew; it answers again within seconds."""

    sentence: str = "the engine is composed anew"


class Composition(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Ask what the engine was composed from."""


class ComposedFrom(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine was composed from.

    Attributes:
        pid: of its process.
        seen: the newest document as the engine found it at its start; None where it could not be
            read.
        desired: what it was composed from instead or because of that, above the settings.
        refused: why it is not the newest; empty where it is.
        limits: those of risk in force now, by their names.
    """

    pid: int
    seen: Desired | None
    desired: Desired
    refused: str
    limits: dict[str, Any]


What = Command | Asked | Recompose | Composition


class Call(msgspec.Struct, frozen=True, array_like=True):
    """One call.

    Attributes:
        until: machine's monotonic nanoseconds, after which it must not be taken up any more; 0 is
            no bound. Both ends are on one machine.
    """

    what: What
    until: int = 0


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """The answer to a call.

    Attributes:
        body: msgpack of the answer; empty with a problem.
        kind: class of the problem; empty if there is none.
    """

    body: msgspec.Raw = msgspec.Raw(b"\xc0")
    kind: str = ""
    code: str = ""
    cause: str = ""
    fix: str = ""


_ENCODER = msgspec.msgpack.Encoder()
_CALLS: msgspec.msgpack.Decoder[Call] = msgspec.msgpack.Decoder(Call)
_REPLIES: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)
_KINDS: dict[str, type[BotError]] = {
    kind.__name__: kind for kind in (ConfigError, DataError, StorageError, EngineUnreachable)
}

encode_call = _ENCODER.encode


def decode_call(payload: bytes) -> Call:
    """Read a call.

    Raises:
        msgspec.MsgspecError: it is none.
    """
    return _CALLS.decode(payload)


def encode_answer(value: object) -> bytes:
    """Return the reply that carries an answer."""
    return _ENCODER.encode(Reply(body=msgspec.Raw(_ENCODER.encode(value))))


def encode_problem(error: BotError) -> bytes:
    """Return the reply that says why there is no answer."""
    kind = type(error).__name__
    return _ENCODER.encode(Reply(kind=kind, code=error.code, cause=error.cause, fix=error.fix))


def decode_answer(payload: bytes, kind: Any) -> Any:  # noqa: ANN401  # a type, and one of it
    """Return the answer of a reply, which is a `kind`.

    Raises:
        BotError: the reply says why there is none.
        msgspec.MsgspecError: it is no such answer.
    """
    reply = _REPLIES.decode(payload)
    if reply.kind:
        problem = _KINDS.get(reply.kind, ConfigError)
        raise problem(code=reply.code, cause=reply.cause, fix=reply.fix)
    return msgspec.msgpack.decode(reply.body, type=kind)
