"""Curves of a run: the account's equity, buying and holding, what was at stake, and its lines."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from botcore.backtest.reporting.trips import Line
from botcore.domain.ids import InstrumentId
from botcore.marketdata.candles import Candles
from botcore.statistics import DailyEquity, daily_equity

Marks = Mapping[InstrumentId, Candles]
"""Candles by instrument: they may begin before a run, and end after it."""


class Curve(msgspec.Struct, frozen=True, eq=False):
    """Equity at the close of each bar, marked to market.

    Attributes:
        stamps: int64 nanoseconds UTC, ascending, shape ``(n,)``.
        equity: float64, shape ``(n,)``.
        initial: equity at `start`.
        start: first open of the run, nanoseconds UTC.
        end: last close of the run.
    """

    stamps: NDArray[np.int64]
    equity: NDArray[np.float64]
    initial: float
    start: int
    end: int

    @property
    def final(self) -> float:
        """The last value; the initial one when there is none."""
        return float(self.equity[-1]) if len(self.equity) else self.initial

    def daily(self) -> DailyEquity:
        """Return it sampled at 00:00 UTC."""
        return daily_equity(self.stamps, self.equity, initial=self.initial, start=self.start)

    def fallen(self) -> NDArray[np.float64]:
        """Return the drawdown at each point: a fraction of the peak so far, from 0."""
        peaks = np.maximum(np.maximum.accumulate(self.equity), self.initial)
        return (peaks - self.equity) / peaks


def marks_at(candles: Candles, stamps: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the newest close at each stamp, NaN before the first one; shape ``(n,)``.

    Args:
        candles: of one instrument.
        stamps: nanoseconds UTC, ascending.
    """
    closes = candles.ts_open + candles.step_ns
    newest = np.searchsorted(closes, stamps, side="right")
    return np.concatenate(([np.nan], candles.columns["close"]))[newest]


def last_mark(candles: Candles, end: int) -> float:
    """Return the newest close at `end`, nanoseconds UTC; NaN without one."""
    return float(marks_at(candles, np.array([end], dtype=np.int64))[0])


def buy_and_hold(curve: Curve, marks: Marks, *, fee_frac: float) -> Curve | None:
    """Return what buying every instrument once and holding it would have been worth.

    The same opening money in equal parts, each spent at the instrument's first open of the run
    with the taker's fee, and marked at each close; not sold at the end. What trades later waits
    in cash. None when no instrument has a candle in the run.

    Args:
        curve: of the account; the result has its stamps.
        marks: every instrument that the run had.
        fee_frac: of the notional.
    """
    worth = np.zeros(len(curve.stamps))
    bought = 0
    share = curve.initial / max(1, len(marks))
    for candles in marks.values():
        first = int(np.searchsorted(candles.ts_open, curve.start))
        if first == len(candles) or candles.ts_open[first] >= curve.end:
            worth += share
            continue
        bought += 1
        quantity = share / (float(candles.columns["open"][first]) * (1.0 + fee_frac))
        began = int(candles.ts_open[first]) + candles.step_ns
        held = quantity * marks_at(candles, curve.stamps)
        worth += np.where(curve.stamps < began, share, held)
    if not bought:
        return None
    return Curve(curve.stamps, worth, curve.initial, curve.start, curve.end)


def gross_exposure(curve: Curve, lines: Sequence[Line], marks: Marks) -> NDArray[np.float64]:
    """Return Σ|position · price| at each point of the curve, quote units, shape ``(n,)``.

    Without candles of an instrument its position counts at what it cost.
    """
    gross = np.zeros(len(curve.stamps))
    for line in lines:
        candles = marks.get(InstrumentId(line.instrument))
        if candles is None:
            gross += np.abs(_through(line, line.cost, curve.stamps))
        else:
            held = np.abs(_through(line, line.quantity, curve.stamps))
            price = marks_at(candles, curve.stamps)
            gross += np.where(held > 0, held * price, 0.0)
    return gross


def profit_through(curve: Curve, lines: Sequence[Line], marks: Marks) -> NDArray[np.float64]:
    """Return what some lines had earned at each point, what they hold marked to market.

    Quote units, after fees, shape ``(n,)``. Without candles of an instrument what is held counts
    at what it cost.
    """
    profit = np.zeros(len(curve.stamps))
    for line in lines:
        profit += _through(line, line.earned, curve.stamps)
        candles = marks.get(InstrumentId(line.instrument))
        if candles is not None:
            held = _through(line, line.quantity, curve.stamps)
            worth = held * marks_at(candles, curve.stamps)
            cost = _through(line, line.cost, curve.stamps)
            profit += np.where(held != 0, worth - cost, 0.0)
    return profit


def _through(
    line: Line, values: NDArray[np.float64], stamps: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the value in force at each stamp; 0 before the first.

    A close comes before a fill of the same stamp: that one is at the open of the next bar.
    """
    at = np.searchsorted(stamps, line.stamps, side="right")
    whole = np.concatenate(([0.0], values))
    return np.repeat(whole, np.diff(at, prepend=0, append=len(stamps)))
