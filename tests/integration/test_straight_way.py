"""What lowers risk reaches the engine also where control is away, hangs, or is somebody else."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.heard_engine import HeardEngine
from tests.support.http_script import Told, scripted

from botcore.app.home_lock import HomeLock
from botcore.app.local_user import local_user
from botcore.app.straight_way import is_away
from botcore.cli.boundary import run
from botcore.control.problems import Forbidden, NotFound, TooMany, Unavailable
from botcore.domain.commands import CancelAll, KillSwitch, PauseStrategy, SetMode
from botcore.domain.errors import BotError, ConfigError, StorageError
from botcore.domain.ids import AccountId, Currency, InstrumentId, StrategyId
from botcore.domain.modes import Mode
from botcore.domain.orders import Side
from botcore.domain.questions import AccountRiskState, RiskState

PAPER = AccountId("paper")
ME = f"person:local:{local_user()}"
CLOSED = 9


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[HeardEngine]:
    made = HeardEngine(tmp_path / "home")
    made.answers_at(f"http://127.0.0.1:{CLOSED}/", port=CLOSED)
    with HomeLock(made.home.path):
        yield made
    made.close()


def typed(engine: HeardEngine, words: str) -> int:
    return run([*words.split(), "--home", str(engine.home.path)])


def standing(mode: Mode) -> AccountRiskState:
    return AccountRiskState(
        account=PAPER,
        currency=Currency("USDT"),
        equity=Decimal(1),
        peak=Decimal(1),
        day_start=Decimal(1),
        mode=mode,
        mode_cause="",
        mode_exit="",
        stop="",
        limits={},
        limits_words=(),
        exposures=(),
        others=(),
        has_doubts=False,
    )


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("kill", KillSwitch(PAPER, ME)),
        ("kill --cause odd", KillSwitch(PAPER, ME, "odd")),
        ("risk kill-switch", KillSwitch(PAPER, ME)),
        ("cancel-all", CancelAll(PAPER, ME)),
        (
            "cancel-all --strategy rsi --instrument BTCUSDT.SIM --side sell",
            CancelAll(
                PAPER, ME, StrategyId("rsi"), InstrumentId("BTCUSDT.SIM"), Side.SELL
            ),
        ),
        ("orders cancel-all", CancelAll(PAPER, ME)),
        ("pause rsi", PauseStrategy(PAPER, StrategyId("rsi"), ME)),
        ("pause", SetMode(PAPER, Mode.REDUCE_ONLY, ME, "paused by a person", Mode.REDUCE_ONLY)),
        ("risk mode HALT", SetMode(PAPER, Mode.HALT, ME, "set by hand", Mode.HALT)),
    ],
)  # fmt: skip
def test_what_lowers_risk_is_told_the_engine_where_control_does_not_answer(
    engine: HeardEngine, capsys: pytest.CaptureFixture[str], words: str, command: object
) -> None:
    engine.risk = (standing(Mode.NORMAL),)

    code = typed(engine, words)

    said = capsys.readouterr()
    assert (code, engine.heard[-1]) == (0, command)
    assert f"done; the account is in {engine.mode}" in said.out
    assert said.err == (
        "botcore: control does not take it (SERVER_UNREACHABLE): the engine is told straight,"
        " past the audit\n"
    )


def test_it_is_written_into_the_log_of_the_home(engine: HeardEngine) -> None:
    typed(engine, "kill")
    typed(engine, "cancel-all")

    path = engine.home.logs / "shell.log"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [each["action"] for each in lines] == ["risk.kill-switch", "orders.cancel-all"]
    assert {each["event"] for each in lines} == {"told_straight"}
    assert {each["by"] for each in lines} == {ME}
    assert {each["code"] for each in lines} == {"SERVER_UNREACHABLE"}
    assert all(each["ts"].endswith("Z") for each in lines)
    assert path.stat().st_mode & 0o077 == 0


def test_a_log_that_cannot_be_written_does_not_keep_the_engine_from_it(engine: HeardEngine) -> None:
    (engine.home.logs / "shell.log").mkdir(parents=True)

    assert typed(engine, "kill") == 0
    assert engine.mode is Mode.HALT


def test_control_that_hangs_is_not_waited_for(
    engine: HeardEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("botcore.app.doors.WAIT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        engine.answers_at(f"http://127.0.0.1:{port}/", port=port)

        assert typed(engine, "kill") == 0

    assert engine.heard == [KillSwitch(PAPER, ME)]
    assert "(CONTROL_SLOW)" in capsys.readouterr().err


def test_who_took_the_port_of_control_does_not_keep_the_engine_from_it(
    engine: HeardEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    with scripted(Told(200, {})) as (_, server):
        engine.answers_at(f"http://127.0.0.1:{server.port}/", port=server.port)

        assert typed(engine, "kill") == 0

    assert engine.mode is Mode.HALT
    assert "(LISTENER_UNPROVED)" in capsys.readouterr().err


def test_an_engine_that_runs_alone_is_told_at_once(
    engine: HeardEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.answers_at("", port=0)

    assert typed(engine, "kill") == 0
    assert engine.mode is Mode.HALT
    assert "(CONTROL_NOT_RUNNING)" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["resume --yes", "resume rsi --yes", "flatten --yes"])
def test_what_may_raise_risk_has_no_straight_way_and_says_what_to_do(
    engine: HeardEngine, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    assert typed(engine, words) == 1

    said = capsys.readouterr()
    assert engine.heard == []
    assert said.out == ""
    assert "[SERVER_UNREACHABLE]" in said.err
    assert "`botcore restart` starts it anew" in said.err
    assert not (engine.home.logs / "shell.log").exists()


def test_a_stricter_mode_is_not_left_on_the_straight_way(
    engine: HeardEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    """`pause` in HALT would let the account reduce: that takes a question, which control asks."""
    engine.risk = (standing(Mode.HALT),)

    assert typed(engine, "pause --yes") == 1

    assert engine.heard == [RiskState()]
    assert "[MODE_NEEDS_CONTROL]" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["kill", "cancel-all", "pause", "resume --yes", "flatten --yes"])
def test_where_nothing_runs_nothing_is_opened_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    home = tmp_path / "home"

    assert run([*words.split(), "--home", str(home)]) == 2

    assert "[NOT_RUNNING]" in capsys.readouterr().err
    assert not (home / "control.db").exists()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NotFound(code="ACCOUNT_UNKNOWN", cause="c", fix="f"), False),
        (Forbidden(code="NOT_ALLOWED", cause="c", fix="f"), False),
        (ConfigError(code="NOT_CONFIRMED", cause="c", fix="f"), False),
        (ConfigError(code="LISTENER_UNPROVED", cause="c", fix="f"), True),
        (Unavailable(code="SERVER_UNREACHABLE", cause="c", fix="f"), True),
        (TooMany(code="RATE_LIMITED", cause="c", fix="f"), True),
        (StorageError(code="STORE_HELD", cause="c", fix="f"), True),
    ],
    ids=lambda each: each.code if isinstance(each, BotError) else "",
)
def test_a_no_of_control_stays_a_no(error: BotError, expected: bool) -> None:
    assert is_away(error) is expected
