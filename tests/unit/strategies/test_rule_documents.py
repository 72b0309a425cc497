"""Documents that cannot run are refused with the path of what is wrong; texts are not trusted."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from botcore.domain.errors import ConfigError
from botcore.strategies.rules import BYTES_MAX, compiled, rules_in, rules_schema

WHOLE = """
name: whole
parameters:
  period: {kind: int, default: 14, from: 2, to: 50}
  level: {default: 30, from: 5, to: 50}
features:
  rsi: {indicator: rsi, period: period}
  band: {indicator: bollinger}
enter:
  all:
    - {left: rsi, op: below, right: level}
    - {left: close, op: above, right: {multiply: [band.upper, 1.01]}}
exit: {left: rsi, op: above, right: 70}
hysteresis: {confirm_bars: 2}
"""


def refusal(**changed: Any) -> ConfigError:
    """Return why a document is refused that differs from a good one by these paths."""
    document = rules_in(WHOLE)
    assert isinstance(document, dict)
    for path, value in changed.items():
        place: Any = document
        *way, last = path.split("__")
        for step in way:
            place = place[int(step) if step.isdigit() else step]
        place[int(last) if last.isdigit() else last] = value
    with pytest.raises(ConfigError) as caught:
        compiled(document)
    return caught.value


def test_the_good_document_is_one() -> None:
    strategy = compiled(rules_in(WHOLE))

    assert strategy.name == "whole"
    assert [each.name for each in strategy.parameters] == ["period", "level"]


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        (
            {"enter__all__1__left": "rsy"},
            "enter.all[1].left: there is no feature 'rsy'",
        ),
        (
            {"enter__all__1__right__multiply__0": "bnad.upper"},
            "enter.all[1].right.multiply[0]: there is no feature 'bnad.upper'",
        ),
        ({"enter__all__0__op": "beneath"}, "enter.all[0].op: the text 'beneath' is no comparison"),
        (
            {"enter__all__0__op": ""},
            "enter.all[0].op: an empty text (quote > and < in YAML) is no comparison",
        ),
        ({"enter__all__0": {"left": 1, "op": ">"}}, "enter.all[0]: it has no 'right'"),
        ({"enter__all": []}, "enter.all: an empty list stands here"),
        ({"enter": {"all": [1]}}, "enter.all[0]: the number 1 stands here"),
        ({"enter": {"every": []}}, "enter.every: nobody knows this key"),
        ({"exit": {"not": {"any": None}}}, "exit.not.any: nothing stands here"),
        (
            {"enter__all__0__left": "band"},
            "enter.all[0].left: 'band' has several outputs",
        ),
        ({"enter__all__0__right": True}, "enter.all[0].right: true (yes, no, on and off"),
        ({"enter__all__0__right": float("inf")}, "enter.all[0].right: this number is not finite"),
        ({"enter__all__0__right": 10**400}, "enter.all[0].right: this number is not finite"),
        (
            {"enter__all__0__right": {"add": [1, 2], "divide": [1, 2]}},
            "enter.all[0].right: 2 operations stand here",
        ),
        ({"enter__all__0__right": {"add": [1]}}, "enter.all[0].right.add: it has one operand"),
        ({"enter__all__0__right": {"add": [1, 2, 3]}}, "enter.all[0].right.add: there are 3"),
        (
            {"enter__all__0__right": {"before": {"before": "close"}}},
            "enter.all[0].right: it looks back twice",
        ),
        ({"features__rsi": None}, "features.rsi: it names no indicator"),
        ({"features__rsi__indicator": "rsj"}, "features.rsi.indicator: there is no indicator"),
        ({"features__rsi__length": 3}, "features.rsi.length: nobody knows this key"),
        ({"features__rsi__period": 1.5}, "features.rsi.period: 1.5 is no whole number"),
        (
            {"features__rsi__period": "level"},
            "features.rsi.period: parameter 'level' is no whole number",
        ),
        ({"features__rsi__period": "perio"}, "features.rsi.period: there is no parameter 'perio'"),
        ({"features__rsi__period": -3}, "features.rsi: rsi: period -3 is below"),
        ({"features__rsi__source": "clsoe"}, "features.rsi.source: a bar has no 'clsoe'"),
        ({"features__close": {"indicator": "rsi"}}, "features.close: 'close' is a value of"),
        ({"features__level": {"indicator": "rsi"}}, "features.level: 'level' is a parameter"),
        ({"features__Bad Name": {"indicator": "rsi"}}, "features.Bad Name: this is no name"),
        ({"parameters__level__default": 99}, "parameters.level.default: parameter level=99.0 is"),
        ({"parameters__level__from": 60}, "parameters.level: from 60 is above to 50"),
        ({"parameters__level__kind": "bool"}, "parameters.level.kind: there is no 'bool'"),
        ({"parameters__level": {"default": 1}}, "parameters.level: it has no 'from'"),
        ({"hysteresis__confirm_bars": 0}, "hysteresis.confirm_bars: 0 is not within 1 to 10000"),
        ({"hysteresis__confirm_bars": "level2"}, "hysteresis.confirm_bars: there is no parameter"),
        ({"hysteresis__margin_bps": -1}, "hysteresis.margin_bps: -1 is not within"),
        ({"version": 1.5}, "version: 1.5 is no version"),
        ({"summary": "two\nlines"}, "summary: the text"),
        ({"entre": {}}, "entre: nobody knows this key"),
    ],
)
def test_what_cannot_be_used_is_named_by_its_path(changed: dict[str, Any], cause: str) -> None:
    error = refusal(**changed)

    assert error.code == "RULES_REFUSED"
    assert error.cause.startswith(cause)


def test_the_nearest_name_is_offered() -> None:
    assert "did you mean 'rsi'" in refusal(enter__all__0__left="rsy").fix
    assert "did you mean 'band.upper'" in refusal(enter__all__0__left="band.uper").fix


@pytest.mark.parametrize("missing", ["name", "features", "enter"])
def test_a_document_lacks_nothing_that_is_needed(missing: str) -> None:
    document = rules_in(WHOLE)
    assert isinstance(document, dict)
    del document[missing]

    with pytest.raises(ConfigError, match=f"the document: it has no '{missing}'"):
        compiled(document)


@pytest.mark.parametrize("document", [None, [], "text", 3])
def test_a_document_is_a_mapping(document: object) -> None:
    with pytest.raises(ConfigError, match="the document: "):
        compiled(document)


def test_trees_are_bounded_in_depth_and_width() -> None:
    leaf: Any = {"left": "rsi", "op": ">", "right": 1}
    deep = leaf
    for _ in range(20):
        deep = {"not": deep}
    number: Any = "close"
    for _ in range(20):
        number = {"add": [number, 1]}

    assert "it is nested deeper than" in refusal(enter=deep).cause
    assert "it is nested deeper than" in refusal(enter={**leaf, "right": number}).cause
    assert "there are 33" in refusal(enter={"all": [leaf] * 33}).cause
    wide = {"all": [{"any": [leaf] * 30}] * 3}
    assert "more than 64 comparisons" in refusal(enter=wide).cause


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("a: [1, 2", "it is no YAML"),
        ("a: 1\nb: 2\na: 3", "the key 'a' stands twice, in line 3"),
        ("a: &x [1]\nb: *x", "*x refers to another place"),
        ("a: !!python/object/apply:os.system ['true']", "it is no YAML"),
        ("a: !own 1", "it is no YAML"),
        ("[" * 60 + "]" * 60, "it is nested deeper than 40"),
        ("a: 2024-13-45", "it is no YAML"),
        ("- x\n" * 12_000, "it has more than 10,000 parts"),
        ("x" * (BYTES_MAX + 1), "it is longer than 65,536 bytes"),
        ("a: 1\n--- \nb: 2", "it is no YAML"),
        ("a: \x00", "it is no YAML"),
    ],
)
def test_a_yaml_text_that_is_none_or_more_is_refused(text: str, cause: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(cause)) as caught:
        rules_in(text)

    assert caught.value.code == "RULES_UNREADABLE"


def test_a_text_that_would_grow_without_end_is_refused_before_it_is_built() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]

    with pytest.raises(ConfigError, match="refers to another place"):
        rules_in("\n".join(lines))


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ('{"a": 1', "it is no JSON"),
        ('{"a": 1, "a": 2}', "the key 'a' stands twice"),
        ("[" * 30_000, "it is"),
    ],
)
def test_a_json_text_that_is_none_or_more_is_refused(text: str, cause: str) -> None:
    with pytest.raises(ConfigError, match=cause) as caught:
        rules_in(text, is_json=True)

    assert caught.value.code == "RULES_UNREADABLE"


def test_json_says_what_yaml_says() -> None:
    document = yaml.safe_load(WHOLE)

    assert rules_in(json.dumps(document), is_json=True) == rules_in(WHOLE) == document


def test_no_text_of_a_document_becomes_code() -> None:
    error = refusal(enter__all__0__left="__import__('os').system('true')")

    assert error.cause.startswith("enter.all[0].left: there is no feature")


def test_the_schema_names_every_key_and_every_indicator() -> None:
    schema = rules_schema()

    assert set(schema["properties"]) == {
        "name",
        "version",
        "summary",
        "parameters",
        "features",
        "enter",
        "exit",
        "hysteresis",
    }
    text = json.dumps(schema)
    assert all(f'"const": "{name}"' in text for name in ("rsi", "ema", "donchian"))


def test_the_schema_is_met_by_the_examples() -> None:
    examples = Path(__file__).resolve().parents[3] / "docs" / "examples"
    for path in sorted(examples.iterdir()):
        if path.suffix in {".yaml", ".json"}:
            document = rules_in(path.read_text("utf-8"), is_json=path.suffix == ".json")
            assert _mismatches(document, rules_schema(), rules_schema()["$defs"]) == []


def _mismatches(found: Any, schema: Any, defs: Any) -> list[str]:
    """Return where a document does not meet a schema: the keywords that this schema uses."""
    if "$ref" in schema:
        return _mismatches(found, defs[schema["$ref"].rpartition("/")[2]], defs)
    if "oneOf" in schema:
        fitting = [each for each in schema["oneOf"] if not _mismatches(found, each, defs)]
        return [] if len(fitting) == 1 else [f"{found!r} fits {len(fitting)} of oneOf"]
    wrong: list[str] = []
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    types: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": str,
        "number": (int, float),
        "integer": int,
    }
    if kinds and not any(isinstance(found, types[kind]) for kind in kinds):
        return [f"{found!r} is no {kinds}"]
    if "const" in schema and found != schema["const"]:
        wrong.append(f"{found!r} is not {schema['const']!r}")
    if "enum" in schema and found not in schema["enum"]:
        wrong.append(f"{found!r} is none of {schema['enum']}")
    if "pattern" in schema and re.search(schema["pattern"], found) is None:
        wrong.append(f"{found!r} does not match")
    if isinstance(found, dict) and "object" in kinds:
        properties, other = schema.get("properties", {}), schema.get("additionalProperties")
        wrong += [f"no {key}" for key in schema.get("required", []) if key not in found]
        for key, value in found.items():
            inner = properties.get(key, other)
            wrong += [f"{key} too many"] if inner is False else _mismatches(value, inner, defs)
    if isinstance(found, list) and "array" in kinds:
        wrong += [each for item in found for each in _mismatches(item, schema["items"], defs)]
    return wrong
