"""Quotes and prints at a pace the engine can follow: at most one of each a window and instrument.

Quotes conflate: the newest replaces the one that waits. Prints merge: the sum of the quantities at
the last price and stamp; the aggressor where all agree. So volume and the last price stay true,
and only the prices between two windows are lost, which the bar's high and low still hold.
"""

from operator import attrgetter

import msgspec

from botcore.domain.ids import SECOND_NS, InstrumentId
from botcore.domain.market import Quote, Trade

WINDOW_NS = SECOND_NS // 10
_STAMP = attrgetter("ts_event")

Tick = Trade | Quote


class Conflation:
    """What waits to be given out.

    Args:
        window_ns: least time between two quotes, and two prints, of an instrument.

    Attributes:
        conflated: quotes and prints that were folded into another.
    """

    def __init__(self, *, window_ns: int = WINDOW_NS) -> None:
        self._window = window_ns
        self._quotes: dict[InstrumentId, Quote] = {}
        self._trades: dict[InstrumentId, Trade] = {}
        self._given: dict[tuple[type, InstrumentId], int] = {}
        self.conflated = 0

    def add(self, tick: Tick) -> None:
        """Take a quote or a print."""
        name = tick.instrument
        if isinstance(tick, Quote):
            self.conflated += name in self._quotes
            self._quotes[name] = tick
        else:
            waiting = self._trades.get(name)
            if waiting is None:
                self._trades[name] = tick
            else:
                self.conflated += 1
                self._trades[name] = merged(waiting, tick)

    def due(self, now: int) -> list[Tick]:
        """Return what may go out at `now` (nanoseconds), by stamp."""
        found: list[Tick] = []
        for waiting in (self._quotes, self._trades):
            for name in list(waiting):
                tick = waiting[name]
                key = (type(tick), name)
                if now - self._given.get(key, -self._window) >= self._window:
                    self._given[key] = now
                    found.append(tick)
                    del waiting[name]
        found.sort(key=_STAMP)
        return found

    def flush(self) -> list[Tick]:
        """Return all that waits, by stamp, whatever the window says."""
        found: list[Tick] = [*self._quotes.values(), *self._trades.values()]
        found.sort(key=_STAMP)
        self._quotes.clear()
        self._trades.clear()
        return found


def merged(earlier: Trade, later: Trade) -> Trade:
    """Return two prints of an instrument as one."""
    is_agreed = earlier.buyer_is_aggressor == later.buyer_is_aggressor
    return msgspec.structs.replace(
        later,
        quantity=earlier.quantity + later.quantity,
        buyer_is_aggressor=later.buyer_is_aggressor if is_agreed else None,
    )
