"""Looking at a document as it was read, with the path of what cannot be used in every refusal."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

from botcore.domain.errors import ConfigError
from botcore.domain.parameters import did_you_mean

_NAME: Final = re.compile(r"^[a-z][a-z0-9_]{0,31}\Z")
_TEXT_MAX: Final = 300


def refused(path: str, why: str, fix: str) -> ConfigError:
    """Return the refusal of what stands at a path, such as ``enter.all[1].left``."""
    return ConfigError(code="RULES_REFUSED", cause=f"{path}: {why}", fix=fix)


def mapping(
    raw: object, path: str, *, known: Sequence[str], needed: Sequence[str] = ()
) -> Mapping[str, object]:
    """Return a mapping with these keys and no others.

    Raises:
        ConfigError: it is none, a key is unknown (with the nearest known one), or one is missing.
    """
    if not isinstance(raw, Mapping):
        raise refused(path or "the document", f"{kind(raw)} stands here", _keys(known))
    for key in raw:
        if key not in known:
            where = f"{path}.{key}" if path else str(key)
            raise refused(where, "nobody knows this key", did_you_mean(str(key), list(known)))
    for key in needed:
        if key not in raw:
            raise refused(path or "the document", f"it has no {key!r}", _keys(known))
    return raw


def named(raw: object, path: str, *, most: int) -> Mapping[str, object]:
    """Return a mapping from names to anything; None is an empty one.

    Raises:
        ConfigError: it is none, a key is no name, or there are more than `most`.
    """
    if raw is None:
        return {}
    if not isinstance(raw, Mapping):
        raise refused(path, f"{kind(raw)} stands here", "write one line a name, indented")
    for key in raw:
        if not isinstance(key, str) or _NAME.match(key) is None:
            fix = "use a-z, 0-9 and _, beginning with a letter, at most 32"
            raise refused(f"{path}.{key}", "this is no name", fix)
    if len(raw) > most:
        raise refused(path, f"there are {len(raw)}", f"use at most {most}")
    return raw


def listed(raw: object, path: str, *, most: int) -> Sequence[object]:
    """Return a list that is not empty.

    Raises:
        ConfigError: it is none, empty, or longer than `most`.
    """
    if not isinstance(raw, list) or not raw:
        raise refused(path, f"{kind(raw)} stands here", "write a list of one or more")
    if len(raw) > most:
        raise refused(path, f"there are {len(raw)}", f"use at most {most}")
    return raw


def text(raw: object, path: str) -> str:
    """Return a text of one line.

    Raises:
        ConfigError: it is none, or it is longer than 300 characters.
    """
    if not isinstance(raw, str) or len(raw) > _TEXT_MAX or not raw.isprintable():
        raise refused(path, f"{kind(raw)} stands here", f"write a line of up to {_TEXT_MAX}")
    return raw


def number(raw: object, path: str) -> float:
    """Return a finite number.

    Raises:
        ConfigError: it is none.
    """
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise refused(path, f"{kind(raw)} stands here", "write a number")
    try:
        found = float(raw)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise refused(path, "this number is not finite", "write one that is")
    return found


def kind(raw: object) -> str:
    """Return what something is, in words."""
    match raw:
        case None:
            return "nothing"
        case bool():
            return f"{str(raw).lower()} (yes, no, on and off are read so: quote them)"
        case int() | float():
            return f"the number {raw:.12g}"
        case str() if not raw:
            return "an empty text (quote > and < in YAML)"
        case str():
            return f"the text {raw[:40]!r}"
        case Mapping():
            return "a mapping"
        case list():
            return "a list" if raw else "an empty list"
        case _:
            return f"something of kind {type(raw).__name__}"


def _keys(known: Sequence[str]) -> str:
    return f"write {', '.join(known)}"
