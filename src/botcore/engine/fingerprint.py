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


_Read = Callable[[Any], tuple[object, ...]]
_READS: dict[type, tuple[str, _Read]] = {
    **{kind: (kind.__name__, structs.astuple) for kind in FINGERPRINTED},
    OrderPlaced: (OrderPlaced.__name__, _without_config),
}
"""What a fact that matters is called, and how its values are read; the names of its fields are the
same in every run."""
_read = _READS.get


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
        return self._hashed + sum(type(fact) in _READS for fact in self._waiting)

    def add(self, facts: Iterable[Fact]) -> None:
        """Take the facts of one step."""
        self._waiting += facts
        if len(self._waiting) > _TOGETHER:
            self._hash_waiting()

    def hexdigest(self) -> str:
        """Return the fingerprint so far: 64 hex digits."""
        self._hash_waiting()
        return self._hash.hexdigest()

    def _hash_waiting(self) -> None:
        rows = [
            encode((found[0], found[1](fact)))
            for fact in self._waiting
            if (found := _read(type(fact))) is not None
        ]
        self._hash.update(b"".join(rows))
        self._hashed += len(rows)
        self._waiting.clear()
