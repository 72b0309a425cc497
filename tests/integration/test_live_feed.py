"""The live feed against a local venue: recorded lines, made ones, and everything that goes wrong.

Nothing here reaches the live exchange.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.support.binance_stream_server import (
    BinanceStreamServer,
    Fault,
    a_candle,
    a_delta,
    a_kline_row,
    a_quote,
    a_snapshot,
    a_trade,
)
from tests.support.fast_clock import FastClock

from botcore.app.live_feed import LiveFeed, answers, backfill, listed
from botcore.app.live_streams import stream_of
from botcore.domain.errors import VenueError
from botcore.domain.ids import MINUTE_NS, SECOND_NS, InstrumentId, Nanos
from botcore.domain.market import Bar, BarFlag, BarOpened, BarsClosed, BarSpec, Quote, Trade
from botcore.kernel.backoff import Backoff
from botcore.kernel.clock import SystemClock
from botcore.marketdata.staleness import Health
from botcore.venues.live.binance.assembly import MarketEvent
from botcore.venues.live.binance.feed import FeedConfig
from botcore.venues.live.binance.notices import (
    ConnectionChanged,
    GapSeen,
    HealthChanged,
    Notice,
)
from botcore.venues.live.binance.streams import StreamConfig

BTC, ETH = InstrumentId("BTCUSDT.BINANCE"), InstrumentId("ETHUSDT.BINANCE")
T0 = 1_700_000_040 * SECOND_NS  # a whole minute
GAP = int(BarFlag.GAP_BEFORE)
MS = 1_000_000
RATE = 10.0
_WAIT_S = 10.0

pytestmark = pytest.mark.timeout(60)


def _config(server: BinanceStreamServer, **stream: Any) -> FeedConfig:
    settings: dict[str, Any] = {
        "url": server.stream_url,
        "silence_max_s": 1e6,
        "backoff": Backoff(base_s=0.2, cap_s=1.0),
        **stream,
    }
    return FeedConfig(
        stream=StreamConfig(**settings),
        rest_url=server.rest_url,
        rest_timeout_s=2.0,
        first_candle_s=20.0,
        window_ns=0,
    )


class Engine:
    """What a feed delivers to, and the feed."""

    def __init__(
        self,
        server: BinanceStreamServer,
        clock: FastClock,
        *instruments: InstrumentId,
        since_ns: int = 0,
        config: FeedConfig | None = None,
    ) -> None:
        self.server = server
        self.clock = clock
        self.instruments = instruments or (BTC,)
        self.events: list[tuple[MarketEvent, int]] = []
        self.history: list[tuple[BarsClosed, int]] = []
        self.order: list[str] = []
        self.notices: list[Notice] = []
        self.feed = LiveFeed(
            instruments=self.instruments,
            clock=clock,
            seed=1,
            put=self._put,
            put_history=self._put_history,
            tell=self.notices.append,
            since_ns=since_ns,
            config=config or _config(server),
        )

    def _put(self, event: MarketEvent, ts: int) -> None:
        self.events.append((event, ts))
        self.order.append(type(event).__name__)

    def _put_history(self, event: BarsClosed, ts: int) -> None:
        self.history.append((event, ts))
        self.order.append("History")

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event, _ in list(self.events) if isinstance(event, kind)]

    def told(self, kind: type[Any]) -> list[Any]:
        return [notice for notice in list(self.notices) if isinstance(notice, kind)]

    def bars(self) -> list[Bar]:
        return [bar for closed in self.of(BarsClosed) for bar in closed.bars]

    def until(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until something is so, or fail and say what was waited for."""
        ends = time.monotonic() + _WAIT_S
        while not is_so():
            assert time.monotonic() < ends, f"waited in vain: {what}; {self.notices[-3:]}"
            assert self.feed.error is None, repr(self.feed.error)
            time.sleep(0.005)

    def until_subscribed(self, count: int = 1) -> None:
        self.until(
            lambda: sum(bool(each) for each in self.server.subscribed) >= count,
            f"{count} subscriptions",
        )

    def begin(self, opens_at: int = T0) -> None:
        """Bring the feed to where live bars go out, from the minute that opens at `opens_at`."""
        self.until_subscribed()
        for name in self.instruments:
            symbol = name.partition(".")[0]
            self.server.push(a_candle(symbol, opens_at, is_closed=False, trades=0))
        self.until(lambda: self.feed.counters.messages > 0, "a first message")


