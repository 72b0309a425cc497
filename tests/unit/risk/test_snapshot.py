"""I12 for risk: modes, watermarks and rates are a fold of facts, kept and restored exactly."""

import json
from typing import Any

import msgspec
import pytest
from tests.support.builders import MAIN, a_key
from tests.support.risk_desk import RiskDesk

from botcore.domain.errors import InvariantBroken
from botcore.domain.events import Fact, RiskAlert
from botcore.domain.ids import DAY_NS, AccountId, Nanos
from botcore.domain.modes import Mode

HOUR = DAY_NS // 24


def a_history() -> tuple[RiskDesk, list[Fact]]:
    """Two weeks of marks and acts, each fact taken as it is made; it ends with a checkpoint."""
    desk = RiskDesk(orders_per_s=3)
    facts: list[Fact] = []
    equity = 10_000.0
    for hour in range(1, 14 * 24):
        equity *= 1.004 if hour % 50 < 20 else 0.9935
        at = a_key(hour * HOUR)
        facts += desk.gate.mark_equity(desk.account, equity, at)
        by, mode = {90: ("engine", Mode.CANCEL_ONLY), 95: ("engine", Mode.NORMAL)}.get(
            hour, ("person:ada", Mode.NORMAL)
        )
        if hour in (90, 95, 150, 220):
            moved = desk.gate.trigger_risk_event(mode, account=MAIN, cause="x", by=by, at=at)
            facts += [moved] if moved else []
    facts.append(desk.gate.performance(desk.account, a_key(14 * DAY_NS), ()))
    return desk, facts


def folded(facts: list[Fact], state: dict[str, Any] | None = None) -> RiskDesk:
    desk = RiskDesk(orders_per_s=3)
    if state is not None:
        desk.gate.restore(state)
    for fact in facts:
        desk.gate.fold(fact)
    return desk


def test_i12_a_fold_of_all_facts_is_the_live_state() -> None:
    desk, facts = a_history()
    assert {type(fact).__name__ for fact in facts} == {"PerformanceUpdate", "ModeChanged"}
    assert len(facts) > 15

    again = folded(facts)

    assert again.gate.state() == desk.gate.state()
    assert again.account.loss_floor == desk.account.loss_floor
    assert again.account.drawdown_floor == desk.account.drawdown_floor
    assert again.account.next_day == desk.account.next_day


@pytest.mark.parametrize("cut", range(0, 30, 3))
def test_i12_a_fold_from_a_snapshot_is_the_fold_of_all(cut: int) -> None:
    _, facts = a_history()

    first = folded(facts[:cut])
    second = folded(facts[cut:], first.gate.state())

    assert second.gate.state() == folded(facts).gate.state()


def test_i12_what_was_restored_goes_on_as_the_one_that_never_stopped() -> None:
    desk, _ = a_history()
    for ts in (1, 2, 3):
        desk.place(14 * DAY_NS + ts)
    again = folded([], desk.gate.state())

    for known in (desk, again):
        assert known.code(ts=14 * DAY_NS + 4) == desk.code(ts=14 * DAY_NS + 4)
    for hour, equity in enumerate((6_000.0, 5_000.0, 4_000.0)):
        at = a_key(15 * DAY_NS + hour)
        here = desk.gate.mark_equity(desk.account, equity, at)
        assert list(again.gate.mark_equity(again.account, equity, at)) == list(here)
    assert again.gate.state() == desk.gate.state()


def test_i12_a_person_who_ended_a_drawdown_stop_has_ended_it_after_a_restart_too() -> None:
    desk = RiskDesk(daily_loss_frac=1.0)
    facts = list(desk.gate.mark_equity(desk.account, 10_000.0, a_key(HOUR)))
    facts += desk.gate.mark_equity(desk.account, 7_000.0, a_key(2 * HOUR))
    moved = desk.gate.trigger_risk_event(
        Mode.NORMAL, account=MAIN, cause="looked at it", by="person:ada", at=a_key(3 * HOUR)
    )
    assert moved is not None

    again = RiskDesk(daily_loss_frac=1.0)
    for fact in [*facts, moved]:
        again.gate.fold(fact)

    for known in (desk, again):
        assert list(known.gate.mark_equity(known.account, 7_000.0, a_key(4 * HOUR))) == []
        assert known.account.mode is Mode.NORMAL


def test_i12_the_state_is_json_and_canonical() -> None:
    desk, _ = a_history()
    desk.gate.add_account(AccountId("another"), desk.account.limits)
    state = desk.gate.state()

    text = json.dumps(state)

    again = RiskDesk(orders_per_s=3)
    again.gate.add_account(AccountId("another"), desk.account.limits)
    again.gate.restore(json.loads(text))
    assert list(state) == ["another", "main"]
    assert again.gate.state() == state
    assert msgspec.json.encode(again.gate.state()) == msgspec.json.encode(state)


def test_i12_the_rate_of_orders_is_part_of_the_state() -> None:
    desk = RiskDesk(orders_per_s=2)
    second = 1_000_000_000
    for ts in (1, second, second + 1):
        desk.place(ts)

    again = RiskDesk(orders_per_s=2)
    again.gate.restore(desk.gate.state())

    assert list(again.account.orders_at) == [second, second + 1]
    assert again.code(ts=second + 2) == "ORDER_RATE"


@pytest.mark.parametrize(
    "broken",
    [{"main": {}}, {"main": None}, {"main": {"mode": "SLEEPY"}}, {"stranger": ...}],
    ids=str,
)
def test_a_state_that_cannot_be_read_changes_nothing(broken: dict[str, Any]) -> None:
    desk, _ = a_history()
    kept = desk.gate.state()
    whole = {name: kept["main"] if value is ... else value for name, value in broken.items()}

    with pytest.raises(InvariantBroken, match="RISK_STATE_MALFORMED"):
        desk.gate.restore(whole)

    assert desk.gate.state() == kept


def test_facts_of_other_accounts_and_of_other_rooms_are_none_of_its_business() -> None:
    desk, facts = a_history()
    kept = desk.gate.state()

    desk.gate.fold(RiskAlert(MAIN, Nanos(0), "A_CODE", "text"))
    for fact in facts:
        desk.gate.fold(msgspec.structs.replace(fact, account="other"))

    assert desk.gate.state() == kept
