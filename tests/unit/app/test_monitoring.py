"""Monitoring put together: figures of real parts, alerts of both sources, kept over a restart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import LogCapture
from tests.support.callers import a_call
from tests.support.sample_view import sample_view, with_account

from botcore.api.limits import LoadGovernor, MemoryBuckets, RateLimits
from botcore.api.limits.payers import Caller
from botcore.api.ws.hub import new_hub
from botcore.app.control_store import open_control
from botcore.app.home import Home
from botcore.app.limiting import limits_config
from botcore.app.measuring import (
    BusFigures,
    JobFigures,
    LimitFigures,
    MachineFigures,
    SocketFigures,
    StoreFigures,
)
from botcore.app.monitoring import ALERTS_FILE, Monitored, open_monitoring, watch
from botcore.app.monitoring_desk import StoredRiskAlerts
from botcore.app.settings import RateSettings, load_settings
from botcore.control.handlers.monitoring import MonitoringHandlers
from botcore.control.history_port import Span
from botcore.control.jobs_port import JobRecord
from botcore.control.monitoring_port import Place
from botcore.control.operations import RouteClass
from botcore.control.ports import AuditEntry
from botcore.control.problems import Malformed
from botcore.control.schema import monitoring as m
from botcore.control.schema.jobs import JobState
from botcore.control.views import PlatformView
from botcore.domain.events import RiskAlert
from botcore.domain.ids import SECOND_NS, AccountId, Nanos
from botcore.domain.keys import Key, Rank
from botcore.domain.records import RecordKind, encode
from botcore.kernel.clock import ManualClock
from botcore.observability.metrics import Figure
from botcore.observability.sheet import Sheet
from botcore.storage import Entry, SqlJournal, Store

NOW = 1_763_733_930 * SECOND_NS
PAPER = AccountId("paper")


def without_orders() -> PlatformView:
    return with_account(
        sample_view(orders=()), orders_open=0, orders_in_doubt=0, in_doubt_since=0, cancels_owed=0
    )


class Engine:
    """An engine that says what a test says."""

    def __init__(self) -> None:
        self.view: PlatformView | None = sample_view()
        self.age_s = 0.2

    def look(self) -> tuple[PlatformView | None, float]:
        return self.view, self.age_s


class Desk:
    """Monitoring of one home, over an engine's store with alerts in it."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.clock = ManualClock(NOW)
        self.engine = Engine()
        self.store = Store(self.home.journal_url)
        self.store.upgrade()
        self.start()

    def start(self) -> None:
        self.monitored: Monitored = open_monitoring(
            load_settings(home=self.home.path),
            self.home,
            version="1.2.3",
            look=self.engine.look,
            clock=self.clock,
        )
        self.handlers = MonitoringHandlers(
            monitoring=self.monitored.desk,
            risk=StoredRiskAlerts(self.store, account=PAPER),
            clock=self.clock,
        )

    def raised(self, *seconds: int, code: str = "ORDER_UNKNOWN") -> None:
        """Store alerts of the engine."""
        journal = SqlJournal(self.store)
        entries = []
        for number, second in enumerate(seconds):
            ts = Nanos(NOW + second * SECOND_NS)
            fact = RiskAlert(PAPER, ts, code, f"at {second}")
            seq = journal.last_lsn + number + 1
            entries.append(
                Entry(RecordKind.FACT, Key(ts, Rank.COMMAND, 0, seq), PAPER, encode(fact))
            )
        journal.wait_durable(journal.append(entries))
        journal.close()

    def see(self, name: str, value: float, **labels: str) -> None:
        self.monitored.system.check_thresholds([Figure(name, labels, value)])

    def alerts(self, **asked: Any) -> list[m.MonitoredAlert]:
        request = m.ListMonitoredAlerts(**asked)
        return list(asyncio.run(self.handlers.alerts(a_call(), request)).items)

    def metrics(self, **asked: Any) -> dict[str, list[m.Figure]]:
        request = m.GetMetrics(**asked)
        found = asyncio.run(self.handlers.metrics(a_call(), request))
        return {each.component: list(each.figures) for each in found.components}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("BOTCORE_HOME", str(tmp_path))
    desk = Desk(tmp_path)
    yield desk
    desk.store.close()


def read(source: Any) -> dict[str, float]:
    sheet = Sheet()
    source(sheet)
    return {
        f"{each.name.removeprefix('botcore_')}{{{','.join(each.labels.values())}}}": each.value
        for family in sheet.families()
        for each in family.samples
    }


