"""Robust scores, the watch over returns, and the offset of clocks."""

from __future__ import annotations

from math import inf, log

import pytest

from botcore.marketdata.anomalies import AnomalyConfig, ClockSkew, ReturnWatch, robust_z


def test_the_robust_score_is_that_of_a_worked_example() -> None:
    # By hand: the median of 1 2 3 4 100 is 3, the absolute deviations 0 1 1 2 97 have median 1.
    assert robust_z(10.0, [1.0, 2.0, 3.0, 4.0, 100.0]) == pytest.approx(7.0 / 1.4826)
    # An even count: the median of 1 2 3 4 is 2.5, that of 0.5 0.5 1.5 1.5 is 1.
    assert robust_z(0.0, [4.0, 3.0, 2.0, 1.0]) == pytest.approx(-2.5 / 1.4826)


def test_among_equals_anything_else_is_infinitely_odd() -> None:
    assert robust_z(2.0, [1.0] * 5) == inf
    assert robust_z(0.0, [1.0] * 5) == -inf
    assert robust_z(1.0, [1.0] * 5) == 0.0


def _watch(**bounds: float) -> ReturnWatch:
    return ReturnWatch(AnomalyConfig(**bounds))  # type: ignore[arg-type]  # counts are whole here


def _swing(watch: ReturnWatch, count: int, percent: float = 0.1) -> None:
    for step in range(count):
        watch.update(100.0 * (1.0 + percent / 100.0 * (step % 2)))


def test_a_large_return_among_small_ones_is_an_outlier_with_its_score() -> None:
    watch = _watch()
    _swing(watch, 41)

    score = watch.update(90.0)

    assert score is not None
    assert score.log_return == pytest.approx(log(0.9))
    # All 40 changes are ± ln(1.001): median 0, MAD ln(1.001).
    assert score.z == pytest.approx(log(0.9) / (1.4826 * log(1.001)), rel=1e-9)


def test_a_return_below_the_floor_is_none_however_many_deviations_it_is() -> None:
    watch = _watch()
    _swing(watch, 41, percent=0.001)

    assert watch.update(100.9) is None  # 0.9 %, hundreds of deviations
    assert watch.update(102.0) is not None  # 1.1 %


def test_a_large_return_in_a_wild_market_is_none() -> None:
    watch = _watch()
    _swing(watch, 41, percent=5.0)

    assert watch.update(90.0) is None


def test_nothing_is_judged_before_enough_was_seen() -> None:
    watch = _watch(returns_min=30)
    _swing(watch, 30)  # 29 changes

    assert watch.update(50.0) is None
    assert watch.update(100.0) is not None


def test_unchanged_prices_are_no_returns() -> None:
    watch = _watch(returns_min=30)
    assert watch.price is None
    for _ in range(100):
        watch.update(100.0)

    assert watch.update(50.0) is None
    assert watch.price == 50.0


def test_a_value_is_judged_by_what_came_before_it_and_not_by_itself() -> None:
    # With window 1 the only comparison is the change before.
    watch = _watch(window=1, returns_min=1)
    watch.update(100.0)
    watch.update(110.0)

    score = watch.update(99.0)

    assert score is not None
    assert score.z == -inf


def test_the_offset_is_the_median_and_one_wild_stamp_does_not_move_it() -> None:
    skew = ClockSkew(16)
    measured = [skew.add(difference) for difference in [-5, 10**18, -5, -5]]

    assert measured == [False, True, False, True]
    assert skew.offset_ns == -5


def test_the_offset_follows_the_window() -> None:
    skew = ClockSkew(8)
    for difference in [1] * 8 + [100] * 8:
        skew.add(difference)

    assert skew.offset_ns == 100