@contextmanager
def _running(
    *instruments: InstrumentId,
    start_ns: int = T0 + 10 * SECOND_NS,
    rate: float = RATE,
    prepare: Callable[[BinanceStreamServer], object] = lambda server: None,
    since_ns: int = 0,
    **stream: Any,
) -> Iterator[tuple[BinanceStreamServer, Engine]]:
    clock = FastClock(start_ns, rate=rate)
    with BinanceStreamServer(clock) as server:
        for symbol in ("BTCUSDT", "ETHUSDT"):
            server.depths[symbol] = [a_snapshot(100)]
            server.klines[symbol] = []
        prepare(server)
        config = _config(server, **stream)
        engine = Engine(server, clock, *instruments, since_ns=since_ns, config=config)
        engine.feed.start()
        try:
            yield server, engine
        finally:
            engine.feed.stop()
    assert engine.feed.error is None, repr(engine.feed.error)


def _live(server: BinanceStreamServer, engine: Engine) -> None:
    """Push quotes until one goes out: from then on the feed is live."""
    engine.begin()
    number = iter(range(1, 10_000))

    def quoted() -> bool:
        server.push(a_quote("BTCUSDT", next(number), "100.00", "101.00"))
        return bool(engine.of(Quote))

    engine.until(quoted, "a quote")


# --- what goes out


def test_a_minute_goes_out_whole_and_before_the_first_price_of_the_next() -> None:
    with _running(BTC, ETH, start_ns=T0 + 58 * SECOND_NS) as (server, engine):
        engine.begin()
        closes = T0 + MINUTE_NS
        server.push_all(
            [
                a_trade("BTCUSDT", 7, "100.00", closes - SECOND_NS),
                a_trade("BTCUSDT", 8, "101.00", closes + MS),
                a_trade("ETHUSDT", 70, "10.00", closes + MS),
                a_candle("BTCUSDT", T0),
                a_candle("ETHUSDT", T0, ("10.0", "11.0", "9.0", "10.5")),
            ]
        )
        engine.until(lambda: len(engine.of(Trade)) >= 2, "prints of the next minute")

        (closed,) = engine.of(BarsClosed)
        assert [(bar.instrument, bar.close, bar.flags) for bar in closed.bars] == [
            (BTC, 100.5, 0),
            (ETH, 10.5, 0),
        ]
        assert engine.of(BarOpened) == [BarOpened(BTC, Nanos(closes + MS), 101.0)]
        assert engine.order.index("BarsClosed") < engine.order.index("BarOpened")
        stamps = [ts for event, ts in engine.events if isinstance(event, BarsClosed)]
        assert stamps == [closes]


def test_e12_a_candle_that_is_not_closed_makes_no_bar() -> None:
    with _running() as (server, engine):
        _live(server, engine)
        server.push(a_candle("BTCUSDT", T0, is_closed=False))
        engine.until(lambda: len(engine.of(BarOpened)) == 1, "the open of the minute")

        assert engine.bars() == []
        assert engine.of(BarOpened) == [BarOpened(BTC, Nanos(T0), 100.0)]


def test_a_symbol_that_does_not_deliver_is_left_out_and_counted_when_it_is_late() -> None:
    with _running(BTC, ETH, start_ns=T0 + 55 * SECOND_NS) as (server, engine):
        engine.begin()
        server.push(a_candle("BTCUSDT", T0))
        engine.until(lambda: len(engine.bars()) == 1, "the minute without ETH")
        server.push(a_candle("ETHUSDT", T0, ("10.0", "11.0", "9.0", "10.5")))
        engine.until(lambda: engine.feed.counters.late_bars == 1, "the late bar")

        assert [bar.instrument for bar in engine.bars()] == [BTC]
        assert engine.feed.counters.left_out_bars == 1


# --- faults


