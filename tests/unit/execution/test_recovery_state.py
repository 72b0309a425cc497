"""What a snapshot must hold for recovery: when a request was signed, which ids live."""

from decimal import Decimal

from tests.support.builders import a_key, an_approved_order
from tests.support.order_desk import OrderDesk

from botcore.domain.orders import OrderState
from botcore.domain.reports import ReportKind


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

    assert (again.facts, again.effects) == ((), ())
