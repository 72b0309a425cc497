"""`MonitoringSystem`: figures by component, and the alerts that their thresholds raise and end."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from math import isfinite, isnan
from typing import Final

import msgspec

from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock
from botcore.observability import catalogue as c
from botcore.observability.metrics import Figure
from botcore.observability.sheet import Sheet
from botcore.observability.thresholds import THRESHOLDS, Severity, Threshold, Watch

HISTORY: Final = 1_000
"""Alerts that are remembered, those that are raised included."""
_POINTS: Final = 60
"""Points kept of a counter over its window."""
_SERIES_MAX: Final = 20_000

Labels = tuple[tuple[str, str], ...]
"""Label and value, sorted by label."""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Something was, or is, beyond its threshold.

    Attributes:
        id: later ones are higher.
        name: of the threshold.
        value: the figure when it was raised; None where it was beyond all numbers.
        began_at, ended_at: nanoseconds since 1970; an end of 0 says that it still holds.
    """

    id: int
    name: str
    component: str
    severity: Severity
    words: str
    metric: str
    labels: dict[str, str]
    value: float | None
    began_at: int
    ended_at: int = 0
    runbook: str

    @property
    def is_firing(self) -> bool:
        """Whether it still holds."""
        return not self.ended_at


class MonitoringSystem:
    """Takes figures in, and says what is beyond its threshold, once when it begins and ends.

    Not for several threads at once.

    Args:
        clock: wall time dates alerts, monotonic time measures how long something holds.
        thresholds: what is watched.
        known: alerts of an earlier run, oldest first; those that held are taken up again.
        on_change: told of each alert as it is raised, and again as it ends.
        history: how many alerts are remembered.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        thresholds: Sequence[Threshold] = THRESHOLDS,
        known: Iterable[Alert] = (),
        on_change: Callable[[Alert], None] | None = None,
        history: int = HISTORY,
    ) -> None:
        self._clock = clock
        self._on_change = on_change
        self._history_max = history
        self._figures: dict[str, tuple[Figure, ...]] = {}
        self._watched = [_Watched(threshold) for threshold in thresholds]
        self._alerts: dict[int, Alert] = {}
        self._firing: dict[tuple[str, Labels], int] = {}
        for alert in known:
            self._alerts[alert.id] = alert
            if alert.is_firing:
                self._firing[alert.name, _sorted(alert.labels)] = alert.id
        self._last_id = max(self._alerts, default=0)
        names = {threshold.name for threshold in thresholds}
        for key in [key for key in self._firing if key[0] not in names]:
            self._end(key)  # nobody watches that any more

    def collect_metrics(
        self, component: str, metrics: Iterable[Figure] | Mapping[str, float]
    ) -> None:
        """Take the figures of a component in; those it had before are forgotten.

        Args:
            component: name of it.
            metrics: its figures; a mapping has figures without labels by name.
        """
        if isinstance(metrics, Mapping):
            metrics = [Figure(name, {}, value) for name, value in metrics.items()]
        self._figures[component] = tuple(metrics)

    def figures(self) -> Mapping[str, tuple[Figure, ...]]:
        """Return the newest figures by component."""
        return self._figures

    def check_thresholds(self, metrics: Iterable[Figure] | None = None) -> tuple[Alert, ...]:
        """Look at all thresholds, and return the alerts that hold, newest first.

        Args:
            metrics: figures to look at; those that were collected where it is None.
        """
        if metrics is None:
            metrics = [each for figures in self._figures.values() for each in figures]
        by_name: dict[str, list[Figure]] = {}
        for figure in metrics:
            by_name.setdefault(figure.name, []).append(figure)
        now = self._clock.monotonic_ns()
        for watched in self._watched:
            self._look(watched, by_name.get(watched.threshold.metric.full_name, ()), now)
        return self.firing()

    def firing(self) -> tuple[Alert, ...]:
        """Return the alerts that hold, newest first."""
        return tuple(self._alerts[each] for each in sorted(self._firing.values(), reverse=True))

    def alerts(self) -> Sequence[Alert]:
        """Return every alert that is remembered, newest first."""
        return list(reversed(self._alerts.values()))

    def __call__(self, sheet: Sheet) -> None:
        """Write down which alerts hold."""
        names = {name for name, _ in self._firing}
        for watched in self._watched:
            each = watched.threshold
            sheet.add(c.FIRING, each.name in names, each.name, each.severity)

    def _look(self, watched: "_Watched", figures: Iterable[Figure], now: int) -> None:
        threshold = watched.threshold
        values = watched.values(figures, now)
        for labels, value in values.items():
            key = (threshold.name, labels)
            is_firing = key in self._firing
            turned = watched.turned(labels, value, now, is_firing=is_firing)
            if turned and is_firing:
                self._end(key)
            elif turned:
                self._raise(threshold, labels, value)
        for key in [key for key in self._firing if key[0] == threshold.name]:
            # What is gone, as a strategy that was removed, no longer is beyond anything.
            gone = key[1] not in values
            if gone and watched.turned(key[1], None, now, is_firing=True):
                self._end(key)
        watched.forget_all_but({*values, *(key[1] for key in self._firing)})

    def _raise(self, threshold: Threshold, labels: Labels, value: float) -> None:
        self._last_id += 1
        named = dict(labels)
        alert = Alert(
            id=self._last_id,
            name=threshold.name,
            component=threshold.metric.component,
            severity=threshold.severity,
            words=threshold.words.format_map(_Words(named, value=_Shown(value))),
            metric=threshold.metric.full_name,
            labels=named,
            value=value if isfinite(value) else None,
            began_at=self._clock.now_ns(),
            runbook=threshold.runbook,
        )
        self._firing[threshold.name, labels] = alert.id
        self._keep(alert)

    def _end(self, key: tuple[str, Labels]) -> None:
        alert = self._alerts[self._firing.pop(key)]
        self._keep(msgspec.structs.replace(alert, ended_at=self._clock.now_ns()))

    def _keep(self, alert: Alert) -> None:
        self._alerts[alert.id] = alert
        if len(self._alerts) > self._history_max:
            ended = next((each.id for each in self._alerts.values() if not each.is_firing), None)
            if ended is not None:
                del self._alerts[ended]
        if self._on_change is not None:
            self._on_change(alert)


class _Watched:
    """One threshold, and since when its figures are where they are."""

    def __init__(self, threshold: Threshold) -> None:
        self.threshold = threshold
        self._since: dict[Labels, int] = {}
        self._grown: dict[Labels, _Growth] = {}
        self._is_first = True

    def values(self, figures: Iterable[Figure], now: int) -> dict[Labels, float]:
        """Return what is compared with the level, by labels."""
        threshold = self.threshold
        found: dict[Labels, float] = {}
        for figure in figures:
            if isnan(figure.value) or not _counts(figure, threshold):
                continue
            labels = _sorted(figure.labels)
            value = figure.value
            if threshold.watch is Watch.GROWS:
                value = self._growth(labels, value, now)
            if threshold.is_summed:
                labels = ()
            found[labels] = found.get(labels, 0.0) + value
        self._is_first = False
        return found

    def turned(self, labels: Labels, value: float | None, now: int, *, is_firing: bool) -> bool:
        """Whether it is time to raise, or to end; `value` is None where there is none."""
        threshold = self.threshold
        is_beyond = value is not None and _is_beyond(threshold, value, is_firing=is_firing)
        if is_beyond is is_firing:
            self._since.pop(labels, None)
            return False
        since = self._since.setdefault(labels, now)
        wait_s = threshold.clear_s if is_firing else threshold.for_s
        if now - since < wait_s * SECOND_NS:
            return False
        del self._since[labels]
        return True

    def forget_all_but(self, labels: Set[Labels]) -> None:
        """Forget since when what is gone was beyond its level."""
        for gone in self._since.keys() - labels:
            del self._since[gone]

    def _growth(self, labels: Labels, value: float, now: int) -> float:
        growth = self._grown.get(labels)
        if growth is None:
            if len(self._grown) >= _SERIES_MAX:
                return 0.0
            # Where we come late, or it began before us, it begins with what it shows.
            is_known = self.threshold.begins_at_zero and not self._is_first
            start = 0.0 if is_known else value
            growth = self._grown[labels] = _Growth(self.threshold.within_s, start, now)
        return growth.of(value, now)


class _Growth:
    """A counter over a window; it may begin anew at zero."""

    def __init__(self, window_s: int, start: float, now: int) -> None:
        self._window_ns = window_s * SECOND_NS
        self._last = start
        self._sum = 0.0
        self._points: deque[tuple[int, float]] = deque([(now, 0.0)])

    def of(self, value: float, now: int) -> float:
        """Return by how much it grew within the window."""
        self._sum += value - self._last if value >= self._last else value
        self._last = value
        points = self._points
        if now - points[-1][0] >= self._window_ns // _POINTS:
            points.append((now, self._sum))
        while len(points) > 1 and points[1][0] <= now - self._window_ns:
            points.popleft()
        return self._sum - points[0][1]


class _Words(dict[str, object]):
    """What stands in a sentence; a label that a figure lacks is a question mark."""

    def __missing__(self, name: str) -> str:
        return "?"


class _Shown(float):
    """A figure as people read it where a sentence does not say how."""

    def __format__(self, spec: str) -> str:
        return super().__format__(spec or ".4g")


def _is_beyond(threshold: Threshold, value: float, *, is_firing: bool) -> bool:
    level = threshold.level
    if is_firing and threshold.clear is not None:
        level = threshold.clear
    return value < level if threshold.watch is Watch.BELOW else value > level


def _counts(figure: Figure, threshold: Threshold) -> bool:
    return all(figure.labels.get(label) in values for label, values in threshold.where.items())


def _sorted(labels: Mapping[str, str]) -> Labels:
    return tuple(sorted(labels.items()))
