from botcore.kernel import FactBus, InProcessBus, Message


def test_an_observer_gets_what_starts_with_its_prefixes_and_nothing_else() -> None:
    bus: FactBus = InProcessBus()
    observer = bus.subscribe("fact.Order", "alert")

    for topic in ("fact.OrderFilled", "fact.ModeChanged", "alert.disk"):
        bus.publish(topic, b"x")

    assert observer.take(10, timeout_s=0) == [
        Message("fact.OrderFilled", b"x"),
        Message("alert.disk", b"x"),
    ]


def test_every_observer_gets_every_message() -> None:
    bus = InProcessBus()
    observers = [bus.subscribe(""), bus.subscribe("a")]

    bus.publish("a", b"1")

    assert [len(observer.take(10, timeout_s=0)) for observer in observers] == [1, 1]


def test_a_slow_observer_loses_its_own_oldest_messages_and_they_are_counted() -> None:
    bus = InProcessBus()
    slow, quick = bus.subscribe("", capacity=2), bus.subscribe("")

    for number in range(5):
        bus.publish("a", bytes([number]))

    assert [message.payload for message in slow.take(10)] == [b"\x03", b"\x04"]
    assert (slow.dropped, quick.dropped) == (3, 0)
    assert len(quick.take(10)) == 5


def test_a_message_nobody_observes_need_not_be_made() -> None:
    bus = InProcessBus()
    observer = bus.subscribe("fact.")

    assert bus.has_subscribers("fact.OrderFilled")
    assert not bus.has_subscribers("market.BTCUSDT")
    observer.close()
    assert not bus.has_subscribers("fact.OrderFilled")
    bus.publish("fact.OrderFilled", b"")
    assert observer.take(10, timeout_s=0) == []
