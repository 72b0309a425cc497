"""Hashes that stand for an act: what was asked, what was confirmed, what must happen only once."""

import hashlib
import secrets
from typing import Any

import msgspec

from botcore.control.access import Actor
from botcore.control.operations import Operation, Request


def fingerprint(actor: Actor, operation: Operation, request: Request[Any]) -> str:
    """Return a hash of exactly this act by exactly this actor, 64 hex digits.

    The session is no part of it: who signs in again asks for the same act under the same key.
    """
    content = msgspec.json.encode(request, order="deterministic")
    return hashlib.sha256(f"{actor.name}\0{operation.name}\0".encode() + content).hexdigest()


def within_session(actor: Actor, digest: str, rests_on: str = "") -> str:
    """Return what a confirmation is bound to.

    That is an act, the session that was shown it, and what the effect that was shown rests on.

    Args:
        actor: who is to confirm.
        digest: of the act.
        rests_on: what the effect was told of beside the request.
    """
    return hashlib.sha256(f"{actor.session}\0{digest}\0{rests_on}".encode()).hexdigest()


def reference(actor: Actor, key: str) -> str:
    """Return what stays the same when the same act comes again under its key, and else is new."""
    if not key:  # not the correlation: a caller may choose that, and somebody else's
        return secrets.token_hex(16)
    return hashlib.sha256(f"{actor.name}\0{key}".encode()).hexdigest()[:32]
