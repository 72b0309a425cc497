"""The door: which host names are answered, which methods, and the headers of every answer.

A page on a private machine is reachable by any web site that the owner visits, if a name of that
site is made to point at the machine (DNS rebinding). The browser then sends that name as the
Host, so that only known names are answered, from the first page on.
"""

import ipaddress
import re
from collections.abc import Sequence
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from botcore.domain.errors import ConfigError

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types botcore",
    )
)

_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_METHODS: Final = ("GET", "HEAD")
_HOST: Final = re.compile(
    r"^(?P<name>\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::(?P<port>[0-9]{1,5}))?\Z"
)
_SHOWN: Final = 80


class HostList:
    """The host names that are answered: those of this machine with any port, and configured ones.

    Args:
        configured: ``name`` (any port) or ``name:port``; upper and lower case are the same.

    Raises:
        ConfigError: one of them is not a host name.
    """

    def __init__(self, configured: Sequence[str] = ()) -> None:
        self._configured = frozenset(name.lower() for name in configured)
        for name in self._configured:
            if _HOST.match(name) is None:
                raise ConfigError(
                    code="HOST_MALFORMED",
                    cause=f"allowed host {name!r} is not a host name or an address",
                    fix="write a name such as bot.example, with :port if only one counts",
                )

    def allows(self, host: str) -> bool:
        """Whether a request with this Host header is answered."""
        match = _HOST.match(host.lower())
        if match is None:
            return False
        name = match["name"]
        return name in self._configured or match[0] in self._configured or _is_this_machine(name)


class Guard:
    """ASGI middleware: refuses unknown hosts and all but reading, and sets the headers.

    Args:
        app: what it guards.
        hosts: the names that are answered.
    """

    def __init__(self, app: ASGIApp, hosts: HostList) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on to the application."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no socket is served yet; not accepting one closes it
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await (self._refusal(scope) or self._app)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or not self._hosts.allows(hosts[0]):
            return _host_refused(hosts)
        if scope["method"] not in _METHODS:
            return PlainTextResponse(
                "this address can only be read [METHOD_NOT_ALLOWED] – use GET or HEAD; commands"
                " are given with the command line: botcore --help\n",
                status_code=405,
                headers={"Allow": ", ".join(_METHODS)},
            )
        return None


def _is_this_machine(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _host_refused(hosts: Sequence[str]) -> ASGIApp:
    given = "none" if not hosts else " and ".join(repr(host[:_SHOWN]) for host in hosts[:2])
    return PlainTextResponse(
        f"host {given} is not one this page answers to [HOST_NOT_ALLOWED] – open it as"
        " http://localhost:PORT, or add the name to allowed_hosts in the settings"
        " (BOTCORE_ALLOWED_HOSTS) and restart\n",
        status_code=400,
    )
