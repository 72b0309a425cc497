"""The fingerprint of a run: SHA-256 over the facts that matter, in order."""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import structs

from botcore.domain.events import FINGERPRINTED, Fact, OrderPlaced
from botcore.domain.records import encode

_TOGETHER = 64
_CONFIG = OrderPlaced.__struct_fields__.index("config")


def _without_config(fact: OrderPlaced) -> tuple[object, ...]:
    """Leave out the digest of the configuration: that names also what never trades."""
    return structs.astuple(fact)[:_CONFIG]


_VALUES: dict[type, Callable[[Any], tuple[object, ...]]] = {
    **dict.fromkeys(FINGERPRINTED, structs.astuple),
    OrderPlaced: _without_config,
}
"""How the values of a fact that matters are read; its fields' names are the same in every run."""
_NAMES = {kind: kind.__name__ for kind in _VALUES}


class Fingerprint:
    """Hashes order, fill, posting, position and mode facts: no run id, host or wall time.

    Two runs of one tape, configuration and seed have the same.
    """

    __slots__ = ("_hash", "_hashed", "_waiting")

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._hashed = 0
        self._waiting: list[Fact] = []  # a call costs more than what it hashes

    @property
    def count(self) -> int:
        """How many facts it was made of so far."""
        return self._hashed + len(self._waiting)

    def add(self, facts: Iterable[Fact]) -> None:
        """Take the facts of one step."""
        self._waiting += [fact for fact in facts if type(fact) in _NAMES]
        if len(self._waiting) > _TOGETHER:
            self._hash_waiting()

    def hexdigest(self) -> str:
        """Return the fingerprint so far: 64 hex digits."""
        self._hash_waiting()
        return self._hash.hexdigest()

    def _hash_waiting(self) -> None:
        waiting = self._waiting
        rows = [encode((_NAMES[type(fact)], _VALUES[type(fact)](fact))) for fact in waiting]
        self._hash.update(b"".join(rows))
        self._hashed += len(waiting)
        waiting.clear()
