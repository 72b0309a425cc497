"""R7, R8, E31–E38, E97: fills are a set, and an order is their sum."""

from decimal import Decimal
from itertools import permutations

import pytest
from tests.support.builders import a_fill, an_approved_order, an_exit
from tests.support.order_desk import OrderDesk, figures, seen

from botcore.domain.effects import Query
from botcore.domain.events import OrderFilled
from botcore.domain.orders import OrderState
from botcore.domain.reports import ReportKind

S, K = OrderState, ReportKind


def test_e31_partly_filled_then_cancelled() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)

    desk.fill(order, "4")
    desk.report(K.CANCELED, order)

    assert order.state is S.CANCELED
    assert seen(order.filled, order.leaves, desk.locked(order)) == (4, 0, 0)


def test_e33_a_fill_after_the_cancel_is_applied_and_the_order_stays_closed() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)
    desk.fill(order, "4")
    desk.report(K.CANCELED, order)

    report = desk.fill(order, "6")

    (fact,) = report.facts
    assert isinstance(fact, OrderFilled)
    assert seen(fact.state, fact.filled, fact.overfill) == (S.CANCELED, 10, 0)
    assert seen(order.state, order.filled, order.leaves) == (S.CANCELED, 10, 0)
    assert report.halt == ""


@pytest.mark.parametrize("state", [S.CANCELED, S.EXPIRED, S.EXPIRED_IN_MATCH])
def test_r8_a_late_fill_lands_on_every_state_that_ended_at_the_venue(state: OrderState) -> None:
    desk = OrderDesk()
    order = desk.opened_in(state)

    desk.fill(order, "3")

    assert seen(order.state, order.filled) == (state, 3)
    assert desk.halts == []


@pytest.mark.parametrize("state", [S.NOT_SENT, S.REJECTED, S.NOT_ACCEPTED])
def test_r12_a_fill_on_an_order_proven_absent_is_applied_and_halts(state: OrderState) -> None:
    desk = OrderDesk()
    order = desk.opened_in(state)

    report = desk.fill(order, "3")

    assert seen(order.state, order.filled) == (state, 3)
    assert report.halt == f"a fill on order {order.id}, which was {state}"


def test_r12_a_fill_on_an_order_that_was_never_sent_is_applied_and_halts() -> None:
    desk = OrderDesk()
    order = desk.open()

    report = desk.fill(order, "10")

    assert seen(order.state, order.filled) == (S.FILLED, 10)
    assert report.halt.endswith("which had not been sent")


@pytest.mark.parametrize("kind", [K.FILLED, K.ACCEPTED, K.STATUS])
def test_r12_a_held_exit_that_the_venue_knows_halts(kind: ReportKind) -> None:
    desk = OrderDesk()
    entry = desk.opened_in(S.ACCEPTED, an_approved_order(), an_exit())
    (stop,) = desk.children(entry)

    report = desk.report(kind, stop, fill=a_fill(quantity="4") if kind is K.FILLED else None)

    assert desk.states(stop)[:2] == [S.INTENT, S.SENDING]
    assert stop.state is (S.PARTIAL if kind is K.FILLED else S.ACCEPTED)
    assert report.halt.endswith("had not been sent")


def test_r12_a_fill_under_our_name_that_nobody_knows_halts() -> None:
    desk = OrderDesk(terminal_kept=0)
    order = desk.opened_in(S.CANCELED)

    report = desk.fill(order, "1")

    assert report.halt == f"a fill on order {order.id}, which is ours and unknown"
    assert desk.alerts() == ["ORDER_UNKNOWN"]


def test_e54_an_order_of_somebody_else_is_told_and_does_not_halt() -> None:
    desk = OrderDesk(terminal_kept=0)
    order = desk.opened_in(S.CANCELED)

    report = desk.report(K.FILLED, order, client_order_id="web_123", fill=a_fill())

    assert report.halt == ""
    assert desk.alerts() == ["ORDER_UNKNOWN"]


def test_e34_the_same_trade_twice_is_one_fill() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)

    desk.fill(order, "4", trade="t1")
    again = desk.fill(order, "4", trade="t1")

    assert order.filled == 4
    assert (again.facts, again.effects) == ([], [])


@pytest.mark.parametrize(("quantity", "price"), [("5", "100"), ("4", "101")])
def test_e34_the_same_trade_with_other_figures_keeps_the_first_and_is_told(
    quantity: str, price: str
) -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)

    desk.fill(order, "4", trade="t1")
    desk.fill(order, quantity, trade="t1", price=price)

    assert order.filled == 4
    assert desk.alerts() == ["FILL_NOISY_DUPLICATE"]


