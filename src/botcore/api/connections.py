"""Bounds of a connection, below HTTP: how many, how large a head, how slow, how ambiguous.

uvicorn reads a head of any size for as long as it comes. Here a head has a size and an end, a body
a pace, an answer a reader, an address a number of connections; and what two parsers could read in
two ways (both lengths, a coding that is not plainly chunked) is refused and the connection closed.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Any, ClassVar, Final, cast

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from botcore.api.limits.payers import address_payer
from botcore.api.whole_answers import in_one_piece
from botcore.domain.errors import ConfigError

_REFUSALS: Final = {
    400: b"400 Bad Request",
    408: b"408 Request Timeout",
    431: b"431 Request Header Fields Too Large",
    503: b"503 Service Unavailable",
}
_ONCE: Final = frozenset({b"host", b"content-length", b"transfer-encoding", b"authorization"})


class ConnectionBounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much one connection, one address and all together may take; each above zero.

    Attributes:
        head_bytes: of a request line and its headers together.
        headers: how many of them.
        head_s: until a head is complete, from the connection or the head's first byte on.
        body_silence_s: grace for a body that does not come.
        body_bytes_s: the pace it must keep beyond that grace.
        answer_s: how long a reader may leave a full buffer untouched.
        pipelined: requests that may wait behind one another on a connection.
        per_address: connections of one address, sockets included.
        total: connections at all.
    """

    head_bytes: int = 16 * 1024
    headers: int = 100
    head_s: float = 10.0
    body_silence_s: float = 10.0
    body_bytes_s: int = 1_024
    answer_s: float = 30.0
    pipelined: int = 16
    per_address: int = 256
    total: int = 12_000

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if getattr(self, name) <= 0:
                raise ConfigError(
                    code="BOUND_REFUSED",
                    cause=f"bound {name} of connections is {getattr(self, name)}",
                    fix="give it a value above zero",
                )


class Connections:
    """How many connections there are, by address. Of one event loop.

    Args:
        bounds: most of them.
        is_unbounded: whether an address may have any number: this machine's, and that of a proxy
            behind which everybody has the same one.
    """

    def __init__(self, bounds: ConnectionBounds, *, is_unbounded: Callable[[str], bool]) -> None:
        self.bounds = bounds
        self._is_unbounded = is_unbounded
        self._open: Counter[str] = Counter()
        self._total = 0
        self.refused = 0
        """Connections that were turned away."""

    def __len__(self) -> int:
        """Return how many are open."""
        return self._total

    def enter(self, address: str) -> bool:
        """Count a connection in, and say whether it may stay; one that may not is not counted."""
        payer = address_payer(address)
        if self._total >= self.bounds.total or (
            self._open[payer] >= self.bounds.per_address and not self._is_unbounded(address)
        ):
            self.refused += 1
            return False
        self._open[payer] += 1
        self._total += 1
        return True

    def leave(self, address: str) -> None:
        """Count a connection out that was counted in."""
        payer = address_payer(address)
        self._total -= 1
        self._open[payer] -= 1
        if not self._open[payer]:
            del self._open[payer]


def bounded_http(connections: Connections) -> type[HttpToolsProtocol]:
    """Return uvicorn's protocol within bounds, for ``uvicorn.Config(http=…)``."""

    class BoundedHttp(_BoundedHttp):
        open_connections = connections

    return BoundedHttp


class _RefusedError(Exception):
    """A head is not taken; stops the parser."""


