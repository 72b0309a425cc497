"""Answers as people read them: tables that fit the terminal, values one below the other."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from botcore.cli import answers
from botcore.control.operations import Page
from botcore.control.schema.backtests import Comparison, Text
from botcore.control.schema.exports import TaxFile
from botcore.control.schema.logs import LogEntry, LogLevel
from botcore.control.schema.monitoring import ComponentFigures, CurrentFigures, Figure
from botcore.control.schema.orders import Order
from botcore.control.schema.values import Money
from botcore.domain.orders import OrderState, OrderType, Side, TimeInForce

AT = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def an_order(**changes: Any) -> Order:
    return Order(
        **{
            "id": "BC-1-MWRKFPP8-B-1",
            "account": "paper",
            "strategy": "ensemble",
            "instrument": "ETHUSDT.SIM",
            "symbol": "ETHUSDT",
            "venue": "SIM",
            "side": Side.BUY,
            "type": OrderType.MARKET,
            "time_in_force": TimeInForce.GTC,
            "state": OrderState.FILLED,
            "is_working": False,
            "quantity": Decimal("0.1158"),
            "filled": Decimal("0.1158"),
            "leaves": Decimal(0),
            "average_price": Decimal("2876.74"),
            "venue_order_id": "S11",
            "reserve": Money(Decimal("350.06"), "USDT"),
            "arrival_price": Decimal("2876.16"),
            "reason": "EMA 10 was last above EMA 30, now -1.8 bps, inside ±30: enter",
            "placed_at": AT,
            "updated_at": AT,
            **changes,
        }
    )


class Limit(msgspec.Struct, frozen=True):
    limit: str
    used: Decimal
    used_frac: float


class Report(msgspec.Struct, frozen=True):
    run: int
    report: dict[str, Any]


class Room(msgspec.Struct, frozen=True):
    before: Limit
    after: Limit


class Named(msgspec.Struct, frozen=True, kw_only=True):
    name: str = "n"
    cause: str = ""
    at: datetime | None = None
    drawdown_frac: float | None = None
    is_stale: bool = False
    value: Any = None
    limit: Limit | None = None
    rooms: tuple[Room, ...] = ()


def shown(
    answer: object,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    width: int | None = None,
) -> list[str]:
    """Return the lines of an answer; a width is that of a terminal, None a pipe."""
    monkeypatch.setattr(answers, "_terminal_width", lambda: width)
    answers.show(answer)
    return capsys.readouterr().out.splitlines()


Shown = tuple[pytest.CaptureFixture[str], pytest.MonkeyPatch]


@pytest.fixture
def seen(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shown:
    return capsys, monkeypatch


@pytest.mark.parametrize("width", [80, 110, 160])
def test_a_table_fits_the_terminal_and_cuts_nothing_through(seen: Shown, width: int) -> None:
    lines = shown(Page(items=(an_order(), an_order(reason="RSI"))), *seen, width=width)

    assert all(len(line) <= width for line in lines), lines
    table = " ".join(" ".join(lines).split())
    for whole in ("BC-1-MWRKFPP8-B-1", "ETHUSDT.SIM", "0.1158", "FILLED", "BUY"):
        assert whole in table
    assert "…" not in table
    assert table.endswith("(a wider terminal or --json shows them)")


def test_a_pipe_gets_every_column_that_says_something(seen: Shown) -> None:
    head, *rows = shown(Page(items=(an_order(),)), *seen)

    assert len(rows) == 1
    for name in ("account", "venue order id", "reserve", "updated at", "reason"):
        assert name in head
    assert "parent" not in head  # nobody has one
    assert "symbol" not in head  # the instrument says it


def test_a_value_shows_what_there_is_and_nothing_else(seen: Shown) -> None:
    lines = shown(Named(drawdown_frac=0.0002915, is_stale=False), *seen)

    assert lines == ["name           n", "drawdown frac  0.0002915 (0.03 %)", "is stale       no"]


def test_what_stands_inside_a_value_stands_below_it(seen: Shown) -> None:
    lines = shown(Named(limit=Limit("cash", Decimal("5.5"), 0.25)), *seen)

    assert lines[-4:] == [
        "limit",
        "  limit      cash",
        "  used       5.5",
        "  used frac  0.25 (25.00 %)",
    ]


def test_pairs_of_values_are_columns_and_what_they_share_is_one(seen: Shown) -> None:
    rooms = (
        Room(Limit("cash", Decimal(1), 0.1), Limit("cash", Decimal(2), 0.2)),
        Room(Limit("account", Decimal(3), 0.3), Limit("account", Decimal(4), 0.4)),
    )

    lines = shown(Named(rooms=rooms), *seen)

    head = lines[lines.index("rooms") + 1]
    assert head.split() == [
        "limit",
        "before",
        "used",
        "before",
        "used",
        "frac",
        "after",
        "used",
        "after",
        "used",
        "frac",
    ]
    assert lines[-2].split() == ["cash", "1", "10.00", "%", "2", "20.00", "%"]
    assert lines[-1].split() == ["account", "3", "30.00", "%", "4", "40.00", "%"]


def test_a_column_of_mixed_values_is_shown(seen: Shown) -> None:
    items = (Named(value=15.0), Named(value=["a", "b"]), Named(value={"x": {"y": 1}}))

    lines = shown(Page(items=items), *seen)

    assert [line[line.index("n") + 1 :].split("no", 1)[1].strip() for line in lines[1:]] == [
        "15",
        "a, b",
        "x=y=1",
    ]


def test_figures_of_each_part_stand_below_its_name(seen: Shown) -> None:
    figure = Figure(name="orders_open", labels={}, value=3, kind="gauge", unit="count")
    answer = CurrentFigures(
        time=AT, components=(ComponentFigures(component="orders", figures=(figure,)),)
    )

    lines = shown(answer, *seen)

    assert "orders" in lines
    assert lines[-1].split() == ["orders_open", "3", "gauge", "count"]


def test_a_file_goes_out_as_it_is_and_the_words_about_it_do_not(seen: Shown) -> None:
    file = TaxFile(
        name="gains.csv",
        media_type="text/csv",
        content="Asset,Gain\r\nBTC,1\r\n",
        rows=1,
        currency="USDT",
        proceeds=Decimal(2),
        cost=Decimal(1),
        gain=Decimal(1),
        unknown=0,
        notes=("Lots by FIFO.",),
    )
    capsys, monkeypatch = seen
    monkeypatch.setattr(answers, "_terminal_width", lambda: None)

    answers.show(file)

    told = capsys.readouterr()
    assert told.out == "Asset,Gain\r\nBTC,1\r\n"
    assert "gains.csv" in told.err
    assert "Lots by FIFO." in told.err


def test_a_page_that_counts_something_is_a_list_with_that_above(seen: Shown) -> None:
    class Counted(msgspec.Struct, frozen=True, kw_only=True):
        unread: int
        items: tuple[Named, ...]
        next_cursor: str | None = None

    lines = shown(Counted(unread=2, items=(Named(),), next_cursor="k1"), *seen)

    assert lines[:3] == ["unread  2", "", "items"]
    assert lines[-1] == "there is more: --cursor k1, or --all"


def test_a_line_of_the_log_without_words_shows_what_it_is_about(seen: Shown) -> None:
    entry = LogEntry(
        id="1-1",
        time=AT,
        level=LogLevel.INFO,
        event="job_ended",
        service="api",
        correlation="",
        message="",
        fields={"job": "e12d", "state": "done"},
    )

    lines = shown(Page(items=(entry,)), *seen, width=110)

    assert lines[0].split() == ["time", "level", "event", "service", "words"]
    assert lines[1].endswith("job=e12d, state=done")


def test_names_that_are_typed_are_shown_as_they_are_typed(seen: Shown) -> None:
    names = [f"no_trade_bps_{number}" for number in range(8)]

    lines = shown(Named(value=dict.fromkeys(names, 15)), *seen)

    assert [line.split()[0] for line in lines if "bps" in line] == names


def test_a_long_value_goes_on_below_itself(seen: Shown) -> None:
    lines = shown(Named(cause="a word " * 12), *seen, width=60)

    assert lines[1].startswith("cause     a word")
    assert lines[2].startswith("          word")
    assert all(len(line) <= 60 for line in lines)


def test_a_list_of_things_that_hold_tables_too_is_one_table_without_them(seen: Shown) -> None:
    room = Room(Limit("cash", Decimal(1), 0.1), Limit("cash", Decimal(2), 0.2))

    lines = shown(Page(items=(Named(name="a", rooms=(room,)), Named(name="b"))), *seen, width=80)

    assert [line.split()[0] for line in lines] == ["name", "a", "b"]


def test_a_document_is_shown_as_the_json_it_is(seen: Shown) -> None:
    lines = shown({"type": "object", "required": ["name"]}, *seen)

    assert lines == ["{", '  "type": "object",', '  "required": [', '    "name"', "  ]", "}"]


def test_what_is_inside_of_what_is_inside_stands_below_its_name(seen: Shown) -> None:
    lines = shown(Named(value={"fast": {"default": 10, "to": 500}}), *seen)

    assert lines[-2:] == ["value", "  fast  default=10, to=500"]


def test_a_text_file_is_printed_as_it_is(seen: Shown) -> None:
    capsys, _ = seen

    answers.show(Text(name="trades.csv", media_type="text/csv", text="a,b\r\n1,2\r\n"))

    assert capsys.readouterr() == ("a,b\r\n1,2\r\n", "")


def test_runs_that_are_compared_stand_side_by_side(seen: Shown) -> None:
    capsys, _ = seen

    answers.show(
        Comparison(
            runs=(1, 12),
            rows=(("what", "rsi on A, B", "macd on A"), ("profit", "+20.03 USDT", "-1.00 USDT")),
        )
    )

    assert capsys.readouterr().out.splitlines() == [
        "figure  run 1        run 12",
        "what    rsi on A, B  macd on A",
        "profit  +20.03 USDT  -1.00 USDT",
    ]


def test_a_list_of_records_inside_an_answer_is_a_table(seen: Shown) -> None:
    capsys, _ = seen
    metrics = [{"name": "profit", "value_text": "+1"}, {"name": "fees", "of": 2.0}]

    answers.show(Report(run=1, report={"title": "x", "metrics": metrics, "none": []}))

    assert capsys.readouterr().out.splitlines() == [
        "run  1",
        "",
        "report",
        "  title  x",
        "  metrics",
        "    name    value text  of",
        "    profit  +1           –",
        "    fees    –            2",
    ]
