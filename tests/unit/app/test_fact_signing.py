"""Who takes the engine's port is not believed, nor is what the engine said before."""

import threading
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
import zmq
from tests.support.builders import MAIN

from botcore.app.channel import HEAD, MARKET, PLACES, VIEW, Publisher, Remote
from botcore.app.fact_feed import FactFeed, Lost
from botcore.app.fact_signing import LATE_NS, FactSigner, Stamp
from botcore.app.market_feed import MarketFeed
from botcore.app.told import Told
from botcore.app.zmq_bus import ZmqFactPublisher, ZmqFactSubscriber
from botcore.domain.events import Fact, RiskAlert
from botcore.domain.ids import Nanos
from botcore.domain.records import encode
from botcore.kernel import Message, SystemClock

ANY = "tcp://127.0.0.1:*"
TOKEN = "the home's"
STAMP = Stamp(epoch=7, number=1, sent_ns=1_000)


class Ahead(SystemClock):
    """The machine's clock, `by_ns` later."""

    def __init__(self) -> None:
        super().__init__()
        self.by_ns = 0

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() + self.by_ns


class Stranger:
    """Another user of the machine: listens to what is published, and may take the port."""

    def __init__(self) -> None:
        self._context = zmq.Context()
        self._sockets: list[zmq.Socket[bytes]] = []
        self._heard: zmq.Socket[bytes] | None = None

    def listen(self, publisher: ZmqFactPublisher) -> None:
        heard = self._heard = self._open(zmq.SUB)
        heard.subscribe(b"")
        heard.connect(publisher.endpoint)
        _until(lambda: publisher.has_subscribers("nobody else's"))

    def heard(self, count: int) -> list[list[bytes]]:
        assert self._heard is not None
        found: list[list[bytes]] = []
        while len(found) < count and self._heard.poll(30_000):
            found.append(self._heard.recv_multipart())
        assert len(found) == count
        return found

    def take_the_port(self, endpoint: str = ANY) -> "Voice":
        """Bind the port, as soon as it is free."""
        speaks = self._open(zmq.XPUB)

        def is_bound() -> bool:
            try:
                speaks.bind(endpoint)
            except zmq.ZMQError:
                return False
            return True

        _until(is_bound)
        return Voice(speaks)

    def close(self) -> None:
        for each in self._sockets:
            each.close()
        self._context.term()

    def _open(self, kind: int) -> "zmq.Socket[bytes]":
        made = self._context.socket(kind)
        made.linger = 0
        self._sockets.append(made)
        return made


class Voice:
    """Says anything to whoever is subscribed."""

    def __init__(self, socket: "zmq.Socket[bytes]") -> None:
        self._socket = socket
        self.endpoint = socket.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")

    def hear_subscriptions(self, subscriber: ZmqFactSubscriber | None, count: int = 1) -> None:
        """Wait until so many subscriptions came; a subscriber connects again while it is asked."""
        found = 0

        def all_came() -> bool:
            nonlocal found
            if subscriber is not None:
                assert subscriber.take(1, timeout_s=0) == []
            found += 1 if self._socket.poll(0) and self._socket.recv()[:1] == b"\x01" else 0
            return found >= count

        _until(all_came)

    def say(self, *messages: list[bytes]) -> None:
        for each in messages:
            self._socket.send_multipart(each)


def _until(true: Callable[[], bool]) -> None:
    for _ in range(3_000):
        if true():
            return
        SystemClock().sleep_blocking(0.01)
    raise AssertionError("it never came true")


def _heard_by(subscriber: ZmqFactSubscriber, count: int) -> list[Message]:
    """What a subscriber believes of so many messages."""
    believed: list[Message] = []
    before = subscriber.refused

    def all_came() -> bool:
        believed.extend(subscriber.take(100, timeout_s=0.01))
        return len(believed) + subscriber.refused - before >= count

    _until(all_came)
    return believed


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    made = Stranger()
    yield made
    made.close()


# --- signatures


def test_what_is_signed_is_read() -> None:
    message = FactSigner(TOKEN).sign(b"fact/Fill", STAMP, b"paid 100")

    assert FactSigner(TOKEN).read(message) == STAMP
    assert message[0] == b"fact/Fill"
    assert message[2] == b"paid 100"
    assert not any(TOKEN.encode() in part for part in message)


def test_what_was_changed_on_its_way_is_not_read() -> None:
    topic, head, payload = FactSigner(TOKEN).sign(b"view", STAMP, b"equity 100")
    other = FactSigner(TOKEN).sign(b"view", Stamp(7, 2, 2_000), b"equity 100")[1]
    size = len(head) - 32

    changed = [
        [b"fact", head, payload],
        [topic, head, b"equity 900"],
        [topic, other[:size] + head[size:], payload],
        # The border between topic and payload is where it was.
        [topic + payload[:1], head, payload[1:]],
        [topic[:-1], head, topic[-1:] + payload],
        [topic, head[:-1], payload],
        [topic, head[:size], payload],
        [topic, head],
        [topic, head, payload, b""],
        [topic],
    ]

    assert [FactSigner(TOKEN).read(each) for each in changed] == [None] * len(changed)


