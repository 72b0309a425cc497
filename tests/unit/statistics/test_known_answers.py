"""Every figure against numbers that somebody else has published."""

import math

import pytest

from botcore.statistics import (
    QuantileRule,
    cagr,
    calmar,
    cornish_fisher_quantile,
    deflated_sharpe,
    downside_deviation,
    downside_frequency,
    downside_potential,
    expectancy,
    expected_best_sharpe,
    expected_shortfall,
    kelly,
    kelly_continuous,
    kelly_growth,
    kupiec,
    kurtosis,
    martin,
    max_drawdown,
    mean_absolute_deviation,
    mean_p_value,
    normal_expected_shortfall,
    normal_value_at_risk,
    omega,
    payoff,
    probabilistic_sharpe,
    profit_factor,
    r_expectancy,
    sharpe,
    skewness,
    sortino,
    student_two_sided,
    system_quality,
    tail_ratio,
    track_record_needed,
    ulcer_index,
    upside_risk,
    value_at_risk,
    volatility,
)

BACON = [
    *(0.003, 0.026, 0.011, -0.010, 0.015, 0.025, 0.016, 0.067, -0.014, 0.040, -0.005, 0.081),
    *(0.040, -0.037, -0.061, 0.017, -0.049, -0.022, 0.070, 0.058, -0.065, 0.024, -0.005, -0.009),
]
EMPYRICAL = [math.nan, 0.01, 0.10, -0.04, 0.02, 0.03, 0.02, 0.01, -0.10]
TRADES = [50.0, -20.0, 30.0, -10.0]
LADDER = [step / 100 for step in range(-10, 10)]


def test_h4_bacons_portfolio_has_the_figures_of_performance_analytics() -> None:
    target = 0.005

    assert downside_deviation(BACON, target=target) == pytest.approx(0.025537, abs=5e-7)
    assert downside_potential(BACON, target=target) == pytest.approx(0.0137, abs=5e-5)
    assert downside_frequency(BACON, target=target) == pytest.approx(0.458, abs=5e-4)
    assert sortino(BACON, periods=1, target=target) == pytest.approx(0.157, abs=5e-4)
    assert omega(BACON, threshold=target) == pytest.approx(1.2918, abs=5e-5)
    assert upside_risk(BACON, target=target) == pytest.approx(0.02937, abs=5e-6)
    assert mean_absolute_deviation(BACON) == pytest.approx(0.0310, abs=1e-4)
    assert omega(BACON) == pytest.approx(1.78, abs=5e-3)


def test_h6_the_vectors_of_empyrical_without_its_count_of_nan() -> None:
    assert sharpe(EMPYRICAL, periods=252) == pytest.approx(1.7238613961706866, rel=1e-12)
    assert volatility(EMPYRICAL, periods=252) == pytest.approx(0.9136465399704637, rel=1e-12)
    downside = downside_deviation(EMPYRICAL) * math.sqrt(252)
    assert downside == pytest.approx(0.60448325038829653, rel=1e-12)
    assert sortino(EMPYRICAL, periods=252) == pytest.approx(2.605531251673693, rel=1e-12)
    required = 11 ** (1 / 252) - 1
    assert omega(EMPYRICAL, threshold=required) == pytest.approx(0.83354263, abs=5e-9)


def test_h6_growth_counts_the_eight_periods_that_are_known_and_not_the_ninth() -> None:
    curve = [1.0]
    for each in EMPYRICAL[1:]:
        curve.append(curve[-1] * (1 + each))

    assert curve[-1] - 1 == pytest.approx(0.03893109, abs=5e-9)
    assert max_drawdown(curve, 1.0) == pytest.approx(0.1)
    scaled = cagr(1.0, curve[-1], days=8 * 365 / 252)
    assert scaled == pytest.approx(2.3302928, abs=5e-8)


def test_the_same_series_has_another_sharpe_ratio_at_365_days_a_year() -> None:
    assert sharpe(EMPYRICAL) == pytest.approx(2.0747, abs=5e-5)


def test_red_rocks_sortino_is_over_all_returns_and_not_over_the_spread_of_the_losses() -> None:
    returns = [0.17, 0.15, 0.23, -0.05, 0.12, 0.09, 0.13, -0.04]

    assert downside_deviation(returns) == pytest.approx(0.0226385, abs=5e-8)
    assert sortino(returns, periods=1) == pytest.approx(4.417261, abs=5e-7)


