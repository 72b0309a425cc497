"""Opaque tokens: 256 random bits, of which only the SHA-256 is stored."""

import hashlib
import secrets
from typing import Final

_BYTES: Final = 32
_LENGTH_MAX: Final = 128


def new_token(prefix: str = "") -> str:
    """Return a new one, URL-safe; the prefix says what it is for."""
    return prefix + secrets.token_urlsafe(_BYTES)


def new_id() -> str:
    """Return an opaque identifier, 128 bits, never used again."""
    return secrets.token_hex(16)


def digest_of(token: str) -> bytes:
    """Return the SHA-256 of a token, by which it is stored and found.

    It may be fast, since nobody guesses 256 bits. What is too long to be one is cut before it is
    hashed, and found nowhere.
    """
    return hashlib.sha256(token[:_LENGTH_MAX].encode("utf-8", "surrogatepass")).digest()
