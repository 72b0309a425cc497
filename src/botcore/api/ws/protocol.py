"""uvicorn's WebSocket protocol with a short way out: frames that are framed already.

A frame for ten thousand clients is framed once and handed to each transport as it is. The long way,
a task woken and an ASGI message a frame, costs several times as much; it stays for servers that do
not offer the short one (`WRITER` in the scope's extensions).
"""

import struct
from collections.abc import Callable
from typing import Final, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

WRITER: Final = "botcore.writer"
_TEXT: Final = 0x81  # a whole message, text
_SHORT, _MIDDLE = 126, 1 << 16


class Writer(Protocol):
    """Writes frames to one socket, straight away."""

    @property
    def is_writable(self) -> bool:
        """Whether the socket takes more; False also once it is closing."""
        ...

    def write(self, framed: bytes) -> None:
        """Write frames as `framed` makes them."""
        ...

    def on_writable(self, call: Callable[[], None]) -> None:
        """Call `call` whenever the socket takes more again."""
        ...

    def cut(self) -> None:
        """Cut the connection off, whatever waits in it."""
        ...


class FrameProtocol(WebSocketsSansIOProtocol):
    """Offers itself as a `Writer` to the application; for `uvicorn.Config(ws=FrameProtocol)`."""

    _resumed: Callable[[], None] | None = None

    def handle_connect(self, event: Request) -> None:
        """Begin with the application; it sees the way out in its scope."""
        super().handle_connect(event)
        scope = getattr(self, "scope", None)  # none where the handshake was refused
        if scope is not None:
            scope["extensions"][WRITER] = self

    @property
    def is_writable(self) -> bool:
        """Whether the socket takes more."""
        return self.writable.is_set() and not self.close_sent and not self.transport.is_closing()

    def write(self, framed: bytes) -> None:
        """Hand frames to the transport; nothing once the socket is closing."""
        if not self.close_sent and not self.transport.is_closing():
            self.transport.write(framed)

    def on_writable(self, call: Callable[[], None]) -> None:
        """Call `call` when the transport's buffer has drained."""
        self._resumed = call

    def cut(self) -> None:
        """Cut the connection off: who does not read would keep it open."""
        self.transport.abort()

    def resume_writing(self) -> None:
        """Take up writing: the transport's buffer has drained."""
        super().resume_writing()
        if self._resumed is not None:
            self._resumed()


def framed(payload: bytes) -> bytes:
    """Return a text message of a server as it goes over the wire (RFC 6455, 5.2): not masked."""
    size = len(payload)
    if size < _SHORT:
        return struct.pack("!BB", _TEXT, size) + payload
    if size < _MIDDLE:
        return struct.pack("!BBH", _TEXT, 126, size) + payload
    return struct.pack("!BBQ", _TEXT, 127, size) + payload


def text_of(frame: bytes) -> str:
    """Return the text that `framed` was given."""
    start = {126: 4, 127: 10}.get(frame[1], 2)
    return frame[start:].decode()
