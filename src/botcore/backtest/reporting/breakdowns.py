"""Parts of a result: by strategy, instrument, exit reason and side, and by calendar."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec
import numpy as np

from botcore.backtest.reporting.curves import Curve, Marks, profit_through
from botcore.backtest.reporting.figures import mean_duration
from botcore.backtest.reporting.record import Activity
from botcore.backtest.reporting.trips import RoundTrip
from botcore.domain.ids import SECOND_NS
from botcore.statistics import DailyEquity, expectancy, profit_factor, win_rate

WEEKDAYS: Final = (
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
)
_EPOCH: Final = date(1970, 1, 1)


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Round trips that have something in common; amounts are in the account's currency.

    Attributes:
        name: what they have in common.
        trips, wins, draws, losses: counts of closed ones.
        still_open: how many were not closed.
        profit: of the closed ones, after fees.
        total: `profit` and what was still held, marked at the last close; NaN where a group has no
            positions of its own.
        drawdown: deepest fall of `total` from its peak over the run, in money; NaN as above.
        win_rate: wins over trips; NaN without trips.
        return_mean: of profit over stake; NaN without trips.
        profit_factor, expectancy: as the metrics of these names.
        best, worst: profits.
        fees: of the trips.
        duration_ns: mean time held; NaN without trips.
    """

    name: str
    trips: int
    wins: int
    draws: int
    losses: int
    still_open: int
    profit: float
    total: float
    drawdown: float
    win_rate: float
    return_mean: float
    profit_factor: float
    expectancy: float
    best: float
    worst: float
    fees: float
    duration_ns: float


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """A day, week, month or year, or every day of one name.

    Attributes:
        name: ``2022-05-12``, ``2022-W19``, ``2022-05``, ``2022`` or ``Monday``.
        days: how many UTC days of it the run has.
        profit: what equity gained, open positions marked to market.
        return_frac: the same as a fraction, compounded over its days.
        benchmark_frac: of buying and holding; NaN without candles.
        trips, wins, draws, losses: of round trips that closed in it.
        profit_factor: of these.
    """

    name: str
    days: int
    profit: float
    return_frac: float
    benchmark_frac: float
    trips: int
    wins: int
    draws: int
    losses: int
    profit_factor: float


def group(
    name: str, trips: Sequence[RoundTrip], *, total: float = math.nan, drawdown: float = math.nan
) -> Group:
    """Return the figures of some round trips, open ones among them."""
    closed = [trip for trip in trips if not trip.is_open]
    profits = [trip.profit for trip in closed]
    wins, losses = sum(p > 0 for p in profits), sum(p < 0 for p in profits)
    return Group(
        name=name,
        trips=len(closed),
        wins=wins,
        draws=len(closed) - wins - losses,
        losses=losses,
        still_open=len(trips) - len(closed),
        profit=math.fsum(profits),
        total=total,
        drawdown=drawdown,
        win_rate=win_rate(profits),
        return_mean=expectancy([trip.return_frac for trip in closed]),
        profit_factor=profit_factor(profits),
        expectancy=expectancy(profits),
        best=max(profits, default=math.nan),
        worst=min(profits, default=math.nan),
        fees=math.fsum(float(trip.fees) for trip in trips),
        duration_ns=mean_duration(closed),
    )


def by_position(
    names: Iterable[str],
    kind: str,
    trips: Sequence[RoundTrip],
    *,
    curve: Curve,
    activity: Activity,
    marks: Marks,
) -> tuple[Group, ...]:
    """Return a group for each strategy or instrument, the best total first.

    Args:
        names: which; one that never traded has its row as well.
        kind: ``strategy`` or ``instrument``.
        trips: closed and open ones.
        curve: of the account.
        activity: its lines.
        marks: candles by instrument.
    """
    found = []
    for name in sorted({*names, *(getattr(trip, kind) for trip in trips)}):
        lines = [line for line in activity.lines if getattr(line, kind) == name]
        through = profit_through(curve, lines, marks)
        peaks = np.maximum(np.maximum.accumulate(through), 0.0)
        found.append(
            group(
                name,
                [trip for trip in trips if getattr(trip, kind) == name],
                total=float(through[-1]) if len(through) else 0.0,
                drawdown=float(np.max(peaks - through)) if len(through) else 0.0,
            )
        )
    return tuple(sorted(found, key=lambda each: (-each.total, each.name)))


