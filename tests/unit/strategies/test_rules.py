"""Strategies without code: what they decide, bar by bar and in columns, and why."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.columns import as_columns
from tests.unit.strategies.tapes import BarValues, flat, obeyed, random_walk

from botcore.strategies import (
    DECISION,
    SIGNAL_LIBRARY,
    SignalRunner,
    SignalStrategy,
    class_digest,
    render_reason,
)
from botcore.strategies.layout import CODE, DECIDED, FREE, WEIGHT
from botcore.strategies.rules import compiled, rules_in

EXAMPLES = sorted(
    path
    for path in (Path(__file__).resolve().parents[3] / "docs" / "examples").iterdir()
    if path.suffix in {".yaml", ".json"}
)


def example(path: Path) -> type[SignalStrategy]:
    return compiled(rules_in(path.read_text("utf-8"), is_json=path.suffix == ".json"))


def rule(enter: object, **more: object) -> type[SignalStrategy]:
    """Return a strategy of one rule over an average of two bars."""
    document = {"name": "r", "features": {"mean": {"indicator": "sma", "period": 2}}}
    return compiled({**document, "enter": enter, **more})


def closing(*closes: float) -> list[BarValues]:
    return [(close, close, close, close, 1.0) for close in closes]


def weights(strategy: type[SignalStrategy], *closes: float) -> list[float]:
    """Return what is wanted on each bar from the second on, where the average has a value."""
    return list(obeyed(SignalRunner(strategy, {}), closing(*closes)))[1:]


def above(left: object, right: object) -> dict[str, object]:
    return {"left": left, "op": ">", "right": right}


def said(strategy: type[SignalStrategy], held: float, *closes: float) -> str:
    runner = SignalRunner(strategy, {})
    for bar in closing(*closes):
        runner.on_bar(bar, held)
    return render_reason(strategy, runner.memory[CODE], runner.memory[1:5])


def test_it_is_long_from_enter_until_exit_and_has_no_view_before() -> None:
    strategy = rule(above("close", 10), exit={"left": "close", "op": "<", "right": 5})

    path = weights(strategy, 7, 7, 11, 7, 4, 7, 11)

    assert math.isnan(path[0])
    assert path[1:] == [1.0, 1.0, 0.0, 0.0, 1.0]


def test_exit_wins_where_both_hold() -> None:
    strategy = rule(above("close", 10), exit=above("close", 20))

    assert weights(strategy, 1, 15, 25, 15) == [1.0, 0.0, 1.0]


def test_without_exit_it_is_flat_wherever_enter_does_not_hold() -> None:
    assert weights(rule(above("close", 10)), 1, 11, 10, 12) == [1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (">", [0, 0, 1]),
        ("above", [0, 0, 1]),
        (">=", [0, 1, 1]),
        ("at_least", [0, 1, 1]),
        ("<", [1, 0, 0]),
        ("below", [1, 0, 0]),
        ("<=", [1, 1, 0]),
        ("at_most", [1, 1, 0]),
    ],
)
def test_a_comparison_is_what_its_word_says(op: str, expected: list[float]) -> None:
    strategy = rule({"left": "close", "op": op, "right": 10})

    assert weights(strategy, 1, 9, 10, 11) == expected


@pytest.mark.parametrize(
    ("op", "expected"),
    [("crosses_above", [0, 0, 0, 1, 0, 0, 0, 1]), ("crosses_below", [0, 0, 1, 0, 0, 0, 1, 0])],
)
def test_a_crossing_is_the_bar_on_which_the_side_changes_from_that_side_or_from_equality(
    op: str, expected: list[float]
) -> None:
    strategy = rule({"left": "close", "op": op, "right": 10})

    assert weights(strategy, 1, 11 if op == "crosses_below" else 9, 10, 9, 11, 12, 10, 9, 11) == (
        expected
    )


def test_a_crossing_needs_a_bar_before() -> None:
    assert weights(rule({"left": "close", "op": "crosses_above", "right": 10}), 1, 11) == [0.0]


@pytest.mark.parametrize(
    ("operation", "value"),
    [("add", 12.0), ("subtract", 8.0), ("multiply", 20.0), ("divide", 5.0)],
)
def test_arithmetic_is_that_of_its_word(operation: str, value: float) -> None:
    number = {operation: ["close", 2]}
    strategy = rule({"all": [above(number, value - 0.5), above(value + 0.5, number)]})

    assert weights(strategy, 1, 10) == [1.0]


def test_what_is_divided_by_zero_compares_with_nothing() -> None:
    quotient = {"divide": [1, {"subtract": ["close", "close"]}]}

    assert weights(rule(above(quotient, 0)), 1, 5) == [0.0]
    assert weights(rule({"left": quotient, "op": "<=", "right": 0}), 1, 5) == [0.0]


def test_before_is_the_value_of_the_bar_before() -> None:
    assert weights(rule(above("close", {"before": "close"})), 1, 2, 3, 3, 2) == [0, 1, 0, 0]


def test_names_reach_features_their_outputs_the_bar_and_parameters() -> None:
    strategy = compiled(
        {
            "name": "r",
            "parameters": {"level": {"default": 3, "from": 1, "to": 9}},
            "features": {
                "band": {"indicator": "bollinger", "period": 2, "width": 1},
                "mean": {"indicator": "sma", "period": 2, "source": "volume"},
            },
            "enter": {
                "all": [above("band.upper", "band.lower"), above("mean", "level")],
            },
        }
    )
    bars = [(1.0, 9.0, 1.0, close, volume) for close, volume in ((5, 1), (6, 6), (7, 8), (7, 9))]

    assert list(obeyed(SignalRunner(strategy, {}), bars))[1:] == [1.0, 1.0, 0.0]
    assert list(obeyed(SignalRunner(strategy, {"level": 8}), bars))[1:] == [0.0, 0.0, 0.0]


def test_a_side_is_confirmed_only_after_so_many_bars_in_a_row() -> None:
    strategy = rule(above("close", 10), hysteresis={"confirm_bars": 2})

    path = weights(strategy, 1, 11, 9, 11, 11, 9, 11, 9, 9)

    assert [math.isnan(weight) for weight in path[:3]] == [True, True, True]
    assert path[3:] == [1.0, 1.0, 1.0, 1.0, 0.0]


def test_a_margin_keeps_the_view_while_the_sides_are_near() -> None:
    # 1 % of 100 is 1: it enters above 101 and, having no exit of its own, leaves below 99.
    strategy = rule(above("close", 100), hysteresis={"margin_bps": 100})

    path = weights(strategy, 1, 100.5, 101.5, 99.5, 98.5, 100.5)

    assert math.isnan(path[0])
    assert path[1:] == [1.0, 1.0, 0.0, 0.0]


def test_a_cross_of_averages_is_the_library_s_without_a_band() -> None:
    strategy = compiled(
        {
            "name": "cross",
            "features": {
                "fast": {"indicator": "ema", "period": 10},
                "slow": {"indicator": "ema", "period": 30},
            },
            "enter": above("fast", "slow"),
        }
    )
    bars = random_walk(1, 3_000)
    library = SignalRunner(SIGNAL_LIBRARY["ema-cross"], {"no_trade_bps": 0})

    own = list(obeyed(SignalRunner(strategy, {}), bars))

    assert np.array_equal(own, list(obeyed(library, bars)), equal_nan=True)


def test_a_break_of_channels_is_the_library_s_without_a_band() -> None:
    strategy = compiled(
        {
            "name": "turtle",
            "features": {
                "entry": {"indicator": "donchian", "period": 20},
                "leave": {"indicator": "donchian", "period": 10},
            },
            "enter": above("close", {"before": "entry.upper"}),
            "exit": {"left": "close", "op": "<", "right": {"before": "leave.lower"}},
        }
    )
    bars = random_walk(2, 3_000)
    library = SignalRunner(SIGNAL_LIBRARY["donchian-trend"], {"no_trade_bps": 0})

    own = list(obeyed(SignalRunner(strategy, {}), bars))

    assert np.array_equal(own, list(obeyed(library, bars)), equal_nan=True)
    assert own.count(1.0) > 100


@pytest.mark.parametrize(
    ("held", "closes", "sentence"),
    [
        (0.0, (1, 12), "enter holds: close 12 is above 10, by 2: enter"),
        (1.0, (1, 12), "enter holds: close 12 is above 10, by 2: stay long"),
        (1.0, (1, 12, 7), "exit does not hold: close 7 is not below 5, off by 2: stay long"),
        (0.0, (1, 12, 7), "exit does not hold: close 7 is not below 5, off by 2: enter"),
        (1.0, (1, 12, 4), "exit holds: close 4 is below 5, by 1: exit"),
        (0.0, (1, 12, 4), "exit holds: close 4 is below 5, by 1: stay flat"),
        (0.0, (1, 12, 4, 8), "enter does not hold: close 8 is not above 10, off by 2: no entry"),
        (1.0, (1, 12, 4, 8), "enter does not hold: close 8 is not above 10, off by 2: exit"),
        (0.0, (1, 8), "neither enter nor exit has held so far: no view yet"),
    ],
)
def test_a_reason_names_the_comparison_and_by_how_much(
    held: float, closes: tuple[float, ...], sentence: str
) -> None:
    strategy = rule(above("close", 10), exit={"left": "close", "op": "<", "right": 5})

    assert said(strategy, held, *closes) == sentence


@pytest.mark.parametrize(
    ("enter", "closes", "sentence"),
    [
        (
            {"all": [above("close", 5), above("mean", 10)]},
            (8, 8),
            "exit holds: mean 8 is not above 10, off by 2: stay flat",
        ),
        (
            {"any": [above("close", 50), above("mean", 10)]},
            (12, 12),
            "enter holds: mean 12 is above 10, by 2: enter",
        ),
        (
            {"not": above("close", 10)},
            (8, 8),
            "enter holds: close 8 is not above 10, off by 2: enter",
        ),
        (
            {"not": {"any": [above("close", 50), above("close", 10)]}},
            (12, 12),
            "exit holds: close 12 is above 10, by 2: stay flat",
        ),
        (
            above({"multiply": ["mean", 1.5]}, {"before": "close"}),
            (8, 8),
            "enter holds: (mean * 1.5) 12 is above close one bar before 8, by 4: enter",
        ),
    ],
)
def test_a_reason_names_what_settled_the_tree(
    enter: object, closes: tuple[float, ...], sentence: str
) -> None:
    assert said(rule(enter), 0.0, 8, *closes) == sentence


def test_a_margin_is_said_to_be_one() -> None:
    strategy = rule(above("close", 100), hysteresis={"margin_bps": 100})

    assert (
        said(strategy, 0.0, 1, 102) == "enter holds: close 102 is clearly above 100, 2 apart: enter"
    )
    assert said(strategy, 1.0, 1, 102, 99.5) == (
        "exit does not hold: close 99.5 is not clearly below 100, 0.5 apart: stay long"
    )
    assert (
        said(strategy, 1.0, 1, 102, 98)
        == "exit holds: close 98 is clearly below 100, 2 apart: exit"
    )


def test_what_is_not_confirmed_is_said_to_be_so() -> None:
    strategy = rule(
        above("close", 10),
        exit={"left": "close", "op": "<", "right": 5},
        hysteresis={"confirm_bars": 2},
    )

    assert said(strategy, 0.0, 1, 4, 4, 12) == (
        "enter holds, not yet for long enough: close 12 is above 10, by 2: no entry"
    )
    assert said(strategy, 1.0, 1, 12, 12, 4) == (
        "exit holds, not yet for long enough: close 4 is below 5, by 1: stay long"
    )


TREES: list[Mapping[str, Any]] = [
    {
        "enter": {"all": [above("close", "mean"), {"not": above("range", 0.3)}]},
        "exit": {"any": [{"left": "close", "op": "crosses_below", "right": "mean"}]},
    },
    {
        "enter": {"left": "close", "op": "crosses_above", "right": {"add": ["mean", 0.01]}},
        "exit": above({"before": "close"}, "close"),
        "hysteresis": {"confirm_bars": 2},
    },
    {"enter": above({"divide": ["close", "mean"]}, 1), "hysteresis": {"margin_bps": "band"}},
    {
        "enter": {"any": [above("close", {"before": "high"}), above("volume", 3)]},
        "exit": {"left": {"subtract": ["mean", "close"]}, "op": ">=", "right": {"before": "range"}},
        "hysteresis": {"confirm_bars": "wait", "margin_bps": 1},
    },
]


@pytest.mark.parametrize("tree", TREES, ids=range(len(TREES)))
@given(
    seed=st.integers(0, 10**6),
    n_flat=st.sampled_from([0, 5]),
    begin=st.integers(0, 40),
    cut=st.integers(41, 119),
    held=st.sampled_from([-1.0, 0.0, 1.0]),
)
def test_columns_say_what_bars_say_to_the_bit(
    tree: Mapping[str, Any], seed: int, n_flat: int, begin: int, cut: int, held: float
) -> None:
    strategy = compiled(
        {
            "name": "r",
            "parameters": {
                "band": {"default": 8, "from": 0, "to": 99},
                "wait": {"kind": "int", "default": 3, "from": 1, "to": 9},
            },
            "features": {
                "mean": {"indicator": "sma", "period": 4},
                "range": {"indicator": "atr", "period": 3},
            },
            **tree,
        }
    )
    tape = [*flat(n_flat), *random_walk(seed, 120 - n_flat, step_bps=20)]
    swept, stepped = SignalRunner(strategy, {}), SignalRunner(strategy, {})
    for bar in tape[:begin]:
        swept.on_bar(bar, held)
        stepped.on_bar(bar, held)

    sweep = swept.sweep(as_columns(tape), begin, held)

    assert (sweep is None) == bool(swept.bars_to_come), swept.rule_fault
    expected = b""
    for ts, bar in enumerate(tape[begin:cut], begin):
        weight = stepped.on_bar(bar, held)
        expected += DECISION.pack(ts, *stepped.memory[:WEIGHT], weight)
    if sweep is not None:
        assert bytes(sweep.said(cut - begin, held)) == expected
        sweep.pass_over(cut - begin, held, swept.memory)
        assert swept.reason() == stepped.reason()
        assert repr(swept.memory) == repr(stepped.memory)


def test_a_rule_over_no_bars_says_nothing() -> None:
    strategy = rule(above("close", 10))
    memory = [0.0] * FREE + list(strategy.free_memory)

    left = strategy.decide_over([np.empty(0)] * 6, memory, [])

    assert left.shape == (0, DECIDED + len(strategy.free_memory))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_run_trade_and_explain_themselves(path: Path) -> None:
    strategy = example(path)
    runner = SignalRunner(strategy, {})
    held, seen, sentences = 0.0, set(), set()

    for bar in random_walk(3, 4_000, step_bps=12):
        weight = runner.on_bar(bar, held)
        held = held if math.isnan(weight) else weight
        seen.add(held)
        sentences.add(render_reason(strategy, runner.memory[CODE], runner.memory[1:5]))

    assert strategy.name == path.stem
    assert seen == {0.0, 1.0}
    assert not [each for each in sentences if "nan" in each or "no sentence" in each]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4


def test_the_document_of_the_guide_runs() -> None:
    guide = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "write-a-strategy.md"
    text = guide.read_text("utf-8").split("```yaml\n")[1].split("```")[0]

    path = obeyed(SignalRunner(compiled(rules_in(text)), {}), random_walk(5, 3_000, step_bps=12))

    assert 1.0 in path


def test_a_stored_state_is_continued_by_the_same_document_only() -> None:
    text = EXAMPLES[0].read_text("utf-8")
    runner = SignalRunner(compiled(rules_in(text)), {})
    for bar in random_walk(4, 100):
        runner.on_bar(bar, 0.0)
    state = runner.state()
    other = text.replace("width: 2", "width: 3")

    assert other != text
    assert SignalRunner(compiled(rules_in(text)), {}).resume(state)
    assert not SignalRunner(compiled(rules_in(other)), {}).resume(state)
    assert class_digest(compiled(rules_in(text))) == class_digest(compiled(rules_in(text)))
