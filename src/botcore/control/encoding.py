"""Answers as JSON, as every door gives them."""

import re
from decimal import Decimal
from typing import Final

import msgspec

_SCIENTIFIC: Final = re.compile(rb"-?[0-9](?:\.[0-9]+)?E[-+][0-9]{1,3}")
"""How a decimal of very small or large value is encoded, as a whole text."""
_EXPONENT: Final = re.compile(rb'E[-+][0-9]{1,3}"')
"""How such a text ends; little else does."""


def to_json(answer: object) -> bytes:
    """Return an answer as JSON; its decimals are plain digits, never ``1E-8``."""
    encoded = msgspec.json.encode(answer)
    parts, done = [], 0
    for exponent in _EXPONENT.finditer(encoded):
        begins, ends = encoded.rfind(b'"', done, exponent.start()) + 1, exponent.end() - 1
        if _SCIENTIFIC.fullmatch(encoded, begins, ends) is not None:
            parts += [encoded[done:begins], f"{Decimal(encoded[begins:ends].decode()):f}".encode()]
            done = ends
    return b"".join((*parts, encoded[done:])) if parts else encoded
