"""When channels are read: while wanted, where something changed, and again when it fails."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
from tests.support.fast_clock import FastClock
from tests.support.sample_view import sample_view
from tests.support.stream_items import NOON, a_price, an_order
from tests.support.stream_server import StreamServer, somebody

from botcore.api.ws import FeedsConfig
from botcore.api.ws.subscriber import PHASES, Subscriber
from botcore.control.schema.streams import CandleUpdate, Channel, ModeUpdate
from botcore.domain.errors import StorageError
from botcore.domain.events import MarketDataUpdate
from botcore.domain.ids import SECOND_NS, InstrumentId, Nanos
from botcore.domain.market import Quote
from botcore.domain.modes import Mode

Story = Callable[[StreamServer], Awaitable[None]]
GONE = StorageError(code="STORE_GONE", cause="it is gone", fix="wait")


def play(story: Story, **config: Any) -> StreamServer:
    server = StreamServer(clock=FastClock(0, rate=20.0), feeds=FeedsConfig(**config))

    async def run() -> None:
        feeding = asyncio.create_task(server.feeds.run())
        try:
            async with asyncio.timeout(20):
                await story(server)
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)

    asyncio.run(run())
    return server


async def subscribed(
    server: StreamServer, channel: Channel, instruments: tuple[str, ...] = (), user: str = "alice"
) -> Subscriber[bytes]:
    subscriber = server.hub.join(lambda: None, owner=user)
    await server.feeds.ready(channel, somebody(user), instruments)
    server.hub.subscribe(subscriber, channel, instruments=instruments)
    return subscriber


async def told(server: StreamServer, subscriber: Subscriber[bytes], kind: str) -> dict[str, Any]:
    """Return the next frame of a kind; others before it are passed over."""
    while True:
        for frame in subscriber.take():
            payload = frame[frame.index(b"{") :]
            found: dict[str, Any] = msgspec.json.decode(payload)
            if found["type"] == kind:
                return found
        for phase in range(PHASES):
            server.hub.flush(phase)
        await server.clock.sleep(0.05)


def a_candle(symbol: str, close: str) -> CandleUpdate:
    price = Decimal(close)
    return CandleUpdate(
        symbol=symbol,
        timeframe="1m",
        time=NOON,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=price,
    )


def test_a_channel_that_cannot_be_read_any_more_says_so_once_and_goes_on_by_itself() -> None:
    async def story(server: StreamServer) -> None:
        subscriber = await subscribed(server, Channel.ORDERS)
        await told(server, subscriber, "snapshot")
        server.truth.problem = GONE
        server.feeds.lost("")

        fault = await told(server, subscriber, "error")
        while len(server.watch.failures) < 4:
            await server.clock.sleep(0.1)
        assert subscriber.waiting == 0
        server.truth.write(Channel.ORDERS, [an_order("a")])
        server.truth.problem = None

        assert fault["data"]["code"] == "CHANNEL_STALE"
        assert (await told(server, subscriber, "OrderUpdate"))["key"] == "a"

    play(story)


def test_candles_are_read_for_the_instruments_that_somebody_names() -> None:
    async def story(server: StreamServer) -> None:
        server.truth.write(Channel.CANDLES, [a_candle("A.SIM", "1"), a_candle("B.SIM", "1")])
        subscriber = await subscribed(server, Channel.CANDLES, ("A.SIM",))
        snapshot = await told(server, subscriber, "snapshot")
        assert [item["key"] for item in snapshot["data"]] == ["A.SIM/1m"]

        server.truth.write(Channel.CANDLES, [a_candle("A.SIM", "2"), a_candle("B.SIM", "2")])

        assert (await told(server, subscriber, "CandleUpdate"))["data"]["close"] == "2"
        assert len(server.hub.stream("candles")) == 1

    play(story)


def test_what_nobody_wants_is_not_read_and_is_read_anew_when_somebody_does() -> None:
    async def story(server: StreamServer) -> None:
        subscriber = await subscribed(server, Channel.HEALTH)
        server.hub.leave(subscriber)
        await server.clock.sleep(1.0)
        server.truth.reads.clear()
        await server.clock.sleep(6.0)
        assert "health" not in server.truth.reads

        await subscribed(server, Channel.HEALTH)

        assert "health" in server.truth.reads

    play(story)


def test_a_new_view_has_what_rests_on_it_read() -> None:
    def mode(name: Mode) -> ModeUpdate:
        return ModeUpdate(account="paper", mode=name, cause="")

    async def story(server: StreamServer) -> None:
        server.platform.newest = sample_view(uptime_s=1.0)
        server.truth.write(Channel.MODE, [mode(Mode.NORMAL)])
        subscriber = await subscribed(server, Channel.MODE)
        await told(server, subscriber, "snapshot")
        server.truth.write(Channel.MODE, [mode(Mode.HALT)])

        server.platform.newest = sample_view(uptime_s=2.0)

        assert (await told(server, subscriber, "ModeUpdate"))["data"]["mode"] == "HALT"

    play(story)


def test_another_engine_has_the_store_read_anew() -> None:
    async def story(server: StreamServer) -> None:
        server.platform.newest = sample_view(uptime_s=1.0)
        subscriber = await subscribed(server, Channel.ORDERS)
        await told(server, subscriber, "snapshot")
        server.truth.write(Channel.ORDERS, [an_order("a")])

        server.platform.newest = sample_view(engine_pid=99_999)

        assert (await told(server, subscriber, "OrderUpdate"))["key"] == "a"

    play(story)


def test_a_price_that_was_told_is_not_overwritten_by_an_older_one_that_was_read() -> None:
    async def story(server: StreamServer) -> None:
        server.truth.write(Channel.PRICES, [a_price("A.SIM", "1"), a_price("B.SIM", "5")])
        later = NOON + timedelta(seconds=1)
        ts = Nanos(int(later.timestamp()) * SECOND_NS)
        server.feeds.fact(0, MarketDataUpdate(InstrumentId("A.SIM"), ts, 2e-05, 1.0))
        await server.clock.sleep(1.0)
        server.feeds.lost("")
        await server.clock.sleep(1.0)
        subscriber = await subscribed(server, Channel.PRICES)

        snapshot = await told(server, subscriber, "snapshot")

        prices = {item["key"]: item["data"]["price"] for item in snapshot["data"]}
        assert prices == {"A.SIM": "0.00002", "B.SIM": "5"}

    play(story)


def a_quote(symbol: str, bid: float, ask: float, *, after_s: int) -> Quote:
    ts = Nanos(int((NOON + timedelta(seconds=after_s)).timestamp()) * SECOND_NS)
    return Quote(InstrumentId(symbol), ts, bid, ask, 1.0, 1.0)


def test_a_quote_is_a_price_as_rest_shows_it() -> None:
    async def story(server: StreamServer) -> None:
        server.truth.write(Channel.PRICES, [a_price("A.SIM", "57605.5")])
        subscriber = await subscribed(server, Channel.PRICES)
        await told(server, subscriber, "snapshot")

        server.feeds.quoted(a_quote("A.SIM", 57610.5, 57610.52, after_s=7))

        assert (await told(server, subscriber, "PriceUpdate"))["data"] == {
            "symbol": "A.SIM",
            "price": "57610.51",
            "timestamp": "2026-01-01T12:00:07Z",
        }

    play(story)


def test_a_quote_of_the_bar_s_close_or_later_stands_before_the_bar() -> None:
    async def story(server: StreamServer) -> None:
        subscriber = await subscribed(server, Channel.PRICES)
        late = a_quote("A.SIM", 3.0, 5.0, after_s=15)
        server.feeds.quoted(late)
        server.feeds.fact(0, MarketDataUpdate(InstrumentId("A.SIM"), late.ts_event, 9.0, 1.0))
        server.feeds.quoted(a_quote("B.SIM", 3.0, 5.0, after_s=14))
        server.feeds.fact(0, MarketDataUpdate(InstrumentId("B.SIM"), late.ts_event, 9.0, 1.0))
        server.feeds.quoted(a_quote("B.SIM", 1.0, 1.0, after_s=14))
        await server.clock.sleep(0.2)

        snapshot = await told(server, subscriber, "snapshot")

        prices = {item["key"]: item["data"]["price"] for item in snapshot["data"]}
        assert prices == {"A.SIM": "4", "B.SIM": "9"}

    play(story)


def test_two_who_come_at_once_have_a_channel_read_once() -> None:
    async def story(server: StreamServer) -> None:
        await asyncio.gather(*(subscribed(server, Channel.EQUITY) for _ in range(20)))

        assert server.truth.reads.count("equity") == 1

    play(story)


def test_more_facts_than_can_wait_end_with_the_store_read_anew() -> None:
    server = StreamServer()
    price = MarketDataUpdate(InstrumentId("A.SIM"), Nanos(0), 1.0, 1.0)

    for _ in range(120_000):
        server.feeds.fact(0, price)

    assert len(server.feeds._told) <= 100_001
    assert server.feeds._told[0] == server.feeds._read_anew
