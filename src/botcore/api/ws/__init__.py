"""Control over WebSocket: channels of state and its changes, to whoever is signed in.

It takes in what the engine and the stores tell (`Feeds`), keeps each channel's state and numbers
(`Hub`), and gives them out at ``/api/v1/ws`` (`SocketDoor`).
"""

from botcore.api.ws.door import SocketConfig, SocketDoor
from botcore.api.ws.feeds import Feeds, FeedsConfig
from botcore.api.ws.from_rest import RestTruth
from botcore.api.ws.hub import Hub, new_hub
from botcore.api.ws.ports import SocketWatch, Truth
from botcore.api.ws.schema import stream_schema

__all__ = [
    "Feeds",
    "FeedsConfig",
    "Hub",
    "RestTruth",
    "SocketConfig",
    "SocketDoor",
    "SocketWatch",
    "Truth",
    "new_hub",
    "stream_schema",
]
