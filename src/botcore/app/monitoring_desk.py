"""Figures and alerts as control shows them: those of the platform, and what the engine noted."""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Final

from botcore.control.history_port import Span
from botcore.control.monitoring_port import Place, Placed
from botcore.control.schema.monitoring import (
    AlertSeverity,
    AlertSource,
    AlertState,
    ComponentFigures,
    MonitoredAlert,
)
from botcore.control.schema.monitoring import Figure as Shown
from botcore.control.schema.values import instant
from botcore.control.views import PlatformView
from botcore.domain.ids import AccountId
from botcore.observability import catalogue as c
from botcore.observability.metrics import Figure, Metrics
from botcore.observability.monitoring import Alert, MonitoringSystem
from botcore.storage import Asked, History, Row, Store

Look = Callable[[], tuple[PlatformView | None, float]]
"""Returns the engine's newest view, and its age in seconds."""


class MonitoringDesk:
    """Figures and alerts as control shows them (`control.monitoring_port.Monitoring`).

    Args:
        metrics: has the figures.
        system: has the alerts.
        look: at the engine.
    """

    def __init__(self, metrics: Metrics, system: MonitoringSystem, look: Look) -> None:
        self._metrics = metrics
        self._system = system
        self._look = look

    def now(self) -> Sequence[ComponentFigures]:
        """Return every component's figures as they are now."""
        self._metrics.observe(*self._look())
        return [
            ComponentFigures(component=component.value, figures=tuple(map(_shown, figures)))
            for component, figures in self._metrics.figures().items()
            if figures
        ]

    def alerts(self) -> Sequence[Placed]:
        """Return the alerts that are remembered, newest first."""
        found = [
            Placed(Place(alert.began_at, alert.id), _alert(alert))
            for alert in self._system.alerts()
        ]
        return sorted(found, key=lambda each: each.place, reverse=True)


class StoredRiskAlerts:
    """The engine's alerts (`control.monitoring_port.RiskAlerts`).

    Args:
        store: the engine's, which is only read.
        account: whose.
    """

    def __init__(self, store: Store, *, account: AccountId) -> None:
        self._history = History(store)
        self._account = account

    def alerts(
        self, span: Span, *, name: str, before: Place | None, limit: int
    ) -> Sequence[Placed]:
        """Return alerts, newest first.

        Raises:
            StorageError: they cannot be read.
        """
        until = span.end
        if before is not None:
            until = before.ts + 1 if until is None else min(until, before.ts + 1)
        found: list[Placed] = []
        cursor = ""
        while True:
            page = self._history.alerts(
                Asked(
                    account=self._account,
                    since=span.start,
                    until=until,
                    cursor=cursor,
                    limit=limit + 1,
                ),
                code=name or None,
            )
            for row in page.rows:
                place = Place(row["ts"], row["lsn"])
                if before is None or place < before:
                    found.append(Placed(place, _of_risk(row)))
            if len(found) >= limit or page.next_cursor is None:
                return found[:limit]
            cursor = page.next_cursor


def _shown(figure: Figure) -> Shown:
    name = figure.name.removesuffix("_count").removesuffix("_sum")
    spec = _SPECS.get(figure.name) or _SPECS.get(name)
    unit = "count" if spec is None or figure.name.endswith("_count") else spec.unit
    return Shown(
        name=figure.name,
        labels=figure.labels,
        value=figure.value if isfinite(figure.value) else None,
        kind=c.Kind.GAUGE.value if spec is None else spec.kind.value,
        unit=unit,
    )


_SPECS: Final = {spec.full_name: spec for spec in (*c.CATALOGUE, *c.CLIENTS)}


def _alert(alert: Alert) -> MonitoredAlert:
    return MonitoredAlert(
        id=f"platform-{alert.id}",
        source=AlertSource.PLATFORM,
        name=alert.name,
        severity=AlertSeverity(alert.severity.value),
        state=AlertState.FIRING if alert.is_firing else AlertState.ENDED,
        words=alert.words,
        component=alert.component,
        metric=alert.metric,
        labels=alert.labels,
        value=alert.value,
        account=alert.labels.get("account", ""),
        began_at=instant(alert.began_at),
        ended_at=None if alert.is_firing else instant(alert.ended_at),
        runbook=alert.runbook,
    )


def _of_risk(row: Row) -> MonitoredAlert:
    return MonitoredAlert(
        id=f"risk-{row['lsn']}",
        source=AlertSource.RISK,
        name=row["code"],
        severity=AlertSeverity.WARNING,
        state=AlertState.NOTED,
        words=row["detail"],
        component=c.Component.ACCOUNT.value,
        metric="",
        labels={},
        value=None,
        account=row["account"],
        began_at=instant(row["ts"]),
        ended_at=None,
        runbook="",
    )
