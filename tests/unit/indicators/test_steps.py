"""A step is pure, and stays in the subset that numba's nopython mode compiles."""

import ast
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.unit.indicators.bars import seeded_bars

from botcore.indicators import INDICATORS, IndicatorSpec, bands, over, volatility, windows

ROOT = Path(__file__).resolve().parents[3]
HELPERS = (
    bands.window_moments,
    volatility.log_ratio,
    volatility.true_range,
    windows.ring_mean,
    windows.ring_push,
    windows.window_extremes,
)
ALLOWED_CALLS = {"int", "float", "range", "sqrt", "atr_step", *(each.__name__ for each in HELPERS)}
REFUSED_SYNTAX = (
    ast.Attribute,
    ast.Await,
    ast.Dict,
    ast.DictComp,
    ast.GeneratorExp,
    ast.Global,
    ast.Import,
    ast.ImportFrom,
    ast.JoinedStr,
    ast.Lambda,
    ast.List,
    ast.ListComp,
    ast.Pow,
    ast.Raise,
    ast.Set,
    ast.SetComp,
    ast.Try,
    ast.With,
    ast.Yield,
)
SPECS = list(INDICATORS.values())


def _name(spec: IndicatorSpec) -> str:
    return spec.name


@pytest.mark.parametrize(
    "function", [*(spec.step for spec in SPECS), *HELPERS], ids=lambda f: f.__name__
)
def test_p3_steps_use_only_arithmetic_square_roots_and_comparisons(
    function: Callable[..., Any],
) -> None:
    nodes = list(ast.walk(ast.parse(inspect.getsource(function))))
    calls = [node.func for node in nodes if isinstance(node, ast.Call)]

    assert all(isinstance(call, ast.Name) and call.id in ALLOWED_CALLS for call in calls)
    assert not [node for node in nodes if isinstance(node, REFUSED_SYNTAX)]
    assert function.__closure__ is None
    assert function.__defaults__ is None


@pytest.mark.parametrize("spec", SPECS, ids=_name)
def test_a_step_gives_the_same_bits_on_an_array_as_on_a_list(spec: IndicatorSpec) -> None:
    bars = seeded_bars(17, 300)
    width = len(spec.outputs)
    state = np.array(spec.initial())
    out = np.full(300 * width, np.nan)

    for t, inputs in enumerate(zip(*bars.inputs(spec), strict=True)):
        spec.step(state, out, t * width, *inputs)

    assert out.tobytes() == over(spec, *bars.inputs(spec)).tobytes()


@pytest.mark.parametrize("spec", SPECS, ids=_name)
def test_a_state_holds_floats_and_keeps_its_length(spec: IndicatorSpec) -> None:
    bars = seeded_bars(19, 100)
    state, out = spec.initial(), [0.0] * len(spec.outputs)
    length = len(state)
    assert {type(x) for x in state} == {float}

    for inputs in zip(*(column.tolist() for column in bars.inputs(spec)), strict=True):
        spec.step(state, out, 0, *inputs)

    assert {type(x) for x in state} == {float}
    assert {type(x) for x in out} == {float}
    assert len(state) == length


@pytest.mark.parametrize("spec", SPECS, ids=_name)
def test_a_step_writes_its_outputs_where_it_is_told_and_nowhere_else(spec: IndicatorSpec) -> None:
    inputs = [2.0, 1.0, 1.5, 10.0][: len(spec.inputs)]
    out = [-1.0] * (len(spec.outputs) + 4)

    spec.step(spec.initial(), out, 2, *inputs)

    assert out[:2] == out[-2:] == [-1.0, -1.0]
    assert -1.0 not in out[2:-2]


def test_nobody_changes_the_oracles_process_wide_state() -> None:
    forbidden = "set_unstable" + "_period"

    sources = [p for room in ("src", "tests") for p in (ROOT / room).rglob("*.py")]

    assert len(sources) > 10
    assert not [str(p) for p in sources if forbidden in p.read_text(encoding="utf-8")]
