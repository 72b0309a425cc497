"""The state of a simulated market as bytes, and back."""

import msgspec

from botcore.domain.errors import Remedy, StorageError
from botcore.venues.simulated.market.config import MarketConfig
from botcore.venues.simulated.market.path import CommonState, InstrumentState

SCHEMA_VERSION = 1


class MarketStateError(StorageError):
    """A stored market cannot go on: it is damaged, or of another schema or configuration."""

    # A restart would read the same bytes again.
    remedy = Remedy.HALT

    def __init__(self, cause: str) -> None:
        """Name the cause."""
        super().__init__(
            code="SIMULATED_MARKET_STATE",
            cause=f"the stored simulated market cannot go on: {cause}",
            fix="start it with the version and configuration that made it, or clean the home",
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Return how to rebuild it in another process: from its cause alone."""
        return type(self), (self.cause.partition(": ")[2],)


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
        raise MarketStateError(str(error)) from error
    if checkpoint.schema_version != SCHEMA_VERSION:
        raise MarketStateError(
            f"it has schema {checkpoint.schema_version}, this version reads {SCHEMA_VERSION}"
        )
    if checkpoint.fingerprint != config.fingerprint():
        raise MarketStateError(
            f"it was made with configuration {checkpoint.fingerprint[:12]}, "
            f"this is {config.fingerprint()[:12]}"
        )
    if checkpoint.next_bar // config.bars_per_block != checkpoint.block:
        raise MarketStateError(
            f"bar {checkpoint.next_bar} is not in block {checkpoint.block} it was stored with"
        )
    return checkpoint
