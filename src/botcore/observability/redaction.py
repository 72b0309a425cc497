"""Secrets stay out of the log: by the name of a field, and by the look of a value."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

REDACTED: Final = "[redacted]"

_SECRET_NAME: Final = re.compile(
    r"passw|secret|token|api_?key|private_?key|authori[sz]ation|cookie|signature|credential|"
    r"mnemonic|seed_phrase",
    re.IGNORECASE,
)
_SECRET_VALUE: Final = re.compile(
    r"bck_[A-Za-z0-9]+_[A-Za-z0-9_-]+"  # our own keys
    r"|\b(?:bcr|mfa|wst|lnk|inv)_[A-Za-z0-9_-]{20,}"  # our refresh tokens, tickets and links
    r"|(?i:(?<=\bbearer )|(?<=\blocal )|(?<=\bbasic ))[A-Za-z0-9._~+/=-]{20,}"  # of a header
    r"|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"  # a signed token
    r"|(?<=signature=)[0-9a-fA-F]{16,}"  # of a signed request
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # a user and password in an address
)
_DEEPEST: Final = 6


def redacted(
    value: object, *, name: str = "", depth: int = 0, secrets: Sequence[str] = ()
) -> object:
    """Return `value` without secrets, in the same shape.

    Args:
        value: a field of a log line.
        name: of the field; one that names a secret hides the whole value.
        depth: how deep in the line it lies; what is too deep is written as text.
        secrets: texts that must not appear, whatever they look like.
    """
    if name and _SECRET_NAME.search(name):
        return REDACTED
    if isinstance(value, str):
        return _cut(value, secrets)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth < _DEEPEST:
        if isinstance(value, Mapping):
            return {
                str(key): redacted(inner, name=str(key), depth=depth + 1, secrets=secrets)
                for key, inner in value.items()
            }
        if isinstance(value, Sequence) and not isinstance(value, bytes):
            return [redacted(inner, depth=depth + 1, secrets=secrets) for inner in value]
    return _cut(str(value), secrets)


def _cut(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    return _SECRET_VALUE.sub(REDACTED, text)