def test_after_a_drop_the_missed_minutes_come_as_history_before_live_bars() -> None:
    with _running(start_ns=T0 + 59 * SECOND_NS) as (server, engine):
        engine.begin()
        server.push(a_candle("BTCUSDT", T0))
        engine.until(lambda: len(engine.bars()) == 1, "a live bar")
        server.klines["BTCUSDT"] = [a_kline_row(T0 + n * MINUTE_NS) for n in range(5)]
        server.drop()
        engine.until(lambda: engine.feed.counters.breaks == 1, "the break")
        engine.until_subscribed()
        engine.clock.skip(2 * MINUTE_NS + 57 * SECOND_NS)  # 3:56 and more after the first open

        server.push(a_candle("BTCUSDT", T0 + 3 * MINUTE_NS, is_closed=False))
        engine.until(lambda: len(engine.history) == 2, "the missed minutes")
        server.push(a_candle("BTCUSDT", T0 + 3 * MINUTE_NS))
        engine.until(lambda: len(engine.bars()) == 2, "a live bar")

        assert engine.order.count("History") == 2
        assert (engine.bars()[1].ts_open, engine.bars()[1].flags) == (T0 + 3 * MINUTE_NS, 0)
        assert [ts for _, ts in engine.history] == [T0 + 2 * MINUTE_NS, T0 + 3 * MINUTE_NS]
        assert all(bar.flags & GAP for closed, _ in engine.history for bar in closed.bars)
        assert engine.order.index("BarsClosed") < engine.order.index("History")
        gaps = [gap for gap in engine.told(GapSeen) if gap.what == "minutes"]
        assert [gap.missing for gap in gaps] == [0]


def test_minutes_that_passed_while_the_machine_slept_come_as_history() -> None:
    with _running() as (server, engine):
        _live(server, engine)
        server.klines["BTCUSDT"] = [a_kline_row(T0 + n * MINUTE_NS) for n in range(5)]
        engine.clock.skip(3 * MINUTE_NS)

        def caught_up() -> bool:
            minute = engine.clock.now_ns() // MINUTE_NS * MINUTE_NS
            server.push(a_candle("BTCUSDT", minute, is_closed=False))
            return len(engine.history) >= 3

        engine.until(caught_up, "the minutes")

        assert [ts for _, ts in engine.history[:3]] == [T0 + n * MINUTE_NS for n in (1, 2, 3)]
        assert engine.feed.counters.breaks == 0


def test_minutes_since_the_last_known_bar_are_fetched_at_the_start() -> None:
    def prepare(server: BinanceStreamServer) -> None:
        server.klines["BTCUSDT"] = [a_kline_row(T0 + n * MINUTE_NS) for n in range(-3, 3)]

    with _running(prepare=prepare, since_ns=T0 - 2 * MINUTE_NS) as (_, engine):
        engine.begin()
        engine.until(lambda: len(engine.history) == 2, "two minutes")

        assert [ts for _, ts in engine.history] == [T0 - MINUTE_NS, T0]


def test_e60_a_half_open_connection_is_replaced() -> None:
    with _running(silence_max_s=3.0) as (server, engine):
        _live(server, engine)
        server.half_open()
        engine.until(lambda: engine.feed.counters.breaks == 1, "the break")
        engine.until_subscribed()

        (lost,) = [each for each in engine.told(ConnectionChanged) if not each.is_up]
        assert lost.code == "STREAM_BROKEN"
        assert "half open" in lost.cause


def test_e60_pings_are_answered_and_a_silent_symbol_is_asked_for_anew() -> None:
    with _running(rate=40.0) as (server, engine):
        _live(server, engine)

        def resubscribed() -> bool:
            server.ping(b"are you there")
            return engine.feed.counters.resubscribed > 0

        engine.until(resubscribed, "a resubscription")

        asked = "the streams are given up and asked for again"
        engine.until(lambda: len(server.requests[0]) >= 3, asked)
        engine.until(lambda: b"are you there" in server.pongs, "a pong with the payload")
        stale = [each.now for each in engine.told(HealthChanged) if each.now.health is Health.STALE]
        assert stale
        assert stale[-1].cause
        assert engine.feed.counters.breaks == 0


def test_a_symbol_that_stays_silent_after_that_costs_the_connection() -> None:
    with _running(rate=100.0) as (server, engine):
        _live(server, engine)

        engine.until(lambda: engine.feed.counters.breaks > 0, "another connection")

        lost = [each for each in engine.told(ConnectionChanged) if not each.is_up]
        assert "delivers nothing" in lost[0].cause


