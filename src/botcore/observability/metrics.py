"""The platform's view as metrics: read when Prometheus asks, kept nowhere but where it must be."""

import platform
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector
from prometheus_client import generate_latest as render
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from botcore.control.changes import new_fills
from botcore.control.views import AccountView, FeedStatus, PlatformView
from botcore.domain.ids import SECOND_NS
from botcore.domain.modes import Mode
from botcore.observability import catalogue as c

BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
STRATEGY_STATES: Final = ("running", "warming up", "paused", "quarantined")
_MODES: Final = tuple(mode.value.lower() for mode in Mode)


class Metrics:
    """What `/metrics` prints, in a registry of its own.

    Not for several threads at once: the API's event loop is its only caller.

    Args:
        version: of botcore.
    """

    def __init__(self, *, version: str) -> None:
        self._version = version
        self._view: PlatformView | None = None
        self._age_s = float("inf")
        self._fills: Counter[str] = Counter()
        self._answers: Counter[tuple[str, str, str]] = Counter()
        self._durations: dict[tuple[str, str], _Durations] = {}
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Bridge(self._families))
        ProcessCollector(registry=self._registry)

    @property
    def content_type(self) -> str:
        """The media type of `scrape`."""
        return CONTENT_TYPE_LATEST

    def scrape(self, view: PlatformView | None, view_age_s: float) -> bytes:
        """Return all metrics in Prometheus' text format.

        Args:
            view: the newest document, or None before the first.
            view_age_s: how long ago it arrived, seconds.
        """
        self.observe(view, view_age_s)
        return render(self._registry)

    def observe(self, view: PlatformView | None, view_age_s: float) -> None:
        """Take a document in; more often than it loses executions, to count all of them."""
        if view is not None:
            self._fills.update(fill.account for fill in new_fills(self._view, view))
            self._view = view
        self._age_s = view_age_s

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer. `route` is a template, never a path that a stranger chose."""
        self._answers[route, method, f"{status // 100}xx"] += 1
        self._durations.setdefault((route, method), _Durations()).add(seconds)

    def _families(self) -> Iterable[Metric]:
        sheet = _Sheet()
        sheet.add(c.BUILD_INFO, 1, self._version, platform.python_version())
        sheet.add(c.VIEW_AGE, self._age_s)
        for labels, count in self._answers.items():
            sheet.add(c.HTTP_REQUESTS, count, *labels)
        for pair, durations in self._durations.items():
            sheet.add_histogram(c.HTTP_DURATION, durations, *pair)
        if self._view is not None:
            self._platform(sheet, self._view)
        return sheet.families()

    def _platform(self, sheet: "_Sheet", view: PlatformView) -> None:
        feed = view.feed
        sheet.add(c.UPTIME, view.uptime_s)
        sheet.add(c.STORAGE_OK, view.storage == "ok")
        sheet.add(c.STREAM_CONNECTED, feed.status is not FeedStatus.DOWN, feed.name, "market")
        sheet.add(c.STREAM_AGE, feed.age_s + self._age_s, feed.name, "market")
        sheet.add(c.ALERTS, len(view.alerts))
        for account in view.accounts:
            self._account(sheet, view, account)
        for strategy in view.strategies:
            sheet.add(c.STRATEGY_RESULT, float(strategy.result), strategy.id)
            for state in STRATEGY_STATES:
                sheet.add(c.STRATEGY_STATE, strategy.status == state, strategy.id, state)

    def _account(self, sheet: "_Sheet", view: PlatformView, account: AccountView) -> None:
        name = account.id
        for mode in _MODES:
            sheet.add(c.UP_MODE, account.mode.lower() == mode, name, mode)
        sheet.add(c.EQUITY, float(account.equity), name)
        sheet.add(c.DRAWDOWN, account.drawdown_frac, name)
        sheet.add(c.DAILY_LOSS, max(0.0, -float(account.day_result)), name)
        sheet.add(c.FEES, float(account.fees_total), name)
        sheet.add(c.FILLS, self._fills[name], name)
        for meter in account.meters:
            # What stands in brackets (which instrument) changes; the limit's name does not.
            limit = meter.name.partition(" (")[0]
            sheet.add(c.RISK_USED, meter.used_frac, name, limit)
        orders = [order for order in view.orders if order.account == name]
        doubts = [order.ts for order in orders if order.state == "IN_DOUBT"]
        sheet.add(c.ORDERS_OPEN, len(orders), name)
        sheet.add(c.IN_DOUBT, len(doubts), name)
        oldest_s = (view.feed.now - min(doubts)) / SECOND_NS if doubts else 0.0
        sheet.add(c.IN_DOUBT_OLDEST, oldest_s, name)
        sheet.add(c.CANCELS_OWED, sum(order.cancel_owed for order in orders), name)
        unrealised = dict.fromkeys((strategy.id for strategy in view.strategies), 0.0)
        for position in view.positions:
            if position.account == name:
                earned = unrealised.get(position.strategy, 0.0) + float(position.unrealised)
                unrealised[position.strategy] = earned
        for strategy, earned in unrealised.items():
            sheet.add(c.UNREALISED, earned, name, strategy)


class _Durations:
    """A histogram: how many answers took at most each of `BUCKETS_S`, and longer."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BUCKETS_S) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        self._counts[bisect_left(BUCKETS_S, seconds)] += 1
        self.sum_s += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        total = 0
        found = []
        for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), self._counts, strict=True):
            total += count
            found.append((bound, float(total)))
        return found


class _Sheet:
    """One scrape: a family for every metric of the catalogue, whether it has a value or not."""

    def __init__(self) -> None:
        self._families: dict[str, Metric] = {spec.name: _family(spec) for spec in c.CATALOGUE}

    def add(self, spec: c.MetricSpec, value: float, *labels: str) -> None:
        self._families[spec.name].add_metric(labels, float(value))  # type: ignore[attr-defined] # each kind has it

    def add_histogram(self, spec: c.MetricSpec, durations: _Durations, *labels: str) -> None:
        family = self._families[spec.name]
        family.add_metric(labels, durations.cumulative(), durations.sum_s)  # type: ignore[attr-defined] # as above

    def families(self) -> Iterable[Metric]:
        return self._families.values()


class _Bridge(Collector):
    """Hands the families to the registry when it is asked for them."""

    def __init__(self, families: Callable[[], Iterable[Metric]]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families()


def _family(spec: c.MetricSpec) -> Metric:
    match spec.kind:
        case c.Kind.GAUGE:
            return GaugeMetricFamily(spec.full_name, spec.help, labels=spec.labels)
        case c.Kind.COUNTER:
            return CounterMetricFamily(spec.full_name, spec.help, labels=spec.labels)
        case c.Kind.HISTOGRAM:
            return HistogramMetricFamily(spec.full_name, spec.help, labels=spec.labels)
