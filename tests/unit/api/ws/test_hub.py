"""Numbers, bounds and sharing of the hub, one rule at a time; the property test mixes them."""

from typing import Any

import msgspec
import pytest
from tests.support.stream_items import a_price, a_trade, an_order

from botcore.api.ws.hub import Hub
from botcore.api.ws.stream import Stream
from botcore.api.ws.subscriber import PHASES, Subscriber
from botcore.control.access import Scope
from botcore.control.schema.streams import CHANNELS, Channel, ChannelSpec, TradeUpdate

FIRST = 1_000


class Wrapped:
    """Frames as bytes, each counted once when it is made."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, payload: bytes) -> bytes:
        self.made += 1
        return payload


def a_hub(wrap: Any = bytes, **bounds: int) -> Hub[bytes]:
    return Hub(CHANNELS, first_seq=FIRST, wrap=wrap, **bounds)


def told(subscriber: Subscriber[bytes]) -> list[dict[str, Any]]:
    return [msgspec.json.decode(frame) for frame in subscriber.take()]


def all_told(hub: Hub[bytes], subscriber: Subscriber[bytes]) -> list[dict[str, Any]]:
    for phase in range(PHASES):
        hub.flush(phase)
    return told(subscriber)


def subscribed(hub: Hub[bytes], channel: str, **more: Any) -> Subscriber[bytes]:
    subscriber = hub.join(lambda: None)
    hub.subscribe(subscriber, channel, **more)
    assert [frame["type"] for frame in told(subscriber)] == ["snapshot"]
    return subscriber


def test_deltas_of_a_strict_channel_are_numbered_without_a_gap() -> None:
    hub = a_hub()
    subscriber = subscribed(hub, "orders")

    for name in "abc":
        hub.put("orders", an_order(name))

    assert [(frame["after"], frame["seq"]) for frame in told(subscriber)] == [
        (1_000, 1_001),
        (1_001, 1_002),
        (1_002, 1_003),
    ]


def test_a_filter_leaves_out_what_is_about_others_and_the_chain_holds() -> None:
    hub = a_hub()
    subscriber = subscribed(hub, "orders", instruments=["A.SIM"])

    for name, instrument in (("a", "A.SIM"), ("b", "B.SIM"), ("c", "A.SIM")):
        hub.put("orders", an_order(name, instrument=instrument))

    assert [(frame["after"], frame["seq"]) for frame in told(subscriber)] == [
        (1_000, 1_001),
        (1_001, 1_003),
    ]


def test_one_change_is_encoded_once_for_a_thousand_subscribers() -> None:
    wrapped = Wrapped()
    hub = a_hub(wrapped)
    subscribers = [subscribed(hub, "orders") for _ in range(1_000)]
    before = wrapped.made

    hub.put("orders", an_order("a"))

    assert wrapped.made == before + 1
    first, *others = [subscriber.take()[0] for subscriber in subscribers]
    assert all(frame is first for frame in others)


def test_the_same_again_is_no_change() -> None:
    hub = a_hub()
    subscriber = subscribed(hub, "orders")
    hub.put("orders", an_order("a", filled="1.0"))
    told(subscriber)

    hub.put("orders", an_order("a", filled="1.00"))

    assert told(subscriber) == []


def test_what_leaves_the_state_is_told_once_with_its_last_word() -> None:
    hub = a_hub()
    subscriber = subscribed(hub, "orders")
    hub.put("orders", an_order("a"))
    hub.put("orders", an_order("a", filled="100"), is_removed=True)
    hub.put("orders", an_order("a", filled="100"), is_removed=True)

    frames = told(subscriber)

    assert [frame.get("removed", False) for frame in frames] == [False, True]
    assert frames[1]["data"]["filled"] == "100"


def test_a_full_queue_says_resync_and_the_state_follows_once_it_was_read() -> None:
    hub = a_hub(queue=4)
    subscriber = subscribed(hub, "orders")

    for number in range(10):
        hub.put("orders", an_order("a", filled=str(number)))

    assert subscriber.waiting == 5
    assert subscriber.positions() == {}
    assert [frame["type"] for frame in told(subscriber)] == [*["OrderUpdate"] * 4, "resync"]
    (snapshot,) = told(subscriber)
    assert (snapshot["type"], snapshot["seq"]) == ("snapshot", 1_010)
    assert snapshot["data"][0]["data"]["filled"] == "9"
    hub.put("orders", an_order("a", filled="11"))
    assert told(subscriber)[0]["after"] == 1_010


def test_the_newest_in_another_order_are_told_whole() -> None:
    hub = a_hub()
    subscriber = subscribed(hub, "fills")
    hub.replace("fills", [a_trade("a"), a_trade("b")])
    assert [frame["key"] for frame in told(subscriber)] == ["o/a", "o/b"]

    hub.replace("fills", [a_trade("b"), a_trade("a"), a_trade("c")])

    assert [frame["type"] for frame in told(subscriber)] == ["resync"]
    (snapshot,) = told(subscriber)
    assert [item["key"] for item in snapshot["data"]] == ["o/b", "o/a", "o/c"]
    hub.put("fills", a_trade("d"))
    assert told(subscriber)[0]["after"] == snapshot["seq"]


def test_the_newest_that_go_on_are_told_one_by_one() -> None:
    hub = a_hub()
    subscriber = subscribed(hub, "fills")
    keeps = TradeUpdate.KEEPS or 0
    hub.replace("fills", [a_trade(f"t{number}") for number in range(keeps)])
    told(subscriber)

    hub.replace("fills", [a_trade(f"t{number}") for number in range(2, keeps + 2)])

    assert [frame["key"] for frame in told(subscriber)] == [f"o/t{keeps}", f"o/t{keeps + 1}"]
    assert len(hub.stream("fills")) == keeps


def test_a_conflated_channel_tells_the_newest_of_each_in_one_frame() -> None:
    hub = a_hub()
    subscriber = subscribed(hub, "prices")
    for price in range(100):
        hub.put("prices", a_price("A.SIM", str(price)))
        hub.put("prices", a_price("B.SIM", str(price)))

    (batch,) = all_told(hub, subscriber)

    assert (batch["type"], batch["after"], batch["seq"]) == ("batch", 1_000, 1_200)
    assert [item["data"]["price"] for item in batch["data"]] == ["99", "99"]


def test_a_slow_subscriber_of_a_conflated_channel_catches_up_without_a_resync() -> None:
    hub = a_hub()
    slow = subscribed(hub, "prices")
    for price in range(10):
        hub.put("prices", a_price("A.SIM", str(price)))
        for phase in range(PHASES):
            hub.flush(phase)

    assert slow.waiting == 1
    first, second = told(slow)[0], told(slow)[0]

    assert (first["data"]["price"], second["data"]["price"]) == ("0", "9")
    assert second["after"] == first["seq"]
    assert slow.resyncs == 0


def test_who_comes_back_gets_what_the_ring_holds_and_else_the_whole_state() -> None:
    hub = a_hub(ring=4)
    for number in range(10):
        hub.put("orders", an_order(f"o{number}"))

    near, far, ahead = (hub.join(lambda: None) for _ in range(3))
    hub.subscribe(near, "orders", since_seq=1_006)
    hub.subscribe(far, "orders", since_seq=1_005)
    hub.subscribe(ahead, "orders", since_seq=1_011)

    frames = told(near)
    assert [frame["type"] for frame in frames] == ["resumed", *["OrderUpdate"] * 4]
    assert [frame["after"] for frame in frames[1:]] == [1_006, 1_007, 1_008, 1_009]
    assert [frame["type"] for frame in told(far)] == ["snapshot"]
    assert [frame["type"] for frame in told(ahead)] == ["snapshot"]


def test_who_comes_back_to_a_conflated_channel_hears_of_removals_too() -> None:
    hub = a_hub()
    hub.put("prices", a_price("A.SIM", "1"))
    hub.put("prices", a_price("B.SIM", "1"))
    seq = hub.stream("prices").seq
    hub.put("prices", a_price("A.SIM", "1"), is_removed=True)

    subscriber = hub.join(lambda: None)
    hub.subscribe(subscriber, "prices", since_seq=seq)

    resumed, delta = told(subscriber)
    assert resumed["seq"] == seq
    assert (delta["key"], delta["removed"]) == ("A.SIM", True)


def test_a_large_state_comes_in_parts() -> None:
    hub = a_hub()
    for number in range(1_200):
        hub.put("orders", an_order(f"o{number}"))
    subscriber = hub.join(lambda: None)
    hub.subscribe(subscriber, "orders")

    parts = told(subscriber)

    assert [(each["part"], each["is_last"], len(each["data"])) for each in parts] == [
        (0, False, 500),
        (1, False, 500),
        (2, True, 200),
    ]


def test_a_subscriber_is_woken_once_for_what_waits() -> None:
    hub = a_hub()
    woken: list[int] = []
    subscriber = hub.join(lambda: woken.append(1))
    hub.subscribe(subscriber, "orders")
    assert len(woken) == 1
    subscriber.take()

    for name in "abc":
        hub.put("orders", an_order(name))

    assert len(woken) == 2


def test_nobody_hears_of_what_they_left() -> None:
    hub = a_hub()
    subscriber = subscribed(hub, "orders")
    hub.unsubscribe(subscriber, "orders")

    hub.put("orders", an_order("a"))

    assert told(subscriber) == []
    assert not hub.is_wanted("orders")


def test_what_somebody_owns_is_forgotten_when_they_leave() -> None:
    hub = a_hub()
    subscriber = hub.join(lambda: None, owner="alice")
    hub.subscribe(subscriber, "jobs")
    assert hub.is_wanted("jobs", "alice")

    hub.leave(subscriber)

    assert not hub.is_known("jobs", "alice")
    assert hub.subscribers == 0


def test_a_channel_cannot_be_conflated_and_keep_only_the_newest() -> None:
    spec = ChannelSpec(
        name=Channel.FILLS,
        scope=Scope.READ_ACCOUNT,
        messages=(TradeUpdate,),
        is_conflated=True,
        summary="",
    )

    with pytest.raises(ValueError, match="cannot be conflated"):
        Stream(spec, first_seq=1)


def test_names_of_messages_and_channels_hold_together() -> None:
    for spec in CHANNELS.values():
        for kind in spec.messages:
            assert kind.KEY, kind
            assert set(kind.KEY) <= set(kind.__struct_fields__)
            assert not kind.ABOUT or kind.ABOUT in kind.__struct_fields__
        assert not spec.needs_instruments or all(kind.ABOUT for kind in spec.messages)