def test_e62_what_comes_twice_or_out_of_order_goes_out_once() -> None:
    with _running() as (server, engine):
        _live(server, engine)
        ts = engine.clock.now_ns()
        first = a_trade("BTCUSDT", 10, "100.00", ts)
        second = a_trade("BTCUSDT", 11, "100.50", ts + MS)
        server.push_all([first, first, second, first, second])
        end = a_trade("BTCUSDT", 12, "101.00", ts + 2 * MS)
        server.push(end)

        def has_end() -> bool:
            return any(trade.price == 101.0 for trade in engine.of(Trade))

        engine.until(has_end, "the last print")

        assert sum(trade.quantity for trade in engine.of(Trade)) == 3.0
        assert engine.feed.counters.refused >= 3
        assert sum(stream_of(engine.feed, 0).refused.values()) >= 3


def test_missed_prints_are_told_with_their_number() -> None:
    with _running() as (server, engine):
        _live(server, engine)
        ts = engine.clock.now_ns()
        server.push(a_trade("BTCUSDT", 10, "100.00", ts))
        server.push(a_trade("BTCUSDT", 15, "100.00", ts + MS))
        engine.until(lambda: bool(engine.told(GapSeen)), "the gap")

        (gap,) = engine.told(GapSeen)
        assert (gap.instrument, gap.what, gap.missing) == (BTC, "trades", 4)


def test_e57_e58_a_book_is_joined_and_joined_again_after_a_gap() -> None:
    def prepare(server: BinanceStreamServer) -> None:
        server.depths["BTCUSDT"] = [a_snapshot(100), a_snapshot(200, [("99.00", "3.0")])]

    with _running(prepare=prepare) as (server, engine):
        engine.until_subscribed()
        ts = engine.clock.now_ns()
        server.push(a_delta("BTCUSDT", 99, 101, ts, [("100.50", "1.0")]))
        engine.until(lambda: engine.feed.counters.books_joined == 1, "the join")
        server.push(a_delta("BTCUSDT", 150, 205, ts + MS, [("98.00", "1.0")]))
        engine.until(lambda: engine.feed.counters.books_joined == 2, "the second join")

        (gap,) = engine.told(GapSeen)
        assert (gap.instrument, gap.what, gap.missing) == (BTC, "book", 48)
        book = engine.feed.books[BTC]
        assert book.is_valid
        assert dict(book.bids) == {99.0: 3.0, 98.0: 1.0}
        shown = stream_of(engine.feed, 1)
        assert (shown.gaps, shown.book_resyncs, shown.books[BTC]) == (1, 1, True)


def test_e59_after_a_reconnect_the_book_begins_empty() -> None:
    def prepare(server: BinanceStreamServer) -> None:
        server.depths["BTCUSDT"] = [a_snapshot(100), a_snapshot(500, [("90.00", "1.0")])]

    with _running(prepare=prepare) as (server, engine):
        engine.until_subscribed()
        server.push(a_delta("BTCUSDT", 99, 101, engine.clock.now_ns()))
        engine.until(lambda: engine.feed.counters.books_joined == 1, "the join")
        server.drop()
        engine.until(lambda: engine.feed.counters.breaks == 1, "the break")
        engine.until_subscribed()
        engine.until(lambda: len(engine.told(ConnectionChanged)) == 3, "the reconnect")
        empty = engine.feed.books[BTC]
        assert (empty.is_valid, dict(empty.bids)) == (False, {})
        shown = stream_of(engine.feed, 0)
        assert (shown.books[BTC], shown.reconnects) == (False, {"broken": 1, "handover": 0})
        server.push(a_delta("BTCUSDT", 500, 501, engine.clock.now_ns() + MS))
        engine.until(lambda: engine.feed.counters.books_joined == 2, "the second join")

        assert dict(engine.feed.books[BTC].bids) == {90.0: 1.0}


def test_garbage_html_and_unknown_events_are_counted_and_the_stream_goes_on() -> None:
    with _running() as (server, engine):
        _live(server, engine)
        for text in (
            "<html>oops</html>",
            '{"e":"newThing"}',
            '{"stream":"btcusdt@trade","data',
            "\0",
        ):
            server.push_raw(text)
        server.push(a_trade("BTCUSDT", 9, "105.00", engine.clock.now_ns()))
        engine.until(lambda: bool(engine.of(Trade)), "a print")

        assert (engine.feed.counters.unparsable, engine.feed.counters.unknown) == (3, 1)
        assert stream_of(engine.feed, 0).unreadable == 3
        assert engine.feed.counters.breaks == 0


