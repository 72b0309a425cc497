"""``report.json``: what a run found, for programs; read back by `list`, `show` and `compare`.

Numbers are numbers, money is a decimal string, an instant is ISO 8601 in UTC, a length of time is
seconds, and what is not known is null. Fields are added, never renamed or removed, without a new
`SCHEMA_VERSION`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

import botcore
from botcore.backtest.reporting.analysis import Analysis, Hole
from botcore.backtest.reporting.breakdowns import Group, Period
from botcore.backtest.reporting.catalogue import BY_KEY
from botcore.backtest.reporting.curves import Curve
from botcore.backtest.reporting.figures import Figure
from botcore.backtest.reporting.motives import OPERAND
from botcore.backtest.reporting.record import AmbiguousFill
from botcore.backtest.reporting.wording import UNKNOWN, Unit, exact, money, stamp, worded
from botcore.domain.ids import DAY_NS, SECOND_NS
from botcore.risk import DENIALS
from botcore.statistics import Drawdown

SCHEMA_VERSION: Final = 1
LISTED_MOST: Final = 1_000
"""Gaps and ambiguous bars that are listed; all are counted."""


class StoredMetric(msgspec.Struct, frozen=True, kw_only=True):
    """A figure: its key in the catalogue, its value, and both in words.

    Attributes:
        value: a number, a string (money, an instant), or None.
        benchmark: the same of buying and holding.
    """

    key: str
    name: str
    group: str
    unit: str
    value: float | str | None
    text: str
    benchmark: float | str | None
    benchmark_text: str


class StoredGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A `Group`; money as strings, the time held in seconds."""

    name: str
    trips: int
    wins: int
    draws: int
    losses: int
    still_open: int
    profit: str
    total: str | None
    drawdown: str | None
    win_rate: float | None
    return_mean: float | None
    profit_factor: float | None
    expectancy: str | None
    best: str | None
    worst: str | None
    fees: str
    duration_s: float | None


class StoredPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """A `Period`."""

    name: str
    days: int
    profit: str
    return_frac: float | None
    benchmark_frac: float | None
    trips: int
    wins: int
    draws: int
    losses: int
    profit_factor: float | None


