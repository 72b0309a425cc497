"""``websocket.json``: every frame of the WebSocket, from `control/schema/streams`."""

import json

from botcore.api.ws import stream_schema


def page() -> str:
    """Return the document, as ``GET /api/v1/ws-schema.json`` has it."""
    return json.dumps(stream_schema(), indent=1, ensure_ascii=False) + "\n"
