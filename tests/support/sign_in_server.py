"""The page and sign-in on a port of this machine, with the real parts and virtual time.

No engine: the account on the page is a sample. Time stands still until it is advanced.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import uvicorn
from tests.support.metrics_page import RecordingMetrics
from tests.support.sample_view import FakePlatform
from tests.support.sign_in_desk import LOCAL, Desk, open_desk

from botcore.api import Door, create_app
from botcore.app.api_process import Callers
from botcore.control.identity import Algorithm, IdentityConfig
from botcore.control.operations import Request
from botcore.control.schema.auth import MakeLink

A = TypeVar("A")


class SignInServer:
    """What is served, and the people behind it.

    Attributes:
        desk: sign-in, its store and its clock.
        url: of the page, with a slash at its end.
    """

    def __init__(self) -> None:
        self.desk: Desk
        self.url = ""
        self._loop: asyncio.AbstractEventLoop
        self._server: uvicorn.Server

    def do(self, work: Coroutine[Any, Any, A]) -> A:
        """Do something on the server's own thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def ask(self, request: Request[A]) -> A:
        """Ask as who sits at the machine."""
        return self.do(self.desk.send(LOCAL, request))

    def link(self, user: str = "") -> str:
        """Return the address of a fresh one-time link."""
        return self.ask(MakeLink(user=user)).url

    async def serve(self, ready: threading.Event) -> None:
        """Serve until it is stopped."""
        self._loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            self.desk = await open_desk(
                IdentityConfig(algorithm=Algorithm.ED25519, public_url=address)
            )
            door = Door(
                self.desk.control,
                authenticate=Callers(self.desk.identity),
                clock=self.desk.clock,
            )
            app = create_app(FakePlatform(), version="0.1.0", metrics=RecordingMetrics(), door=door)
            self.url = f"{address}/"
            self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
            ready.set()
            await self._server.serve(sockets=[listener])

    def stop(self) -> None:
        """End it, also while a browser holds connections."""
        self._server.should_exit = self._server.force_exit = True


@contextmanager
def sign_in_server() -> Iterator[SignInServer]:
    """Serve on a thread of its own."""
    server, ready = SignInServer(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(ready)), daemon=True)
    thread.start()
    assert ready.wait(30), "the server did not start"
    try:
        yield server
    finally:
        server.stop()
        thread.join(10)
