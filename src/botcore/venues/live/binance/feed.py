"""Binance's public data as one live feed: streams, books, missed minutes and health together.

What arrives goes through `MarketDataProcessor`, which refuses what cannot be, what is old and what
came twice; then through `Assembly`, which puts it in order. After every hole in the connection the
missed minutes are fetched first, as history, and only then live bars go on.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from botcore.domain.errors import ConfigError, VenueError
from botcore.domain.ids import DAY_NS, MINUTE_NS, InstrumentId
from botcore.domain.instruments import InstrumentBook
from botcore.domain.market import Bar, BarsClosed, BookDelta, Quote, Trade
from botcore.kernel.backoff import Uniform
from botcore.kernel.clock import Clock
from botcore.marketdata.processor import MarketDataProcessor, Processed
from botcore.venues.live.binance.assembly import Assembly, MarketEvent
from botcore.venues.live.binance.books import BookBroken, LiveBooks
from botcore.venues.live.binance.conflation import WINDOW_NS
from botcore.venues.live.binance.messages import (
    AggregateTradeMessage,
    DepthMessage,
    KlineMessage,
    Message,
    QuoteMessage,
    TickerMessage,
    TradeMessage,
    stamp_ns,
)
from botcore.venues.live.binance.minutes import PATIENCE_NS, flagged
from botcore.venues.live.binance.notices import ConnectionChanged, GapSeen, Notice
from botcore.venues.live.binance.opens import Opens
from botcore.venues.live.binance.parsing import Parser
from botcore.venues.live.binance.refilling import Refill
from botcore.venues.live.binance.rest import REST_URL, BinanceRest
from botcore.venues.live.binance.streams import MarketStreams, StreamConfig
from botcore.venues.live.binance.symbols import VENUE, spot_symbol
from botcore.venues.live.binance.venue_time import VenueTime
from botcore.venues.live.binance.vigil import Vigil

_STREAM: Final = StreamConfig()
_BEAT_S: Final = 0.05
_TIMEFRAME: Final = "1m"
_CANDLES: Final = f"kline_{_TIMEFRAME}"
_READINGS: Final = 2
_HISTORY_MAX_NS: Final = 7 * DAY_NS
"""More than the last week is not fetched while live bars wait."""

Emit = Callable[[MarketEvent], None]
EmitHistory = Callable[[BarsClosed], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedConfig:
    """How the feed behaves.

    Attributes:
        stream: how the connection is kept.
        rest_url: scheme, host and port of the REST routes.
        rest_timeout_s: how long an answer may take.
        kinds: streams of each instrument beside its candles. Quotes come from ``bookTicker``, or
            once a second from ``ticker``; prints from ``trade`` or ``aggTrade``. Name one of each.
        patience_ns: how long a bar is waited for after its close.
        window_ns: least time between two quotes, and two prints, of an instrument.
        first_candle_s: how long the first candle of each instrument is waited for after connecting.
        refill_tries: how often missed minutes are asked for before live bars go on without them.
        resubscribe_s: how long an instrument may stay silent after its streams were asked for anew.
    """

    stream: StreamConfig = _STREAM
    rest_url: str = REST_URL
    rest_timeout_s: float = 5.0
    kinds: tuple[str, ...] = ("bookTicker", "depth@100ms", "trade")
    patience_ns: int = PATIENCE_NS
    window_ns: int = WINDOW_NS
    first_candle_s: float = 3.0
    refill_tries: int = 6
    resubscribe_s: float = 30.0


class BinanceFeed:
    """Follows instruments until cancelled.

    Args:
        instruments: spot instruments of Binance.
        rest: open while the feed runs.
        clock: ours; the venue's time is measured against it.
        rng: draws the waits between tries.
        emit: takes what the engine trades on, in order; called on the event loop.
        emit_history: takes the minutes that were missed, oldest first, each bar with GAP_BEFORE:
            they happened while nobody could trade.
        tell: takes what the feed tells about itself.
        rules: of the instruments; prices off their tick are refused.
        since_ns: the close of the newest bar known already; 0 begins with the minute under way.
        config: how the feed behaves.

    Raises:
        ConfigError: an instrument is not one of Binance's spot market.
    """

    def __init__(
        self,
        instruments: Sequence[InstrumentId],
        *,
        rest: BinanceRest,
        clock: Clock,
        rng: Uniform,
        emit: Emit,
        emit_history: EmitHistory,
        tell: Callable[[Notice], None],
        rules: InstrumentBook | None = None,
        since_ns: int = 0,
        config: FeedConfig,
    ) -> None:
        self.instruments = tuple(sorted(set(instruments)))
        if not self.instruments:
            raise ConfigError(
                code="NO_INSTRUMENT",
                cause="the live feed is given no instrument",
                fix="name at least one, such as BTCUSDT.BINANCE",
            )
        self._rest = rest
        self._emit = emit
        self._emit_history = emit_history
        self._tell = tell
        self._newest_close = since_ns
        self._patience_ns = config.patience_ns
        self._tasks: asyncio.TaskGroup | None = None
        self._refilling: asyncio.Task[None] | None = None
        self._is_caught_up = False
        self._closes = dict.fromkeys(self.instruments, since_ns) if since_ns else {}
        self._trade_ids: dict[InstrumentId, int] = {}
        self._parser = Parser()
        self._opens = Opens()
        self.time = VenueTime(clock)
        self.processor = MarketDataProcessor(clock=self.time, instruments=rules)
        self.processor.subscribe(self.instruments)
        self.assembly = Assembly(
            self.instruments, patience_ns=config.patience_ns, window_ns=config.window_ns
        )
        self.books = LiveBooks(
            self.instruments, fetch=rest.depth, clock=clock, rng=rng, on_broken=self._book_broke
        )
        self._refill = Refill(
            self.instruments,
            rest=rest,
            time=self.time,
            rng=rng,
            first_candle_s=config.first_candle_s,
            tries=config.refill_tries,
        )
        self.streams = MarketStreams(
            [name for each in self.instruments for name in _streams_of(each, config.kinds)],
            receiver=self,
            clock=clock,
            rng=rng,
            config=config.stream,
        )
        self.vigil = Vigil(
            self.processor,
            time=self.time,
            streams=self.streams,
            names={each: _streams_of(each, config.kinds) for each in self.instruments},
            tell=tell,
            resubscribe_s=config.resubscribe_s,
        )

    async def run(self) -> None:
        """Follow the instruments until cancelled.

        Raises:
            ExceptionGroup: of what must not happen, a `ConfigError` among others; a venue that
                fails is told of and tried again.
        """
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self.streams.run())
            tasks.create_task(self.books.run())
            tasks.create_task(self.vigil.run())
            tasks.create_task(self._give_out())

    # --- what the streams call

    def connected(self) -> None:
        """Take note that data flows again, after a hole."""
        now = self.time.now_ns()
        self.processor.heartbeat(VENUE, ts_init=now)
        self.books.clear()
        self.vigil.connected()
        self._tell(ConnectionChanged(now, is_up=True))
        self._begin_to_catch_up()

    def disconnected(self, error: VenueError) -> None:
        """Take note that no data flows, and why."""
        now = self.time.now_ns()
        self.assembly.hold()
        self._stop_catching_up()
        self.processor.connection_lost(VENUE, ts_init=now)
        self.vigil.disconnected(error)
        self._tell(ConnectionChanged(now, is_up=False, code=error.code, cause=error.cause))

    def received(self, message: Message) -> None:
        """Take a message."""
        now = self.time.now_ns()
        if isinstance(message, QuoteMessage):
            self._tick(message, message.u, now)
        elif isinstance(message, TradeMessage):
            self._tick(message, message.t, now)
        elif isinstance(message, AggregateTradeMessage):
            self._tick(message, message.a, now)
        elif isinstance(message, DepthMessage):
            value = self._accepted(message, None, now)
            if isinstance(value, BookDelta):
                self.books.delta(value)
        elif isinstance(message, KlineMessage):
            self._candle(message, now)
        elif isinstance(message, TickerMessage):
            self._tick(message, None, now)

    # --- data

    def _accepted(self, message: Message, event_id: int | None, now: int) -> object:
        """Return the market data in a message, None where it is refused or there is none."""
        value = self._parser.value_of(message, now)
        if not isinstance(value, Trade | Quote | BookDelta):
            return None
        judged = self.processor.process_data(value, ts_init=now, event_id=event_id)
        return value if isinstance(judged, Processed) else None

    def _tick(self, message: Message, event_id: int | None, now: int) -> None:
        value = self._accepted(message, event_id, now)
        if isinstance(value, Trade) and event_id is not None:
            self._follow(value, event_id)
            opened = self._opens.trade(value, event_id)
            if opened is not None:
                self.assembly.opened(opened)
        if isinstance(value, Trade | Quote):
            self.assembly.tick(value)

    def _follow(self, trade: Trade, trade_id: int) -> None:
        """Tell of prints that were missed: their ids count up by one."""
        last = self._trade_ids.get(trade.instrument)
        self._trade_ids[trade.instrument] = trade_id
        if last is not None and trade_id > last + 1:
            missing = trade_id - last - 1
            cause = f"{missing} prints of {trade.instrument} did not come"
            self._tell(GapSeen(trade.instrument, "trades", trade.ts_event, missing, cause))

    def _candle(self, message: KlineMessage, now: int) -> None:
        try:
            name = self._parser.instrument_of(message.s)
        except ConfigError:
            return
        kline = message.k
        if name not in self.instruments or kline.i != _TIMEFRAME:
            return
        opens_at = stamp_ns(kline.t)
        self.processor.heartbeat(VENUE, ts_init=now)
        self._refill.saw(name, opens_at)
        if not kline.x:
            opened = self._opens.forming(name, opens_at, kline.o, kline.n)
            if opened is not None:
                self.assembly.opened(opened)
            return
        bar = self._parser.value_of(message, now)
        if isinstance(bar, Bar):
            self.assembly.bar(bar)

    # --- going out

    async def _give_out(self) -> None:
        while True:
            for event in self.assembly.take(self.time.now_ns()):
                if not isinstance(event, BarsClosed):
                    self._emit(event)
                    continue
                self._newest_close = event.ts_close
                believed = self._believed(event)
                if believed is not None:
                    self._emit(believed)
            if self.assembly.is_starved and self._is_caught_up:
                self._begin_to_catch_up()  # the machine slept, or the venue did
            await self.time.sleep(_BEAT_S)

    def _believed(self, minute: BarsClosed) -> BarsClosed | None:
        """Return the bars of a minute that are not refused, None where all are.

        Bars are judged when they go out and not when they come: so those that were fetched pass
        before those of the stream that waited for them.
        """
        judged = self.processor.process_data(minute, ts_init=self.time.now_ns())
        if isinstance(judged, Processed) and isinstance(judged.data, BarsClosed):
            return judged.data
        return None

    def _stop_catching_up(self) -> None:
        self._is_caught_up = False
        if self._refilling is not None:
            self._refilling.cancel()

    def _begin_to_catch_up(self) -> None:
        self._stop_catching_up()
        assert self._tasks is not None
        self._refill.restart()
        self._refilling = self._tasks.create_task(self._catch_up())

    async def _catch_up(self) -> None:
        """Fetch what was missed, give it out as history, and let live bars go on."""
        await self._set_clock()
        first_live = max(self._newest_close, await self._refill.first_live())
        while 0 < self._newest_close < first_live:
            start = max(self._newest_close, first_live - _HISTORY_MAX_NS)
            history = await self._missed(start, first_live)
            for minute in history or ():
                self._closes.update({bar.instrument: bar.ts_close for bar in minute.bars})
                self._emit_history(minute)
            self._newest_close = first_live
            # What closed while the venue was asked is missed too: nobody trades on an old bar.
            under_way = (self.time.now_ns() - self._patience_ns) // MINUTE_NS * MINUTE_NS
            first_live = max(first_live, under_way)
            if history is None:
                break
        self.assembly.begin(first_live, self._closes)
        self._closes.clear()
        self._newest_close = first_live  # whatever is missing before it is missing for good
        self._is_caught_up = True

    async def _missed(self, start: int, end: int) -> list[BarsClosed] | None:
        """Return the minutes that open in ``[start, end)``, None where they cannot be had."""
        now, count = self.time.now_ns(), (end - start) // MINUTE_NS
        try:
            fetched = await self._refill.missed(start, end)
        except VenueError as error:
            cause = f"{count} minutes were missed and cannot be fetched: {error.cause}"
            self._tell(GapSeen(None, "minutes", now, count, cause))
            return None
        believed = [minute for minute in map(self._believed, fetched) if minute is not None]
        cause = f"{count} minutes were missed; {len(believed)} came as history"
        self._tell(GapSeen(None, "minutes", now, count - len(believed), cause))
        return [
            BarsClosed(minute.ts_close, tuple(flagged(bar) for bar in minute.bars))
            for minute in believed
        ]

    async def _set_clock(self) -> None:
        for _ in range(_READINGS):
            try:
                reading = await self._rest.server_time()
            except VenueError:
                continue  # the time known so far has to do; the stream works without REST
            self.time.adopt(reading.offset_ns)
            return

    def _book_broke(self, broken: BookBroken) -> None:
        cause = f"the book of {broken.instrument} is invalid: {broken.cause}"
        self._tell(GapSeen(broken.instrument, "book", broken.ts, broken.missing, cause))


def _streams_of(instrument: InstrumentId, kinds: Sequence[str]) -> tuple[str, ...]:
    symbol = spot_symbol(instrument).lower()
    return tuple(f"{symbol}@{kind}" for kind in (_CANDLES, *kinds))
