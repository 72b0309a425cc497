"""Metrics: every name of the page and no other, with the figures of the newest document."""

from __future__ import annotations

import math
import platform
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from tests.support.sample_view import NOW, SECOND, sample_view, with_account, with_feed

from botcore.control.views import FeedStatus, MeterView, PlatformView
from botcore.domain.modes import Mode
from botcore.observability import catalogue
from botcore.observability._docs import reference_page
from botcore.observability.catalogue import CATALOGUE, CLIENTS, OTHER, SYMBOLS_MAX, Component, Kind
from botcore.observability.metrics import Metrics

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "metrics.md"


def samples(metrics: Metrics, view: PlatformView | None, age_s: float = 0.2) -> list[Sample]:
    text = metrics.scrape(view, age_s).decode()
    return [each for family in text_string_to_metric_families(text) for each in family.samples]


def value(found: list[Sample], name: str, **labels: str) -> float:
    (one,) = [
        each.value for each in found if (each.name, each.labels) == (f"botcore_{name}", labels)
    ]
    return one


def scraped(view: PlatformView | None = None, age_s: float = 0.2) -> list[Sample]:
    return samples(Metrics(version="0.1.0"), view or sample_view(), age_s)


def test_the_reference_page_is_the_generated_text() -> None:
    # Renew it with: python -m botcore.observability._docs > docs/reference/metrics.md
    assert PAGE.read_text(encoding="utf-8") == reference_page()


@pytest.mark.parametrize("view", [None, sample_view()])
def test_a_scrape_has_every_name_of_the_page_and_no_other(view: PlatformView | None) -> None:
    text = Metrics(version="0.1.0").scrape(view, 0.2).decode()

    typed = [line.split()[2:] for line in text.splitlines() if line.startswith("# TYPE ")]

    known = (*CATALOGUE, *CLIENTS)
    assert sorted(typed) == sorted([spec.full_name, str(spec.kind)] for spec in known)
    assert all(f"| `{spec.full_name}` |" in PAGE.read_text("utf-8") for spec in known)


def test_no_name_is_declared_twice() -> None:
    names = [spec.full_name for spec in (*CATALOGUE, *CLIENTS)]

    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("equity_quote", "quote"),
        ("fees_quote_total", "quote"),
        ("slippage_bps", "bps"),
        ("db_wal_bytes", "bytes"),
        ("eventloop_lag_p99_seconds", "seconds"),
        ("load_factor_ratio", "ratio"),
        ("orders_open", "count"),
        ("facts_total", "count"),
    ],
)
def test_a_name_says_its_unit(name: str, unit: str) -> None:
    (spec,) = [each for each in CATALOGUE if each.name == name]

    assert spec.unit == unit


def test_names_end_as_prometheus_asks() -> None:
    for spec in CATALOGUE:
        assert spec.name.endswith("_total") == (spec.kind is Kind.COUNTER)
        assert spec.help.endswith(".")


def test_shows_the_account_s_figures() -> None:
    found = scraped()

    assert value(found, "equity_quote", account="paper") == 10_123.4512
    assert value(found, "drawdown_ratio", account="paper") == 0.0131
    assert value(found, "daily_loss_quote", account="paper") == 0.0
    assert value(found, "fees_quote_total", account="paper") == 31.2077
    assert value(found, "orders_open", account="paper") == 3
    assert value(found, "orders_in_doubt", account="paper") == 1
    assert value(found, "orders_in_doubt_oldest_seconds", account="paper") == 1_290
    assert value(found, "cancels_owed", account="paper") == 1
    assert value(found, "risk_utilisation_ratio", account="paper", limit="drawdown") == 0.0655
    assert value(found, "build_info", version="0.1.0", python=platform.python_version()) == 1


