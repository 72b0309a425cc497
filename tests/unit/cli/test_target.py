"""A server that is named is the one that is acted on, or nothing is: every verb there is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.support.heard_engine import HeardEngine
from tests.unit.cli.app_fakes import typed

from botcore.app.home_lock import HomeLock
from botcore.cli.application import build
from botcore.cli.boundary import run
from botcore.cli.target import ON_A_SERVER
from botcore.client import Retrying
from botcore.control.schema import operations

CLOSED = "http://127.0.0.1:9"
OPERATIONS = {
    f"{operation.command[0]} {'-'.join(operation.command[1:])}": operation
    for operation in operations()
    if operation.command
}
GIVEN = {
    "instrument": "BTCUSDT.BINANCE",
    "timeframe": "1h",
    "start": "2024-01-01",
}
"""What is typed for an argument or option that a verb needs, by its name; else ``1``."""


def leaves(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield every verb with its words."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield " ".join(words), command
        return
    for name, each in inner.items():
        yield from leaves(each, (*words, name))


EVERY = dict(leaves(typer.main.get_command(build())))


def words_of(verb: str, command: Any) -> list[str]:
    """Return what a person types for a verb, as far as it must be typed."""
    if verb in OPERATIONS:
        return typed(OPERATIONS[verb], OPERATIONS[verb].examples[0])
    words = verb.split()
    for parameter in command.params:
        if parameter.required:
            value = GIVEN.get(parameter.name, "1")
            is_option = parameter.param_type_name == "option"
            words += [parameter.opts[0], value] if is_option else [value]
        elif parameter.name == "yes":
            words.append("--yes")  # nobody is asked: only the server keeps it from being done
    return words


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HeardEngine]:
    """A home in which something runs: a process that `stop` would end, and an engine."""
    made = HeardEngine(tmp_path_factory.mktemp("target") / "home")
    sleeping = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    made.answers_at(f"{CLOSED}/", port=9, pid=sleeping.pid)
    with HomeLock(made.home.path):
        yield made
    assert sleeping.poll() is None, "it was stopped"
    sleeping.kill()
    sleeping.wait()
    made.close()


def found(home: Path) -> dict[str, tuple[int, bytes]]:
    """Return every file of a home with its time and content."""
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes())
        for path in home.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("verb", sorted(EVERY))
def test_with_a_server_that_does_not_answer_nothing_is_done_here(
    engine: HeardEngine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    verb: str,
) -> None:
    monkeypatch.setenv("BOTCORE_HOME", str(engine.home.path))
    monkeypatch.setenv("BOTCORE_KEY", "bck_a_key")
    monkeypatch.setattr("botcore.client.connection.Retrying", lambda: Retrying(retries=0))
    monkeypatch.chdir(tmp_path)
    before = found(engine.home.path)

    code = run(["--server", CLOSED, *words_of(verb, EVERY[verb])])

    said = capsys.readouterr()
    assert (code, said.out) in ((1, ""), (2, ""))
    assert "[SERVER_UNREACHABLE]" in said.err or "[ONLY_THIS_MACHINE]" in said.err
    assert said.err.count("\n") == 1
    assert engine.heard == []
    assert found(engine.home.path) == before
    assert list(tmp_path.iterdir()) == []


def test_what_a_refusal_names_for_the_server_is_a_verb_that_reaches_it() -> None:
    assert set(ON_A_SERVER) <= set(EVERY)
    assert set(ON_A_SERVER.values()) <= set(OPERATIONS)


def test_help_is_given_whatever_server_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--server", CLOSED, "stop", "--help"]) == 0

    assert "Stop the platform" in capsys.readouterr().out
