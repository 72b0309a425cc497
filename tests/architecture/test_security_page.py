"""``docs/security/asvs.md`` says nothing that no test shows, and leaves no row out."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "security" / "asvs.md"
VERDICTS = {"met", "later", "not applicable"}
ROWS = {
    "V1": 27,
    "V2": 11,
    "V3": 19,
    "V4": 10,
    "V5": 9,
    "V6": 35,
    "V7": 18,
    "V8": 7,
    "V9": 7,
    "V10": 29,
    "V11": 14,
    "V12": 9,
    "V13": 13,
    "V14": 9,
    "V15": 13,
    "V16": 16,
    "V17": 7,
    "API": 10,
}
"""How many requirements of levels 1 and 2 each chapter of ASVS 5.0.0 has; and the Top 10."""
LEVEL_3 = {"V7.5.3", "V8.3.2", "V11.2.4", "V15.4.2"}
"""Those of level 3 that were chosen; V16.3.2 is of level 2 with more asked for level 3."""


class Row(NamedTuple):
    ids: list[str]
    verdict: str
    about: str


def rows() -> list[Row]:
    found = []
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith(("| V", "| API")):
            ids, _, verdict, about = (cell.strip() for cell in line.strip("|").split(" | "))
            found.append(Row(ids.split(), verdict, about.rstrip(" |")))
    return found


def shown_by(row: Row) -> list[str]:
    return re.findall(r"`(tests/[^`]+)`", row.about)


@cache
def names_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def test_every_row_is_met_by_tests_that_exist_or_says_why_not() -> None:
    wrong = []
    for row in rows():
        named = shown_by(row)
        if row.verdict not in VERDICTS or bool(named) is not (row.verdict == "met"):
            wrong.append(f"{row.ids}: {row.verdict} – {row.about}")
        if not named and len(row.about) < 10:
            wrong.append(f"{row.ids} says nothing")
        for each in named:
            file, _, test = each.partition("::")
            if not (ROOT / file).is_file() or test not in names_in(ROOT / file):
                wrong.append(f"{row.ids}: there is no {each}")

    assert wrong == []


def test_no_requirement_is_left_out_or_told_twice() -> None:
    ids = [each for row in rows() for each in row.ids]

    found = Counter(re.match(r"API|V\d+", each)[0] for each in ids if each not in LEVEL_3)  # type: ignore[index]  # each begins so
    assert found == ROWS
    assert len(ids) == len(set(ids))
    assert set(ids) >= LEVEL_3


def test_the_count_at_the_top_is_that_of_the_rows() -> None:
    count = Counter[str]()
    for row in rows():
        if not row.ids[0].startswith("API"):
            count[row.verdict] += len(row.ids)

    said = (
        f"{count['met']} are met, {count['later']} come later,"
        f" {count['not applicable']} do not apply."
    )
    assert said in PAGE.read_text("utf-8")
