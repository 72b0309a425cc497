"""A report looked at with its candles: everything that is written, computed once."""

import math
from collections.abc import Callable, Mapping

import msgspec
import numpy as np

from botcore.backtest.reporting.breakdowns import Group, Period, by_kind, by_position, periods
from botcore.backtest.reporting.curves import Curve, Marks, buy_and_hold, last_mark
from botcore.backtest.reporting.excursions import Excursions, excursions
from botcore.backtest.reporting.figures import Figure, curve_figures, figures_of, stake_figures
from botcore.backtest.reporting.motives import STILL_OPEN, Motives
from botcore.backtest.reporting.result import BacktestReport
from botcore.backtest.reporting.trips import SHORT, Motive, RoundTrip
from botcore.domain.ids import InstrumentId
from botcore.statistics import Drawdown, drawdowns

DRAWDOWNS_SHOWN = 10
_FEW_DAYS = 30
_FEW_TRIPS = 30


class Hole(msgspec.Struct, frozen=True):
    """A stretch without bars: from the close before it to the open after it, nanoseconds UTC."""

    instrument: str
    start: int
    end: int
    bars: int


class Analysis(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """What is written of a run.

    Attributes:
        report: what was found.
        marks: candles of the run's instruments, as given.
        curve: of the account; `benchmark`: of buying and holding, None without candles.
        trips: closed ones by their close, then those that are still open.
        reasons: of each trip: why it was entered and left, with the numbers.
        kinds: of each trip: the same without the numbers.
        excursions: of each trip.
        figures: every metric.
        strategies, instruments, exits, sides: groups; `sides` is empty when all were long.
        periods: by ``day``, ``week``, ``month``, ``year`` and ``weekday``.
        drawdowns: the deepest ones, deepest first.
        holes: in the candles, oldest first.
        warnings: what must be read before the figures.
    """

    report: BacktestReport
    marks: Marks
    curve: Curve
    benchmark: Curve | None
    trips: tuple[RoundTrip, ...]
    reasons: tuple[tuple[str, str], ...]
    kinds: tuple[tuple[str, str], ...]
    excursions: Excursions
    figures: tuple[Figure, ...]
    strategies: tuple[Group, ...]
    instruments: tuple[Group, ...]
    exits: tuple[Group, ...]
    sides: tuple[Group, ...]
    periods: Mapping[str, tuple[Period, ...]]
    drawdowns: tuple[Drawdown, ...]
    holes: tuple[Hole, ...]
    warnings: tuple[str, ...]


def analyse(report: BacktestReport, marks: Marks) -> Analysis:
    """Look at a report with its candles.

    Args:
        report: of a run.
        marks: candles of every instrument that it had, or of some, or none.
    """
    curve = report.equity_curve()
    held = buy_and_hold(curve, marks, fee_frac=report.taker_fee_frac)
    trips = (*sorted(report.trips, key=lambda trip: trip.closed), *_left_open(report, curve, marks))
    motives = Motives(report.strategies)
    kinds = tuple(_words(motives.kind, trip) for trip in trips)
    own = report.values() | stake_figures(curve, trips, report.activity, marks)
    closed = tuple(trip for trip in trips if not trip.is_open)
    days = curve.daily()
    return Analysis(
        report=report,
        marks=marks,
        curve=curve,
        benchmark=held,
        trips=trips,
        reasons=tuple(_words(motives.sentence, trip) for trip in trips),
        kinds=kinds,
        excursions=excursions(trips, marks),
        figures=figures_of(own, _comparable(held)),
        strategies=by_position(
            report.strategies,
            "strategy",
            trips,
            curve=curve,
            activity=report.activity,
            marks=marks,
        ),
        instruments=by_position(
            marks, "instrument", trips, curve=curve, activity=report.activity, marks=marks
        ),
        exits=by_kind(trips, [left for _, left in kinds]),
        sides=by_kind(trips, [trip.side for trip in trips]) if _has_shorts(trips) else (),
        periods=periods(days, None if held is None else held.daily(), closed),
        drawdowns=drawdowns(
            curve.stamps,
            curve.equity,
            initial=curve.initial,
            start=curve.start,
            most=DRAWDOWNS_SHOWN,
        ),
        holes=_holes(curve, marks),
        warnings=_warnings(report, days=len(days.days), has_marks=held is not None),
    )


def _left_open(report: BacktestReport, curve: Curve, marks: Marks) -> tuple[RoundTrip, ...]:
    found = []
    for line in report.activity.lines:
        candles = marks.get(InstrumentId(line.instrument))
        if line.is_open:
            mark = math.nan if candles is None else last_mark(candles, curve.end)
            found.append(line.left_open(end=curve.end, mark=mark))
    return tuple(found)


def _words(words: Callable[[str, Motive], str], trip: RoundTrip) -> tuple[str, str]:
    left = STILL_OPEN if trip.is_open else words(trip.strategy, trip.exit)
    return words(trip.strategy, trip.entry), left


def _has_shorts(trips: tuple[RoundTrip, ...]) -> bool:
    return any(trip.side == SHORT for trip in trips)


def _comparable(held: Curve | None) -> Mapping[str, float]:
    return {} if held is None else curve_figures(held)


def _holes(curve: Curve, marks: Marks) -> tuple[Hole, ...]:
    found = []
    for name, candles in marks.items():
        inside = candles.between(curve.start, curve.end)
        steps = np.diff(inside.ts_open)
        for at in np.flatnonzero(steps > candles.step_ns).tolist():
            missing = int(steps[at]) // candles.step_ns - 1
            before = int(inside.ts_open[at]) + candles.step_ns
            found.append(Hole(name, before, int(inside.ts_open[at + 1]), missing))
    return tuple(sorted(found, key=lambda hole: (hole.start, hole.instrument)))


def _warnings(report: BacktestReport, *, days: int, has_marks: bool) -> tuple[str, ...]:
    found = [report.warning] if report.warning else []
    found += report.notes
    if report.unpriced:
        names = ", ".join(report.unpriced)
        found.append(f"held at the end without a price, and counted as nothing: {names}")
    if days < _FEW_DAYS:
        found.append(f"figures a year rest on {days} daily returns: far too few to rely on")
    if len(report.trips) < _FEW_TRIPS:
        found.append(f"{len(report.trips)} round trips are too few for averages over them")
    if not has_marks:
        found.append("no candles were given: there is nothing to compare with")
    return tuple(found)