def test_another_token_and_another_start_of_the_machine_sign_otherwise() -> None:
    signer = FactSigner(TOKEN, boot_id=b"monday")
    message = signer.sign(b"view", STAMP, b"equity 100")

    assert signer.read(message) == STAMP
    assert FactSigner("a guess", boot_id=b"monday").read(message) is None
    assert FactSigner(TOKEN, boot_id=b"tuesday").read(message) is None


# --- a subscriber


def test_a_stranger_on_the_port_of_an_engine_that_died_is_not_believed(stranger: Stranger) -> None:
    engine = ZmqFactPublisher(ANY, token=TOKEN)
    subscriber = ZmqFactSubscriber(engine.endpoint, "view", token=TOKEN)
    _until(lambda: engine.has_subscribers("view"))
    engine.publish("view", b"equity 100")
    assert [each.payload for each in _heard_by(subscriber, 1)] == [b"equity 100"]
    endpoint = engine.endpoint
    engine.close()

    voice = stranger.take_the_port(endpoint)
    voice.hear_subscriptions(subscriber)
    now = SystemClock().monotonic_ns()
    lie = FactSigner("a guess").sign(b"view", Stamp(7, 2, now), b"equity 900")
    unsigned = [b"view", lie[1][:16], b"equity 900"]
    voice.say(lie, unsigned, [b"view"], [b"view", b"", b"", b""])

    assert _heard_by(subscriber, 4) == []
    assert (subscriber.refused, subscriber.dropped) == (4, 0)
    subscriber.close()


def test_what_the_engine_said_is_not_believed_a_second_time(stranger: Stranger) -> None:
    engine = ZmqFactPublisher(ANY, token=TOKEN)
    subscriber = ZmqFactSubscriber(engine.endpoint, "view", "market", token=TOKEN)
    _until(lambda: engine.has_subscribers("view") and engine.has_subscribers("market"))
    stranger.listen(engine)
    # Of two topics: the numbers of one say nothing about the other.
    for number in range(3):
        engine.publish("view", b"view %d" % number)
        engine.publish("market", b"market %d" % number)
    recorded = stranger.heard(6)
    assert len(_heard_by(subscriber, 6)) == 6
    endpoint = engine.endpoint
    engine.close()

    voice = stranger.take_the_port(endpoint)
    voice.hear_subscriptions(subscriber, 2)
    voice.say(*recorded)

    assert _heard_by(subscriber, 6) == []
    assert subscriber.refused == 6
    subscriber.close()


def test_who_begins_to_listen_later_is_told_nothing_of_an_earlier_epoch(
    stranger: Stranger,
) -> None:
    engine = ZmqFactPublisher(ANY, token=TOKEN)
    stranger.listen(engine)
    engine.publish("view", b"equity 100")
    recorded = stranger.heard(1)
    engine.close()

    voice = stranger.take_the_port()
    subscriber = ZmqFactSubscriber(voice.endpoint, "view", token=TOKEN)
    voice.hear_subscriptions(None)
    voice.say(*recorded)

    assert _heard_by(subscriber, 1) == []
    assert subscriber.refused == 1
    subscriber.close()


def test_an_earlier_epoch_does_not_come_back_behind_a_newer_one(stranger: Stranger) -> None:
    first, second = (ZmqFactPublisher(ANY, token=TOKEN) for _ in range(2))
    voice = stranger.take_the_port()
    subscriber = ZmqFactSubscriber(voice.endpoint, "view", token=TOKEN)
    voice.hear_subscriptions(None)
    said = []
    for engine in (first, second):
        listener = Stranger()
        listener.listen(engine)
        engine.publish("view", b"of an epoch")
        said += listener.heard(1)
        listener.close()
        engine.close()
    earlier, later = said

    voice.say(later, earlier)

    assert len(_heard_by(subscriber, 2)) == 1
    assert subscriber.refused == 1
    subscriber.close()


def test_what_comes_much_too_late_is_lost_and_not_shown(stranger: Stranger) -> None:
    clock = Ahead()
    engine = ZmqFactPublisher(ANY, token=TOKEN)
    subscriber = ZmqFactSubscriber(engine.endpoint, "view", token=TOKEN, clock=clock)
    _until(lambda: engine.has_subscribers("view"))

    engine.publish("view", b"on time")
    on_time = _heard_by(subscriber, 1)
    clock.by_ns = LATE_NS + 1
    engine.publish("view", b"held back")
    SystemClock().sleep_blocking(0.05)
    late = subscriber.take(10, timeout_s=1.0)
    clock.by_ns = 0
    engine.publish("view", b"on time again")
    again = _heard_by(subscriber, 1)

    assert [each.payload for each in on_time + late + again] == [b"on time", b"on time again"]
    assert (subscriber.refused, subscriber.dropped) == (0, 1)
    subscriber.close()
    engine.close()


