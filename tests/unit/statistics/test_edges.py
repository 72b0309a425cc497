"""What figures say where there is nothing to say, and rules that hold for every series."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.statistics import (
    cagr,
    calmar,
    deviation,
    expectancy,
    expected_shortfall,
    kelly,
    kelly_continuous,
    kelly_growth,
    kurtosis,
    longest_streaks,
    martin,
    mean_exposure,
    mean_p_value,
    mean_turnover,
    omega,
    payoff,
    probabilistic_sharpe,
    r_expectancy,
    sharpe,
    skewness,
    sortino,
    system_quality,
    tail_ratio,
    time_in_market,
    track_record_needed,
    ulcer_index,
    value_at_risk,
    volatility,
)

RATIOS: dict[str, Callable[[list[float]], float]] = {
    "sharpe": sharpe,
    "sortino": sortino,
    "omega": omega,
    "skewness": skewness,
    "kurtosis": kurtosis,
    "p-value": mean_p_value,
    "system quality": system_quality,
}


def test_e105_the_sharpe_ratio_of_a_hand_computed_vector_at_365_days() -> None:
    # Mean 0.02, deviations ±0.01, so sd with ddof 1 is 0.01·√2.
    assert sharpe([0.01, 0.03]) == pytest.approx(math.sqrt(2) * math.sqrt(365))
    assert sharpe([0.01, 0.03], risk_free=0.02) == pytest.approx(0.0, abs=1e-12)
    assert sharpe([0.01, 0.03], periods=252) == pytest.approx(math.sqrt(2) * math.sqrt(252))


@pytest.mark.parametrize("name", RATIOS)
@pytest.mark.parametrize(
    "returns", [[], [0.01], [0.001] * 50, [0.0] * 5], ids=["none", "one", "equal", "zero"]
)
def test_e105_without_variance_a_ratio_is_no_number_and_never_infinite(
    name: str, returns: list[float]
) -> None:
    assert math.isnan(RATIOS[name](returns))


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e-9, 123456.789])
def test_e105_the_rounding_of_equal_values_is_no_variance(value: float) -> None:
    assert deviation([value] * 1001) == 0.0
    assert volatility([value] * 1001) == 0.0


def test_a_ratio_over_nothing_is_no_number() -> None:
    assert math.isnan(calmar(0.5, 0.0))
    assert math.isnan(martin(0.5, 0.0))
    assert math.isnan(ulcer_index([], 100.0))
    assert math.isnan(cagr(100.0, 110.0, days=0))
    assert math.isnan(kelly(0.5, 0.0))
    assert math.isnan(kelly(0.5, math.nan))
    assert math.isnan(kelly_continuous(0.1, 0.0))
    assert math.isnan(kelly_growth(1.0, 0.6, 1.0))
    assert math.isnan(expectancy([]))
    assert math.isnan(payoff([1.0, 2.0]))
    assert math.isnan(r_expectancy([-1.0]))
    assert math.isnan(tail_ratio([]))
    assert math.isnan(tail_ratio([0.0, 0.0]))
    assert math.isnan(value_at_risk([]))
    assert math.isnan(expected_shortfall([]))
    assert math.isnan(probabilistic_sharpe(0.1, observations=1))
    assert math.isnan(probabilistic_sharpe(math.nan, observations=100))
    assert math.isnan(track_record_needed(-0.1))
    assert math.isnan(track_record_needed(math.nan))


def test_ruin_is_the_loss_of_everything_and_not_a_gain() -> None:
    assert cagr(100.0, 0.0, days=100) == -1.0
    assert cagr(100.0, -50.0, days=100) == -1.0


def test_growth_that_no_number_holds_is_infinite() -> None:
    assert cagr(1.0, 1e9, days=0.01) == math.inf


def test_streaks_are_broken_by_a_trade_that_ends_even() -> None:
    assert longest_streaks([1, 1, 0, 1, -1, -1, -1, 1]) == (2, 3)
    assert longest_streaks([]) == (0, 0)
    assert longest_streaks([-1.0, -2.0]) == (0, 2)


def test_time_in_the_market_counts_what_overlaps_once_and_nothing_outside() -> None:
    stretches = [(50, 70), (10, 30), (20, 40), (25, 28), (90, 200), (-10, 5)]

    # 0 to 5, 10 to 40, 50 to 70, 90 to 100.
    assert time_in_market(stretches, start=0, end=100) == pytest.approx(0.65)
    assert math.isnan(time_in_market([], start=5, end=5))


def test_exposure_and_turnover_leave_out_what_has_no_equity() -> None:
    assert mean_exposure([50.0, 0.0, 5.0], [100.0, 100.0, 0.0]) == pytest.approx(0.25)
    assert mean_turnover([200.0, 0.0], [100.0, 100.0]) == pytest.approx(0.5)
    assert math.isnan(mean_exposure([], []))
    assert math.isnan(mean_turnover([1.0], [0.0]))


RETURNS = st.lists(st.floats(-0.5, 0.5).map(lambda x: round(x, 4)), min_size=2, max_size=60)


@given(RETURNS, st.floats(0.1, 10))
def test_ratios_do_not_know_the_size_of_the_stake(returns: list[float], scale: float) -> None:
    scaled = [scale * each for each in returns]

    for ratio in (sharpe, sortino, omega, skewness, kurtosis):
        one, other = ratio(returns), ratio(scaled)
        assert math.isnan(one) == math.isnan(other)
        assert math.isnan(one) or one == pytest.approx(other, rel=1e-6, abs=1e-9)


@given(RETURNS, st.floats(0.01, 0.99))
def test_the_shortfall_is_never_better_than_the_value_at_risk(
    returns: list[float], share: float
) -> None:
    assert expected_shortfall(returns, share) <= value_at_risk(returns, share) + 1e-12
    assert expected_shortfall(returns, share) >= min(returns) - 1e-12


@given(RETURNS)
def test_nan_among_returns_changes_nothing(returns: list[float]) -> None:
    with_holes = [each for value in returns for each in (value, math.nan)]

    assert np.array_equal(
        [sharpe(returns), omega(returns), value_at_risk(returns)],
        [sharpe(with_holes), omega(with_holes), value_at_risk(with_holes)],
        equal_nan=True,
    )