def test_half_a_frame_and_then_nothing_is_a_break_like_another() -> None:
    with _running() as (server, engine):
        _live(server, engine)
        server.push_half_a_frame()
        engine.until(lambda: engine.feed.counters.breaks == 1, "the break")
        engine.until_subscribed()

        assert engine.feed.counters.unparsable == 0


def test_e62_before_the_cut_another_connection_takes_over_and_nothing_is_lost_or_doubled() -> None:
    # 24 hours are 60 seconds here, the overlap is 5, and the clock runs ten times as fast.
    with _running(lifetime_s=60.0, overlap_s=5.0, rate=20.0) as (server, engine):
        _live(server, engine)
        number = 0

        def handed_over() -> bool:
            nonlocal number
            number += 1
            server.push(a_trade("BTCUSDT", number, "100.00", engine.clock.now_ns()))
            return engine.feed.counters.handovers >= 2

        engine.until(handed_over, "two handovers")
        sent = number
        engine.until(
            lambda: (
                sum(t.quantity for t in engine.of(Trade)) >= sent - engine.feed.counters.late_ticks
            ),
            "all prints",
        )

        assert (
            sum(trade.quantity for trade in engine.of(Trade))
            == sent - engine.feed.counters.late_ticks
        )
        assert engine.feed.counters.breaks == 0
        assert [each.is_up for each in engine.told(ConnectionChanged)] == [True]
        assert not [gap for gap in engine.told(GapSeen) if gap.what == "trades"]


def test_a_cut_without_warning_ends_in_another_connection() -> None:
    with _running() as (server, engine):
        _live(server, engine)
        server.close_politely()
        engine.until(lambda: engine.feed.counters.breaks == 1, "the break")
        engine.until_subscribed()

        lost = [each for each in engine.told(ConnectionChanged) if not each.is_up]
        assert "the server closed it" in lost[0].cause


def test_a_server_that_shuts_down_is_left_in_time() -> None:
    with _running(overlap_s=1.0) as (server, engine):
        _live(server, engine)
        server.push_raw('{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}')
        number = iter(range(10_000, 90_000))

        def handed_over() -> bool:
            server.push(a_quote("BTCUSDT", next(number), "100.00", "101.00"))
            return engine.feed.counters.handovers == 1

        engine.until(handed_over, "the handover")

        assert engine.feed.counters.breaks == 0


@pytest.mark.parametrize("status", [451, 403])
def test_a_place_that_is_not_served_is_told_in_one_sentence(status: int) -> None:
    def prepare(server: BinanceStreamServer) -> None:
        server.refuse_handshakes = status

    with _running(prepare=prepare) as (server, engine):
        engine.until(lambda: server.handshakes >= 2, "another try")
        engine.until(lambda: Health.DOWN in _healths(engine), "DOWN")

        down = engine.feed.connection
        assert (down.is_up, down.code) == (False, "GEO_BLOCKED")
        assert down.cause == f"Binance does not serve this place ({status})"
        assert engine.feed.health[BTC].cause == down.cause


def _healths(engine: Engine) -> set[Health]:
    return {each.health for each in engine.feed.health.values()}


def test_tries_to_connect_wait_longer_and_longer() -> None:
    def prepare(server: BinanceStreamServer) -> None:
        server.refuse_handshakes = 503

    backoff = Backoff(base_s=1.0, cap_s=1e6)
    with _running(prepare=prepare, backoff=backoff) as (server, engine):
        engine.clock.sleep_blocking(20)

        # Ceilings of 1, 2, 4, 8, 16 s: no more than a few fit into 20 s, on average 5.
        assert 2 <= server.handshakes <= 12
        assert engine.feed.connection.code == "VENUE_UNAVAILABLE"


def test_a_refused_subscription_is_told_and_tried_again() -> None:
    def prepare(server: BinanceStreamServer) -> None:
        server.refuse_streams = 2

    with _running(prepare=prepare) as (server, engine):
        engine.until(lambda: server.handshakes >= 2, "another try")
        engine.until(lambda: engine.feed.connection.code == "VENUE_REFUSED", "the refusal")