def test_e34_e98_the_same_trade_written_with_more_digits_is_no_noise() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)

    desk.fill(order, "4", trade="t1")
    desk.fill(order, "4.000", trade="t1", price="100.00")

    assert order.filled == 4
    assert desk.alerts() == []


def test_e35_the_same_fill_under_another_id_is_known_by_its_cumulative() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)

    desk.fill(order, "4", trade="ws-1", cumulative=Decimal(4))
    again = desk.fill(order, "4", trade="rest-1", cumulative=Decimal(4))

    assert order.filled == 4
    assert again.facts == []


def test_e35_a_duplicate_is_known_also_while_an_earlier_fill_is_missing() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)

    desk.fill(order, "3", trade="ws-2", cumulative=Decimal(7))
    again = desk.fill(order, "3", trade="rest-2", cumulative=Decimal(7))

    assert order.filled == 3
    assert again.facts == []


def test_e35_we_never_hold_more_than_the_venue_counts() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)

    desk.fill(order, "4", trade="rest-1")  # said no cumulative
    again = desk.fill(order, "4", trade="ws-1", cumulative=Decimal(4))

    assert order.filled == 4
    assert again.facts == []
    assert again.effects == [Query(order.ref)]


def test_e35_fills_out_of_order_are_each_applied() -> None:
    for arrival in permutations([("a", "4", 4), ("b", "3", 7), ("c", "2", 9)]):
        desk = OrderDesk()
        order = desk.opened_in(S.ACCEPTED)

        for trade, quantity, cumulative in arrival:
            desk.fill(order, quantity, trade=trade, cumulative=Decimal(cumulative))

        assert seen(order.state, order.filled) == (S.PARTIAL, 9)
        assert desk.locked(order) == 100


def test_e35_two_equal_fills_in_a_row_are_two() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)

    desk.fill(order, "2", cumulative=Decimal(2))
    desk.fill(order, "2", cumulative=Decimal(4))

    assert order.filled == 4


def test_e35_a_duplicate_is_known_after_a_restart_too() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)
    desk.fill(order, "3", trade="b", cumulative=Decimal(7))
    desk.fill(order, "4", trade="a", cumulative=Decimal(4))

    again = OrderDesk()
    for fact in desk.facts:
        again.engine.fold(fact)
    restored = again[order.id]
    again.fill(restored, "4", trade="rest-a", cumulative=Decimal(4))

    assert restored.filled == 7


def test_e36_an_overfill_follows_the_venue_and_is_told() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED, an_approved_order("100"))

    desk.fill(order, "60")
    report = desk.fill(order, "50")

    fact = report.facts[0]
    assert isinstance(fact, OrderFilled)
    assert seen(fact.state, fact.filled, fact.overfill) == (S.FILLED, 110, 10)
    assert seen(order.filled, order.overfill, order.leaves) == (110, 10, 0)
    assert desk.alerts() == ["ORDER_OVERFILLED"]


def test_e36_a_fill_on_a_filled_order_is_an_overfill() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.FILLED)

    desk.fill(order, "1")

    assert seen(order.state, order.filled, order.overfill) == (S.FILLED, 11, 1)


def test_e37_an_acknowledgement_after_the_fill_changes_nothing() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.SENDING)

    desk.fill(order, "10")
    late = desk.report(K.ACCEPTED, order)

    assert order.state is S.FILLED
    assert (late.facts, late.effects) == ([], [])


def test_e37_a_fill_before_the_acknowledgement_counts() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.SENDING)

    desk.fill(order, "4")
    late = desk.report(K.ACCEPTED, order)

    assert seen(order.state, order.filled) == (S.PARTIAL, 4)
    assert late.facts == []


@pytest.mark.parametrize("kind", [K.ACCEPTED, K.STATUS])
def test_e38_a_status_after_a_partial_fill_does_not_reset_it(kind: ReportKind) -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.PARTIAL)

    desk.report(kind, order, cumulative=Decimal(5))

    assert seen(order.state, order.filled) == (S.PARTIAL, 5)


@pytest.mark.parametrize("state", [S.SENDING, S.ACCEPTED, S.CANCELED])
@pytest.mark.parametrize("kind", [K.FILLED, K.STATUS, K.ACCEPTED, K.CANCELED, K.EXPIRED])
def test_r7_a_venue_that_counts_more_than_we_hold_is_asked(
    kind: ReportKind, state: OrderState
) -> None:
    desk = OrderDesk()
    order = desk.opened_in(state)
    fill = a_fill("t1", "2") if kind is K.FILLED else None

    report = desk.report(kind, order, cumulative=Decimal(5), fill=fill)

    assert report.effects == [Query(order.ref)]


