"""What a snapshot must hold for recovery: when a request was signed, which ids live."""

from decimal import Decimal

import pytest
from tests.support.builders import MAIN, a_key, an_approved_order, an_exit
from tests.support.order_desk import OrderDesk

from botcore.domain.effects import Submit
from botcore.domain.orders import OrderState
from botcore.domain.reports import ReportKind
from botcore.execution import Order


def test_r4_a_snapshot_remembers_when_a_request_was_signed() -> None:
    desk = OrderDesk()
    order = desk.opened_in(OrderState.SENDING)
    assert order.sent_at == a_key(1).ts > 0

    again = OrderDesk()
    again.engine.restore(desk.engine.state())

    assert again[order.id].sent_at == order.sent_at


def test_i12_a_session_that_placed_nothing_leaves_the_state_of_a_fold() -> None:
    desk = OrderDesk()
    desk.engine.begin_epoch(3)
    desk.opened_in(OrderState.ACCEPTED)
    desk.engine.begin_epoch(7)  # a later session: nothing that is folded says so

    folded = OrderDesk()
    for fact in desk.facts:
        folded.engine.fold(fact)

    assert folded.engine.state() == desk.engine.state()


def test_r2_an_order_carries_its_epoch_into_the_state() -> None:
    desk = OrderDesk()
    desk.engine.begin_epoch(3)
    desk.engine.begin_epoch(7)
    desk.open(an_approved_order())

    again = OrderDesk()
    again.engine.restore(desk.engine.state())

    assert again.engine.epoch == 7


def test_r7_a_fill_of_an_order_that_grew_unseen_does_not_end_it() -> None:
    desk = OrderDesk()
    order = desk.opened_in(OrderState.ACCEPTED, an_approved_order("1"))
    # The answer to a change was lost in a crash; a query tells the quantity before the fills.
    desk.report(ReportKind.REPLACED, order, quantity=Decimal(2))

    desk.fill(order, "1", cumulative=Decimal(1))

    assert order.state is OrderState.PARTIAL
    assert desk.alerts() == []


def test_e63_an_old_change_that_is_told_again_is_no_new_event() -> None:
    desk = OrderDesk()
    order = desk.opened_in(OrderState.ACCEPTED, an_approved_order("1"))
    desk.report(ReportKind.REPLACED, order, quantity=Decimal(2))

    again = desk.report(ReportKind.REPLACED, order, quantity=Decimal(2))

    assert (again.facts, again.effects) == ([], [])


def a_bracket_with_a_fill(desk: OrderDesk, *, filled: str = "3") -> Order:
    """A bracket of 3 whose entry has filled: its exits wait to be sent."""
    entry = desk.opened_in(OrderState.ACCEPTED, an_approved_order("3"), an_exit("3"), an_exit("3"))
    desk.fill(entry, filled)
    return entry


def test_e48_an_exit_that_never_left_is_held_anew_and_sent_once_reconciled() -> None:
    desk = OrderDesk()
    entry = a_bracket_with_a_fill(desk)

    desk.take(desk.engine.drop_unsent(MAIN, at=a_key(2)))
    states = [child.state for child in desk.children(entry)]
    sent = desk.take(desk.engine.protect(MAIN, at=a_key(3)))

    assert states == [OrderState.NOT_SENT] * 2 + [OrderState.HELD] * 2
    submitted = [effect.order for effect in sent.effects if isinstance(effect, Submit)]
    assert [order.quantity for order in submitted] == [Decimal(3)] * 2
    assert len({child.id for child in desk.children(entry)}) == 4
    assert [child.oco_group for child in submitted] == [entry.id] * 2


@pytest.mark.parametrize("ending", [ReportKind.NOT_SENT, ReportKind.NOT_ACCEPTED])
def test_e48_an_exit_that_is_proven_absent_is_held_anew(ending: ReportKind) -> None:
    desk = OrderDesk()
    entry = a_bracket_with_a_fill(desk)
    stop = desk.children(entry)[0]
    desk.report(ReportKind.SENDING, stop)
    if ending is ReportKind.NOT_ACCEPTED:
        desk.report(ReportKind.OUTCOME_UNKNOWN, stop)

    desk.report(ending, stop)

    renewed = desk.children(entry)[-1]
    assert renewed.state is OrderState.HELD
    assert renewed.id.endswith("-2")  # the next attempt of the same intent
    assert renewed.spec.type is stop.spec.type


def test_e48_what_the_entry_filled_meanwhile_is_protected_too() -> None:
    desk = OrderDesk()
    entry = a_bracket_with_a_fill(desk, filled="1")
    desk.take(desk.engine.drop_unsent(MAIN, at=a_key(2)))

    released = desk.fill(entry, "2")

    submitted = [effect.order for effect in released.effects if isinstance(effect, Submit)]
    assert [order.quantity for order in submitted] == [Decimal(3)] * 2


def test_e48_no_exit_is_renewed_that_was_to_be_cancelled_or_whose_twin_has_filled() -> None:
    desk = OrderDesk()
    entry = a_bracket_with_a_fill(desk)
    first, second = desk.children(entry)
    desk.cancel(first)
    desk.take(desk.engine.drop_unsent(MAIN, at=a_key(2)))
    assert [child.state for child in desk.children(entry)].count(OrderState.HELD) == 1

    other = OrderDesk()
    entry = a_bracket_with_a_fill(other)
    first, second = other.children(entry)
    for kind in (ReportKind.SENDING, ReportKind.ACCEPTED):
        other.report(kind, first)
    other.fill(first, "3")
    other.take(other.engine.drop_unsent(MAIN, at=a_key(2)))

    assert second.state is OrderState.NOT_SENT
    assert len(other.children(entry)) == 2


def test_i12_a_renewed_exit_folds_to_the_same_state() -> None:
    desk = OrderDesk()
    a_bracket_with_a_fill(desk)
    desk.take(desk.engine.drop_unsent(MAIN, at=a_key(2)))
    desk.take(desk.engine.protect(MAIN, at=a_key(3)))

    folded = OrderDesk()
    for fact in desk.facts:
        folded.engine.fold(fact)

    assert folded.engine.state() == desk.engine.state()
