"""Closed bars of many instruments, one minute at a time and in order.

A minute is given out once every instrument has delivered it, or when patience ends: who has not
delivered by then is left out, is late when it does, and is not waited for again until it is back.
"""

from collections.abc import Iterable, Mapping

import msgspec

from botcore.domain.ids import MINUTE_NS, SECOND_NS, InstrumentId, Nanos
from botcore.domain.market import Bar, BarFlag, BarsClosed

PATIENCE_NS = 2 * SECOND_NS
_GAP_BEFORE = int(BarFlag.GAP_BEFORE)


def flagged(bar: Bar) -> Bar:
    """Return the bar with a gap before it."""
    return msgspec.structs.replace(bar, flags=bar.flags | _GAP_BEFORE)


class MinuteBars:
    """Collects bars into minutes.

    Args:
        instruments: that are waited for.
        step_ns: length of a bar.
        patience_ns: how long after its close a bar is waited for, by the venue's clock.

    Attributes:
        closes_at: the close of the minute that is given out next; 0 before `begin`.
        late: bars that came after their minute was given out.
        left_out: bars that a minute was given out without.
    """

    def __init__(
        self,
        instruments: Iterable[InstrumentId],
        *,
        step_ns: int = MINUTE_NS,
        patience_ns: int = PATIENCE_NS,
    ) -> None:
        self._instruments = frozenset(instruments)
        self._step = step_ns
        self._patience = patience_ns
        self._waiting: dict[int, dict[InstrumentId, Bar]] = {}
        self._absent: frozenset[InstrumentId] = frozenset()
        self._last: dict[InstrumentId, int] = {}
        self.closes_at = 0
        self.late = 0
        self.left_out = 0

    def begin(self, opens_at: int, last_closes: Mapping[InstrumentId, int] | None = None) -> None:
        """Give out from the minute that opens at `opens_at` on.

        Args:
            opens_at: nanoseconds UTC.
            last_closes: the newest bar of each instrument that was given out elsewhere; the next
                one that does not open there has a gap before it.
        """
        self.closes_at = opens_at + self._step
        self._waiting = {at: bars for at, bars in self._waiting.items() if at >= self.closes_at}
        self._absent = frozenset()
        self._last.update(last_closes or {})

    def add(self, bar: Bar) -> bool:
        """Take a closed bar; return False where its minute has been given out already."""
        if bar.ts_close < self.closes_at:
            was_given = self._last.get(bar.instrument, 0) >= bar.ts_close
            self.late += not was_given  # else it only came twice
            return False
        self._waiting.setdefault(bar.ts_close, {})[bar.instrument] = bar
        if len(self._waiting) > _MINUTES_KEPT:
            del self._waiting[min(self._waiting)]
        return True

    def due(self, venue_now: int) -> BarsClosed | None:
        """Return the next minute if it is complete or patience has ended, else None.

        A minute that nobody delivered has no bars. Call it until it returns None.

        Args:
            venue_now: the venue's time, nanoseconds UTC.
        """
        if not self.closes_at:
            return None
        bars = self._waiting.get(self.closes_at, {})
        expected = self._instruments - self._absent
        is_complete = bool(bars) and bars.keys() >= expected
        if not is_complete and venue_now < self.closes_at + self._patience:
            return None
        closed = BarsClosed(Nanos(self.closes_at), tuple(self._given(bars)))
        self._waiting.pop(self.closes_at, None)
        self._absent = self._instruments - bars.keys()
        self.left_out += len(self._absent)
        self.closes_at += self._step
        return closed

    def _given(self, bars: Mapping[InstrumentId, Bar]) -> Iterable[Bar]:
        for name in sorted(bars):
            bar = bars[name]
            last = self._last.get(name)
            self._last[name] = bar.ts_close
            yield flagged(bar) if last is not None and last < bar.ts_open else bar


_MINUTES_KEPT = 64
"""Minutes that wait while missed ones are fetched; beyond that the oldest are given up."""
