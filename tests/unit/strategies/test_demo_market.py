"""The shipped parameters on the simulated market: they hold long enough, begin soon, gain nothing.

The account of the demonstration: each strategy has 10 % of the equity, a third on each of three
instruments; a fee of 0.1 % a trade; 15-second bars after two days of history.
"""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.unit.strategies.tapes import BarValues

from botcore.strategies import SIGNAL_LIBRARY, SignalRunner
from botcore.strategies.library.ensemble import MEMBERS
from botcore.venues.simulated.market import DEMO, SimulatedMarket

MINUTE_NS = 60_000_000_000
DAY_BARS = 5_760
HISTORY_BARS = 2 * DAY_BARS
SHARE = 0.10 / 3
FEE = 0.001
SEEDS = range(20)
SHIPPED = [*(member.name for member in MEMBERS), "ensemble"]
"""What an account runs that was not told otherwise."""


@dataclass(frozen=True, slots=True)
class Day:
    """One seed's day: position of each strategy and instrument after each bar, (18, n_bars)."""

    positions: NDArray[np.float64]

    @property
    def trades(self) -> NDArray[np.float64]:
        """Entries and exits of each pair."""
        before = np.zeros((len(self.positions), 1))
        changes: NDArray[np.float64] = np.diff(np.hstack([before, self.positions]))
        counts: NDArray[np.float64] = np.abs(changes).sum(axis=1)
        return counts


def bars_of(market: SimulatedMarket, n_bars: int) -> dict[str, list[BarValues]]:
    return {
        name: list(
            zip(*(getattr(columns, each).tolist() for each in _VALUES), strict=True),
        )
        for name, columns in market.history(n_bars).items()
    }


def positions(
    name: str, bars: list[tuple[float, float, float, float, float]], history: int
) -> list[float]:
    """Return what a strategy holds after each bar that follows its history."""
    runner = SignalRunner(SIGNAL_LIBRARY[name], {})
    runner.is_warmup = True
    for bar in bars[:history]:
        runner.on_bar(bar, 0.0)
    runner.is_warmup = False
    held = 0.0
    path = []
    for bar in bars[history:]:
        weight = runner.on_bar(bar, held)
        if not math.isnan(weight):
            held = weight
        path.append(held)
    return path


@pytest.fixture(scope="module")
def days() -> list[Day]:
    found = []
    for seed in SEEDS:
        bars = bars_of(SimulatedMarket(DEMO, seed), HISTORY_BARS + DAY_BARS)
        rows = [positions(name, each, HISTORY_BARS) for name in SHIPPED for each in bars.values()]
        found.append(Day(np.array(rows)))
    return found


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_fees_stay_below_one_per_cent_of_equity_a_day(days: list[Day]) -> None:
    fees = np.array([day.trades.sum() * SHARE * FEE for day in days])

    assert fees.max() < 0.01
    assert fees.min() > 0.0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_pair_makes_few_round_trips_a_day(days: list[Day]) -> None:
    round_trips = np.array([day.trades for day in days]) / 2.0

    assert round_trips.mean() < 4.0
    assert np.quantile(round_trips, 0.95) < 8.0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_somebody_enters_within_three_bars_of_a_warm_start(days: list[Day]) -> None:
    entered = [bool(day.positions[:, :3].any()) for day in days]

    assert sum(entered) >= 19


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_start_at_any_moment_finds_somebody_who_wants_to_be_long(days: list[Day]) -> None:
    shares = [float(day.positions.any(axis=0).mean()) for day in days]

    assert np.mean(shares) > 0.95


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_simulated_market_holds_no_gift_for_any_strategy() -> None:
    market_days, n_seeds = 5, 100
    config = DEMO.with_bar_ns(MINUTE_NS)
    returns: dict[str, list[float]] = {name: [] for name in SIGNAL_LIBRARY}

    for seed in range(n_seeds):
        bars = bars_of(SimulatedMarket(config, seed), market_days * 1_440)
        closes = {name: np.array([bar[3] for bar in each]) for name, each in bars.items()}
        moves = {name: np.diff(each) / each[:-1] for name, each in closes.items()}
        for strategy in SIGNAL_LIBRARY:
            earned = [
                float(np.dot(positions(strategy, each, 0)[:-1], moves[name]))
                for name, each in bars.items()
            ]
            returns[strategy].append(math.fsum(earned) / len(earned))

    # Before costs, over seeds that are independent; 2.58 is the two-sided 1 % point.
    t_values = {
        name: float(np.mean(each) / np.std(each, ddof=1) * math.sqrt(n_seeds))
        for name, each in returns.items()
    }
    assert {name: t for name, t in t_values.items() if abs(t) > 2.58} == {}
    assert min(np.std(each) for each in returns.values()) > 0.0


_VALUES = ("open", "high", "low", "close", "volume")
