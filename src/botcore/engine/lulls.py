"""Lulls: bars on which strategies decide and nothing else can happen, taken without a step each.

A bar's step makes facts only of an order at the venue, of a limit, a new peak or a new day, of a
mode or a doubt, or of a strategy that wants another exposure. Where none of these is possible, and
nobody watches, what is left of the step is arithmetic: features, decisions with their reasons,
equity. `Lulls.take` does that arithmetic for many bars at once, with the same operations in the
same order, and ends before the first bar on which something may happen; that bar is a step.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from botcore.domain.ids import AccountId, InstrumentId
from botcore.domain.modes import Mode
from botcore.engine.curve import EquityCurve
from botcore.engine.deciding import Deciders
from botcore.engine.desk import Desk
from botcore.engine.slots import SignalSlot
from botcore.kernel.guard import Crashed, guarded
from botcore.strategies import DECISION, BarValues

# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_NORMAL = Mode.NORMAL


class BarColumns(msgspec.Struct, frozen=True):
    """Consecutive closed bars of one instrument and timeframe, oldest first.

    Attributes:
        instrument, step_ns: whose.
        stamps: when they closed, nanoseconds UTC; `ts_close` is the same, int64, shape ``(n,)``.
        values: open, high, low, close and volume of each; `close`: the closes alone.
    """

    instrument: InstrumentId
    step_ns: int
    stamps: list[int]
    ts_close: NDArray[np.int64]
    values: list[BarValues]
    close: list[float]


class Lulls:
    """Takes the bars of a lull.

    Args:
        desk, deciders, curves: of the engine.
    """

    def __init__(
        self, desk: Desk, deciders: Deciders, curves: Mapping[AccountId, EquityCurve]
    ) -> None:
        self._valuation = desk.valuation
        self._orders = desk.execution.index
        self._deciders = deciders
        self._watched = [(account, curves[account.account]) for account in desk.accounts]

    def take(self, bars: BarColumns, at: int, most: int) -> int:
        """Take bars from index `at` on while nothing can happen on them; return how many were.

        No order may be at work at the venue, and these bars must be the only input there is.

        Args:
            bars: of one instrument and timeframe.
            at: index of the first.
            most: bars to look at together: some are in vain when an early one ends the lull.
        """
        resting = self._deciders.resting(bars.instrument, bars.step_ns)
        if resting is None or self._orders.has_doubts:
            return 0
        end = min(at + most, len(bars.stamps))
        for account, _ in self._watched:
            if account.mode is not _NORMAL:
                return 0
            if bars.stamps[end - 1] >= account.next_day:
                end = bisect_left(bars.stamps, account.next_day, at, end)
        stamps, values = bars.stamps[at:end], bars.values[at:end]
        looks = [_Look(slot, weight) for slot, weight in resting]
        count = end - at
        for look in looks:
            count = look.on(stamps, values, count)
        if not count:
            return self._end(looks, stamps, values, 0)
        close = bars.close[at : at + count]
        worth = []
        for account, _ in self._watched:
            equity = self._valuation.equity_over(account.account, bars.instrument, close)
            if equity is None:
                return self._end(looks, stamps, values, 0)
            worth.append(equity)
            count = min(count, account.unmoved(equity))
            for look in looks:
                if look.slot.risk is account:
                    count = min(count, look.slot.keeps(equity, close))
        if count:
            self._valuation.mark(bars.instrument, close[count - 1])
            for (account, curve), equity in zip(self._watched, worth, strict=True):
                del equity[count:]
                account.take(equity)
                curve.extend(bars.ts_close[at : at + count], equity)
        return self._end(looks, stamps, values, count)

    @staticmethod
    def _end(
        looks: Sequence["_Look"], stamps: Sequence[int], values: Sequence[BarValues], count: int
    ) -> int:
        """Keep every look's decisions on the first `count` bars, and take back what is beyond."""
        for look in looks:
            if look.count > count:
                look.again(stamps, values, count)
            if count:
                look.slot.log.extend(look.log)
        return count


class _Look:
    """A strategy's look at the bars of a lull, which can be taken back.

    Args:
        slot: whose.
        rest: the weight at which it wants nothing.

    Attributes:
        count: bars looked at on which it wants nothing.
        log: its decisions on them.
    """

    __slots__ = ("_before", "_rest", "count", "log", "slot")

    def __init__(self, slot: SignalSlot, rest: float) -> None:
        self.slot = slot
        self.count = 0
        self.log = bytearray()
        self._rest = rest
        self._before = slot.runner.snapshot()

    def on(self, stamps: Sequence[int], values: Sequence[BarValues], most: int) -> int:
        """Look at bars until it wants something or raises; a step finds that on the next bar."""
        if not most:
            return 0
        if most < len(stamps):
            stamps = stamps[:most]
        bars = zip(stamps, values, strict=False)
        fault = guarded(self.slot.runner.advance, bars, self.slot.held, self._rest, self.log)
        self.count = len(self.log) // DECISION.size
        if isinstance(fault, Crashed):  # it must not have seen the bar on which it will raise
            self.again(stamps, values, self.count)
        return self.count

    def again(self, stamps: Sequence[int], values: Sequence[BarValues], most: int) -> None:
        """Take back what was looked at, and look at fewer bars."""
        self.slot.runner.restore(self._before)
        self.log.clear()
        self.on(stamps, values, most)
