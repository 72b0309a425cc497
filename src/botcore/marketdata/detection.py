"""Where the anomalies of all symbols come together: some show only beside other symbols."""

from collections import Counter, deque
from collections.abc import Mapping
from math import expm1
from types import MappingProxyType
from typing import Final

from botcore.domain.ids import SECOND_NS, InstrumentId
from botcore.marketdata.anomalies import (
    AnomalyConfig,
    AnomalyKind,
    Finding,
    ReturnWatch,
    RobustScore,
)
from botcore.marketdata.lanes import Lane

Findings = tuple[Finding, ...]
NOTHING: Final[Findings] = ()


class AnomalyDetector:
    """Looks at each admitted price and at each stamp, and keeps what it found.

    Args:
        config: how odd is odd.
        capacity: how many findings are kept; the oldest is dropped first. They are counted for
            ever.
    """

    def __init__(self, config: AnomalyConfig, *, capacity: int) -> None:
        self._config = config
        self._kept: deque[Finding] = deque(maxlen=capacity)
        self._counts: Counter[tuple[InstrumentId, AnomalyKind]] = Counter()
        # When the last two symbols moved: one of them is always another one than the one asked.
        self._moved: Lane | None = None
        self._moved_ns = 0
        self._moved_before_ns = 0

    @property
    def findings(self) -> Findings:
        """The last findings, oldest first."""
        return tuple(self._kept)

    @property
    def counts(self) -> Mapping[tuple[InstrumentId, AnomalyKind], int]:
        """How many were found since the start, by instrument and kind; a live view."""
        return MappingProxyType(self._counts)

    def price(self, lane: Lane, watch: ReturnWatch, price: float, now: int) -> Findings:
        """Take the next price of a symbol, and return what is odd about it.

        Args:
            lane: the symbol.
            watch: the prices of its kind: prints, mids, or closes of one timeframe.
            price: finite, above 0.
            now: when it was received, local clock, nanoseconds UTC.
        """
        if price == watch.price:
            return NOTHING if now < lane.check_price_at_ns else self._unchanged(lane, now)
        lane.changes.beat(now)
        lane.is_price_stale = False
        lane.check_price_at_ns = now + self._config.unchanged_min_ns
        if self._moved is not lane:
            self._moved, self._moved_before_ns = lane, self._moved_ns
        self._moved_ns = now
        score = watch.update(price)
        return NOTHING if score is None else self._outlier(lane, score, price, now)

    def stamp(self, lane: Lane, ts: int, now: int) -> Findings:
        """Measure a venue's clock by a stamp of its own, and say once when it goes too far off.

        Args:
            lane: the symbol, which knows its venue.
            ts: the stamp; one equal to `now` was made here and measures nothing.
            now: when it was received, local clock, nanoseconds UTC.
        """
        if ts == now:
            return NOTHING
        venue = lane.venue
        if not venue.skew.add(now - ts):
            return NOTHING
        offset, limit = venue.skew.offset_ns or 0, self._config.skew_max_ns
        was_skewed, venue.is_skewed = venue.is_skewed, abs(offset) > limit
        if was_skewed or not venue.is_skewed:
            return NOTHING
        relation = "behind" if offset < 0 else "ahead of"
        cause = (
            f"the local clock is {abs(offset) / SECOND_NS:.3f} s {relation} the venue's, or its "
            f"data comes that late; up to {limit / SECOND_NS:g} s is usual"
        )
        return self._keep(
            Finding(AnomalyKind.CLOCK_SKEW, lane.instrument, now, offset, limit, cause)
        )

    def crossed(self, lane: Lane, cause: str, now: int) -> None:
        """Keep that a refused book was crossed (E26)."""
        self._keep(Finding(AnomalyKind.BOOK_CROSSED, lane.instrument, now, 0.0, 0.0, cause))

    def forget(self, lane: Lane) -> None:
        """Let go of a symbol that is not subscribed to any more."""
        if self._moved is lane:
            self._moved = None

    def _outlier(self, lane: Lane, score: RobustScore, price: float, now: int) -> Findings:
        bounds = self._config
        percent = 100.0 * expm1(score.log_return)
        cause = (
            f"the price moved by {percent:+.2f} % to {price!r}: {score.z:+.1f} robust standard "
            f"deviations, at most {bounds.z_max:g} are usual"
        )
        return self._keep(
            Finding(
                AnomalyKind.RETURN_OUTLIER,
                lane.instrument,
                now,
                score.log_return,
                bounds.return_min,
                cause,
            )
        )

    def _unchanged(self, lane: Lane, now: int) -> Findings:
        """Find a price that stands still for too long while another symbol's price moves."""
        if lane.is_price_stale:
            return NOTHING  # said once, until it changes
        lane.check_price_at_ns = now + SECOND_NS
        bounds, usual, last = self._config, lane.changes.usual_ns(), lane.changes.last_ns
        if usual is None or last is None:
            return NOTHING
        limit = max(bounds.unchanged_min_ns, round(bounds.unchanged_intervals_max * usual))
        others = self._moved_before_ns if self._moved is lane else self._moved_ns
        still = now - last
        if still <= limit or now - others > limit:
            return NOTHING
        lane.is_price_stale = True
        cause = (
            f"the price has not changed for {still / SECOND_NS:.0f} s while others did; usually "
            f"it does every {usual / SECOND_NS:.3g} s"
        )
        return self._keep(
            Finding(AnomalyKind.PRICE_STALE, lane.instrument, now, still, limit, cause)
        )

    def _keep(self, finding: Finding) -> Findings:
        self._kept.append(finding)
        self._counts[finding.instrument, finding.kind] += 1
        return (finding,)
