"""The guard before a small application, in process or on the real server on a loopback port."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from botcore.api.connections import ConnectionBounds, Connections
from botcore.api.cors import Origins
from botcore.api.guard import Guard, HostList
from botcore.api.proxies import Proxies
from botcore.api.strict_headers import nonce_of
from botcore.app.binding import Binding, server_options

OWN = "http://localhost:8080"


class Echo:
    """Says what reached it; an application that refuses nothing itself."""

    def __init__(self) -> None:
        self.reached: list[tuple[str, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["type"] == "websocket":
            self.reached.append(("WEBSOCKET", scope["path"]))
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": scope["state"]["origin"]})
            await receive()
            return
        self.reached.append((scope["method"], scope["raw_path"].decode("ascii")))
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        answer = json.dumps(
            {
                "method": scope["method"],
                "path": scope["raw_path"].decode("ascii"),
                "client": scope["client"][0],
                "scheme": scope["scheme"],
                "headers": sorted(name.decode("latin-1") for name, _ in scope["headers"]),
                "nonce": nonce_of(scope),
                "body": body.decode("latin-1"),
            }
        ).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


def guarded(
    app: Any = None,
    *,
    hosts: Sequence[str] = (),
    origins: Sequence[str] = (),
    proxies: Sequence[str] = (),
    peer: str = "192.0.2.1",
    base_url: str = OWN,
) -> TestClient:
    """Return a client of an application behind a guard, as seen from `peer`."""
    guard = Guard(app or Echo(), HostList(hosts), Origins(origins), Proxies(proxies))
    return TestClient(guard, base_url=base_url, client=(peer, 50_000), follow_redirects=False)


class Served:
    """An application on a port of this machine."""

    def __init__(self, port: int, connections: Connections) -> None:
        self.port = port
        self.connections = connections

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def exchange(self, *parts: bytes) -> bytes:
        """Send raw bytes, and return all that comes until the server closes or is quiet."""
        with self.connect() as connection:
            for part in parts:
                connection.sendall(part)
            return read_all(connection)


def read_all(connection: socket.socket, *, quiet_s: float = 1.0) -> bytes:
    """Return what comes until the other side closes, or says nothing for a while."""
    connection.settimeout(quiet_s)
    found = b""
    try:
        while part := connection.recv(65_536):
            found += part
    except (TimeoutError, ConnectionResetError):
        pass
    return found


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for what another thread brings about; pytest's own limit ends it."""
    while not is_so():
        time.sleep(0.01)


@contextmanager
def serving(
    app: Any,
    *,
    bounds: ConnectionBounds | None = None,
    certificate: Path | None = None,
    key: Path | None = None,
    has_tls_1_2: bool = False,
    is_unbounded: bool = False,
) -> Iterator[Served]:
    """Serve an application with the options that the platform uses."""
    connections = Connections(bounds or ConnectionBounds(), is_unbounded=lambda _: is_unbounded)
    binding = Binding("127.0.0.1", certificate, key, has_tls_1_2, ())
    options = server_options(binding, connections)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, **options)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        while not server.started and thread.is_alive():
            thread.join(0.01)
        yield Served(listener.getsockname()[1], connections)
    finally:
        server.should_exit = server.force_exit = True
        thread.join(10)
        listener.close()
