"""What a backtest found: its figures, every assumption, and the fingerprint."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec
import numpy as np

from botcore.backtest.reporting.curves import Curve
from botcore.backtest.reporting.figures import (
    Figure,
    count_figures,
    curve_figures,
    figures_of,
    trip_figures,
)
from botcore.backtest.reporting.record import Activity
from botcore.backtest.reporting.trips import RoundTrip
from botcore.backtest.reporting.wording import worded
from botcore.domain.ids import DAY_NS
from botcore.engine import EquityCurve
from botcore.statistics import max_drawdown, total_return
from botcore.strategies import StrategyClass


class BacktestReport(msgspec.Struct, frozen=True):
    """What a backtest found.

    Attributes:
        title: what was run on what.
        warning: what must be said about the prices; empty for recorded ones.
        bars, orders, fills: counts; `denied`: orders that risk refused.
        equity_start, equity_end, fees: exact, in `currency`; open positions at the last close.
        trips: round trips, oldest first. `open_positions`: positions held at the end, which stay
            open and are marked.
        curve: equity at each bar.
        assumptions: every assumption with its value.
        fingerprint: SHA-256 over order, fill, posting, position and mode facts.
        inputs_digest: SHA-256 over code version, configuration, strategies and tape.
        seconds: how long the run took.
        unpriced: instruments that are held and have no price.
        span: first open and last close, nanoseconds UTC; None takes them from the curve.
        activity: what was held and traded beside the round trips.
        taker_fee_frac: of the notional, for the comparison with buying and holding.
        notes: what else a reader of the result must know, one sentence each.
        strategies: configured name → class, to say its reasons in words.
    """

    title: str
    warning: str
    currency: str
    bars: int
    gaps: int
    ambiguous_bars: int
    orders: int
    fills: int
    denied: int
    equity_start: Decimal
    equity_end: Decimal
    fees: Decimal
    trips: tuple[RoundTrip, ...]
    open_positions: int
    curve: EquityCurve
    assumptions: tuple[tuple[str, str], ...]
    fingerprint: str
    inputs_digest: str
    seconds: float
    unpriced: tuple[str, ...] = ()
    span: tuple[int, int] | None = None
    activity: Activity = Activity()
    taker_fee_frac: float = 0.0
    notes: tuple[str, ...] = ()
    strategies: Mapping[str, StrategyClass] = {}

    @property
    def return_frac(self) -> float:
        """Total return as a fraction of the starting equity."""
        return total_return([float(self.equity_end)], float(self.equity_start))

    @property
    def drawdown_frac(self) -> float:
        """Deepest fall from a peak, marked to market at each bar, as a fraction of the peak."""
        return max_drawdown(self.equity_curve().equity, float(self.equity_start))

    def equity_curve(self) -> Curve:
        """Return the curve of the run itself, without the bars that only were its history."""
        stamps = np.array(self.curve.stamps, dtype=np.int64)
        equity = np.array(self.curve.equity, dtype=np.float64)
        start, end = self.span or ((int(stamps[0]), int(stamps[-1])) if len(stamps) else (0, 0))
        first = int(np.searchsorted(stamps, start, side="right")) if self.span else 0
        return Curve(stamps[first:], equity[first:], float(self.equity_start), start, end)

    def values(self) -> dict[str, float]:
        """Return every metric that needs no candles, by its key."""
        curve = self.equity_curve()
        counts = {
            "bars": self.bars,
            "gaps": self.gaps,
            "orders": self.orders,
            "fills": self.fills,
            "denied": self.denied,
            "ambiguous": self.ambiguous_bars,
            "open_positions": self.open_positions,
        }
        fees = float(self.fees)
        return {
            **curve_figures(curve),
            **trip_figures(self.trips, days=(curve.end - curve.start) / DAY_NS),
            **count_figures(counts, self.activity),
            "equity_end": float(self.equity_end),
            "fees": fees,
            "fee_share": fees / curve.initial,
        }

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Return the figures that matter most as people read them: name and value."""
        return (
            *terminal_rows(figures_of(self.values(), {}), self.currency),
            ("time", f"{self.seconds:.2f} s, {self.bars / max(self.seconds, 1e-9):,.0f} bars/s"),
        )


def terminal_rows(figures: tuple[Figure, ...], currency: str) -> tuple[tuple[str, str], ...]:
    """Return the few figures that a terminal shows: name, and value in words."""
    return tuple(
        (each.metric.name, worded(each.value, each.metric.unit, currency))
        for each in figures
        if each.metric.in_terminal
    )
