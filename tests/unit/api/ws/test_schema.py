"""The published schema says what is sent, and the reference page shows nothing else."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from tests.support.stream_items import NOON, a_price, a_trade, an_order

from botcore.api.ws import frames, stream_schema
from botcore.api.ws.hub import Hub
from botcore.api.ws.protocol import framed, text_of
from botcore.api.ws.subscriber import PHASES
from botcore.control.problems import NotFound
from botcore.control.schema.streams import (
    CHANNELS,
    MESSAGES,
    Channel,
    ClientFrame,
    Message,
    PriceUpdate,
    SignIn,
    TradeUpdate,
)
from botcore.domain.errors import StorageError

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "websocket.md"


def validator(side: str, part: str = "") -> Any:
    document = stream_schema()
    schema = document[side][part] if part else document[side]
    check: Any = jsonschema_rs.validator_for
    return check({**schema, "$defs": document["$defs"]})


def a_session() -> Iterator[bytes]:
    """Yield frames of every kind, as the hub and the door make them."""
    hub = Hub(CHANNELS, first_seq=1, wrap=bytes, queue=3)
    subscriber = hub.join(lambda: None)
    for channel, message in (
        ("orders", an_order("a")),
        ("fills", a_trade("a")),
        ("prices", a_price("a", "1")),
    ):
        hub.put(channel, message)
        hub.subscribe(subscriber, channel)
    yield from subscriber.take()
    for number in range(9):
        hub.put("orders", an_order("a", filled=str(number)))
    hub.put("orders", an_order("a"), is_removed=True)
    yield from subscriber.take()
    yield from subscriber.take()
    hub.put("orders", an_order("b"))
    hub.put("orders", an_order("b"), is_removed=True)
    for names in ("A", "BC"):
        for name in names:
            hub.put("prices", a_price(f"{name}.SIM", "1.50"))
        for phase in range(PHASES):
            hub.flush(phase)
        yield from subscriber.take()
    hub.subscribe(subscriber, "orders", since_seq=hub.stream("orders").seq)
    yield from subscriber.take()
    yield frames.welcome("person:a", time=NOON, channels=list(Channel), heartbeat_s=30.0)
    yield frames.heartbeat(NOON, {"orders": 5})
    yield frames.pong("x", NOON + timedelta(seconds=1))
    yield frames.unsubscribed(Channel.ORDERS)
    yield frames.fault(NotFound(code="X", cause="y", fix="z"), "orders")


def test_a_fault_tells_no_place_of_this_machine() -> None:
    error = StorageError(code="X", cause="/home/kim/x.db is gone", fix="look at /home/kim/x.db")

    told = json.loads(frames.fault(error, "orders"))

    assert (told["data"]["cause"], told["data"]["fix"]) == ("x.db is gone", "look at x.db")


@pytest.mark.requirement("TC-ARCH-003")
def test_every_kind_of_frame_is_as_the_schema_says() -> None:
    told = [json.loads(frame) for frame in a_session()]
    checked = validator("server")

    for frame in told:
        checked.validate(frame)

    kinds = {frame["type"] for frame in told} - set(MESSAGES)
    known, _ = stream_schema()["server"]["anyOf"]
    named = {each["$ref"].rpartition("/")[2].lower() for each in known["anyOf"]}
    assert kinds == named - {"fault"} | {"error"}


def test_the_schema_refuses_what_is_not_sent() -> None:
    checked = validator("server")
    for frame in (
        {"type": "PriceUpdate", "data": {"symbol": "A", "price": 1.5}},
        {"type": "nonsense"},
        {"type": "heartbeat", "data": {}},
    ):
        assert not checked.is_valid(frame)


def test_the_schema_names_every_channel_with_its_messages() -> None:
    channels = stream_schema()["channels"]

    assert list(channels) == [str(channel) for channel in Channel]
    assert {name for each in channels.values() for name in each["messages"]} == set(MESSAGES)
    assert "AISignalReceived" not in MESSAGES


def test_each_frame_of_the_reference_page_is_one() -> None:
    text = PAGE.read_text()
    sent = [json.loads(line) for line in re.findall(r"^> (.*)$", text, re.M)]
    told = [json.loads(line) for line in re.findall(r"^< (.*)$", text, re.M)]

    assert len(sent) > 4
    assert len(told) > 8
    for frame in sent:
        kind: Any = SignIn if "ticket" in frame else ClientFrame
        msgspec.convert(frame, kind)
        validator("client", "first" if "ticket" in frame else "then").validate(frame)
    for frame in told:
        validator("server").validate(frame)


def test_the_reference_page_names_every_channel_and_every_close() -> None:
    text = PAGE.read_text()

    for name, spec in CHANNELS.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        assert f"`{spec.scope}`" in row
        assert ("conflated" in row) == spec.is_conflated
        for kind in spec.messages:
            assert kind.__name__ in row
            assert kind.KEEPS is None or str(kind.KEEPS) in row
    for code in stream_schema()["closes"]:
        assert f"| {code} |" in text


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_what_is_framed_is_read_as_websockets_reads_it(size: int) -> None:
    from websockets.frames import Frame, Opcode

    payload = b"x" * size

    assert framed(payload) == Frame(Opcode.TEXT, payload).serialize(mask=False)
    assert text_of(framed(payload)) == payload.decode()


@pytest.mark.requirement("WS PriceUpdate", "WS TradeUpdate")
@pytest.mark.parametrize(
    ("kind", "named"),
    [
        (PriceUpdate, ("symbol", "price", "timestamp")),
        (TradeUpdate, ("trade_id", "status", "price")),
    ],
)
def test_a_message_has_the_fields_of_the_contract_first(
    kind: type[Message], named: tuple[str, ...]
) -> None:
    assert kind.__struct_fields__[: len(named)] == named