def test_missed_minutes_that_cannot_be_fetched_are_a_gap_and_live_bars_go_on() -> None:
    def prepare(server: BinanceStreamServer) -> None:
        server.faults["klines"] = Fault(status=500)

    with _running(prepare=prepare, since_ns=T0 - MINUTE_NS, rate=40.0) as (server, engine):
        engine.begin()
        engine.until(lambda: bool(engine.told(GapSeen)), "the gap")
        opens_at = (engine.clock.now_ns() // MINUTE_NS + 1) * MINUTE_NS

        def out() -> bool:
            now = engine.clock.now_ns()
            if now > opens_at + MINUTE_NS:
                server.push(a_candle("BTCUSDT", opens_at))
            return bool(engine.bars())

        engine.until(out, "a live bar")

        assert engine.told(GapSeen)[0].missing == 1
        assert engine.history == []
        assert engine.bars()[0].flags & GAP


def test_a_slow_answer_holds_nothing_up_but_what_depends_on_it() -> None:
    def prepare(server: BinanceStreamServer) -> None:
        server.faults["depth"] = Fault(delay_s=3.0)

    with _running(prepare=prepare) as (server, engine):
        _live(server, engine)

        assert engine.feed.counters.books_joined == 0


def test_a_clock_that_is_far_off_is_corrected_by_the_venues() -> None:
    with BinanceStreamServer(FastClock(T0 + 10 * SECOND_NS)) as server:
        clock = FastClock(T0 - 3_600 * SECOND_NS)
        engine = Engine(server, clock, BTC, config=_config(server))
        engine.feed.start()
        try:
            _live(server, engine)
            server.push(a_trade("BTCUSDT", 1, "100.00", server.clock.now_ns()))
            engine.until(lambda: bool(engine.of(Trade)), "a print")

            assert abs(engine.feed.clock_offset_ns - 3_610 * SECOND_NS) < SECOND_NS
        finally:
            engine.feed.stop()


def test_stopping_is_quick_whatever_the_feed_is_doing() -> None:
    with _running() as (_, engine):
        began = time.monotonic()
        engine.feed.stop()

        assert time.monotonic() - began < 2.0


def test_an_engine_that_is_behind_holds_up_neither_the_stream_nor_its_pongs() -> None:
    with _running() as (server, engine):
        _live(server, engine)
        engine.feed._put = lambda event, ts: time.sleep(0.5)
        for number in range(50, 60):
            server.push(a_trade("BTCUSDT", number, "100.00", engine.clock.now_ns()))
        server.ping(b"x")

        engine.until(lambda: server.pongs == [b"x"], "the pong")


# --- asking once


def _ask(server: BinanceStreamServer, **more: Any) -> Any:
    return asyncio.run(answers(clock=SystemClock(), config=_config(server), **more))


def test_a_venue_that_answers_is_found_with_its_clock() -> None:
    with BinanceStreamServer(SystemClock()) as server:
        done = threading.Event()

        def quote() -> None:
            number = 0
            while not done.is_set():
                number += 1
                server.push(a_quote("BTCUSDT", number, "1.0", "2.0"))
                done.wait(0.02)

        thread = threading.Thread(target=quote)
        thread.start()
        try:
            found = _ask(server)
        finally:
            done.set()
            thread.join()

    assert found.is_ok
    assert abs(found.clock_offset_ns) < SECOND_NS


def test_a_venue_whose_streams_are_silent_does_not_answer() -> None:
    with BinanceStreamServer(SystemClock()) as server:
        found = _ask(server, timeout_s=0.3)

    assert (found.is_ok, found.code) == (False, "VENUE_TIMEOUT")
    assert found.clock_offset_ns is not None


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(451), "GEO_BLOCKED"),
        (Fault(403, "<html>"), "GEO_BLOCKED"),
        (Fault(429, headers={"Retry-After": "7"}), "VENUE_RATE_LIMITED"),
        (Fault(500), "VENUE_UNAVAILABLE"),
        (Fault(200, "<html>sign in</html>"), "VENUE_ANSWER_UNREADABLE"),
        (Fault(delay_s=5.0), "VENUE_TIMEOUT"),
    ],
)
def test_why_a_venue_does_not_answer_is_told(fault: Fault, code: str) -> None:
    with BinanceStreamServer(SystemClock()) as server:
        server.faults["time"] = fault
        found = _ask(server, timeout_s=0.5)

    assert (found.is_ok, found.code) == (False, code)


def test_a_venue_that_is_not_there_is_unreachable() -> None:
    with BinanceStreamServer(SystemClock()) as server:
        config = _config(server)
    found = asyncio.run(answers(clock=SystemClock(), config=config))

    assert (found.is_ok, found.code) == (False, "VENUE_UNREACHABLE")