class StoredDrawdown(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch below a peak."""

    began: str
    bottom: str
    recovered: str | None
    depth_frac: float
    depth: str
    duration_s: float


class StoredHole(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch without bars."""

    instrument: str
    start: str
    end: str
    bars: int


class StoredAmbiguity(msgspec.Struct, frozen=True, kw_only=True):
    """A fill that was decided against the strategy because its bar does not tell."""

    at: str
    strategy: str
    instrument: str


class StoredDenial(msgspec.Struct, frozen=True, kw_only=True):
    """How often risk refused a strategy for one reason."""

    strategy: str
    code: str
    count: int
    meaning: str


class StoredDays(msgspec.Struct, frozen=True, kw_only=True):
    """Equity at the end of each UTC day, from `first` on, without a day left out."""

    first: str
    equity: tuple[float, ...]
    benchmark: tuple[float, ...] | None


class StoredReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report as it is kept.

    Attributes:
        schema_version: of this file.
        digest: SHA-256 of the file with this field's digits as zeros.
        version: of the platform that wrote it.
        start, end: first open and last close.
        seconds: how long the run took.
        metrics: in the catalogue's order.
        strategies, instruments, exits, sides: round trips by what they have in common.
        periods: by ``day``, ``week``, ``month``, ``year`` and ``weekday``.
        holes, ambiguous: the first ones; `holes_count` and the metric ``ambiguous`` count all.
        denied: what risk refused.
        ended: state → orders that ended in it without being filled.
        assumptions: name and value, in the order in which they are printed.
        files: name → SHA-256 of what lies beside it.
    """

    schema_version: int
    digest: str
    title: str
    warnings: tuple[str, ...]
    warning: str
    version: str
    currency: str
    start: str
    end: str
    seconds: float
    fingerprint: str
    inputs_digest: str
    metrics: tuple[StoredMetric, ...]
    strategies: tuple[StoredGroup, ...]
    instruments: tuple[StoredGroup, ...]
    exits: tuple[StoredGroup, ...]
    sides: tuple[StoredGroup, ...]
    periods: Mapping[str, tuple[StoredPeriod, ...]]
    drawdowns: tuple[StoredDrawdown, ...]
    days: StoredDays
    holes_count: int
    holes: tuple[StoredHole, ...]
    ambiguous: tuple[StoredAmbiguity, ...]
    denied: tuple[StoredDenial, ...]
    ended: Mapping[str, int]
    assumptions: tuple[tuple[str, str], ...]
    unpriced: tuple[str, ...]
    files: Mapping[str, str]

    def metric(self, key: str) -> StoredMetric | None:
        """Return a metric by its key; None where this report has none."""
        return next((each for each in self.metrics if each.key == key), None)

    def rows(self) -> tuple[tuple[str, str], ...]:
        """Return the figures that matter most as people read them: name and value."""
        shown = [each for each in self.metrics if each.key in BY_KEY]
        return tuple((each.name, _beside(each)) for each in shown if BY_KEY[each.key].in_terminal)


def stored(analysis: Analysis, files: Mapping[str, str]) -> StoredReport:
    """Return what is written of a run.

    Args:
        analysis: of the run.
        files: name → SHA-256 of what is written beside it.
    """
    report, curve = analysis.report, analysis.curve
    amounts = {
        "equity_start": exact(report.equity_start),
        "equity_end": exact(report.equity_end),
        "fees": exact(report.fees),
    }
    return StoredReport(
        schema_version=SCHEMA_VERSION,
        digest="",
        title=report.title,
        warnings=analysis.warnings,
        warning=report.warning,
        version=botcore.__version__,
        currency=report.currency,
        start=stamp(curve.start),
        end=stamp(curve.end),
        seconds=report.seconds,
        fingerprint=report.fingerprint,
        inputs_digest=report.inputs_digest,
        metrics=tuple(_metric(each, report.currency, amounts) for each in analysis.figures),
        strategies=_groups(analysis.strategies),
        instruments=_groups(analysis.instruments),
        exits=_groups(analysis.exits),
        sides=_groups(analysis.sides),
        periods={
            kind: tuple(_period(each) for each in found) for kind, found in analysis.periods.items()
        },
        drawdowns=tuple(_drawdown(each) for each in analysis.drawdowns),
        days=_days(curve, analysis.benchmark),
        holes_count=len(analysis.holes),
        holes=tuple(_hole(each) for each in analysis.holes[:LISTED_MOST]),
        ambiguous=tuple(_ambiguity(each) for each in report.activity.ambiguous[:LISTED_MOST]),
        denied=_denied(report.activity.denied),
        ended=dict(sorted(report.activity.ended.items())),
        assumptions=report.assumptions,
        unpriced=report.unpriced,
        files=dict(sorted(files.items())),
    )


def _beside(metric: StoredMetric) -> str:
    if metric.benchmark is None or metric.benchmark_text == metric.text:
        return metric.text
    return f"{metric.text}  (buy and hold {metric.benchmark_text})"


def _metric(figure: Figure, currency: str, amounts: Mapping[str, str]) -> StoredMetric:
    metric = figure.metric
    compared = not math.isnan(figure.benchmark)
    return StoredMetric(
        key=metric.key,
        name=metric.name,
        group=metric.group,
        unit=metric.unit.value,
        value=amounts.get(metric.key) or _plain(figure.value, metric.unit),
        text=worded(figure.value, metric.unit, currency),
        benchmark=_plain(figure.benchmark, metric.unit),
        benchmark_text=worded(figure.benchmark, metric.unit, currency) if compared else UNKNOWN,
    )


def _plain(value: float, unit: Unit) -> float | str | None:
    if not math.isfinite(value):
        return None
    match unit:
        case Unit.MONEY | Unit.CHANGE:
            return money(value)
        case Unit.INSTANT:
            return stamp(int(value))
        case Unit.DURATION:
            return value / SECOND_NS
        case Unit.COUNT:
            return int(value)
        case (
            Unit.FRACTION
            | Unit.SHARE
            | Unit.RETURN
            | Unit.RATIO
            | Unit.PROBABILITY
            | Unit.RATE
            | Unit.DAYS
        ):
            return value


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _money(value: float) -> str | None:
    return money(value) if math.isfinite(value) else None


def _groups(groups: Sequence[Group]) -> tuple[StoredGroup, ...]:
    return tuple(
        StoredGroup(
            name=each.name,
            trips=each.trips,
            wins=each.wins,
            draws=each.draws,
            losses=each.losses,
            still_open=each.still_open,
            profit=money(each.profit),
            total=_money(each.total),
            drawdown=_money(each.drawdown),
            win_rate=_number(each.win_rate),
            return_mean=_number(each.return_mean),
            profit_factor=_number(each.profit_factor),
            expectancy=_money(each.expectancy),
            best=_money(each.best),
            worst=_money(each.worst),
            fees=money(each.fees),
            duration_s=_number(each.duration_ns / SECOND_NS),
        )
        for each in groups
    )


def _period(period: Period) -> StoredPeriod:
    return StoredPeriod(
        name=period.name,
        days=period.days,
        profit=money(period.profit),
        return_frac=_number(period.return_frac),
        benchmark_frac=_number(period.benchmark_frac),
        trips=period.trips,
        wins=period.wins,
        draws=period.draws,
        losses=period.losses,
        profit_factor=_number(period.profit_factor),
    )


def _drawdown(fall: Drawdown) -> StoredDrawdown:
    return StoredDrawdown(
        began=stamp(fall.began),
        bottom=stamp(fall.bottom),
        recovered=None if fall.recovered is None else stamp(fall.recovered),
        depth_frac=fall.depth_frac,
        depth=money(fall.depth),
        duration_s=fall.duration_ns / SECOND_NS,
    )


def _days(curve: Curve, held: Curve | None) -> StoredDays:
    daily = curve.daily()
    first = int(daily.days[0]) * DAY_NS if len(daily.days) else curve.start
    return StoredDays(
        first=stamp(first)[:10],
        equity=tuple(daily.equity.tolist()),
        benchmark=None if held is None else tuple(held.daily().equity.tolist()),
    )


def _hole(hole: Hole) -> StoredHole:
    return StoredHole(
        instrument=hole.instrument, start=stamp(hole.start), end=stamp(hole.end), bars=hole.bars
    )


def _ambiguity(fill: AmbiguousFill) -> StoredAmbiguity:
    return StoredAmbiguity(at=stamp(fill.ts), strategy=fill.strategy, instrument=fill.instrument)


def _denied(counts: Mapping[tuple[str, str], int]) -> tuple[StoredDenial, ...]:
    return tuple(
        StoredDenial(strategy=strategy, code=code, count=count, meaning=_meaning(code))
        for (strategy, code), count in sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    )


def _meaning(code: str) -> str:
    """Return a denial's sentence without its numbers."""
    return OPERAND.sub("…", DENIALS.get(code, ""))
