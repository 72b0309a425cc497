"""The mode ladder, the daily loss and the drawdown stop: entered at once, left by whom."""

from itertools import product
from typing import Any

import pytest
from tests.support.builders import MAIN, a_key
from tests.support.risk_desk import RiskDesk

from botcore.domain.events import Fact, ModeChanged, PerformanceUpdate
from botcore.domain.ids import DAY_NS
from botcore.domain.modes import Mode

NOON = DAY_NS // 2
ADA = "person:ada"


def move(desk: RiskDesk, mode: Mode, by: str, *, cause: str = "because") -> ModeChanged | None:
    return desk.gate.trigger_risk_event(mode, account=MAIN, cause=cause, by=by, at=desk.at)


def mark(desk: RiskDesk, equity: float, ts: int) -> list[Fact]:
    return list(desk.gate.mark_equity(desk.account, equity, a_key(ts)))


def in_mode(mode: Mode) -> RiskDesk:
    desk = RiskDesk()
    move(desk, mode, ADA)
    assert desk.account.mode is mode
    return desk


def mode_of(desk: RiskDesk) -> Mode:
    return desk.account.mode


def causes(facts: list[Fact]) -> list[str]:
    return [fact.cause.split(":")[0] for fact in facts if isinstance(fact, ModeChanged)]


@pytest.mark.parametrize(("before", "after"), list(product(Mode, Mode)))
@pytest.mark.parametrize("by", ["risk", "engine", "supervisor", ADA])
def test_i20_a_worse_mode_is_entered_at_once_and_a_better_one_by_who_may(
    before: Mode, after: Mode, by: str
) -> None:
    desk = in_mode(before)

    fact = move(desk, after, by)

    worse = after.severity > before.severity
    may_lower = by == ADA or (by in ("risk", "engine") and before is not Mode.HALT)
    moves = after is not before and (worse or may_lower)
    assert desk.account.mode is (after if moves else before)
    assert (fact is not None) is moves
    if fact is not None:
        assert (fact.previous, fact.mode, fact.cause, fact.by) == (before, after, "because", by)


def test_i20_halt_is_left_by_a_person_only() -> None:
    desk = in_mode(Mode.HALT)

    for by in ("risk", "engine", "supervisor", "someone"):
        for mode in (Mode.NORMAL, Mode.REDUCE_ONLY, Mode.FLATTEN):
            assert move(desk, mode, by) is None
    assert desk.account.mode is Mode.HALT

    assert move(desk, Mode.NORMAL, ADA) is not None


@pytest.mark.parametrize(("equity", "is_stopped"), [(9_500.01, False), (9_500.0, True)])
def test_a_daily_loss_of_5_percent_stops_opening_at_once(equity: float, is_stopped: bool) -> None:
    desk = RiskDesk()
    mark(desk, 10_000.0, NOON)

    facts = mark(desk, equity, NOON + 1)

    assert causes(facts) == (["DAILY_LOSS"] if is_stopped else [])
    assert (desk.code() == "MODE_FORBIDS") is is_stopped


def test_a_daily_loss_ends_at_the_next_utc_midnight_by_itself() -> None:
    desk = RiskDesk()
    mark(desk, 10_000.0, NOON)
    mark(desk, 9_400.0, NOON + 1)

    before = mark(desk, 9_900.0, DAY_NS - 1)
    midnight = mark(desk, 9_400.0, DAY_NS)

    assert before == []
    assert desk.account.mode is Mode.NORMAL
    performance, calm = midnight
    assert isinstance(performance, PerformanceUpdate)
    assert (performance.day, performance.day_start) == (1, 9_400.0)
    assert isinstance(calm, ModeChanged)
    assert (calm.mode, calm.by) == (Mode.NORMAL, "risk")


def test_a_daily_loss_is_measured_from_the_equity_at_midnight() -> None:
    desk = RiskDesk()
    mark(desk, 10_000.0, NOON)
    mark(desk, 9_600.0, DAY_NS)

    facts = mark(desk, 9_300.0, DAY_NS + 1)  # 7 % below the first day's, 3.1 % below today's

    assert facts == []


