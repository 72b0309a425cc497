"""``errors.md``: every code a person can meet, read from the source where it is raised."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from botcore.engine.decided import WORDS
from botcore.risk import DENIALS
from botcore.storage import faults
from docs.pages.source import PACKAGE, constants_of, modules, nodes, remedies, text_of

CODE: Final = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*\Z")
_IN_TEXT: Final = re.compile(r"\[([A-Z][A-Z_]{3,})\]( – (.*))?", re.DOTALL)
_AT_START: Final = re.compile(r"([A-Z][A-Z]+(?:_[A-Z]+)+|EXPIRED): (.*)", re.DOTALL)
_FORMAT: Final = re.compile(r":[.0-9a-z]+\}")
_FINDING_PARTS: Final = 4
_ALERT_PARTS: Final = 4
_QUESTION_PARTS: Final = 5
_QUESTIONS: Final = {"Question": "DataError", "replace": "DataError"}
"""What is asked about a file is refused where nobody is there to answer."""

_HEAD: Final = """\
# Errors

Written from the source by `python docs/generate.py`; a test keeps it so.

Every failure says what happened, its code and what to do, in one sentence, and a command that
fails ends with an exit code that is not 0: 1 failed, 2 refused (a name, a value or a setting), 3
nothing runs (`status`), 130 interrupted. `{…}` stands for the value at hand. The remedy is what the
platform does about it by itself: `RETRY` the same, `RECONCILE` with the venue first, `RESYNC` the
data, `RESTART` the process, or `HALT` and wait for a person.
"""


class Code(msgspec.Struct, frozen=True, order=True):
    """One code at one place.

    Attributes:
        kind: the error's class, or what else carries it.
        where: module below ``src/botcore``.
    """

    code: str
    kind: str
    cause: str
    fix: str
    where: str


def page() -> str:
    """Return the page."""
    return _HEAD + "".join(
        (
            "\n## Errors\n\n",
            _table(raised(), with_remedy=True),
            (
                "\n## Findings\n\nWhat `botcore doctor`, and every start, finds in a home."
                " An error refuses the start.\n\n"
            ),
            _table(findings()),
            "\n## Said by page and command line\n\n",
            _table(said()),
            (
                "\n## Denials\n\nRisk's expected no: a fact, no failure. The strategy hears it and"
                " may ask again.\n\n| code | what it says |\n|---|---|\n"
            ),
            *(
                f"| `{code}` | {_cell(_FORMAT.sub('}', text))} |\n"
                for code, text in DENIALS.items()
            ),
            (
                "\n## No order\n\nWhy a wish did not become an order, beside a denial.\n\n"
                "| code | what it says |\n|---|---|\n"
            ),
            *(f"| `{code}` | {text} |\n" for code, text in WORDS.items()),
            (
                "\n## Alerts\n\nWhat a person should look at; the account goes on, or is halted"
                " where the cause says so.\n\n"
            ),
            _short_table(alerts()),
            "\n## The simulated venue's refusals\n\nThey stand in the order's detail.\n\n",
            _short_table(refusals()),
        )
    )


def raised(package: Path = PACKAGE) -> list[Code]:
    """Return the errors that are raised, and the answers of one process to another."""
    found = set(_database() if package == PACKAGE else ())
    for where, constants, node, owner in _calls(package):
        name = _called(node)
        words = {word.arg: word.value for word in node.keywords}
        code = words.get("code")
        if isinstance(code, ast.Constant) and isinstance(code.value, str) and "fix" in words:
            kind = owner if name in ("cls", "__init__") else _QUESTIONS.get(name, name)
            cause, fix = (text_of(words.get(part), constants) for part in ("cause", "fix"))
            found.add(Code(code.value, kind, cause, fix, where))
        elif name == "Question" and len(node.args) == _QUESTION_PARTS:
            _, _, *texts = (text_of(each, constants) for each in node.args)
            found.add(Code(texts[0], _QUESTIONS[name], texts[1], texts[2], where))
        elif name == "_problem" and isinstance(node.args[0], ast.Constant):
            texts = [text_of(each, constants) for each in node.args]
            found.add(Code(texts[0], "BotError", texts[1], texts[2], where))
    return sorted(found)


def findings() -> list[Code]:
    """Return what a check of a home may find."""
    found = set()
    for where, constants, node, _ in _calls(PACKAGE):
        if _called(node) == "Finding" and len(node.args) == _FINDING_PARTS:
            code, severity, *texts = node.args
            kind = severity.attr if isinstance(severity, ast.Attribute) else ""
            cause, fix = (text_of(part, constants) for part in texts)
            if isinstance(code, ast.Constant):
                found.add(Code(str(code.value), kind, cause, fix, where))
            elif kind in ("ERROR", "WARNING"):  # one code for each table
                found.add(Code("<TABLE>_DIFFER", kind, cause, fix, where))
    return sorted(found)


def said() -> list[Code]:
    """Return the codes that stand in a text: ``… [CODE] – fix``."""
    found = set()
    for where, tree in modules():
        constants = constants_of(tree)
        inside = {
            id(part)
            for node in nodes(tree)
            if isinstance(node, ast.JoinedStr)
            for part in node.values
        }
        left_out = _docstrings(tree) | inside
        for node in nodes(tree):
            if not isinstance(node, ast.Constant | ast.JoinedStr) or id(node) in left_out:
                continue
            if isinstance(node, ast.Constant) and not isinstance(node.value, str):
                continue
            text = text_of(node, constants)
            for match in _IN_TEXT.finditer(text):
                cause = text[: match.start()].strip()
                found.add(Code(match[1], "", cause, (match[3] or "").strip(), where))
    return sorted(found)


def alerts() -> list[Code]:
    """Return the codes of alerts."""
    found = set()
    for where, constants, node, _ in _calls(PACKAGE):
        name = _called(node)
        if name == "alert" and len(node.args) > 1:
            code, detail = node.args[0], node.args[1]
        elif name == "RiskAlert" and len(node.args) == _ALERT_PARTS:
            code, detail = node.args[2], node.args[3]
        else:
            continue
        if isinstance(code, ast.Constant):
            found.add(Code(str(code.value), "", text_of(detail, constants), "", where))
    return sorted(found)


def refusals() -> list[Code]:
    """Return the simulated venue's own words for no."""
    found = set()
    for where, tree in modules(PACKAGE / "venues" / "simulated"):
        constants = constants_of(tree)
        for node in nodes(tree):
            if isinstance(node, ast.Constant | ast.JoinedStr):
                match = _AT_START.match(text_of(node, constants))
                if match and not (isinstance(node, ast.Constant) and match[2].strip() == ""):
                    found.add(Code(match[1], "", match[2], "", f"venues/simulated/{where}"))
    # An f-string's first part is a constant of its own: keep the longer text.
    return sorted(
        each
        for each in found
        if not any(
            other is not each
            and other.code == each.code
            and other.cause.startswith(each.cause)
            and len(other.cause) > len(each.cause)
            for other in found
        )
    )


