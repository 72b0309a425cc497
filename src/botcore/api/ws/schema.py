"""JSON Schema of every frame, published beside the OpenAPI and in ``docs/reference``."""

import functools
import operator
from typing import Any, Final

import msgspec

from botcore.control.schema.streams import (
    CHANNELS,
    CLOSES,
    FRAME_MAX,
    HEARTBEAT_S,
    MESSAGES_PER_S,
    SUBPROTOCOL,
    ChannelSpec,
    ClientFrame,
    ServerFrame,
    SignIn,
    delta_frames,
)

PATH: Final = "/api/v1/ws-schema.json"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


@functools.cache
def stream_schema() -> dict[str, Any]:
    """Return the document: what a client sends, what it is sent, channels, closes and bounds."""
    deltas: Any = functools.reduce(operator.or_, delta_frames())
    (first, sent, told, changed), definitions = msgspec.json.schema_components(
        [SignIn, ClientFrame, ServerFrame, deltas]
    )
    return {
        "$schema": _DIALECT,
        "title": "Bot Core: frames of the WebSocket /api/v1/ws",
        "description": "Frames are JSON text. Decimals are strings, times UTC (RFC 3339).",
        "client": {"first": first, "then": sent},
        "server": {"anyOf": [told, changed]},
        "channels": {str(spec.name): _channel(spec) for spec in CHANNELS.values()},
        "closes": {str(code): words for code, words in CLOSES.items()},
        "bounds": {
            "frame_bytes": FRAME_MAX,
            "messages_per_s": MESSAGES_PER_S,
            "heartbeat_s": HEARTBEAT_S,
            "subprotocol": SUBPROTOCOL,
        },
        "$defs": _portable(definitions),
    }


def _portable(schema: Any) -> Any:  # noqa: ANN401  # any part of a JSON document
    """Return a schema whose patterns end as JSON Schema has it, and not as Python."""
    if isinstance(schema, dict):
        return {
            name: each.replace(r"\Z", "$") if name == "pattern" else _portable(each)
            for name, each in schema.items()
        }
    return [_portable(each) for each in schema] if isinstance(schema, list) else schema


def _channel(spec: ChannelSpec) -> dict[str, Any]:
    return {
        "summary": spec.summary,
        "scope": str(spec.scope),
        "messages": {kind.__name__: {"keeps": kind.KEEPS} for kind in spec.messages},
        "is_conflated": spec.is_conflated,
        "is_owned": spec.is_owned,
        "needs_instruments": spec.needs_instruments,
    }
