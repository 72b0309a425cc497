"""The text of a document, read without trust: no objects, no references, no endless nesting."""

import json
from collections.abc import Iterator
from typing import Any, Final

import yaml

from botcore.domain.errors import ConfigError

BYTES_MAX: Final = 65_536
_DEPTH_MAX: Final = 40
_EVENTS_MAX: Final = 10_000


def rules_in(text: str, *, is_json: bool = False) -> object:
    """Return the document in a text: mappings, lists, texts, numbers and truth values.

    Args:
        text: YAML 1.1 or JSON, at most 64 KiB.
        is_json: which of the two.

    Raises:
        ConfigError: it is too long, no such text, names a key twice, is nested too deep, or refers
            to another place of itself (``RULES_UNREADABLE``).
    """
    if len(text.encode()) > BYTES_MAX:
        raise _unreadable(f"it is longer than {BYTES_MAX:,} bytes")
    return _json(text) if is_json else _yaml(text)


def _json(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except RecursionError:
        raise _unreadable("it is nested too deep") from None
    except ValueError as error:
        raise _unreadable(f"it is no JSON: {error}") from error


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise _unreadable(f"the key {key!r} stands twice in one mapping")
        found[key] = value
    return found


def _yaml(text: str) -> object:
    try:
        _check_events(yaml.parse(text, Loader=yaml.SafeLoader))
        return yaml.load(text, Loader=_UniqueLoader)  # noqa: S506 – a safe loader, and stricter
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or str(error)
        raise _unreadable(f"it is no YAML: {' '.join(str(problem).split())}{where}") from error
    except ValueError as error:  # a date or a number that there is not, such as 2024-13-45
        raise _unreadable(f"it is no YAML: {error}") from error


def _check_events(events: Iterator[yaml.Event]) -> None:
    """Refuse what grows when it is built, before anything is."""
    depth = 0
    for count, event in enumerate(events):
        if count == _EVENTS_MAX:
            raise _unreadable(f"it has more than {_EVENTS_MAX:,} parts")
        if isinstance(event, yaml.AliasEvent):
            raise _unreadable(f"*{event.anchor} refers to another place of it")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEPTH_MAX:
            raise _unreadable(f"it is nested deeper than {_DEPTH_MAX}")


class _UniqueLoader(yaml.SafeLoader):
    """YAML's safe loader, which besides refuses a key that stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping whose keys are all different texts."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise _unreadable(f"the key {key.value!r} stands twice, in line {line}")
            seen.add(key.value)
        found: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return found


def _unreadable(cause: str) -> ConfigError:
    return ConfigError(
        code="RULES_UNREADABLE",
        cause=f"the document cannot be read: {cause}",
        fix="mend the text; docs/examples holds documents that run",
    )
