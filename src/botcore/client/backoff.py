"""How often a call is tried again, and how long it waits in between."""

import secrets
from typing import Final

import msgspec

_SLOWEST_S: Final = 10.0
_FINE: Final = 1_000


class Retrying(msgspec.Struct, frozen=True, kw_only=True):
    """The contract's numbers: 10 s a try, three more tries, twice as long before each.

    Attributes:
        timeout_s: of one try.
        retries: after the first try.
        first_wait_s: before the first retry; half of it is chance.
    """

    timeout_s: float = 10.0
    retries: int = 3
    first_wait_s: float = 0.25

    def wait_s(self, retry: int, *, asked_s: float = 0.0) -> float:
        """Return how long to wait before a retry, counted from 0.

        Args:
            retry: which one.
            asked_s: what the server asked for (`Retry-After`); at most ten seconds are waited.
        """
        chance = (1.0 + secrets.randbelow(_FINE) / _FINE) / 2.0
        return min(_SLOWEST_S, max(asked_s, self.first_wait_s * 2.0**retry * chance))