def test_the_omega_of_pypbo() -> None:
    returns = [
        *(0.0089, 0.0012, -0.002, 0.01, -0.0002, 0.02),
        *(0.03, 0.01, -0.003, 0.01, 0.0102, -0.01),
    ]

    assert omega(returns, threshold=0.01) == pytest.approx(0.463901689, abs=1e-9)


def test_the_sharpe_ratio_of_pypbo() -> None:
    returns = [
        *(0.259, 0.198, 0.364, -0.081, 0.057, 0.055),
        *(0.188, 0.317, 0.24, 0.184, -0.01, 0.526),
    ]

    assert sharpe(returns, periods=1, risk_free=0.05) == pytest.approx(0.834364, abs=5e-7)


def test_h8b_trade_statistics() -> None:
    assert profit_factor(TRADES) == pytest.approx(2.6667, abs=5e-5)
    assert expectancy(TRADES) == 12.5
    assert payoff(TRADES) == pytest.approx(2.6667, abs=5e-5)
    assert system_quality(TRADES) == pytest.approx(0.75665, abs=5e-6)
    assert r_expectancy(TRADES) == pytest.approx(0.8333, abs=5e-5)
    assert kelly(0.5, payoff(TRADES)) == pytest.approx(0.3125)


@pytest.mark.parametrize(
    ("observations", "exceptions", "share", "statistic", "p_value"),
    [
        (1043, 57, 0.05, 0.46147, 0.49694),
        (1043, 17, 0.01, 3.5118, 0.060933),
        (500, 40, 0.05, 8.0790, 0.00448),
        (365, 0, 0.01, 7.33675, 0.00676),
    ],
)
def test_h9_kupiecs_test_is_that_of_matlab_also_without_an_exception(
    observations: int, exceptions: int, share: float, statistic: float, p_value: float
) -> None:
    found = kupiec(observations, exceptions, share)

    assert found.statistic == pytest.approx(statistic, abs=6e-5)
    assert found.p_value == pytest.approx(p_value, abs=6e-6)


def test_h9_kupiecs_test_of_nothing_but_exceptions() -> None:
    assert kupiec(10, 10, 0.5).statistic == pytest.approx(20 * math.log(2))


def test_h11_value_at_risk_by_either_rule_and_the_shortfall_behind_it() -> None:
    assert value_at_risk(LADDER, 0.05) == pytest.approx(-0.0905)
    assert value_at_risk(LADDER, 0.05, rule=QuantileRule.OBSERVED) == pytest.approx(-0.10)
    assert expected_shortfall(LADDER, 0.05) == pytest.approx(-0.10)


def test_h11_the_observation_on_the_edge_of_the_tail_counts_by_its_part() -> None:
    assert expected_shortfall(LADDER, 0.125) == pytest.approx(-(0.10 + 0.09 + 0.5 * 0.08) / 2.5)
    assert expected_shortfall(LADDER, 0.01) == pytest.approx(-0.10)
    assert expected_shortfall([0.01, -0.02], 1.0) == pytest.approx(-0.005)


def test_h11_the_normal_tail_and_its_correction() -> None:
    assert normal_expected_shortfall(0.0, 1.0, 0.025) == pytest.approx(-2.337803, abs=5e-7)
    assert normal_expected_shortfall(0.0, 1.0, 0.05) == pytest.approx(-2.062713, abs=5e-7)
    assert normal_value_at_risk(0.0, 1.0, 0.01) == pytest.approx(-2.32635, abs=5e-6)
    five, one = (
        cornish_fisher_quantile(share, skewness=-0.5, excess_kurtosis=3) for share in (0.05, 0.01)
    )
    assert five == pytest.approx(-1.721744, abs=5e-7)
    assert one == pytest.approx(-3.301284, abs=5e-7)


def test_h26_kellys_fraction_and_what_it_grows() -> None:
    assert kelly(0.6, 1.0) == pytest.approx(0.2)
    assert kelly(0.55, 1.5) == pytest.approx(0.25)
    assert kelly_continuous(0.20, 0.60) == pytest.approx(0.5556, abs=5e-5)
    assert kelly_growth(0.2, 0.6, 1.0) == pytest.approx(0.0201355, abs=5e-8)