def test_days_without_a_bar_are_skipped_over() -> None:
    desk = RiskDesk()
    mark(desk, 10_000.0, NOON)

    (performance,) = mark(desk, 10_100.0, 9 * DAY_NS + 5)

    assert isinstance(performance, PerformanceUpdate)
    assert (performance.day, performance.day_start) == (9, 10_100.0)
    assert mark(desk, 10_100.0, 10 * DAY_NS - 1) == []


def test_a_drawdown_of_20_percent_from_the_peak_stops_opening() -> None:
    desk = RiskDesk(daily_loss_frac=1.0)
    for day, equity in enumerate((10_000.0, 12_000.0, 11_000.0)):
        mark(desk, equity, day * DAY_NS)

    assert causes(mark(desk, 9_600.01, 3 * DAY_NS)) == []
    assert causes(mark(desk, 9_600.0, 3 * DAY_NS + 1)) == ["DRAWDOWN"]
    assert desk.account.mode is Mode.REDUCE_ONLY


def stopped(**limits: Any) -> RiskDesk:
    desk = RiskDesk(**({"daily_loss_frac": 1.0} | limits))
    mark(desk, 10_000.0, NOON)
    mark(desk, 7_000.0, NOON + 1)
    assert desk.account.stop == "DRAWDOWN"
    return desk


def test_a_drawdown_stop_outlasts_midnights_and_recoveries() -> None:
    desk = stopped()

    for day in range(1, 5):
        assert causes(mark(desk, 9_999.0, day * DAY_NS)) == []

    assert desk.account.mode is Mode.REDUCE_ONLY


@pytest.mark.parametrize("by", ["risk", "engine", "supervisor"])
def test_a_drawdown_stop_is_left_by_a_person_only(by: str) -> None:
    desk = stopped()

    assert move(desk, Mode.NORMAL, by) is None
    assert move(desk, Mode.NORMAL, ADA) is not None

    assert desk.account.mode is Mode.NORMAL
    assert desk.account.stop == ""


@pytest.mark.parametrize("worse", [Mode.CANCEL_ONLY, Mode.FLATTEN])
def test_a_drawdown_stop_is_not_left_over_a_worse_mode(worse: Mode) -> None:
    desk = stopped()
    move(desk, worse, "engine", cause="ENGINE: disk full")

    back = move(desk, Mode.NORMAL, "engine", cause="reconciled")

    assert back is not None
    assert (back.mode, back.cause) == (Mode.REDUCE_ONLY, "DRAWDOWN: reconciled")
    assert desk.code() == "MODE_FORBIDS"


def test_a_daily_loss_is_not_left_over_a_worse_mode_before_midnight() -> None:
    desk = RiskDesk()
    mark(desk, 10_000.0, NOON)
    mark(desk, 9_400.0, NOON + 1)
    move(desk, Mode.CANCEL_ONLY, "engine")

    move(desk, Mode.NORMAL, "engine", cause="reconciled")

    assert mode_of(desk) is Mode.REDUCE_ONLY
    assert causes(mark(desk, 9_900.0, DAY_NS)) == ["a new UTC day"]
    assert mode_of(desk) is Mode.NORMAL


def test_a_daily_loss_that_ends_in_a_worse_mode_leaves_that_mode_alone() -> None:
    desk = RiskDesk()
    mark(desk, 10_000.0, NOON)
    mark(desk, 9_400.0, NOON + 1)
    move(desk, Mode.CANCEL_ONLY, "engine")

    mark(desk, 9_400.0, DAY_NS)

    assert mode_of(desk) is Mode.CANCEL_ONLY
    assert move(desk, Mode.NORMAL, "engine") is not None
    assert mode_of(desk) is Mode.NORMAL


