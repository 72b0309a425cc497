"""Verbs made from operations: what is typed becomes the request, and the answer becomes words."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.unit.cli.app_fakes import FakeDoors, stand_in, typed

from botcore.cli.boundary import run
from botcore.control.access import Role, Scope
from botcore.control.operations import Operation, Page, Request
from botcore.control.problems import ConfirmationRequired, Forbidden, NotFound
from botcore.control.schema import operations
from botcore.control.schema.alerts import ListRules
from botcore.control.schema.audit import AuditRecord
from botcore.control.schema.orders import CancelOrder, ListOrders, PlaceOrder
from botcore.domain.errors import BotError, ConfigError
from botcore.domain.orders import Side

EXAMPLES = [
    pytest.param(operation, request, id=f"{operation.name} {number}")
    for operation in operations()
    if operation.command
    for number, request in enumerate(operation.examples)
]


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> FakeDoors:
    fake = FakeDoors()
    stand_in(monkeypatch, "doors", fake)
    return fake


@pytest.mark.parametrize(("operation", "request_"), EXAMPLES)
def test_what_is_typed_is_the_request(
    doors: FakeDoors, operation: Operation, request_: Request[Any]
) -> None:
    words = typed(operation, request_)

    code = run(words)

    assert code == 0, words
    assert doors.request == request_


@pytest.mark.parametrize(
    "operation", [each for each in operations() if each.command], ids=lambda each: each.name
)
def test_every_verb_has_a_help_that_says_what_it_does(
    capsys: pytest.CaptureFixture[str], operation: Operation
) -> None:
    code = run([operation.command[0], "-".join(operation.command[1:]), "--help"])

    said = " ".join(capsys.readouterr().out.split())
    assert code == 0
    assert " ".join(operation.summary.rstrip(".;").split())[:60] in said
    assert "--json" in said
    assert ("--yes" in said) is operation.is_act


# --- where it goes


def test_the_server_and_the_key_are_named_before_the_verb(doors: FakeDoors) -> None:
    run(["--server", "https://bot.example", "--key-file", "k", "orders", "list", "--home", "/h"])

    assert doors.given["server"] == "https://bot.example"
    assert doors.given["key_file"] == "k"
    assert doors.given["overrides"] == {"home": "/h"}


def test_a_key_of_an_earlier_try_goes_with_an_act(doors: FakeDoors) -> None:
    run(["orders", "cancel", "BC-1", "--idempotency-key", "try-1"])

    assert doors.given["idempotency_key"] == "try-1"


@pytest.mark.parametrize("all_pages", [False, True])
def test_a_list_is_followed_to_its_end_on_request(doors: FakeDoors, all_pages: bool) -> None:
    doors.answer = Page[Any](items=())

    run(["orders", "list", *(["--all"] if all_pages else [])])

    assert doors.given["all_pages"] is all_pages


@pytest.mark.parametrize(
    "words", [["account", "show", "--all"], ["orders", "cancel", "x", "--all"]], ids=str
)
def test_what_is_no_list_has_no_pages(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert run(words) == 2
    assert "[USAGE]" in capsys.readouterr().err
    assert doors.request is None


# --- what is wrong is one sentence


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["orders", "place", "--side", "BUY"], "[USAGE]"),
        (["orders", "place", "--instrument", "A.B", "--side", "UP", "--quantity", "1"], "side"),
        (["orders", "place", "--instrument", "A.B", "--side", "BUY", "--quantity", "x"], "quant"),
        (["orders", "place", "--instrument", "A.B", "--side", "BUY", "--quantity", "-1"], "-1"),
        (["orders", "list", "--limit", "501"], "limit"),
        (["orders", "list", "--start", "yesterday"], "start"),
        (["orders", "list", "--owner-id", "7"], "[USAGE]"),
        (["key", "new", "k", "--scopes", "admin:everything"], "scopes"),
        (["strategies", "create", "s", "rsi", "--parameters", "period"], "period"),
        (["market", "candles"], "[USAGE]"),
        (["nothing", "list"], "[USAGE]"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_what_cannot_be_read_ends_with_2_and_a_sentence(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    code = run(words)

    told = capsys.readouterr()
    assert code == 2
    assert told.out == ""
    assert told.err.startswith("botcore: ")
    assert told.err.count("\n") == 1
    assert said in told.err
    assert doors.request is None, "nothing was sent"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound(code="ORDER_UNKNOWN", cause="there is no order 'x'", fix="see the list"), 1),
        (Forbidden(code="NOT_ALLOWED", cause="it needs admin:risk", fix="ask the owner"), 1),
        (ConfigError(code="KEY_MISSING", cause="there is none", fix="set BOTCORE_KEY"), 2),
    ],
    ids=lambda each: each.code if isinstance(each, BotError) else "",
)
def test_a_refusal_is_a_sentence_with_its_code_and_what_to_do(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str], error: BotError, code: int
) -> None:
    doors.fails = error

    found = run(["orders", "show", "x"])

    told = capsys.readouterr()
    assert (found, told.out) == (code, "")
    assert told.err == f"botcore: {error.cause} [{error.code}] – {error.fix}\n"


@pytest.mark.parametrize(
    ("words", "field", "choices"),
    [
        (
            ["orders", "place", "--instrument", "A.B", "--side", "UP", "--quantity", "1"],
            "--side",
            "BUY, SELL",
        ),
        (["key", "new", "k", "--scopes", "x"], "--scopes", ", ".join(Scope)),
        (["user", "invite", "boss"], "ROLE", ", ".join(Role)),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_is_none_of_a_closed_set_is_told_the_set(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str], words: list[str], field: str, choices: str
) -> None:
    assert run(words) == 2

    said = capsys.readouterr().err
    assert said.startswith(f"botcore: {field}: ")
    assert f"it is one of {choices}; see botcore" in said
    assert doors.request is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["key", "new", "k"], "--scopes is missing"),
        (["orders", "amend", "x"], "give a quantity, a --limit-price or a --trigger-price"),
        (["orders", "amend", "x", "--limit-price", "-1"], "--limit-price is -1, not a number"),
        (["orders", "amend", "x", "--limit-price", "y"], "--limit-price: that is not a number"),
        (["backtests", "show", "x"], "NUMBER: that is not a number"),
        (["backtests", "compare", "--runs", "1"], "--runs: give at least 2 of them"),
        (["account", "tax", "26"], "YEAR: it must be >= 2009"),
        (["strategies", "update", "m", "--parameters", "a=x"], "--parameters: that is not a num"),
        (["jobs", "cancel", "x"], "ID: it has characters that do not belong there, or too few"),
        (["data", "start-import", "../x"], "NAME: it has characters that do not belong there"),
        (
            ["orders", "list", "--start", "tomorrow"],
            "--start: that is no time; write 2026-01-31, or 2026-01-31T12:30 (UTC)",
        ),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_what_is_refused_is_named_as_it_was_typed(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert run(words) == 2

    assert capsys.readouterr().err.startswith(f"botcore: {said}")
    assert doors.request is None


@pytest.mark.parametrize(
    ("typed_", "meant"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:30", datetime(2026, 1, 31, 12, 30, tzinfo=UTC)),
        ("2026-01-31 12:30:05Z", datetime(2026, 1, 31, 12, 30, 5, tzinfo=UTC)),
        ("2026-01-31T12:30+02:00", datetime(2026, 1, 31, 10, 30, tzinfo=UTC)),
    ],
)
def test_a_time_is_typed_as_a_date_or_a_time_of_utc(
    doors: FakeDoors, typed_: str, meant: datetime
) -> None:
    assert run(["orders", "list", "--start", typed_]) == 0

    assert isinstance(doors.request, ListOrders)
    assert doors.request.start == meant


def test_what_is_of_a_closed_set_is_typed_in_any_case(doors: FakeDoors) -> None:
    run(["orders", "place", "--instrument", "A.B", "--side", "buy", "--quantity", "1"])
    assert isinstance(doors.request, PlaceOrder)
    assert doors.request.side is Side.BUY

    run(["orders", "list", "--state", "filled", "--state", "CANCELED"])
    assert isinstance(doors.request, ListOrders)
    assert [str(each) for each in doors.request.state] == ["FILLED", "CANCELED"]


def test_help_lists_what_a_closed_set_takes(capsys: pytest.CaptureFixture[str]) -> None:
    run(["alerts", "create", "--help"])

    shown = " ".join(capsys.readouterr().out.split())
    assert "One of price, exposure, drawdown, daily loss, staleness, mode." in shown


# --- confirmation


@pytest.mark.parametrize(("answer", "done"), [("y\n", True), ("n\n", False)])
def test_what_it_would_do_is_shown_before_it_is_done(
    doors: FakeDoors,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    done: bool,
) -> None:
    doors.effect = "Sell 0.5 BTC at market, about 32,000 USDT"
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))

    run(["positions", "flatten"])

    assert doors.confirmed is done
    assert doors.effect in capsys.readouterr().err, "where a pipe does not swallow it"


def test_yes_asks_nobody(doors: FakeDoors, capsys: pytest.CaptureFixture[str]) -> None:
    doors.effect = "Sell everything"

    run(["positions", "flatten", "--yes"])

    assert doors.confirmed is True
    assert "Sell everything" not in capsys.readouterr().err


def test_without_anybody_to_ask_nothing_is_done(
    doors: FakeDoors, monkeypatch: pytest.MonkeyPatch
) -> None:
    doors.effect = "Sell everything"
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    code = run(["positions", "flatten"])

    assert code != 0
    assert doors.confirmed is None


def test_an_act_that_nobody_confirmed_says_so(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str]
) -> None:
    doors.fails = ConfirmationRequired(code="CONFIRMATION_REQUIRED", cause="Sell", fix="confirm")

    assert run(["positions", "flatten"]) == 1
    assert "[CONFIRMATION_REQUIRED]" in capsys.readouterr().err


# --- the answer


ENTRY = AuditRecord(
    seq=7,
    time=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
    actor="person:ada",
    user="u1",
    session="s1",
    address="127.0.0.1",
    action="orders.place",
    request={"quantity": "0.00000001", "instrument": "BTCUSDT.SIM"},
    result="done",
    code="",
    detail="",
    correlation="c-1",
)


def test_a_list_is_a_table_of_whole_lines_where_it_goes_into_a_pipe(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str]
) -> None:
    doors.answer = Page(items=(ENTRY, ENTRY), next_cursor="next")

    run(["audit", "list"])

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[0].split()[:2] == ["seq", "time"]
    assert "person:ada" in lines[1]
    assert "2030-01-02 03:04:05" in lines[1]
    assert lines[3] == "there is more: --cursor next, or --all"


def test_an_empty_list_says_so(doors: FakeDoors, capsys: pytest.CaptureFixture[str]) -> None:
    doors.answer = Page[Any](items=())

    run(["alerts", "list"])

    assert capsys.readouterr().out == "nothing\n"
    assert doors.request == ListRules()


def test_json_is_the_answer_as_rest_tells_it(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str]
) -> None:
    doors.answer = Page(items=(ENTRY,), next_cursor="next")

    run(["audit", "list", "--json"])

    read = msgspec.json.decode(capsys.readouterr().out, type=Page[AuditRecord])
    assert read == doors.answer


def test_a_small_amount_is_told_in_plain_digits_in_words_and_in_json(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script that reads `--json` compares texts: ``1E-8`` and ``0.00000001`` are one amount."""
    doors.answer = {"quantity": Decimal("1E-8")}

    run(["audit", "list", "--json"])
    as_json = capsys.readouterr().out
    run(["audit", "list"])
    as_words = capsys.readouterr().out

    assert "0.00000001" in as_words
    assert "0.00000001" in as_json


