"""Performance figures against hand vectors."""

from math import inf, isnan

import numpy as np
import pytest

from botcore.statistics import max_drawdown, profit_factor, total_return, win_rate


def test_h8b_the_profit_factor_is_gross_profit_over_gross_loss() -> None:
    assert profit_factor([50.0, -20.0, 30.0, -10.0]) == pytest.approx(8 / 3, abs=5e-5)


@pytest.mark.parametrize(
    ("profits", "expected"),
    [([], None), ([0.0], None), ([5.0], inf), ([-5.0], 0.0), ([5.0, 0.0, -5.0], 1.0)],
)
def test_a_profit_factor_without_a_loss_is_infinite_and_without_trades_is_none(
    profits: list[float], expected: float | None
) -> None:
    factor = profit_factor(profits)

    assert isnan(factor) if expected is None else factor == expected


@pytest.mark.parametrize(
    ("profits", "expected"),
    [([1.0, -1.0, 2.0, 3.0], 0.75), ([0.0, -1.0], 0.0), ([2.0], 1.0)],
)
def test_the_win_rate_is_the_share_of_profits_above_zero(
    profits: list[float], expected: float
) -> None:
    assert win_rate(profits) == expected


def test_there_is_no_win_rate_without_trades() -> None:
    assert isnan(win_rate([]))


@pytest.mark.parametrize(
    ("equity", "expected"),
    [
        ([110.0, 99.0, 120.0, 90.0, 130.0], 0.25),  # 120 to 90
        ([101.0, 102.0, 103.0], 0.0),
        ([80.0, 90.0, 95.0], 0.2),  # from the initial 100, which no bar shows
        ([100.0, 100.0], 0.0),
        ([50.0], 0.5),
        ([], 0.0),
    ],
)
def test_e106_the_drawdown_is_from_the_highest_so_far_and_includes_the_initial_value(
    equity: list[float], expected: float
) -> None:
    assert max_drawdown(equity, 100.0) == pytest.approx(expected, abs=1e-15)
    assert max_drawdown(np.array(equity), 100.0) == pytest.approx(expected, abs=1e-15)


def test_e106_the_drawdown_is_that_of_the_brute_force_over_all_pairs() -> None:
    chance = np.random.default_rng(3)
    equity = np.array(100.0 * np.cumprod(1.0 + chance.normal(0.0, 0.02, 300)), dtype=np.float64)
    whole = [100.0, *equity.tolist()]

    deepest = max((high - low) / high for i, high in enumerate(whole) for low in whole[i:])

    assert max_drawdown(equity, 100.0) == pytest.approx(deepest, rel=1e-12)


@pytest.mark.parametrize(
    ("equity", "expected"), [([110.0, 121.0], 0.21), ([90.0], -0.1), ([], 0.0)]
)
def test_the_total_return_is_the_gain_over_the_initial_value(
    equity: list[float], expected: float
) -> None:
    assert total_return(equity, 100.0) == pytest.approx(expected)
