"""Where buckets are kept, and what is known of the engine's load."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from botcore.api.limits.gcra import Rate


class Charge(NamedTuple):
    """One bucket that a request pays from.

    Attributes:
        payer: whose bucket of this rate; the same text is the same bucket.
        cost: tokens, above zero.
        reserve: tokens of the bucket that this request may not touch.
    """

    rate: Rate
    payer: str
    cost: int
    reserve: int = 0


class Outcome(NamedTuple):
    """Whether a request conforms to all its charges.

    Attributes:
        charge: the one it waits for longest, or the first one if it conforms.
        wait_ns: until it would conform; zero if it does.
        left: whole tokens that are left in that bucket.
        full_ns: until that bucket is full again.
    """

    charge: Charge
    wait_ns: int
    left: int
    full_ns: int


class Buckets(Protocol):
    """Keeps what payers owe; in this process, or beside several of them."""

    def take(self, charges: Sequence[Charge], now_ns: int) -> Outcome:
        """Pay all the charges, or none of them if one does not conform.

        Args:
            charges: at least one; in any order but for the first, which is the one to be shown.
            now_ns: monotonic, of one clock.
        """
        ...


class DecisionLatency(Protocol):
    """How long the engine takes from an input to an approved order."""

    def p99_s(self) -> float | None:
        """Return the 99th percentile of late, seconds; None if nothing recent is known."""
        ...
