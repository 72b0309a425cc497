"""Closed trades: a strategy's ways from flat to flat, folded from fills as they are booked."""

from bisect import bisect_right, insort
from decimal import Decimal
from operator import attrgetter

import msgspec

from botcore.domain.events import PositionChanged
from botcore.domain.ids import InstrumentId, StrategyId
from botcore.domain.numbers import EXACT, ZERO

KEPT = 10_000
"""The newest so many closed trades are remembered, however long the look-back is."""

_add, _subtract = EXACT.add, EXACT.subtract
CLOSED = attrgetter("closed")
"""What trades are ordered by."""


class Booking(msgspec.Struct, frozen=True, gc=False):
    """A position before a fill is booked, and what kind of order filled.

    Attributes:
        quantity: base units, signed; `cost`: what they cost, quote units, signed likewise.
        earned: quote units earned by closing so far, after fees.
        is_stop: it was a stop order of any kind.
    """

    quantity: Decimal
    cost: Decimal
    earned: Decimal
    is_stop: bool


class OpenTrade(msgspec.Struct, frozen=True, gc=False):
    """What is known of a trade that is not closed.

    Attributes:
        quantity, cost: of the position after its last fill.
        earned_before: what the strategy had earned on the instrument before it.
        stake: what its entries cost, quote units, before fees.
        is_stop: the last fill that reduced it was a stop order's.
    """

    strategy: StrategyId
    instrument: InstrumentId
    quantity: Decimal
    cost: Decimal
    earned_before: Decimal
    stake: Decimal
    is_stop: bool = False


class ClosedTrade(msgspec.Struct, frozen=True, gc=False):
    """A trade from flat to flat.

    Attributes:
        closed: when its last fill happened at the venue, nanoseconds UTC.
        profit: after fees, quote units; fees in a third currency are in none of it.
        stake: what its entries cost, quote units, before fees.
        is_stop: it was closed by a stop order.
    """

    strategy: StrategyId
    instrument: InstrumentId
    closed: int
    profit: Decimal
    stake: Decimal
    is_stop: bool


class Trades:
    """The trades of an account.

    Args:
        lookback_ns: closed trades are forgotten once they are as old as this.

    Attributes:
        closed: in the order in which they closed at the venue.
    """

    __slots__ = ("_booking", "_lookback_ns", "closed", "open")

    def __init__(self, lookback_ns: int) -> None:
        self._lookback_ns = lookback_ns
        self._booking: Booking | None = None
        self.open: dict[tuple[StrategyId, InstrumentId], OpenTrade] = {}
        self.closed: list[ClosedTrade] = []

    def filled(self, booking: Booking) -> None:
        """Take what a fill finds; the change of the position that it makes comes next."""
        self._booking = booking

    def changed(self, fact: PositionChanged) -> ClosedTrade | None:
        """Take a change of a position; return the trade that it closes.

        One without a fill is a remainder set aside as dust. A position that was open before
        anybody looked is a trade from then on: what its entry paid in fees is not known.
        """
        booking, self._booking = self._booking, None
        line = (fact.strategy, fact.instrument)
        trade = self.open.pop(line, None)
        if trade is None:
            if booking is None or not (booking.quantity or fact.quantity):
                return None  # dust, set aside or sold: no trade that anybody has seen
            trade = OpenTrade(*line, booking.quantity, booking.cost, booking.earned, ZERO)
            trade = msgspec.structs.replace(trade, stake=booking.cost.copy_abs())
        is_turned = bool(trade.quantity) and trade.quantity.is_signed() != fact.quantity.is_signed()
        if fact.quantity and not is_turned:
            self.open[line] = _grown(trade, fact, booking)
            return None
        earned = _subtract(fact.realised, fact.fees)
        is_stop = trade.is_stop if booking is None else booking.is_stop
        profit = _subtract(earned, trade.earned_before)
        closed = ClosedTrade(*line, fact.ts, profit, trade.stake, is_stop)
        if fact.quantity:  # a fill through zero opens the next
            stake = fact.cost.copy_abs()
            self.open[line] = OpenTrade(*line, fact.quantity, fact.cost, earned, stake)
        self._keep(closed)
        return closed

    def nth_newest(self, count: int) -> int | None:
        """Return when the `count`-th newest trade closed (from 1); None without so many."""
        return self.closed[-count].closed if 0 < count <= len(self.closed) else None

    def _keep(self, trade: ClosedTrade) -> None:
        """Remember a trade, and forget what no look-back reaches any more."""
        closed = self.closed
        insort(closed, trade, key=CLOSED)
        old = bisect_right(closed, closed[-1].closed - self._lookback_ns, key=CLOSED)
        del closed[: max(old, len(closed) - KEPT)]


def _grown(trade: OpenTrade, fact: PositionChanged, booking: Booking | None) -> OpenTrade:
    """Return an open trade after a fill that did not close it."""
    stake, is_stop = trade.stake, trade.is_stop
    if fact.quantity.copy_abs() > trade.quantity.copy_abs():
        stake = _add(stake, _subtract(fact.cost, trade.cost).copy_abs())
    elif booking is not None:
        is_stop = booking.is_stop
    return OpenTrade(
        trade.strategy,
        trade.instrument,
        fact.quantity,
        fact.cost,
        trade.earned_before,
        stake,
        is_stop,
    )