def by_kind(trips: Sequence[RoundTrip], kinds: Sequence[str]) -> tuple[Group, ...]:
    """Return a group for each kind of round trip, the most frequent first.

    Args:
        trips: closed and open ones.
        kinds: of each trip.
    """
    sorted_out: dict[str, list[RoundTrip]] = {}
    for trip, kind in zip(trips, kinds, strict=True):
        sorted_out.setdefault(kind, []).append(trip)
    found = [group(name, some) for name, some in sorted_out.items()]
    return tuple(sorted(found, key=lambda each: (-each.trips - each.still_open, each.name)))


def periods(
    daily: DailyEquity, benchmark: DailyEquity | None, trips: Sequence[RoundTrip]
) -> Mapping[str, tuple[Period, ...]]:
    """Return a result by ``day``, ``week``, ``month``, ``year`` and ``weekday``.

    Args:
        daily: equity of the account.
        benchmark: of buying and holding, on the same days.
        trips: closed ones; each belongs to the UTC day of its close, one that
            closed at the midnight that ends the run to its last day.
    """
    dates = [_EPOCH + timedelta(days=day) for day in daily.days.tolist()]
    closed: dict[date, list[float]] = {}
    for trip in trips:
        day = datetime.fromtimestamp(trip.closed // SECOND_NS, UTC).date()
        closed.setdefault(min(day, dates[-1]), []).append(trip.profit)
    found = {
        kind: _by_calendar(name, dates, daily, benchmark, closed)
        for kind, name in _CALENDAR.items()
    }
    weekdays = sorted(found["weekday"], key=lambda each: WEEKDAYS.index(each.name))
    return {**found, "weekday": tuple(weekdays)}


def _week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


_CALENDAR: Final[Mapping[str, Callable[[date], str]]] = {
    "day": date.isoformat,
    "week": _week,
    "month": lambda day: f"{day:%Y-%m}",
    "year": lambda day: f"{day:%Y}",
    "weekday": lambda day: WEEKDAYS[day.weekday()],
}


def _by_calendar(
    name: Callable[[date], str],
    dates: Sequence[date],
    daily: DailyEquity,
    benchmark: DailyEquity | None,
    closed: Mapping[date, Sequence[float]],
) -> tuple[Period, ...]:
    days: dict[str, list[int]] = {}
    for at, day in enumerate(dates):
        days.setdefault(name(day), []).append(at)
    return tuple(
        _period(
            each,
            chosen,
            daily,
            benchmark,
            [profit for at in chosen for profit in closed.get(dates[at], ())],
        )
        for each, chosen in days.items()
    )


def _period(
    name: str,
    days: Sequence[int],
    daily: DailyEquity,
    benchmark: DailyEquity | None,
    profits: Sequence[float],
) -> Period:
    wins, losses = sum(p > 0 for p in profits), sum(p < 0 for p in profits)
    return Period(
        name=name,
        days=len(days),
        profit=math.fsum(daily.profits[days]),
        return_frac=_compounded(daily, days),
        benchmark_frac=math.nan if benchmark is None else _compounded(benchmark, days),
        trips=len(profits),
        wins=wins,
        draws=len(profits) - wins - losses,
        losses=losses,
        profit_factor=profit_factor(profits),
    )


def _compounded(daily: DailyEquity, days: Sequence[int]) -> float:
    return float(np.prod(1.0 + daily.returns[days])) - 1.0
