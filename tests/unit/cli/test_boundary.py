"""However a verb ends, the user gets one sentence and a code, never a traceback."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.cli.app_fakes import FakeCommands, stand_in

from botcore import __version__
from botcore.cli import main
from botcore.cli.areas import AREAS
from botcore.cli.boundary import run
from botcore.domain.errors import BotError, ConfigError, InvariantBroken, StorageError

ROOT = Path(__file__).resolve().parents[3]
HEAVY = ("sqlalchemy", "starlette", "uvicorn", "numpy", "zmq", "rich", "structlog")


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> FakeCommands:
    fake = FakeCommands()
    stand_in(monkeypatch, "commands", fake)
    return fake


@pytest.mark.parametrize(
    ("kind", "exit_code"), [(ConfigError, 2), (StorageError, 1), (InvariantBroken, 1)]
)
def test_an_error_of_ours_is_one_sentence_with_code_cause_and_fix(
    app: FakeCommands,
    capsys: pytest.CaptureFixture[str],
    kind: type[BotError],
    exit_code: int,
) -> None:
    app.fails = kind(code="PORT_TAKEN", cause="port 8080\nis taken", fix="give another")

    assert run(["up"]) == exit_code
    assert capsys.readouterr().err == "botcore: port 8080 is taken [PORT_TAKEN] – give another\n"


def test_an_interruption_is_quiet(app: FakeCommands, capsys: pytest.CaptureFixture[str]) -> None:
    app.fails = KeyboardInterrupt()

    assert run(["up"]) == 130
    assert capsys.readouterr().err == ""


def test_a_reader_that_goes_while_it_is_told_is_no_failure(
    app: FakeCommands, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())  # the parser puts another one in its place
    monkeypatch.setattr("sys.stderr", io.StringIO())
    app.fails = BrokenPipeError(errno.EPIPE, "Broken pipe")

    assert run(["up"]) == 0
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("verb", [["flatten"], ["positions", "flatten"]], ids=" ".join)
def test_a_question_without_an_answer_ends_with_a_word(
    app: FakeCommands,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    verb: list[str],
) -> None:
    class Asking:
        def tell(self, *_: object, confirm: Callable[[str], bool], **__: object) -> object:
            return confirm("Sell everything")

    stand_in(monkeypatch, "doors", Asking())
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    assert run(verb) == 130
    assert capsys.readouterr().err.splitlines()[-1] == (
        "botcore: the question was not answered [NOT_ANSWERED] – nothing was done; in a script,"
        " --yes agrees beforehand"
    )
    assert app.calls == []


def test_a_route_in_a_fix_is_shown_as_what_to_type(
    app: FakeCommands, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOTCORE_PROGRAM", "./bot")
    app.fails = ConfigError(code="X", cause="no", fix="see GET /api/v1/risk/state, botcore status")

    run(["up"])

    assert capsys.readouterr().err == "botcore: no [X] – see `./bot risk state`, ./bot status\n"


def test_help_names_the_program_that_was_typed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOTCORE_PROGRAM", "./bot")

    run(["orders", "list", "--help"])

    assert capsys.readouterr().out.startswith("Usage: ./bot orders list ")


def test_a_bug_is_a_sentence_too(
    app: FakeCommands, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BOTCORE_TRACEBACK", raising=False)
    app.fails = ZeroDivisionError("division by zero")

    assert run(["up"]) == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError: division by zero [UNEXPECTED]" in said
    assert "Traceback" not in said
    assert said.count("\n") == 1


def test_a_bug_shows_its_stack_to_those_who_ask(
    app: FakeCommands, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOTCORE_TRACEBACK", "1")
    app.fails = ZeroDivisionError("division by zero")

    run(["up"])

    assert "Traceback" in capsys.readouterr().err


def test_a_missing_package_names_the_way_to_get_it(
    app: FakeCommands, capsys: pytest.CaptureFixture[str]
) -> None:
    app.fails = ModuleNotFoundError("No module named 'zmq'")

    assert run(["up"]) == 1
    assert "No module named 'zmq' [INSTALL_INCOMPLETE] – run ./bot up" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "meant"), [("stauts", "status"), ("bactest", "backtest"), ("cancelall", "cancel-all")]
)
def test_an_unknown_verb_is_answered_with_the_nearest(
    capsys: pytest.CaptureFixture[str], typed: str, meant: str
) -> None:
    assert run([typed]) == 2

    said = capsys.readouterr().err
    assert "[USAGE]" in said
    assert f"did you mean '{meant}'" in said
    assert "see botcore --help" in said


def test_an_unknown_option_is_refused_with_the_verb_s_own_help(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["up", "--prot", "1"]) == 2

    said = capsys.readouterr().err
    assert "--prot" in said
    assert "see botcore up --help" in said


def test_without_a_verb_it_shows_the_verbs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 2

    said = capsys.readouterr().err
    assert said.startswith("Usage: botcore")
    assert "backtest" in said


def test_the_version_is_said_in_both_ways(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert run(["version"]) == 0

    one, other = capsys.readouterr().out.splitlines()
    assert one == other
    assert one.startswith(f"botcore {__version__} ")


def test_help_names_every_verb_but_the_roles(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0

    listed = capsys.readouterr().out.partition("Commands:")[2]
    verbs = {line.split()[0] for line in listed.splitlines() if line.strip()}
    assert verbs == {
        "up",
        "start",
        "stop",
        "restart",
        "status",
        "logs",
        "open",
        "clean",
        "dev",
        "backtest",
        "replay",
        "parity",
        "rewind",
        "data",
        "strategy",
        "doctor",
        "pause",
        "resume",
        "cancel-all",
        "kill",
        "flatten",
        "version",
        *AREAS,
    }


@pytest.mark.parametrize("verb", ["up", "backtest", "engine", "clean"])
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([verb, "--help"]) == 0
    assert f"Usage: botcore {verb}" in capsys.readouterr().out


def test_main_leaves_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["botcore", "nonsense"])
    monkeypatch.setattr("botcore.cli.boundary.keep_to_oneself", lambda: None)  # outlives the test

    with pytest.raises(SystemExit) as left:
        main()

    assert left.value.code == 2


@pytest.mark.parametrize("arguments", [["--help"], ["up", "--help"], ["backtest", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from botcore.cli.boundary import run\n"
        f"code = run({arguments!r})\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
        "sys.exit(code)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )

    assert (done.returncode, done.stderr.strip()) == (0, "[]")


def test_an_environment_without_its_packages_is_explained() -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "botcore", "up"],  # -S: no installed package is seen
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )

    assert done.returncode == 1
    assert "[INSTALL_INCOMPLETE]" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_reader_that_has_gone_is_no_error() -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"'{sys.executable}' -m botcore --help | true"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )

    assert done.stderr == ""
