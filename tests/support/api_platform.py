"""The real platform and its API, as programs use it: with ``curl``, with a small socket client."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from tests.support.local_header import local_header
from tests.support.platform_process import PlatformProcess, waited_for
from websockets.sync.client import ClientConnection, connect

from botcore.app.home import Home

API = "/api/v1"
BTC = "BTCUSDT.SIM"
GOOD = "ribbon quarry lantern oboe"
_STATUS = "\n%{http_code}"


class Answered(NamedTuple):
    """What ``curl`` got; `body` is the JSON, or the text where it is none."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def code(self) -> str:
        """The stable code of a refusal."""
        return str(self.body["code"])


class ApiPlatform(PlatformProcess):
    """A home whose platform is spoken to over HTTP."""

    @property
    def address(self) -> str:
        """Of the API: scheme, host and port, without a slash at the end."""
        return self.url.rstrip("/")

    @property
    def local(self) -> str:
        """The header that the command line of this machine sends to the process that runs now.

        Where none answers, nor will it answer a call: it is a header that opens nothing.
        """
        try:
            return local_header(self.address, Home(self.home).token())
        except OSError:
            return "Local nobody-answers"

    def wait_until_ready(self) -> None:
        """Wait until the engine trades and the API says so."""
        waited_for(lambda: Home(self.home).run_info(), within_s=60, what="the start")
        waited_for(self._is_ready, within_s=90, what="readiness")

    def _is_ready(self) -> bool:
        found = self.curl("GET", "/health", by=self.local)
        return found.status == 200 and found.body.get("status") == "ok"

    def curl(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: str = "",
        more: tuple[str, ...] = (),
        **headers: str,
    ) -> Answered:
        """Ask with ``curl`` and nothing else.

        Args:
            method: of HTTP.
            path: below ``/api/v1``, or a whole one with ``//`` in front.
            body: JSON; None sends none.
            by: the header Authorization.
            more: further arguments of curl.
            headers: others; an underscore stands for a dash.
        """
        where = path[1:] if path.startswith("//") else API + path
        words = ["curl", "--silent", "--show-error", "--max-time", "20", "-X", method, "-i"]
        if by:
            words += ["-H", f"Authorization: {by}"]
        if body is not None:
            words += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        for name, value in headers.items():
            words += ["-H", f"{name.replace('_', '-')}: {value}"]
        asked = subprocess.run(
            [*words, *more, self.address + where], capture_output=True, timeout=30, check=False
        )
        if asked.returncode:
            return Answered(0, {"code": asked.stderr.decode()}, {})
        head, _, raw = asked.stdout.decode().partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        found = {
            name.lower(): value.strip() for name, _, value in (e.partition(":") for e in lines)
        }
        try:
            told = json.loads(raw)
        except ValueError:
            told = raw
        return Answered(int(first.split()[1]), told, found)

    def confirmed(
        self, method: str, path: str, body: Any = None, *, by: str, key: str
    ) -> tuple[Answered, str]:
        """Ask, and confirm what must be confirmed; return the answer and the effect in words."""
        first = self.curl(method, path, body, by=by, Idempotency_Key=key)
        if first.status != 428:
            return first, ""
        told = first.body["details"]
        answer = self.curl(
            method,
            path,
            body,
            by=by,
            Idempotency_Key=key,
            Confirmation_Token=told["confirmation_token"],
        )
        return answer, told["effect"]

    def an_owner(self, username: str = "olivia") -> dict[str, Any]:
        """Make the owner; return the tokens."""
        link = self.curl("POST", "/auth/link", {}, by=self.local).body["token"]
        return self._registered(link, username)

    def a_person(self, role: str, username: str) -> dict[str, Any]:
        """Make a user by invitation; return the tokens."""
        made = self.curl("POST", "/invitations", {"role": role}, by=self.local)
        return self._registered(made.body["token"], username)

    def _registered(self, token: str, username: str) -> dict[str, Any]:
        body = {"token": token, "username": username, "password": GOOD, "transport": "body"}
        made = self.curl("POST", "/auth/register", body)
        assert made.status == 201, made
        found: dict[str, Any] = made.body
        return found

    def order(self, name: str, *, by: str) -> dict[str, Any]:
        """Return an order as REST shows it."""
        found: dict[str, Any] = self.curl("GET", f"/trading/orders/{name}", by=by).body
        return found

    def order_in(self, name: str, state: str, *, by: str, within_s: float = 30) -> dict[str, Any]:
        """Wait until an order stands somewhere."""

        def ask() -> dict[str, Any] | None:
            found = self.order(name, by=by)
            return found if found.get("state") == state else None

        return waited_for(ask, within_s=within_s, what=f"{name} {state}")

    @contextmanager
    def socket(self, by: str) -> Iterator[SmallSocket]:
        """Open a WebSocket with a ticket that `by` asks for."""
        ticket = self.curl("POST", "/ws-ticket", {}, by=by).body["ticket"]
        address = self.address.replace("http", "ws", 1) + f"{API}/ws"
        with connect(address, open_timeout=20, close_timeout=1) as connection:
            connection.send(json.dumps({"ticket": ticket}))
            small = SmallSocket(connection)
            small.until(lambda frame: frame["type"] == "welcome")
            yield small


class SmallSocket:
    """A WebSocket client of a few lines, as one writes it from the documentation."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.frames: list[dict[str, Any]] = []

    def say(self, frame: Any) -> None:
        """Send a frame."""
        self._connection.send(json.dumps(frame))

    def subscribe(self, *channels: str) -> None:
        """Ask for channels, and wait for their state."""
        for channel in channels:
            self.say({"op": "subscribe", "channel": channel})
            self.until(lambda f, c=channel: f["type"] == "snapshot" and f["channel"] == c)  # type: ignore[misc]  # a default binds the loop's value

    def until(
        self, wish: Callable[[dict[str, Any]], bool], *, within_s: float = 30
    ) -> dict[str, Any]:
        """Read until a frame is as wished; return it. Frames that were read before count too."""
        for known in self.frames:
            if wish(known):
                return known
        while True:
            frame: dict[str, Any] = json.loads(self._connection.recv(timeout=within_s))
            self.frames.append(frame)
            if wish(frame):
                return frame

    def closed(self, *, within_s: float = 10) -> int:
        """Read until the server closes; return its code."""
        from websockets.exceptions import ConnectionClosed

        try:
            while True:
                self._connection.recv(timeout=within_s)
        except ConnectionClosed:
            return self._connection.close_code or 0


def a_buy(quantity: str = "0.001", **terms: Any) -> dict[str, Any]:
    """Return the body of an order: a buy at the market unless `terms` say otherwise."""
    return {"instrument": BTC, "side": "BUY", "quantity": quantity, **terms}


def resting(quantity: str = "0.001") -> dict[str, Any]:
    """Return the body of an order that rests: far below the market."""
    return a_buy(quantity, type="LIMIT", limit_price="30000")
