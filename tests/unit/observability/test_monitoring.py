"""Thresholds: raised once, ended once, remembered, and said the same to Prometheus."""

from __future__ import annotations

import msgspec
import pytest

from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import ManualClock
from botcore.observability import MonitoringSystem
from botcore.observability import catalogue as c
from botcore.observability.metrics import Figure
from botcore.observability.monitoring import Alert
from botcore.observability.rules import expression
from botcore.observability.sheet import Sheet
from botcore.observability.thresholds import THRESHOLDS, Severity, Threshold, Watch

BEGIN = 1_763_733_930 * SECOND_NS
AGE = Threshold(
    name="Old",
    metric=c.VIEW_AGE,
    watch=Watch.ABOVE,
    level=10,
    clear=5,
    for_s=20,
    clear_s=30,
    severity=Severity.PAGE,
    words="It is {value} s old.",
)
ERRORS = Threshold(
    name="Errors",
    metric=c.HTTP_REQUESTS,
    watch=Watch.GROWS,
    level=10,
    within_s=300,
    is_summed=True,
    where={"code_class": ("5xx",)},
    severity=Severity.WARNING,
    words="{value:.0f} errors.",
)
MODE = Threshold(
    name="Halt",
    metric=c.UP_MODE,
    watch=Watch.ABOVE,
    level=0,
    where={"mode": ("halt", "flatten")},
    severity=Severity.PAGE,
    words="{account} is in {mode}.",
)


class Desk:
    def __init__(self, *thresholds: Threshold, known: tuple[Alert, ...] = ()) -> None:
        self.clock = ManualClock(BEGIN)
        self.told: list[Alert] = []
        self.system = MonitoringSystem(
            clock=self.clock, thresholds=thresholds, known=known, on_change=self.told.append
        )

    def see(self, value: float, name: str = "botcore_view_age_seconds", **labels: str) -> int:
        """Show one figure, let 10 s pass, and return how many alerts hold."""
        found = self.system.check_thresholds([Figure(name, labels, value)])
        self.clock.advance(10 * SECOND_NS)
        return len(found)


@pytest.mark.requirement("IF MonitoringSystem")
def test_takes_figures_of_components_and_returns_what_is_beyond_its_threshold() -> None:
    system = MonitoringSystem(clock=ManualClock(BEGIN))
    system.collect_metrics("orders", {"botcore_orders_in_doubt_oldest_seconds": 130.0})
    system.collect_metrics("engine", {"botcore_view_age_seconds": 0.2})

    (alert,) = system.check_thresholds()
    given, _ = system.check_thresholds([Figure("botcore_storage_ok", {}, 0.0)])

    assert (alert.name, alert.severity, alert.value) == ("OrderInDoubtStuck", Severity.PAGE, 130.0)
    assert alert.runbook == "docs/runbooks/alerts.md#orderindoubtstuck"
    assert set(system.figures()) == {"orders", "engine"}
    assert given.name == "StorageFailed"


def test_is_raised_after_its_time_and_told_once() -> None:
    desk = Desk(AGE)

    held = [desk.see(value) for value in (12, 12, 12, 13, 14)]

    assert held == [0, 0, 1, 1, 1]
    (alert,) = desk.told
    assert alert.words == "It is 12 s old."
    assert alert.began_at == BEGIN + 20 * SECOND_NS
    assert alert.is_firing


def test_a_moment_below_the_level_begins_the_wait_anew() -> None:
    desk = Desk(AGE)

    assert [desk.see(value) for value in (12, 12, 9, 12, 12, 12)] == [0, 0, 0, 0, 0, 1]


def test_ends_below_its_lower_level_only_and_after_a_while() -> None:
    desk = Desk(AGE)
    for _ in range(3):
        desk.see(12)

    held = [desk.see(value) for value in (8, 4, 6, 4, 4, 4, 4, 4)]

    assert held == [1, 1, 1, 1, 1, 1, 0, 0]
    raised, ended = desk.told
    assert raised.id == ended.id
    assert ended.ended_at == BEGIN + 90 * SECOND_NS
    assert desk.system.alerts() == [ended]


def test_what_is_gone_is_no_longer_beyond_its_level() -> None:
    desk = Desk(MODE)
    desk.see(1, "botcore_up_mode", account="paper", mode="halt")

    held = []
    for _ in range(5):
        held.append(len(desk.system.check_thresholds([])))
        desk.clock.advance(10 * SECOND_NS)

    assert held == [1, 1, 1, 0, 0]


def test_each_combination_of_labels_is_an_alert_of_its_own() -> None:
    desk = Desk(MODE)
    figures = [
        Figure("botcore_up_mode", {"account": account, "mode": mode}, up)
        for account, mode, up in (
            ("one", "halt", 1),
            ("two", "flatten", 1),
            ("two", "halt", 0),
            ("two", "normal", 1),
        )
    ]

    found = desk.system.check_thresholds(figures)

    assert [alert.words for alert in found] == ["two is in flatten.", "one is in halt."]