def test_losses_are_counted_as_they_are_beside_a_stranger_s_words(stranger: Stranger) -> None:
    voice = stranger.take_the_port()
    subscriber = ZmqFactSubscriber(voice.endpoint, "fact", token=TOKEN)
    voice.hear_subscriptions(None)
    true, false = FactSigner(TOKEN), FactSigner("a guess")
    now = SystemClock().monotonic_ns()

    def said(signer: FactSigner, number: int) -> list[bytes]:
        return signer.sign(b"fact", Stamp(7, number, now + number), b"%d" % number)

    # The third and fourth are lost; what a stranger says of numbers is not heard.
    voice.say(said(true, 1), said(true, 2), said(false, 3), said(false, 900), said(true, 5))

    assert [each.payload for each in _heard_by(subscriber, 5)] == [b"1", b"2", b"5"]
    assert (subscriber.refused, subscriber.dropped) == (2, 2)
    subscriber.close()


def test_a_stranger_s_flood_does_not_hold_up_who_listens(stranger: Stranger) -> None:
    voice = stranger.take_the_port()
    subscriber = ZmqFactSubscriber(voice.endpoint, "view", token=TOKEN)
    voice.hear_subscriptions(None)
    ends = threading.Event()

    def flood() -> None:
        while not ends.is_set():
            voice.say([b"view", bytes(56), b"equity 900"])

    talking = threading.Thread(target=flood)
    talking.start()
    taken = [subscriber.take(10, timeout_s=None) for _ in range(20)]
    ends.set()
    talking.join()

    assert taken == [[]] * 20
    assert 20 <= subscriber.refused <= 200
    subscriber.close()


def test_no_two_messages_of_a_publisher_were_sent_at_the_same_instant(stranger: Stranger) -> None:
    class Stopped(SystemClock):
        def monotonic_ns(self) -> int:
            return 5_000

    engine = ZmqFactPublisher(ANY, token=TOKEN, clock=Stopped())
    stranger.listen(engine)
    for topic in ("a", "b", "a"):
        engine.publish(topic, b"")

    stamps = [FactSigner(TOKEN).read(each) for each in stranger.heard(3)]

    assert [stamp.number for stamp in stamps if stamp] == [1, 1, 2]
    assert all(a.sent_ns < b.sent_ns for a, b in pairwise(stamp for stamp in stamps if stamp))
    engine.close()


# --- who listens


def _nobody(_told: Told) -> None:
    """Take no call."""


def test_a_stranger_s_view_is_not_shown_and_its_facts_and_prices_are_not_heard(
    stranger: Stranger,
) -> None:
    voice = stranger.take_the_port()
    heard: list[object] = []
    lost: list[Lost] = []

    def on_fact(_lsn: int, fact: Fact) -> None:
        heard.append(fact)

    remote = Remote(events=voice.endpoint, commands="tcp://127.0.0.1:1", token=TOKEN)
    feed = FactFeed(events=voice.endpoint, token=TOKEN, on_fact=on_fact, on_lost=lost.append)
    prices = MarketFeed(events=voice.endpoint, token=TOKEN, on_event=heard.append)
    for each in (remote, feed, prices):
        each.start()
    voice.hear_subscriptions(None, 4)
    now = SystemClock().monotonic_ns()
    lie = FactSigner("a guess")
    fact = PLACES.pack(5, 0) + encode(RiskAlert(MAIN, Nanos(1), "NUMBERED", "5"))
    voice.say(
        lie.sign(VIEW.encode(), Stamp(7, 1, now + 1), b"a view"),
        lie.sign(b"fact/RiskAlert", Stamp(7, 1, now + 2), fact),
        lie.sign(HEAD.encode(), Stamp(7, 1, now + 3), PLACES.pack(900, 900)),
        lie.sign(MARKET.encode(), Stamp(7, 1, now + 4), b"\x90"),
    )

    _until(lambda: (remote.refused, feed.refused, prices.refused) == (1, 2, 1))

    assert remote.view() is None
    assert remote.view_age_s() == float("inf")
    assert (heard, lost, feed.newest_lsn) == ([], [], 0)
    for closing in (remote, feed, prices):
        closing.close()


def test_what_is_published_is_signed_with_the_token_of_the_home(stranger: Stranger) -> None:
    publisher = Publisher(events=ANY, commands=ANY, token=TOKEN, on_call=_nobody)
    publisher.start()
    stranger.listen(publisher._events)

    publisher.publish_fact("RiskAlert", 1, b"a fact")
    publisher.publish_head(1)
    publisher.publish_market(b"bars")

    read = [FactSigner(TOKEN).read(each) for each in stranger.heard(3)]
    assert all(stamp is not None and stamp.number == 1 for stamp in read)
    publisher.close()
