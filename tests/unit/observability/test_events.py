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
