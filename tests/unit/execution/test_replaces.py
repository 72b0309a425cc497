"""E45 and what a changed order carries."""

from decimal import Decimal

import pytest
from tests.support.builders import EMA, MAIN, a_key, an_approved_order
from tests.support.order_desk import OrderDesk, seen

from botcore.domain.decisions import Denied
from botcore.domain.effects import Query, Replace
from botcore.domain.events import OrderUpdated
from botcore.domain.intents import ReplaceOrder
from botcore.domain.orders import OrderState, OrderType, Side
from botcore.domain.reports import ReportKind
from botcore.execution import ExecutionReport, Order

S, K = OrderState, ReportKind


def replace(
    desk: OrderDesk,
    order: Order,
    *,
    quantity: str | None = None,
    limit_price: str | None = None,
) -> ExecutionReport | Denied:
    outcome = desk.engine.replace(
        ReplaceOrder(MAIN, EMA, order.id),
        quantity=Decimal(quantity) if quantity else None,
        limit_price=Decimal(limit_price) if limit_price else None,
        trigger_price=None,
        at=a_key(1),
    )
    return desk.take(outcome) if isinstance(outcome, ExecutionReport) else outcome


def test_a_change_is_asked_for_and_the_order_stands_until_it_is_answered() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)

    outcome = replace(desk, order, quantity="5", limit_price="99")

    assert isinstance(outcome, ExecutionReport)
    assert outcome.effects == [Replace(order.ref, Decimal(5), Decimal(99))]
    assert order.replace_pending
    assert seen(order.quantity, order.limit_price) == (10, 100)


def test_an_answered_change_stands_on_the_order() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)
    replace(desk, order, quantity="5", limit_price="99")

    report = desk.report(K.REPLACED, order, quantity=Decimal(5), limit_price=Decimal(99))

    (fact,) = report.facts
    assert isinstance(fact, OrderUpdated)
    assert seen(fact.quantity, fact.limit_price, fact.replace_pending) == (5, 99, False)
    assert seen(order.quantity, order.limit_price, order.replace_pending) == (5, 99, False)
    assert order.standing.quantity == 5
    assert order.standing.limit_price == 99
    assert order.spec.quantity == 10


def test_e45_a_quantity_below_what_has_filled_is_refused_here() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.PARTIAL)

    denied = replace(desk, order, quantity="4")

    assert isinstance(denied, Denied)
    assert (denied.code, denied.value, denied.limit) == ("QUANTITY_BELOW_FILLED", 4.0, 5.0)
    assert not order.replace_pending


def test_e45_a_quantity_equal_to_what_has_filled_completes_the_order() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.PARTIAL)
    outcome = replace(desk, order, quantity="5")

    desk.report(K.REPLACED, order, quantity=Decimal(5))

    assert isinstance(outcome, ExecutionReport)
    assert seen(order.state, order.filled, order.leaves) == (S.FILLED, 5, 0)
    assert desk.locked(order) == 0


@pytest.mark.parametrize("state", [S.INTENT, S.SENDING, S.IN_DOUBT, S.FILLED, S.CANCELED])
def test_only_a_working_order_can_be_changed(state: OrderState) -> None:
    desk = OrderDesk()
    order = desk.opened_in(state)

    denied = replace(desk, order, quantity="20")

    assert isinstance(denied, Denied)
    assert denied.code == "ORDER_NOT_WORKING"


def test_an_unknown_order_cannot_be_changed() -> None:
    desk = OrderDesk(terminal_kept=0)
    order = desk.opened_in(S.CANCELED)

    denied = replace(desk, order, quantity="20")

    assert isinstance(denied, Denied)
    assert denied.code == "ORDER_NOT_WORKING"


@pytest.mark.parametrize("what", ["replace", "cancel"])
def test_one_change_is_answered_before_the_next_is_asked_for(what: str) -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)
    if what == "cancel":
        desk.cancel(order)
    else:
        replace(desk, order, quantity="5")

    denied = replace(desk, order, quantity="6")

    assert isinstance(denied, Denied)
    assert denied.code == "ORDER_CHANGE_PENDING"


