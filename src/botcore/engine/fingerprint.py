"""The fingerprint of a run: SHA-256 over the facts that matter, in order."""

import hashlib
from collections.abc import Iterable

from msgspec import structs

from botcore.domain.events import FINGERPRINTED, Fact, OrderPlaced
from botcore.domain.records import encode

_MATTERS = frozenset(FINGERPRINTED)
_TOGETHER = 64
_CONFIG = OrderPlaced.__struct_fields__.index("config")


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
        self._waiting += [fact for fact in facts if type(fact) in _MATTERS]
        if len(self._waiting) > _TOGETHER:
            self._hash_waiting()

    def hexdigest(self) -> str:
        """Return the fingerprint so far: 64 hex digits."""
        self._hash_waiting()
        return self._hash.hexdigest()

    def _hash_waiting(self) -> None:
        self._hash.update(b"".join([encode(_business(fact)) for fact in self._waiting]))
        self._hashed += len(self._waiting)
        self._waiting.clear()


def _business(fact: Fact) -> tuple[object, ...]:
    """Return a fact's name and values; its fields' names are the same in every run."""
    kind = type(fact)
    values = structs.astuple(fact)
    if kind is OrderPlaced:
        # Without the digest of the configuration: that names also what never trades.
        values = values[:_CONFIG]
    return kind.__name__, *values