def test_history_for_the_warm_up_comes_by_the_page_and_in_order() -> None:
    count = 2_300
    with BinanceStreamServer(SystemClock()) as server:
        server.klines["BTCUSDT"] = [a_kline_row(T0 + n * MINUTE_NS) for n in range(count)]
        server.klines["ETHUSDT"] = [a_kline_row(T0 + n * MINUTE_NS) for n in range(1, count)]
        found = asyncio.run(
            backfill(
                [BTC, ETH],
                start_ns=T0,
                end_ns=T0 + (count - 1) * MINUTE_NS,
                clock=SystemClock(),
                config=_config(server),
            )
        )

    assert len(found) == count - 1
    assert [len(each.bars) for each in found[:2]] == [1, 2]
    assert all(a.ts_close + MINUTE_NS == b.ts_close for a, b in pairwise(found))
    assert server.asked["klines"] == 6


def test_history_of_what_the_venue_does_not_list_is_refused() -> None:
    with BinanceStreamServer(SystemClock()) as server, pytest.raises(VenueError) as caught:
        asyncio.run(
            backfill([BTC], start_ns=T0, end_ns=T0 + 1, clock=SystemClock(), config=_config(server))
        )

    assert caught.value.code == "VENUE_REFUSED"
    assert "Invalid symbol. (-1121)" in caught.value.cause


def test_rules_are_read_from_a_recorded_answer(market_data_dir: Path) -> None:
    with gzip.open(market_data_dir / "raw-cryptofeed/BINANCE.0.gz", "rt") as lines:
        text = next(lines)
    told = json.loads(text[text.index("{") :])
    with BinanceStreamServer(SystemClock()) as server:
        server.symbols = told["symbols"]
        config = _config(server)
        btc, shib = asyncio.run(
            listed([BTC, InstrumentId("SHIBUSDT.BINANCE")], clock=SystemClock(), config=config)
        )

    # By hand from the recorded file of 2021-10-12.
    assert (f"{btc.tick:f}", f"{btc.lot:f}", f"{btc.min_notional:f}") == ("0.01", "0.00001", "10")
    assert (f"{shib.tick:f}", f"{shib.lot:f}") == ("0.00000001", "1")
    assert (btc.base, btc.quote, btc.status) == ("BTC", "USDT", "TRADING")


# --- recorded sessions


@pytest.mark.slow
def test_a_recorded_session_comes_out_as_it_happened(market_data_dir: Path) -> None:
    """Two symbols, 110 seconds around two ends of minutes; candles are made of the prints."""
    tape = _Tape(market_data_dir / "l2-hftbacktest/spot", seconds=110)
    clock = FastClock(tape.begins_at - 2 * SECOND_NS, rate=10.0)
    with BinanceStreamServer(clock) as server:
        server.depths = tape.snapshots
        engine = Engine(server, clock, BTC, ETH)
        engine.feed.start()
        try:
            engine.until_subscribed()
            tape.play(server, clock)
            engine.until(lambda: len(engine.of(BarsClosed)) == 2, "two minutes")
            time.sleep(0.2)  # the last prints are on their way
        finally:
            engine.feed.stop()

    counters, books = engine.feed.counters, engine.feed.books
    assert (counters.unparsable, counters.breaks, counters.books_broken) == (0, 0, 0)
    assert [closed.ts_close for closed in engine.of(BarsClosed)] == tape.closes
    assert engine.bars() == tape.bars
    for name in (BTC, ETH):
        symbol = name.partition(".")[0]
        first = next(t for t in tape.trades[symbol] if t["T"] * MS >= tape.closes[0])
        opened = [each for each in engine.of(BarOpened) if each.instrument == name]
        assert BarOpened(name, Nanos(first["T"] * MS), float(first["p"])) in opened
        prints = [trade for trade in engine.of(Trade) if trade.instrument == name]
        sent = sum(float(trade["q"]) for trade in tape.trades[symbol])
        assert sum(trade.quantity for trade in prints) == pytest.approx(sent)
        told = tape.last_quote[symbol]
        book = books[name]
        assert book.is_valid
        if told["u"] == book.last_id:
            assert (book.best_bid, book.best_ask) == (float(told["b"]), float(told["a"]))
    assert len(engine.of(Trade)) < sum(map(len, tape.trades.values()))  # some were merged


