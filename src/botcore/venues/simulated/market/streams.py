"""Named random streams that can be written down and taken up again.

A stream belongs to one instrument (or to the common factor) and one purpose. Its seed comes from
its name, so adding an instrument or drawing more for one purpose moves nothing else.
"""

import zlib
from typing import Any

import msgspec
import numpy as np

_WORD_BYTES = 16


class StreamState(msgspec.Struct, frozen=True):
    """Where a PCG64 stream stands: its 128-bit words, little-endian, and its spare 32 bits."""

    state: bytes
    increment: bytes
    has_uint32: int
    uinteger: int


def named_stream(seed: int, component: str, *indices: int) -> np.random.Generator:
    """Return the stream of `component`, or of one numbered part of it.

    Args:
        seed: Seed of the whole market, not negative.
        component: Stable name within the market, as `BTCUSDT.SIM:returns`.
        indices: Numbers of a part, as a bar's index, each not negative.
    """
    # A seed sequence takes trailing zeros for nothing: part 0 would be the whole.
    parts = [index + 1 for index in indices]
    entropy = [seed, zlib.crc32(f"market/{component}".encode()), *parts]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))


def capture(stream: np.random.Generator) -> StreamState:
    """Return where `stream` stands."""
    state: dict[str, Any] = dict(stream.bit_generator.state)
    return StreamState(
        state=state["state"]["state"].to_bytes(_WORD_BYTES, "little"),
        increment=state["state"]["inc"].to_bytes(_WORD_BYTES, "little"),
        has_uint32=state["has_uint32"],
        uinteger=state["uinteger"],
    )


def restore(state: StreamState) -> np.random.Generator:
    """Return a stream that goes on from `state`."""
    bits = np.random.PCG64(0)
    bits.state = {
        "bit_generator": "PCG64",
        "state": {
            "state": int.from_bytes(state.state, "little"),
            "inc": int.from_bytes(state.increment, "little"),
        },
        "has_uint32": state.has_uint32,
        "uinteger": state.uinteger,
    }
    return np.random.Generator(bits)
