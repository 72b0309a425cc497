"""``requirements.md``: what becomes of each entry of the requirement documents."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from docs.pages.evidence import TESTS, proofs_of_requirements
from docs.pages.source import ROOT

CONTRACT: Final = TESTS / "support" / "contract.toml"
_HEAD: Final = """\
# Requirements

Written from `tests/support/contract.toml` and the tests' markers by `python docs/generate.py`; a
test keeps it so.

Every path, message, fact, interface, table, number, script and test case that the requirement
documents name, and what has become of it: **built**, with a test that proves it; **decided
otherwise**, with the decision; or **later**, with what it waits for.
"""
_TITLES: Final = {
    "REST": "REST",
    "WS": "WebSocket",
    "FACT": "Facts",
    "IF": "Component interfaces",
    "TABLE": "Tables and views",
    "NUM": "Numbers",
    "SCRIPT": "Scripts",
    "TC": "Test cases",
    "CHOICE": "Technology",
}


class Entry(msgspec.Struct, frozen=True):
    """One entry.

    Attributes:
        id: as a marker names it.
        later: what it waits for; empty if it does not.
        decided: file name of the decision that goes another way, without ``.md``; empty if none.
        note: what was built of it, where that is a part.
    """

    id: str
    later: str = ""
    decided: str = ""
    note: str = ""


def entries(path: Path = CONTRACT) -> tuple[Entry, ...]:
    """Return the entries in the file's order."""
    return tuple(msgspec.convert(tomllib.loads(path.read_text("utf-8"))["entry"], list[Entry]))


def fate(entry: Entry, tests: Mapping[str, list[str]]) -> str:
    """Return ``built``, ``decided otherwise``, ``later``, or nothing for a lost entry."""
    if entry.id in tests:
        return "built"
    if entry.decided:
        return "decided otherwise"
    return "later" if entry.later else ""


def page() -> str:
    """Return the page."""
    tests = proofs_of_requirements()
    parts = [_HEAD]
    groups: dict[str, list[Entry]] = {}
    for entry in entries():
        groups.setdefault(entry.id.split()[0].partition("-")[0], []).append(entry)
    count = {"built": 0, "decided otherwise": 0, "later": 0, "": 0}
    for entry in entries():
        count[fate(entry, tests)] += 1
    parts.append(
        f"\n{count['built']} are built, {count['decided otherwise']} decided otherwise,"
        f" {count['later']} come later.\n"
    )
    for kind, found in groups.items():
        parts.append(f"\n## {_TITLES[kind]}\n\n| entry | | |\n|---|---|---|\n")
        parts.extend(_row(entry, tests) for entry in found)
    return "".join(parts)


def _row(entry: Entry, tests: Mapping[str, list[str]]) -> str:
    status = fate(entry, tests)
    if status == "built":
        first, *more = tests[entry.id]
        about = f"`{first}`" + (f" and {len(more)} more" if more else "")
        about += f"; {entry.note}" if entry.note else ""
    elif status == "decided otherwise":
        about = f"[{title(entry.decided)}](../adr/{entry.decided}.md)"
    else:
        about = entry.later
    return f"| {entry.id} | {status} | {about} |\n"


def title(decision: str) -> str:
    """Return the title of a decision record, without its number."""
    first = (ROOT / "docs" / "adr" / f"{decision}.md").read_text("utf-8").partition("\n")[0]
    return first.removeprefix("# ").partition(". ")[2] or first
