"""The platform's figures as metrics: read when somebody asks, kept only where they must be."""

import platform
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

import msgspec
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    GCCollector,
    ProcessCollector,
)
from prometheus_client import generate_latest as render
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from botcore.control.views import PlatformView
from botcore.observability import catalogue as c
from botcore.observability.from_view import ViewFigures
from botcore.observability.sheet import Histogram, Sheet, Source

_LEFT_OUT: Final = ("_bucket", "_created")


class Figure(msgspec.Struct, frozen=True):
    """One number of one metric at one moment.

    Attributes:
        name: as Prometheus shows it; of a histogram its ``…_count`` and ``…_sum``.
        labels: name → value.
    """

    name: str
    labels: dict[str, str]
    value: float


class Metrics:
    """What `/metrics` prints, in a registry of its own.

    Not for several threads at once: the API's event loop is its only caller.

    Args:
        version: of botcore.
    """

    def __init__(self, *, version: str) -> None:
        self._version = version
        self._view = ViewFigures()
        self._answers: Counter[tuple[str, str, str]] = Counter()
        self._durations: dict[tuple[str, str], Histogram] = {}
        self._in_flight = 0
        self._sources: list[Source] = [self._own, self._view]
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Bridge(self._families))
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    @property
    def content_type(self) -> str:
        """The media type of `scrape`."""
        return CONTENT_TYPE_LATEST

    def add(self, source: Source) -> None:
        """Ask a further source at each reading."""
        self._sources.append(source)

    def scrape(self, view: PlatformView | None, view_age_s: float) -> bytes:
        """Return all metrics in Prometheus' text format.

        Args:
            view: the newest document, or None before the first.
            view_age_s: how long ago it arrived, seconds.
        """
        self.observe(view, view_age_s)
        return self.scrape_observed()

    def scrape_observed(self) -> bytes:
        """Return the same of the document that was observed last."""
        return render(self._registry)

    def figures(self) -> dict[c.Component, list[Figure]]:
        """Return all figures by component; of histograms count and sum."""
        found: dict[c.Component, list[Figure]] = {component: [] for component in c.Component}
        for family in self._registry.collect():
            into = found[_COMPONENTS.get(family.name, c.Component.PROCESS)]
            into.extend(
                Figure(sample.name, sample.labels, sample.value)
                for sample in family.samples
                if not sample.name.endswith(_LEFT_OUT)
            )
        return found

    def observe(self, view: PlatformView | None, view_age_s: float) -> None:
        """Take a document in; more often than it loses executions, to count all of them."""
        self._view.observe(view, view_age_s)

    def recomposed(self, pid: int) -> None:
        """Expect another engine after this one, which was asked to begin anew: no restart."""
        self._view.recomposed(pid)

    def began(self) -> None:
        """Count a request as being answered, until `answered`."""
        self._in_flight += 1

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer. `route` is a template, never a path that a stranger chose."""
        self._in_flight = max(0, self._in_flight - 1)
        self._answers[route, method, f"{status // 100}xx"] += 1
        durations = self._durations.get((route, method))
        if durations is None:
            durations = self._durations[route, method] = Histogram()
        durations.add(seconds)

    def _own(self, sheet: Sheet) -> None:
        sheet.add(c.BUILD_INFO, 1, self._version, platform.python_version())
        sheet.add(c.HTTP_IN_FLIGHT, self._in_flight)
        for labels, count in self._answers.items():
            sheet.add(c.HTTP_REQUESTS, count, *labels)
        for pair, durations in self._durations.items():
            sheet.add_histogram(c.HTTP_DURATION, durations, *pair)

    def _families(self) -> Iterable[Metric]:
        sheet = Sheet()
        for source in self._sources:
            source(sheet)
        return sheet.families()


# A counter's family is named without its ending.
_COMPONENTS: Final = {spec.full_name.removesuffix("_total"): spec.component for spec in c.CATALOGUE}


class _Bridge(Collector):
    """Hands the families to the registry when it is asked for them."""

    def __init__(self, families: Callable[[], Iterable[Metric]]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families()