def test_r7_a_venue_that_counts_what_we_hold_is_not_asked() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)

    report = desk.fill(order, "5", cumulative=Decimal("5.0"))

    assert report.effects == []


def test_r7_i5_what_is_filled_is_the_sum_of_the_fills() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)

    for quantity in ("0.1", "2.25", "0.003"):
        desk.fill(order, quantity)

    assert order.filled == sum(quantity for _, quantity in order.fills.values())
    assert order.filled == Decimal("2.353")


def test_e97_ten_fills_of_a_tenth_fill_an_order_of_one() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED, an_approved_order("1"))

    for _ in range(10):
        desk.fill(order, "0.1")

    assert seen(order.state, order.filled, order.overfill) == (S.FILLED, 1, 0)


@pytest.mark.parametrize(
    "fill",
    [
        None,
        a_fill(quantity="0"),
        a_fill(quantity="-1"),
        a_fill(price="0"),
        a_fill(quantity="NaN", quote_amount=Decimal(0)),
        a_fill(price="NaN", quote_amount=Decimal(0)),
        a_fill(quantity="Infinity"),
    ],
)
def test_e97_a_fill_that_is_none_is_told_and_asked_about(fill: object) -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)

    report = desk.report(K.FILLED, order, fill=fill)

    assert seen(order.state, order.filled) == (S.ACCEPTED, 0)
    assert desk.alerts() == ["REPORT_MALFORMED"]
    assert report.effects == [Query(order.ref)]


def test_e93_a_partial_fill_releases_its_share_of_the_reservation() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED, an_approved_order("3", reserve=Decimal("100.1")))

    desk.fill(order, "1")
    after_one = desk.locked(order)
    desk.fill(order, "1")
    after_two = desk.locked(order)
    desk.fill(order, "1")

    assert after_one == Decimal("66.73333334")  # two thirds, rounded up: never too little
    assert after_two == Decimal("33.36666667")
    assert desk.locked(order) == 0


def test_e93_what_is_locked_is_the_sum_over_the_working_orders() -> None:
    desk = OrderDesk()
    first, second = desk.opened_in(S.ACCEPTED), desk.opened_in(S.PARTIAL)

    assert desk.locked(first) == first.locked + second.locked == 1500

    desk.report(K.CANCELED, first)

    assert desk.locked(second) == 500


@pytest.mark.parametrize(
    "state", [S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED, S.NOT_SENT, S.NOT_ACCEPTED]
)
def test_e93_an_order_that_ended_locks_nothing(state: OrderState) -> None:
    desk = OrderDesk()

    order = desk.opened_in(state)

    assert order.locked == desk.locked(order) == 0


def test_e53_an_order_that_expires_partly_filled_keeps_its_fills() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.PARTIAL)

    desk.report(K.EXPIRED, order)

    assert seen(order.state, order.filled, order.leaves) == (S.EXPIRED, 5, 0)


def test_i10_notes_of_the_venue_stand_on_the_fact() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)

    report = desk.fill(order, "1", flags=("ambiguous_bar",), venue_order_id="S1")

    fact = report.facts[0]
    assert isinstance(fact, OrderFilled)
    assert (fact.flags, fact.venue_order_id) == (("ambiguous_bar",), "S1")
    assert order.venue_order_id == "S1"


def test_terminal_orders_beyond_the_bound_are_forgotten_oldest_first() -> None:
    desk = OrderDesk(terminal_kept=2)
    ended = [desk.opened_in(S.CANCELED) for _ in range(3)]
    working = desk.opened_in(S.ACCEPTED)

    known = [order.id for order in desk.engine.index]

    assert known == [ended[1].id, ended[2].id, working.id]
    assert [order.id for order in desk.engine.index.all_working(working.spec.account)] == [
        working.id
    ]


def test_i11_every_permutation_of_fills_ends_in_the_same_order() -> None:
    fills = [("a", "4", 4), ("b", "3", 7), ("c", "2", 9), ("d", "1", 10)]
    ends = []
    for arrival in permutations(fills):
        desk = OrderDesk()
        order = desk.opened_in(S.ACCEPTED)
        for trade, quantity, cumulative in arrival:
            desk.fill(order, quantity, trade=trade, cumulative=Decimal(cumulative))
        ends.append(figures(order))

    assert all(end == ends[0] for end in ends)
    assert ends[0][1] is S.FILLED
