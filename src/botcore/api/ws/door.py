"""The door of the WebSocket: from where, with which ticket, how many, and for how long.

Tickets come in the first frame or as a subprotocol, never in the address. The origin is checked to
the letter, here once more after the guard. Who is signed in is asked anew each minute and whenever
a session or key ends.
"""

import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import Iterable
from typing import Final

import msgspec
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import Message, Receive, Scope, Send

from botcore.api.cors import Origins, is_own
from botcore.api.limits import RateLimits, address_payer, caller_of
from botcore.api.rest.problems import problem_answer
from botcore.api.ws import connection as c
from botcore.api.ws import frames, refusals
from botcore.api.ws.connection import Connection, Ended, Ready
from botcore.api.ws.hub import Hub
from botcore.api.ws.ports import Living, SocketWatch, Tickets
from botcore.api.ws.protocol import WRITER, Writer, text_of
from botcore.api.ws.writing import Waker, outlet_of
from botcore.control.access import Actor, stranger_at
from botcore.control.operations import RouteClass
from botcore.control.problems import Problem, Unauthenticated
from botcore.control.schema.streams import (
    CHANNELS,
    FRAME_MAX,
    HEARTBEAT_S,
    SUBPROTOCOL,
    TICKET_PROTOCOL,
    SignIn,
)
from botcore.control.schema.values import instant
from botcore.domain.errors import BotError
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock

PATHS: Final = ("/api/v1/ws", "/ws")
_SECURE: Final = frozenset({"https", "wss"})
_LEFT: Final = 1000
_TICKS: Final = 4
_CLOSE_S: Final = 0.5


class SocketConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of sockets.

    Attributes:
        sign_in_s: how long a socket may be open without a ticket.
        heartbeat_s: how often each is told that it lives.
        recheck_s: how often who is signed in is asked anew.
        sockets_per_user: of one user at a time.
        sockets_max: of all.
        waiting_max: of those that have shown no ticket yet.
        waiting_per_address: of those, from one address: nobody keeps all others out.
    """

    sign_in_s: float = 5.0
    heartbeat_s: float = float(HEARTBEAT_S)
    recheck_s: float = 60.0
    sockets_per_user: int = 5
    sockets_max: int = 20_000
    waiting_max: int = 1_000
    waiting_per_address: int = 100


class _Place:
    """A connection and when it is looked after next, on the monotonic clock."""

    __slots__ = ("beat_at", "check_at", "connection")

    def __init__(self, connection: Connection, beat_at: int, check_at: int) -> None:
        self.connection = connection
        self.beat_at = beat_at
        self.check_at = check_at


class SocketDoor:
    """An ASGI application for WebSockets alone.

    Args:
        hub: has the channels.
        ready: sees to it that their state is there.
        tickets: are used up here.
        living: says who still may come in.
        origins: web sites that may come in beside the server's own.
        watch: is told what happens.
        clock: says when.
        limits: are paid by who is refused, so that nobody fills the audit with refusals; None
            bounds them not.
        config: bounds.
    """

    def __init__(
        self,
        *,
        hub: Hub[bytes],
        ready: Ready,
        tickets: Tickets,
        living: Living,
        watch: SocketWatch,
        clock: Clock,
        origins: Origins | None = None,
        limits: RateLimits | None = None,
        config: SocketConfig | None = None,
    ) -> None:
        self._hub = hub
        self._limits = limits
        self._ready = ready
        self._tickets = tickets
        self._living = living
        self._watch = watch
        self._clock = clock
        self._origins = origins or Origins()
        self._config = config or SocketConfig()
        self._places: dict[Connection, _Place] = {}
        self._users: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()
        self._is_closing = False

    def routes(self) -> list[BaseRoute]:
        """Return the routes that lead here."""
        return [WebSocketRoute(path, self) for path in PATHS]

    @property
    def sockets(self) -> int:
        """How many are signed in."""
        return len(self._places)

    async def run(self) -> None:
        """Send heartbeats and ask anew who is signed in, until it is cancelled."""
        shortest = min(self._config.heartbeat_s, self._config.recheck_s, _TICKS)
        while True:
            await self._clock.sleep(shortest / _TICKS)
            now = self._clock.monotonic_ns()
            for place in list(self._places.values()):
                self._look_after(place, now)

    def revoked(self, ended: str) -> None:
        """Close the sockets of a session or key that ended, and heed what it may no longer.

        Called on the event loop; never waits.
        """
        for connection in list(self._places):
            if connection.actor.session == ended:
                self._ask_again(connection)

    def close(self) -> None:
        """Close all sockets: the server stops. Clients come back."""
        self._is_closing = True
        for connection in list(self._places):
            connection.end(c.RESTARTING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket from its first to its last frame."""
        await receive()  # websocket.connect
        refusal = self._refusal(scope)
        if refusal is not None:
            await _turn_away(scope, send, self._noted(scope, refusal))
            return
        offered = scope.get("subprotocols", ())
        chosen = SUBPROTOCOL if SUBPROTOCOL in offered else None
        await send({"type": "websocket.accept", "subprotocol": chosen})
        payer = address_payer(_stranger(scope).address)
        self._waiting[payer] += 1
        try:
            actor = await self._sign_in(scope, receive)
        except Ended as ended:
            told = [] if ended.error is None else [frames.fault(ended.error).decode()]
            if ended.error is not None:
                self._noted(scope, ended.error)
            await _say_and_close(send, told, ended.code)
            return
        finally:
            self._waiting[payer] -= 1
            if not self._waiting[payer]:
                del self._waiting[payer]
        if actor is not None:
            await self._serve(actor, scope, receive, send)

    # Who comes in.

    def _refusal(self, scope: Scope) -> Problem | None:
        """Return why a socket is not opened at all."""
        if scope.get("query_string"):
            return refusals.ticket_in_address()
        if not self._is_welcome(scope):
            return refusals.foreign_origin(_headers(scope, b"origin"))
        is_full = len(self._places) >= self._config.sockets_max
        if self._is_closing or is_full or self._waiting.total() >= self._config.waiting_max:
            return refusals.full()
        most = self._config.waiting_per_address
        if self._waiting[address_payer(_stranger(scope).address)] >= most:
            return refusals.too_many_wait(most)
        return None

    def _noted(self, scope: Scope, refusal: BotError) -> BotError:
        """Have a refusal written down, and return what is told; one too many says only that."""
        stranger = _stranger(scope)
        if self._limits is not None:
            decision = self._limits.decide(caller_of(stranger), RouteClass.READ)
            if not decision.is_allowed:
                return decision.refusal()
        self._watch.refused(stranger, "stream.open", refusal)
        return refusal

    def _is_welcome(self, scope: Scope) -> bool:
        origins, hosts = _headers(scope, b"origin"), _headers(scope, b"host")
        if not origins:
            return True  # no browser: it cannot be made to come here by another site
        web = "https" if scope["scheme"] in _SECURE else "http"
        return (
            len(origins) == 1
            and len(hosts) == 1
            and (
                is_own(origins[0], web, hosts[0].decode("latin-1"))
                or self._origins.lists(origins[0])
            )
        )

    async def _sign_in(self, scope: Scope, receive: Receive) -> Actor | None:
        """Return who comes with a good ticket; None where the client left before.

        Raises:
            Ended: nobody does, or they have too many sockets.
        """
        ticket = _offered_ticket(scope)
        if not ticket:
            try:
                async with asyncio.timeout(self._config.sign_in_s):
                    message = await receive()
            except TimeoutError:
                raise Ended(c.NOT_SIGNED_IN, refusals.silent(self._config.sign_in_s)) from None
            if message["type"] == "websocket.disconnect":
                return None
            ticket = _first_frame(message)
        origins = _headers(scope, b"origin")
        try:
            shown = self._tickets.take(ticket, origins[0].decode("latin-1") if origins else "")
        except Unauthenticated as error:
            raise Ended(c.NOT_SIGNED_IN, error) from error
        actor = self._living.again(shown)
        if actor is None:
            raise Ended(c.NOT_SIGNED_IN, refusals.session_ended())
        if self._users[_user(actor)] >= self._config.sockets_per_user:
            raise Ended(c.TOO_MANY, refusals.too_many(self._config.sockets_per_user))
        return actor

    # Who is in.

    async def _serve(self, actor: Actor, scope: Scope, receive: Receive, send: Send) -> None:
        async def write(frame: bytes) -> None:
            await send({"type": "websocket.send", "text": text_of(frame)})

        waker = Waker()
        ending = _Ending()
        connection = Connection(
            actor,
            hub=self._hub,
            ready=self._ready,
            woken=waker,
            on_end=ending,
            refused=self._watch.refused,
            clock=self._clock,
        )
        writer: Writer | None = scope.get("extensions", {}).get(WRITER)
        outlet = outlet_of(writer, write, connection.subscriber)
        waker.wake(outlet)
        self._enter(connection)
        try:
            async with ending.limit:
                await self._read(connection, receive)
        except TimeoutError:
            pass  # it was ended from here
        finally:
            self._leave(connection)
            await outlet.stop()
        if connection.ended_with is not None:
            told = [text_of(frame) for frame in connection.subscriber.take()]
            is_closed = await _say_and_close(send, told, connection.ended_with)
            if not is_closed and writer is not None:
                writer.cut()

    async def _read(self, connection: Connection, receive: Receive) -> None:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                if message.get("text") is None:
                    raise Ended(c.BINARY)
                await connection.hear(message["text"])
            except Ended as ended:
                connection.end(ended.code, ended.error)
                return

    def _enter(self, connection: Connection) -> None:
        now = self._clock.monotonic_ns()
        self._places[connection] = _Place(
            connection,
            beat_at=now + round(self._config.heartbeat_s * SECOND_NS),
            check_at=now + round(self._config.recheck_s * SECOND_NS),
        )
        self._users[_user(connection.actor)] += 1
        actor = connection.actor
        connection.subscriber.tell(
            frames.welcome(
                actor.name,
                time=instant(self._clock.now_ns()),
                channels=[spec.name for spec in CHANNELS.values() if actor.may(spec.scope)],
                heartbeat_s=self._config.heartbeat_s,
            )
        )
        self._watch.opened(actor)

    def _leave(self, connection: Connection) -> None:
        self._hub.leave(connection.subscriber)
        del self._places[connection]
        user = _user(connection.actor)
        self._users[user] -= 1
        if not self._users[user]:
            del self._users[user]
        self._watch.closed(connection.actor, connection.ended_with or _LEFT)

    def _look_after(self, place: _Place, now: int) -> None:
        connection = place.connection
        if connection.subscriber.is_stuck:
            connection.end(c.STUCK)
        if now >= place.beat_at:
            place.beat_at = now + round(self._config.heartbeat_s * SECOND_NS)
            connection.beat()
        if now >= place.check_at:
            place.check_at = now + round(self._config.recheck_s * SECOND_NS)
            self._ask_again(connection)

    def _ask_again(self, connection: Connection) -> None:
        actor = self._living.again(connection.actor)
        if actor is None:
            connection.end(c.NOT_SIGNED_IN, refusals.session_ended())
        elif actor.scopes != connection.actor.scopes:
            connection.become(actor)


