"""One reading of all metrics: a family for each of the catalogue, filled by who knows figures."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from botcore.observability import catalogue as c

BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Histogram:
    """How many of what was measured were at most each bound, and above all.

    Args:
        bounds: upper bounds, rising.
    """

    def __init__(self, bounds: Sequence[float] = BUCKETS_S) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Take one."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def cumulative(self) -> list[tuple[str, float]]:
        """Return bound → how many were at most that, as Prometheus shows it."""
        total = 0
        found = []
        for bound, count in zip((*map(str, self._bounds), "+Inf"), self._counts, strict=True):
            total += count
            found.append((bound, float(total)))
        return found


class Sheet:
    """A family for every metric of the catalogue, whether it has a value or not."""

    def __init__(self) -> None:
        self._families: dict[str, Metric] = {spec.name: _family(spec) for spec in c.CATALOGUE}

    def add(self, spec: c.MetricSpec, value: float, *labels: str) -> None:
        """Write a figure down."""
        self._families[spec.name].add_metric(labels, float(value))  # type: ignore[attr-defined] # each kind has it

    def add_histogram(self, spec: c.MetricSpec, histogram: Histogram, *labels: str) -> None:
        """Write a histogram down."""
        family = self._families[spec.name]
        family.add_metric(labels, histogram.cumulative(), histogram.sum)  # type: ignore[attr-defined] # as above

    def families(self) -> Iterable[Metric]:
        """Return what was written, with the families that nobody wrote to."""
        return self._families.values()


Source = Callable[[Sheet], None]
"""Writes the figures down that it knows; quick, called at each reading on the event loop."""


def _family(spec: c.MetricSpec) -> Metric:
    match spec.kind:
        case c.Kind.GAUGE:
            return GaugeMetricFamily(spec.full_name, spec.help, labels=spec.labels)
        case c.Kind.COUNTER:
            return CounterMetricFamily(spec.full_name, spec.help, labels=spec.labels)
        case c.Kind.HISTOGRAM:
            return HistogramMetricFamily(spec.full_name, spec.help, labels=spec.labels)
