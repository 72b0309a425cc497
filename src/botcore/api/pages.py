"""Pages that are only read: who may see them, and what happens when one cannot be drawn."""

from collections.abc import Awaitable, Callable, Coroutine
from http import HTTPStatus
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from botcore.api.limits import RateLimits
from botcore.api.ports import Authenticator, EdgeWatch
from botcore.api.rest.exchange import Exchange
from botcore.api.rest.problems import problem_answer
from botcore.api.rest.routing import Public, Route, Shown
from botcore.control.access import Actor, ActorKind, stranger_at
from botcore.control.problems import Forbidden, Problem, Unauthenticated
from botcore.kernel.clock import Clock, SystemClock
from botcore.kernel.guard import Crashed, awaited

Draw = Callable[[Request], Awaitable[Response]]
_Answered = Callable[[Request, Draw, Public | Shown], Coroutine[None, None, Response]]
_HTML: Final = "text/html"
_ACTOR: Final = "actor"
_EXCHANGE: Final = "exchange"
_PERSON: Final = "person:"
_READ: Final = "page.read"


class Pages:
    """Makes routes of pages.

    Args:
        authenticate: says who calls, by cookie too; None lets everybody see every page.
        sign_in: draws what a stranger sees who opens a page in a browser.
        limits: are paid from by the address a page is read at; None for none.
        watch: is told what was read, and who was refused; None for nobody.
        clock: times the answers.
    """

    def __init__(
        self,
        authenticate: Authenticator | None = None,
        *,
        sign_in: Draw | None = None,
        limits: RateLimits | None = None,
        watch: EdgeWatch | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._watch = watch
        self._clock = clock or SystemClock()
        self._authenticate = authenticate
        self._sign_in = sign_in
        self._limits = limits
        self._log = structlog.get_logger("api")

    def route(self, path: str, draw: Draw, rule: Public | Shown) -> Route:
        """Return the route of a page.

        Args:
            path: a whole one.
            draw: makes the answer.
            rule: who may see it.
        """
        app = self._app(self._paid, draw, rule)
        return Route(("GET",), path, app if self._watch is None else self._seen(app, path), rule)

    def probe(self, path: str, draw: Draw, rule: Public) -> Route:
        """Return the route of a probe: it is always answered, and pays from no budget."""
        return Route(("GET",), path, self._app(self._answered, draw, rule), rule)

    def _app(self, answered: _Answered, draw: Draw, rule: Public | Shown) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive)
            response = await awaited(answered(request, draw, rule))
            if isinstance(response, Crashed):
                error = response.error
                self._log.error(
                    "request_failed", exc_info=(type(error), error, error.__traceback__)
                )
                response = PlainTextResponse(
                    "the page could not be drawn; see the log\n",
                    HTTPStatus.INTERNAL_SERVER_ERROR,
                )
            await response(scope, receive, send)

        return answer

    def _seen(self, app: ASGIApp, path: str) -> ASGIApp:
        """Return a page that has a row of the access log for each time it is asked for."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            began, status, size = self._clock.monotonic_ns(), 0, 0

            async def send_seen(message: Message) -> None:
                nonlocal status, size
                if message["type"] == "http.response.start":
                    status = message["status"]
                else:
                    size += len(message.get("body", b""))
                await send(message)

            exchange = scope.setdefault("state", {})[_EXCHANGE] = Exchange(scope)
            await app(scope, receive, send_seen)
            assert self._watch is not None, "it is looked at where the route is made"
            self._watch.shown(
                scope["state"].get(_ACTOR, stranger_at(exchange.address)),
                method=exchange.method,
                route=path,
                status=status,
                correlation=exchange.correlation,
                seconds=(self._clock.monotonic_ns() - began) / 1e9,
                size=size,
            )

        return answer

    async def _paid(self, request: Request, draw: Draw, rule: Public | Shown) -> Response:
        """Answer if the budget of the address allows it: looking up who reads costs a lot more."""
        if self._limits is None:
            return await self._answered(request, draw, rule)
        exchange = _exchange_of(request)
        decision = self._limits.decide_page(exchange.address)
        if decision.is_allowed:
            response = await self._answered(request, draw, rule)
        elif _is_browser(exchange):
            response = PlainTextResponse(f"{decision.refusal()}\n", HTTPStatus.TOO_MANY_REQUESTS)
        else:
            response = _told(decision.refusal(), exchange)
        known = {name for name, _ in response.raw_headers}
        response.raw_headers.extend(each for each in decision.headers() if each[0] not in known)
        return response

    async def _answered(self, request: Request, draw: Draw, rule: Public | Shown) -> Response:
        if isinstance(rule, Public) or self._authenticate is None:
            return await draw(request)
        exchange = _exchange_of(request)
        try:
            actor = await self._authenticate(exchange.headers, exchange.address)
        except Unauthenticated as problem:  # what is shown is wrong, or has ended
            self._refused(stranger_at(exchange.address), problem, exchange)
            return await self._strange(request, problem, exchange)
        setattr(request.state, _ACTOR, actor)
        try:
            _refuse_unless_allowed(actor, rule)
        except Unauthenticated as problem:
            return await self._strange(request, problem, exchange)
        except Problem as problem:
            self._refused(actor, problem, exchange)
            return _told(problem, exchange)
        return await draw(request)

    async def _strange(self, request: Request, problem: Problem, exchange: Exchange) -> Response:
        """Answer somebody who has not signed in."""
        if self._sign_in is not None and _is_browser(exchange):
            return await self._sign_in(request)
        return _told(problem, exchange)

    def _refused(self, actor: Actor, problem: Problem, exchange: Exchange) -> None:
        if self._watch is not None:
            self._watch.refused(
                actor, _READ, problem, correlation=exchange.correlation, is_paid=False
            )


def _exchange_of(request: Request) -> Exchange:
    """Return the call that a page answers: one, so that its id is one."""
    found = getattr(request.state, _EXCHANGE, None)
    return found if isinstance(found, Exchange) else Exchange(request.scope)


def _is_browser(exchange: Exchange) -> bool:
    return _HTML in exchange.headers.get("accept", "")


def person_in(actor: Actor) -> str:
    """Return the username of a person who is signed in; empty for programs and strangers."""
    return actor.name.removeprefix(_PERSON) if actor.kind is ActorKind.PERSON else ""


def reader_of(request: Request) -> str:
    """Return the username of the person who reads a page; empty where it is none."""
    actor = getattr(request.state, _ACTOR, None)
    return "" if actor is None else person_in(actor)


def _refuse_unless_allowed(actor: Actor, rule: Shown) -> None:
    if not actor.scopes:
        raise Unauthenticated(
            code="NOT_SIGNED_IN",
            cause="this page needs a session or a key",
            fix="sign in: `./bot open` makes a link; programs send `Authorization: Bearer bck_…`",
        )
    if rule.scope is not None and not actor.may(rule.scope):
        raise Forbidden(
            code="NOT_ALLOWED",
            cause=f"this page needs the scope {rule.scope}",
            fix="ask the owner of this server for a role or a key that has it",
            details={"scope": rule.scope},
        )


def _told(problem: Problem, exchange: Exchange) -> Response:
    answer = problem_answer(problem, exchange.correlation)
    response = Response(answer.body, answer.status)
    response.raw_headers.extend(answer.headers)
    return response