def test_done_says_what_was_done(doors: FakeDoors, capsys: pytest.CaptureFixture[str]) -> None:
    run(["orders", "cancel", "BC-1"])

    assert capsys.readouterr().out == "as asked\n"
    assert doors.request == CancelOrder(id="BC-1")


def test_what_looks_like_markup_is_printed_as_it_is(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str]
) -> None:
    doors.answer = Page(items=(msgspec.structs.replace(ENTRY, actor="[red]boo[/red]"),))

    run(["audit", "list"])

    assert "[red]boo[/red]" in capsys.readouterr().out


def test_control_characters_of_others_do_not_reach_the_terminal(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str]
) -> None:
    doors.answer = Page(items=(msgspec.structs.replace(ENTRY, detail="a\x1b[2Jb\nfake line"),))

    run(["audit", "list"])

    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert len(said.splitlines()) == 2, "a line for the head, and one for the entry"


def test_options_of_an_order_are_what_the_contract_calls_them(doors: FakeDoors) -> None:
    amount = ["--instrument", "BTCUSDT.SIM", "--side", "SELL", "--quantity", "0.5"]

    run(["orders", "place", *amount, "--reduce-only"])

    assert doors.request == PlaceOrder(
        instrument="BTCUSDT.SIM", side=Side.SELL, quantity=Decimal("0.5"), reduce_only=True
    )


def test_no_before_a_flag_is_its_contrary(doors: FakeDoors) -> None:
    run(["orders", "list", "--no-working"])

    assert doors.request == ListOrders(working=False)
