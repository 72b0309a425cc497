"""How long to wait before the next try."""

from dataclasses import dataclass
from typing import Protocol


class Uniform(Protocol):
    """The one method of a NumPy generator that is needed here."""

    def random(self) -> float:
        """Return a number in [0, 1)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Exponential waiting with full jitter: uniform between zero and a ceiling that doubles.

    Full jitter spreads retries best (M. Brooker, "Exponential Backoff And Jitter", AWS
    Architecture Blog, 2015).

    Attributes:
        base_s: ceiling of the first wait, seconds.
        cap_s: no wait is longer, seconds.
    """

    base_s: float = 0.1
    cap_s: float = 30.0

    def ceiling_s(self, attempt: int) -> float:
        """Return the longest wait before try number `attempt` (the first retry is 0)."""
        # 2**63 is beyond any cap; an unbounded exponent would overflow a float.
        return min(self.cap_s, self.base_s * 2.0 ** min(attempt, 63))

    def delay_s(self, attempt: int, *, rng: Uniform) -> float:
        """Return the wait before try number `attempt`, seconds."""
        return self.ceiling_s(attempt) * rng.random()
