"""Records: facts, inputs and effects as they lie in the journal, each with a schema version."""

from enum import StrEnum

import msgspec

from botcore.domain.commands import Input
from botcore.domain.effects import Effect
from botcore.domain.events import Fact
from botcore.domain.ids import AccountId
from botcore.domain.keys import Key

SCHEMA = 1
"""Version of every payload written now. Older ones are upcast when read, for ever."""


class RecordKind(StrEnum):
    """What a record holds."""

    INPUT = "INPUT"
    FACT = "FACT"
    EFFECT = "EFFECT"


class Record(msgspec.Struct, frozen=True, gc=False):
    """One entry of the journal.

    Attributes:
        lsn: place in the journal, counted from 1 without holes.
        schema: version of `payload`.
        kind: input, fact or effect.
        key: of the input that caused it.
        account: whose.
        payload: msgpack of the tagged struct.
    """

    lsn: int
    schema: int
    kind: RecordKind
    key: Key
    account: AccountId
    payload: bytes


_ENCODER = msgspec.msgpack.Encoder()
_FACTS: msgspec.msgpack.Decoder[Fact] = msgspec.msgpack.Decoder(Fact)
_INPUTS: msgspec.msgpack.Decoder[Input] = msgspec.msgpack.Decoder(Input)
_EFFECTS: msgspec.msgpack.Decoder[Effect] = msgspec.msgpack.Decoder(Effect)

encode = _ENCODER.encode
"""Any input, fact or effect → canonical msgpack bytes (decimals as strings)."""


def decode_fact(payload: bytes) -> Fact:
    """Read a fact of the current schema."""
    return _FACTS.decode(payload)


def decode_input(payload: bytes) -> Input:
    """Read an input of the current schema."""
    return _INPUTS.decode(payload)


def decode_effect(payload: bytes) -> Effect:
    """Read an effect of the current schema."""
    return _EFFECTS.decode(payload)
