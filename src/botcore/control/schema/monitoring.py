"""What is measured, and what is beyond its threshold: the platform's figures and its alerts."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from botcore.control.access import Scope
from botcore.control.operations import Operation, Page, Query
from botcore.control.schema.values import PAGE_DEFAULT, Cursor, Limit

_Word = Annotated[str, msgspec.Meta(max_length=200)]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One number. Figures are measurements; what must be exact stands in account and ledger.

    Attributes:
        name: as in `/metrics`.
        labels: name → value.
        value: None where it is not known, or beyond all numbers.
        kind: `gauge`, `counter` or `histogram`, of which count and sum are shown.
        unit: `seconds`, `bytes`, `ratio` (1 is 100 %), `quote`, `bps` or `count`.
    """

    name: str
    labels: dict[str, str]
    value: float | None
    kind: str
    unit: str


class ComponentFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one part of the platform.

    Attributes:
        component: which.
        figures: its figures.
    """

    component: str
    figures: tuple[Figure, ...]


class CurrentFigures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of all parts, as they are now.

    Attributes:
        time: when they were read, UTC.
        components: part by part.
    """

    time: datetime
    components: tuple[ComponentFigures, ...]


class AlertSource(StrEnum):
    """Who noticed."""

    PLATFORM = "platform"
    """A threshold of the platform's own figures."""
    RISK = "risk"
    """The engine: something of an order, a report or the account that a person should look at."""


class AlertState(StrEnum):
    """Whether it still holds."""

    FIRING = "firing"
    ENDED = "ended"
    NOTED = "noted"
    """It was a moment, and has no end: the engine's own."""


class AlertSeverity(StrEnum):
    """Who should hear of it, and how fast."""

    PAGE = "page"
    WARNING = "warning"
    TICKET = "ticket"


class MonitoredAlert(msgspec.Struct, frozen=True, kw_only=True):
    """Something was, or is, not as it should be.

    Attributes:
        id: unique.
        source: `platform` or `risk`.
        name: stable: of the threshold, or the engine's code.
        severity: `page` at once, `warning` today, `ticket` when there is time.
        state: `firing`, `ended`, or `noted` for a moment that has no end.
        words: what, in a sentence with the figures.
        component: the part of the platform; the account's for the engine's.
        metric, labels, value: what was measured; empty and None for the engine's.
        account: whose, for the engine's; else empty.
        began_at, ended_at: UTC; the engine's are in the clock of its market.
        runbook: page of the documentation that says what to do; empty where there is none.
    """

    id: str
    source: AlertSource
    name: str
    severity: AlertSeverity
    state: AlertState
    words: str
    component: str
    metric: str
    labels: dict[str, str]
    value: float | None
    account: str
    began_at: datetime
    ended_at: datetime | None
    runbook: str


class GetMetrics(Query[CurrentFigures], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Show the platform's figures, by component and with their units.

    Attributes:
        component: only this part, `orders`.
        name: only figures whose name contains this.
    """

    component: _Word = ""
    name: _Word = ""


class ListMonitoredAlerts(
    Query[Page[MonitoredAlert]], frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """List alerts of the platform and of the engine, those that began last first.

    Of the platform's the last 1,000 are kept, of the engine's all.

    Attributes:
        source: only these.
        state: only these.
        severity: only these.
        name: only this alert, `OrderInDoubtStuck` or `ORDER_UNKNOWN`.
        start, end: only those that began from `start` on and before `end`, UTC.
        limit: how many.
        cursor: `next_cursor` of the page before.
    """

    source: AlertSource | None = None
    state: AlertState | None = None
    severity: AlertSeverity | None = None
    name: _Word = ""
    start: datetime | None = None
    end: datetime | None = None
    limit: Limit = PAGE_DEFAULT
    cursor: Cursor = ""


OPERATIONS: Final = (
    Operation(
        name="monitoring.metrics",
        request=GetMetrics,
        method="GET",
        path="/monitoring/metrics",
        scope=Scope.READ_METRICS,
        command=("health", "metrics"),
        examples=(GetMetrics(), GetMetrics(component="orders")),
    ),
    Operation(
        name="monitoring.alerts",
        request=ListMonitoredAlerts,
        method="GET",
        path="/monitoring/alerts",
        scope=Scope.READ_METRICS,
        command=("health", "alerts"),
        problems=("CURSOR_MALFORMED", "RANGE_EMPTY", "TIME_WITHOUT_ZONE"),
        examples=(ListMonitoredAlerts(), ListMonitoredAlerts(state=AlertState.FIRING)),
    ),
)
