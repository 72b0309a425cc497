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

from botcore.control.views import (
    FeedStatus,
    MeterView,
    PlatformView,
    QueueView,
    ReconcilingView,
    StreamView,
)
from botcore.domain.modes import Mode
from botcore.observability import catalogue
from botcore.observability._docs import reference_page
from botcore.observability.catalogue import (
    CATALOGUE,
    CLIENTS,
    NOT_YET,
    OTHER,
    SYMBOLS_MAX,
    Component,
    Kind,
)
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


def test_what_is_said_not_to_be_measured_is_not() -> None:
    known = {spec.name for spec in CATALOGUE}

    missing = [name for names, _ in NOT_YET for name in names]

    assert known & set(missing) == set()
    assert len(missing) == len(set(missing))
    assert all(f"`{name}`" in PAGE.read_text("utf-8") for name in missing)


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
    of_ladder = {other.value.lower(): float(other is mode) for other in Mode}
    assert up == {**of_ladder, "starting": 0.0}


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        (Mode.NORMAL, "starting"),
        (Mode.REDUCE_ONLY, "starting"),
        (Mode.CANCEL_ONLY, "cancel_only"),
        (Mode.HALT, "halt"),
    ],
)
def test_an_account_that_is_not_reconciled_is_starting_unless_it_may_do_less_anyway(
    mode: Mode, shown: str
) -> None:
    found = scraped(with_account(sample_view(), mode=mode.value, is_reconciled=False))

    up = {each.labels["mode"] for each in found if each.name == "botcore_up_mode" and each.value}
    assert up == {shown}


def test_shows_exposure_beside_what_it_may_be() -> None:
    found = scraped(
        with_account(
            sample_view(),
            exposure="1500.50",
            exposures={"BTCUSDT.SIM": "1000.25", "ETHUSDT.SIM": "500.25"},
            caps={"order": "1518.52", "symbol": "4049.38", "account": "10123.45"},
            realised={"rsi": "10.26", "macd": "-1.5"},
        )
    )

    exposure, account = "risk_exposure_quote", "paper"
    assert value(found, exposure, account=account, scope="account", symbol="") == 1_500.5
    assert value(found, exposure, account=account, scope="symbol", symbol="BTCUSDT.SIM") == 1_000.25
    assert value(found, "risk_limit_quote", account=account, scope="order") == 1_518.52
    assert value(found, "risk_limit_quote", account=account, scope="account") == 10_123.45
    assert value(found, "pnl_realized_quote", account=account, strategy="macd") == -1.5


def test_exposures_of_symbols_beyond_the_bound_are_one() -> None:
    many = {f"C{number}USDT.SIM": "1.5" for number in range(SYMBOLS_MAX + 10)}

    found = scraped(with_account(sample_view(), exposures=many))

    of_symbols = {
        each.labels["symbol"]: each.value
        for each in found
        if each.name == "botcore_risk_exposure_quote" and each.labels["scope"] == "symbol"
    }
    assert len(of_symbols) == SYMBOLS_MAX + 1
    assert of_symbols[OTHER] == 15.0


def test_what_is_held_of_a_symbol_by_two_strategies_has_one_average_price() -> None:
    one = sample_view().positions[0]
    two = (
        msgspec.structs.replace(one, quantity="1", average_price="100"),
        msgspec.structs.replace(one, strategy="macd", quantity="3", average_price="200"),
    )

    found = scraped(sample_view(positions=two))

    symbol = one.instrument
    assert value(found, "position_base", account="paper", symbol=symbol) == 4.0
    assert value(found, "position_entry_price", account="paper", symbol=symbol) == 175.0


def test_positions_that_cancel_out_have_no_average_price() -> None:
    one = sample_view().positions[0]
    two = (
        msgspec.structs.replace(one, quantity="1"),
        msgspec.structs.replace(one, strategy="macd", quantity="-1"),
    )

    found = scraped(sample_view(positions=two))

    assert value(found, "position_base", account="paper", symbol=one.instrument) == 0.0
    assert not [each for each in found if each.name == "botcore_position_entry_price"]


def test_shows_how_full_the_engine_s_queues_are() -> None:
    found = scraped(sample_view(queues=(QueueView("market", 1_024, 4_096),), facts_unpublished=7))

    assert value(found, "queue_depth", queue="market") == 1_024
    assert value(found, "queue_capacity", queue="market") == 4_096
    assert value(found, "queue_used_ratio", queue="market") == 0.25
    assert value(found, "outbox_pending") == 7


def test_shows_when_orders_were_reconciled_and_how_long_that_is_due() -> None:
    run = ReconcilingView(done=3, failed=1, last_wall=NOW, last_s=1.5, overdue_s=12.0)

    found = scraped(sample_view(reconciling=run, epoch=17))

    assert value(found, "epoch") == 17
    assert value(found, "reconcile_runs_total", result="ok") == 3
    assert value(found, "reconcile_runs_total", result="failed") == 1
    assert value(found, "reconcile_last_success_timestamp_seconds") == NOW / SECOND
    assert value(found, "reconcile_duration_seconds") == 1.5
    assert value(found, "reconcile_overdue_seconds") == 12.0


def test_before_orders_were_reconciled_once_there_is_no_instant_of_it() -> None:
    found = scraped(sample_view(reconciling=ReconcilingView(overdue_s=3.0)))

    assert not [each for each in found if each.name.startswith("botcore_reconcile_last")]
    assert value(found, "reconcile_overdue_seconds") == 3.0


def test_shows_what_went_through_the_streams_of_a_live_feed() -> None:
    stream = StreamView(
        reconnects={"broken": 2, "handover": 1},
        gaps=4,
        unreadable=5,
        refused={"OFF_TICK": 6},
        book_resyncs=7,
        books={"BTCUSDT.BINANCE": True, "ETHUSDT.BINANCE": False},
        clock_offset_s=-0.75,
    )

    found = scraped(with_feed(sample_view(), name="binance", stream=stream))

    of = {"venue": "binance", "stream": "market"}
    assert value(found, "stream_reconnects_total", reason="broken", **of) == 2
    assert value(found, "stream_reconnects_total", reason="handover", **of) == 1
    assert value(found, "stream_gaps_total", **of) == 4
    assert value(found, "stream_parse_errors_total", **of) == 5
    assert value(found, "md_quarantined_total", reason="OFF_TICK") == 6
    assert value(found, "book_resyncs_total") == 7
    assert value(found, "book_valid", symbol="BTCUSDT.BINANCE") == 1
    assert value(found, "book_valid", symbol="ETHUSDT.BINANCE") == 0
    assert value(found, "venue_clock_offset_seconds", venue="binance") == 0.75


def test_a_feed_without_streams_has_no_figures_of_them() -> None:
    names = {each.name for each in scraped()}

    assert not {name for name in names if name.startswith("botcore_stream_reconnects")}
    assert "botcore_stream_last_message_timestamp_seconds" in names


def test_prices_grow_old_while_the_engine_is_silent() -> None:
    found = scraped(with_feed(sample_view(), ages={"BTCUSDT.SIM": 0.4}), age_s=3.0)

    assert value(found, "md_staleness_seconds", symbol="BTCUSDT.SIM") == pytest.approx(3.4)


def test_shows_the_newest_bar_that_a_strategy_decided_on() -> None:
    found = scraped()

    newest = max(each.ts for each in sample_view().strategies[0].decisions)
    assert value(found, "strategy_last_step_timestamp_seconds", strategy="rsi") == newest / SECOND


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
