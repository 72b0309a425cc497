"""Reading our own source: files, strings with their gaps, and the tree of errors."""

import ast
import gc
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = ROOT / "src" / "botcore"


def modules(package: Path = PACKAGE) -> tuple[tuple[str, ast.Module], ...]:
    """Return every module of the package, as a path below it and its tree, sorted."""
    return _modules(package)


@lru_cache(maxsize=4)
def _modules(package: Path) -> tuple[tuple[str, ast.Module], ...]:
    return tuple(
        (path.relative_to(package).as_posix(), parsed(path))
        for path in sorted(package.rglob("*.py"))
    )


def parsed(path: Path) -> ast.Module:
    """Return a file's tree.

    The collector waits meanwhile: it would look through all trees so far again and again, which
    takes several times as long as the parsing.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(path.read_text("utf-8"))
    finally:
        if was_on:
            gc.enable()


@cache
def nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    """Return every node of a module's tree, those above before those below."""
    return tuple(ast.walk(tree))


def text_of(node: ast.expr | None, constants: Mapping[str, str]) -> str:
    """Return a string expression as people would read it, with a name in braces for each gap.

    Args:
        node: the expression.
        constants: the module's own strings and numbers by name.
    """
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(text_of(part, constants) for part in parts)
        case ast.FormattedValue(
            value=ast.BinOp(
                left=ast.Name(id=name), op=ast.FloorDiv(), right=ast.Constant(value=int(by))
            )
        ) if name.strip("_") in constants:
            return f"{int(constants[name.strip('_')].replace(',', '')) // by:,d}"
        case ast.FormattedValue(value=value):
            name = _short(value)
            return constants.get(name) or f"{{{name}}}"
        case ast.Name(id=name) if name in constants:
            return constants[name]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return text_of(left, constants) + text_of(right, constants)
        case ast.IfExp(body=body, orelse=orelse):
            return f"{text_of(body, constants)} / {text_of(orelse, constants)}"
        case ast.Call(func=ast.Name(id="did_you_mean")):
            return "did you mean …? known: …"
        case None:
            return ""
        case _:
            return f"{{{_short(node)}}}"


def constants_of(tree: ast.Module) -> dict[str, str]:
    """Return the strings and numbers that a module names at its top."""
    found = {}
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                if isinstance(value, ast.Constant) and isinstance(value.value, int | float):
                    form = ",d" if isinstance(value.value, int) else "g"
                    found[name.strip("_")] = format(value.value, form)
                elif isinstance(value, ast.Constant | ast.JoinedStr | ast.BinOp):
                    found[name] = text_of(value, found)
            case _:
                pass
    return found


_TOLD: Final = {"FaultData": "RESYNC", "Failed": "RETRY"}
"""What is told to a client rather than raised, with what the client does about it."""


@cache
def remedies() -> dict[str, str]:
    """Return error class → what self-healing does about it, by inheritance from `BotError`."""
    bases: dict[str, str] = {}
    own: dict[str, str] = {}
    for _, tree in modules():
        for node in nodes(tree):
            if isinstance(node, ast.ClassDef) and node.bases:
                base = _short(node.bases[0])
                # A name that several modules use means the error among them.
                if node.name not in bases or not _is_error(node.name, bases):
                    bases[node.name] = base
                for line in node.body:
                    match line:
                        case (
                            ast.Assign(targets=[ast.Name(id="remedy")], value=ast.Attribute(attr=a))
                            | ast.AnnAssign(
                                target=ast.Name(id="remedy"), value=ast.Attribute(attr=a)
                            )
                        ):
                            own[node.name] = a
                        case _:
                            pass
    found = dict(_TOLD)
    for name in bases:
        heir, seen = name, set[str]()
        while heir not in own and heir in bases and heir not in seen:
            seen.add(heir)
            heir = bases[heir]
        if heir in own and _is_error(name, bases):
            found[name] = own[heir]
    return found


def _is_error(name: str, bases: Mapping[str, str]) -> bool:
    seen = set[str]()
    while name != "BotError" and name in bases and name not in seen:
        seen.add(name)
        name = bases[name]
    return name == "BotError"


_TRANSPARENT: Final = ("join", "strip", "rstrip", "lower", "upper", "str", "repr", "sorted", "list")
"""Calls that only change how a value is written: the value's own name says more."""


def _short(node: ast.expr) -> str:
    match node:
        case ast.Attribute(value=value, attr="__name__" | "__qualname__"):
            return _short(value)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name.strip("_")
        case ast.Call(func=ast.Name(id="len")):
            return "number"
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(key)), *_]):
            return key
        case ast.Call(func=ast.Attribute(attr="join"), args=[value]):
            return _short(value)
        case ast.Call(func=ast.Name(id=name), args=[value, *_]) if name in _TRANSPARENT:
            return _short(value)
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in _TRANSPARENT:
            return _short(value)
        case ast.Call(func=called):
            return _short(called)
        case ast.Subscript(slice=ast.Constant(value=str(key))):
            return key
        case ast.Subscript(value=value) | ast.Starred(value=value) | ast.Await(value=value):
            return _short(value)
        case ast.BinOp(left=value) | ast.BoolOp(values=[value, *_]):
            return _short(value)
        case ast.GeneratorExp(elt=value) | ast.ListComp(elt=value):
            return _short(value)
        case _:
            return "…"