# --- figures


@pytest.mark.requirement("REST GET monitoring/metrics")
def test_figures_come_by_component_with_kind_and_unit(desk: Desk) -> None:
    desk.monitored.metrics.answered(route="/", method="GET", status=200, seconds=0.25)

    found = desk.metrics()

    equity = next(each for each in found["account"] if each.name == "botcore_equity_quote")
    assert (equity.value, equity.kind, equity.unit) == (10_123.4512, "gauge", "quote")
    assert equity.labels == {"account": "paper"}
    api = {each.name: each for each in found["api"]}
    assert api["botcore_http_requests_total"].kind == "counter"
    total = api["botcore_http_request_duration_seconds_sum"]
    count = api["botcore_http_request_duration_seconds_count"]
    assert (total.value, total.unit, total.kind) == (0.25, "seconds", "histogram")
    assert (count.value, count.unit) == (1, "count")
    assert "process_resident_memory_bytes" in {each.name for each in found["process"]}


def test_figures_are_filtered_by_component_and_name(desk: Desk) -> None:
    assert set(desk.metrics(component="account")) == {"account"}
    assert {e.name for f in desk.metrics(name="drawdown").values() for e in f} == {
        "botcore_drawdown_ratio"
    }
    assert desk.metrics(component="nothing") == {}


def test_what_is_beyond_all_numbers_has_no_value(desk: Desk) -> None:
    desk.engine.view, desk.engine.age_s = None, float("inf")

    (age,) = desk.metrics(name="view_age")["platform"]

    assert age.value is None


# --- alerts


@pytest.mark.requirement("REST GET monitoring/alerts")
def test_alerts_of_platform_and_engine_are_one_list_newest_first(desk: Desk) -> None:
    desk.raised(-5, 20)
    desk.see("botcore_storage_ok", 0.0)

    found = desk.alerts()

    assert [(each.source.value, each.name) for each in found] == [
        ("risk", "ORDER_UNKNOWN"),
        ("platform", "StorageFailed"),
        ("risk", "ORDER_UNKNOWN"),
    ]
    own = found[1]
    assert (own.state, own.severity) == (m.AlertState.FIRING, m.AlertSeverity.PAGE)
    assert own.runbook == "docs/runbooks/alerts.md#storagefailed"
    assert own.began_at == datetime.fromtimestamp(NOW / SECOND_NS, UTC)
    assert (found[0].words, found[0].account, found[0].state) == (
        "at 20",
        "paper",
        m.AlertState.NOTED,
    )


def test_each_filter_leaves_what_it_says(desk: Desk) -> None:
    desk.raised(-5)
    desk.raised(-4, code="CANCEL_OWED")
    desk.see("botcore_storage_ok", 0.0)
    desk.see("botcore_risk_utilisation_ratio", 0.9, account="paper", limit="drawdown")
    desk.clock.advance(60 * SECOND_NS)
    desk.see("botcore_storage_ok", 1.0)
    desk.clock.advance(60 * SECOND_NS)
    desk.see("botcore_storage_ok", 1.0)
    begin = datetime.fromtimestamp(NOW / SECOND_NS, UTC)

    def names(**asked: Any) -> set[str]:
        return {each.name for each in desk.alerts(**asked)}

    assert names() == {"ORDER_UNKNOWN", "CANCEL_OWED", "StorageFailed", "DrawdownNear"}
    assert names(source=m.AlertSource.RISK) == {"ORDER_UNKNOWN", "CANCEL_OWED"}
    assert names(source=m.AlertSource.PLATFORM) == {"StorageFailed", "DrawdownNear"}
    assert names(state=m.AlertState.ENDED) == {"StorageFailed", "DrawdownNear"}
    assert names(state=m.AlertState.NOTED) == {"ORDER_UNKNOWN", "CANCEL_OWED"}
    assert names(state=m.AlertState.FIRING) == set()
    assert names(severity=m.AlertSeverity.PAGE) == {"StorageFailed"}
    assert names(name="CANCEL_OWED") == {"CANCEL_OWED"}
    assert names(start=begin) == {"StorageFailed", "DrawdownNear"}
    assert names(end=begin) == {"ORDER_UNKNOWN", "CANCEL_OWED"}
    assert names(start=begin - timedelta(seconds=4), end=begin) == {"CANCEL_OWED"}


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_pages_of_both_sources_miss_none_and_repeat_none(desk: Desk, limit: int) -> None:
    desk.raised(0, 0, 0, 1, 2, 2, 5, 5)
    for name in ("botcore_storage_ok", "botcore_audit_verify_ok", "botcore_disk_free_ratio"):
        desk.see(name, 0.0)
        desk.clock.advance(SECOND_NS)

    found: list[str] = []
    cursor = ""
    while True:
        request = m.ListMonitoredAlerts(limit=limit, cursor=cursor)
        page = asyncio.run(desk.handlers.alerts(a_call(), request))
        found += [each.id for each in page.items]
        if page.next_cursor is None:
            break
        cursor = page.next_cursor

    assert len(found) == len(set(found)) == 11
    assert found == [each.id for each in desk.alerts(limit=500)]


