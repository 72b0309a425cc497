"""A server that answers as a test has written it, and a wire that breaks where a test says."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, NamedTuple

from starlette.types import Receive, Scope, Send
from tests.support.edge import Served, serving

SILENT = -1
"""Instead of a status: no answer comes."""


class Told(NamedTuple):
    """What the server says to one call.

    Attributes:
        status: of HTTP, or `SILENT`.
    """

    status: int
    body: Any = None
    headers: Mapping[str, str] = MappingProxyType({})


class Heard(NamedTuple):
    """What came."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


class Script:
    """An ASGI application: one answer after the other, and the last one for ever."""

    def __init__(self, *answers: Told) -> None:
        self.answers = list(answers)
        self.heard: list[Heard] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body, has_more = b"", True
        while has_more:
            message = await receive()
            body += message.get("body", b"")
            has_more = message.get("more_body", False)
        self.heard.append(
            Heard(
                scope["method"],
                scope["path"],
                scope["query_string"].decode(),
                {name.decode(): value.decode() for name, value in scope["headers"]},
                body,
            )
        )
        told = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if told.status == SILENT:
            await receive()  # until the caller hangs up
            return
        raw = told.body if isinstance(told.body, bytes) else json.dumps(told.body).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(raw))]
        headers += [(name.encode(), value.encode()) for name, value in told.headers.items()]
        await send({"type": "http.response.start", "status": told.status, "headers": headers})
        await send({"type": "http.response.body", "body": raw})


@contextmanager
def scripted(*answers: Told) -> Iterator[tuple[Script, Served]]:
    """Serve a script on loopback."""
    script = Script(*answers)
    with serving(script) as server:
        yield script, server


class CutWire:
    """Passes bytes on to a port, and hangs up instead of passing the first answers back.

    Args:
        port: of the server behind it.
        cuts: how many answers are lost; the server has done what it was asked by then.
    """

    def __init__(self, port: int, *, cuts: int) -> None:
        self._behind = port
        self._left = cuts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.lost = 0
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> CutWire:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._pass_on(near)

    def _pass_on(self, near: socket.socket) -> None:
        """Serve one connection; one after the other is enough."""
        near.settimeout(5)
        with near, socket.create_connection(("127.0.0.1", self._behind), timeout=10) as far:
            try:
                while asked := _message(near):
                    far.sendall(asked)
                    answer = _message(far)
                    if self._left > 0:
                        self._left -= 1
                        self.lost += 1
                        return
                    near.sendall(answer)
            except OSError:
                return


def _message(connection: socket.socket) -> bytes:
    """Return one request or answer, with a body as long as its head says; empty at the end."""
    found, wanted = b"", -1
    while wanted < 0 or len(found) < wanted:
        part = connection.recv(65_536)
        if not part:
            return b""
        found += part
        head, gap, _ = found.partition(b"\r\n\r\n")
        if gap and wanted < 0:
            lengths = [
                int(line.partition(b":")[2])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            ]
            wanted = len(head) + len(gap) + sum(lengths)
    return found
