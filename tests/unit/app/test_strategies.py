"""Strategies by name, folder and file; what cannot be loaded is told in one sentence."""

import hashlib
import sys
from pathlib import Path

import pytest

from botcore.app.strategies import (
    file_digest,
    find_strategy,
    load_strategies,
    located,
    own_strategies,
)
from botcore.domain.errors import ConfigError
from botcore.strategies import LIBRARY, StrategyKind, kind_of, parameters_in_force

EVENT = """
from botcore.strategies import EventStrategyBase

class {0}(EventStrategyBase):
    name = "{1}"
"""
RULES = """
name: {0}
features: {{mean: {{indicator: sma, period: 5}}}}
enter: {{left: close, op: above, right: mean}}
"""

ODD_FEATURE = """
from botcore.strategies import feature
from botcore.strategies.library import Rsi

class S(Rsi):
    name = "s"
    features = staticmethod(lambda params: (feature("rsj"),))
"""


def written(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def refusal(path: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_strategies(written(path, text))
    return caught.value


def test_a_python_file_gives_the_strategies_that_it_defines_and_no_others(tmp_path: Path) -> None:
    text = "from botcore.strategies.library import Rsi\n" + EVENT.format("One", "one")

    found = load_strategies(written(tmp_path / "mine.py", text + EVENT.format("Two", "two")))

    assert list(found) == ["one", "two"]
    assert [kind_of(each) for each in found.values()] == [StrategyKind.EVENT] * 2


@pytest.mark.parametrize("suffix", [".yaml", ".yml"])
def test_a_document_gives_one_strategy(tmp_path: Path, suffix: str) -> None:
    found = load_strategies(written(tmp_path / f"r{suffix}", RULES.format("dip")))

    assert list(found) == ["dip"]
    assert kind_of(found["dip"]) is StrategyKind.SIGNAL


def test_a_json_document_gives_one_too(tmp_path: Path) -> None:
    text = (
        '{"name": "j", "features": {"mean": {"indicator": "sma"}},'
        ' "enter": {"left": "close", "op": ">", "right": "mean"}}'
    )

    assert list(load_strategies(written(tmp_path / "j.json", text))) == ["j"]


def test_a_strategy_is_found_in_the_library_the_folder_by_either_name_and_by_path(
    tmp_path: Path,
) -> None:
    path = written(tmp_path / "file.py", EVENT.format("Mine", "mine"))

    assert find_strategy("rsi", tmp_path) == ("rsi", LIBRARY["rsi"])
    assert find_strategy("rsi", None) == ("rsi", LIBRARY["rsi"])
    names = [find_strategy(text, tmp_path)[0] for text in ("mine", "file", str(path), "file.py")]
    assert names == ["mine"] * 4
    assert find_strategy(str(path), None)[0] == "mine"


def test_of_several_in_a_file_one_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "two.py", EVENT.format("One", "one") + EVENT.format("Two", "two"))

    assert find_strategy(f"{path}:two", None)[0] == "two"
    assert find_strategy("one", tmp_path)[0] == "one"
    with pytest.raises(ConfigError, match=r"several strategies: one, two .*STRATEGY_AMBIGUOUS"):
        find_strategy(str(path), None)
    with pytest.raises(ConfigError, match=r"has no strategy 'tow'.*did you mean 'two'"):
        find_strategy(f"{path}:tow", None)


def test_an_unknown_name_is_refused_with_the_nearest_of_library_and_folder(tmp_path: Path) -> None:
    written(tmp_path / "mine.py", EVENT.format("Mine", "dip-buyer"))

    with pytest.raises(ConfigError, match="did you mean 'dip-buyer'") as caught:
        find_strategy("dip-bayer", tmp_path)

    assert caught.value.code == "STRATEGY_UNKNOWN"


@pytest.mark.parametrize("text", ["", "x" * 5_000, "a\x00b", "../..", "no such name"])
def test_a_name_that_is_none_is_refused_in_words(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="there is no strategy"):
        find_strategy(text, tmp_path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.py: No such file.*STRATEGY_UNLOADABLE"):
        find_strategy(str(tmp_path / "none.py"), tmp_path)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("x = (", "bad.py: line 1: '(' was never closed"),
        ("\nimport no_such_module", "bad.py: line 2: ModuleNotFoundError: No module named"),
        ("\n\nx = 1 / 0", "bad.py: line 3: ZeroDivisionError: division by zero"),
        ("import sys\nsys.exit(3)", "bad.py: RuntimeError: it asked the interpreter to exit"),
        ("x = 1", "bad.py: it defines no strategy"),
        ("", "bad.py: it defines no strategy"),
        ("\x00", "bad.py: "),
        (EVENT.format("One", "No Slug"), "bad.py: class One: strategy 'No Slug' is not a name"),
        (
            EVENT.format("One", "a") + EVENT.format("Two", "a"),
            "bad.py: two of its classes are named 'a'",
        ),
        (
            "from botcore.strategies import EventStrategyBase\nclass E(EventStrategyBase): ...",
            "bad.py: class E has no name",
        ),
        (
            EVENT.format("One", "a") + "    parameters = {}\n",
            "bad.py: parameters of class One is no ParameterSpace",
        ),
        (
            EVENT.format("One", "a") + "    def __init__(self, params): raise ValueError('no')\n",
            "bad.py: line 6: ValueError: no",
        ),
        (
            "from botcore.strategies import SignalStrategy\nclass S(SignalStrategy): ...",
            "bad.py: line 2: strategy 'S' cannot run: it has no `name`",
        ),
        (
            ODD_FEATURE,
            "bad.py: class S: there is no indicator 'rsj'",
        ),
    ],
)
def test_a_file_that_cannot_run_is_refused_with_its_line(
    tmp_path: Path, text: str, cause: str
) -> None:
    error = refusal(tmp_path / "bad.py", text)

    assert error.code == "STRATEGY_UNLOADABLE"
    assert error.cause.startswith(cause)
    assert "\n" not in str(error)


