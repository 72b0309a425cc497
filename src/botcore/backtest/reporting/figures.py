"""The figures of a run: what each metric of the catalogue says of it.

Their values come by the metrics' keys: of a curve, of round trips, of what was traded.
"""

import math
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from botcore.backtest.reporting.catalogue import CATALOGUE, Metric
from botcore.backtest.reporting.curves import Curve, Marks, gross_exposure
from botcore.backtest.reporting.record import Activity
from botcore.backtest.reporting.trips import RoundTrip
from botcore.domain.ids import DAY_NS
from botcore.statistics import (
    DailyEquity,
    cagr,
    calmar,
    drawdowns,
    expectancy,
    expected_shortfall,
    kelly,
    kurtosis,
    longest_streaks,
    longest_under_water_ns,
    martin,
    mean_exposure,
    mean_p_value,
    mean_turnover,
    omega,
    payoff,
    probabilistic_sharpe,
    profit_factor,
    r_expectancy,
    sharpe,
    skewness,
    sortino,
    system_quality,
    tail_ratio,
    time_in_market,
    total_return,
    track_record_needed,
    ulcer_index,
    value_at_risk,
    volatility,
    win_rate,
)

Values = dict[str, float]
"""Metric key → value."""


class Figure(msgspec.Struct, frozen=True):
    """A metric with its value in one run.

    Attributes:
        metric: what it is.
        value: in its unit; NaN where there is none.
        benchmark: the same of buying once and holding; NaN where that means nothing.
    """

    metric: Metric
    value: float
    benchmark: float


def figures_of(values: Mapping[str, float], benchmark: Mapping[str, float]) -> tuple[Figure, ...]:
    """Return the figures of a run in the catalogue's order; a value that is missing is left out.

    Args:
        values: metric key → value.
        benchmark: metric key → value of buying and holding.
    """
    nothing = float("nan")
    return tuple(
        Figure(metric, values[metric.key], benchmark.get(metric.key, nothing))
        for metric in CATALOGUE
        if metric.key in values
    )


def curve_figures(curve: Curve) -> Values:
    """Return what a curve of equity says: result, risk, ratios and days."""
    daily = curve.daily()
    growth = cagr(curve.initial, curve.final, days=(curve.end - curve.start) / DAY_NS)
    risk = _risk(curve)
    ulcer = ulcer_index(daily.equity, curve.initial)
    return {
        "equity_start": curve.initial,
        "equity_end": curve.final,
        "profit": curve.final - curve.initial,
        "return": total_return([curve.final], curve.initial),
        "cagr": growth,
        "daily_profit": expectancy(daily.profits.tolist()),
        "ulcer": ulcer,
        "calmar": calmar(growth, risk["drawdown"]),
        "martin": martin(growth, ulcer),
        **risk,
        **_daily_figures(daily),
    }


def _risk(curve: Curve) -> Values:
    stamps, equity = curve.stamps, curve.equity
    deepest = drawdowns(stamps, equity, initial=curve.initial, start=curve.start, most=1)
    found: Values = {"drawdown": 0.0, "drawdown_money": 0.0}
    if deepest:
        fall = deepest[0]
        found = {
            "drawdown": fall.depth_frac,
            "drawdown_money": fall.depth,
            "drawdown_began": fall.began,
            "drawdown_bottom": fall.bottom,
            "drawdown_recovered": math.nan if fall.recovered is None else fall.recovered,
            "drawdown_duration": fall.duration_ns,
        }
    found["under_water"] = longest_under_water_ns(
        stamps, equity, initial=curve.initial, start=curve.start
    )
    whole = np.concatenate(([curve.initial], equity))
    times = np.concatenate(([curve.start], stamps))
    for key, at in (("equity_low", int(np.argmin(whole))), ("equity_high", int(np.argmax(whole)))):
        found[key] = float(whole[at])
        found[f"{key}_at"] = float(times[at])
    return found


