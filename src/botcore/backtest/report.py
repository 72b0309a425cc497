"""The report of a backtest: figures, every assumption, and the fingerprint."""

import math
from decimal import Decimal

import msgspec

from botcore.engine import EquityCurve
from botcore.statistics import max_drawdown, profit_factor, total_return, win_rate


class RoundTrip(msgspec.Struct, frozen=True, gc=False):
    """A strategy's way from flat to flat on one instrument.

    Attributes:
        opened, closed: stamps of the first and last fill, nanoseconds UTC.
        profit: after fees, quote units.
    """

    strategy: str
    instrument: str
    opened: int
    closed: int
    profit: float


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

    @property
    def return_frac(self) -> float:
        """Total return as a fraction of the starting equity."""
        return total_return([float(self.equity_end)], float(self.equity_start))

    @property
    def drawdown_frac(self) -> float:
        """Deepest fall from a peak, marked to market at each bar, as a fraction of the peak."""
        return max_drawdown(self.curve.equity, float(self.equity_start))

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Return the figures as people read them: name and value."""
        profits = [trip.profit for trip in self.trips]
        rate = win_rate(profits)
        factor = profit_factor(profits)
        return (
            ("bars", f"{self.bars:,}"),
            ("gaps in the data", f"{self.gaps:,}"),
            ("orders", f"{self.orders:,}"),
            ("fills", f"{self.fills:,}"),
            ("denied by risk", f"{self.denied:,}"),
            ("round trips", f"{len(self.trips):,}"),
            ("open at the end", f"{self.open_positions:,}"),
            ("ambiguous bars", f"{self.ambiguous_bars:,}"),
            ("equity at the start", f"{self.equity_start:,.2f} {self.currency}"),
            ("equity at the end", f"{self.equity_end:,.2f} {self.currency}"),
            ("return", f"{self.return_frac:+.2%}"),
            ("deepest drawdown", f"{self.drawdown_frac:.2%}"),
            ("fees", f"{self.fees:,.2f} {self.currency}"),
            ("winning round trips", "–" if math.isnan(rate) else f"{rate:.1%}"),
            ("profit factor", "–" if math.isnan(factor) else f"{factor:.2f}"),
            ("time", f"{self.seconds:.2f} s, {self.bars / max(self.seconds, 1e-9):,.0f} bars/s"),
        )
