"""The fingerprint of a run: SHA-256 over the facts that matter, in order."""

import hashlib
from collections.abc import Iterable

from msgspec import structs

from botcore.domain.events import FINGERPRINTED, Fact, OrderPlaced
from botcore.domain.records import encode

_MATTERS = frozenset(FINGERPRINTED)


class Fingerprint:
    """Hashes order, fill, posting, position and mode facts: no run id, host or wall time.

    Two runs of one tape, configuration and seed have the same.
    """

    __slots__ = ("_hash", "count")

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.count = 0

    def add(self, facts: Iterable[Fact]) -> None:
        """Take the facts of one step."""
        for fact in facts:
            kind = type(fact)
            if kind in _MATTERS:
                if kind is OrderPlaced:
                    # Without the digest of the configuration: that names also what never trades.
                    fact = structs.replace(fact, config="")  # noqa: PLW2901  # the copy goes on
                self._hash.update(encode(fact))
                self.count += 1

    def hexdigest(self) -> str:
        """Return the fingerprint so far: 64 hex digits."""
        return self._hash.hexdigest()
