"""What is possible but odd: flagged, and passed on; judging it is up to the one who acts.

Everything is causal: a value is judged by what came before it and only then joins the window.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import inf, log
from typing import Final

import msgspec

from botcore.domain.ids import SECOND_NS, InstrumentId

NORMAL_SIGMAS_PER_MAD: Final = 1.4826
"""Makes the median absolute deviation the standard deviation of normal data (P. Rousseeuw and
C. Croux, "Alternatives to the Median Absolute Deviation", 1993)."""


class AnomalyKind(StrEnum):
    """What is odd."""

    RETURN_OUTLIER = "RETURN_OUTLIER"
    PRICE_STALE = "PRICE_STALE"
    BOOK_CROSSED = "BOOK_CROSSED"
    CLOCK_SKEW = "CLOCK_SKEW"


class Finding(msgspec.Struct, frozen=True, gc=False):
    """Something odd about market data.

    Attributes:
        ts_init: when it was found, local clock, nanoseconds UTC.
        value: what was measured: a log return, or nanoseconds.
        limit: what it exceeded, in the same unit.
        cause: one sentence for people.
    """

    kind: AnomalyKind
    instrument: InstrumentId
    ts_init: int
    value: float
    limit: float
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalyConfig:
    """How odd is odd.

    Attributes:
        z_max: a return this many robust standard deviations from the median is an outlier …
        return_min: … if it is also at least this large, as an absolute log return. In a quiet
            market one tick is many deviations.
        window: how many changes of price a return is compared with.
        returns_min: with fewer than this nothing is judged.
        unchanged_intervals_max: no change of price for this many usual intervals, while another
            symbol's price changes, is stale …
        unchanged_min_ns: … and never before this long.
        skew_max_ns: a clock that is off by more than this is found.
        skew_window: how many stamps the offset is the median of.
    """

    z_max: float = 8.0
    return_min: float = 0.01
    window: int = 240
    returns_min: int = 30
    unchanged_intervals_max: float = 20.0
    unchanged_min_ns: int = 60 * SECOND_NS
    skew_max_ns: int = SECOND_NS
    skew_window: int = 256


class RobustScore(msgspec.Struct, frozen=True, gc=False):
    """A return among those before it: ``(return − median) / (1.4826 × MAD)``.

    `z` is infinite where all of them were alike.
    """

    log_return: float
    z: float


class ReturnWatch:
    """Judges each change of a price by the changes before it.

    Unchanged prices are left out: most prints repeat the last price, and a median of zeros would
    make an outlier of every change.

    Args:
        config: how odd is odd.
    """

    __slots__ = ("_config", "_log", "_price", "_returns")

    def __init__(self, config: AnomalyConfig) -> None:
        self._config = config
        self._price: float | None = None
        self._log = 0.0
        self._returns: deque[float] = deque(maxlen=config.window)

    @property
    def price(self) -> float | None:
        """The last price seen; None before the first."""
        return self._price

    def update(self, price: float) -> RobustScore | None:
        """Take the next price, above 0, and return its score if its return is an outlier."""
        if price == self._price:
            return None
        first, now = self._price is None, log(price)
        change, self._price, self._log = now - self._log, price, now
        if first:
            return None
        found = None
        # Few moves are large: only for those is it worth looking at the whole window.
        if (
            abs(change) >= self._config.return_min
            and len(self._returns) >= self._config.returns_min
        ):
            z = robust_z(change, self._returns)
            found = RobustScore(change, z) if abs(z) > self._config.z_max else None
        self._returns.append(change)
        return found


class ClockSkew:
    """How far the local clock is from a venue's: the median of local minus venue time.

    The way from the venue is not known, so that its latency is part of the offset: a clock that
    is right shows a few milliseconds. One clock of a venue serves all of its symbols.

    Args:
        window: how many differences the median is taken of; it is taken anew every eighth of it.
    """

    __slots__ = ("_differences", "_due", "_every", "offset_ns")

    def __init__(self, window: int) -> None:
        self._differences: deque[int] = deque(maxlen=window)
        self._every = max(1, window // 8)
        self._due = self._every
        self.offset_ns: int | None = None

    def add(self, difference_ns: int) -> bool:
        """Take one difference, and say whether `offset_ns` was measured anew."""
        self._differences.append(difference_ns)
        self._due -= 1
        if self._due:
            return False
        self._due = self._every
        self.offset_ns = sorted(self._differences)[len(self._differences) // 2]
        return True


def robust_z(value: float, others: Iterable[float]) -> float:
    """Return how many robust standard deviations `value` is from the median of `others`.

    Returns:
        ``(value − median) / (1.4826 × MAD)``; infinite with the sign of the difference where more
        than half of `others` are alike, 0 where `value` is that one.
    """
    ordered = sorted(others)
    middle = _median(ordered)
    deviation = NORMAL_SIGMAS_PER_MAD * _median(sorted(abs(each - middle) for each in ordered))
    difference = value - middle
    if deviation > 0.0:
        return difference / deviation
    return 0.0 if difference == 0.0 else (inf if difference > 0.0 else -inf)


def _median(ordered: list[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2.0
