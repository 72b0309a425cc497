"""Binance's public prices for the engine: the same shape as the simulated feed, on its own threads.

One thread runs the event loop of the streams and never waits for the engine; another one hands
over what goes out and may block while the engine is behind. Between them is a bounded mailbox:
when it is half full, quotes and prints are let go and counted, bars never.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from botcore.domain.errors import VenueError
from botcore.domain.ids import InstrumentId
from botcore.domain.instruments import Instrument, InstrumentBook
from botcore.domain.market import BarsClosed, Quote, Trade
from botcore.kernel.clock import Clock
from botcore.kernel.guard import Crashed, guarded
from botcore.kernel.mailbox import Mailbox, Overflow
from botcore.marketdata.book import OrderBook
from botcore.marketdata.staleness import SymbolHealth
from botcore.venues.live.binance import refusals
from botcore.venues.live.binance.assembly import MarketEvent, stamp_of
from botcore.venues.live.binance.connection import Connection, connect
from botcore.venues.live.binance.feed import BinanceFeed, FeedConfig
from botcore.venues.live.binance.history import fetch_minutes
from botcore.venues.live.binance.messages import AnswerMessage, Unparsable
from botcore.venues.live.binance.notices import ConnectionChanged, Notice
from botcore.venues.live.binance.parsing import decode
from botcore.venues.live.binance.rest import BinanceRest
from botcore.venues.live.binance.symbols import spot_symbol

Put = Callable[[MarketEvent, int], None]
PutHistory = Callable[[BarsClosed, int], None]
_CAPACITY = 8_192
_SHED_FROM = _CAPACITY // 2
_BATCH = 256
_NAP_S = 0.25
"""The longest wait for something to hand over: a stop is noticed within it."""
_STOP_S = 5.0
_USUAL = FeedConfig()
BITCOIN = InstrumentId("BTCUSDT.BINANCE")
"""What the venue is asked for to see whether it answers: its busiest instrument."""


class FeedCounters(msgspec.Struct, frozen=True):
    """What went through the feed since it was started.

    Attributes:
        messages, unparsable, unknown: frames, and those that could not be read or are not used.
        connections, breaks, handovers: how often one was opened, broke off, was replaced in time.
        refused: data that the processor put into quarantine, duplicates of an overlap among it.
        conflated: quotes and prints folded into another.
        late_bars, left_out_bars, late_ticks: what came after its minute had gone out.
        books_joined, books_broken: how often a book was joined to a snapshot, and lost to a hole.
        resubscribed: how often a silent instrument was asked for anew.
        shed: quotes and prints let go because the engine was behind.
    """

    messages: int = 0
    unparsable: int = 0
    unknown: int = 0
    connections: int = 0
    breaks: int = 0
    handovers: int = 0
    refused: int = 0
    conflated: int = 0
    late_bars: int = 0
    left_out_bars: int = 0
    late_ticks: int = 0
    books_joined: int = 0
    books_broken: int = 0
    resubscribed: int = 0
    shed: int = 0


@dataclass(frozen=True, slots=True)
class _Out:
    event: MarketEvent
    is_history: bool = False


class LiveFeed:
    """Follows instruments on Binance's public streams; no key is needed.

    Args:
        instruments: spot instruments, ``BTCUSDT.BINANCE``.
        clock: the machine's.
        seed: of the waits between tries to connect.
        put: takes each event with its stamp, the venue's time; may block when the engine is behind.
        put_history: takes the bars of minutes that were missed, each flagged GAP_BEFORE, with
            their close: strategies may see them, nothing may be matched against them.
        tell: takes what the feed tells about itself; called on a thread of the feed, must be quick.
        rules: of the instruments: prices off their tick are refused. None checks no tick.
        since_ns: the close of the newest bar known already: the minutes after it are fetched
            before live ones; 0 begins with the minute under way.
        config: how the feed behaves.

    Raises:
        ConfigError: an instrument is not one of Binance's spot market.
    """

    def __init__(
        self,
        *,
        instruments: Sequence[InstrumentId],
        clock: Clock,
        seed: int,
        put: Put,
        put_history: PutHistory,
        tell: Callable[[Notice], None],
        rules: InstrumentBook | None = None,
        since_ns: int = 0,
        config: FeedConfig = _USUAL,
    ) -> None:
        self._put = put
        self._put_history = put_history
        self._tell = tell
        self._rest = BinanceRest(
            clock=clock, base_url=config.rest_url, timeout_s=config.rest_timeout_s
        )
        self._feed = BinanceFeed(
            instruments,
            rest=self._rest,
            clock=clock,
            rng=np.random.default_rng(seed),
            emit=self._emit,
            emit_history=lambda minute: self._keep(_Out(minute, is_history=True)),
            tell=self._told,
            rules=rules,
            since_ns=since_ns,
            config=config,
        )
        self._out: Mailbox[_Out] = Mailbox(capacity=_CAPACITY, overflow=Overflow.BLOCK)
        self._shed = 0
        self._connection = ConnectionChanged(0, is_up=False, cause="connecting")
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._ready = threading.Event()
        self._streaming = threading.Thread(target=self._stream, name="feed-streams", daemon=True)
        self._handing = threading.Thread(target=self._hand_over, name="feed", daemon=True)
        self.error: BaseException | None = None

    def start(self) -> None:
        """Begin to connect."""
        self._streaming.start()
        self._handing.start()

    def stop(self) -> None:
        """Close the connection and wait for both threads; what waits has not happened."""
        self._stopping.set()
        self._out.close()
        self._ready.wait(timeout=_STOP_S)
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            if self._loop is not None and self._task is not None:
                self._loop.call_soon_threadsafe(self._task.cancel)
        for thread in (self._streaming, self._handing):
            thread.join(timeout=_STOP_S)

    # --- what is shown of it; any thread may ask

    @property
    def now_ns(self) -> int:
        """The venue's time now, nanoseconds UTC."""
        return self._feed.time.now_ns()

    @property
    def clock_offset_ns(self) -> int:
        """Venue less local time, nanoseconds, as far as it was adopted."""
        return self._feed.time.offset_ns

    @property
    def connection(self) -> ConnectionChanged:
        """Whether data flows, and why not."""
        return self._connection

    @property
    def health(self) -> Mapping[InstrumentId, SymbolHealth]:
        """How alive each instrument's data was at the last look, a second ago at most."""
        return self._feed.vigil.health

    @property
    def books(self) -> Mapping[InstrumentId, OrderBook]:
        """The order books; they change under the reader: believe one only while it `is_valid`."""
        return self._feed.books.books

    @property
    def counters(self) -> FeedCounters:
        """What went through so far."""
        feed = self._feed
        streams, assembly = feed.streams.counters, feed.assembly
        return FeedCounters(
            messages=streams.messages,
            unparsable=streams.unparsable,
            unknown=streams.unknown,
            connections=streams.connections,
            breaks=streams.breaks,
            handovers=streams.handovers,
            refused=feed.processor.quarantine.total,
            conflated=assembly.conflated,
            late_bars=assembly.minutes.late,
            left_out_bars=assembly.minutes.left_out,
            late_ticks=assembly.late_ticks,
            books_joined=feed.books.joined,
            books_broken=feed.books.broken,
            resubscribed=feed.vigil.resubscribed,
            shed=self._shed,
        )

    @property
    def refused(self) -> dict[str, int]:
        """Reason → how much data the processor put into quarantine."""
        counts = self._feed.processor.quarantine.by_reason()
        return {reason.value: count for reason, count in counts.items()}

    # --- the thread of the streams

    def _stream(self) -> None:
        outcome = guarded(lambda: asyncio.run(self._run()))
        if isinstance(outcome, Crashed):
            self._failed(outcome.error)
        self._ready.set()

    async def _run(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        self._ready.set()
        if self._stopping.is_set():
            return
        with contextlib.suppress(asyncio.CancelledError):
            async with self._rest:
                await self._feed.run()

    def _emit(self, event: MarketEvent) -> None:
        if isinstance(event, Trade | Quote) and len(self._out) >= _SHED_FROM:
            self._shed += 1
            return
        self._keep(_Out(event))

    def _keep(self, out: _Out) -> None:
        if not self._out.put(out, timeout_s=0.0) and not self._stopping.is_set():
            raise VenueError(
                code="FEED_NOT_TAKEN",
                cause=f"the engine is so far behind that {_CAPACITY} events of the feed wait",
                fix="restart the platform; if it happens again, follow fewer instruments",
            )

    def _told(self, notice: Notice) -> None:
        if isinstance(notice, ConnectionChanged):
            self._connection = notice
        self._tell(notice)

    # --- the thread that hands over

    def _hand_over(self) -> None:
        outcome = guarded(self._hand_over_all)
        if isinstance(outcome, Crashed):
            self._failed(outcome.error)

    def _hand_over_all(self) -> None:
        while not self._stopping.is_set():
            for out in self._out.take(_BATCH, timeout_s=_NAP_S):
                if self._stopping.is_set():
                    return
                event = out.event
                if out.is_history and isinstance(event, BarsClosed):
                    self._put_history(event, event.ts_close)
                else:
                    self._put(event, stamp_of(event))

    def _failed(self, error: Exception) -> None:
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        if self.error is None:
            self.error = error


class Reach(msgspec.Struct, frozen=True):
    """Whether the venue answers from here.

    Attributes:
        code, cause: why not; empty where it does.
        clock_offset_ns: venue less local time, nanoseconds; None where it was not told.
        round_trip_ns: how long the question for the time took.
    """

    is_ok: bool
    code: str = ""
    cause: str = ""
    clock_offset_ns: int | None = None
    round_trip_ns: int | None = None


async def answers(*, clock: Clock, config: FeedConfig = _USUAL, timeout_s: float = 3.0) -> Reach:
    """Find out whether Binance answers from here: its time, and one frame of a stream.

    Args:
        clock: the machine's.
        config: names the places.
        timeout_s: both must have come by then, seconds.
    """
    offset: int | None = None
    took: int | None = None
    try:
        async with (
            asyncio.timeout(timeout_s),
            BinanceRest(clock=clock, base_url=config.rest_url, timeout_s=timeout_s) as rest,
        ):
            reading = await rest.server_time()
            offset, took = reading.offset_ns, reading.round_trip_ns
            await _one_frame(clock, config, timeout_s)
    except VenueError as error:
        return Reach(False, error.code, error.cause, offset, took)
    except TimeoutError:
        late = refusals.timed_out("no frame of its streams" if took else "its time", timeout_s)
        return Reach(False, late.code, late.cause, offset, took)
    return Reach(True, clock_offset_ns=offset, round_trip_ns=took)


async def backfill(
    instruments: Sequence[InstrumentId],
    *,
    start_ns: int,
    end_ns: int,
    clock: Clock,
    config: FeedConfig = _USUAL,
) -> list[BarsClosed]:
    """Fetch closed one-minute bars that open in ``[start_ns, end_ns)``, oldest first, for warm-up.

    Raises:
        ConfigError: an instrument is not one of Binance's spot market.
        VenueError: it does not answer as it should; nothing is returned then.
    """
    async with BinanceRest(
        clock=clock, base_url=config.rest_url, timeout_s=config.rest_timeout_s
    ) as rest:
        return await fetch_minutes(rest, instruments, start_ns, end_ns)


async def listed(
    instruments: Sequence[InstrumentId], *, clock: Clock, config: FeedConfig = _USUAL
) -> tuple[Instrument, ...]:
    """Fetch the rules of instruments as they are now, in the order given.

    Raises:
        ConfigError: the venue does not list one of them.
        VenueError: it does not answer as it should.
    """
    async with BinanceRest(
        clock=clock, base_url=config.rest_url, timeout_s=config.rest_timeout_s
    ) as rest:
        return await rest.instruments(instruments)


async def _one_frame(clock: Clock, config: FeedConfig, timeout_s: float) -> None:
    came = asyncio.Event()
    opened: list[Connection] = []

    def take(raw: bytes) -> None:
        message = decode(raw)
        if isinstance(message, AnswerMessage):
            for each in opened:
                each.answered(message)
        elif not isinstance(message, Unparsable):
            came.set()

    connection = await connect(take, url=config.stream.url, clock=clock, timeout_s=timeout_s)
    opened.append(connection)
    try:
        await connection.subscribe([f"{spot_symbol(BITCOIN).lower()}@bookTicker"])
        await came.wait()
    finally:
        await connection.shut("it answered")
