"""``botcore strategy``: the list, what is shown, and templates that are sound and trade."""

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from botcore.app import strategy_verbs
from botcore.app.strategies import find_strategy
from botcore.app.strategy_verbs import TEMPLATES
from botcore.backtest import BacktestingFramework, StrategyRun, demo_instruments, demo_tape
from botcore.cli import calls
from botcore.cli.boundary import run
from botcore.domain.ids import MINUTE_NS
from botcore.strategies import LIBRARY
from botcore.strategies.rules import rules_schema

STRATEGIES: calls.Strategies = strategy_verbs  # checked by mypy


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def shown(capsys: pytest.CaptureFixture[str], *words: str, home: Path) -> str:
    """Run a verb that succeeds, and return what it prints."""
    assert run(["strategy", *words, "--home", str(home)]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *words: str, home: Path, code: int = 2) -> str:
    """Run a verb that is refused, and return the sentence."""
    assert run(["strategy", *words, "--home", str(home)]) == code
    return capsys.readouterr().err


def test_the_functions_are_found_and_take_what_the_command_line_gives() -> None:
    assert calls.strategies() is STRATEGIES
    for name, each in inspect.getmembers(calls.Strategies, inspect.isfunction):
        if not name.startswith("_"):
            given: dict[str, Any] = {
                key: None for key in inspect.signature(each).parameters if key != "self"
            }
            inspect.signature(getattr(strategy_verbs, name)).bind(**given)


