"""What the tests say they prove: ids in their names, and requirement markers."""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from docs.pages.source import ROOT, parsed

TESTS: Final = ROOT / "tests"
_ID: Final = re.compile(r"(?P<kind>[erkivd])(?P<number>\d+)(?P<part>b?)\Z")
_PADDED: Final = "KVD"


def trap_ids(name: str) -> tuple[str, ...]:
    """Return the ids that a test's name begins with.

    ``test_e3_e10b_…`` is E3 and E10b; ``test_i1_to_i14_…`` is every one from I1 to I14.
    """
    found: list[tuple[str, int, str]] = []
    is_range = False
    for word in name.removeprefix("test_").split("_"):
        match = _ID.match(word)
        if match is None:
            if word != "to" or not found:
                break
            is_range = True
            continue
        kind, number = match["kind"].upper(), int(match["number"])
        if is_range and found[-1][0] == kind:
            found.extend((kind, each, "") for each in range(found[-1][1] + 1, number))
        is_range = False
        found.append((kind, number, match["part"]))
    return tuple(
        f"{kind}{number:0{2 if kind in _PADDED else 1}}{part}" for kind, number, part in found
    )


def proofs_of_traps(tests: Path = TESTS) -> dict[str, list[str]]:
    """Return trap id → ids of the tests that carry it in their name or in a marker, sorted."""
    found: dict[str, set[str]] = {}
    for test, name, marks in _tests(tests):
        for each in (*trap_ids(name), *marks):
            found.setdefault(each, set()).add(test)
    return {each: sorted(found[each]) for each in sorted(found)}


def proofs_of_requirements(tests: Path = TESTS) -> dict[str, list[str]]:
    """Return entry of the contract → ids of the tests that are marked with it, sorted."""
    found: dict[str, set[str]] = {}
    for test, _, marks in _tests(tests):
        for each in marks:
            found.setdefault(each, set()).add(test)
    return {each: sorted(found[each]) for each in sorted(found)}


@lru_cache(maxsize=4)
def _tests(tests: Path) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Return every test function: its id, its name and its requirement marks."""
    return tuple(_found_in(tests))


def _found_in(tests: Path) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for path in sorted(tests.rglob("test_*.py")):
        tree = parsed(path)
        where = path.relative_to(tests.parent).as_posix()
        of_module = tuple(
            mark
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
            for mark in _marks(node.value)
        )
        yield from _in_body(tree.body, where, of_module)


def _in_body(
    body: list[ast.stmt], where: str, outer: tuple[str, ...]
) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        marks = (*outer, *(mark for each in node.decorator_list for mark in _marks(each)))
        if isinstance(node, ast.ClassDef):
            yield from _in_body(node.body, f"{where}::{node.name}", marks)
        elif node.name.startswith("test_"):
            yield f"{where}::{node.name}", node.name, marks


def _marks(node: ast.expr) -> Iterator[str]:
    """Yield what ``pytest.mark.requirement(…)`` names, also where a loop writes it out."""
    for call in ast.walk(node):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
            continue
        if call.func.attr != "requirement":
            continue
        for argument in call.args:
            if isinstance(argument, ast.Constant):
                yield str(argument.value)
            elif isinstance(argument, ast.Starred):
                yield from _written_out(argument.value)


def _written_out(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.GeneratorExp(elt=ast.JoinedStr(values=parts), generators=[loop]) if isinstance(
            loop.iter, ast.Tuple | ast.List
        ):
            for value in loop.iter.elts:
                assert isinstance(value, ast.Constant)
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else str(value.value)
                    for part in parts
                )
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            for element in elements:
                assert isinstance(element, ast.Constant)
                yield str(element.value)
        case _:
            raise ValueError(f"a mark that cannot be read: {ast.unparse(node)}")
