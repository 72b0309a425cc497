"""The client against a real server: cut off, lagging, refused, and always with the whole state."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import aiohttp
import numpy as np
import pytest
from tests.support.stream_items import a_price, a_trade, an_order
from tests.support.stream_server import StreamServer, somebody

from botcore.api.ws import FeedsConfig, SocketConfig
from botcore.api.ws.protocol import FrameProtocol
from botcore.client.folding import Change
from botcore.client.stream import Connected, Disconnected, Event, Reconnecting, Refused, Stream
from botcore.control.problems import Unauthenticated
from botcore.control.schema.streams import Channel
from botcore.domain.orders import OrderState

AT_ONCE = Reconnecting(first_s=0.01, longest_s=0.05)
KILLS = 20


class Reader:
    """Reads a stream in the background and keeps what it was told."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.events: list[Event] = []

    async def read(self) -> None:
        async for event in self.stream.events():
            self.events.append(event)

    def orders(self) -> dict[str, Decimal]:
        return {key: each.filled for (_, key), each in self.stream.state("orders").items()}

    def count(self, kind: type[tuple[object, ...]]) -> int:
        return sum(isinstance(event, kind) for event in self.events)


@asynccontextmanager
async def reading(
    server: StreamServer, *channels: str, user: str = "alice"
) -> AsyncIterator[Reader]:
    async def ticket() -> str:
        return server.ticket(somebody(user, session=f"s-{user}"))

    async with Stream(server.url, ticket=ticket, reconnecting=AT_ONCE) as stream:
        for channel in channels:
            await stream.subscribe(channel)
        reader = Reader(stream)
        task = asyncio.create_task(reader.read())
        try:
            yield reader
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.005)


def play(
    story: Callable[[StreamServer], Awaitable[None]], server: StreamServer | None = None
) -> None:
    server = server or StreamServer()

    async def run() -> None:
        async with asyncio.timeout(60), server.running():
            await story(server)

    asyncio.run(run())


def held(server: StreamServer) -> dict[str, Decimal]:
    return {
        change.slot[1]: change.message.filled  # type: ignore[attr-defined]  # they are orders
        for change in server.hub.stream("orders").state()
    }


WAYS = pytest.mark.parametrize("ws", [FrameProtocol, "websockets-sansio"], ids=["short", "long"])


@WAYS
@pytest.mark.requirement("TC-COMM-002", "WS heartbeat 30 s, reconnect 1 to 30 s")
def test_a_socket_that_is_killed_twenty_times_ends_with_the_state_of_the_server(ws: Any) -> None:
    rng = np.random.default_rng(7)

    async def story(server: StreamServer) -> None:
        async with reading(server, "orders", "fills", "prices") as reader:
            trades = 0
            for kill in range(KILLS):
                for _ in range(int(rng.integers(1, 60))):
                    name = f"o{rng.integers(0, 40)}"
                    ends = rng.random() < 0.3
                    order = an_order(
                        name,
                        filled=str(rng.integers(0, 100)),
                        state=OrderState.CANCELED if ends else OrderState.ACCEPTED,
                    )
                    server.hub.put("orders", order, is_removed=ends)
                    trades += 1
                    server.hub.put("fills", a_trade(f"t{trades}"))
                    server.hub.put("prices", a_price(f"P{rng.integers(0, 5)}.SIM", str(trades)))
                    if rng.random() < 0.2:
                        await asyncio.sleep(0)
                server.break_all()
                while reader.stream.connections <= kill:
                    await asyncio.sleep(0.005)

            await until(lambda: reader.stream.seq("orders") == server.hub.stream("orders").seq)
            await until(lambda: reader.stream.seq("fills") == server.hub.stream("fills").seq)
            await until(lambda: reader.stream.seq("prices") == server.hub.stream("prices").seq)
            assert reader.orders() == held(server)
            assert [key for _, key in reader.stream.state("fills")] == [
                change.slot[1] for change in server.hub.stream("fills").state()
            ]
            prices = {change.message for change in server.hub.stream("prices").state()}
            assert set(reader.stream.state("prices").values()) == prices
            assert reader.count(Disconnected) >= KILLS

    play(story, StreamServer(ws=ws))


def test_each_change_of_a_strict_channel_is_told_once_over_a_broken_connection() -> None:
    async def story(server: StreamServer) -> None:
        async with reading(server, "fills") as reader:
            await until(lambda: reader.stream.seq("fills") is not None)
            for number in range(60):
                server.hub.put("fills", a_trade(f"t{number}"))
                if number % 20 == 10:
                    server.break_all()
                await asyncio.sleep(0.001)
            await until(lambda: reader.stream.seq("fills") == server.hub.stream("fills").seq)

            told = [event.message.trade_id for event in reader.events if isinstance(event, Change)]
            assert told == [f"t{number}" for number in range(60)]

    play(story)


