"""Lulls: bars on which strategies decide and nothing else can happen, taken without a step each.

A bar's step makes facts only of an order at the venue, of a limit, a new peak or a new day, of a
mode or a doubt, or of a strategy that wants another exposure. Where none of these is possible, and
nobody watches, what is left of the step is arithmetic: features, decisions with their reasons,
equity. `Lulls.take` does that arithmetic for many bars at once, with the same operations in the
same order, and ends before the first bar on which something may happen; that bar is a step.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from botcore.domain.ids import AccountId
from botcore.engine.curve import EquityCurve
from botcore.engine.deciding import Deciders
from botcore.engine.desk import Desk
from botcore.engine.slots import SignalSlot
from botcore.kernel.guard import Crashed, guarded
from botcore.risk import AccountRisk
from botcore.strategies import DECISION, BarColumns, Sweep


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

    def take(self, together: Sequence[BarColumns], at: int, most: int) -> int:
        """Take bars from index `at` on while nothing can happen on them; return how many stamps.

        No order may be at work at the venue, and these bars must be the only input there is.

        Args:
            together: one timeframe of one or several instruments, with one bar of each at every
                stamp: rows of one index close together.
            at: index of the first.
            most: stamps to look at together: some are in vain when an early one ends the lull.
        """
        resting = [self._deciders.resting(each.instrument, each.step_ns) for each in together]
        if self._orders.has_doubts:
            return 0
        stamps = together[0].ts_close
        end = min(at + most, len(stamps))
        ts_last = stamps.item(end - 1)
        for account, _ in self._watched:
            if not account.is_steady:
                return 0
            if ts_last >= account.next_day:
                end = min(end, int(stamps.searchsorted(account.next_day)))
        looks: list[tuple[_Swept | _Stepped, BarColumns]] = []
        for slots, bars in zip(resting, together, strict=True):
            if slots is None:
                return 0
            looks += [(_look(slot, weight, bars, at), bars) for slot, weight in slots]
        count = max(0, end - at)
        for look, _ in looks:
            count = look.on(count)
        if not count:
            return self._end(looks, 0)
        marks = {each.instrument: each.close[at : at + count] for each in together}
        moved = []
        for account, curve in self._watched:
            equity = self._valuation.equity_over(account.account, marks, count)
            if equity is None:
                return self._end(looks, 0)
            moved.append((account, curve, equity))
            count = min(count, _unmoved(account, stamps[at : at + len(equity)], equity))
            for look, bars in looks:
                if look.slot.risk is account:
                    count = min(count, look.slot.keeps(equity, marks[bars.instrument]))
        if count:
            for each in together:
                self._valuation.mark(each.instrument, each.close[at + count - 1])
            for account, curve, equity in moved:
                if len(equity) > count:
                    del equity[count:]
                _take(account, stamps[at : at + count], equity)
                curve.extend(stamps[at : at + count], equity)
        return self._end(looks, count)

    @staticmethod
    def _end(looks: "Sequence[tuple[_Swept | _Stepped, BarColumns]]", count: int) -> int:
        """Keep every look's decisions on the first `count` bars, and take back what is beyond."""
        for look, _ in looks:
            look.keep(count)
        return count


def _unmoved(account: AccountRisk, stamps: NDArray[np.int64], equity: Sequence[float]) -> int:
    """Return on how many marks neither a limit of the account nor a protection trips."""
    count = account.unmoved(equity)
    if account.guard is None:
        return count
    return min(count, account.guard.quiet(stamps.tolist(), equity))


def _take(account: AccountRisk, stamps: NDArray[np.int64], equity: Sequence[float]) -> None:
    """Take marks on which nothing trips."""
    account.take(equity)
    if account.guard is not None:
        account.guard.pass_over(stamps.tolist(), equity)


def _look(slot: SignalSlot, rest: float, bars: BarColumns, at: int) -> "_Swept | _Stepped":
    sweep = slot.runner.sweep(bars, at, slot.held)
    return _Stepped(slot, rest, bars, at) if sweep is None else _Swept(slot, rest, sweep)


class _Swept:
    """A strategy's look at the bars of a lull that it has found its decisions on already.

    Args:
        slot: whose.
        rest: the weight at which it wants nothing.
        sweep: its decisions.
    """

    __slots__ = ("_rest", "_sweep", "slot")

    def __init__(self, slot: SignalSlot, rest: float, sweep: Sweep) -> None:
        self.slot = slot
        self._rest = rest
        self._sweep = sweep

    def on(self, most: int) -> int:
        """Return how many bars there are, up to `most`, until it wants something."""
        return self._sweep.quiet(self._rest, most)

    def keep(self, count: int) -> None:
        """Take so many bars."""
        if count:
            slot = self.slot
            slot.log.extend(self._sweep.said(count, slot.held))
            self._sweep.pass_over(count, slot.held, slot.runner.memory)


class _Stepped:
    """A strategy's look at the bars of a lull, one after the other, which can be taken back.

    Args:
        slot: whose.
        rest: the weight at which it wants nothing.
        bars: these, from index `at` on.
    """

    __slots__ = ("_at", "_bars", "_before", "_count", "_log", "_rest", "slot")

    _FIRST = 48
    """Bars read from the columns together: few at first, for most lulls are short."""

    def __init__(self, slot: SignalSlot, rest: float, bars: BarColumns, at: int) -> None:
        self.slot = slot
        self._rest = rest
        self._bars = bars
        self._at = at
        self._before = slot.runner.snapshot()
        self._count = 0
        self._log = bytearray()

    def on(self, most: int) -> int:
        """Look at up to `most` bars until it wants something or raises; return how many it took.

        What it raises a step finds on the next bar.
        """
        advance, held, log = self.slot.runner.advance, self.slot.held, self._log
        self._count, together = 0, self._FIRST
        while self._count < most:
            end = min(self._count + together, most)
            bars = self._bars.rows(slice(self._at + self._count, self._at + end))
            fault = guarded(advance, bars, held, self._rest, log)
            self._count = len(log) // DECISION.size
            if isinstance(fault, Crashed):  # it must not have seen the bar on which it will raise
                self._again(self._count)
            if self._count < end:
                break
            together *= 2
        return self._count

    def keep(self, count: int) -> None:
        """Keep the first `count` bars' decisions, and take back what was looked at beyond."""
        if self._count > count:
            self._again(count)
        if count:
            self.slot.log.extend(self._log)

    def _again(self, most: int) -> None:
        self.slot.runner.restore(self._before)
        self._log.clear()
        self.on(most)
