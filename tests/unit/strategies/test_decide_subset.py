"""`decide` stays in the subset that numba compiles: a guard over the text, as numba is absent."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from types import FunctionType
from typing import Any

import pytest

from botcore.strategies import SIGNAL_LIBRARY

ALLOWED = (
    ast.FunctionDef,
    ast.arguments,
    ast.arg,
    ast.Assign,
    ast.AugAssign,
    ast.Return,
    ast.If,
    ast.IfExp,
    ast.For,
    ast.Compare,
    ast.BoolOp,
    ast.BinOp,
    ast.UnaryOp,
    ast.Call,
    ast.Subscript,
    ast.Name,
    ast.Constant,
    ast.Load,
    ast.Store,
    ast.operator,
    ast.cmpop,
    ast.boolop,
    ast.unaryop,
)


def refusals(function: Callable[..., Any], seen: set[object] | None = None) -> list[str]:
    """Return why a function could not be compiled, with all functions that it calls."""
    seen = set() if seen is None else seen
    if function in seen:
        return []
    seen.add(function)
    assert isinstance(function, FunctionType)
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    if ast.get_docstring(tree) is not None:
        tree.body = tree.body[1:]
    tree.decorator_list = []
    tree.returns = None
    for argument in tree.args.args:
        argument.annotation = None
    found = [type(node).__name__ for node in ast.walk(tree) if not isinstance(node, ALLOWED)]
    local = {*function.__code__.co_varnames}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and not isinstance(node.value, int | float):
            found.append(f"constant {node.value!r}")
        if isinstance(node, ast.Name) and node.id not in local and node.id != "range":
            value = function.__globals__.get(node.id)
            if isinstance(value, FunctionType):
                found.extend(refusals(value, seen))
            elif not isinstance(value, int | float):
                found.append(f"global {node.id}")
    if function.__closure__:
        found.append("closure")
    return found


@pytest.mark.parametrize("strategy", SIGNAL_LIBRARY.values(), ids=list(SIGNAL_LIBRARY))
def test_decide_and_what_it_calls_use_arithmetic_branches_and_indexes_only(strategy: Any) -> None:
    assert refusals(strategy.decide) == []


@pytest.mark.parametrize("strategy", SIGNAL_LIBRARY.values(), ids=list(SIGNAL_LIBRARY))
def test_decide_calls_no_exponential_or_logarithm(strategy: Any) -> None:
    # Their last digit differs between libraries of mathematics, and so would targets.
    source = inspect.getsource(strategy.decide)

    assert [word for word in ("exp(", "log(", "pow(", "**") if word in source] == []


def _calls_a_method(row: Any, memory: Any, params: Any) -> float:
    return float(memory.count(1.0))


def _keeps_a_list(row: Any, memory: Any, params: Any) -> Any:
    return [params[0], 1.0][0]


def _speaks(row: Any, memory: Any, params: Any) -> float:
    return f"{row[0]}"  # type: ignore[return-value]  # what the guard must see


def _reads_a_foreign_global(row: Any, memory: Any, params: Any) -> float:
    return SIGNAL_LIBRARY[row[0]]  # type: ignore[return-value]  # what the guard must see


def _hides_one_call_away(row: Any, memory: Any, params: Any) -> Any:
    return _keeps_a_list(row, memory, params)


@pytest.mark.parametrize(
    "function",
    [
        _calls_a_method,
        _keeps_a_list,
        _speaks,
        _reads_a_foreign_global,
        _hides_one_call_away,
    ],
)
def test_the_guard_sees_what_numba_would_refuse(function: Callable[..., Any]) -> None:
    assert refusals(function) != []
