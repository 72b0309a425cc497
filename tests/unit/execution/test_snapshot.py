"""I12 for orders: a snapshot holds everything, and a fold from it is the fold of all."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.support.builders import BTCUSDT, MAIN, a_key, an_approved_order, an_exit
from tests.support.order_desk import TO_STATE, OrderDesk, seen

from botcore.domain.errors import InvariantBroken
from botcore.domain.intents import ReplaceOrder
from botcore.domain.orders import OrderState
from botcore.domain.reports import ReportKind
from botcore.execution import ExecutionReport

S, K = OrderState, ReportKind


def a_busy_desk() -> OrderDesk:
    """Orders in every state, brackets, owed cancels, a pending change, odd fills."""
    desk = OrderDesk(terminal_kept=6)
    desk.engine.begin_epoch(3)
    for state in TO_STATE:
        desk.opened_in(state, an_approved_order("3", reserve=Decimal("100.1")), an_exit("3"))
    owed = desk.opened_in(S.ACCEPTED)
    desk.cancel(owed)
    desk.report(K.STATUS, owed)
    changing = desk.opened_in(S.PARTIAL)
    outcome = desk.engine.replace(
        ReplaceOrder(MAIN, changing.spec.strategy, changing.id),
        quantity=Decimal("20.0"),
        limit_price=None,
        trigger_price=None,
        at=a_key(2),
    )
    assert isinstance(outcome, ExecutionReport)
    desk.take(outcome)
    desk.fill(changing, "2.50", cumulative=Decimal("9.50"), venue_order_id="S9")
    return desk


def restored(state: dict[str, Any]) -> OrderDesk:
    desk = OrderDesk(terminal_kept=6)
    desk.engine.restore(state)
    return desk


def test_i12_what_was_restored_is_what_was_kept() -> None:
    desk = a_busy_desk()
    state = desk.engine.state()

    again = restored(state)

    index, original = again.engine.index, desk.engine.index
    assert again.engine.state() == state
    assert [order.id for order in index] == [order.id for order in original]
    assert [order.leaves for order in index] == [order.leaves for order in original]
    assert [order.locked for order in index] == [order.locked for order in original]
    assert [o.id for o in index.working(MAIN, BTCUSDT)] == [
        o.id for o in original.working(MAIN, BTCUSDT)
    ]
    for currency in ("USDT", "BTC"):
        assert index.locked(MAIN, currency) == original.locked(MAIN, currency)  # type: ignore[arg-type]  # a currency is a string
    assert index.in_doubt(MAIN, BTCUSDT)


def test_i12_a_snapshot_is_json_and_canonical() -> None:
    state = a_busy_desk().engine.state()

    text = json.dumps(state, sort_keys=True)

    assert restored(json.loads(text)).engine.state() == state == a_busy_desk().engine.state()
    assert msgspec.json.encode(state, order="sorted") == msgspec.json.encode(
        json.loads(text), order="sorted"
    )


def test_i12_decimals_keep_every_digit_so_that_later_facts_are_the_same_bytes() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)
    desk.fill(order, "2.50")

    again = restored(desk.engine.state())
    facts = [
        str(known.fill(known[order.id], "1.5", trade="t9").facts[0]) for known in (desk, again)
    ]

    assert "Decimal('4.00')" in facts[0]
    assert facts[0] == facts[1]


def test_i12_a_fold_of_all_facts_is_the_live_state() -> None:
    desk = a_busy_desk()

    folded = OrderDesk(terminal_kept=6)
    for fact in desk.facts:
        folded.engine.fold(fact)

    assert folded.engine.state() == desk.engine.state()


@pytest.mark.parametrize("kept_after", [0, 1, 7, 20, 40, 60])
def test_i12_a_fold_from_a_snapshot_is_the_fold_of_all(kept_after: int) -> None:
    facts = a_busy_desk().facts
    assert len(facts) > 60
    first, whole = OrderDesk(terminal_kept=6), OrderDesk(terminal_kept=6)
    for fact in facts[:kept_after]:
        first.engine.fold(fact)

    second = restored(first.engine.state())
    for fact in facts[kept_after:]:
        second.engine.fold(fact)
    for fact in facts:
        whole.engine.fold(fact)

    assert second.engine.state() == whole.engine.state()


def test_i12_a_restored_desk_goes_on_exactly_as_the_one_that_never_stopped() -> None:
    desk = a_busy_desk()
    again = restored(desk.engine.state())
    here, there = len(desk.facts), len(desk.effects)

    for known in (desk, again):
        for order in list(known.engine.index):
            known.report(K.STATUS, order, cumulative=order.filled)
            known.fill(order, "1", trade=f"late-{order.id}")
        known.cancel(known.open(an_approved_order(), an_exit()))

    assert again.facts == desk.facts[here:]
    assert again.effects == desk.effects[there:]
    assert again.engine.state() == desk.engine.state()


def test_the_index_that_was_handed_out_stays_current_over_a_restore() -> None:
    desk = OrderDesk()
    index = desk.engine.index
    desk.open()

    desk.engine.restore(a_busy_desk().engine.state())

    assert index is desk.engine.index
    assert seen(len(list(index))) == seen(len(list(a_busy_desk().engine.index)))


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"epoch": "x"},
        {"orders": [{}]},
        {"orders": None},
        {"surprise": 1},
    ],
    ids=str,
)
def test_a_snapshot_that_cannot_be_read_changes_nothing(broken: dict[str, Any]) -> None:
    desk = a_busy_desk()
    kept = desk.engine.state()
    state = (kept | broken) if broken else {}

    with pytest.raises(InvariantBroken, match="EXECUTION_STATE_MALFORMED"):
        desk.engine.restore(state)

    assert desk.engine.state() == kept