def test_a_drawdown_that_follows_a_daily_loss_is_not_ended_by_midnight() -> None:
    desk = RiskDesk()
    mark(desk, 10_000.0, NOON)
    assert causes(mark(desk, 9_400.0, NOON + 1)) == ["DAILY_LOSS"]

    assert causes(mark(desk, 7_900.0, NOON + 2)) == ["DRAWDOWN"]
    assert causes(mark(desk, 7_900.0, NOON + 3)) == []
    mark(desk, 9_990.0, DAY_NS)

    assert desk.account.mode is Mode.REDUCE_ONLY


def test_a_mode_set_by_a_person_is_not_ended_by_midnight() -> None:
    desk = in_mode(Mode.REDUCE_ONLY)
    mark(desk, 10_000.0, NOON)

    mark(desk, 9_400.0, NOON + 1)
    mark(desk, 9_400.0, DAY_NS)

    assert desk.account.mode is Mode.REDUCE_ONLY


def test_after_a_person_lets_it_go_on_the_drawdown_is_measured_anew() -> None:
    desk = stopped()
    move(desk, Mode.NORMAL, ADA)

    assert causes(mark(desk, 7_000.0, NOON + 2)) == []
    assert desk.account.peak == 7_000.0
    assert causes(mark(desk, 5_600.01, NOON + 3)) == []
    assert causes(mark(desk, 5_600.0, NOON + 4)) == ["DRAWDOWN"]


def test_a_person_who_leaves_a_daily_loss_too_early_is_stopped_again() -> None:
    desk = RiskDesk()
    mark(desk, 10_000.0, NOON)
    mark(desk, 9_400.0, NOON + 1)
    move(desk, Mode.NORMAL, ADA)

    assert causes(mark(desk, 9_400.0, NOON + 2)) == ["DAILY_LOSS"]


def test_a_stop_is_told_once_with_the_equity_that_tripped_it() -> None:
    desk = RiskDesk()
    mark(desk, 10_000.0, NOON)

    performance, changed = mark(desk, 9_500.0, NOON + 1)

    assert isinstance(performance, PerformanceUpdate)
    assert (performance.equity, performance.peak, performance.day_start) == (
        9_500.0,
        10_000.0,
        10_000.0,
    )
    assert isinstance(changed, ModeChanged)
    assert changed.cause == "DAILY_LOSS: equity 9500.00 fell to 9500.00"
    assert mark(desk, 9_000.0, NOON + 2) == []


def test_a_quiet_bar_makes_no_fact() -> None:
    desk = RiskDesk()

    assert mark(desk, 10_000.0, NOON) == []
    assert mark(desk, 10_500.0, NOON + 1) == []
    assert desk.account.peak == 10_500.0


def test_money_from_outside_is_neither_profit_nor_loss() -> None:
    desk = RiskDesk()
    mark(desk, 10_000.0, NOON)

    desk.account.move_by(-3_000.0)
    withdrawn = mark(desk, 7_000.0, NOON + 1)
    desk.account.move_by(3_000.0)
    deposited = mark(desk, 10_000.0, NOON + 2)

    assert withdrawn == deposited == []
    assert desk.account.peak == 10_000.0
    assert causes(mark(desk, 9_500.0, NOON + 3)) == ["DAILY_LOSS"]


def test_tighter_limits_are_in_force_at_the_next_mark() -> None:
    desk = RiskDesk()
    mark(desk, 10_000.0, NOON)

    desk.gate.add_account(MAIN, RiskDesk(daily_loss_frac=0.01).account.limits)

    assert causes(mark(desk, 9_900.0, NOON + 1)) == ["DAILY_LOSS"]


def test_a_checkpoint_on_the_same_day_does_not_end_a_daily_loss() -> None:
    desk = RiskDesk()
    mark(desk, 10_000.0, NOON)
    mark(desk, 9_400.0, NOON + 1)

    desk.gate.fold(desk.gate.performance(desk.account, a_key(NOON + 2), ()))

    assert desk.account.stop == "DAILY_LOSS"
    assert move(desk, Mode.NORMAL, "engine") is None
