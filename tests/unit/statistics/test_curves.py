"""Daily sampling at 00:00 UTC, and drawdowns with their stamps."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.statistics import (
    daily_equity,
    drawdowns,
    longest_under_water_ns,
    max_drawdown,
    total_return,
)

HOUR = 3_600_000_000_000
DAY = 24 * HOUR


def test_a_curve_is_sampled_at_midnight_and_a_point_on_it_belongs_to_the_day_that_ends() -> None:
    stamps = [DAY - HOUR, DAY, DAY + HOUR, 2 * DAY + HOUR]

    daily = daily_equity(stamps, [101.0, 102.0, 103.0, 104.0], initial=100.0, start=0)

    assert daily.days.tolist() == [0, 1, 2]
    assert daily.equity.tolist() == [102.0, 103.0, 104.0]
    assert daily.returns == pytest.approx([0.02, 1 / 102, 1 / 103])
    assert daily.profits.tolist() == [2.0, 1.0, 1.0]


def test_a_day_without_a_point_keeps_its_equity_and_returns_nothing() -> None:
    daily = daily_equity([HOUR, 3 * DAY + HOUR], [110.0, 121.0], initial=100.0, start=0)

    assert daily.equity.tolist() == [110.0, 110.0, 110.0, 121.0]
    assert daily.returns == pytest.approx([0.1, 0.0, 0.0, 0.1])


def test_the_first_and_last_parts_of_a_day_count_as_days() -> None:
    start = 5 * DAY + 20 * HOUR

    daily = daily_equity(
        [start + HOUR, start + 5 * HOUR], [101.0, 102.0], initial=100.0, start=start
    )

    assert daily.days.tolist() == [5, 6]
    assert daily.equity.tolist() == [101.0, 102.0]


def test_days_before_the_first_point_have_the_initial_value() -> None:
    daily = daily_equity([2 * DAY + HOUR], [90.0], initial=100.0, start=0)

    assert daily.equity.tolist() == [100.0, 100.0, 90.0]


def test_a_curve_without_points_has_no_days() -> None:
    daily = daily_equity([], [], initial=100.0, start=0)

    assert len(daily.days) == len(daily.returns) == len(daily.profits) == 0


def test_a_day_after_ruin_has_no_return() -> None:
    daily = daily_equity([DAY, 2 * DAY], [0.0, 0.0], initial=100.0, start=0)

    assert daily.returns[0] == -1.0
    assert np.isnan(daily.returns[1])


STAMPS = np.arange(1, 9, dtype=np.int64) * HOUR
EQUITY = [95.0, 90.0, 100.0, 120.0, 60.0, 90.0, 121.0, 120.0]


def test_e106_drawdowns_begin_at_the_initial_value_and_come_deepest_first() -> None:
    found = drawdowns(STAMPS, EQUITY, initial=100.0, start=0)

    assert [(fall.began, fall.bottom, fall.recovered) for fall in found] == [
        (4 * HOUR, 5 * HOUR, 7 * HOUR),
        (0, 2 * HOUR, 3 * HOUR),
        (7 * HOUR, 8 * HOUR, None),
    ]
    assert [fall.depth_frac for fall in found] == pytest.approx([0.5, 0.1, 1 / 121])
    assert [fall.depth for fall in found] == [60.0, 10.0, 1.0]
    assert [fall.duration_ns // HOUR for fall in found] == [3, 3, 1]
    assert longest_under_water_ns(STAMPS, EQUITY, initial=100.0, start=0) == 3 * HOUR


def test_a_drawdown_that_lasts_is_counted_to_the_end_of_the_curve() -> None:
    stamps = np.array([HOUR, 2 * HOUR, 9 * HOUR], dtype=np.int64)

    (fall,) = drawdowns(stamps, [110.0, 100.0, 105.0], initial=100.0, start=0)

    assert (fall.recovered, fall.ended, fall.duration_ns) == (None, 9 * HOUR, 8 * HOUR)
    assert longest_under_water_ns(stamps, [110.0, 100.0, 105.0], initial=100.0, start=0) == 8 * HOUR


def test_a_curve_that_only_rises_has_no_drawdown() -> None:
    nothing = np.empty(0, dtype=np.int64)

    assert drawdowns(STAMPS[:3], [100.0, 100.0, 101.0], initial=100.0, start=0) == ()
    assert longest_under_water_ns(STAMPS[:3], [100.0, 100.0, 101.0], initial=100.0, start=0) == 0
    assert drawdowns(nothing, [], initial=100.0, start=0) == ()


def test_only_as_many_drawdowns_as_asked_for() -> None:
    (deepest,) = drawdowns(STAMPS, EQUITY, initial=100.0, start=0, most=1)

    assert deepest.low == 60.0


CURVES = st.lists(st.floats(1, 1_000), min_size=1, max_size=80)


@given(CURVES)
def test_e106_the_deepest_stretch_is_the_deepest_drawdown(equity: list[float]) -> None:
    stamps = np.arange(1, len(equity) + 1, dtype=np.int64)

    found = drawdowns(stamps, equity, initial=100.0, start=0)

    deepest = found[0].depth_frac if found else 0.0
    assert deepest == pytest.approx(max_drawdown(equity, 100.0), abs=1e-15)
    ordered = sorted(found, key=lambda fall: fall.began)
    assert all(one.ended <= other.began for one, other in pairwise(ordered))


@given(CURVES, st.integers(1, 40))
def test_daily_returns_compound_to_the_total_return(equity: list[float], hours: int) -> None:
    stamps = [(at + 1) * hours * HOUR for at in range(len(equity))]

    daily = daily_equity(stamps, equity, initial=100.0, start=0)

    whole = float(np.prod(1 + daily.returns)) - 1
    assert whole == pytest.approx(total_return(equity, 100.0), rel=1e-9, abs=1e-9)
    assert float(np.sum(daily.profits)) == pytest.approx(equity[-1] - 100.0, abs=1e-6)
