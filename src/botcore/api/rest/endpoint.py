"""One operation at one path: from a call to a request, through control, to an answer.

In this order: the call's form, who calls, the budgets, the permission, the body, control. What a
stranger sends is not read before it is clear that strangers may send it.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any, Final

import msgspec
import structlog
from starlette.types import Receive, Scope, Send

from botcore.api.limits import Caller, caller_of
from botcore.api.rest.answering import Answering
from botcore.api.rest.bodies import CallerGoneError, read_json, refuse_body
from botcore.api.rest.caching import Fresh, grant_of
from botcore.api.rest.cookies import RefreshCookie, cleared, is_over
from botcore.api.rest.decoding import Decoder
from botcore.api.rest.exchange import Answer, Exchange, pairs_of, send_answer
from botcore.api.rest.problems import internal_error, problem_answer
from botcore.api.rest.shared import Shared
from botcore.control.access import stranger_at
from botcore.control.discretion import discreet
from botcore.control.dispatch import Told
from botcore.control.operations import Operation, Request, Upload
from botcore.control.problems import Problem, Unauthenticated
from botcore.domain.errors import BotError
from botcore.kernel.guard import Crashed, awaited

_NO_FILE = Upload(path="", size=0, sha256="")
_READ_KEPT: Final = 128
"""Requests without a body that are kept as they were read, of one path: many ask the same again."""
_KEPT_BYTES: Final = 256
"""Longer queries are read each time."""


class Endpoint:
    """Answers one operation at one path: an ASGI application.

    Args:
        shared: what it works with.
        operation, path: what it answers, and where.

    Raises:
        TypeError: the operation is declared as no route can be: a bug.
    """

    def __init__(self, shared: Shared, operation: Operation, path: str) -> None:
        self._shared = shared
        self._operation = operation
        self._decoder = Decoder(operation, path)
        self._cookie = RefreshCookie(operation)
        self._answering = Answering(operation)
        self._known = lru_cache(maxsize=_READ_KEPT)(self._read)
        if operation.cache_s > 0 and operation.is_act:
            raise TypeError(f"{operation.name} changes something: its answer cannot be kept")
        if operation.upload_max and shared.uploads is None:
            raise TypeError(f"{operation.name} takes a file, and there is nowhere to put it")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call, whatever happens."""
        shared = self._shared
        began = shared.clock.monotonic_ns()
        exchange = Exchange(scope)
        answer = await awaited(self._answered(exchange, receive))
        if isinstance(answer, Crashed):
            if isinstance(answer.error, CallerGoneError):
                return
            answer = self._crashed(exchange, answer.error)
        await send_answer(send, answer)
        if shared.rows is not None and not exchange.is_audited:
            shared.rows.accessed(
                exchange.actor,
                self._operation,
                status=answer.status,
                correlation=exchange.correlation,
                seconds=(shared.clock.monotonic_ns() - began) / 1e9,
                size=len(answer.body),
            )

    def _crashed(self, exchange: Exchange, error: Exception) -> Answer:
        self._shared.log.error(
            "request_failed",
            operation=self._operation.name,
            correlation_id=exchange.correlation,
            exc_info=(type(error), error, error.__traceback__),
        )
        return problem_answer(internal_error(exchange.correlation), exchange.correlation)

    async def _answered(self, exchange: Exchange, receive: Receive) -> Answer:
        try:
            caller = await self._recognised(exchange)
            with self._place_of(caller):
                await self._permit(exchange)
                return await self._carried_out(exchange, receive)
        except BotError as error:
            self._log_withheld(exchange, error)
            answer = problem_answer(error, exchange.correlation)
            headers = [*answer.headers, *exchange.budget]
            if isinstance(error, Unauthenticated) and (self._cookie.takes or is_over(error.code)):
                headers += cleared(exchange)
            return answer._replace(headers=headers)

    def _log_withheld(self, exchange: Exchange, error: BotError) -> None:
        """Log what a caller is not told of an error: the place, and what a driver said."""
        if discreet(error.cause) != error.cause or discreet(error.fix) != error.fix:
            self._shared.log.warning(
                "error",
                operation=self._operation.name,
                correlation_id=exchange.correlation,
                code=error.code,
                cause=error.cause,
                fix=error.fix,
            )

    async def _recognised(self, exchange: Exchange) -> Caller:
        """Find out who calls, and take the call from the budgets."""
        exchange.check()
        shared, operation = self._shared, self._operation
        refused: Unauthenticated | None = None
        try:
            exchange.actor = await shared.authenticate(_shown(exchange), exchange.address)
        except Unauthenticated as error:  # it pays all the same, as the stranger that it is
            refused = error
            exchange.actor = stranger_at(exchange.address)
        caller = caller_of(exchange.actor)
        if shared.limits is not None:
            decision = shared.limits.decide(
                caller,
                operation.route_class,
                cost=operation.cost,
                lowers_risk=operation.lowers_risk,
            )
            exchange.budget = decision.headers()
            if not decision.is_allowed:
                exchange.budget = exchange.budget[:-1]  # the refusal says itself when to come again
                raise decision.refusal()
        if refused is not None and operation.scope is not None:
            if shared.watch is not None:
                exchange.is_audited = True
                shared.watch.refused(
                    exchange.actor,
                    operation.name,
                    refused,
                    correlation=exchange.correlation,
                    is_paid=True,
                )
            raise refused
        return caller

    def _place_of(self, caller: Caller) -> AbstractContextManager[object]:
        """Return one of the places of what a caller may have running at a time."""
        limits = self._shared.limits
        if limits is None:
            return nullcontext()
        return limits.running(caller, lowers_risk=self._operation.lowers_risk)

    async def _permit(self, exchange: Exchange) -> None:
        """Refuse who may not ask."""
        try:
            await self._shared.control.permit(
                exchange.actor, self._operation.request, correlation=exchange.correlation
            )
        except Problem:
            exchange.is_audited = True
            raise

    async def _carried_out(self, exchange: Exchange, receive: Receive) -> Answer:
        operation, decoder = self._operation, self._decoder
        if operation.upload_max:
            return await self._taken_in(exchange, receive)
        if decoder.has_body:
            query = exchange.query()
            body = await read_json(
                exchange, receive, most=operation.body_max, times=self._shared.times
            )
            request = decoder.from_body(exchange.path_fields, query, body)
            request = self._cookie.filled(exchange, _with_origin(exchange, request))
            told = await self._told(exchange, request)
            encoded, headers = self._cookie.kept_back(exchange, request, told)
            return await self._answering.told(exchange, encoded, headers, was_known=told.was_known)
        refuse_body(exchange)
        request = self._asked(exchange)
        if operation.cache_s > 0:
            return await self._kept(exchange, request)
        told = await self._told(exchange, request)
        return await self._answering.told(exchange, told.encoded, was_known=told.was_known)

    def _asked(self, exchange: Exchange) -> Request[Any]:
        """Return the request of a call without a body: the same words make the same one."""
        query: bytes = exchange.scope["query_string"]
        read = self._known if len(query) <= _KEPT_BYTES else self._read
        return read(query, *exchange.path_fields.items())

    def _read(self, query: bytes, *path: tuple[str, str]) -> Request[Any]:
        return self._decoder.from_query(dict(path), pairs_of(query))

    async def _taken_in(self, exchange: Exchange, receive: Receive) -> Answer:
        uploads, most = self._shared.uploads, self._operation.upload_max
        assert uploads is not None, "refused when the route was made"
        request = self._decoder.from_query(exchange.path_fields, exchange.query(), upload=_NO_FILE)
        async with uploads.taken(exchange, receive, most=most) as upload:
            request = msgspec.structs.replace(request, upload=upload)
            told = await self._told(exchange, request)
        return await self._answering.told(exchange, told.encoded, was_known=told.was_known)

    async def _kept(self, exchange: Exchange, request: Request[Any]) -> Answer:
        operation = self._operation

        async def ask() -> Fresh:
            told = await self._told(exchange, request)
            longer_s = operation.cache_settled_s
            is_settled = bool(longer_s) and told.answer.is_settled
            return Fresh(told.encoded, longer_s if is_settled else operation.cache_s)

        key = (operation.name, grant_of(operation, exchange.actor), request)
        kept = await self._shared.cache.get(key, ask)
        return await self._answering.kept(exchange, kept)

    async def _told(self, exchange: Exchange, request: Request[Any]) -> Told:
        exchange.is_audited = self._operation.is_act
        # Each call has a task, and so a context, of its own: there is nothing to be put back.
        structlog.contextvars.bind_contextvars(correlation_id=exchange.correlation)
        told = await self._shared.control.tell(
            exchange.actor,
            request,
            correlation=exchange.correlation,
            confirmation=exchange.visible("confirmation-token"),
            idempotency_key=self._key_of(exchange),
        )
        if told.was_known:  # nothing was done this time: the audit has the first call alone
            exchange.is_audited = False
        return told

    def _key_of(self, exchange: Exchange) -> str:
        """Return the idempotency key; none where the answer is tokens, which are kept nowhere."""
        key = exchange.visible("idempotency-key")
        return "" if self._cookie.gives else key


def _with_origin(exchange: Exchange, request: Request[Any]) -> Request[Any]:
    """Return a request that has a field ``origin`` with what the browser says of it."""
    origin = exchange.headers.get("origin", "")
    if not origin or "origin" not in request.__struct_fields__:
        return request
    return msgspec.structs.replace(request, origin=origin)


def _shown(exchange: Exchange) -> Mapping[str, str]:
    """Return the headers without the cookie: it signs nobody in here (`RefreshCookie` takes it)."""
    if "cookie" not in exchange.headers:
        return exchange.headers
    return {name: value for name, value in exchange.headers.items() if name != "cookie"}
