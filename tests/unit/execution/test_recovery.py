"""R10, E69, K04, K15: taking up after a restart."""

import pytest
from tests.support.builders import MAIN, a_key, an_approved_order, an_exit
from tests.support.order_desk import TO_STATE, OrderDesk

from botcore.domain.effects import Cancel, Effect, Query
from botcore.domain.orders import OrderState
from botcore.domain.reports import ReportKind

S, K = OrderState, ReportKind


@pytest.mark.parametrize(
    ("before", "after", "is_asked"),
    [
        (S.INTENT, S.NOT_SENT, False),
        (S.SENDING, S.IN_DOUBT, True),
        (S.IN_DOUBT, S.IN_DOUBT, True),
        (S.ACCEPTED, S.ACCEPTED, True),
        (S.PARTIAL, S.PARTIAL, True),
        (S.FILLED, S.FILLED, False),
        (S.CANCELED, S.CANCELED, False),
    ],
)
def test_r10_e69_every_order_is_closed_or_asked_about_and_none_is_sent(
    before: OrderState, after: OrderState, is_asked: bool
) -> None:
    desk = OrderDesk()
    order = desk.opened_in(before)

    report = desk.engine.recover(MAIN, at=a_key(9))

    assert order.state is after
    asked: list[Effect] = [Query(order.ref)] if is_asked else []
    assert report.effects == asked


def test_k04_an_intent_that_never_left_releases_its_reservation() -> None:
    desk = OrderDesk()
    order = desk.open()

    desk.engine.recover(MAIN, at=a_key(9))

    assert desk.locked(order) == 0


def test_k04_the_exits_of_an_entry_that_never_left_are_cancelled() -> None:
    desk = OrderDesk()
    entry = desk.open(an_approved_order(), an_exit())

    desk.engine.recover(MAIN, at=a_key(9))

    assert [child.state for child in desk.children(entry)] == [S.CANCELED]


def test_k04_an_exit_that_never_left_is_told_because_its_entry_has_filled() -> None:
    desk = OrderDesk()
    entry = desk.opened_in(S.FILLED, an_approved_order(), an_exit())
    (stop,) = desk.children(entry)

    desk.take(desk.engine.recover(MAIN, at=a_key(9)))

    assert stop.state is S.NOT_SENT
    assert desk.alerts() == ["FILL_UNPROTECTED"]


def test_k15_an_owed_cancel_is_repeated_after_a_restart() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)
    desk.cancel(order)

    report = desk.engine.recover(MAIN, at=a_key(9))

    assert report.effects == [Cancel(order.ref), Query(order.ref)]
    assert order.cancel_owed


def test_k15_the_cancel_of_an_order_in_doubt_stays_owed_until_it_is_found() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.SENDING)
    desk.cancel(order)

    recovered = desk.engine.recover(MAIN, at=a_key(9))
    found = desk.report(K.STATUS, order)

    assert recovered.effects == [Query(order.ref)]
    assert found.effects == [Cancel(order.ref)]


def test_k17_a_change_whose_answer_was_lost_no_longer_blocks_the_next() -> None:
    desk = OrderDesk()
    entry = desk.opened_in(S.ACCEPTED, an_approved_order(), an_exit())
    desk.fill(entry, "4")
    (stop,) = desk.children(entry)
    desk.report(K.SENDING, stop)
    desk.report(K.ACCEPTED, stop)
    desk.fill(entry, "2")

    desk.engine.recover(MAIN, at=a_key(9))
    found = desk.report(K.STATUS, stop)

    assert [type(effect).__name__ for effect in found.effects] == ["Replace"]


@pytest.mark.parametrize("state", list(TO_STATE))
def test_k21_a_second_recovery_finds_nothing_new(state: OrderState) -> None:
    desk = OrderDesk()
    desk.opened_in(state)
    first = desk.engine.recover(MAIN, at=a_key(9))
    kept = desk.engine.state()

    second = desk.engine.recover(MAIN, at=a_key(10))

    assert second.facts == []
    assert second.effects == first.effects
    assert desk.engine.state() == kept


def test_r10_the_orders_of_another_account_are_left_alone() -> None:
    desk = OrderDesk()
    order = desk.open()

    report = desk.engine.recover("other", at=a_key(9))  # type: ignore[arg-type]  # any account

    assert (report.facts, report.effects) == ([], [])
    assert order.state is S.INTENT


def test_a_failed_commit_closes_what_was_never_sent_and_asks_nothing() -> None:
    desk = OrderDesk()
    unsent, sent = desk.open(), desk.opened_in(S.SENDING)

    report = desk.engine.drop_unsent(MAIN, at=a_key(9))

    assert (unsent.state, sent.state) == (S.NOT_SENT, S.SENDING)
    assert report.effects == []
