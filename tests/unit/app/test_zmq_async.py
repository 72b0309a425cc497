"""Many calls at a time from an event loop, over real sockets."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import zmq
import zmq.asyncio

from botcore.app.zmq_async import ZmqAsyncClient
from botcore.app.zmq_calls import Answer, EngineUnreachable, ZmqCommandServer
from botcore.domain.errors import ConfigError
from botcore.kernel import SystemClock

Handle = Callable[[bytes, Answer], None]


class Held:
    """Takes calls, and answers when it is told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[bytes, Answer]] = []
        self._came = threading.Condition()

    def take(self, payload: bytes, answer: Answer) -> None:
        with self._came:
            self.calls.append((payload, answer))
            self._came.notify_all()

    def wait_for(self, count: int) -> None:
        with self._came:
            assert self._came.wait_for(lambda: len(self.calls) >= count, timeout=30)


@pytest.fixture
def endpoint(tmp_path: Path) -> str:
    return f"ipc://{tmp_path / 'calls'}"


@pytest.fixture
def serve(endpoint: str) -> Iterator[Callable[[Handle], ZmqCommandServer]]:
    made: list[ZmqCommandServer] = []

    def start(handle: Handle) -> ZmqCommandServer:
        server = ZmqCommandServer(endpoint, token="t", handle=handle)
        server.start()
        made.append(server)
        return server

    yield start
    for server in made:
        if server._thread.is_alive():
            server.stop()


def on_a_loop(
    endpoint: str, ask: Callable[[ZmqAsyncClient], Awaitable[None]], *, token: str = "t"
) -> None:
    """Run something with a client."""

    async def run() -> None:
        async with ZmqAsyncClient(endpoint, token=token) as client:
            await ask(client)

    asyncio.run(run())


def test_many_calls_wait_at_a_time_and_each_gets_its_own_answer(
    endpoint: str, serve: Callable[[Handle], ZmqCommandServer]
) -> None:
    held = Held()
    serve(held.take)
    answers: list[bytes] = []

    async def ask(client: ZmqAsyncClient) -> None:
        calls = [asyncio.create_task(client.call(b"%d" % n)) for n in range(100)]
        await asyncio.to_thread(held.wait_for, 100)
        assert client.in_flight == 100
        for payload, answer in reversed(held.calls):
            answer(b"to " + payload)
        answers.extend(await asyncio.gather(*calls))
        assert client.in_flight == 0

    on_a_loop(endpoint, ask)

    assert answers == [b"to %d" % n for n in range(100)]


def test_who_listens_where_a_server_died_does_not_learn_the_token_and_is_not_believed(
    endpoint: str,
) -> None:
    context = zmq.asyncio.Context()
    heard: list[bytes] = []

    async def lie(socket: "zmq.asyncio.Socket") -> None:
        client, *said = await socket.recv_multipart()
        heard.extend(said)
        for answer in ([said[2], b"done"], [said[2], said[1], b"done"]):
            await socket.send_multipart([client, b"", *answer])

    async def ask(client: ZmqAsyncClient) -> None:
        socket = context.socket(zmq.ROUTER)
        socket.linger = 0
        socket.bind(endpoint)
        lying = asyncio.create_task(lie(socket))
        try:
            with pytest.raises(EngineUnreachable):
                await client.call(b"buy", timeout_s=1.0)
            await lying
        finally:
            socket.close()

    on_a_loop(endpoint, ask, token="secret of the home")
    context.term()

    assert heard
    assert not any(b"secret" in part for part in heard)


def test_a_call_that_is_not_answered_may_have_been_done(
    endpoint: str, serve: Callable[[Handle], ZmqCommandServer]
) -> None:
    serve(lambda _payload, _answer: None)

    async def ask(client: ZmqAsyncClient) -> None:
        with pytest.raises(EngineUnreachable, match="may have been done"):
            await client.call(b"buy", timeout_s=0.2)

    on_a_loop(endpoint, ask)


def test_a_call_to_nobody_is_not_done_by_somebody_who_comes_later(
    endpoint: str, serve: Callable[[Handle], ZmqCommandServer]
) -> None:
    held = Held()

    async def ask(client: ZmqAsyncClient) -> None:
        with pytest.raises(EngineUnreachable, match="nothing was done"):
            await client.call(b"buy", timeout_s=0.1)
        serve(held.take)
        later = asyncio.create_task(client.call(b"sell", timeout_s=30))
        await asyncio.to_thread(held.wait_for, 1)
        held.calls[0][1](b"sold")
        assert await later == b"sold"

    on_a_loop(endpoint, ask)

    assert [payload for payload, _ in held.calls] == [b"sell"]


def test_a_call_waits_for_a_server_that_is_about_to_come(
    endpoint: str, serve: Callable[[Handle], ZmqCommandServer]
) -> None:
    async def ask(client: ZmqAsyncClient) -> None:
        call = asyncio.create_task(client.call(b"x", timeout_s=30))
        await SystemClock().sleep(0.05)
        serve(lambda payload, answer: answer(payload.upper()))
        assert await call == b"X"

    on_a_loop(endpoint, ask)


def test_what_may_be_asked_twice_is_asked_again_of_who_was_started_meanwhile(
    endpoint: str, serve: Callable[[Handle], ZmqCommandServer]
) -> None:
    first, second = Held(), Held()

    async def ask(client: ZmqAsyncClient) -> None:
        server = serve(first.take)
        call = asyncio.create_task(client.call(b"how?", timeout_s=20, tries=40))
        await asyncio.to_thread(first.wait_for, 1)
        await asyncio.to_thread(server.stop)
        serve(second.take)
        await asyncio.to_thread(second.wait_for, 1)
        second.calls[0][1](b"so")
        assert await call == b"so"

    on_a_loop(endpoint, ask)


def test_a_call_that_is_sent_again_is_taken_once(
    endpoint: str, serve: Callable[[Handle], ZmqCommandServer]
) -> None:
    held = Held()
    serve(held.take)

    async def ask(client: ZmqAsyncClient) -> None:
        call = asyncio.create_task(client.call(b"once", timeout_s=5, tries=50))
        await SystemClock().sleep(0.5)
        held.calls[0][1](b"done")
        assert await call == b"done"

    on_a_loop(endpoint, ask)

    assert len(held.calls) == 1


def test_only_so_many_calls_wait_and_the_others_come_after_them(endpoint: str) -> None:
    held = Held()
    server = ZmqCommandServer(endpoint, token="t", handle=held.take, high_water=5)
    server.start()

    async def ask(client: ZmqAsyncClient) -> None:
        calls = [asyncio.create_task(client.call(b"%d" % n, timeout_s=30)) for n in range(12)]
        await SystemClock().sleep(0.3)
        assert len(held.calls) == 5
        answered = 0
        while answered < 12:
            await asyncio.to_thread(held.wait_for, answered + 1)
            held.calls[answered][1](b"done")
            answered += 1
        await asyncio.gather(*calls)

    on_a_loop(endpoint, ask)
    server.stop()


def test_an_address_that_leaves_the_machine_is_refused() -> None:
    with pytest.raises(ConfigError, match="BUS_NOT_LOCAL"):
        ZmqAsyncClient("tcp://10.0.0.1:1", token="t")
