"""Binance's market streams, kept alive: one connection, another when it breaks, two at a change.

A connection that is silent for too long is half open and is dropped (trap E60). Before the venue's
cut after 24 hours, and when it says that a server shuts down, the next connection is opened beside
the old one and both deliver for a while: the receiver drops what comes twice by its ids (E62).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from botcore.domain.errors import VenueError
from botcore.domain.ids import SECOND_NS
from botcore.kernel.backoff import Backoff, Uniform
from botcore.kernel.clock import Clock
from botcore.venues.live.binance.connection import STREAM_URL, Connection, TakeFrame, connect
from botcore.venues.live.binance.messages import (
    AnswerMessage,
    Message,
    ShutdownMessage,
    Unknown,
    Unparsable,
)
from botcore.venues.live.binance.parsing import decode

_DAY_S: Final = 86_400.0
_BACKOFF: Final = Backoff(base_s=0.5, cap_s=60.0)
_TICK_S: Final = 0.1
"""How often a connection is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamConfig:
    """How the connection is kept.

    Attributes:
        url: scheme, host and port.
        silence_max_s: nothing heard for so long, not even a ping: the connection is half open.
        lifetime_s: the next connection is opened when one is so old; the venue cuts it at 24 h.
        overlap_s: how long both deliver.
        settled_s: a connection that lived so long begins the waits between tries anew.
        timeout_s: of a handshake, and of an answer to a subscription.
        backoff: between tries.
    """

    url: str = STREAM_URL
    silence_max_s: float = 10.0
    lifetime_s: float = _DAY_S - 1_800.0
    overlap_s: float = 10.0
    settled_s: float = 30.0
    timeout_s: float = 5.0
    backoff: Backoff = _BACKOFF


@dataclass(slots=True)
class StreamCounters:
    """What came since the start."""

    messages: int = 0
    unparsable: int = 0
    unknown: int = 0
    connections: int = 0
    breaks: int = 0
    handovers: int = 0


class Receiver(Protocol):
    """Who the streams deliver to; every call is made on the event loop."""

    def connected(self) -> None:
        """Take note that data flows again, after a hole: nothing before it was delivered."""
        ...

    def disconnected(self, error: VenueError) -> None:
        """Take note that no data flows, and why; also of each try that failed."""
        ...

    def received(self, message: Message) -> None:
        """Take a message; also `Unknown` and `Unparsable` ones, which are counted already."""
        ...


Connect = Callable[[TakeFrame], Awaitable[Connection]]


