"""Log lines of orders: one id from the call, or from the decision, to the execution."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture
from tests.support.trading_session import ACCOUNT, TradingSession, buy, planned

from botcore.app.order_log import OrderLog
from botcore.domain.commands import OrderWish, SubmitOrder
from botcore.domain.events import Fact, OrderFilled, OrderPlaced
from botcore.domain.ids import InstrumentId
from botcore.domain.orders import OrderType, Side

COIN = "COINUSDT.SIM"


@pytest.fixture
def lines() -> Iterator[LogCapture]:
    capture = LogCapture()
    structlog.configure(processors=[capture])
    yield capture
    structlog.reset_defaults()


def read(facts: list[Fact], lines: LogCapture) -> list[dict[str, Any]]:
    log = OrderLog(structlog.get_logger("engine"))
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
    log.restore(engine.acts, engine.desk.execution.index)
    for fact in session.facts[before:]:
        log.add(fact)
    log.flush()

    (fill,) = [line for line in lines.entries if line["event"] == "fill"]
    assert fill["correlation_id"] == "call-1"


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
