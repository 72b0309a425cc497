"""One WebSocket to Binance's market streams: opened, subscribed, watched and closed.

Pings are answered with their payload. The venue drops a client that sends more than 5 messages a
second, pongs included, or asks for more than 1,024 streams: requests are paced below that.
"""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from picows import (
    WSCloseCode,
    WSError,
    WSFrame,
    WSHandshakeError,
    WSListener,
    WSMsgType,
    WSTransport,
    ws_connect,
)

from botcore.domain.errors import ConfigError, VenueError
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock
from botcore.kernel.guard import Crashed, guarded
from botcore.venues.live.binance import refusals
from botcore.venues.live.binance.messages import AnswerMessage

STREAM_URL: Final = "wss://stream.binance.com:9443"
STREAMS_MAX: Final = 1_024
_STREAMS_A_REQUEST: Final = 200
_PACE_S: Final = 0.3
"""Between two requests: 3.3 a second, which leaves room for pongs below the limit of 5."""
_POLL_S: Final = 0.02
_FRAME_MAX: Final = 4 * 1024 * 1024

TakeFrame = Callable[[bytes], None]


class Connection(WSListener):
    """A connection; made by `connect`.

    Args:
        take: called with each text frame, on the event loop.
        clock: measures silence and age.

    Attributes:
        crash: what `take` raised; the connection is closed then.
        opened_ns, heard_ns: monotonic instants of the handshake and of the last frame.
        frames: how many text frames came.
    """

    def __init__(self, take: TakeFrame, *, clock: Clock) -> None:
        self._take = take
        self._clock = clock
        self._transport: WSTransport | None = None
        self._parts = bytearray()
        self._requests = itertools.count(1)
        self._answers: dict[int, AnswerMessage] = {}
        self._is_closed = False
        self.closed_because = ""
        self.crash: Exception | None = None
        self.opened_ns = self.heard_ns = clock.monotonic_ns()
        self.frames = 0

    # --- what picows calls

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Take note that the handshake is done."""
        self._transport = transport
        self.opened_ns = self.heard_ns = self._clock.monotonic_ns()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take a frame: data, a ping or the end."""
        self.heard_ns = self._clock.monotonic_ns()
        kind = frame.msg_type
        if kind is WSMsgType.TEXT and frame.fin:
            self._deliver(frame.get_payload_as_bytes())
        elif kind is WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif kind is WSMsgType.CLOSE:
            told = frame.get_close_message() or b""
            code = frame.get_close_code()
            self._closed(f"the server closed it ({code.name}) {told.decode('utf-8', 'replace')}")
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()
        elif kind is not WSMsgType.PONG:
            self._assemble(frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Take note of the end."""
        del transport
        self._closed("the connection broke off")

    # --- what its owner calls

    @property
    def is_closed(self) -> bool:
        """Whether nothing more will come."""
        return self._is_closed

    def silent_s(self) -> float:
        """How long nothing came, neither data nor a ping, seconds."""
        return (self._clock.monotonic_ns() - self.heard_ns) / SECOND_NS

    def age_s(self) -> float:
        """How long ago the handshake was, seconds."""
        return (self._clock.monotonic_ns() - self.opened_ns) / SECOND_NS

    async def subscribe(self, streams: Sequence[str], *, timeout_s: float = 5.0) -> None:
        """Ask for streams (``btcusdt@trade``) and wait until the venue agreed to all.

        Raises:
            ConfigError: they are more than one connection may have.
            VenueError: the venue refused, did not answer in time, or closed.
        """
        if len(streams) > STREAMS_MAX:
            raise ConfigError(
                code="STREAMS_TOO_MANY",
                cause=f"{len(streams)} streams are asked for, one connection has {STREAMS_MAX}",
                fix="follow fewer instruments",
            )
        await self._request("SUBSCRIBE", streams, timeout_s)

    async def resubscribe(self, streams: Sequence[str], *, timeout_s: float = 5.0) -> None:
        """Give streams up and ask for them again: they were silent (trap E60).

        Raises:
            VenueError: as `subscribe`.
        """
        await self._request("UNSUBSCRIBE", streams, timeout_s)
        await self._clock.sleep(_PACE_S)
        await self._request("SUBSCRIBE", streams, timeout_s)

    def answered(self, answer: AnswerMessage) -> None:
        """Take the venue's answer to a request."""
        if isinstance(answer.id, int):
            self._answers[answer.id] = answer

    def close(self, reason: str) -> None:
        """Close it; nothing more is delivered."""
        self._closed(reason)
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    async def shut(self, reason: str) -> None:
        """Close it, and wait until its socket is."""
        self.close(reason)
        if self._transport is not None:
            await self._transport.wait_disconnected()

    # --- inside

    async def _request(self, method: str, streams: Sequence[str], timeout_s: float) -> None:
        asked: list[int] = []
        for first in range(0, len(streams), _STREAMS_A_REQUEST):
            if asked:
                await self._clock.sleep(_PACE_S)
            number = next(self._requests)
            asked.append(number)
            names = list(streams[first : first + _STREAMS_A_REQUEST])
            self._send({"method": method, "params": names, "id": number})
        began = self._clock.monotonic_ns()
        while not self._is_closed and not self._answers.keys() >= set(asked):
            if self._clock.monotonic_ns() - began > timeout_s * SECOND_NS:
                raise refusals.timed_out(method, timeout_s)
            await self._clock.sleep(_POLL_S)
        if self._is_closed:
            raise refusals.unreachable(method, self.closed_because)
        for number in asked:
            answer = self._answers.pop(number)
            if answer.code is not None:
                raise refusals.refused(method, answer.code, answer.msg)

    def _send(self, request: object) -> None:
        if self._transport is not None and not self._is_closed:
            self._transport.send(WSMsgType.TEXT, msgspec.json.encode(request))

    def _deliver(self, payload: bytes) -> None:
        if self._is_closed:
            return
        self.frames += 1
        outcome = guarded(self._take, payload)
        if isinstance(outcome, Crashed):
            self.crash = outcome.error
            self.close(outcome.summary)

    def _assemble(self, frame: WSFrame) -> None:
        """Put a message together that came in parts; one in binary is handed on as it is."""
        self._parts += frame.get_payload_as_bytes()
        if len(self._parts) > _FRAME_MAX:
            self.close(f"a message of more than {_FRAME_MAX} bytes")
        elif frame.fin:
            payload = bytes(self._parts)
            self._parts.clear()
            self._deliver(payload)

    def _closed(self, reason: str) -> None:
        if not self._is_closed:
            self._is_closed = True
            self.closed_because = reason


async def connect(
    take: TakeFrame, *, url: str = STREAM_URL, clock: Clock, timeout_s: float = 5.0
) -> Connection:
    """Open a connection to the combined streams, with none subscribed.

    Args:
        take: called with each text frame, on the event loop.
        url: scheme, host and port.
        clock: measures silence and age.
        timeout_s: how long TCP, TLS and the handshake may take together, seconds.

    Raises:
        VenueError: there is no connection, and why.
    """
    opening = asyncio.ensure_future(
        ws_connect(
            lambda: Connection(take, clock=clock),
            f"{url.rstrip('/')}/stream",
            websocket_handshake_timeout=timeout_s,
            enable_auto_pong=False,  # a ping is a sign of life: it is seen, then answered
            max_frame_size=_FRAME_MAX,
        )
    )
    try:
        await asyncio.wait([opening], timeout=timeout_s)
    except asyncio.CancelledError:
        await _abandon(opening, timeout_s)
        raise
    if not opening.done():
        opening.cancel()
        raise refusals.timed_out(url, timeout_s)
    try:
        connection = opening.result()[1]
    except TimeoutError as error:
        raise refusals.timed_out(url, timeout_s) from error
    except WSHandshakeError as error:
        raise _refused(url, error) from error
    except (OSError, WSError) as error:
        raise refusals.unreachable(url, str(error)) from error
    assert isinstance(connection, Connection)
    return connection


async def _abandon(
    opening: "asyncio.Future[tuple[WSTransport, WSListener]]", timeout_s: float
) -> None:
    """Let a handshake end that nobody wants any more: cancelled, it would not close its socket."""
    await asyncio.wait([opening], timeout=timeout_s)
    if not opening.done():
        opening.cancel()
    elif opening.exception() is None:
        connection = opening.result()[1]
        assert isinstance(connection, Connection)
        await connection.shut("nobody wants it any more")


def _refused(url: str, error: WSHandshakeError) -> VenueError:
    if error.response is None:
        return refusals.unreadable(url, str(error))
    status = int(error.response.status)
    return refusals.of_status(status, url) or refusals.unreachable(url, f"it answered {status}")
