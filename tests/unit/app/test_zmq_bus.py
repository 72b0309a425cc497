import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import zmq

from botcore.app.zmq_bus import (
    ZmqFactPublisher,
    ZmqFactSubscriber,
    token_of,
)
from botcore.app.zmq_calls import (
    Answer,
    EngineUnreachable,
    ZmqCommandClient,
    ZmqCommandServer,
)
from botcore.domain.errors import ConfigError
from botcore.kernel import FactPublisher, Message, Subscription, SystemClock

ANY = "tcp://127.0.0.1:*"
TOKEN = "the home's"


@pytest.fixture
def publisher() -> Iterator[ZmqFactPublisher]:
    made = ZmqFactPublisher(ANY, token=TOKEN)
    yield made
    made.close()


def _until(true: Callable[[], bool]) -> None:
    for _ in range(3_000):
        if true():
            return
        SystemClock().sleep_blocking(0.01)
    raise AssertionError("it never came true")


def _subscribed(
    publisher: ZmqFactPublisher, *prefixes: str, capacity: int = 100
) -> ZmqFactSubscriber:
    subscriber = ZmqFactSubscriber(publisher.endpoint, *prefixes, token=TOKEN, capacity=capacity)
    _until(lambda: all(publisher.has_subscribers(prefix) for prefix in prefixes))
    return subscriber


def _take(subscription: Subscription, count: int) -> list[Message]:
    taken: list[Message] = []

    def all_came() -> bool:
        taken.extend(subscription.take(count, timeout_s=0.01))
        return len(taken) >= count

    _until(all_came)
    return taken


def test_a_subscriber_gets_what_starts_with_its_prefixes_in_order(
    publisher: ZmqFactPublisher,
) -> None:
    sender: FactPublisher = publisher
    subscriber = _subscribed(publisher, "fact.Order", "alert")
    observer: Subscription = subscriber

    for topic in ("fact.ModeChanged", "fact.OrderPlaced", "alert.disk", "fact.OrderFilled"):
        sender.publish(topic, topic.encode())
    taken = _take(observer, 3)

    assert taken == [
        Message(topic, topic.encode())
        for topic in ("fact.OrderPlaced", "alert.disk", "fact.OrderFilled")
    ]
    assert observer.dropped == 0
    observer.close()


def test_nobody_is_subscribed_before_one_is_and_after_the_last_has_left(
    publisher: ZmqFactPublisher,
) -> None:
    assert not publisher.has_subscribers("fact.OrderFilled")
    subscriber = _subscribed(publisher, "fact.")
    assert not publisher.has_subscribers("market.BTCUSDT")

    subscriber.close()

    _until(lambda: not publisher.has_subscribers("fact.OrderFilled"))


def test_a_subscriber_that_does_not_read_loses_its_own_messages_and_counts_them() -> None:
    publisher = ZmqFactPublisher(ANY, token=TOKEN, high_water=10)
    slow = _subscribed(publisher, "fact", capacity=10)
    payload = bytes(100_000)

    for _ in range(2_000):
        publisher.publish("fact", payload)
    taken = 0
    while batch := slow.take(100, timeout_s=0.5):
        taken += len(batch)
    publisher.publish("fact", b"last")
    last = slow.take(1, timeout_s=30)

    assert 0 < taken < 2_000
    assert last[0].payload == b"last"
    assert slow.dropped == 2_000 - taken
    slow.close()
    publisher.close()


def test_a_publisher_that_begins_anew_is_no_loss() -> None:
    first = ZmqFactPublisher(ANY, token=TOKEN)
    endpoint = first.endpoint
    subscriber = _subscribed(first, "fact")
    for _ in range(5):
        first.publish("fact", b"first")
    assert len(_take(subscriber, 5)) == 5
    first.close()

    second = ZmqFactPublisher(endpoint, token=TOKEN)
    # A subscriber connects again while it is asked for messages, as it is all the time.
    _until(lambda: not subscriber.take(1, timeout_s=0) and second.has_subscribers("fact"))
    second.publish("fact", b"second")

    assert [message.payload for message in _take(subscriber, 1)] == [b"second"]
    assert subscriber.dropped == 0
    subscriber.close()
    second.close()


def _unanswered(_payload: bytes, _answer: Answer) -> None:
    """Never answer."""


@pytest.fixture
def server() -> Iterator[ZmqCommandServer]:
    made = ZmqCommandServer(
        ANY, token="secret", handle=lambda payload, answer: answer(payload.upper())
    )
    made.start()
    yield made
    made.stop()


def test_a_command_is_answered(server: ZmqCommandServer) -> None:
    client = ZmqCommandClient(server.endpoint, token="secret")

    assert client.call(b"pause", timeout_s=30) == b"PAUSE"
    assert client.call(b"resume", timeout_s=30) == b"RESUME"
    client.close()


def test_a_command_without_the_token_is_not_done(server: ZmqCommandServer) -> None:
    client = ZmqCommandClient(server.endpoint, token="guess")

    with pytest.raises(EngineUnreachable, match="ENGINE_UNREACHABLE"):
        client.call(b"pause", timeout_s=0.05, tries=2)

    _until(lambda: server.refused == 2)
    client.close()


