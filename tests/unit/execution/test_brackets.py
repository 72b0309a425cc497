"""E48, E49: exits are held until the entry fills, and sized to what has filled."""

from decimal import Decimal

import pytest
from tests.support.builders import an_approved_order, an_exit
from tests.support.order_desk import OrderDesk, seen

from botcore.domain.effects import Cancel, Replace, Submit
from botcore.domain.events import OrderUpdated
from botcore.domain.orders import OrderState, OrderType
from botcore.domain.reports import ReportKind
from botcore.execution import Order

S, K = OrderState, ReportKind


def a_bracket(desk: OrderDesk, state: OrderState = S.ACCEPTED) -> tuple[Order, Order, Order]:
    target = an_exit(type=OrderType.LIMIT, limit_price=Decimal(110), trigger_price=None)
    entry = desk.opened_in(state, an_approved_order(), an_exit(), target)
    stop, profit = desk.children(entry)
    return entry, stop, profit


def accept(desk: OrderDesk, *orders: Order) -> None:
    for order in orders:
        desk.report(K.SENDING, order)
        desk.report(K.ACCEPTED, order)


def test_e48_a_partial_fill_releases_the_exits_at_once_and_at_its_size() -> None:
    desk = OrderDesk()
    entry, stop, profit = a_bracket(desk)

    report = desk.fill(entry, "4")

    submits = [effect for effect in report.effects if isinstance(effect, Submit)]
    assert [submit.order.client_order_id for submit in submits] == [stop.id, profit.id]
    assert [submit.order.quantity for submit in submits] == [4, 4]
    assert [seen(child.state, child.quantity) for child in (stop, profit)] == [(S.INTENT, 4)] * 2


def test_e48_a_later_fill_grows_the_working_exits() -> None:
    desk = OrderDesk()
    entry, stop, profit = a_bracket(desk)
    desk.fill(entry, "4")
    accept(desk, stop, profit)

    report = desk.fill(entry, "3")

    assert report.effects == [
        Replace(stop.ref, quantity=Decimal(7)),
        Replace(profit.ref, quantity=Decimal(7)),
    ]
    pending = [
        fact.client_order_id
        for fact in report.facts
        if isinstance(fact, OrderUpdated) and fact.replace_pending
    ]
    assert pending == [stop.id, profit.id]


def test_e48_an_exit_that_is_still_on_its_way_grows_once_it_is_there() -> None:
    desk = OrderDesk()
    entry, stop, _ = a_bracket(desk)
    desk.fill(entry, "4")
    desk.report(K.SENDING, stop)

    meanwhile = desk.fill(entry, "6")
    accepted = desk.report(K.ACCEPTED, stop)

    assert meanwhile.effects == []
    assert accepted.effects == [Replace(stop.ref, quantity=Decimal(10))]


def test_e48_an_exit_whose_growth_is_pending_grows_again_when_it_is_answered() -> None:
    desk = OrderDesk()
    entry, stop, profit = a_bracket(desk)
    desk.fill(entry, "4")
    accept(desk, stop, profit)
    desk.fill(entry, "3")

    while_pending = desk.fill(entry, "3")
    answered = desk.report(K.REPLACED, stop, quantity=Decimal(7))

    assert while_pending.effects == []
    assert answered.effects == [Replace(stop.ref, quantity=Decimal(10))]


def test_e48_an_exit_that_cannot_grow_is_told() -> None:
    desk = OrderDesk()
    entry, stop, _ = a_bracket(desk)
    desk.fill(entry, "4")
    accept(desk, stop)
    desk.fill(entry, "3")

    report = desk.report(K.REPLACE_REJECTED, stop)

    assert desk.alerts() == ["FILL_UNPROTECTED"]
    assert report.effects == []


@pytest.mark.parametrize("kind", [K.REJECTED, K.EXPIRED])
def test_e48_an_exit_that_ends_with_its_work_undone_is_told(kind: ReportKind) -> None:
    desk = OrderDesk()
    entry, stop, _ = a_bracket(desk)
    desk.fill(entry, "10")
    desk.report(K.SENDING, stop)

    desk.report(kind, stop, detail="would trigger at once")

    assert desk.alerts() == ["FILL_UNPROTECTED"]


