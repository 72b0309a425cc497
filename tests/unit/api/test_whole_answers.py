"""Answers in one piece are, byte by byte, what uvicorn writes in two."""

from __future__ import annotations

import asyncio
import logging

import pytest
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from botcore.api.connections import ConnectionBounds, Connections, bounded_http
from botcore.kernel.clock import SystemClock

GET = b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n"
HEAD = b"HEAD /x HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST = b"GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
JSON = (b"content-type", b"application/json")


class Wire(asyncio.Transport):
    """Keeps what is written, piece by piece."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 5000), "sockname": ("127.0.0.1", 8000)})
        self.pieces: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if data:
            self.pieces.append(bytes(data))

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def pause_reading(self) -> None:
        """Nothing to pause."""

    def resume_reading(self) -> None:
        """Nothing to resume."""


def saying(*messages: Message) -> ASGIApp:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        for message in messages:
            await send(dict(message))

    return app


def start(*headers: tuple[bytes, bytes], status: int = 200) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(content: bytes, *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": content, "more_body": more}


def answered(app: ASGIApp, request: bytes, *, is_ours: bool) -> Wire:
    """Return what comes of a request, by our protocol or by uvicorn's own."""
    ours = bounded_http(Connections(ConnectionBounds(), is_unbounded=lambda _: True))
    kind = ours if is_ours else HttpToolsProtocol

    async def story() -> Wire:
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", http=kind)
        config.load()
        state = ServerState()
        state.default_headers = [(b"date", b"Thu, 01 Jan 2026 00:00:00 GMT")]
        wire = Wire()
        protocol = kind(config=config, server_state=state, app_state={})
        protocol.connection_made(wire)
        protocol.data_received(request)
        for _ in range(20):
            await SystemClock().sleep(0)
        is_closed = wire.is_closed
        protocol.connection_lost(None)  # which closes it, too
        wire.is_closed = is_closed
        return wire

    return asyncio.run(story())


WHOLE = {
    "plain": (start(JSON, (b"content-length", b"2")), body(b"{}")),
    "empty": (start(JSON, (b"content-length", b"0")), body(b"")),
    "a problem": (start(JSON, (b"content-length", b"4"), status=404), body(b"null")),
    "no content": (start(status=204), body(b"")),
    "not modified": (start((b"etag", b'W/"1"'), status=304), body(b"")),
    "a tab and letters": (start((b"x-a", b"a\tb \xc3\xa9"), (b"content-length", b"1")), body(b"1")),
}
LEFT = {
    "no length": (start(JSON), body(b"{}")),
    "in parts": (start((b"content-length", b"4")), body(b"ab", more=True), body(b"cd")),
    "its own end": (start((b"content-length", b"1"), (b"connection", b"close")), body(b"1")),
    "chunked": (start((b"transfer-encoding", b"chunked")), body(b"abc")),
}


@pytest.mark.parametrize("messages", WHOLE.values(), ids=WHOLE)
def test_a_plain_answer_is_one_piece_of_the_same_bytes(messages: tuple[Message, ...]) -> None:
    app = saying(*messages)

    ours, theirs = (answered(app, GET, is_ours=each) for each in (True, False))

    assert b"".join(ours.pieces) == b"".join(theirs.pieces)
    assert len(ours.pieces) == 1
    assert not ours.is_closed


@pytest.mark.parametrize("messages", [*WHOLE.values(), *LEFT.values()], ids=[*WHOLE, *LEFT])
@pytest.mark.parametrize("request_", [GET, HEAD, LAST, GET + GET], ids=["get", "head", "last", "2"])
def test_every_answer_is_the_same_bytes(messages: tuple[Message, ...], request_: bytes) -> None:
    app = saying(*messages)

    ours, theirs = (answered(app, request_, is_ours=each) for each in (True, False))

    assert b"".join(ours.pieces) == b"".join(theirs.pieces)
    assert ours.is_closed == theirs.is_closed


@pytest.mark.parametrize(
    "header",
    [
        (b"x-a", b"1\r\nset-cookie: a=b"),
        (b"x-a", b"1\nb: c"),
        (b"x-a", b"1\rb"),
        (b"x-a", b"1\x00"),
        (b"x-a\r\nb", b"1"),
        (b"content-length", b"9"),
        (b"content-length", b"1"),
    ],
)
def test_an_answer_that_would_say_something_else_is_none(
    header: tuple[bytes, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    lengths = () if header[0] == b"content-length" else ((b"content-length", b"2"),)
    app = saying(start(header, *lengths), body(b"{}"))

    ours, theirs = (answered(app, GET, is_ours=each) for each in (True, False))

    assert b"".join(ours.pieces) == b"".join(theirs.pieces)
    assert b"set-cookie" not in b"".join(ours.pieces)


@pytest.mark.parametrize("messages", [(), (start(),), (body(b"1"),)], ids=["0", "head", "body"])
def test_an_application_that_breaks_off_is_answered_as_by_uvicorn(
    messages: tuple[Message, ...],
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await saying(*messages)(scope, receive, send)

    ours, theirs = (answered(app, GET, is_ours=each) for each in (True, False))

    assert b"".join(ours.pieces) == b"".join(theirs.pieces)
    assert ours.is_closed == theirs.is_closed
