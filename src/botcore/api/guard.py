"""The door: which host names are answered, which methods and origins, and the headers of answers.

A page on a private machine is reachable by any web site that the owner visits, if a name of that
site is made to point at the machine (DNS rebinding). The browser then sends that name as the
Host, so that only known names are answered, from the first page on.
"""

import ipaddress
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from botcore.api.cors import Header, Origins, is_own
from botcore.api.ports import EdgeWatch, MetricsPage
from botcore.api.proxies import Proxies, is_loopback
from botcore.api.rest.exchange import Exchange
from botcore.api.rest.problems import problem_answer
from botcore.api.rest.refusals import MethodNotAllowed, Unreadable
from botcore.api.strict_headers import OURS, data_headers, page_headers, unchanged_headers
from botcore.control.access import stranger_at
from botcore.control.problems import Forbidden, Problem
from botcore.domain.errors import ConfigError

API: Final = b"/api/"
"""Below it anything may be asked for; above it there is only reading."""
SOCKETS: Final = frozenset({b"/api/v1/ws", b"/ws"})
ORIGIN: Final = "origin"
"""Where the origin of a socket stands in ``scope["state"]``; empty where none was sent."""
RELAYED: Final = "relayed by "
"""Before the address of a proxy on this machine that is not configured; so that it is none."""
_READING: Final = ("GET", "HEAD")
_ASKING: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_HOST: Final = re.compile(
    r"^(?P<name>\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::(?P<port>[0-9]{1,5}))?\Z"
)
_ODD_PATH: Final = re.compile(
    rb"\A[^/]|\A\Z|//|\\|[\x00-\x20\x7f-\xff]"
    rb"|/(?:\.|%2e)(?:\.|%2e)?(?:/|\Z)"  # dot segments, encoded or not
    rb"|%(?:[01][0-9a-f]|25|5c|7f)|%(?![0-9a-f]{2})",  # control, percent, backslash; half an escape
    re.IGNORECASE,
)
_READ_HEADERS: Final = frozenset(
    {b"host", b"origin", b"sec-fetch-site", b"access-control-request-method"}
    | {b"x-forwarded-for", b"x-forwarded-proto"}
)
_CLAIMS: Final = frozenset(
    {b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port"}
    | {b"forwarded", b"x-real-ip"}
)
_SECURE: Final = frozenset({"https", "wss"})
_NOT_FOREIGN: Final = frozenset({b"same-origin", b"none"})
_POLICY_VIOLATION: Final = 1008
_SHOWN: Final = 80
_KNOWN: Final = frozenset((*_ASKING, "OPTIONS"))
_OTHER: Final = "OTHER"
_NOWHERE: Final = "unknown"
_COME_IN: Final = "edge.come-in"
_CACHE: Final = b"cache-control"
_NO_STORE: Final = (_CACHE, b"no-store")
_TYPE: Final = b"content-type"
_HTML: Final = b"text/html"
_VARY: Final = (b"vary", b"Origin")

_Seen = dict[bytes, list[bytes]]


class OriginRefused(Forbidden):
    """Another web site asks, in the browser of one who may."""


class HostList:
    """The host names that are answered: those of this machine with any port, and configured ones.

    Args:
        configured: ``name`` (any port) or ``name:port``; upper and lower case are the same.

    Raises:
        ConfigError: one of them is not a host name.
    """

    def __init__(self, configured: Sequence[str] = ()) -> None:
        self._configured = frozenset(name.lower() for name in configured)
        self._last: str | None = None
        for name in self._configured:
            if _HOST.match(name) is None:
                raise ConfigError(
                    code="HOST_MALFORMED",
                    cause=f"allowed host {name!r} is not a host name or an address",
                    fix="write a name such as bot.example, with :port if only one counts",
                )

    def allows(self, host: str) -> bool:
        """Whether a request with this Host header is answered."""
        if host == self._last:  # most requests name the same one
            return True
        match = _HOST.match(host.lower())
        if match is None:
            return False
        name = match["name"]
        if name in self._configured or match[0] in self._configured or _is_this_machine(name):
            self._last = host
            return True
        return False


class Guard:
    """ASGI middleware, the outermost: refuses what may not come in, and sets the headers.

    It sets ``scope["client"]`` and ``scope["scheme"]`` to where the call really comes from, and
    takes away what claims it otherwise. What a proxy on this machine relays that nobody named comes
    from nowhere (`RELAYED`), and not from this machine: what only who sits here may do is not done
    for the whole network.

    Args:
        app: what it guards.
        hosts: the names that are answered.
        origins: web sites that may use the API and its socket, beside its own.
        proxies: whose word about the client counts.
        metrics: counts what does not come in, as `Timing` counts the rest; None for nobody.
        watch: is told who is refused; None for nobody.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: HostList,
        origins: Origins | None = None,
        proxies: Proxies | None = None,
        *,
        metrics: MetricsPage | None = None,
        watch: EdgeWatch | None = None,
    ) -> None:
        self._metrics = metrics
        self._watch = watch
        self._app = app
        self._hosts = hosts
        self._origins = origins or Origins()
        self._proxies = proxies or Proxies()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on to the application."""
        kind = scope["type"]
        if kind == "lifespan":
            await self._app(scope, receive, send)
            return
        seen = self._look(scope)
        if kind == "websocket":
            await self._socket(scope, receive, send, seen)
            return
        is_api, is_secure = _raw_path(scope).startswith(API), scope["scheme"] in _SECURE
        shared: Sequence[Header] = ()
        if is_api and self._origins:
            shared = (_VARY, *self._origins.answer_headers(_only(seen, b"origin")))

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [header for header in message["headers"] if header[0] not in OURS]
                names = dict(headers)
                if _CACHE not in names:
                    headers.append(_NO_STORE)
                if message["status"] == HTTPStatus.NOT_MODIFIED:
                    headers += unchanged_headers(is_secure=is_secure)
                elif is_api and not names.get(_TYPE, b"").startswith(_HTML):
                    headers += data_headers(is_secure=is_secure)
                else:
                    headers += page_headers(scope, is_secure=is_secure)
                headers += shared
                message["headers"] = headers
            await send(message)

        await (self._answer(scope, seen) or self._app)(scope, receive, send_guarded)

    def _look(self, scope: Scope) -> _Seen:
        """Return the headers that count here, and set where the call comes from."""
        seen: _Seen = {}
        is_claimed = False
        for name, value in scope["headers"]:
            if name in _READ_HEADERS:
                seen.setdefault(name, []).append(value)
            if name in _CLAIMS:
                is_claimed = True
        if is_claimed:
            peer = scope["client"][0] if scope.get("client") else ""
            web = "https" if scope["scheme"] in _SECURE else "http"
            origin = self._proxies.origin(
                peer,
                web,
                forwarded_for=[
                    value.decode("latin-1") for value in seen.get(b"x-forwarded-for", ())
                ],
                forwarded_proto=[
                    value.decode("latin-1") for value in seen.get(b"x-forwarded-proto", ())
                ],
            )
            if origin.address != peer:
                scope["client"] = (origin.address, 0)
            elif is_loopback(peer) and not self._proxies.trusts(peer):
                scope["client"] = (f"{RELAYED}{peer}", 0)
            if origin.scheme != web:
                secure, plain = ("wss", "ws") if scope["type"] == "websocket" else ("https", "http")
                scope["scheme"] = secure if origin.scheme == "https" else plain
            scope["headers"] = [each for each in scope["headers"] if each[0] not in _CLAIMS]
        return seen

    def _answer(self, scope: Scope, seen: _Seen) -> ASGIApp | None:
        """Return the answer to what does not come in, or None."""
        try:
            return self._judge(scope, seen)
        except Problem as problem:
            exchange = Exchange(scope)
            self._turned_away(problem, exchange)
            return _told(problem, exchange)

    def _turned_away(self, problem: Problem, exchange: Exchange) -> None:
        """Count and write down what did not come in."""
        method = exchange.method if exchange.method in _KNOWN else _OTHER
        status = int(problem.status)
        if self._metrics is not None:
            self._metrics.began()
            self._metrics.answered(route=_NOWHERE, method=method, status=status, seconds=0.0)
        if self._watch is not None:
            stranger = stranger_at(exchange.address)
            self._watch.refused(
                stranger, _COME_IN, problem, correlation=exchange.correlation, is_paid=False
            )
            self._watch.shown(
                stranger,
                method=method,
                route=_NOWHERE,
                status=status,
                correlation=exchange.correlation,
                seconds=0.0,
                size=0,
            )

    def _judge(self, scope: Scope, seen: _Seen) -> ASGIApp | None:
        path, method = _raw_path(scope), scope["method"]
        is_api = path.startswith(API)
        host = self._host(seen)
        if _ODD_PATH.search(path) or (b"%" in path and not is_api):
            raise _path_refused()
        if is_api and method == "OPTIONS" and b"access-control-request-method" in seen:
            return self._preflight(scope, seen, host)
        allowed = _ASKING if is_api else _READING
        if method not in allowed:
            raise _method_refused(allowed)
        if method not in _READING:
            self._refuse_foreign(scope, seen, host)
        return None

    def _host(self, seen: _Seen) -> str:
        hosts = [value.decode("latin-1") for value in seen.get(b"host", ())]
        if len(hosts) != 1 or not self._hosts.allows(hosts[0]):
            raise _host_refused(hosts)
        return hosts[0]

    def _refuse_foreign(self, scope: Scope, seen: _Seen, host: str) -> None:
        """Refuse what another site's page sends: the browser adds our cookies to it unasked."""
        given = seen.get(b"origin")
        if given is not None:
            if len(given) != 1 or not self._is_welcome(given[0], scope, host):
                raise _origin_refused(given)
        elif any(value not in _NOT_FOREIGN for value in seen.get(b"sec-fetch-site", ())):
            raise _origin_refused([])

    def _is_welcome(self, origin: bytes, scope: Scope, host: str) -> bool:
        web = "https" if scope["scheme"] in _SECURE else "http"
        return is_own(origin, web, host) or self._origins.lists(origin)

    def _preflight(self, scope: Scope, seen: _Seen, host: str) -> ASGIApp:
        given = seen.get(b"origin", [])
        if len(given) != 1 or not self._is_welcome(given[0], scope, host):
            raise _origin_refused(given)
        response = Response(status_code=204)
        if self._origins.lists(given[0]):
            answered = {name for name, _ in self._origins.answer_headers(given[0])}
            response.raw_headers.extend(
                header
                for header in self._origins.preflight_headers(given[0])
                if header[0] not in answered  # those come with every answer
            )
        return response

    async def _socket(self, scope: Scope, receive: Receive, send: Send, seen: _Seen) -> None:
        """Hand a socket on if address, host and origin are right; browsers send an origin."""
        hosts = [value.decode("latin-1") for value in seen.get(b"host", ())]
        given = seen.get(b"origin", [])
        if (
            _raw_path(scope) not in SOCKETS
            or len(hosts) != 1
            or not self._hosts.allows(hosts[0])
            or len(given) > 1
            or (given and not self._is_welcome(given[0], scope, hosts[0]))
        ):
            if self._watch is not None:
                is_known = len(hosts) == 1 and self._hosts.allows(hosts[0])
                client = scope.get("client")
                self._watch.refused(
                    stranger_at(client[0] if client else ""),
                    _COME_IN,
                    _origin_refused(given) if is_known else _host_refused(hosts),
                    correlation="",
                    is_paid=False,
                )
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": ""})
            return
        scope.setdefault("state", {})[ORIGIN] = given[0].decode("latin-1") if given else ""
        await self._app(scope, receive, send)


def _raw_path(scope: Scope) -> bytes:
    """Return the path as it came over the wire: what the routes are found by."""
    raw: bytes | None = scope.get("raw_path")
    return scope["path"].encode() if raw is None else raw


def _only(seen: _Seen, name: bytes) -> bytes | None:
    values = seen.get(name, ())
    return values[0] if len(values) == 1 else None


def _is_this_machine(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _told(problem: Problem, exchange: Exchange) -> ASGIApp:
    """Return a refusal: as a problem for programs, as a sentence for who opened a page."""
    if _raw_path(exchange.scope).startswith(API):
        answer = problem_answer(problem, exchange.correlation)
        response = Response(answer.body, answer.status)
        response.raw_headers.extend(answer.headers)
        return response
    headers = {"Allow": ", ".join(problem.allowed)} if isinstance(problem, MethodNotAllowed) else {}
    return PlainTextResponse(f"{problem}\n", int(problem.status), headers)


def _host_refused(hosts: Sequence[str]) -> Unreadable:
    given = "none" if not hosts else " and ".join(repr(host[:_SHOWN]) for host in hosts[:2])
    return Unreadable(
        code="HOST_NOT_ALLOWED",
        cause=f"host {given} is not one this page answers to",
        fix="open it as http://localhost:PORT, or add the name to allowed_hosts in the settings"
        " (BOTCORE_ALLOWED_HOSTS) and restart",
    )


def _origin_refused(origins: Sequence[bytes]) -> OriginRefused:
    names = [repr(each[:_SHOWN].decode("latin-1")) for each in origins[:2]]
    given = " and ".join(names) or "of another site"
    return OriginRefused(
        code="ORIGIN_NOT_ALLOWED",
        cause=f"the origin {given} may not act here",
        fix="act from this server's own page, or add the origin to allowed_origins in the settings"
        " (BOTCORE_ALLOWED_ORIGINS) and restart; behind a TLS proxy, name it in trusted_proxies",
    )


def _method_refused(allowed: Sequence[str]) -> MethodNotAllowed:
    is_read = allowed is _READING
    problem = MethodNotAllowed(
        code="METHOD_NOT_ALLOWED",
        cause="this address can only be read" if is_read else "the API knows no such method",
        fix=f"use {' or '.join(allowed)}" + "; acts go to /api/v1, see /api/v1/docs" * is_read,
    )
    problem.allowed = allowed
    return problem


def _path_refused() -> Unreadable:
    return Unreadable(
        code="PATH_MALFORMED",
        cause="the path has an empty or a dot segment, a backslash, or an escape out of place",
        fix="write the path as /api/v1/docs shows it",
    )
