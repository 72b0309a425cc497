"""The public REST routes, against a local server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from tests.support.binance_stream_server import BinanceStreamServer, Fault, a_kline_row, a_snapshot

from botcore.domain.errors import BotError, ConfigError, VenueError
from botcore.domain.ids import MINUTE_NS, SECOND_NS, InstrumentId, Nanos
from botcore.kernel.clock import ManualClock
from botcore.venues.live.binance.rest import BinanceRest, ClockReading
from botcore.venues.live.binance.symbols import spot_symbol
from botcore.venues.live.binance.venue_time import VenueTime

BTC = InstrumentId("BTCUSDT.BINANCE")
T0 = 1_700_000_040 * SECOND_NS
T = TypeVar("T")


def _ask(
    server: BinanceStreamServer,
    clock: ManualClock,
    ask: Callable[[BinanceRest], Awaitable[T]],
    timeout_s: float = 2.0,
) -> T:
    async def once() -> T:
        async with BinanceRest(clock=clock, base_url=server.rest_url, timeout_s=timeout_s) as rest:
            return await ask(rest)

    return asyncio.run(once())


def test_the_venues_time_is_taken_for_the_middle_of_the_round_trip() -> None:
    venue, ours = ManualClock(T0), ManualClock(T0 - 5 * SECOND_NS)
    with BinanceStreamServer(venue) as server:
        found = _ask(server, ours, lambda rest: rest.server_time())

    assert found == ClockReading(offset_ns=5 * SECOND_NS, round_trip_ns=0)


def test_half_the_round_trip_is_taken_off() -> None:
    ours = ManualClock(T0)

    class Slow(ManualClock):
        def now_ns(self) -> Nanos:
            ours.advance(2 * SECOND_NS)
            return Nanos(T0 + SECOND_NS)

    with BinanceStreamServer(Slow()) as server:
        found = _ask(server, ours, lambda rest: rest.server_time())

    assert found == ClockReading(offset_ns=0, round_trip_ns=2 * SECOND_NS)


def test_a_reading_during_which_our_clock_was_set_says_nothing() -> None:
    ours = ManualClock(T0)

    class Setting(ManualClock):
        def now_ns(self) -> Nanos:
            ours.jump(60 * SECOND_NS)
            return Nanos(T0)

    with BinanceStreamServer(Setting()) as server, pytest.raises(VenueError) as caught:
        _ask(server, ours, lambda rest: rest.server_time())

    assert "was set meanwhile" in caught.value.cause


def test_a_small_difference_of_clocks_is_not_adopted() -> None:
    time = VenueTime(ManualClock(T0))

    time.adopt(SECOND_NS // 4)
    small = time.now_ns()
    time.adopt(-3 * SECOND_NS)

    assert (small, time.now_ns()) == (T0, T0 - 3 * SECOND_NS)


def test_e12_a_candle_that_is_still_open_is_not_among_the_closed_ones() -> None:
    with BinanceStreamServer(ManualClock(T0)) as server:
        server.klines["BTCUSDT"] = [a_kline_row(T0 + n * MINUTE_NS) for n in range(3)]
        end = T0 + 2 * MINUTE_NS + SECOND_NS
        found = _ask(server, ManualClock(T0), lambda rest: rest.klines(BTC, MINUTE_NS, T0, end))

    assert found.ts_open.tolist() == [T0, T0 + MINUTE_NS]
    assert found.columns["close"].tolist() == [100.5, 100.5]


def test_before_the_limit_of_a_minute_the_rest_of_it_is_waited_out() -> None:
    clock = ManualClock(T0 + 20 * SECOND_NS)
    with BinanceStreamServer(clock) as server:
        server.depths["BTCUSDT"] = [a_snapshot(1)]
        server.weight = 5_500

        async def twice(rest: BinanceRest) -> int:
            await rest.depth(BTC)
            before = clock.now_ns()
            await rest.depth(BTC)
            return before

        before = _ask(server, clock, twice)

    assert (before, clock.now_ns()) == (T0 + 20 * SECOND_NS, T0 + MINUTE_NS)


@pytest.mark.parametrize(("status", "word"), [(429, "asks to slow down"), (418, "has banned")])
def test_a_venue_that_asks_to_slow_down_is_left_alone(status: int, word: str) -> None:
    clock = ManualClock(T0)
    with BinanceStreamServer(clock) as server:
        server.depths["BTCUSDT"] = [a_snapshot(1)]
        server.faults["depth"] = Fault(status, headers={"Retry-After": "120"}, times=1)

        async def twice(rest: BinanceRest) -> list[VenueError]:
            refusals = []
            for _ in range(2):
                with pytest.raises(VenueError) as caught:
                    await rest.depth(BTC)
                refusals.append(caught.value)
            return refusals

        first, second = _ask(server, clock, twice)

    assert word in first.cause
    assert {first.code, second.code} == {"VENUE_RATE_LIMITED"}
    assert server.asked["depth"] == 1


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault(451), "GEO_BLOCKED"),
        (Fault(403, "<html>"), "GEO_BLOCKED"),
        (Fault(500, "<html>"), "VENUE_UNAVAILABLE"),
        (Fault(400, "<html>"), "VENUE_REFUSED"),
        (Fault(400, '{"code":-1121,"msg":"Invalid symbol."}'), "VENUE_REFUSED"),
        (Fault(200, "<html>"), "VENUE_ANSWER_UNREADABLE"),
        (Fault(200, '{"lastUpdateId":1,"bids":[["1"'), "VENUE_ANSWER_UNREADABLE"),
        (
            Fault(200, '{"lastUpdateId":1,"bids":[["nan","1"]],"asks":[]}'),
            "VENUE_ANSWER_UNREADABLE",
        ),
        (Fault(200, "[" * 100_000), "VENUE_ANSWER_UNREADABLE"),
        (Fault(delay_s=1.0), "VENUE_TIMEOUT"),
    ],
)
def test_each_way_to_fail_has_a_code_and_one_sentence(fault: Fault, code: str) -> None:
    with BinanceStreamServer(ManualClock(T0)) as server:
        server.faults["depth"] = fault
        with pytest.raises(BotError) as caught:
            _ask(server, ManualClock(T0), lambda rest: rest.depth(BTC), timeout_s=0.2)

    assert caught.value.code == code
    assert "\n" not in caught.value.cause


def test_candles_out_of_order_are_refused_as_a_whole() -> None:
    rows = [a_kline_row(T0 + MINUTE_NS), a_kline_row(T0)]
    with BinanceStreamServer(ManualClock(T0)) as server:
        server.faults["klines"] = Fault(body=json.dumps(rows))
        with pytest.raises(VenueError) as caught:
            _ask(
                server,
                ManualClock(T0),
                lambda rest: rest.klines(BTC, MINUTE_NS, T0, T0 + 9 * MINUTE_NS),
            )

    assert caught.value.code == "VENUE_ANSWER_UNREADABLE"


def test_what_is_not_listed_and_lengths_that_do_not_exist_are_said_before_anything_is_asked() -> (
    None
):
    with BinanceStreamServer(ManualClock(T0)) as server:
        with pytest.raises(ConfigError) as absent:
            _ask(server, ManualClock(T0), lambda rest: rest.klines(BTC, 7 * SECOND_NS, T0, T0 + 1))
        with pytest.raises(ConfigError) as foreign:
            _ask(server, ManualClock(T0), lambda rest: rest.depth(InstrumentId("BTCUSD.KRAKEN")))

    assert (absent.value.code, foreign.value.code) == ("INTERVAL_UNKNOWN", "NOT_BINANCE_SPOT")
    assert sum(server.asked.values()) == 0


def test_a_symbol_without_its_filters_is_refused() -> None:
    with BinanceStreamServer(ManualClock(T0)) as server:
        server.symbols = [
            {
                "symbol": "BTCUSDT",
                "status": "TRADING",
                "baseAsset": "BTC",
                "quoteAsset": "USDT",
                "filters": [{"filterType": "NEW_RULE"}],
            }
        ]
        with pytest.raises(VenueError) as caught:
            _ask(server, ManualClock(T0), lambda rest: rest.instruments([BTC]))

    assert caught.value.code == "VENUE_ANSWER_UNREADABLE"


def test_contracts_have_no_name_on_the_spot_market() -> None:
    with pytest.raises(ConfigError):
        spot_symbol(InstrumentId("BTCUSDT-PERP.BINANCE"))