@WAYS
def test_a_slow_reader_is_told_to_resync_and_slows_nobody(ws: Any) -> None:
    async def story(server: StreamServer) -> None:
        async with (
            reading(server, "orders", user="quick") as quick,
            aiohttp.ClientSession(read_bufsize=1024) as session,
            session.ws_connect(f"{server.url}/api/v1/ws", max_msg_size=0) as slow,
        ):
            await slow.send_json({"ticket": server.ticket(somebody("slow", session="s-slow"))})
            await slow.send_json({"op": "subscribe", "channel": "orders"})
            frames = [await slow.receive_json(timeout=5) for _ in range(2)]
            await until(lambda: quick.stream.seq("orders") is not None)

            for number in range(40_000):  # more than buffers of the kernel hold
                server.hub.put("orders", an_order(f"o{number % 50}", filled=str(number % 97)))
                if number % 100 == 0:
                    await asyncio.sleep(0)
            await until(lambda: quick.stream.seq("orders") == server.hub.stream("orders").seq)
            assert quick.count(Disconnected) == 0

            seq, state = 0, dict[str, object]()
            while seq != server.hub.stream("orders").seq:
                frame = await slow.receive_json(timeout=5)
                frames.append(frame)
                if frame["type"] == "snapshot":
                    state, seq = {item["key"]: item["data"] for item in frame["data"]}, frame["seq"]
                elif frame["type"] == "OrderUpdate" and frame["after"] == seq:
                    state[frame["key"]], seq = frame["data"], frame["seq"]
            assert "resync" in [frame["type"] for frame in frames]
            assert {key: Decimal(each["filled"]) for key, each in state.items()} == held(server)  # type: ignore[index]  # JSON

    play(story, StreamServer(ws=ws))


@WAYS
def test_a_revoked_session_that_reads_nothing_is_cut_off_all_the_same(ws: Any) -> None:
    async def story(server: StreamServer) -> None:
        async with (
            aiohttp.ClientSession(read_bufsize=1024) as session,
            session.ws_connect(f"{server.url}/api/v1/ws", max_msg_size=0) as slow,
        ):
            await slow.send_json({"ticket": server.ticket()})
            await slow.send_json({"op": "subscribe", "channel": "orders"})
            for _ in range(2):
                await slow.receive_json(timeout=5)
            for number in range(40_000):
                server.hub.put("orders", an_order(f"o{number % 50}", filled=str(number % 97)))
                if number % 100 == 0:
                    await asyncio.sleep(0)

            server.living.ended.add("s1")
            server.door.revoked("s1")

            await until(lambda: server.watch.closes == [4401])
            assert server.hub.subscribers == 0

    play(story, StreamServer(ws=ws))


def test_what_facts_did_not_tell_is_told_once_the_store_is_read() -> None:
    async def story(server: StreamServer) -> None:
        async with reading(server, "orders") as reader:
            await until(lambda: reader.stream.seq("orders") is not None)
            server.truth.write(Channel.ORDERS, [an_order("a"), an_order("b", filled="3")])

            server.feeds.lost("facts did not come")

            await until(lambda: reader.orders() == {"a": 0, "b": 3})

    play(story)


def test_a_difference_to_the_store_is_found_without_anybody_knowing_of_it() -> None:
    async def story(server: StreamServer) -> None:
        server.truth.write(Channel.ORDERS, [an_order("a")])
        async with reading(server, "orders") as reader:
            await until(lambda: "a" in reader.orders())
            server.truth.write(Channel.ORDERS, [an_order("b")])

            await until(lambda: set(reader.orders()) == {"b"})

            assert ("orders", 2) in server.watch.mendings

    play(story, StreamServer(feeds=FeedsConfig(compare_s=0.2)))


def test_a_refused_channel_is_told_and_the_others_go_on() -> None:
    async def story(server: StreamServer) -> None:
        async with reading(server, "nonsense", "orders") as reader:
            await until(lambda: reader.count(Refused) == 1)
            await until(lambda: reader.stream.seq("orders") is not None)

    play(story)


def test_a_client_without_a_ticket_ends() -> None:
    async def story(server: StreamServer) -> None:
        async def ticket() -> str:
            raise Unauthenticated(code="NOT_SIGNED_IN", cause="no session", fix="sign in")

        async with Stream(server.url, ticket=ticket) as stream:
            with pytest.raises(Unauthenticated):
                await anext(stream.events())

    play(story)


def test_a_server_that_stops_is_found_again_when_it_is_back() -> None:
    async def run() -> None:
        first = StreamServer()
        async with asyncio.timeout(30), reading_later(first) as reader:
            async with first.running():
                first.hub.put("orders", an_order("a"))
                await until(lambda: set(reader.orders()) == {"a"})
                first.door.close()
            again = StreamServer()
            again.port = first.port
            first.tickets = again.tickets  # where the client asks for one
            async with again.running():
                again.hub.put("orders", an_order("b"))
                await until(lambda: set(reader.orders()) == {"b"})
                assert reader.count(Connected) == 2

    asyncio.run(run())


@asynccontextmanager
async def reading_later(server: StreamServer) -> AsyncIterator[Reader]:
    """As `reading`, of a server that begins once somebody asks for a ticket."""

    async def ticket() -> str:
        return server.ticket(somebody())

    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.port = listener.getsockname()[1]
    async with Stream(server.url, ticket=ticket, reconnecting=AT_ONCE) as stream:
        await stream.subscribe("orders")
        reader = Reader(stream)
        task = asyncio.create_task(reader.read())
        try:
            yield reader
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def test_waits_double_from_one_to_thirty_seconds_and_half_of_each_is_chance() -> None:
    waits = Reconnecting()

    for attempt, longest in enumerate((1, 2, 4, 8, 16, 30, 30)):
        assert all(longest / 2 <= waits.wait_s(attempt) <= longest for _ in range(50))


def test_a_heartbeat_that_names_another_number_has_the_state_read_anew() -> None:
    async def story(server: StreamServer) -> None:
        async with reading(server, "orders") as reader:
            server.hub.put("orders", an_order("a"))
            await until(lambda: set(reader.orders()) == {"a"})
            reader.stream._states["orders"].seq = 5  # as if something had been missed

            await until(lambda: reader.stream.seq("orders") == server.hub.stream("orders").seq)

    play(story, StreamServer(config=SocketConfig(heartbeat_s=0.1)))