class _Ending:
    """Wakes who reads a socket when it is ended from here."""

    def __init__(self) -> None:
        self.limit = asyncio.timeout(None)

    def __call__(self) -> None:
        """End the reading; nothing where that is over."""
        with contextlib.suppress(RuntimeError):
            self.limit.reschedule(asyncio.get_running_loop().time())


async def _say_and_close(send: Send, told: Iterable[str], code: int) -> bool:
    """Say the last, and close; False if the client takes neither."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_CLOSE_S):
            for text in told:
                await send({"type": "websocket.send", "text": text})
            await send({"type": "websocket.close", "code": code, "reason": ""})
            return True
    return False


def _offered_ticket(scope: Scope) -> str:
    for protocol in scope.get("subprotocols", ()):
        if protocol.startswith(TICKET_PROTOCOL):
            return str(protocol.removeprefix(TICKET_PROTOCOL))
    return ""


def _first_frame(message: Message) -> str:
    text = message.get("text") or ""
    if len(text) > FRAME_MAX:
        raise Ended(c.TOO_LONG)
    try:
        return msgspec.json.decode(text, type=SignIn).ticket
    except (msgspec.MsgspecError, UnicodeError):
        raise Ended(c.NOT_SIGNED_IN, refusals.no_ticket()) from None


async def _turn_away(scope: Scope, send: Send, problem: BotError) -> None:
    """Answer the request for a socket with a problem, where the server can; else refuse it."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
        return
    answer = problem_answer(problem, f"ws-{secrets.token_hex(8)}")
    start = {"status": answer.status, "headers": list(answer.headers)}
    await send({"type": "websocket.http.response.start", **start})
    await send({"type": "websocket.http.response.body", "body": answer.body})


def _headers(scope: Scope, name: bytes) -> list[bytes]:
    return [value for key, value in scope["headers"] if key == name]


def _stranger(scope: Scope) -> Actor:
    client = scope.get("client")
    return stranger_at(client[0] if client else "")


def _user(actor: Actor) -> str:
    return actor.user or actor.name
