"""The simulated market looks like a market and holds no gift."""

import functools
import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from botcore.venues.simulated.market import DEMO, BarColumns, InstrumentConfig, SimulatedMarket

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Array = NDArray[np.float64]
Rule = Callable[[Array, Array], Array]

SEEDS = 100
BARS = 5 * 1_440
NAMES = [each.instrument for each in DEMO.instruments]
CRITICAL_1_PERCENT = 2.576


@functools.cache
def minute_bars(seed: int) -> dict[str, BarColumns]:
    return SimulatedMarket(DEMO.with_bar_ns(60_000_000_000), seed).history(BARS)


def log_returns(seed: int, name: str) -> Array:
    return np.diff(np.log(minute_bars(seed)[name].close))


def autocorrelation(values: Array, lag: int) -> float:
    centred = values - values.mean()
    return float((centred[lag:] * centred[:-lag]).mean() / centred.var())


def t_statistic(values: Array) -> float:
    return float(values.mean() / (values.std(ddof=1) / len(values) ** 0.5))


def ema(values: Array, span: int) -> Array:
    keep = 1 - 2 / (span + 1)
    out = np.empty_like(values)
    level = values[0]
    for index, value in enumerate(values):
        level = keep * level + (1 - keep) * value
        out[index] = level
    return out


def rolling(values: Array, length: int, function: Callable[..., Array]) -> Array:
    out = np.full(len(values), np.nan)
    out[length - 1 :] = function(sliding_window_view(values, length), axis=-1)
    return out


def held(enter: NDArray[np.bool_], leave: NDArray[np.bool_]) -> Array:
    """Long from an entry to the next exit: at each bar, the last of the two decides."""
    marks = np.where(enter, 1.0, np.where(leave, 0.0, np.nan))
    last = np.maximum.accumulate(np.where(np.isnan(marks), 0, np.arange(len(marks))))
    return np.nan_to_num(marks[last])


def relative_strength(close: Array) -> Array:
    moves = np.diff(close, prepend=close[0])
    gains, losses = ema(np.maximum(moves, 0), 27), ema(np.maximum(-moves, 0), 27)
    return 100 * gains / np.maximum(gains + losses, 1e-12)


def ema_cross(close: Array, _volume: Array) -> Array:
    return (ema(close, 12) > ema(close, 48)).astype(float)


def rsi_reversal(close: Array, _volume: Array) -> Array:
    strength = relative_strength(close)
    return held(strength < 30, strength > 55)


def bollinger_reversal(close: Array, _volume: Array) -> Array:
    middle, width = rolling(close, 20, np.mean), 2 * rolling(close, 20, np.std)
    return held(close < middle - width, close > middle)


def volume_breakout(close: Array, volume: Array) -> Array:
    highest = np.roll(rolling(close, 30, np.max), 1)
    return held(
        (close > highest) & (volume > 1.5 * rolling(volume, 30, np.mean)),
        close < rolling(close, 30, np.mean),
    )


def fade_the_last_bar(close: Array, _volume: Array) -> Array:
    return (np.diff(close, prepend=close[0]) < 0).astype(float)


def sell_the_quiet(close: Array, volume: Array) -> Array:
    return np.where(volume < rolling(volume, 60, np.median), -1.0, 1.0)


RULES = [
    ema_cross,
    rsi_reversal,
    bollinger_reversal,
    volume_breakout,
    fade_the_last_bar,
    sell_the_quiet,
]


def gain(rule: Rule, close: Array, volume: Array) -> float:
    """Sum of returns of a rule that decides at a close and holds to the next, before costs."""
    weight = rule(close, volume)[:-1]
    return float((weight * (close[1:] / close[:-1] - 1)).sum())


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_earns_or_loses_before_costs(rule: Rule) -> None:
    gains = np.array(
        [
            np.mean([gain(rule, bars.close, bars.volume) for bars in minute_bars(seed).values()])
            for seed in range(SEEDS)
        ]
    )

    assert abs(t_statistic(gains)) < CRITICAL_1_PERCENT


def test_the_same_judgement_finds_a_bounce_of_a_fifth_of_a_minutes_deviation() -> None:
    """The power of the test above: an alternating quote would be a gift, and would be found."""
    gains = []
    for seed in range(30):
        bars = minute_bars(seed)[NAMES[0]]
        coin = np.random.default_rng(seed).choice([-1.0, 1.0], BARS)
        bounce = 0.2 * np.diff(np.log(bars.close)).std() * coin
        gains.append(gain(fade_the_last_bar, bars.close * (1 + bounce), bars.volume))

    assert t_statistic(np.array(gains)) > CRITICAL_1_PERCENT


