"""Is a symbol's data still alive? Judged from the rhythm it usually has (trap E60).

A connection can answer every ping and deliver nothing. So silence is measured on the data itself,
against the median interval between its arrivals, and heartbeats only tell a silent symbol from a
dead connection. All instants are given: the same calls give the same answers.
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from botcore.domain.ids import SECOND_NS, InstrumentId


class Health(StrEnum):
    """Whether a symbol's data may be acted on."""

    LIVE = "LIVE"
    STALE = "STALE"
    DOWN = "DOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class StalenessConfig:
    """When silence is too long.

    Attributes:
        intervals_max: silence of this many usual intervals is stale, however many seconds it is.
        silence_min_ns: less silence than this is never stale: updates come in bursts, and their
            median interval may be microseconds.
        down_after_ns: neither data nor a heartbeat for this long: the connection is dead.
        window: how many intervals the median is taken over.
        intervals_min: with fewer than this the median is not trusted yet, and the timeframe of
            the last bar stands in for it, or nothing.
    """

    intervals_max: float = 20.0
    silence_min_ns: int = 5 * SECOND_NS
    down_after_ns: int = 60 * SECOND_NS
    window: int = 64
    intervals_min: int = 8


class SymbolHealth(msgspec.Struct, frozen=True):
    """How alive a symbol's data is.

    Attributes:
        silent_ns: since its last accepted datum, or since it was subscribed to.
        limit_ns: silence longer than this is stale.
        cause: one sentence for people; empty while it is LIVE.
    """

    instrument: InstrumentId
    health: Health
    silent_ns: int
    limit_ns: int
    cause: str = ""


class Rhythm:
    """The usual interval between events, and when the last one was.

    Args:
        window: over how many intervals the median is taken.
        intervals_min: fewer than this say nothing.
    """

    __slots__ = ("_intervals", "_least", "last_ns")

    def __init__(self, *, window: int, intervals_min: int) -> None:
        self._intervals: deque[int] = deque(maxlen=window)
        self._least = intervals_min
        self.last_ns: int | None = None

    def beat(self, now_ns: int) -> None:
        """Count an event; one that comes with an earlier instant than the last counts as then."""
        last = self.last_ns
        if last is not None:
            now_ns = max(now_ns, last)
            self._intervals.append(now_ns - last)
        self.last_ns = now_ns

    def usual_ns(self) -> int | None:
        """Return the median interval (the upper one of two), or None while too few are known."""
        if len(self._intervals) < self._least:
            return None
        return sorted(self._intervals)[len(self._intervals) // 2]


class Pulse:
    """The arrivals of one symbol's data.

    Args:
        instrument: whose.
        since_ns: when it was subscribed to, local clock, nanoseconds UTC.
        config: when silence is too long.
    """

    __slots__ = ("_config", "_instrument", "_rhythm", "_since", "beat", "step_ns")

    def __init__(self, instrument: InstrumentId, since_ns: int, config: StalenessConfig) -> None:
        self._instrument = instrument
        self._since = since_ns
        self._config = config
        self._rhythm = Rhythm(window=config.window, intervals_min=config.intervals_min)
        self.beat = self._rhythm.beat
        self.step_ns = 0

    def health(
        self, now_ns: int, heartbeat_ns: int | None, lost_ns: int | None = None
    ) -> SymbolHealth:
        """Judge the silence at `now_ns`.

        Args:
            now_ns: local clock, nanoseconds UTC.
            heartbeat_ns: the last sign of life of the connection, None where there was none yet.
            lost_ns: when the connection was said to be lost, None where it was not.
        """
        config, last = self._config, self._rhythm.last_ns
        usual = self._rhythm.usual_ns()
        expected = self.step_ns if usual is None else usual
        limit = max(config.silence_min_ns, round(config.intervals_max * expected))
        silent = max(0, now_ns - (self._since if last is None else last))
        signs = [at for at in (heartbeat_ns, last) if at is not None]
        is_lost = lost_ns is not None and lost_ns >= max(signs, default=0)
        if last is not None and silent <= limit and not is_lost:
            return SymbolHealth(self._instrument, Health.LIVE, silent, limit)
        if is_lost:
            health, cause = Health.DOWN, "the connection is lost, no data"
        elif now_ns - max(signs, default=self._since) > config.down_after_ns:
            health, cause = Health.DOWN, "neither data nor a heartbeat"
        elif last is None:
            health, cause = Health.STALE, "no data since it was subscribed to"
        else:
            health, cause = Health.STALE, "the connection is up, but no data"
        seconds = f"for {silent / SECOND_NS:.1f} s; the limit is {limit / SECOND_NS:.1f} s"
        return SymbolHealth(self._instrument, health, silent, limit, f"{cause} {seconds}")