def _daily_figures(daily: DailyEquity) -> Values:
    returns, profits = daily.returns, daily.profits
    ratio = sharpe(returns, periods=1)
    skew, tails = skewness(returns), kurtosis(returns)
    found: Values = {
        "volatility": volatility(returns),
        "value_at_risk": value_at_risk(returns),
        "expected_shortfall": expected_shortfall(returns),
        "sharpe": sharpe(returns),
        "sortino": sortino(returns),
        "omega": omega(returns),
        "tail_ratio": tail_ratio(returns),
        "skewness": skew,
        "kurtosis": tails,
        "sharpe_probability": probabilistic_sharpe(
            ratio, observations=len(returns), skewness=skew, kurtosis=tails
        ),
        "track_record": track_record_needed(ratio, skewness=skew, kurtosis=tails),
        "days": len(returns),
        "days_up": int(np.sum(profits > 0)),
        "days_flat": int(np.sum(profits == 0)),
        "days_down": int(np.sum(profits < 0)),
    }
    if np.isfinite(returns).any():
        for key, at in (
            ("best_day", int(np.nanargmax(returns))),
            ("worst_day", int(np.nanargmin(returns))),
        ):
            found[key] = float(returns[at])
            found[f"{key}_on"] = float(daily.days[at] * DAY_NS)
    return found


def trip_figures(trips: Sequence[RoundTrip], *, days: float) -> Values:
    """Return what closed round trips say.

    Args:
        trips: oldest close first.
        days: length of the run.
    """
    profits = [trip.profit for trip in trips]
    wins = [trip for trip in trips if trip.profit > 0]
    losses = [trip for trip in trips if trip.profit < 0]
    returns = [trip.return_frac for trip in trips]
    won, lost = longest_streaks(profits)
    rate = win_rate(profits)
    return {
        "trips": len(trips),
        "trips_a_day": len(trips) / days if days > 0 else math.nan,
        "wins": len(wins),
        "draws": len(trips) - len(wins) - len(losses),
        "losses": len(losses),
        "win_rate": rate,
        "profit_factor": profit_factor(profits),
        "expectancy": expectancy(profits),
        "r_expectancy": r_expectancy(profits),
        "payoff": payoff(profits),
        "mean_win": expectancy([trip.profit for trip in wins]),
        "mean_loss": expectancy([trip.profit for trip in losses]),
        "trip_return": expectancy(returns),
        "stake": expectancy([float(trip.stake) for trip in trips]),
        "system_quality": system_quality(profits),
        "p_value": mean_p_value(profits),
        "kelly": kelly(rate, payoff(profits)),
        "best_trip": max(profits, default=math.nan),
        "worst_trip": min(profits, default=math.nan),
        "best_trip_return": max(returns, default=math.nan),
        "worst_trip_return": min(returns, default=math.nan),
        "winning_streak": won,
        "losing_streak": lost,
        "duration": mean_duration(trips),
        **_durations("win", wins),
        **_durations("loss", losses),
    }


def mean_duration(trips: Sequence[RoundTrip]) -> float:
    """Return the mean time held, nanoseconds; NaN without trips."""
    return expectancy([float(trip.duration_ns) for trip in trips])


def _durations(which: str, trips: Sequence[RoundTrip]) -> Values:
    lengths = [float(trip.duration_ns) for trip in trips]
    return {
        f"{which}_duration_mean": expectancy(lengths),
        f"{which}_duration_least": min(lengths, default=math.nan),
        f"{which}_duration_most": max(lengths, default=math.nan),
    }


def stake_figures(
    curve: Curve, trips: Sequence[RoundTrip], activity: Activity, marks: Marks
) -> Values:
    """Return how much was at stake, and how much was traded.

    Args:
        curve: of the account.
        trips: closed and open ones.
        activity: what was traded and held.
        marks: candles by instrument; may lack some.
    """
    daily = curve.daily()
    before = np.concatenate(([daily.initial], daily.equity[:-1]))[: len(daily.days)]
    traded = np.array([activity.traded.get(day, 0.0) for day in daily.days.tolist()])
    held = [(trip.opened, trip.closed) for trip in trips]
    gross = gross_exposure(curve, activity.lines, marks)
    return {
        "volume": math.fsum(activity.traded.values()),
        "turnover": mean_turnover(traded, before),
        "time_in_market": time_in_market(held, start=curve.start, end=curve.end),
        "exposure": mean_exposure(gross, curve.equity),
        "most_open": most_at_once(trips),
    }


def most_at_once(trips: Sequence[RoundTrip]) -> int:
    """Return the most round trips that were open together; one that closes makes room first."""
    changes = sorted(
        [(trip.opened, 1) for trip in trips if trip.duration_ns > 0]
        + [(trip.closed, -1) for trip in trips if trip.duration_ns > 0]
    )
    together = np.cumsum([step for _, step in changes]) if changes else np.zeros(1)
    return int(np.max(together))


def count_figures(counts: Mapping[str, int], activity: Activity) -> Values:
    """Return the counts of a run; what is not a metric of its own is left out."""
    return {
        **counts,
        "unfilled": sum(activity.ended.values()),
        "replaced": activity.replaced,
    }
