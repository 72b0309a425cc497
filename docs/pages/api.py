"""``api.md``, ``openapi.json`` and the package's ``codes.json``: the API from its operations."""

import ast
import json
import re
from collections.abc import Iterable
from typing import Final

import botcore
from botcore.api.openapi import document
from botcore.api.openapi.answers import codes_of
from botcore.api.openapi.curl import curl
from botcore.api.openapi.document import area_of, words_of
from botcore.api.rest import refusals
from botcore.api.rest.problems import status_of
from botcore.api.rest.routing import paths_of
from botcore.control import problems
from botcore.control.operations import Operation
from botcore.control.schema import operations
from botcore.domain import errors as roots
from botcore.risk import DENIALS
from docs.pages import errors
from docs.pages.source import modules

_FORMAT: Final = re.compile(r":[.0-9a-z]+\}")
_FIX: Final = "see GET /api/v1/risk/limits and the cause, then ask for what is within them"
_HEAD: Final = """\
# API

Written from the operations by `python docs/generate.py`; a test keeps it so. The same for programs:
[openapi.json](openapi.json), and `GET /api/v1/openapi.json` of a running platform;
`GET /api/v1/docs` shows it with a form to try each route.

A call signs itself in with `Authorization: Bearer …`: an access token, or an API key (`bck_…`) that
has the scope. Amounts and prices are decimal strings, instants are UTC. Lists come in pages: send
`next_cursor` as `cursor` for what follows. What goes wrong is answered as
`application/problem+json` with `code`, `cause` and `fix`; [errors](errors.md) has every code.
"""


def page() -> str:
    """Return ``api.md``."""
    parts = [_HEAD, "\n## Routes\n\n| route | what it does | scope |\n|---|---|---|\n"]
    parts += [
        f"| `{each.method} {path}` | {each.summary} | {_scope(each)} |\n"
        for each in operations()
        for path in paths_of(each)
    ]
    area = ""
    for each in operations():
        if area_of(each) != area:
            area = area_of(each)
            parts.append(f"\n## {area}\n")
        parts.append(_section(each))
    return "".join(parts)


def openapi() -> str:
    """Return ``openapi.json``."""
    found = document(operations(), version=botcore.__version__)
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def codes() -> str:
    """Return ``codes.json``: code → its status, and one cause and fix of those it is said with."""
    statuses = _statuses()
    found: dict[str, dict[str, object]] = {}
    # What control says first: rooms below say the same code to themselves, as another class.
    for each in sorted(errors.raised(), key=lambda said: said.kind not in vars(problems)):
        if each.kind in statuses:
            told = {"status": statuses[each.kind], "cause": each.cause, "fix": each.fix}
            found.setdefault(each.code, told)
    for code, text in DENIALS.items():  # risk's no, as the answer to who asked
        told = {"status": status_of(problems.Refused), "cause": _FORMAT.sub("}", text), "fix": _FIX}
        found.setdefault(code, told)
    return json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _statuses() -> dict[str, int]:
    """Return error class → HTTP status; a class of another room has that of its nearest parent."""
    bases = {
        node.name: ast.unparse(node.bases[0])
        for _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.bases
    }
    known = {
        name: status_of(kind)
        for room in (roots, problems, refusals)
        for name, kind in vars(room).items()
        if isinstance(kind, type) and issubclass(kind, roots.BotError)
    }
    found = dict(known)
    for name in bases:
        heir, seen = name, set[str]()
        while heir not in known and heir in bases and heir not in seen:
            seen.add(heir)
            heir = bases[heir].rpartition(".")[2]
        if heir in known:
            found[name] = known[heir]
    return found


def _section(operation: Operation) -> str:
    first, *aliases = paths_of(operation)
    lines = [f"\n### {operation.name}\n\n`{operation.method} {first}`"]
    if aliases:
        lines.append(f", also {_listed(f'`{each}`' for each in aliases)}")
    lines.append(f"\n\n{operation.summary}\n\n{words_of(operation)}\n")
    if operation.command:
        lines.append(f"\nOn the command line: `botcore {' '.join(operation.command)}`.\n")
    if operation.examples:
        lines.append(f"\n```sh\n{curl(operation)}\n```\n")
    if operation.problems:
        named = _listed(f"`{each}`" for each in operation.problems)
        statuses = sorted(status for status, each in codes_of(operation).items() if each)
        lines.append(f"\nMay be refused with {named}; statuses: {_listed(map(str, statuses))}.\n")
    return "".join(lines)


def _scope(operation: Operation) -> str:
    return "open" if operation.scope is None else f"`{operation.scope}`"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
