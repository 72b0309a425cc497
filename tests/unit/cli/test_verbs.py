"""Every verb calls one function of the platform, with what was given and nothing else."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from tests.support.sample_view import BANNER, sample_view, with_account
from tests.unit.cli.app_fakes import (
    FakeBacktesting,
    FakeCommands,
    FakeDoctor,
    FakeDoors,
    FakeFinding,
    FakeReplaying,
    FakeStatus,
    stand_in,
)

from botcore.backtest.parity import Difference, Parity, Section
from botcore.cli.boundary import run
from botcore.control.schema.data import RemoveSeries
from botcore.control.schema.orders import CancelOrders
from botcore.control.schema.positions import FlattenAll
from botcore.control.schema.risk import ChangeMode, StopAll
from botcore.control.schema.strategies import StartStrategy, StopStrategy
from botcore.domain.errors import ConfigError, StorageError
from botcore.domain.ids import MINUTE_NS, SECOND_NS
from botcore.domain.modes import Mode
from botcore.domain.orders import Side
from botcore.kernel.clock import SystemClock


def a_mode(mode: Mode, cause: str) -> ChangeMode:
    return ChangeMode(account="paper", mode=mode, cause=cause)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> FakeCommands:
    fake = FakeCommands()
    stand_in(monkeypatch, "commands", fake)
    return fake


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> FakeDoors:
    fake = FakeDoors()
    stand_in(monkeypatch, "doors", fake)
    return fake


@pytest.fixture
def backtests(monkeypatch: pytest.MonkeyPatch) -> FakeBacktesting:
    fake = FakeBacktesting()
    stand_in(monkeypatch, "backtesting", fake)
    return fake


@pytest.fixture
def replays(monkeypatch: pytest.MonkeyPatch) -> FakeReplaying:
    fake = FakeReplaying()
    stand_in(monkeypatch, "replaying", fake)
    return fake


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch) -> FakeDoctor:
    fake = FakeDoctor()
    stand_in(monkeypatch, "doctor", fake)
    return fake


def test_up_opens_the_browser_and_sets_what_was_given(app: FakeCommands) -> None:
    assert run(["up", "--port", "9000", "--home", "/tmp/h"]) == 0

    name, given = app.last
    assert name == "up"
    assert given["overrides"] == {"port": 9000, "home": Path("/tmp/h")}
    assert (given["open_browser"], given["reload"], given["memory_optimized"]) == (
        True,
        False,
        False,
    )


def test_what_was_not_given_is_not_set(app: FakeCommands) -> None:
    run(["up"])

    assert app.last[1]["overrides"] == {}


@pytest.mark.parametrize(
    ("arguments", "is_terminal", "expected"),
    [
        (["up"], True, True),
        (["up", "--no-browser"], True, True),
        (["start"], True, True),
        (["up"], False, False),  # what goes into a file would keep it
        (["up", "--headless"], True, False),
    ],
)
def test_a_link_is_made_for_a_terminal_only(
    app: FakeCommands,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    is_terminal: bool,
    expected: bool,
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal)

    run(arguments)

    assert app.last[1]["offer_link"] is expected


@pytest.mark.parametrize("option", ["--headless", "--no-browser"])
def test_no_browser_opens_where_nobody_looks(app: FakeCommands, option: str) -> None:
    run(["up", option])

    assert app.last[1]["open_browser"] is False


def test_the_platform_s_exit_code_is_the_verb_s(app: FakeCommands) -> None:
    app.exit_code = 4

    assert run(["up"]) == 4
    assert run(["engine"]) == 4
    assert run(["api"]) == 4


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["up"], 0, "stopped; orders, positions and cash are kept\n"),
        (["start"], 0, "stopped; orders, positions and cash are kept\n"),
        (["up", "--headless"], 0, ""),  # only JSON goes there
        (["up"], 1, ""),
    ],
)
def test_an_orderly_end_says_what_is_kept(
    app: FakeCommands,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    app.exit_code = code

    run(arguments)

    assert capsys.readouterr().out == said


def test_dev_starts_again_when_the_code_changes(app: FakeCommands) -> None:
    run(["dev"])

    name, given = app.last
    assert (name, given["reload"], given["open_browser"]) == ("up", True, False)


def test_start_runs_here_without_a_browser(app: FakeCommands) -> None:
    run(["start", "--memory-optimized"])

    name, given = app.last
    assert (name, given["open_browser"], given["memory_optimized"]) == ("up", False, True)


@pytest.mark.parametrize("arguments", [["start", "--detach"], ["restart"]])
def test_in_the_background_it_says_where_it_runs(
    app: FakeCommands, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, "--memory-optimized", "--port", "1"]) == 0

    name, given = app.last
    assert name == arguments[0]
    assert given == {"overrides": {"port": 1}, "memory_optimized": True}
    assert "http://localhost:8080" in capsys.readouterr().out


def test_stop_says_what_is_kept_and_where(
    app: FakeCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["stop"]) == 0
    app.ran = None
    assert run(["stop"]) == 0

    stopped, idle = capsys.readouterr().out.splitlines()
    assert "pid 4711" in stopped
    assert "orders, positions and cash are kept in /home/kim/.botcore" in stopped
    assert idle == "not running"


def test_status_shows_where_since_when_and_how(
    app: FakeCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["status"]) == 0

    shown = capsys.readouterr().out
    for part in (
        "running",
        "http://localhost:8080",
        "4711",
        "/home/kim/.botcore",
        "5 h 4 min",
        "equity 10,123.45 USDT",
        "NORMAL",
        "simulated: live, last price 0.6 s ago",
        BANNER,
    ):
        assert part in shown


def test_status_of_a_halted_account_says_why(
    app: FakeCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    app.state = FakeStatus(view=with_account(sample_view(), mode="HALT", mode_cause="drawdown"))

    run(["status"])

    assert "HALT – drawdown" in capsys.readouterr().out


def test_status_says_when_the_engine_is_silent(
    app: FakeCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    app.state = FakeStatus(view_age_s=75.0)

    run(["status"])

    assert "stale, engine not answering since 1 min" in capsys.readouterr().out


def test_status_of_nothing_shows_the_home_and_fails_for_scripts(
    app: FakeCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    app.state = FakeStatus(is_running=False, url="", pid=0, view=None, view_age_s=float("inf"))

    assert run(["status"]) == 3
    shown = capsys.readouterr().out
    assert "not running" in shown
    assert "/home/kim/.botcore" in shown


@pytest.mark.parametrize("view", [None, sample_view()])
def test_status_as_json_is_one_object(
    app: FakeCommands, capsys: pytest.CaptureFixture[str], view: object
) -> None:
    app.state.view = view  # type: ignore[assignment]  # one of the two it takes

    run(["status", "--json"])

    found = json.loads(capsys.readouterr().out)
    assert (found["running"], found["pid"]) == (True, 4_711)
    assert (found["view"] is None) == (view is None)


def test_logs_prints_the_lines_of_a_service(
    app: FakeCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["logs", "--service", "engine", "--follow", "-n", "5"]) == 0

    assert app.last[1] == {"overrides": {}, "service": "engine", "lines": 5, "follow": True}
    assert capsys.readouterr().out == "first line\nsecond line\n"


def test_clean_names_what_goes_and_asks(
    app: FakeCommands, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    run(["clean"])

    shown = capsys.readouterr().out
    assert "2.0 kB  /home/kim/.botcore/engine.db" in shown
    assert "nothing was deleted" in shown


def test_clean_deletes_when_it_may(app: FakeCommands, capsys: pytest.CaptureFixture[str]) -> None:
    run(["clean", "--yes"])

    assert capsys.readouterr().out.splitlines()[-1] == "deleted"


def test_open_gives_scripts_the_link_alone_and_people_the_rest(
    app: FakeCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    app.entrance.ends_at = SystemClock().now_ns() + 299_900_000_000

    assert run(["open"]) == 0

    said = capsys.readouterr()
    assert said.out == "http://localhost:8080/sign-in#link=lnk_x\n"
    assert said.err == "signs in as alice, once, within 5 min\n"
    assert app.last == ("open_page", {"overrides": {}, "open_browser": True})


def test_open_without_a_display_says_how_to_get_there(
    app: FakeCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    app.entrance.username = ""
    app.entrance.tunnel = "ssh -L 8080:127.0.0.1:8080 kim@box"

    run(["open", "--no-browser"])

    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("makes the owner, once, within")
    assert "ssh -L 8080:127.0.0.1:8080 kim@box" in second
    assert app.last[1]["open_browser"] is False


@pytest.mark.parametrize(
    ("arguments", "request_"),
    [
        (["pause", "rsi"], StopStrategy(id="rsi")),
        (["pause"], a_mode(Mode.REDUCE_ONLY, "paused by a person")),
        (["resume", "rsi"], StartStrategy(id="rsi")),
        (["resume"], a_mode(Mode.NORMAL, "resumed by a person")),
        (["cancel-all"], CancelOrders(account="paper")),
        (["cancel-all", "--strategy", "rsi"], CancelOrders(account="paper", strategy="rsi")),
        (
            ["cancel-all", "--instrument", "BTCUSDT.SIM", "--side", "sell"],
            CancelOrders(account="paper", instrument="BTCUSDT.SIM", side=Side.SELL),
        ),
        (["kill"], StopAll(account="paper")),
        (["kill", "--cause", "odd"], StopAll(account="paper", cause="odd")),
        (["flatten", "--yes"], FlattenAll(account="paper")),
        (["kill", "--account", "second"], StopAll(account="second")),
        (
            ["data", "remove", "BTCUSDT.BINANCE", "1m"],
            RemoveSeries(symbol="BTCUSDT.BINANCE", timeframe="1m"),
        ),
    ],
)
def test_a_short_verb_is_a_request_to_control_and_says_what_was_done(
    doors: FakeDoors,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    request_: object,
) -> None:
    code = run(["--server", "https://bot.example", *arguments, "--home", "/h"])

    assert code == 0
    assert doors.request == request_
    assert doors.given["server"] == "https://bot.example"
    assert doors.given["overrides"] == {"home": Path("/h")}
    assert capsys.readouterr().out == "as asked\n"


@pytest.mark.parametrize("verb", ["flatten", "resume", "pause", "data remove A.B 1m"])
@pytest.mark.parametrize("answer", ["n\n", "\n"])
def test_what_is_not_confirmed_is_not_done(
    doors: FakeDoors,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    verb: str,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    doors.effect = "Sell 0.5 BTC"
    doors.fails = ConfigError(code="NOT_CONFIRMED", cause="no", fix="nothing was done")

    assert run(verb.split()) == 0

    said = capsys.readouterr()
    assert doors.confirmed is False
    assert "Sell 0.5 BTC" in said.err
    assert said.out.endswith("nothing was done\n")


@pytest.mark.parametrize("verb", ["flatten", "resume", "pause", "data remove A.B 1m"])
def test_yes_confirms_without_a_question(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    doors.effect = "Sell 0.5 BTC"

    assert run([*verb.split(), "--yes"]) == 0

    assert doors.confirmed is True
    assert capsys.readouterr().err == ""


def test_flatten_that_nobody_answers_is_an_interruption(
    doors: FakeDoors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    doors.effect = "Sell 0.5 BTC"

    assert run(["flatten"]) == 130
    assert doors.confirmed is None


def test_a_refused_act_fails(doors: FakeDoors, capsys: pytest.CaptureFixture[str]) -> None:
    doors.fails = StorageError(code="NOT_RUNNING", cause="nothing runs", fix="start it")

    assert run(["kill"]) == 1
    assert capsys.readouterr().err == "botcore: nothing runs [NOT_RUNNING] – start it\n"


@pytest.mark.parametrize("words", [["pause", "rsi"], ["resume", "rsi"]])
def test_a_strategy_of_another_account_is_none(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert run([*words, "--account", "second"]) == 2

    assert "[USAGE]" in capsys.readouterr().err
    assert doors.request is None


def test_backtest_hands_on_what_was_given(backtests: FakeBacktesting) -> None:
    assert (
        run(
            [
                "backtest",
                "ema-cross",
                "--market",
                "demo",
                "--bars",
                "5000",
                "--seed",
                "7",
                "--step",
                "15s",
                "--cash",
                "2500.50",
                "--instrument",
                "BTCUSDT.SIM",
                "--instrument",
                "ETHUSDT.SIM",
                "--param",
                "fast=10",
                "--param",
                "exact=true",
                "--protections",
            ]
        )
        == 0
    )

    assert backtests.arguments == {
        "overrides": {},
        "strategies": ["ema-cross"],
        "bars": 5_000,
        "seed": 7,
        "step_ns": 15 * SECOND_NS,
        "instruments": ("BTCUSDT.SIM", "ETHUSDT.SIM"),
        "start": None,
        "end": None,
        "parameters": {"fast": 10.0, "exact": 1.0},
        "cash": "2500.50",
        "equity_frac": 0.10,
        "fee_bps": 10.0,
        "slippage_bps": 2.0,
        "allow_gaps": False,
        "has_protections": True,
    }


def test_backtest_takes_several_strategies_and_a_range_of_dates(backtests: FakeBacktesting) -> None:
    words = "backtest ema-cross rsi --instrument BTCUSDT.BINANCE --timeframe 5m --allow-gaps"
    dates = "--from 2022-05-01 --to 2022-06-01T12:00 --share 0.2 --fee-bps 7.5"

    assert run([*words.split(), *dates.split()]) == 0

    given = backtests.arguments
    assert given["strategies"] == ["ema-cross", "rsi"]
    assert given["step_ns"] == 5 * MINUTE_NS
    assert given["start"] == 1_651_363_200 * SECOND_NS
    assert given["end"] == 1_654_084_800 * SECOND_NS
    assert (given["allow_gaps"], given["equity_frac"], given["fee_bps"]) == (True, 0.2, 7.5)


def test_backtest_lists_shows_and_compares_runs(
    backtests: FakeBacktesting, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["backtest", "list"]) == 0
    listed = capsys.readouterr().out
    assert "replay of 1" in listed
    assert "not played to its end" in listed

    assert run(["backtest", "show"]) == 0
    assert backtests.arguments == {"overrides": {}, "runs": ["last"]}
    assert "report.html" in capsys.readouterr().out


def test_parity_says_that_nothing_differs_and_what_does(
    backtests: FakeBacktesting, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["parity", "1", "2"]) == 0
    assert backtests.arguments == {"overrides": {}, "first": "1", "second": "2"}
    assert "no difference" in capsys.readouterr().out

    found = Difference("rsi BTCUSDT.SIM", 0, "BUY 1", None)
    backtests.difference = Parity((Section("orders", 3, 2, 4, (found,)),), is_same_tape=False)

    assert run(["parity", "1", "2"]) == 1
    said = capsys.readouterr().out
    assert "rsi BTCUSDT.SIM 1970-01-01" in said
    assert "BUY 1" in said
    assert "and 3 more" in said
    assert "differences are to be expected" in said


def test_replay_hands_on_its_speed_and_says_how_to_compare(
    replays: FakeReplaying, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["replay", "1", "--speed", "60", "--fresh"]) == 0

    assert replays.arguments == {"overrides": {}, "run": "1", "speed": 60.0, "fresh": True}
    assert "botcore parity 1 2" in capsys.readouterr().out
    replays.resumed = True
    run(["replay"])
    assert "gone on with" in capsys.readouterr().out


@pytest.mark.parametrize("speed", ["0", "-1", "fast", "inf", "nan"])
def test_replay_refuses_a_speed_that_is_none(
    replays: FakeReplaying, capsys: pytest.CaptureFixture[str], speed: str
) -> None:
    assert run(["replay", "--speed", speed]) == 2
    assert "[SPEED_REFUSED]" in capsys.readouterr().err


def test_up_takes_its_prices_from_where_it_is_told(
    app: FakeCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    app.feed_note = "Binance is not used (no answer): prices are simulated"

    run(["up", "--feed", "auto", "--instrument", "BTCUSDT.BINANCE", "--speed", "120"])

    assert app.last[1]["overrides"] == {
        "feed": "auto",
        "feed_instruments": ("BTCUSDT.BINANCE",),
        "feed_speed": 120.0,
    }
    assert app.feed_note in capsys.readouterr().err


def test_rewind_says_where_the_old_account_is(
    app: FakeCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["rewind", "--from", "2022-05-12"]) == 0

    assert app.last == ("rewind", {"overrides": {"feed_from": "2022-05-12"}})
    assert "tape-12345678.1" in capsys.readouterr().out


def test_backtest_has_defaults_for_all_but_the_strategy(backtests: FakeBacktesting) -> None:
    run(["backtest", "rsi"])

    assert backtests.arguments["instruments"] == ()
    assert backtests.arguments["step_ns"] == MINUTE_NS
    assert backtests.arguments["bars"] == 100_000


def test_backtest_prints_the_warning_the_figures_the_assumptions_and_the_fingerprint(
    backtests: FakeBacktesting, capsys: pytest.CaptureFixture[str]
) -> None:
    backtests.report.unpriced = ("SOLUSDT.SIM",)

    run(["backtest", "ema-cross"])

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ema-cross on BTCUSDT.SIM"
    assert lines[2] == BANNER
    assert "  return  +1.23%" in lines
    assert "  limit: daily loss  [5 %]" in lines  # nothing in it is taken for a style
    assert any("without a price at the end: SOLUSDT.SIM" in line for line in lines)
    assert f"  fingerprint  {'f' * 64}" in lines


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--step", "1x"], "STEP_MALFORMED"),
        (["--step", "0m"], "STEP_MALFORMED"),
        (["--step", "-1m"], "STEP_MALFORMED"),
        (["--param", "fast"], "PARAMETER_MALFORMED"),
        (["--param", "fast=many"], "PARAMETER_MALFORMED"),
        (["--param", "=3"], "PARAMETER_MALFORMED"),
        (["--param", "fast=1", "--param", "fast=2"], "PARAMETER_MALFORMED"),
        (["--bars", "0"], "USAGE"),
        (["--bars", "many"], "USAGE"),
        (["--seed", "-1"], "USAGE"),
    ],
)
def test_backtest_refuses_what_makes_no_sense(
    backtests: FakeBacktesting,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: str,
) -> None:
    assert run(["backtest", "rsi", *arguments]) == 2

    assert f"[{code}]" in capsys.readouterr().err
    assert backtests.arguments == {}


def test_doctor_that_finds_nothing_is_content(
    doctor: FakeDoctor, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["doctor", "--home", "/h"]) == 0

    assert doctor.overrides == {"home": Path("/h")}
    assert capsys.readouterr().out.splitlines()[-1] == "all is well"


def test_doctor_that_finds_something_says_what_to_do_and_fails(
    doctor: FakeDoctor, capsys: pytest.CaptureFixture[str]
) -> None:
    doctor.findings.append(FakeFinding("ledger", False, "posting 7 differs", "restore a backup"))

    assert run(["doctor"]) == 1

    shown = capsys.readouterr().out
    assert "WRONG  ledger: posting 7 differs" in shown
    assert "fix: restore a backup" in shown