@pytest.mark.parametrize("name", NAMES)
def test_the_mean_return_over_seeds_is_zero(name: str) -> None:
    bars = [minute_bars(seed)[name] for seed in range(SEEDS)]

    totals = np.array([each.close[-1] / each.open[0] - 1 for each in bars])

    assert abs(t_statistic(totals)) < CRITICAL_1_PERCENT


@pytest.mark.parametrize("name", NAMES)
def test_every_path_has_fat_tails(name: str) -> None:
    for seed in range(SEEDS):
        returns = log_returns(seed, name)
        excess = ((returns - returns.mean()) ** 4).mean() / returns.var() ** 2 - 3
        assert excess > 3, f"seed {seed}"


@pytest.mark.parametrize("name", NAMES)
def test_volatility_clusters_to_lag_50(name: str) -> None:
    by_lag = np.array(
        [
            [autocorrelation(np.abs(log_returns(seed, name)), lag) for lag in range(1, 51)]
            for seed in range(0, SEEDS, 2)
        ]
    )

    assert by_lag.mean(axis=0).min() > 0.05
    assert by_lag.min() > 0


@pytest.mark.parametrize("name", NAMES)
def test_returns_are_not_autocorrelated(name: str) -> None:
    by_lag = np.array(
        [
            [autocorrelation(log_returns(seed, name), lag) for lag in range(1, 11)]
            for seed in range(SEEDS)
        ]
    )

    assert np.abs(by_lag.mean(axis=0)).max() < 0.01


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("span", [2, 10, 60])
def test_variance_grows_with_time_as_that_of_a_random_walk(name: str, span: int) -> None:
    """Variance ratio (Lo and MacKinlay 1988), its error taken over the independent seeds."""
    ratios = []
    for seed in range(SEEDS):
        path = np.log(minute_bars(seed)[name].close)
        ratios.append(np.mean(np.diff(path[::span]) ** 2) / span / np.mean(np.diff(path) ** 2))

    assert abs(t_statistic(np.array(ratios) - 1)) < CRITICAL_1_PERCENT


@pytest.mark.parametrize("config", DEMO.instruments, ids=NAMES)
def test_volatility_is_in_the_long_run_as_configured(config: InstrumentConfig) -> None:
    squares = [(log_returns(seed, config.instrument) ** 2).mean() for seed in range(SEEDS)]

    annual = float(np.mean(squares) * 525_600) ** 0.5

    assert annual == pytest.approx(config.volatility_frac, rel=0.1)


def test_instruments_move_together() -> None:
    loadings = {each.instrument: each.common_loading for each in DEMO.instruments}
    for left, right in ((0, 1), (0, 2), (1, 2)):
        correlations = [
            np.corrcoef(log_returns(seed, NAMES[left]), log_returns(seed, NAMES[right]))[0, 1]
            for seed in range(SEEDS)
        ]
        expected = loadings[NAMES[left]] * loadings[NAMES[right]] * math.exp(-(DEMO.own_sd**2))
        assert np.mean(correlations) == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize("name", NAMES)
def test_volume_goes_with_the_size_of_a_move_and_not_with_its_sign(name: str) -> None:
    sizes, signs = [], []
    for seed in range(SEEDS):
        returns = log_returns(seed, name)
        volume = np.log(minute_bars(seed)[name].volume[1:])
        sizes.append(np.corrcoef(np.abs(returns), volume)[0, 1])
        signs.append(np.corrcoef(np.sign(returns), volume)[0, 1])

    assert min(sizes) > 0.2
    assert abs(t_statistic(np.array(signs))) < CRITICAL_1_PERCENT


def test_a_day_of_the_demonstration_seldom_loses_what_would_stop_the_account() -> None:
    """Sixty per cent of the account, long all day, loses 5 % in under 3 % of the days."""
    worst = []
    for seed in range(SEEDS):
        for day in range(BARS // 1_440):
            at = slice(day * 1_440, (day + 1) * 1_440)
            bars = minute_bars(seed).values()
            basket = np.mean([each.close[at] / each.open[at][0] - 1 for each in bars], axis=0)
            worst.append(0.6 * basket.min())

    assert np.mean(np.array(worst) < -0.05) < 0.03