def _database() -> Iterator[Code]:
    """Yield what a database's or a file system's own failure becomes."""
    for name, meaning in sorted(vars(faults).items()):
        if not (isinstance(meaning, tuple) and name.isupper() and CODE.match(str(meaning[0]))):
            continue
        error = faults._made(meaning, doing="…", said="…")
        yield Code(
            error.code, type(error).__name__, meaning[1], str(meaning[2]), "storage/faults.py"
        )


@lru_cache(maxsize=4)
def _calls(package: Path) -> tuple[tuple[str, Mapping[str, str], ast.Call, str], ...]:
    """Return every call: its module, what that names, and the class that it stands in."""
    return tuple(_calls_in(package))


def _calls_in(package: Path) -> Iterator[tuple[str, Mapping[str, str], ast.Call, str]]:
    for where, tree in modules(package):
        constants = constants_of(tree)
        owners = {
            id(node): each.name
            for each in nodes(tree)
            if isinstance(each, ast.ClassDef)
            for node in ast.walk(each)
            if isinstance(node, ast.Call)
        }
        for node in nodes(tree):
            if isinstance(node, ast.Call):
                yield where, constants, node, owners.get(id(node), "")


def _docstrings(tree: ast.Module) -> set[int]:
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        id(line.value)
        for node in nodes(tree)
        if isinstance(node, holders)
        for line in node.body
        if isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)
    }


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _table(codes: list[Code], *, with_remedy: bool = False) -> str:
    known = remedies()
    names = " class | remedy |" if with_remedy else " |"
    lines = [
        f"| code |{names} cause | fix |",
        f"|---|{'---|---|' if with_remedy else '---|'}---|---|",
    ]
    for each in _merged(codes):
        about = each.kind
        if with_remedy:
            about = f"{each.kind} | {known.get(each.kind, '–')}"
        lines.append(f"| `{each.code}` | {about} | {_cell(each.cause)} | {_cell(each.fix)} |")
    return "\n".join(lines) + "\n"


def _short_table(codes: list[Code]) -> str:
    lines = ["| code | what it says |", "|---|---|"]
    lines += [f"| `{each.code}` | {_cell(each.cause)} |" for each in _merged(codes)]
    return "\n".join(lines) + "\n"


def _merged(codes: list[Code]) -> list[Code]:
    """Leave out what differs in nothing a reader sees."""
    seen: dict[tuple[str, str, str, str], Code] = {}
    for each in codes:
        seen.setdefault((each.code, each.kind, each.cause, each.fix), each)
    return list(seen.values())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