def test_e48_an_exit_cancelled_because_the_other_filled_is_no_news() -> None:
    desk = OrderDesk()
    entry, stop, profit = a_bracket(desk)
    desk.fill(entry, "10")
    accept(desk, stop, profit)

    filled = desk.fill(profit, "10")
    desk.report(K.CANCELED, stop)

    assert filled.effects == []
    assert (profit.state, stop.state) == (S.FILLED, S.CANCELED)
    assert desk.alerts() == []


def test_e48_what_is_left_of_an_entry_is_cancelled_once_its_exit_has_filled() -> None:
    desk = OrderDesk()
    entry, stop, profit = a_bracket(desk)
    desk.fill(entry, "4")
    accept(desk, stop, profit)

    report = desk.fill(stop, "4")

    assert Cancel(entry.ref) in report.effects
    assert entry.cancel_owed
    owed = [fact for fact in report.facts if isinstance(fact, OrderUpdated) and fact.cancel_owed]
    assert [fact.client_order_id for fact in owed] == [entry.id]


def test_e48_an_exit_that_filled_in_part_leaves_its_entry_working() -> None:
    desk = OrderDesk()
    entry, stop, profit = a_bracket(desk)
    desk.fill(entry, "4")
    accept(desk, stop, profit)

    report = desk.fill(profit, "1")

    assert report.effects == []
    assert not entry.cancel_owed


def test_e48_a_fill_that_comes_after_its_exits_have_ended_is_told() -> None:
    desk = OrderDesk()
    entry, stop, profit = a_bracket(desk)
    desk.fill(entry, "4")
    accept(desk, stop, profit)
    desk.fill(stop, "4")
    desk.report(K.CANCELED, profit)

    desk.fill(entry, "1")

    assert entry.filled == 5
    assert desk.alerts() == ["FILL_UNPROTECTED"]


def test_e49_an_entry_cancelled_after_a_partial_fill_keeps_its_exits_at_that_size() -> None:
    desk = OrderDesk()
    entry, stop, profit = a_bracket(desk)
    desk.fill(entry, "4")
    accept(desk, stop, profit)

    report = desk.report(K.CANCELED, entry)

    assert entry.state is S.CANCELED
    assert [seen(child.state, child.quantity) for child in (stop, profit)] == [(S.ACCEPTED, 4)] * 2
    assert report.effects == []


@pytest.mark.parametrize(
    ("before", "kind"),
    [
        (S.ACCEPTED, K.CANCELED),
        (S.ACCEPTED, K.EXPIRED),
        (S.SENDING, K.REJECTED),
        (S.SENDING, K.NOT_SENT),
        (S.IN_DOUBT, K.NOT_ACCEPTED),
    ],
)
def test_e49_the_exits_of_an_entry_that_never_filled_are_cancelled(
    before: OrderState, kind: ReportKind
) -> None:
    desk = OrderDesk()
    entry, stop, profit = a_bracket(desk, before)

    report = desk.report(kind, entry)

    assert (stop.state, profit.state) == (S.CANCELED, S.CANCELED)
    assert report.effects == []


def test_r8_a_late_fill_whose_exits_are_gone_is_told() -> None:
    desk = OrderDesk()
    entry, *_ = a_bracket(desk)
    desk.report(K.CANCELED, entry)

    desk.fill(entry, "3")

    assert entry.filled == 3
    assert desk.alerts() == ["FILL_UNPROTECTED"]


def test_held_exits_reserve_nothing() -> None:
    desk = OrderDesk()
    entry, stop, _ = a_bracket(desk)

    assert desk.locked(stop) == 0
    assert desk.locked(entry) == 1000


def test_e36_exits_follow_an_overfilled_entry() -> None:
    desk = OrderDesk()
    entry, stop, _ = a_bracket(desk)

    desk.fill(entry, "12")

    assert seen(entry.overfill, stop.quantity) == (2, 12)
