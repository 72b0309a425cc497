"""Control as the api process opens it, served on loopback: real stores, sign-in and limits.

No engine runs beside it: what asks for one is answered 503, and everything else is real. The wall
clock can be set forward, so that what ends with time can be seen to end.
"""

from __future__ import annotations

import asyncio
import atexit
import itertools
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Coroutine, Iterable
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import structlog
import uvicorn
from tests.support.fast_clock import FastClock
from tests.support.local_header import local_header
from tests.support.metrics_page import RecordingMetrics
from tests.support.sample_view import FakePlatform

from botcore.api import Door, create_app, routes_of
from botcore.api.connections import ConnectionBounds, Connections
from botcore.api.rest import RouteTable
from botcore.api.rest.bodies import BodyTimes, Uploads
from botcore.app.answering import AnsweredRows
from botcore.app.api_process import Callers
from botcore.app.binding import Binding, server_options
from botcore.app.control_room import KEY_FILE, ControlRoom, open_room
from botcore.app.edge_watch import EdgeWatch, RefusalsNoted
from botcore.app.home import Home, RunInfo
from botcore.app.limiting import rate_limits
from botcore.app.settings import RateSettings, Settings, load_settings
from botcore.control.access import Role, Scope
from botcore.kernel.clock import SystemClock

A = TypeVar("A")
_IS_LINUX = sys.platform == "linux"  # where all of 127.0.0.0/8 is this machine
GOOD = "ribbon quarry lantern oboe"
UNLIMITED = {
    name: 100_000
    for name in RateSettings.model_fields
    if name.endswith(("_per_min", "_per_s", "_burst")) or name == "concurrent"
}
"""Rates that no test reaches, for tests that are not about rates."""


