"""``facts.md``: what can have happened, with every field, and who says so."""

import ast
import inspect
from functools import lru_cache
from typing import Final

from botcore.domain import events
from docs.pages.source import modules

_HEAD: Final = """\
# Facts

Written from `domain/events.py` by `python docs/generate.py`; a test keeps it so.

A fact says what has happened, in the past tense; state is the fold of facts. **Journaled** facts
are durable before anything that follows from them leaves; **fingerprinted** ones make the
fingerprint of a run; **observed** ones are for watchers only: neither stored nor folded. Money and
quantities are decimals, stamps nanoseconds UTC, prices seen and equity at marks floats. Each record
carries the version of its schema; older ones are read for ever.
"""


def page() -> str:
    """Return the page."""
    kinds = [each for _, each in inspect.getmembers(events, inspect.isclass) if _is_fact(each)]
    kinds.sort(key=lambda each: list(vars(events)).index(each.__name__))
    rows = "".join(
        f"| [{each.__name__}](#{each.__name__.lower()}) | {_tick(each not in events.OBSERVATIONS)}"
        f" | {_tick(each in events.FINGERPRINTED)} | {_tick(each in events.OBSERVATIONS)}"
        f" | {', '.join(_made_in().get(each.__name__, ())) or 'nobody yet'} |\n"
        for each in kinds
    )
    return (
        _HEAD
        + "\n| fact | journaled | fingerprinted | observed | made in |\n|---|---|---|---|---|\n"
        + rows
        + "".join(_section(each) for each in kinds)
    )


def _section(kind: type) -> str:
    text, _, attributes = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:")
    tree = ast.parse(inspect.getsource(kind)).body[0]
    assert isinstance(tree, ast.ClassDef)
    fields = "".join(
        f"| `{line.target.id}` | `{ast.unparse(line.annotation)}` |\n".replace(
            " | None", " or none"
        )
        for line in tree.body
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
    )
    notes = "".join(f"- {each}\n" for each in _notes(attributes))
    return (
        f"\n## {kind.__name__}\n\n{' '.join(text.split())}\n\n| field | type |\n|---|---|\n"
        f"{fields}" + (f"\n{notes}" if notes else "")
    )


def _notes(attributes: str) -> list[str]:
    """Return the notes on fields, one a field: a deeper line goes on with the one before it."""
    found: list[str] = []
    for line in attributes.strip("\n").splitlines():
        if line.startswith("     "):
            found[-1] += f" {line.strip()}"
        elif line.strip():
            found.append(line.strip().replace("``", "`"))
    return found


def _is_fact(kind: type) -> bool:
    return kind.__module__ == events.__name__ and kind.__name__ != "Posting"


@lru_cache(maxsize=1)
def _made_in() -> dict[str, list[str]]:
    """Return name → modules that call it, of those above the domain."""
    found: dict[str, list[str]] = {}
    for where, tree in modules():
        if where.startswith("domain/") or "snapshot" in where:
            continue  # a snapshot's reader makes no news
        names = {
            node.func.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        for name in names:
            found.setdefault(name, []).append(f"`{where}`")
    return found


def _tick(is_so: bool) -> str:
    return "yes" if is_so else "–"