class MarketStreams:
    """Keeps streams coming until cancelled.

    Args:
        streams: their names, ``btcusdt@trade``.
        receiver: takes what comes.
        clock: the only source of time.
        rng: draws the waits between tries.
        config: how the connection is kept.
        open_connection: makes one; `connect` unless a test brings its own.
    """

    def __init__(
        self,
        streams: Sequence[str],
        *,
        receiver: Receiver,
        clock: Clock,
        rng: Uniform,
        config: StreamConfig,
        open_connection: Connect | None = None,
    ) -> None:
        self._streams = tuple(streams)
        self._receiver = receiver
        self._clock = clock
        self._rng = rng
        self._config = config
        self._open_connection = open_connection or self._connect
        self._current: Connection | None = None
        self._is_shutting_down = False
        self.counters = StreamCounters()

    async def run(self) -> None:
        """Connect, deliver, and connect again, until cancelled.

        Raises:
            ConfigError: more streams are asked for than a connection may have.
            Exception: what the receiver raised.
        """
        attempt = 0
        while True:
            try:
                connection = await self._open(is_first=True)
            except VenueError as error:
                self._receiver.disconnected(error)
            else:
                lived_s = await self._serve(connection)
                attempt = 0 if lived_s >= self._config.settled_s else attempt
            await self._clock.sleep(self._config.backoff.delay_s(attempt, rng=self._rng))
            attempt += 1

    async def resubscribe(self, streams: Sequence[str]) -> None:
        """Ask anew for streams that went silent while the connection lives (trap E60).

        Raises:
            VenueError: the venue refused or did not answer; nothing where there is no connection.
        """
        if self._current is not None:
            await self._current.resubscribe(streams, timeout_s=self._config.timeout_s)

    def up_s(self) -> float:
        """How long the connection in use is open, seconds; 0 where there is none."""
        return 0.0 if self._current is None else self._current.age_s()

    def restart(self, why: str) -> None:
        """Drop the connection, so that another is opened."""
        if self._current is not None:
            self._current.close(why)

    async def _connect(self, take: TakeFrame) -> Connection:
        config = self._config
        return await connect(take, url=config.url, clock=self._clock, timeout_s=config.timeout_s)

    async def _open(self, *, is_first: bool) -> Connection:
        """Open a connection and subscribe; the first one after a hole says so before its data."""
        opened: list[Connection] = []
        connection = await self._open_connection(lambda raw: self._take(raw, opened))
        opened.append(connection)
        self.counters.connections += 1
        if is_first:
            self._receiver.connected()
        try:
            await connection.subscribe(self._streams, timeout_s=self._config.timeout_s)
        except BaseException:
            await connection.shut("the subscription failed")
            raise
        return connection

    def _take(self, raw: bytes, connection: Sequence[Connection]) -> None:
        message = decode(raw)
        kind = type(message)
        self.counters.messages += 1
        if kind is AnswerMessage:
            assert isinstance(message, AnswerMessage)
            for each in connection:
                each.answered(message)
            return
        if kind is ShutdownMessage:
            self._is_shutting_down = True
            return
        if kind is Unparsable:
            self.counters.unparsable += 1
        elif kind is Unknown:
            self.counters.unknown += 1
        self._receiver.received(message)

    async def _serve(self, connection: Connection) -> float:
        """Watch a connection and its successors until none is left; return how long it lived."""
        self._current, self._is_shutting_down = connection, False
        tries, wait_until, began = 0, 0, self._clock.monotonic_ns()
        try:
            while True:
                await self._clock.sleep(_TICK_S)
                current = self._current
                why = self._ended(current)
                if why:
                    break
                is_old = current.age_s() > self._config.lifetime_s or self._is_shutting_down
                if is_old and self._clock.monotonic_ns() >= wait_until:
                    if await self._hand_over(current):
                        tries, wait_until = 0, 0
                        continue
                    wait_s = self._config.backoff.delay_s(tries, rng=self._rng)
                    wait_until = self._clock.monotonic_ns() + round(wait_s * SECOND_NS)
                    tries += 1
        finally:
            ended, self._current = self._current, None
            await ended.shut("not needed any more")
        self.counters.breaks += 1
        self._receiver.disconnected(_broken(why))
        return (self._clock.monotonic_ns() - began) / SECOND_NS

    def _ended(self, connection: Connection) -> str:
        """Return why a connection is of no use any more; empty while it is."""
        if connection.crash is not None:
            raise connection.crash
        if connection.is_closed:
            return connection.closed_because
        if connection.silent_s() > self._config.silence_max_s:
            return f"nothing came for {connection.silent_s():.1f} s: it is half open"
        return ""

    async def _hand_over(self, old: Connection) -> bool:
        """Open the next connection beside the old one, and close that after the overlap."""
        try:
            new = await self._open(is_first=False)
        except VenueError:
            return False  # the old one still delivers; it is tried again
        until = self._clock.monotonic_ns() + round(self._config.overlap_s * SECOND_NS)
        try:
            while self._clock.monotonic_ns() < until or not new.frames:
                await self._clock.sleep(_TICK_S)
                if self._ended(new):
                    await new.shut("not needed any more")
                    return False
        except BaseException:
            await new.shut("not needed any more")
            raise
        self._current, self._is_shutting_down = new, False
        self.counters.handovers += 1
        await old.shut("handed over")
        return True


def _broken(why: str) -> VenueError:
    return VenueError(
        code="STREAM_BROKEN",
        cause=f"Binance's stream broke off: {why}",
        fix="nothing: it is opened again, and the missed candles are fetched",
    )