class _Tape:
    """Recorded lines of both symbols, in the order in which they came."""

    def __init__(self, folder: Path, *, seconds: int) -> None:
        lines: list[tuple[int, str]] = []
        self.snapshots: dict[str, list[str]] = {}
        for symbol in ("BTCUSDT", "ETHUSDT"):
            with gzip.open(folder / f"{symbol.lower()}_20240808.gz", "rt") as recorded:
                first = 0
                for line in recorded:
                    stamp, _, text = line.rstrip("\n").partition(" ")
                    first = first or int(stamp)
                    if int(stamp) > first + seconds * SECOND_NS:
                        break
                    if text.startswith('{"last'):
                        self.snapshots[symbol] = [text]
                    else:
                        # The recorder's clock was 1.27 s behind the venue's (the data's README).
                        lines.append((int(stamp) + 1_275 * MS, text))
        self.lines = sorted(lines)
        self.begins_at = self.lines[0][0]
        self.trades: dict[str, list[dict[str, Any]]] = {"BTCUSDT": [], "ETHUSDT": []}
        self.last_quote: dict[str, dict[str, Any]] = {}
        for _, text in self.lines:
            data = json.loads(text)["data"]
            if data.get("e") == "trade":
                self.trades[data["s"]].append(data)
            elif "e" not in data:
                self.last_quote[data["s"]] = data
        first_close = (self.begins_at // MINUTE_NS + 1) * MINUTE_NS
        self.closes = [first_close, first_close + MINUTE_NS]
        self.bars: list[Bar] = []
        for close in self.closes:
            for symbol in ("BTCUSDT", "ETHUSDT"):
                self._candle(symbol, close)
        self.lines.sort(key=lambda line: line[0])

    def _candle(self, symbol: str, close: int) -> None:
        opens = close - MINUTE_NS
        inside = [t for t in self.trades[symbol] if opens <= t["T"] * MS < close]
        texts = [trade["p"] for trade in inside]
        prices = (texts[0], max(texts, key=float), min(texts, key=float), texts[-1])
        frame = a_candle(symbol, opens, prices, volume="5.0")
        self.lines.append((close + 20 * MS, frame))
        spec, (o, h, low, c) = BarSpec(MINUTE_NS), map(float, prices)
        name = InstrumentId(f"{symbol}.BINANCE")
        self.bars.append(Bar(name, spec, opens, close, o, h, low, c, 5.0))

    def play(self, server: BinanceStreamServer, clock: FastClock) -> None:
        batch: list[str] = []
        for ts, text in self.lines:
            while ts > clock.now_ns():
                server.push_all(batch)
                batch.clear()
                time.sleep(0.002)
            batch.append(text)
        server.push_all(batch)


def test_an_older_recording_of_other_symbols_plays_too(market_data_dir: Path) -> None:
    """31 seconds of 2021: books, quotes, aggregate prints and forming candles of four symbols."""
    symbols = ("NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR")
    folder = market_data_dir / "raw-cryptofeed"
    snapshots: dict[str, list[str]] = {}
    with gzip.open(folder / "BINANCE.http.0.0.gz", "rt") as asked:
        for line in asked:
            if line.startswith("https://"):
                symbol = line[line.index("symbol=") + 7 : line.index("&")]
                snapshots[symbol] = [line[line.index("{") :].strip()]
    with gzip.open(folder / "BINANCE.ws.1.0.gz", "rt") as recorded:
        lines = [line.partition(": ")[2].strip() for line in recorded if ": {" in line[:32]]
    clock = FastClock(1_633_998_512 * SECOND_NS + 31 * SECOND_NS)
    with BinanceStreamServer(clock) as server:
        server.depths = snapshots
        config = replace(_config(server), kinds=("bookTicker", "depth@100ms", "aggTrade"))
        names = [InstrumentId(f"{symbol}.BINANCE") for symbol in symbols]
        engine = Engine(server, clock, *names, config=config)
        engine.feed.start()
        try:
            engine.until_subscribed()
            sent = server.push_all(lines)
            answers_too = sent + 1
            engine.until(lambda: engine.feed.counters.messages >= answers_too, "all lines")
            engine.until(lambda: engine.feed.counters.books_joined == 4, "the books")
        finally:
            engine.feed.stop()

    counters = engine.feed.counters
    assert (sent, counters.unparsable, counters.unknown) == (265, 0, 0)
    assert [name for name, book in engine.feed.books.items() if not book.is_valid] == []