class Impostor:
    """Listens where a server died, keeps what it hears, and answers as it likes."""

    def __init__(self) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.linger = 0
        self._socket.bind(ANY)
        self.endpoint = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self.heard: list[list[bytes]] = []
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> "Impostor":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join()
        self._socket.close()
        self._context.term()

    def _listen(self) -> None:
        while not self._ends.is_set():
            if self._socket.poll(20):
                client, *said = self._socket.recv_multipart()
                self.heard.append(said)
                request_id = said[2]
                for lie in ([request_id, b"done"], [request_id, said[1], b"done"]):
                    self._socket.send_multipart([client, b"", *lie])


def test_who_listens_where_a_server_died_does_not_learn_the_token_and_is_not_believed() -> None:
    with (
        Impostor() as impostor,
        closing(ZmqCommandClient(impostor.endpoint, token="secret")) as client,
        pytest.raises(EngineUnreachable),
    ):
        client.call(b"pause", timeout_s=0.5, tries=2)
    assert impostor.heard
    assert not any(b"secret" in part for said in impostor.heard for part in said)


def test_a_command_that_was_changed_on_its_way_is_not_done(server: ZmqCommandServer) -> None:
    with (
        Impostor() as impostor,
        closing(ZmqCommandClient(impostor.endpoint, token="secret")) as client,
        pytest.raises(EngineUnreachable),
    ):
        client.call(b"pause", timeout_s=0.5, tries=1)
    heard = impostor.heard[0]
    context = zmq.Context()
    thief = context.socket(zmq.DEALER)
    thief.linger = 0
    thief.connect(server.endpoint)

    thief.send_multipart([*heard[:3], b"flatten"])
    thief.send_multipart([*heard[:2], b"another id, 16 b", heard[3]])
    # The border between id and payload is where it was.
    thief.send_multipart([*heard[:2], heard[2] + heard[3][:1], heard[3][1:]])

    _until(lambda: server.refused == 3)
    thief.close()
    context.term()


def test_a_command_that_is_sent_again_is_done_once() -> None:
    done: list[bytes] = []

    def handle(payload: bytes, answer: Answer) -> None:
        done.append(payload)
        threading.Timer(0.3, answer, [b"done"]).start()  # longer than the first try waits

    server = ZmqCommandServer(ANY, token="t", handle=handle)
    server.start()
    client = ZmqCommandClient(server.endpoint, token="t")

    answer = client.call(b"flatten", timeout_s=0.1, tries=100)

    assert answer == b"done"
    assert done == [b"flatten"]
    client.close()
    server.stop()


def test_a_handler_that_raises_leaves_later_commands_answered() -> None:
    def handle(payload: bytes, answer: Answer) -> None:
        answer(b"%d" % (1 // int(payload)))

    server = ZmqCommandServer(ANY, token="t", handle=handle)
    server.start()
    client = ZmqCommandClient(server.endpoint, token="t")

    with pytest.raises(EngineUnreachable):
        client.call(b"0", timeout_s=0.2, tries=1)

    assert client.call(b"1", timeout_s=30) == b"1"
    assert server.failed == 1
    client.close()
    server.stop()


def test_a_server_that_is_not_there_is_said_to_be_unreachable(tmp_path: Path) -> None:
    client = ZmqCommandClient(f"ipc://{tmp_path / 'nobody'}", token="t")

    with pytest.raises(EngineUnreachable) as refused:
        client.call(b"pause", timeout_s=0.01, tries=2)

    assert refused.value.fix
    client.close()


def test_a_server_that_comes_late_is_reached(tmp_path: Path) -> None:
    endpoint = f"ipc://{tmp_path / 'commands'}"
    client = ZmqCommandClient(endpoint, token="t")
    with pytest.raises(EngineUnreachable):
        client.call(b"pause", timeout_s=0.01, tries=1)
    server = ZmqCommandServer(endpoint, token="t", handle=lambda payload, answer: answer(b"late"))
    server.start()

    assert client.call(b"pause", timeout_s=5, tries=10) == b"late"
    client.close()
    server.stop()


@pytest.mark.parametrize("endpoint", ["tcp://0.0.0.0:5555", "tcp://*:5555", "tcp://10.0.0.1:1"])
def test_an_address_that_leaves_the_machine_is_refused(endpoint: str) -> None:
    for make in (
        lambda: ZmqFactPublisher(endpoint, token=TOKEN),
        lambda: ZmqFactSubscriber(endpoint, "", token=TOKEN),
        lambda: ZmqCommandServer(endpoint, token="t", handle=_unanswered),
        lambda: ZmqCommandClient(endpoint, token="t"),
    ):
        with pytest.raises(ConfigError, match="BUS_NOT_LOCAL"):
            make()


def test_an_address_that_is_taken_is_refused(publisher: ZmqFactPublisher) -> None:
    with pytest.raises(ConfigError, match="BUS_ADDRESS_TAKEN"):
        ZmqFactPublisher(publisher.endpoint, token=TOKEN)
    with pytest.raises(ConfigError, match="BUS_ADDRESS_TAKEN"):
        ZmqCommandServer(publisher.endpoint, token="t", handle=_unanswered)


def test_the_token_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "token"

    first, second = token_of(path), token_of(path)

    assert first == second
    assert len(first) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_token_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    token_of(path)
    path.chmod(0o644)

    with pytest.raises(ConfigError, match="TOKEN_FILE_OPEN"):
        token_of(path)
