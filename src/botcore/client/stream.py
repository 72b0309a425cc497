"""The WebSocket from a client's side: connected again and again, and always with the whole state.

``async with Stream(url, ticket=ask_for_one) as stream:``
``    await stream.subscribe("orders")``
``    async for event in stream.events():``
``        print(event, stream.state("orders"))``
"""

import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import aiohttp
import msgspec

from botcore.client.folding import Change, ChannelState, Frame, Hole, read_frame
from botcore.control.problems import Unavailable
from botcore.control.schema.streams import (
    CLOSES,
    HEARTBEAT_S,
    SUBPROTOCOL,
    ClientFrame,
    FaultData,
    Filter,
    HeartbeatData,
    SignIn,
    Subscribe,
    Unsubscribe,
    WelcomeData,
)
from botcore.kernel.clock import Clock, SystemClock

_FINE: Final = 1_000
_SILENCE_S: Final = 2.5 * HEARTBEAT_S
_FRAME_MAX: Final = 16 * 1024 * 1024
_CLOSE_S: Final = 2.0
_CLOSED: Final = {1006: "the connection broke", **CLOSES}


class Reconnecting(msgspec.Struct, frozen=True, kw_only=True):
    """How long to wait before connecting again: twice as long each time, half of it chance.

    Attributes:
        first_s, longest_s: the contract's 1 and 30 seconds.
    """

    first_s: float = 1.0
    longest_s: float = 30.0

    def wait_s(self, attempt: int) -> float:
        """Return the wait before a try, counted from 0."""
        chance = (1.0 + secrets.randbelow(_FINE) / _FINE) / 2.0
        return float(min(self.longest_s, self.first_s * 2.0 ** min(attempt, 30)) * chance)


class Connected(NamedTuple):
    """Signed in; subscriptions follow."""

    actor: str


class Disconnected(NamedTuple):
    """The connection ended; it is tried again in `wait_s` seconds."""

    cause: str
    wait_s: float


class Restated(NamedTuple):
    """A channel's state was read whole."""

    channel: str


class Refused(NamedTuple):
    """The server refused something, a subscription for example."""

    fault: FaultData


Event = Change | Restated | Connected | Disconnected | Refused


class Stream:
    """One WebSocket that is kept up. Use it as a context, and read `events`.

    Args:
        url: of the server: ``https://bot.example`` or ``http://127.0.0.1:8080``.
        ticket: asks the server for a ticket; called before each connection.
        origin: what a browser would send; the ticket must have been asked for with the same.
        reconnecting: waits between tries.
        clock: waits.
    """

    def __init__(
        self,
        url: str,
        *,
        ticket: Callable[[], Awaitable[str]],
        origin: str | None = None,
        reconnecting: Reconnecting | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._url = url.rstrip("/") + "/api/v1/ws"
        self._ticket = ticket
        self._origin = origin
        self._reconnecting = reconnecting or Reconnecting()
        self._clock = clock or SystemClock()
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._is_signed_in = False
        self._filters: dict[str, Filter] = {}
        self._states: dict[str, ChannelState] = {}
        self._attempt = 0
        self.connections = 0
        """How often it has signed in."""

    async def __aenter__(self) -> Self:
        """Make ready; nothing is connected before `events` is read."""
        self._session = aiohttp.ClientSession(trust_env=False)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hang up."""
        await self._hang_up()
        if self._session is not None:
            await self._session.close()

    async def subscribe(self, channel: str, *, instruments: Iterable[str] = ()) -> None:
        """Want a channel from now on, over every connection.

        Args:
            channel: its name.
            instruments: only what is about them; empty is all.
        """
        self._filters[channel] = Filter(instruments=tuple(instruments))
        self._states[channel] = ChannelState(channel)
        await self._ask_for(channel)

    async def unsubscribe(self, channel: str) -> None:
        """Want a channel no more; its state is forgotten."""
        if self._filters.pop(channel, None) is not None:
            del self._states[channel]
            await self._say(Unsubscribe(channel=channel))

    def state(self, channel: str) -> Mapping[tuple[str, str], Any]:
        """Return a channel's state: messages by type and key.

        Raises:
            KeyError: it is not subscribed to.
        """
        return self._states[channel].items

    def seq(self, channel: str) -> int | None:
        """Return the number one has of a channel; None while its state is not whole.

        Raises:
            KeyError: it is not subscribed to.
        """
        return self._states[channel].seq

    async def events(self) -> AsyncIterator[Event]:
        """Yield what happens, for ever, over as many connections as it takes.

        Raises:
            Unauthenticated: the server gives out no ticket: sign in again.
        """
        while True:
            try:
                socket = await self._connect()
                async for message in socket:
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        break
                    for event in await self._take(read_frame(message.data)):
                        yield event
                cause = _CLOSED.get(socket.close_code or 0, f"closed with {socket.close_code}")
            except (aiohttp.ClientError, Unavailable, TimeoutError, OSError) as error:
                cause = str(error) or type(error).__name__
            except msgspec.MsgspecError as error:
                cause = f"the server said what is no frame: {error}"
            await self._hang_up()
            wait_s = self._reconnecting.wait_s(self._attempt)
            self._attempt += 1
            yield Disconnected(cause, wait_s)
            await self._clock.sleep(wait_s)

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        if self._session is None:
            raise RuntimeError("use the stream as a context: async with Stream(…) as stream")
        ticket = await self._ticket()
        self._socket = await self._session.ws_connect(
            self._url,
            protocols=(SUBPROTOCOL,),
            origin=self._origin,
            max_msg_size=_FRAME_MAX,
            timeout=aiohttp.ClientWSTimeout(ws_receive=_SILENCE_S, ws_close=_CLOSE_S),
        )
        await self._socket.send_str(msgspec.json.encode(SignIn(ticket=ticket)).decode())
        return self._socket

    async def _take(self, frame: Frame) -> list[Event]:
        match frame.type:
            case "welcome":
                self._attempt = 0
                self.connections += 1
                self._is_signed_in = True
                for channel in self._filters:
                    await self._ask_for(channel)
                return [Connected(msgspec.json.decode(frame.data, type=WelcomeData).actor)]
            case "heartbeat":
                beat = msgspec.json.decode(frame.data, type=HeartbeatData)
                for channel, seq in beat.seq.items():
                    await self._mend_if_off(channel, seq)
                return []
            case "error":
                return [Refused(msgspec.json.decode(frame.data, type=FaultData))]
            case _:
                pass  # of a channel
        state = self._states.get(frame.channel)
        if state is None:
            return []
        try:
            changes = state.fold(frame)
        except Hole:
            await self._mend(state)
            return []
        return [Restated(frame.channel)] if changes is None else [*changes]

    async def _mend_if_off(self, channel: str, seq: int) -> None:
        state = self._states.get(channel)
        if state is not None and state.seq not in (None, seq):
            await self._mend(state)

    async def _mend(self, state: ChannelState) -> None:
        state.seq = None
        await self._ask_for(state.channel)

    async def _ask_for(self, channel: str) -> None:
        await self._say(
            Subscribe(
                channel=channel,
                since_seq=self._states[channel].seq,
                filter=self._filters[channel],
            )
        )

    async def _say(self, frame: ClientFrame) -> None:
        """Send a frame if signed in; else what is wanted is said after the next welcome."""
        if self._socket is not None and self._is_signed_in:
            with contextlib.suppress(aiohttp.ClientError, ConnectionError):  # reading notices too
                await self._socket.send_str(msgspec.json.encode(frame).decode())

    async def _hang_up(self) -> None:
        self._is_signed_in = False
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()
