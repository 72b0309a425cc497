"""Every code of a problem with its status, cause and fix: a file that `docs/generate.py` writes."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec


class Code(msgspec.Struct, frozen=True):
    """What a code says: its HTTP status, and cause and fix with ``{…}`` for the value at hand."""

    status: int
    cause: str
    fix: str


@cache
def codes() -> Mapping[str, Code]:
    """Return code → what it says."""
    text = files("botcore.api").joinpath("openapi", "codes.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, Code])
