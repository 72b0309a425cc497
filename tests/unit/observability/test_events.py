"""Every event that the platform logs is on the list."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from botcore.kernel.child import ChildEventKind
from botcore.observability import LogEvent

PACKAGE = Path(__file__).resolve().parents[3] / "src" / "botcore"
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def logged(source: str) -> Iterator[str]:
    """Yield the text that each call of a logger names as its event."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in LEVELS
            and "log" in ast.unparse(node.func.value)
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value)


def test_every_event_that_is_logged_by_name_is_on_the_list() -> None:
    named = [
        (path.relative_to(PACKAGE).as_posix(), event)
        for path in sorted(PACKAGE.rglob("*.py"))
        for event in logged(path.read_text(encoding="utf-8"))
    ]

    assert [(file, event) for file, event in named if event not in set(LogEvent)] == []


def test_a_logged_event_is_seen() -> None:
    source = 'self._log.info("one", x=1)\nstructlog.get_logger("a").error("two")\nother.info("no")'

    assert list(logged(source)) == ["one", "two"]


def test_everything_that_happens_to_a_child_process_has_an_event() -> None:
    assert {f"child_{kind.lower()}" for kind in ChildEventKind} <= set(LogEvent)


def _named_anywhere() -> set[str]:
    """Return every text of the source that could name an event, but for the list itself."""
    found = {f"child_{kind.lower()}" for kind in ChildEventKind}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name == "events.py" and path.parent.name == "observability":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "LogEvent":
                found.add(LogEvent[node.attr].value)
    return found


def test_no_event_of_the_list_is_one_that_nobody_logs() -> None:
    assert sorted(set(LogEvent) - _named_anywhere()) == []