class OpenRoom:
    """A room and its server on a thread of its own; a context manager.

    Args:
        folder: its home is made in it.
        rates: of the limits; `UNLIMITED` by default.
        times: bounds of bodies.
        settings: further settings by name.
    """

    def __init__(
        self,
        folder: Path,
        *,
        rates: dict[str, Any] | None = None,
        times: BodyTimes | None = None,
        **settings: Any,
    ) -> None:
        given = {"rates": UNLIMITED if rates is None else rates, **settings}
        self.settings: Settings = load_settings(home=folder / "home", **given)
        self.home = Home(self.settings.home)
        self.clock = FastClock(time.time_ns())
        self.log: list[dict[str, Any]] = []
        self.room: ControlRoom
        self.door: Door
        self.table: RouteTable
        self.port = 0
        self._addresses = itertools.count()
        self._times = times or BodyTimes()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._served)
        self._ready = threading.Event()
        self._server: uvicorn.Server | None = None
        self._failure: BaseException | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def local(self) -> str:
        """What the command line of this machine sends as `Authorization`."""
        return local_header(self.url, self.home.token())

    def __enter__(self) -> Self:
        for path in _made_home().iterdir():
            shutil.copy(path, self.home.path)
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(20)

    def run(self, work: Coroutine[Any, Any, A]) -> A:
        """Do something where the room lives."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def client(self, authorization: str = "") -> httpx.Client:
        """Return a client; it keeps its connection, and has an address of its own on this machine.

        So that signing many people up is not taken for one address that guesses.
        """
        headers = {"Authorization": authorization} if authorization else {}
        number = next(self._addresses)
        address = f"127.0.{1 + number // 250}.{1 + number % 250}" if _IS_LINUX else None
        transport = httpx.HTTPTransport(local_address=address)
        return httpx.Client(base_url=self.url, headers=headers, timeout=30.0, transport=transport)

    # People and keys, made through the door.

    def a_link(self, user: str = "") -> str:
        """Return the token of a one-time link."""
        with self.client(self.local) as local:
            answer = local.post("/api/v1/auth/link", json={"user": user})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])

    def an_owner(self, username: str = "olivia") -> dict[str, Any]:
        """Make the owner; return what registering answers."""
        return self._registered(self.a_link(), username)

    def a_person(self, role: Role, username: str = "") -> dict[str, Any]:
        """Make a user with a role by invitation; return what registering answers."""
        with self.client(self.local) as local:
            answer = local.post("/api/v1/invitations", json={"role": role})
        assert answer.status_code == 201, answer.text
        return self._registered(answer.json()["token"], username or str(role))

    def a_key(self, session: dict[str, Any], scopes: Iterable[Scope], **terms: Any) -> str:
        """Return a key that somebody makes for himself."""
        with self.client(f"Bearer {session['access_token']}") as client:
            body = {"name": "test", "scopes": sorted(scopes), **terms}
            answer = client.post("/api/v1/keys", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["api_key"])

    def _registered(self, token: str, username: str) -> dict[str, Any]:
        body = {"token": token, "username": username, "password": GOOD, "transport": "body"}
        with self.client() as stranger:
            answer = stranger.post("/api/v1/auth/register", json=body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def _served(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:  # noqa: BLE001  # raised where the test waits
            self._failure = error
        finally:
            self._ready.set()
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _serve(self) -> None:
        # Its protocol named: else asyncio leaves Nagle's algorithm on, and each answer waits 40 ms.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        info = RunInfo(
            pid=0, url=self.url + "/", started_wall_ns=0, events="", commands="", port=self.port
        )
        structlog.configure(
            processors=[structlog.contextvars.merge_contextvars, self._logged],
            cache_logger_on_first_use=False,
        )
        limits = rate_limits(self.settings.rates, latency=_NoLatency(), clock=self.clock)
        async with AsyncExitStack() as stack:
            stack.callback(listener.close)
            stack.callback(structlog.reset_defaults)
            self.room = await open_room(
                stack, self.settings, info=info, clock=self.clock, local_user="root"
            )
            self.door = Door(
                self.room.control,
                authenticate=Callers(self.room.identity),
                clock=self.clock,
                limits=limits,
                rows=AnsweredRows(self.room.stores.rows, self.room.vitals),
                watch=EdgeWatch(
                    self.room.stores.rows, RefusalsNoted(self.room.stores.audit), limits
                ),
                uploads=Uploads(self.home.path / "uploads", self._times),
                times=self._times,
            )
            metrics, platform = RecordingMetrics(), FakePlatform()
            self.table = routes_of(platform, version="0.1.0", metrics=metrics, door=self.door)
            app = create_app(
                platform,
                version="0.1.0",
                metrics=metrics,
                clock=self.clock,
                door=self.door,
                prove=self.room.identity.local_proof.answer,
            )
            options = server_options(
                Binding("127.0.0.1", None, None, False, ()),
                Connections(ConnectionBounds(), is_unbounded=lambda _: True),
            )
            config = uvicorn.Config(
                app, log_config=None, access_log=False, lifespan="off", **options
            )
            self._server = uvicorn.Server(config)
            serving = asyncio.create_task(self._server.serve(sockets=[listener]))
            while not self._server.started and not serving.done():
                await asyncio.sleep(0.01)
            self._ready.set()
            await serving

    def _logged(self, _: object, method: str, event: Any) -> Any:
        self.log.append({"level": method, **event})
        raise structlog.DropEvent


@cache
def _made_home() -> Path:
    """Return a folder with the files of a new home: its signing keys take a second to make."""
    folder = Path(tempfile.mkdtemp(prefix="botcore-room-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)

    async def made() -> None:
        async with AsyncExitStack() as stack:
            settings = load_settings(home=folder / "home")
            await open_room(stack, settings, info=None, clock=SystemClock(), local_user="root")

    asyncio.run(made())
    for name in ("control.db", KEY_FILE, "engine.db"):
        shutil.copy(folder / "home" / name, folder / name)
    shutil.rmtree(folder / "home")
    return folder


class _NoLatency:
    def p99_s(self) -> float | None:
        return None