def test_a_refused_change_leaves_the_order_and_lets_another_be_asked_for() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.PARTIAL)
    replace(desk, order, quantity="6")

    desk.report(K.REPLACE_REJECTED, order)

    assert seen(order.state, order.quantity, order.replace_pending) == (S.PARTIAL, 10, False)
    assert isinstance(replace(desk, order, quantity="7"), ExecutionReport)


def test_e93_the_reservation_of_a_buy_goes_with_quantity_and_price() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)

    desk.report(K.REPLACED, order, quantity=Decimal(20))
    of_more = desk.locked(order)
    desk.report(K.REPLACED, order, limit_price=Decimal(110))

    assert of_more == 2000
    assert desk.locked(order) == 2200


def test_e93_the_reservation_of_a_sale_does_not_go_with_the_price() -> None:
    desk = OrderDesk()
    sale = an_approved_order(side=Side.SELL, reserve=Decimal(10), reserve_currency="BTC")
    order = desk.opened_in(S.ACCEPTED, sale)

    desk.report(K.REPLACED, order, limit_price=Decimal(200))

    assert desk.locked(order) == 10


def test_a_moved_trigger_stands_on_a_stop() -> None:
    desk = OrderDesk()
    stop = an_approved_order(type=OrderType.STOP, limit_price=None, trigger_price=Decimal(120))
    order = desk.opened_in(S.ACCEPTED, stop)

    desk.report(K.REPLACED, order, trigger_price=Decimal(130))

    assert order.standing.trigger_price == 130


@pytest.mark.parametrize("state", [S.FILLED, S.CANCELED])
def test_a_change_answered_after_the_end_changes_nothing(state: OrderState) -> None:
    desk = OrderDesk()
    order = desk.opened_in(state)

    report = desk.report(K.REPLACED, order, quantity=Decimal(20))

    assert seen(order.quantity, report.facts) == (10, [])


@pytest.mark.parametrize("change", [{"quantity": "0"}, {"limit_price": "-1"}, {"quantity": "NaN"}])
def test_a_change_to_nothing_is_told_and_asked_about(change: dict[str, str]) -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)

    values = {name: Decimal(text) for name, text in change.items()}
    report = desk.report(K.REPLACED, order, **values)

    assert seen(order.quantity, order.limit_price) == (10, 100)
    assert desk.alerts() == ["REPORT_MALFORMED"]
    assert report.effects == [Query(order.ref)]


def test_k17_a_status_says_what_stands_when_the_answer_to_a_change_was_lost() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)
    replace(desk, order, quantity="5")

    desk.report(K.STATUS, order, quantity=Decimal(5), limit_price=Decimal(100))

    assert seen(order.quantity, order.replace_pending) == (5, False)


@pytest.mark.parametrize(
    ("name", "value"), [("quantity", "7"), ("limit_price", "99"), ("trigger_price", "98")]
)
def test_k17_a_status_with_other_numbers_is_what_stands(name: str, value: str) -> None:
    desk = OrderDesk()
    stop = an_approved_order(type=OrderType.STOP_LIMIT, trigger_price=Decimal(97))
    order = desk.opened_in(S.ACCEPTED, stop)

    desk.report(K.STATUS, order, **{name: Decimal(value)})

    assert getattr(order.standing, name) == Decimal(value)


def test_k17_a_status_with_our_own_numbers_is_no_news() -> None:
    desk = OrderDesk()
    stop = an_approved_order(type=OrderType.STOP_LIMIT, trigger_price=Decimal(97))
    order = desk.opened_in(S.ACCEPTED, stop)

    report = desk.report(
        K.STATUS,
        order,
        quantity=Decimal("10.0"),
        limit_price=Decimal(100),
        trigger_price=Decimal(97),
    )

    assert (report.facts, report.effects) == ([], [])


def test_a_cancel_while_a_change_is_pending_keeps_both_owed() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)
    replace(desk, order, quantity="5")

    desk.cancel(order)

    assert order.cancel_owed
    assert order.replace_pending
