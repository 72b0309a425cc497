"""The state of a simulated market as bytes, and back."""

import msgspec

from botcore.venues.simulated.market.config import MarketConfig
from botcore.venues.simulated.market.path import CommonState, InstrumentState

SCHEMA_VERSION = 1


class MarketStateError(ValueError):
    """A stored market cannot go on: it is damaged, or of another schema or configuration."""


class Checkpoint(msgspec.Struct, frozen=True):
    """Everything a market needs to go on, given its configuration.

    Attributes:
        schema_version: Of this record.
        fingerprint: Of the configuration it was made with.
        seed: Seed of the market.
        origin_ns: When bar 0 begins, nanoseconds UTC.
        next_bar: The first bar not yet handed out by `history`.
        block: Number of the block that holds it.
        common: The common factor where that block begins.
        instruments: Each instrument where that block begins, by id.
    """

    schema_version: int
    fingerprint: str
    seed: int
    origin_ns: int
    next_bar: int
    block: int
    common: CommonState
    instruments: dict[str, InstrumentState]


def encode(checkpoint: Checkpoint) -> bytes:
    """Return the checkpoint as bytes, the same bytes for the same state."""
    return msgspec.msgpack.encode(checkpoint, order="sorted")


def decode(data: bytes, config: MarketConfig) -> Checkpoint:
    """Return the checkpoint in `data`.

    Raises:
        MarketStateError: The bytes are no checkpoint, or one of another schema or configuration.
    """
    try:
        checkpoint = msgspec.msgpack.decode(data, type=Checkpoint)
    except msgspec.MsgspecError as error:
        raise MarketStateError(f"the stored simulated market cannot be read: {error}") from error
    if checkpoint.schema_version != SCHEMA_VERSION:
        raise MarketStateError(
            f"the stored simulated market has schema {checkpoint.schema_version}, "
            f"this version reads {SCHEMA_VERSION}"
        )
    if checkpoint.fingerprint != config.fingerprint():
        raise MarketStateError(
            "the stored simulated market was made with another configuration: "
            f"{checkpoint.fingerprint[:12]}, this is {config.fingerprint()[:12]}"
        )
    return checkpoint