def test_orders_in_doubt_are_counted_also_where_they_are_too_many_to_be_shown() -> None:
    many = with_account(
        msgspec.structs.replace(sample_view(), orders=()),
        orders_open=10_000,
        orders_in_doubt=2,
        in_doubt_since=NOW - 130 * SECOND,
        cancels_owed=1,
    )

    found = scraped(many)

    assert value(found, "orders_open", account="paper") == 10_000
    assert value(found, "orders_in_doubt", account="paper") == 2
    assert value(found, "orders_in_doubt_oldest_seconds", account="paper") == 130
    assert value(found, "cancels_owed", account="paper") == 1


def test_a_loss_of_the_day_is_positive() -> None:
    found = scraped(with_account(sample_view(), day_result="-12.5"))

    assert value(found, "daily_loss_quote", account="paper") == 12.5


def test_a_limit_keeps_its_label_whatever_instrument_uses_most_of_it() -> None:
    meters = (MeterView("largest instrument (ETHUSDT.SIM)", 0.4, "40 %"),)

    found = scraped(with_account(sample_view(), meters=meters))

    label = "largest instrument"
    assert value(found, "risk_utilisation_ratio", account="paper", limit=label) == 0.4


@pytest.mark.parametrize("mode", list(Mode))
def test_exactly_one_mode_is_up(mode: Mode) -> None:
    found = scraped(with_account(sample_view(), mode=mode.value))

    up = {each.labels["mode"]: each.value for each in found if each.name == "botcore_up_mode"}
    assert up == {other.value.lower(): float(other is mode) for other in Mode}


def test_a_strategy_without_a_position_has_no_open_result() -> None:
    found = scraped()

    unrealised = "pnl_unrealized_quote"
    assert value(found, unrealised, account="paper", strategy="ensemble") == 0.0
    assert value(found, unrealised, account="paper", strategy="ema-cross") == pytest.approx(2.01)
    assert value(found, "strategy_result_quote", strategy="ema-cross") == 85.31
    assert value(found, "strategy_state", strategy="ensemble", state="paused") == 1
    assert value(found, "strategy_state", strategy="ensemble", state="running") == 0


def test_the_age_of_the_price_grows_while_the_engine_is_silent() -> None:
    found = scraped(sample_view(), 60.0)

    assert value(found, "view_age_seconds") == 60.0
    assert value(found, "stream_age_seconds", venue="simulated", stream="market") == 60.4


def test_a_feed_that_is_down_is_not_connected_and_a_bad_store_not_ok() -> None:
    view = with_feed(sample_view(storage="read only"), status=FeedStatus.DOWN)

    found = scraped(view)

    assert value(found, "stream_connected", venue="simulated", stream="market") == 0
    assert value(found, "storage_ok") == 0


def test_before_the_first_document_only_its_absence_is_shown() -> None:
    found = samples(Metrics(version="0.1.0"), None, float("inf"))

    ours = {each.name for each in found if each.name.startswith("botcore_")}
    assert ours == {
        "botcore_build_info",
        "botcore_view_age_seconds",
        "botcore_http_in_flight",
    }
    assert value(found, "view_age_seconds") == float("inf")


def test_a_strategy_that_is_gone_is_gone_from_the_metrics() -> None:
    metrics = Metrics(version="0.1.0")
    metrics.observe(sample_view(), 0.1)

    found = samples(metrics, sample_view(strategies=(), positions=()))

    assert not [each for each in found if "strategy" in each.labels]


def test_answers_are_counted_by_class_and_timed() -> None:
    metrics = Metrics(version="0.1.0")
    for status, seconds in ((200, 0.004), (204, 0.3), (404, 99.0)):
        metrics.answered(route="/", method="GET", status=status, seconds=seconds)

    found = samples(metrics, sample_view())

    assert value(found, "http_requests_total", route="/", method="GET", code_class="2xx") == 2
    assert value(found, "http_requests_total", route="/", method="GET", code_class="4xx") == 1
    name = "http_request_duration_seconds"
    for bound, count in (("0.0025", 0), ("0.005", 1), ("0.25", 1), ("0.5", 2), ("+Inf", 3)):
        assert value(found, f"{name}_bucket", route="/", method="GET", le=bound) == count
    assert value(found, f"{name}_count", route="/", method="GET") == 3
    assert value(found, f"{name}_sum", route="/", method="GET") == pytest.approx(99.304)


