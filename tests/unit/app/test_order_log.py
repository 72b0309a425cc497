"""Log lines of orders: one id from the call, or from the decision, to the execution."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture
from tests.support.trading_session import ACCOUNT, TradingSession, buy, planned

from botcore.app.order_log import OrderLog
from botcore.domain.commands import OrderWish, SetMode, SubmitOrder
from botcore.domain.events import Fact, OrderFilled, OrderPlaced, OrderUpdated
from botcore.domain.ids import InstrumentId, VenueOrderId
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderState, OrderType, Side

COIN = "COINUSDT.SIM"
LOG_PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "log.md"


@pytest.fixture
def lines() -> Iterator[LogCapture]:
    capture = LogCapture()
    structlog.configure(processors=[capture])
    yield capture
    structlog.reset_defaults()


def read(facts: list[Fact], lines: LogCapture, *, mode: Mode | None = None) -> list[dict[str, Any]]:
    log = OrderLog(structlog.get_logger("engine"))
    if mode is not None:
        log.restore((), (), {ACCOUNT: mode})
    for fact in facts:
        log.add(fact)
    assert lines.entries == []
    log.flush()
    return [dict(entry) for entry in lines.entries]


def wish(**fields: Any) -> OrderWish:
    given: dict[str, Any] = {"type": OrderType.MARKET, "quantity": Decimal(1), **fields}
    return OrderWish(account=ACCOUNT, instrument=InstrumentId(COIN), side=Side.BUY, **given)


def test_an_order_of_a_call_has_its_id_from_command_to_execution(lines: LogCapture) -> None:
    session = TradingSession({"buyer": planned({})})
    session.bar(100)
    facts = session.tell(
        SubmitOrder(order=wish(), by="person:ann", reference="r1", correlation="call-1")
    )
    session.bar(100)

    found = read(session.facts, lines)

    assert facts
    of_call = [line["event"] for line in found if line.get("correlation_id") == "call-1"]
    assert of_call[0] in ("order_placed", "command_taken")
    assert {"command_taken", "order_placed", "fill"} <= set(of_call)
    taken = next(line for line in found if line["event"] == "command_taken")
    assert (taken["actor"], taken["act"]) == ("person:ann", "SubmitOrder")
    fill = next(line for line in found if line["event"] == "fill")
    assert (fill["symbol"], fill["client_order_id"]) == (COIN, taken["orders"][0])


def test_exits_of_a_bracket_have_the_id_of_the_call_that_asked_for_it(lines: LogCapture) -> None:
    session = TradingSession({"buyer": planned({})})
    session.bar(100)
    session.tell(
        SubmitOrder(
            order=wish(take_profit=Decimal(150), stop_loss=Decimal(50)),
            by="person:ann",
            reference="r1",
            correlation="call-1",
        )
    )
    session.bar(100)
    session.bar(100, 200, 100, 160)

    placed = [line for line in read(session.facts, lines) if line["event"] == "order_placed"]

    assert len(placed) == 3
    assert {line["correlation_id"] for line in placed} == {"call-1"}


def test_an_order_of_an_earlier_run_keeps_the_id_of_the_call_that_asked_for_it(
    lines: LogCapture,
) -> None:
    session = TradingSession({"buyer": planned({})})
    session.bar(100)
    session.tell(
        SubmitOrder(
            order=wish(take_profit=Decimal(150)),
            by="person:ann",
            reference="r1",
            correlation="call-1",
        )
    )
    session.bar(100)
    before = len(session.facts)
    session.bar(100, 200, 100, 160)
    log = OrderLog(structlog.get_logger("engine"))  # of the process that came next

    engine = session.engine
    modes = {each.account: each.mode for each in engine.desk.accounts}
    log.restore(engine.acts, engine.desk.execution.index, modes)
    for fact in session.facts[before:]:
        log.add(fact)
    log.flush()

    (fill,) = [line for line in lines.entries if line["event"] == "fill"]
    assert fill["correlation_id"] == "call-1"
    assert (fill["venue"], fill["mode"], fill["strategy"]) == ("SIM", "NORMAL", "manual")
    entry = next(iter(session.orders)).id
    assert fill["intent_id"] == entry
    assert fill["client_order_id"] != entry


def test_an_order_of_a_strategy_has_the_id_that_its_decision_made(lines: LogCapture) -> None:
    session = TradingSession({"buyer": planned({2: lambda view: [buy(view, "1")]})})
    for _ in range(4):
        session.bar(100)

    found = read(session.facts, lines)

    placed = next(fact for fact in session.facts if isinstance(fact, OrderPlaced))
    number = placed.order.client_order_id
    assert [line["event"] for line in found if line.get("correlation_id") == number] == [
        "order_placed",
        "fill",
    ]


def test_an_order_s_lines_name_its_venue_its_intent_and_what_the_venue_calls_it(
    lines: LogCapture,
) -> None:
    session = TradingSession({"buyer": planned({})})
    session.bar(100)
    session.tell(
        SubmitOrder(
            order=wish(take_profit=Decimal(150), stop_loss=Decimal(50)),
            by="person:ann",
            reference="r1",
            correlation="call-1",
        )
    )
    session.bar(100)
    session.bar(100, 200, 100, 160)

    told = read(session.facts, lines, mode=Mode.NORMAL)
    found = [line for line in told if "client_order_id" in line]

    placed = [line for line in found if line["event"] == "order_placed"]
    entry = placed[0]["client_order_id"]
    assert {line["intent_id"] for line in found} == {entry}
    assert {(line["venue"], line["symbol"]) for line in found} == {("SIM", COIN)}
    assert {line["strategy"] for line in found} == {"manual"}
    assert {line["mode"] for line in found} == {"NORMAL"}
    assert not [line for line in placed if "venue_order_id" in line], "no venue knew of it yet"
    named = {
        fact.client_order_id: fact.venue_order_id
        for fact in session.facts
        if isinstance(fact, OrderUpdated) and fact.venue_order_id
    }
    fills = [line for line in found if line["event"] == "fill"]
    assert len(fills) == 2
    assert all(line["venue_order_id"] == named[line["client_order_id"]] for line in fills)
    ended = next(line for line in found if line["event"] == "order_ended")
    assert ended["client_order_id"] in {line["client_order_id"] for line in placed}


def test_a_line_has_the_mode_that_was_in_force_when_it_happened(lines: LogCapture) -> None:
    session = TradingSession({"buyer": planned({})})
    session.bar(100)
    for number, mode in enumerate((Mode.REDUCE_ONLY, Mode.NORMAL)):
        session.tell(SetMode(ACCOUNT, mode, "person:ann", "to try it"))
        session.tell(SubmitOrder(order=wish(), by="person:ann", reference=f"r{number}"))

    found = read(session.facts, lines)  # long after both

    assert [line["mode"] for line in found if line["event"] == "order_denied"] == ["REDUCE_ONLY"]
    assert [line["mode"] for line in found if line["event"] == "order_placed"] == ["NORMAL"]


def test_a_line_of_an_order_that_was_forgotten_says_what_its_fact_says(lines: LogCapture) -> None:
    session = TradingSession({"buyer": planned({2: lambda view: [buy(view, "1")]})})
    for _ in range(4):
        session.bar(100)

    told = VenueOrderId("17")
    fill, *_ = (fact for fact in session.facts if isinstance(fact, OrderFilled))
    ended = OrderUpdated(
        ACCOUNT, fill.client_order_id, OrderState.CANCELED, session.now, venue_order_id=told
    )

    first, second = read([fill, ended], lines)

    assert (first["strategy"], first["symbol"], first["venue"]) == ("buyer", COIN, "SIM")
    assert second["venue_order_id"] == told
    assert not {"intent_id", "mode"} & (first.keys() | second.keys())


def test_every_field_of_an_order_s_lines_is_explained(lines: LogCapture) -> None:
    session = TradingSession({"buyer": planned({})})
    session.bar(100)
    for quantity in (1, 10**9):
        session.tell(
            SubmitOrder(
                order=wish(quantity=Decimal(quantity)),
                by="person:ann",
                reference=f"r{quantity}",
                correlation="call-1",
            )
        )
    session.bar(100)
    session.tell(SetMode(ACCOUNT, Mode.HALT, "person:ann", "to try it"))

    found = read(session.facts, lines)

    names = {name for line in found for name in line} - {"log_level"}
    explained = set(re.findall(r"`([a-z_]+)`", LOG_PAGE.read_text("utf-8")))
    assert names - explained == set()
    assert {line["event"] for line in found} - explained == set()


def test_what_was_denied_is_a_warning_with_its_code(lines: LogCapture) -> None:
    session = TradingSession({"buyer": planned({})})
    session.bar(100)
    session.tell(
        SubmitOrder(
            order=wish(quantity=Decimal(10**9)),
            by="person:ann",
            reference="r1",
            correlation="call-1",
        )
    )

    found = read(session.facts, lines)

    refused = next(line for line in found if line["event"] == "command_refused")
    assert refused["log_level"] == "warning"
    assert refused["code"]
    denied = next(line for line in found if line["event"] == "order_denied")
    assert denied["correlation_id"] == refused["correlation_id"] == "call-1"


def test_no_more_than_a_bound_waits_and_what_is_left_out_is_counted(lines: LogCapture) -> None:
    session = TradingSession({"buyer": planned({2: lambda view: [buy(view, "1")]})})
    for _ in range(4):
        session.bar(100)
    fill = next(fact for fact in session.facts if isinstance(fact, OrderFilled))
    log = OrderLog(structlog.get_logger("engine"))

    for _ in range(5_010):
        log.add(fill)
    log.flush(5)
    after_five = len(lines.entries)
    log.flush()

    assert after_five == 5
    assert len(lines.entries) == 5_001
    assert lines.entries[-1] == {"event": "lines_left_out", "log_level": "warning", "count": 10}