class _BoundedHttp(HttpToolsProtocol):
    """One connection. uvicorn makes it, and its parser calls the ``on_…`` methods."""

    open_connections: ClassVar[Connections]

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # uvicorn's own
        super().__init__(*args, **kwargs)
        self._bounds = self.open_connections.bounds
        self._address: str | None = None
        self._is_over = False
        self._status = 400
        self._reads_head = True
        self._reads_body = False
        self._heads = 0
        self._head_bytes = 0
        self._body_bytes = 0
        self._body_began = 0.0
        self._is_body_timer = False
        self._timer: asyncio.TimerHandle | None = None
        self._answer_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Take a connection, or turn it away."""
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        if not self.open_connections.enter(address):
            self._refuse(503)
            return
        self._address = address
        self._mind()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it out."""
        self._end_timers()
        if self._address is not None:
            self.open_connections.leave(self._address)
            self._address = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless a bound is passed."""
        if self._has_ended():
            return
        head = self._heads if self._reads_head else None
        super().data_received(data)
        if self._has_ended():
            return
        if self._reads_head and head == self._heads:
            # It went on through all of this; the parser keeps it, and tells what is complete.
            self._head_bytes += len(data)
            if self._head_bytes > self._bounds.head_bytes:
                self._refuse(431)
                return
        if self._is_idle():  # empty lines before a request stop uvicorn's timer for idle ones
            self._reads_head = True
        self._mind()

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._reads_head = True
        self._heads += 1
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """Refuse a head that is too large or could be read in two ways; else begin to answer."""
        self._reads_head = False
        size = len(self.url) + sum([len(name) + len(value) for name, value in self.headers])
        if size > self._bounds.head_bytes or len(self.headers) > self._bounds.headers:
            self._stop(431)
        if _is_ambiguous(self.headers, self.parser.get_http_version()):
            self._stop(400)
        if len(self.pipeline) >= self._bounds.pipelined:
            self._stop(503)
        self._reads_body = True
        self._body_bytes = 0
        self._body_began = self.loop.time()
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401  # uvicorn's own type of an application, which is not Starlette's
        whole: Any = in_one_piece(app, cycle)
        super()._start_asgi_task(cycle, whole)

    def on_body(self, body: bytes) -> None:
        """Count a part of the body in."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The body is there."""
        self._reads_body = False
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection on; it stays counted until the socket ends."""
        self._is_over = True
        self._end_timers()
        address, self._address = self._address, None
        base = self.ws_protocol_class
        if address is not None and base is not None:
            connections, leave = self.open_connections, _leaving(cast(Any, base))

            def made(**options: Any) -> asyncio.Protocol:  # uvicorn's own
                return leave(lambda: connections.leave(address), **options)

            self.ws_protocol_class = made  # type: ignore[assignment]  # uvicorn only calls it
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Say why a request cannot be read; nothing of it is repeated."""
        del msg
        self._refuse(self._status)

    def pause_writing(self) -> None:
        """Give whoever does not read a while."""
        super().pause_writing()
        self._answer_timer = self.loop.call_later(self._bounds.answer_s, self.transport.abort)

    def resume_writing(self) -> None:
        """They read."""
        super().resume_writing()
        if self._answer_timer is not None:
            self._answer_timer.cancel()
            self._answer_timer = None

    def _stop(self, status: int) -> None:
        """Stop the parser; uvicorn then calls `send_400_response`."""
        self._status = status
        raise _RefusedError

    def _answering(self) -> RequestResponseCycle | None:
        """Return the request that is being answered."""
        cycle = cast(RequestResponseCycle | None, self.cycle)  # None until the first request
        return None if cycle is None or cycle.response_complete else cycle

    def _has_ended(self) -> bool:
        return self._is_over or self.transport.is_closing()

    def _is_idle(self) -> bool:
        return (
            not self._reads_body
            and self._answering() is None
            and self.timeout_keep_alive_task is None
        )

    def _mind(self) -> None:
        """Keep the timer of what is read now, and none while nothing is."""
        if not (self._reads_head or self._reads_body):
            self._end_timer()
        elif self._timer is None or self._is_body_timer is self._reads_head:
            self._end_timer()
            self._is_body_timer = not self._reads_head
            if self._is_body_timer:
                self._timer = self.loop.call_later(self._bounds.body_silence_s, self._mind_body)
            else:
                self._timer = self.loop.call_later(self._bounds.head_s, self._refuse, 408)

    def _mind_body(self) -> None:
        """Refuse a body that came too slowly; while nobody here takes it, it may wait."""
        bounds, now = self._bounds, self.loop.time()
        if self.flow.read_paused:
            self._body_began, self._body_bytes = now, 0
        late_at = self._body_began + bounds.body_silence_s + self._body_bytes / bounds.body_bytes_s
        if now >= late_at:
            self._refuse(408)
        else:
            self._timer = self.loop.call_at(late_at, self._mind_body)

    def _refuse(self, status: int) -> None:
        """Say it, where no other answer is on its way, and close."""
        self._end_timer()
        if self._has_ended():
            return
        self._is_over = True
        answering = self._answering()
        if answering is None or not answering.response_started:
            line = _REFUSALS[status]
            self.transport.write(
                b"HTTP/1.1 %b\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n"
                b"connection: close\r\n\r\n%b\n" % (line, len(line) + 1, line)
            )
        self.transport.close()

    def _end_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end_timers(self) -> None:
        self._end_timer()
        if self._answer_timer is not None:
            self._answer_timer.cancel()
            self._answer_timer = None


def _is_ambiguous(headers: list[tuple[bytes, bytes]], version: str) -> bool:
    """Whether another parser could see another end of this request, or another host or caller."""
    seen = {}
    for name, value in headers:
        if name in _ONCE:
            if name in seen:
                return True
            seen[name] = value
    coding = seen.get(b"transfer-encoding")
    if coding is None:
        return False
    return coding.strip().lower() != b"chunked" or b"content-length" in seen or version != "1.1"


@lru_cache(maxsize=8)
def _leaving(base: Any) -> Callable[..., asyncio.Protocol]:  # noqa: ANN401  # a class, whichever
    """Return a protocol for sockets that says when it has ended."""

    class Leaving(base):  # type: ignore[misc]  # whichever library speaks to sockets
        def __init__(self, leave: Callable[[], None], **options: Any) -> None:  # uvicorn's own
            super().__init__(**options)
            self._leave = leave

        def connection_lost(self, exc: Exception | None) -> None:
            self._leave()
            super().connection_lost(exc)

    return Leaving
