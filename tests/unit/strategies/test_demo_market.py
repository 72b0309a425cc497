"""The shipped parameters on the simulated market: they hold long enough, begin soon, gain nothing.

The account of the demonstration: each strategy has 10 % of the equity, a third on each of three
instruments; a fee of 0.1 % a trade; 15-second bars after two days of history.
"""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from botcore.domain.ids import InstrumentId
from botcore.strategies import DECISION, SIGNAL_LIBRARY, BarColumns, SignalRunner
from botcore.strategies.layout import SOURCES
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
class Tape:
    """One instrument's bars in columns: a history, and what follows it."""

    history: BarColumns
    bars: BarColumns


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


def tapes_of(market: SimulatedMarket, n_bars: int, *, history: int = 0) -> list[Tape]:
    """Return the bars of each instrument: those of its history, and those that follow."""
    tapes = []
    for name, bars in market.history(n_bars).items():
        stamps = np.arange(n_bars, dtype=np.int64)
        columns = [getattr(bars, each) for each in SOURCES]
        tapes.append(
            Tape(
                *(
                    BarColumns(
                        InstrumentId(name),
                        MINUTE_NS,
                        stamps[part],
                        tuple(column[part] for column in columns),
                        bars.close[part].tolist(),
                    )
                    for part in (slice(history), slice(history, None))
                )
            )
        )
    return tapes


def wanted(runner: SignalRunner, bars: BarColumns) -> NDArray[np.float64]:
    """Return what a strategy wants after each bar; NaN leaves things as they are.

    By its rule in columns, which says what `decide` says, to the bit, whatever is held (its
    property test): bar by bar these days would take minutes.
    """
    first = [column[: runner.bars_to_come].tolist() for column in bars.columns]
    found = [runner.on_bar(bar, 0.0) for bar in zip(*first, strict=True)]
    n_left = len(bars.close) - len(found)
    if n_left:
        sweep = runner.sweep(bars, len(found), 0.0)
        assert sweep is not None, runner.rule_fault
        found += [said[-1] for said in DECISION.iter_unpack(sweep.said(n_left, 0.0))]
        sweep.pass_over(n_left, 0.0, runner.memory)
    return np.array(found)


def positions(name: str, tape: Tape) -> NDArray[np.float64]:
    """Return what a strategy holds after each bar that follows its history."""
    runner = SignalRunner(SIGNAL_LIBRARY[name], {})
    runner.is_warmup = True
    wanted(runner, tape.history)
    runner.is_warmup = False
    weights = wanted(runner, tape.bars)
    last = np.maximum.accumulate(np.where(np.isnan(weights), -1, np.arange(len(weights))))
    held: NDArray[np.float64] = np.where(last < 0, 0.0, weights[last])
    return held


@pytest.fixture(scope="module")
def days() -> list[Day]:
    found = []
    for seed in SEEDS:
        market = SimulatedMarket(DEMO, seed)
        tapes = tapes_of(market, HISTORY_BARS + DAY_BARS, history=HISTORY_BARS)
        rows = [positions(name, tape) for name in SHIPPED for tape in tapes]
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
        tapes = tapes_of(SimulatedMarket(config, seed), market_days * 1_440)
        closes = [np.array(tape.bars.close) for tape in tapes]
        moves = [np.diff(each) / each[:-1] for each in closes]
        for strategy in SIGNAL_LIBRARY:
            earned = [
                float(np.dot(positions(strategy, tape)[:-1], each))
                for tape, each in zip(tapes, moves, strict=True)
            ]
            returns[strategy].append(math.fsum(earned) / len(earned))

    # Before costs, over seeds that are independent; 2.58 is the two-sided 1 % point.
    t_values = {
        name: float(np.mean(each) / np.std(each, ddof=1) * math.sqrt(n_seeds))
        for name, each in returns.items()
    }
    assert {name: t for name, t in t_values.items() if abs(t) > 2.58} == {}
    assert min(np.std(each) for each in returns.values()) > 0.0