def test_two_registries_do_not_meet() -> None:
    one, other = Metrics(version="1"), Metrics(version="2")

    one.observe(sample_view(), 0.1)

    assert "equity_quote{" not in other.scrape(None, 0.1).decode()


def test_a_request_is_in_flight_until_it_is_answered() -> None:
    metrics = Metrics(version="1")
    metrics.began()
    metrics.began()
    metrics.answered(route="/", method="GET", status=200, seconds=0.1)

    assert value(samples(metrics, None), "http_in_flight") == 1


def test_times_of_decisions_are_shown_where_there_are_some() -> None:
    without = scraped()
    found = scraped(sample_view(decision_p50_s=0.0002, decision_p99_s=0.0006, core_wait_s=1.5))

    stage = "order_stage_seconds"
    assert not [each for each in without if each.name == f"botcore_{stage}"]
    assert value(found, stage, stage="decision", quantile="0.99") == 0.0006
    assert value(found, "core_wait_seconds_total", process="engine") == 1.5


def test_another_engine_process_is_a_restart() -> None:
    metrics = Metrics(version="1")
    for pid in (10, 10, 11, 12):
        metrics.observe(sample_view(engine_pid=pid), 0.1)

    assert value(samples(metrics, None), "engine_restarts_total") == 2


def test_an_engine_that_was_asked_to_begin_anew_is_no_restart() -> None:
    metrics = Metrics(version="1")
    metrics.observe(sample_view(engine_pid=10), 0.1)
    metrics.recomposed(10)
    for pid in (10, 11, 12):
        metrics.observe(sample_view(engine_pid=pid), 0.1)

    assert value(samples(metrics, None), "engine_restarts_total") == 1  # the one after 11


def test_symbols_beyond_the_bound_are_one() -> None:
    one = sample_view().positions[0]
    many = tuple(
        msgspec.structs.replace(one, instrument=f"C{number}USDT.SIM", value="1.5")
        for number in range(SYMBOLS_MAX + 10)
    )

    found = scraped(sample_view(positions=many))

    shown = {e.labels["symbol"]: e.value for e in found if e.name == "botcore_position_quote"}
    assert len(shown) == SYMBOLS_MAX + 1
    assert shown[OTHER] == 15.0


def test_what_has_no_price_is_not_a_number() -> None:
    one = msgspec.structs.replace(sample_view().positions[0], value="?", unrealised="?")

    found = scraped(sample_view(positions=(one,)))

    assert math.isnan(value(found, "position_quote", account="paper", symbol=one.instrument))


def test_a_source_that_was_added_is_asked_at_each_reading() -> None:
    metrics = Metrics(version="1")
    metrics.add(lambda sheet: sheet.add(catalogue.WS_CLIENTS, 7))

    assert value(samples(metrics, None), "ws_clients") == 7


def test_figures_are_grouped_by_component_without_buckets() -> None:
    metrics = Metrics(version="1")
    metrics.answered(route="/", method="GET", status=200, seconds=0.1)
    metrics.observe(sample_view(), 0.2)

    found = metrics.figures()

    assert {each.name for each in found[Component.AUDIT]} == set()
    api = {each.name: each.value for each in found[Component.API]}
    assert api["botcore_http_request_duration_seconds_count"] == 1
    assert not [name for name in api if name.endswith(("_bucket", "_created"))]
    assert "botcore_fees_quote_total" in {each.name for each in found[Component.ACCOUNT]}
    assert "process_resident_memory_bytes" in {each.name for each in found[Component.PROCESS]}
