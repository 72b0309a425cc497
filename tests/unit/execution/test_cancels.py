"""E32, E43, E44: a cancel is owed until the order is proven gone."""

import pytest
from tests.support.builders import EMA, MAIN, a_key, an_approved, an_approved_order, an_exit
from tests.support.order_desk import OrderDesk, seen

from botcore.domain.effects import Cancel, Query
from botcore.domain.ids import ClientOrderId, InstrumentId, StrategyId
from botcore.domain.orders import TERMINAL, OrderState
from botcore.domain.reports import ReportKind

S, K = OrderState, ReportKind
AT_VENUE = [S.SENDING, S.IN_DOUBT, S.ACCEPTED, S.PARTIAL]


def test_e32_a_fill_that_beats_the_cancel_ends_the_matter() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)
    desk.fill(order, "4")
    desk.cancel(order)

    desk.fill(order, "6")
    late = desk.report(K.CANCEL_REJECTED, order, detail="unknown order")

    assert seen(order.state, order.filled, order.cancel_owed) == (S.FILLED, 10, False)
    assert (late.facts, late.effects) == ([], [])
    assert [effect for effect in desk.effects if isinstance(effect, Cancel)] == [Cancel(order.ref)]
    assert desk.alerts() == []


@pytest.mark.parametrize("state", AT_VENUE)
def test_e43_a_cancel_that_was_asked_for_leaves_the_order_live(state: OrderState) -> None:
    desk = OrderDesk()
    order = desk.opened_in(state)
    locked = desk.locked(order)

    report = desk.cancel(order)
    desk.report(K.CANCEL_UNKNOWN, order)

    assert report.effects == [Cancel(order.ref)]
    assert order.state is state
    assert order.cancel_owed
    assert desk.locked(order) == locked > 0


@pytest.mark.parametrize("kind", [K.CANCEL_REJECTED, K.CANCEL_UNKNOWN])
@pytest.mark.parametrize("state", AT_VENUE)
def test_e44_a_refused_cancel_leaves_every_state_and_asks_for_the_truth(
    state: OrderState, kind: ReportKind
) -> None:
    desk = OrderDesk()
    order = desk.opened_in(state)
    desk.cancel(order)

    report = desk.report(kind, order)

    assert order.state is state
    assert order.cancel_owed
    assert (report.facts, report.effects) == ([], [Query(order.ref)])


def test_e44_a_refused_cancel_that_nobody_asked_for_means_nothing() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)

    report = desk.report(K.CANCEL_REJECTED, order)

    assert (report.facts, report.effects) == ([], [])


def test_r3_an_owed_cancel_is_repeated_when_the_venue_shows_the_order_working() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)
    desk.cancel(order)

    report = desk.report(K.STATUS, order)

    assert report.effects == [Cancel(order.ref)]
    assert order.cancel_owed


def test_v11_a_second_acknowledgement_does_not_repeat_the_cancel() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.SENDING)
    desk.cancel(order)

    first = desk.report(K.ACCEPTED, order)
    second = desk.report(K.ACCEPTED, order)

    assert first.effects == [Cancel(order.ref)]
    assert (second.facts, second.effects) == ([], [])


def test_r3_a_cancel_is_sent_a_bounded_number_of_times_and_then_a_person_is_told_once() -> None:
    desk = OrderDesk(cancel_attempts=3)
    order = desk.opened_in(S.ACCEPTED)
    desk.cancel(order)

    for _ in range(10):
        desk.report(K.STATUS, order)

    cancels = [effect for effect in desk.effects if isinstance(effect, Cancel)]
    assert len(cancels) == 3
    assert desk.alerts() == ["CANCEL_OWED"]
    assert order.cancel_owed


def test_r3_a_person_may_ask_again_once_the_attempts_are_spent() -> None:
    desk = OrderDesk(cancel_attempts=1)
    order = desk.opened_in(S.ACCEPTED)
    desk.cancel(order)
    asked_again = desk.cancel(order)
    desk.report(K.STATUS, order)

    by_a_person = desk.cancel(order)

    assert asked_again.effects == []
    assert by_a_person.effects == [Cancel(order.ref)]


def test_a_cancel_asked_for_before_the_order_left_is_sent_once_it_is_there() -> None:
    desk = OrderDesk()
    order = desk.open()

    asked = desk.cancel(order)
    desk.report(K.SENDING, order)
    accepted = desk.report(K.ACCEPTED, order)

    assert asked.effects == []
    assert accepted.effects == [Cancel(order.ref)]
    assert order.cancel_owed


def test_a_held_order_is_cancelled_at_once_and_nothing_is_sent() -> None:
    desk = OrderDesk()
    entry = desk.open(an_approved_order(), an_exit())
    (child,) = desk.children(entry)

    report = desk.cancel(child)

    assert child.state is S.CANCELED
    assert report.effects == []


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_cancelling_an_order_that_ended_changes_nothing(state: OrderState) -> None:
    desk = OrderDesk()
    order = desk.opened_in(state)

    report = desk.cancel(order)

    assert (report.facts, report.effects) == ([], [])


def test_cancelling_an_unknown_order_changes_nothing() -> None:
    report = OrderDesk().engine.cancel(ClientOrderId("nobody"), at=a_key())

    assert (report.facts, report.effects) == ([], [])


def test_all_orders_of_an_account_a_strategy_or_an_instrument_are_cancelled_oldest_first() -> None:
    desk = OrderDesk()
    rsi, eth = StrategyId("rsi"), InstrumentId("ETHUSDT.SIM")
    lines: list[dict[str, str]] = [{}, {"strategy": rsi}, {"instrument": eth}, {"account": "other"}]
    for line in lines:
        placed = desk.engine.execute_order(an_approved(**line), at=a_key())
        desk.take(placed)
    orders = list(desk.engine.index)

    def owed() -> list[int]:
        return [n for n, order in enumerate(orders) if order.cancel_owed]

    desk.engine.cancel_all(MAIN, at=a_key(), strategy=rsi)
    assert owed() == [1]
    desk.engine.cancel_all(MAIN, at=a_key(), strategy=EMA, instrument=eth)
    assert owed() == [1, 2]
    rest = desk.engine.cancel_all(MAIN, at=a_key())
    assert owed() == [0, 1, 2]
    assert len(rest.facts) == 1
