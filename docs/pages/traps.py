"""``traps.md``: the known traps of trading engines, and which test holds each."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from docs.pages.evidence import TESTS, proofs_of_traps
from docs.pages.requirements import title

TRAPS: Final = TESTS / "support" / "traps.toml"
_HEAD: Final = """\
# Traps

Written from `tests/support/traps.toml` and the names of the tests by `python docs/generate.py`; a
test keeps it so.

What goes wrong in trading engines, numbered: E traps of matching, orders, accounting and time; R
rules of the order protocol; K a process killed at a certain step; V a venue that misbehaves; D
storage, disk and processes; I what must always hold. Each is **tested**, by the tests whose names
begin with its number; **refused**, with the decision; or comes **later**.
"""
_TITLES: Final = {
    "E": "E: matching, orders, accounting, time",
    "R": "R: the order protocol",
    "K": "K: killed at a step",
    "V": "V: the venue misbehaves",
    "D": "D: storage, disk, processes",
    "I": "I: what must always hold",
}


class Trap(msgspec.Struct, frozen=True):
    """One trap.

    Attributes:
        id: such as ``E2b`` or ``K04``.
        title: one line.
        required: this version must have a test that carries the id.
        later: what it waits for; empty if it does not.
        refused: file name of the decision, without ``.md``; empty if none.
    """

    id: str
    title: str
    required: bool = False
    later: str = ""
    refused: str = ""


def traps(path: Path = TRAPS) -> tuple[Trap, ...]:
    """Return the traps in the file's order."""
    return tuple(msgspec.convert(tomllib.loads(path.read_text("utf-8"))["trap"], list[Trap]))


def fate(trap: Trap, tests: Mapping[str, list[str]]) -> str:
    """Return what has become of a trap: ``tested``, ``refused``, ``later`` or ``open``."""
    if trap.id in tests:
        return "tested"
    if trap.refused:
        return "refused"
    return "later" if trap.later else "open"


def page() -> str:
    """Return the page."""
    tests = proofs_of_traps()
    found = traps()
    count = {"tested": 0, "refused": 0, "later": 0, "open": 0}
    for trap in found:
        count[fate(trap, tests)] += 1
    parts = [
        _HEAD,
        f"\n{count['tested']} are tested, {count['refused']} refused, {count['later']} come later"
        + (f", {count['open']} are open" if count["open"] else "")
        + ".\n",
    ]
    for kind, heading in _TITLES.items():
        parts.append(f"\n## {heading}\n\n| id | trap | | |\n|---|---|---|---|\n")
        parts.extend(_row(trap, tests) for trap in found if trap.id.startswith(kind))
    return "".join(parts)


def _row(trap: Trap, tests: Mapping[str, list[str]]) -> str:
    status = fate(trap, tests)
    if status == "tested":
        about = "<br>".join(f"`{test.removeprefix('tests/')}`" for test in tests[trap.id])
    elif status == "refused":
        about = f"[{title(trap.refused)}](../adr/{trap.refused}.md)"
    else:
        about = trap.later
    return f"| {trap.id} | {trap.title} | {status} | {about} |\n"


def number(trap_id: str) -> tuple[int, str]:
    """Return the place of an id among those of its kind."""
    match = re.match(r"[A-Z](\d+)(b?)", trap_id)
    assert match
    return int(match[1]), match[2]
