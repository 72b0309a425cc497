"""`botcore data`: what is shown, what is asked, and the exit codes."""

from __future__ import annotations

import csv
import inspect
from pathlib import Path

import pytest
from tests.unit.cli.app_fakes import FakeDoors

from botcore.app import data, fetching
from botcore.cli import calls
from botcore.cli.boundary import run
from botcore.control.problems import Unavailable
from botcore.control.schema.data import LocalWork, NoteLocalWork
from botcore.domain.ids import InstrumentId

START_MS = 1_640_995_200_000

# Checked by mypy: each module is what the command line takes it for.
DATA: calls.Data = data
FETCHING: calls.Fetching = fetching


@pytest.mark.parametrize(
    ("module", "wanted"),
    [(data, calls.Data), (fetching, calls.Fetching)],
    ids=["data", "fetching"],
)
def test_each_function_takes_what_the_command_line_gives(module: object, wanted: type) -> None:
    functions = inspect.getmembers(wanted, inspect.isfunction)
    called = [(name, each) for name, each in functions if not name.startswith("_")]

    assert called
    for name, each in called:
        given = [key for key in inspect.signature(each).parameters if key != "self"]
        inspect.signature(getattr(module, name)).bind(**dict.fromkeys(given))


def test_they_are_found_where_the_command_line_looks() -> None:
    assert calls.data() is DATA
    assert calls.fetching() is FETCHING


def written(folder: Path, name: str = "BTC_USDT-1m.csv", *, hole: bool = False) -> str:
    path = folder / name
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        for minute in range(200):
            if not (hole and minute == 100):
                out.writerow([START_MS + minute * 60_000, 100, 101, 99, 100.5, 3])
    return str(path)


@pytest.fixture(autouse=True)
def doors(monkeypatch: pytest.MonkeyPatch) -> FakeDoors:
    """Control: it is told what is about to be done."""
    fake = FakeDoors()
    monkeypatch.setattr(calls, "doors", lambda: fake)
    return fake


@pytest.fixture
def home(tmp_path: Path) -> str:
    return str(tmp_path / "home")


def imported(tmp_path: Path, home: str, *, hole: bool = False) -> None:
    path = written(tmp_path, hole=hole)
    assert run(["data", "import", path, "--venue", "BINANCE", "--yes", "--home", home]) == 0


def test_an_import_shows_what_it_found_and_how_and_then_imports(
    tmp_path: Path, home: str, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(tmp_path, home)

    shown = capsys.readouterr().out
    assert "BTCUSDT.BINANCE" in shown
    assert "the size of the numbers" in shown
    assert "1640995200000  100  101  99  100.5  3" in shown
    run(["data", "list", "--home", home])
    assert "2022-01-01 03:20" in capsys.readouterr().out


def test_nothing_is_imported_unless_a_person_agrees(
    tmp_path: Path, home: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path)
    monkeypatch.setattr("typer.confirm", lambda _: False)

    assert run(["data", "import", path, "--venue", "BINANCE", "--home", home]) == 0

    assert "nothing was imported" in capsys.readouterr().out
    run(["data", "list", "--home", home])
    assert "no candles yet" in capsys.readouterr().out


def test_what_cannot_be_known_is_an_error_with_its_fix(
    tmp_path: Path, home: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path)

    assert run(["data", "import", path, "--yes", "--home", home]) == 1

    assert "[VENUE_UNTOLD] – add --venue BINANCE" in capsys.readouterr().err


def test_a_person_is_asked_for_what_cannot_be_known(
    tmp_path: Path, home: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path)
    asked: list[str] = []

    def answer(text: str) -> str:
        asked.append(text)
        return "BINANCE"

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.prompt", answer)
    monkeypatch.setattr("typer.confirm", lambda _: True)

    assert run(["data", "import", path, "--home", home]) == 0

    assert asked == ["From which venue is it (such as BINANCE)"]
    assert "BTCUSDT.BINANCE" in capsys.readouterr().out


def test_check_leaves_with_1_when_something_needs_eyes(
    tmp_path: Path, home: str, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(tmp_path, home, hole=True)

    assert run(["data", "check", "--home", home]) == 1

    shown = capsys.readouterr().out
    assert "gap 2022-01-01 01:40: 1 candles" in shown
    assert "look at: 1 candles are missing in 1 gaps" in shown


def test_check_leaves_with_0_when_all_is_well(
    tmp_path: Path, home: str, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(tmp_path, home)

    assert run(["data", "check", "BTCUSDT.BINANCE", "1m", "--home", home]) == 0
    assert "all is well" in capsys.readouterr().out


def test_candles_are_exported(
    tmp_path: Path, home: str, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(tmp_path, home)
    series, output = ["BTCUSDT.BINANCE", "1m"], str(tmp_path / "out.csv")

    exported = run(["data", "export", *series, "--output", output, "--home", home])

    assert exported == 0
    assert len(Path(output).read_text().splitlines()) == 201
    shown = capsys.readouterr().out
    assert f"wrote 200 candles to {output}" in shown


def test_an_import_is_written_down_before_it_is_done(
    tmp_path: Path, home: str, doors: FakeDoors, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path)
    words = ["data", "import", path, "--venue", "BINANCE", "--yes", "--home", home]
    doors.fails = Unavailable(code="AUDIT_UNAVAILABLE", cause="it cannot be written down", fix="x")

    refused = run(words)
    stored = Path(home, "data").exists()
    doors.fails = None
    done = run([*words, "--replace"])

    assert (refused, stored, done) == (1, False, 0)
    assert "[AUDIT_UNAVAILABLE]" in capsys.readouterr().err
    assert doors.request == NoteLocalWork(work=LocalWork.IMPORT, what=path, replace=True)
    assert doors.given["overrides"] == {"home": Path(home)}


def test_what_a_fetch_came_to_is_told(
    monkeypatch: pytest.MonkeyPatch, doors: FakeDoors, capsys: pytest.CaptureFixture[str]
) -> None:
    given: dict[str, object] = {}

    class FakeFetching:
        def fetch(self, **said: object) -> fetching.Fetched:
            given.update(said)
            return fetching.Fetched(
                instrument=InstrumentId("BTCUSDT.BINANCE"),
                step_ns=60_000_000_000,
                files=2,
                added=1_000,
                same=5,
                conflicts=0,
                quarantined=1,
                absent=("BTCUSDT-1m-2017-07.zip",),
            )

    monkeypatch.setattr(calls, "fetching", FakeFetching)

    assert run(["data", "fetch", "BTCUSDT.BINANCE", "1m", "--from", "2022-01-01"]) == 0

    shown = capsys.readouterr().out
    assert (given["start"], given["end"]) == ("2022-01-01", None)
    assert doors.request == NoteLocalWork(
        work=LocalWork.FETCH, what="BTCUSDT.BINANCE 1m from 2022-01-01"
    )
    assert "BTCUSDT.BINANCE 1m: 1,000 new candles, 5 there already, from 2 archives" in shown
    assert "such as BTCUSDT-1m-2017-07.zip" in shown