@pytest.mark.parametrize("cursor", ["!", "WzEsICJ4IiwgMV0", "e30"])
def test_a_cursor_of_somebody_else_is_refused(desk: Desk, cursor: str) -> None:
    with pytest.raises(Malformed):
        desk.alerts(cursor=cursor)


def test_the_engine_s_alerts_before_a_place_are_found_however_many_share_its_instant(
    desk: Desk,
) -> None:
    desk.raised(*([3] * 9))
    risk = StoredRiskAlerts(desk.store, account=PAPER)
    every = risk.alerts(Span(), name="", before=None, limit=50)

    found = risk.alerts(Span(), name="", before=every[6].place, limit=1)

    assert [each.place for each in found] == [every[7].place]
    assert risk.alerts(Span(), name="", before=Place(NOW, 0), limit=5) == []


# --- over time


class Stopping(ManualClock):
    """Time that ends after so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(NOW)
        self._end = seconds * SECOND_NS

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if self.monotonic_ns() > self._end:
            raise asyncio.CancelledError


def run_for(desk: Desk, seconds: float) -> list[dict[str, Any]]:
    """Watch for so long; return what was logged about alerts."""
    desk.clock = Stopping(seconds)
    capture = LogCapture()
    structlog.configure(processors=[capture])
    try:
        desk.start()
        asyncio.run(watch(desk.monitored, desk.home, look=desk.engine.look, clock=desk.clock))
    finally:
        structlog.reset_defaults()
    return [dict(each) for each in capture.entries if each["event"].startswith("alert_")]


def test_a_silent_engine_is_noticed_logged_kept_and_remembered(desk: Desk) -> None:
    desk.engine.view, desk.engine.age_s = without_orders(), 40.0
    told: list[str] = []

    lines = run_for(desk, 90)
    kept = json.loads((desk.home.path / ALERTS_FILE).read_text())
    desk.clock = ManualClock(NOW)
    desk.start()
    desk.monitored.listeners.append(lambda alert: told.append(alert.name))

    assert [line["alert"] for line in lines] == ["EngineSilent"]
    assert lines[0]["log_level"] == "warning"
    assert [each["name"] for each in kept] == ["EngineSilent"]
    assert [each.name for each in desk.alerts(state=m.AlertState.FIRING)] == ["EngineSilent"]
    desk.see("botcore_view_age_seconds", 0.1)
    desk.clock.advance(40 * SECOND_NS)
    desk.see("botcore_view_age_seconds", 0.1)
    assert told == ["EngineSilent"]


def test_all_is_well_says_nothing(desk: Desk) -> None:
    desk.engine.view = without_orders()

    assert [line["alert"] for line in run_for(desk, 60)] == []


def test_a_damaged_file_of_alerts_is_none(desk: Desk) -> None:
    (desk.home.path / ALERTS_FILE).write_text("{")

    desk.start()

    assert desk.alerts() == []


# --- sources


def test_the_control_store_and_its_audit_have_figures(tmp_path: Path) -> None:
    clock = Stopping(61)

    async def run() -> dict[str, float]:
        stores = open_control(f"sqlite:///{tmp_path / 'control.db'}", clock=clock)
        figures = StoreFigures(stores, clock=clock)
        entry = AuditEntry(
            actor="a", user="", session="", address="", action="x", request={}, result="done"
        )
        before = read(figures)
        await stores.audit.append(entry)
        await stores.audit.append(entry)
        await figures.count()
        before["while open db_pool_in_use"] = read(figures)["db_pool_in_use{control}"]
        with pytest.raises(asyncio.CancelledError):
            await figures.run()
        stores.close()
        return before | {f"then {name}": value for name, value in read(figures).items()}

    found = asyncio.run(run())

    assert "audit_seq{}" not in found
    assert "audit_verify_ok{}" not in found
    assert found["then audit_seq{}"] == 2
    assert found["then audit_verify_ok{}"] == 1
    assert found["then audit_verified_timestamp_seconds{}"] == pytest.approx(NOW / SECOND_NS + 60)
    assert found["then db_commits_total{control}"] >= 1
    assert found["then audit_entries_waiting{}"] == 0
    assert found["while open db_pool_in_use"] == 1  # its writer keeps one
    assert found["then db_pool_in_use{control}"] == 0
    assert (found["queue_depth{control}"], found["queue_capacity{control}"]) == (0, 4_096)


def test_what_was_not_believed_on_the_bus_is_counted_over_all_who_listen() -> None:
    refused = {"link": 0, "prices": 3}

    figures = BusFigures(lambda: refused["link"], lambda: refused["prices"])
    before = read(figures)
    refused["link"] = 2

    assert before["bus_refused_total{}"] == 3
    assert read(figures)["bus_refused_total{}"] == 5


def test_jobs_are_counted_while_they_live_and_as_they_end() -> None:
    figures = JobFigures()

    def job(number: int, state: JobState) -> None:
        figures.changed(
            JobRecord(
                id=f"j{number}",
                kind="backtest",
                title="",
                owner="ann",
                state=state,
                request={},
                created_at=NOW,
            )
        )

    job(1, JobState.QUEUED)
    job(2, JobState.QUEUED)
    job(1, JobState.RUNNING)
    during = read(figures)
    job(1, JobState.DONE)
    job(2, JobState.FAILED)
    after = read(figures)

    assert (during["jobs{queued}"], during["jobs{running}"]) == (1, 1)
    assert (after["jobs{queued}"], after["jobs{running}"]) == (0, 0)
    assert (after["jobs_ended_total{done}"], after["jobs_ended_total{failed}"]) == (1, 1)


def test_refusals_are_counted_by_limit_and_load_is_shown() -> None:
    class Busy:
        def p99_s(self) -> float | None:
            return 1.0

    config = limits_config(RateSettings(concurrent=1))
    clock = ManualClock(NOW)
    governor = LoadGovernor(config, Busy(), now_ns=0)
    limits = RateLimits(config, buckets=MemoryBuckets(10), governor=governor, clock=clock)
    caller = Caller("u1", "", "127.0.0.1")

    for _ in range(config.orders_burst + 3):
        limits.decide(caller, RouteClass.ORDERS)
    with limits.running(caller), pytest.raises(Exception, match="concurrent"):
        limits.running(caller).__enter__()
    for second in range(1, 8):
        governor.lagged(0, now_ns=second * SECOND_NS)

    found = read(LimitFigures(limits))
    assert found["rate_limit_refusals_total{orders}"] == 3
    assert found["rate_limit_refusals_total{concurrent}"] == 1
    assert found["load_factor_ratio{}"] == 0.5


def test_sockets_have_figures_and_keep_those_of_who_left() -> None:
    hub = new_hub(ManualClock(NOW))
    one, two = hub.join(lambda: None), hub.join(lambda: None)
    for _ in range(3):
        one.tell(b"four")
    two.tell(b"sixsix")
    one.take()
    one.tell(b"more")

    before = read(SocketFigures(hub))
    hub.leave(one)
    after = read(SocketFigures(hub))

    assert (before["ws_clients{}"], before["ws_messages_total{}"]) == (2, 3)
    assert before["ws_send_queue_bytes{}"] >= 10
    assert (after["ws_clients{}"], after["ws_messages_total{}"]) == (1, 3)
    assert 6 <= after["ws_send_queue_bytes{}"] < before["ws_send_queue_bytes{}"]


def test_the_machine_has_a_disk_and_files_on_it(tmp_path: Path) -> None:
    (tmp_path / "control.db").write_bytes(b"x" * 1_000)
    (tmp_path / "control.db-wal").write_bytes(b"x" * 50)
    figures = MachineFigures(
        tmp_path, {"control": tmp_path / "control.db", "engine": tmp_path / "engine.db"}
    )

    found = read(figures)

    assert 0 < found["disk_free_ratio{home}"] <= 1
    assert (found["db_size_bytes{control}"], found["db_wal_bytes{control}"]) == (1_000, 50)
    assert "db_size_bytes{engine}" not in found