@pytest.mark.parametrize(
    ("periods", "root"), [(525_600, 724.98276), (8_760, 93.59487), (365, 19.10497)]
)
def test_h28_annualisation_is_by_the_root_of_the_periods_a_year(periods: int, root: float) -> None:
    returns = [0.01, -0.01, 0.02, 0.0]

    scale = volatility(returns, periods=periods) / volatility(returns, periods=1)

    assert scale == pytest.approx(root, abs=5e-6)
    ratio = sharpe(returns, periods=periods) / sharpe(returns, periods=1)
    assert ratio == pytest.approx(root, abs=5e-6)


def test_the_fund_of_bailey_and_lopez_de_prado_loses_its_certainty_to_its_tails() -> None:
    """The Sharpe Ratio Efficient Frontier, 2012: SR 0.458 a month over 24 months."""
    normal = probabilistic_sharpe(0.458, observations=24)
    tailed = probabilistic_sharpe(0.458, observations=24, skewness=-2.448, kurtosis=10.164)

    assert normal == pytest.approx(0.982, abs=5e-4)
    assert tailed == pytest.approx(0.913, abs=5e-4)


def test_a_yearly_ratio_of_two_needs_two_point_seven_years_to_be_above_one() -> None:
    """The same paper: daily observations, normal returns, 95 % confidence."""
    needed = track_record_needed(2 / math.sqrt(250), benchmark=1 / math.sqrt(250))

    assert needed / 250 == pytest.approx(2.73, abs=5e-3)


def test_e107_the_best_of_a_hundred_trials_is_deflated_as_in_the_paper() -> None:
    """The Deflated Sharpe Ratio, 2014: SR 2.5 a year over five years of 250 days."""
    variance = 0.5 / 250

    assert expected_best_sharpe(variance, 100) == pytest.approx(0.1132, abs=5e-5)
    deflated = deflated_sharpe(
        2.5 / math.sqrt(250),
        observations=1250,
        variance=variance,
        trials=100,
        skewness=-3,
        kurtosis=10,
    )
    assert deflated == pytest.approx(0.9004, abs=5e-5)


def test_e107_one_trial_is_not_deflated() -> None:
    one = deflated_sharpe(0.1, observations=500, variance=0.01, trials=1)

    assert one == probabilistic_sharpe(0.1, observations=500)


@pytest.mark.parametrize(
    ("t", "freedom", "p_value"),
    [(12.706205, 1, 0.05), (2.228139, 10, 0.05), (3.169273, 10, 0.01), (1.959964, 1e7, 0.05)],
)
def test_students_distribution_is_that_of_the_tables(
    t: float, freedom: float, p_value: float
) -> None:
    assert student_two_sided(t, freedom) == pytest.approx(p_value, rel=1e-6)
    assert student_two_sided(-t, freedom) == student_two_sided(t, freedom)
    assert student_two_sided(0.0, freedom) == 1.0


def test_the_p_value_of_students_own_sleep_data() -> None:
    """R's manual, `t.test(extra ~ group, paired)`: t = 4.0621, p = 0.002833."""
    hours = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]

    assert mean_p_value(hours) == pytest.approx(0.002833, abs=5e-7)


def test_shape_of_a_sample_by_hand() -> None:
    values = [1.0, 2.0, 3.0, 4.0, 10.0]

    # Around the mean of 4: -3, -2, -1, 0, 6; their squares add up to 50.
    assert skewness(values) == pytest.approx((180 / 5) / 10**1.5)
    assert kurtosis(values) == pytest.approx((1394 / 5) / 100)
    assert tail_ratio(values) == pytest.approx(8.8 / 1.2)


def test_ulcer_calmar_and_martin_by_hand() -> None:
    # Falls of 0, 10 %, 0 and 25 % from the peak so far.
    ulcer = ulcer_index([100.0, 90.0, 120.0, 90.0], 100.0)

    assert ulcer == pytest.approx(math.sqrt((0.1**2 + 0.25**2) / 4))
    assert calmar(0.5, 0.25) == 2.0
    assert martin(0.5, 0.25, risk_free=0.1) == pytest.approx(1.6)
    assert cagr(100.0, 121.0, days=730) == pytest.approx(0.1)
