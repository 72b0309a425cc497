"""Who comes in, what they may ask, how much, and how it ends: over a real socket."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from tests.support.stream_items import a_price, a_trade, an_order
from tests.support.stream_server import StreamServer, somebody

from botcore.api.ws import SocketConfig
from botcore.app.limiting import rate_limits
from botcore.app.settings import RateSettings
from botcore.control.access import GRANTS, Role
from botcore.control.schema.streams import CHANNELS, Channel, JobUpdate
from botcore.control.schema.values import instant
from botcore.domain.errors import StorageError
from botcore.kernel.clock import SystemClock

Socket = aiohttp.ClientWebSocketResponse
Story = Callable[[StreamServer, aiohttp.ClientSession], Awaitable[None]]


def play(story: Story, server: StreamServer | None = None) -> StreamServer:
    server = server or StreamServer()

    async def run() -> None:
        async with asyncio.timeout(20), server.running(), aiohttp.ClientSession() as session:
            await story(server, session)

    asyncio.run(run())
    return server


async def connect(
    server: StreamServer, session: aiohttp.ClientSession, path: str = "/api/v1/ws", **more: Any
) -> Socket:
    socket: Socket = await session.ws_connect(server.url + path, **more)
    return socket


async def signed_in(
    server: StreamServer, session: aiohttp.ClientSession, actor: Any = None
) -> Socket:
    socket = await connect(server, session)
    await socket.send_json({"ticket": server.ticket(actor)})
    assert (await told(socket))["type"] == "welcome"
    return socket


async def told(socket: Socket) -> dict[str, Any]:
    message = await socket.receive(timeout=10)
    assert message.type is aiohttp.WSMsgType.TEXT, message
    return dict(json.loads(message.data))


async def closed(socket: Socket) -> int | None:
    while True:
        message = await socket.receive(timeout=10)
        if message.type is not aiohttp.WSMsgType.TEXT:
            await socket.close()
            return socket.close_code


async def subscribed(socket: Socket, channel: str, **more: Any) -> dict[str, Any]:
    await socket.send_json({"op": "subscribe", "channel": channel, **more})
    return await told(socket)


@pytest.mark.requirement("REST alias /ws")
def test_a_ticket_in_the_first_frame_opens_a_socket() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        socket = await connect(server, session, "/ws")
        await socket.send_json({"ticket": server.ticket()})

        welcome = await told(socket)

        assert welcome["type"] == "welcome"
        assert welcome["data"]["actor"] == "person:alice"
        assert welcome["data"]["channels"] == [str(channel) for channel in Channel]

    server = play(story)

    assert server.watch.opens == ["person:alice"]


def test_a_ticket_as_a_subprotocol_opens_a_socket_and_is_not_said_back() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        offered = ("botcore.v1", f"ticket.{server.ticket()}")
        socket = await connect(server, session, protocols=offered)

        assert socket.protocol == "botcore.v1"
        assert (await told(socket))["type"] == "welcome"

    play(story)


@pytest.mark.parametrize("first", ['{"ticket":"wst_unknown"}', '{"token":"x"}', "[", '"x"', "{}"])
def test_without_a_good_ticket_a_socket_closes_with_4401(first: str) -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        socket = await connect(server, session)
        await socket.send_str(first)

        assert (await told(socket))["type"] == "error"
        assert await closed(socket) == 4401

    server = play(story)

    assert server.watch.opens == []
    assert [action for action, _ in server.watch.refusals] == ["stream.open"]


def test_a_ticket_is_good_once() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        ticket = server.ticket()
        first, second = await connect(server, session), await connect(server, session)
        await first.send_json({"ticket": ticket})
        assert (await told(first))["type"] == "welcome"

        await second.send_json({"ticket": ticket})

        assert (await told(second))["data"]["code"] == "TICKET_REFUSED"
        assert await closed(second) == 4401

    play(story)


def test_a_ticket_of_one_origin_opens_no_socket_from_another() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        socket = await connect(server, session, origin=server.url)
        await socket.send_json({"ticket": server.ticket(origin="https://bot.example")})

        assert await closed(socket) == 4401

    play(story)


def test_who_says_nothing_is_shown_out() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        socket = await connect(server, session)

        assert (await told(socket))["data"]["code"] == "NOT_SIGNED_IN"
        assert await closed(socket) == 4401

    play(story, StreamServer(config=SocketConfig(sign_in_s=0.05)))


def test_a_ticket_in_the_address_is_refused_even_if_it_is_good() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        ticket = server.ticket()

        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await connect(server, session, f"/api/v1/ws?ticket={ticket}")

        assert refused.value.status == 422
        async with session.get(
            f"{server.url}/api/v1/ws?ticket={ticket}", headers=upgrade()
        ) as answer:
            assert (await answer.json(content_type=None))["code"] == "TICKET_IN_ADDRESS"
        assert server.tickets.take(ticket, "").user == "alice"  # it was not even looked at

    play(story)


def upgrade() -> dict[str, str]:
    return {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1.evil.example"]
)
def test_a_foreign_origin_is_turned_away(origin: str) -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await connect(server, session, origin=origin)

        assert refused.value.status == 403

    play(story)


def test_its_own_and_a_listed_origin_come_in() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        for origin in (server.url, "https://dash.example"):
            socket = await connect(server, session, origin=origin)
            await socket.send_json({"ticket": server.ticket(origin=origin)})
            assert (await told(socket))["type"] == "welcome"

    play(story, StreamServer(origins=("https://dash.example",)))


def test_a_session_that_ended_before_its_ticket_was_used_does_not_come_in() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        ticket = server.ticket()
        server.living.ended.add("s1")
        socket = await connect(server, session)
        await socket.send_json({"ticket": ticket})

        assert (await told(socket))["data"]["code"] == "SESSION_ENDED"
        assert await closed(socket) == 4401

    play(story)


def test_a_revoked_session_closes_at_once_and_others_stay() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        mine = await signed_in(server, session)
        other = await signed_in(server, session, somebody("bob", session="s2"))

        server.living.ended.add("s1")
        server.door.revoked("s1")

        assert (await told(mine))["data"]["code"] == "SESSION_ENDED"
        assert await closed(mine) == 4401
        await other.send_json({"op": "ping", "id": "7"})
        assert (await told(other))["data"]["id"] == "7"

    server = play(story)

    assert 4401 in server.watch.closes


def test_a_session_that_ended_unheard_is_found_out_by_asking_again() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        socket = await signed_in(server, session)

        server.living.ended.add("s1")

        assert await closed(socket) == 4401

    play(story, StreamServer(config=SocketConfig(recheck_s=0.2)))


def test_a_lost_scope_ends_its_channels_and_no_others() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        socket = await signed_in(server, session)
        await subscribed(socket, "log")
        await subscribed(socket, "orders")

        server.living.changed["s1"] = somebody(role=Role.VIEWER)
        server.door.revoked("s1")

        fault = await told(socket)
        assert (fault["type"], fault["data"]["code"]) == ("error", "NOT_ALLOWED")
        assert fault["data"]["channel"] == "log"
        server.hub.put("orders", an_order("a"))
        assert (await told(socket))["channel"] == "orders"
        assert (await subscribed(socket, "log"))["data"]["code"] == "NOT_ALLOWED"

    play(story)


@pytest.mark.parametrize("role", list(Role))
def test_each_channel_is_open_to_who_has_its_scope_and_to_nobody_else(role: Role) -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        socket = await signed_in(server, session, somebody(role=role))
        for name, spec in CHANNELS.items():
            answer = await subscribed(socket, name, filter={"instruments": ["A.SIM"]})
            if spec.scope in GRANTS[role]:
                assert answer["type"] == "snapshot"
            else:
                assert answer["data"]["code"] == "NOT_ALLOWED"

    server = play(story)

    assert len(server.watch.refusals) == sum(
        spec.scope not in GRANTS[role] for spec in CHANNELS.values()
    )


def test_what_cannot_be_answered_says_why() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        socket = await signed_in(server, session)
        codes = []
        for frame in (
            '{"op":"subscribe","channel":"secrets"}',
            '{"op":"subscribe","channel":"candles"}',
            '{"op":"subscribe","channel":"orders","since_seq":-1}',
            '{"op":"subscribe","channel":"orders","owner":"bob"}',
            '{"op":"sell","channel":"orders"}',
            '{"op":"unsubscribe","channel":"orders"}',
            "{",
            "\ud83d",
        ):
            await socket.send_str(frame.encode("utf-8", "replace").decode())
            answer = await told(socket)
            assert answer["type"] == "error"
            assert answer["data"]["cause"]
            assert answer["data"]["fix"]
            codes.append(answer["data"]["code"])

        assert codes == [
            "CHANNEL_UNKNOWN",
            "INSTRUMENTS_NEEDED",
            *["FRAME_MALFORMED"] * 3,
            "NOT_SUBSCRIBED",
            *["FRAME_MALFORMED"] * 2,
        ]

    play(story)


def test_a_frame_that_is_too_long_closes_with_1009() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        socket = await signed_in(server, session)
        await socket.send_str(json.dumps({"op": "ping", "id": "x" * 70_000}))

        assert await closed(socket) == 1009

    play(story)


def test_a_binary_frame_closes_with_1003() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        socket = await signed_in(server, session)
        await socket.send_bytes(b"{}")

        assert await closed(socket) == 1003

    play(story)


def test_a_flood_of_messages_closes_with_4429() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        socket = await signed_in(server, session)
        for _ in range(60):
            await socket.send_json({"op": "ping"})

        assert await closed(socket) == 4429

    play(story)


def test_the_sixth_socket_of_a_user_is_refused_until_one_closes() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        sockets = [await signed_in(server, session) for _ in range(5)]
        sixth = await connect(server, session)
        await sixth.send_json({"ticket": server.ticket()})
        assert (await told(sixth))["data"]["code"] == "TOO_MANY_SOCKETS"
        assert await closed(sixth) == 4429

        await sockets[0].close()
        while server.door.sockets > 4:
            await asyncio.sleep(0.01)

        await signed_in(server, session)
        await signed_in(server, session, somebody("bob", session="s2"))

    play(story)


def test_sockets_without_a_ticket_are_bounded() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        open_sockets = [await connect(server, session) for _ in range(2)]

        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await connect(server, session)

        assert refused.value.status == 429
        for each in open_sockets:
            await each.close()

    play(story, StreamServer(config=SocketConfig(waiting_max=2)))


def test_one_address_cannot_take_all_places_of_sockets_without_a_ticket() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        waiting = [await connect(server, session) for _ in range(2)]
        elsewhere = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))

        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await connect(server, session)
        async with aiohttp.ClientSession(connector=elsewhere) as other:
            socket = await signed_in(server, other)
            await socket.close()
        await waiting[0].send_json({"ticket": server.ticket()})
        assert (await told(waiting[0]))["type"] == "welcome"
        waiting.append(await connect(server, session))

        assert refused.value.status == 429
        for each in waiting:
            await each.close()

    play(story, StreamServer(config=SocketConfig(waiting_per_address=2)))


def test_a_server_that_stops_closes_with_1012() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        socket = await signed_in(server, session)

        server.door.close()

        assert await closed(socket) == 1012

    play(story)


def test_a_heartbeat_names_the_numbers_one_must_have() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        socket = await signed_in(server, session)
        snapshot = await subscribed(socket, "orders")
        server.hub.put("orders", an_order("a"))
        delta = await told(socket)
        assert delta["after"] == snapshot["seq"]

        beat = await told(socket)

        assert beat["type"] == "heartbeat"
        assert beat["data"]["seq"] == {"orders": delta["seq"]}

    play(story, StreamServer(config=SocketConfig(heartbeat_s=0.2)))


@pytest.mark.requirement("WS envelope {type, data}", "WS prices are strings", "WS PriceUpdate")
def test_a_delta_is_the_envelope_of_the_contract() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        socket = await signed_in(server, session)
        await subscribed(socket, "prices", filter={"instruments": ["BTCUSDT.SIM"]})

        server.hub.put("prices", a_price("ETHUSDT.SIM", "3000"))
        server.hub.put("prices", a_price("BTCUSDT.SIM", "64120.50"))

        delta = await told(socket)
        assert delta["type"] == "PriceUpdate"
        assert delta["data"] == {
            "symbol": "BTCUSDT.SIM",
            "price": "64120.50",
            "timestamp": "2026-01-01T12:00:00Z",
        }
        assert delta["channel"] == "prices"

    play(story)


@pytest.mark.requirement("WS TradeUpdate", "WS OrderUpdate")
def test_fills_and_orders_carry_what_the_contract_names() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        socket = await signed_in(server, session)
        await subscribed(socket, "fills")
        await subscribed(socket, "orders")

        server.hub.put("fills", a_trade("t1", price="64120.50"))
        server.hub.put("orders", an_order("a"))

        trade, order = await told(socket), await told(socket)
        assert trade["type"] == "TradeUpdate"
        assert {name: trade["data"][name] for name in ("trade_id", "status", "price")} == {
            "trade_id": "t1",
            "status": "executed",
            "price": "64120.50",
        }
        assert order["type"] == "OrderUpdate"
        assert order["data"]["state"] == "ACCEPTED"

    play(story)


def test_everybody_sees_only_their_own_jobs() -> None:
    def a_job(name: str) -> JobUpdate:
        return JobUpdate(
            id=name,
            kind="backtest",
            title="",
            state="running",
            progress=0.5,
            done=1,
            total=2,
            created_at=instant(0),
            started_at=None,
            ended_at=None,
        )

    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        server.truth.write(Channel.JOBS, [a_job("mine")], "alice")
        server.truth.write(Channel.JOBS, [a_job("hers")], "bob")
        mine = await signed_in(server, session)
        hers = await signed_in(server, session, somebody("bob", session="s2"))

        assert [item["key"] for item in (await subscribed(mine, "jobs"))["data"]] == ["mine"]
        assert [item["key"] for item in (await subscribed(hers, "jobs"))["data"]] == ["hers"]
        server.truth.write(Channel.JOBS, [a_job("hers"), a_job("more")], "bob")
        server.feeds.changed(Channel.JOBS, "bob")

        assert (await told(hers))["key"] == "more"
        await mine.send_json({"op": "ping", "id": "1"})
        assert (await told(mine))["type"] == "pong"

    play(story)


def test_a_channel_that_cannot_be_read_is_refused_with_its_cause() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        socket = await signed_in(server, session)
        server.truth.problem = StorageError(code="STORE_GONE", cause="it is gone", fix="wait")

        assert (await subscribed(socket, "positions"))["data"]["code"] == "STORE_GONE"

        server.truth.problem = None
        assert (await subscribed(socket, "positions"))["type"] == "snapshot"

    play(story)


def test_the_number_one_has_brings_what_was_missed_and_nothing_else() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        first = await signed_in(server, session)
        seq = (await subscribed(first, "orders"))["seq"]
        await first.close()
        server.hub.put("orders", an_order("c"))
        second = await signed_in(server, session)

        resumed = await subscribed(second, "orders", since_seq=seq)

        assert (resumed["type"], resumed["seq"]) == ("resumed", seq)
        missed = await told(second)
        assert (missed["key"], missed["after"]) == ("c", seq)

    play(story)


def test_a_number_from_before_a_restart_brings_the_whole_state() -> None:
    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        server.hub.put("orders", an_order("a"))
        socket = await signed_in(server, session)

        answer = await subscribed(socket, "orders", since_seq=1_234)

        assert answer["type"] == "snapshot"
        assert [item["key"] for item in answer["data"]] == ["a"]

    play(story)


class _NoLatency:
    def p99_s(self) -> float | None:
        return None


def test_refusals_of_a_stranger_fill_the_audit_only_as_fast_as_his_limit_allows() -> None:
    rates = RateSettings(strangers_per_min=1, strangers_burst=4)
    limits = rate_limits(rates, latency=_NoLatency(), clock=SystemClock())

    async def story(server: StreamServer, session: aiohttp.ClientSession) -> None:
        statuses = []
        for _ in range(6):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await connect(server, session, "/api/v1/ws?ticket=x")
            statuses.append(refused.value.status)
        socket = await connect(server, session)
        await socket.send_json({"ticket": "wst_guessed"})

        assert statuses == [422] * 4 + [429] * 2
        assert await closed(socket) == 4401
        assert len(server.watch.refusals) == 4
        await (await signed_in(server, session)).close()  # who has a ticket pays nothing of it

    play(story, StreamServer(limits=limits))