def test_growth_is_counted_over_its_window_and_over_all_labels() -> None:
    desk = Desk(ERRORS)

    def see(one: float, two: float) -> int:
        found = desk.system.check_thresholds(
            [
                Figure("botcore_http_requests_total", {"route": "/", "code_class": "5xx"}, one),
                Figure("botcore_http_requests_total", {"route": "/a", "code_class": "5xx"}, two),
                Figure("botcore_http_requests_total", {"route": "/", "code_class": "2xx"}, 1e9),
            ]
        )
        desk.clock.advance(100 * SECOND_NS)
        return len(found)

    held = [see(*pair) for pair in ((100, 0), (104, 0), (104, 5), (105, 7), (105, 7), (105, 7))]

    assert held == [0, 0, 0, 1, 1, 0]


def test_a_counter_that_begins_anew_has_grown_by_what_it_shows() -> None:
    desk = Desk(msgspec.structs.replace(ERRORS, metric=c.TOKEN_REUSE, where={}, level=0))

    held = [desk.see(value, "botcore_token_reuse_total") for value in (5, 5, 1)]

    assert held == [0, 0, 1]


def test_a_series_that_appears_later_began_at_zero() -> None:
    desk = Desk(msgspec.structs.replace(ERRORS, level=0))
    desk.see(0, "botcore_http_requests_total", code_class="2xx")

    assert desk.see(1, "botcore_http_requests_total", code_class="5xx") == 1


def test_a_counter_of_another_process_begins_with_what_it_shows() -> None:
    starved = next(each for each in THRESHOLDS if each.name == "CoreStarved")
    desk = Desk(starved)
    name = "botcore_core_wait_seconds_total"
    desk.see(0, name, process="api")

    held = [desk.see(value, name, process="engine") for value in (900, 901, 902, 909)]

    assert held == [0, 0, 0, 1]


def test_an_unknown_figure_raises_nothing() -> None:
    assert Desk(AGE).see(float("nan")) == 0


def test_a_figure_beyond_all_numbers_can_be_kept() -> None:
    desk = Desk(msgspec.structs.replace(AGE, for_s=0))
    desk.see(float("inf"))

    again = msgspec.json.decode(msgspec.json.encode(desk.told), type=list[Alert])

    assert again == desk.told
    assert again[0].value is None


def test_alerts_of_an_earlier_run_are_taken_up_again() -> None:
    before = Desk(AGE)
    for _ in range(3):
        before.see(12)

    desk = Desk(AGE, known=tuple(before.system.alerts()))
    held = [desk.see(12), *(desk.see(1) for _ in range(5))]

    assert held == [1, 1, 1, 1, 0, 0]
    assert [alert.id for alert in desk.told] == [1]


def test_an_alert_that_nobody_watches_any_more_ends() -> None:
    before = Desk(MODE)
    before.see(1, "botcore_up_mode", account="paper", mode="halt")

    desk = Desk(AGE, known=tuple(before.system.alerts()))

    assert desk.system.firing() == ()
    assert not desk.system.alerts()[0].is_firing


def test_the_oldest_that_ended_are_forgotten_first() -> None:
    clock = ManualClock(BEGIN)
    system = MonitoringSystem(
        clock=clock, thresholds=[msgspec.structs.replace(AGE, for_s=0, clear_s=0)], history=3
    )
    name = "botcore_view_age_seconds"
    system.check_thresholds([Figure(name, {"n": "stays"}, 12)])
    for _ in range(5):
        for value in (12.0, 1.0):
            system.check_thresholds([Figure(name, {"n": "stays"}, 12), Figure(name, {}, value)])

    assert [alert.id for alert in system.alerts()] == [6, 5, 1]
    assert [alert.id for alert in system.firing()] == [1]


def test_metrics_say_which_alerts_hold() -> None:
    desk = Desk(MODE, AGE)
    desk.see(1, "botcore_up_mode", account="paper", mode="halt")
    sheet = Sheet()

    desk.system(sheet)

    (family,) = [each for each in sheet.families() if each.name == "botcore_alert_firing"]
    assert {each.labels["alert"]: each.value for each in family.samples} == {"Halt": 1, "Old": 0}


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=lambda each: each.name)
def test_the_words_of_every_threshold_can_be_said(threshold: Threshold) -> None:
    labels = dict.fromkeys(threshold.metric.labels, "x")
    labels |= {label: values[0] for label, values in threshold.where.items()}
    clock = ManualClock(BEGIN)
    system = MonitoringSystem(clock=clock, thresholds=[threshold])
    name = threshold.metric.full_name
    calm = threshold.level + 1 if threshold.watch is Watch.BELOW else 0.0
    system.check_thresholds([Figure(name, labels, calm)])
    clock.advance(SECOND_NS)

    beyond = 0.0 if threshold.watch is Watch.BELOW else threshold.level * 2 + 1
    for _ in range(2):
        found = system.check_thresholds([Figure(name, labels, beyond)])
        clock.advance((threshold.for_s or 1) * SECOND_NS)

    assert [alert.name for alert in found] == [threshold.name]
    assert found[0].words.endswith(".")
    assert "{" not in found[0].words


def test_levels_of_ending_lie_on_the_calm_side() -> None:
    for each in THRESHOLDS:
        if each.clear is not None:
            assert (each.clear > each.level) is (each.watch is Watch.BELOW), each.name


def test_prometheus_is_told_the_same() -> None:
    assert expression(AGE) == "botcore_view_age_seconds > 10"
    assert (
        expression(ERRORS)
        == 'sum(increase(botcore_http_requests_total{code_class="5xx"}[5m])) > 10'
    )
    assert expression(MODE) == 'botcore_up_mode{mode=~"halt|flatten"} > 0'