def test_the_list_has_the_library_and_the_person_s_own(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown(capsys, "new", "mine", home=home)

    lines = shown(capsys, "list", home=home).splitlines()

    assert lines[0].split() == ["name", "kind", "what", "it", "does", "from"]
    first_words = {line.split()[0] for line in lines if line and not line.startswith(" ")}
    assert {*LIBRARY, "mine"} <= first_words
    assert any(line.rstrip().endswith("mine.py") for line in lines)


def test_the_list_says_why_a_file_cannot_be_loaded(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown(capsys, "new", "mine", home=home)
    (home / "strategies" / "broken.py").write_text("x = (", "utf-8")

    assert run(["strategy", "list", "--home", str(home)]) == 1

    out = " ".join(capsys.readouterr().out.split())
    assert "broken" in out
    assert "line 1: '('" in out


def test_a_strategy_is_shown_with_parameters_features_reasons_and_source(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = shown(capsys, "show", "ema-cross", home=home)

    assert out.startswith("ema-cross, a strategy of kind signal, version 1\n")
    assert "from library" in out
    assert "reads ema(period=10, seed=sma), ema(period=30, seed=sma)" in out
    assert "first decision on bar 30" in out
    row = next(line.split() for line in out.splitlines() if line.startswith("slow "))
    assert row[:6] == ["slow", "int", "30", "2", "10000", "bars"]
    assert "  1  EMA {1:.0f} is {0:.1f} bps above EMA {2:.0f}: enter" in out


def test_an_event_strategy_is_shown_too(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(capsys, "show", "grid", home=home)

    assert "a strategy of kind event" in out
    assert "asks for no history" in out


def test_one_s_own_is_shown_with_its_path_and_digest(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown(capsys, "new", "mine", "--kind", "rules", home=home)

    out = shown(capsys, "show", "mine", home=home)

    assert str(home / "strategies" / "mine.yaml") in out
    assert "sha-256 " in out


def test_the_schema_of_a_strategy_is_that_of_its_parameters(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = json.loads(shown(capsys, "show", "rsi", "--schema", home=home))

    assert schema["properties"]["period"] == {
        "type": "integer",
        "default": 14,
        "minimum": 2,
        "maximum": 5_000,
        "description": "Memory of the RSI. [bars]",
    }
    assert schema["additionalProperties"] is False


def test_the_schema_of_no_strategy_is_that_of_rules(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert json.loads(shown(capsys, "show", "--schema", home=home)) == rules_schema()


def test_what_is_shown_must_be_named_and_known(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "STRATEGY_UNNAMED" in refused(capsys, "show", home=home)
    assert "did you mean 'macd'" in refused(capsys, "show", "macdd", home=home)


@pytest.mark.parametrize(("kind", "bars"), [("signal", 1_500), ("event", 500), ("rules", 2_200)])
def test_a_template_passes_its_checks_and_trades_in_a_backtest(
    home: Path, capsys: pytest.CaptureFixture[str], kind: str, bars: int
) -> None:
    said = shown(capsys, "new", "my-own", "--kind", kind, home=home)
    path = home / "strategies" / f"my-own{TEMPLATES[kind]}"

    assert f"wrote {path}" in said
    assert f"botcore strategy check my-own --home {home}" in said
    assert f"botcore backtest my-own --bars 20000 --home {home}" in said

    more = ("--bars", str(bars), "--instrument", "SOLUSDT.SIM")
    checked = shown(capsys, "check", "my-own", *more, home=home)
    assert checked.splitlines()[0] == f"my-own on {bars:,} bars"
    assert checked.splitlines()[-1] == "all is well", checked

    name, strategy = find_strategy("my-own", home / "strategies")
    tape = demo_tape(1_500, seed=1, step_ns=MINUTE_NS, instruments=("SOLUSDT.SIM",))
    framework = BacktestingFramework(
        tape=tape, instruments=demo_instruments(), strategies={name: strategy}
    )
    report = framework.run_backtest(StrategyRun(name))
    assert report.fills > 0


def test_nothing_is_written_over(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown(capsys, "new", "mine", home=home)
    path = home / "strategies" / "mine.py"
    path.write_text(path.read_text("utf-8") + "# changed\n", "utf-8")
    content = path.read_bytes()

    for kind in TEMPLATES:
        error = refused(capsys, "new", "mine", "--kind", kind, home=home)
        assert "there is a strategy 'mine' already, in mine.py [STRATEGY_EXISTS]" in error

    assert path.read_bytes() == content
    assert [each.name for each in path.parent.iterdir()] == ["mine.py"]


def test_a_broken_file_of_that_name_is_not_written_over_either(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "strategies").mkdir(parents=True)
    (home / "strategies" / "mine.py").write_text("x = (", "utf-8")

    assert "STRATEGY_EXISTS" in refused(capsys, "new", "mine", "--kind", "rules", home=home)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("rsi",), "STRATEGY_EXISTS"),
        (("No Slug",), "NAME_MALFORMED"),
        (("../mine",), "NAME_MALFORMED"),
        (("mine", "--kind", "signals"), "KIND_UNKNOWN"),
    ],
)
def test_a_name_or_kind_that_cannot_be_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: str
) -> None:
    assert code in refused(capsys, "new", *words, home=home)
    assert not (home / "strategies").exists()


def test_names_of_odd_shapes_become_classes(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("3-day_dip", "x", "class"):
        shown(capsys, "new", name, home=home)
        assert find_strategy(name, home / "strategies")[0] == name


def test_a_check_that_fails_ends_with_1_and_names_the_fault(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown(capsys, "new", "mine", home=home)
    path = home / "strategies" / "mine.py"
    text = path.read_text("utf-8")
    path.write_text(text.replace("gap_bps = (fast", "CALLS.append(0)\n        gap_bps = (fast"))
    text = path.read_text("utf-8").replace("> params[2]", "> params[2] and len(CALLS) % 3")
    path.write_text(text + "\n\nCALLS = []\n", "utf-8")

    words = ["check", "mine", "--bars", "600", "--instrument", "SOLUSDT.SIM"]
    assert run(["strategy", *words, "--home", str(home)]) == 1

    out = capsys.readouterr().out
    assert "FAILED    determinism on SOLUSDT.SIM: a second run on the same bars" in out
    assert "mend it before you trust it" in out


def test_what_cannot_be_told_is_said_to_be_so(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("check", "ema-cross", "--bars", "150", "--instrument", "SOLUSDT.SIM")

    out = shown(capsys, *words, "--param", "no_trade_bps=1000", home=home)

    assert "unproven  warm-up on SOLUSDT.SIM: there are too few bars to tell" in out
    assert "could not be told on these bars" in out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("none",), "STRATEGY_UNKNOWN"),
        (("rsi", "--param", "perod=3"), "PARAMETER_UNKNOWN"),
        (("rsi", "--param", "period"), "PARAMETER_MALFORMED"),
        (("rsi", "--timeframe", "1x"), "STEP_MALFORMED"),
        (("rsi", "--market", "mars"), "MARKET_UNKNOWN"),
        (("rsi", "--instrument", "btc"), "INSTRUMENT_MALFORMED"),
        (("rsi", "--instrument", "BTCUSDT.BINANCE"), "DATA_ABSENT"),
        (("rsi", "--bars", "3"), "USAGE"),
    ],
)
def test_a_check_of_what_there_is_not_is_refused(
    home: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: str
) -> None:
    assert code in refused(capsys, "check", *words, home=home)
