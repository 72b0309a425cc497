"""What the docstring of a type says of each of its fields: for documentation and help texts."""

import re
from functools import cache
from typing import Final

_ENTRY: Final = re.compile(r"^(?P<names>[a-z_][a-z0-9_]*(?:, [a-z_][a-z0-9_]*)*): (?P<text>.*)$")
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


def _sentence(text: str) -> str:
    plain = text.replace("``", "`").strip()
    return plain if plain.endswith((".", "!", "?")) else plain + "."
