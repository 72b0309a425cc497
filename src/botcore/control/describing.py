"""What the docstring of a type says of each of its fields: for documentation and help texts."""

import re
from functools import cache
from typing import Any, Final

import msgspec

_ENTRY: Final = re.compile(r"^(?P<names>[a-z_][a-z0-9_]*(?:, [a-z_][a-z0-9_]*)*): (?P<text>.*)$")
_AT: Final = re.compile(r"\[[^\]]*\]")
_SECTIONS: Final = ("Attributes:", "Args:")


@cache
def fields_described(kind: type) -> dict[str, str]:
    """Return field → sentence, from the section ``Attributes:`` of a docstring; others are absent.

    Several names may share one entry (``first, second: …``).
    """
    lines = iter((kind.__doc__ or "").splitlines())
    for line in lines:
        if line.strip() in _SECTIONS:
            break
    found: dict[str, str] = {}
    names: tuple[str, ...] = ()
    for line in lines:
        text = line.strip()
        entry = _ENTRY.match(text)
        if entry is not None:
            names = tuple(entry["names"].split(", "))
            text = entry["text"]
        elif not text:
            continue
        elif text.endswith(":") and " " not in text:
            break
        for name in names:
            found[name] = f"{found[name]} {text}" if name in found else text
    return {name: _sentence(text) for name, text in found.items()}


def described(kind: type) -> str:
    """Return the docstring without its sections: what the type is, in words."""
    text: list[str] = []
    for line in (kind.__doc__ or "").strip().splitlines():
        if line.strip() in (*_SECTIONS, "Raises:"):
            break
        text.append(line.strip())
    return "\n".join(text).strip()


def choices_at(kind: type, place: str) -> tuple[str, ...]:
    """Return what a field of a closed set takes; empty where there is no such set.

    Args:
        kind: a struct.
        place: as msgspec names it in an error: ``side``, ``state[0]``, ``order.side``.
    """
    info: Any = msgspec.inspect.type_info(kind)
    for name in _AT.sub("", place).split("."):
        fields = {
            field.encode_name: field.type
            for each in _plain(info)
            for field in getattr(each, "fields", ())
        }
        found = fields.get(name)
        if found is None:
            return ()
        info = found
    return tuple(
        str(each.value)
        for inner in _plain(info)
        if isinstance(inner, msgspec.inspect.EnumType)
        for each in inner.cls
    )


def _plain(info: Any) -> list[Any]:  # noqa: ANN401  # of msgspec's many kinds
    """Return the types of a type without what stands around them: bounds, None, lists."""
    if isinstance(info, msgspec.inspect.Metadata):
        return _plain(info.type)
    if isinstance(info, msgspec.inspect.UnionType):
        return [inner for each in info.types for inner in _plain(each)]
    inside = getattr(info, "item_type", None)
    return [info] if inside is None else _plain(inside)


def _sentence(text: str) -> str:
    plain = text.replace("``", "`").strip()
    return plain if plain.endswith((".", "!", "?")) else plain + "."
