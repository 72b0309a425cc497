"""Monitoring's handlers: figures as they are, and alerts of both sources in one list."""

import asyncio
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from botcore.control.handlers.paging import decode_cursor, encode_cursor
from botcore.control.handlers.spans import span_of
from botcore.control.handling import Context, Handling
from botcore.control.history_port import Span
from botcore.control.monitoring_port import Monitoring, Place, RiskAlerts
from botcore.control.operations import Page, Request
from botcore.control.problems import Malformed
from botcore.control.schema import monitoring as m
from botcore.control.schema.values import instant
from botcore.kernel.clock import Clock


class MonitoringHandlers:
    """Answers what is measured, and what is beyond its threshold.

    Args:
        monitoring: the platform's own.
        risk: the engine's alerts.
        clock: dates the figures.
    """

    def __init__(self, *, monitoring: Monitoring, risk: RiskAlerts, clock: Clock) -> None:
        self._monitoring = monitoring
        self._risk = risk
        self._clock = clock

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {
            m.GetMetrics: Handling(self.metrics),
            m.ListMonitoredAlerts: Handling(self.alerts),
        }

    async def metrics(self, _context: Context, request: m.GetMetrics) -> m.CurrentFigures:
        """Return the figures that are asked for."""
        found = []
        for each in self._monitoring.now():
            if request.component not in ("", each.component):
                continue
            figures = tuple(figure for figure in each.figures if request.name in figure.name)
            if figures:
                found.append(m.ComponentFigures(component=each.component, figures=figures))
        return m.CurrentFigures(time=instant(self._clock.now_ns()), components=tuple(found))

    async def alerts(
        self, _context: Context, request: m.ListMonitoredAlerts
    ) -> Page[m.MonitoredAlert]:
        """Return a page of alerts."""
        span = span_of(request.start, request.end)
        after = _decoded(request.cursor)
        found = [
            _Listed(each.place.ts, m.AlertSource.PLATFORM, each.place.number, each.alert)
            for each in self._monitoring.alerts()
            if _is_within(each.place, span)
        ]
        if _may_be_risk(request):
            found += await asyncio.to_thread(self._of_risk, request, span, after)
        wanted = sorted(
            (each for each in found if _is_wanted(each.alert, request)),
            key=_Listed.key,
            reverse=True,
        )
        if after is not None:
            wanted = [each for each in wanted if each.key() < after]
        shown = wanted[: request.limit]
        is_more = len(wanted) > request.limit
        return Page(
            items=tuple(each.alert for each in shown),
            next_cursor=_encoded(shown[-1].key()) if is_more else None,
        )

    def _of_risk(
        self, request: m.ListMonitoredAlerts, span: Span, after: "_Key | None"
    ) -> "Iterable[_Listed]":
        before = None if after is None else _risk_before(after)
        rows = self._risk.alerts(span, name=request.name, before=before, limit=request.limit + 1)
        return [
            _Listed(row.place.ts, m.AlertSource.RISK, row.place.number, row.alert) for row in rows
        ]


_Key = tuple[int, str, int]


class _Listed(NamedTuple):
    """An alert with what it is sorted by."""

    ts: int
    source: m.AlertSource
    number: int
    alert: m.MonitoredAlert

    def key(self) -> _Key:
        return self.ts, self.source.value, self.number


def _risk_before(after: _Key) -> Place:
    """Return the place before which the engine's alerts follow in the list."""
    ts, source, number = after
    return Place(ts, number if source == m.AlertSource.RISK else 0)


def _may_be_risk(request: m.ListMonitoredAlerts) -> bool:
    """Whether an alert of the engine can be among what is asked for."""
    return (
        request.source in (None, m.AlertSource.RISK)
        and request.state in (None, m.AlertState.NOTED)
        and request.severity in (None, m.AlertSeverity.WARNING)
    )


def _is_wanted(alert: m.MonitoredAlert, request: m.ListMonitoredAlerts) -> bool:
    return (
        request.source in (None, alert.source)
        and request.state in (None, alert.state)
        and request.severity in (None, alert.severity)
        and request.name in ("", alert.name)
    )


def _is_within(place: Place, span: Span) -> bool:
    return (span.start is None or place.ts >= span.start) and (
        span.end is None or place.ts < span.end
    )


def _encoded(key: _Key) -> str:
    return encode_cursor(msgspec.json.encode(key).decode())


def _decoded(cursor: str) -> _Key | None:
    text = decode_cursor(cursor)
    if not text:
        return None
    try:
        ts, source, number = msgspec.json.decode(text, type=tuple[int, m.AlertSource, int])
    except msgspec.MsgspecError as error:
        raise Malformed(
            code="CURSOR_MALFORMED",
            cause="the cursor is not one that this server gave",
            fix="take `next_cursor` of the page before as it is, or leave it out to begin",
        ) from error
    return ts, source.value, number