def test_a_document_that_is_refused_names_its_file_and_the_path_in_it(tmp_path: Path) -> None:
    error = refusal(tmp_path / "r.yaml", RULES.format("dip").replace("right: mean", "right: maen"))

    assert error.code == "RULES_REFUSED"
    assert error.cause == "r.yaml: enter.right: there is no feature 'maen'"


def test_a_file_that_is_no_text_or_too_long_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    binary = tmp_path / "b.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    long = written(tmp_path / "l.py", "#" * (1 << 21))
    other = written(tmp_path / "o.txt", "")

    for path, cause in ((binary, "no UTF-8"), (long, "longer than 1,048,576"), (other, "ends in")):
        with pytest.raises(ConfigError, match=cause):
            load_strategies(path)


def test_a_changed_file_is_run_again_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    path = written(tmp_path / "mine.py", EVENT.format("Mine", "mine"))
    first = load_strategies(path)["mine"]
    again = load_strategies(path)["mine"]
    written(path, EVENT.format("Mine", "mine") + "    version = 2\n")

    changed = load_strategies(path)["mine"]

    assert again is first
    assert (first.version, changed.version) == (1, 2)


def test_a_file_that_failed_leaves_no_module_behind(tmp_path: Path) -> None:
    before = set(sys.modules)

    refusal(tmp_path / "bad.py", "x = 1 / 0")

    assert not [name for name in set(sys.modules) - before if name.startswith("botcore_own")]


def test_the_digest_of_a_file_is_that_of_its_bytes_and_stands_on_its_classes(
    tmp_path: Path,
) -> None:
    text = EVENT.format("Mine", "mine")
    path = written(tmp_path / "mine.py", text)
    expected = hashlib.sha256(text.encode()).hexdigest()

    found = located("mine", tmp_path)

    assert (found.path, found.digest, file_digest(path)) == (path, expected, expected)
    assert getattr(found.strategy, "source_digest", "") == expected
    assert located("rsi", tmp_path).digest == ""


def test_a_folder_gives_what_can_be_loaded_and_says_why_the_rest_cannot(tmp_path: Path) -> None:
    written(tmp_path / "a.py", EVENT.format("Mine", "mine"))
    broken = written(tmp_path / "b.py", "x = (")
    twice = written(tmp_path / "c.yaml", RULES.format("mine"))
    shadow = written(tmp_path / "d.yaml", RULES.format("rsi"))
    written(tmp_path / "_helper.py", "1 / 0")
    written(tmp_path / "notes.txt", "")

    found, refused = own_strategies(tmp_path)

    assert list(found) == ["mine"]
    assert sorted(refused) == [broken, twice, shadow]
    assert "the name 'mine' is taken by a.py" in refused[twice].cause
    assert "the name 'rsi' is taken by the library" in refused[shadow].cause


def test_a_file_whose_strategy_is_named_as_one_of_the_library_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "mine.py", EVENT.format("Mine", "rsi"))

    with pytest.raises(ConfigError, match="the name 'rsi' is taken by the library"):
        find_strategy(str(path), tmp_path)


def test_a_folder_that_does_not_exist_has_no_strategies(tmp_path: Path) -> None:
    assert own_strategies(tmp_path / "none") == ({}, {})


def test_what_is_loaded_takes_parameters_like_any_other(tmp_path: Path) -> None:
    strategy = load_strategies(written(tmp_path / "mine.py", EVENT.format("Mine", "mine")))["mine"]

    with pytest.raises(ConfigError, match="there is no parameter 'x'"):
        parameters_in_force(strategy, {"x": 1})
