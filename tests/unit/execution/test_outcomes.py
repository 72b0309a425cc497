"""R3, E39, E40, E42: what an answer, or none, means for an order that was sent."""

import pytest
from tests.support.builders import BTCUSDT, MAIN
from tests.support.order_desk import TO_STATE, OrderDesk

from botcore.domain.effects import Cancel, Query
from botcore.domain.events import OrderUpdated
from botcore.domain.ids import AccountId, InstrumentId
from botcore.domain.orders import TERMINAL, OrderState
from botcore.domain.reports import ReportKind

S, K = OrderState, ReportKind

OUTCOMES = [
    (S.INTENT, K.SENDING, S.SENDING),
    (S.INTENT, K.NOT_SENT, S.NOT_SENT),
    (S.INTENT, K.OUTCOME_UNKNOWN, S.IN_DOUBT),
    (S.SENDING, K.NOT_SENT, S.NOT_SENT),
    (S.SENDING, K.REJECTED, S.REJECTED),
    (S.SENDING, K.OUTCOME_UNKNOWN, S.IN_DOUBT),
    (S.SENDING, K.ACCEPTED, S.ACCEPTED),
    (S.SENDING, K.STATUS, S.ACCEPTED),
    (S.SENDING, K.CANCELED, S.CANCELED),
    (S.SENDING, K.EXPIRED, S.EXPIRED),
    (S.SENDING, K.EXPIRED_IN_MATCH, S.EXPIRED_IN_MATCH),
    (S.IN_DOUBT, K.ACCEPTED, S.ACCEPTED),
    (S.IN_DOUBT, K.STATUS, S.ACCEPTED),
    (S.IN_DOUBT, K.REJECTED, S.REJECTED),
    (S.IN_DOUBT, K.NOT_ACCEPTED, S.NOT_ACCEPTED),
    (S.IN_DOUBT, K.CANCELED, S.CANCELED),
    (S.IN_DOUBT, K.EXPIRED, S.EXPIRED),
    (S.IN_DOUBT, K.EXPIRED_IN_MATCH, S.EXPIRED_IN_MATCH),
    (S.ACCEPTED, K.REJECTED, S.REJECTED),
    (S.ACCEPTED, K.CANCELED, S.CANCELED),
    (S.ACCEPTED, K.EXPIRED, S.EXPIRED),
    (S.ACCEPTED, K.EXPIRED_IN_MATCH, S.EXPIRED_IN_MATCH),
    (S.PARTIAL, K.CANCELED, S.CANCELED),
    (S.PARTIAL, K.EXPIRED, S.EXPIRED),
    (S.PARTIAL, K.EXPIRED_IN_MATCH, S.EXPIRED_IN_MATCH),
]
"""State, report, state after it; every other pair leaves the state as it is."""


@pytest.mark.parametrize(("before", "kind", "after"), OUTCOMES)
def test_r3_an_outcome_has_its_class(
    before: OrderState, kind: ReportKind, after: OrderState
) -> None:
    desk = OrderDesk()
    order = desk.opened_in(before)

    desk.report(kind, order)

    assert order.state is after
    assert desk.halts == []


STALE = [
    (before, kind)
    for before in TO_STATE
    for kind in ReportKind
    if kind is not K.FILLED and (before, kind) not in {(a, b) for a, b, _ in OUTCOMES}
]


@pytest.mark.parametrize(("before", "kind"), STALE)
def test_e37_every_other_report_leaves_the_state_as_it_is(
    before: OrderState, kind: ReportKind
) -> None:
    desk = OrderDesk()
    order = desk.opened_in(before)
    filled, locked = order.filled, order.locked

    report = desk.report(kind, order)

    if before is S.INTENT and kind in (K.ACCEPTED, K.STATUS):
        assert order.state is S.ACCEPTED  # it was never sent, and yet is there: halted
        assert desk.halts
    else:
        assert order.state is before
        assert (order.filled, order.locked) == (filled, locked)
        if before in TERMINAL:
            assert not any(isinstance(fact, OrderUpdated) for fact in report.facts)


@pytest.mark.parametrize("state", [S.REJECTED, S.NOT_SENT, S.NOT_ACCEPTED])
@pytest.mark.parametrize("kind", [K.ACCEPTED, K.STATUS])
def test_r12_an_order_that_was_proven_absent_and_lives_halts_the_account(
    state: OrderState, kind: ReportKind
) -> None:
    desk = OrderDesk()
    order = desk.opened_in(state)

    report = desk.report(kind, order)

    assert report.halt == f"order {order.id} lives at the venue although it was {state}"
    assert report.account == "main"
    assert report.effects == [Cancel(order.ref)]
    assert desk.alerts() == ["ORDER_ALIVE"]


def test_r3_not_found_is_never_proof_alone() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.IN_DOUBT)

    for _ in range(1_000):
        report = desk.report(K.NOT_FOUND, order)
        assert (report.facts, report.effects) == ([], [])

    assert order.state is S.IN_DOUBT


@pytest.mark.parametrize(
    ("before", "kind"),
    [
        (S.IN_DOUBT, K.NOT_SENT),
        (S.SENDING, K.NOT_ACCEPTED),
        (S.PARTIAL, K.REJECTED),
        (S.INTENT, K.CANCELED),
        (S.INTENT, K.REJECTED),
    ],
)
def test_r3_a_claim_that_cannot_be_is_asked_about_and_told(
    before: OrderState, kind: ReportKind
) -> None:
    desk = OrderDesk()
    order = desk.opened_in(before)

    report = desk.report(kind, order)

    assert desk.alerts() == ["REPORT_IMPOSSIBLE"]
    assert report.effects == [Query(order.ref)]


@pytest.mark.parametrize("before", [S.INTENT, S.SENDING])
def test_e39_e42_an_unanswered_order_is_asked_for_and_never_sent_again(before: OrderState) -> None:
    desk = OrderDesk()
    order = desk.opened_in(before)
    sent = len(desk.effects)

    desk.report(K.OUTCOME_UNKNOWN, order)
    desk.report(K.OUTCOME_UNKNOWN, order)

    assert order.state is S.IN_DOUBT
    assert desk.effects[sent:] == [Query(order.ref)]


def test_e39_r5_an_order_in_doubt_keeps_its_whole_reservation_and_is_counted() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.SENDING)

    desk.report(K.OUTCOME_UNKNOWN, order)

    index, spec = desk.engine.index, order.spec
    assert desk.locked(order) == 1000
    assert order.leaves == 10
    assert list(index.working(spec.account, spec.instrument)) == [order]
    assert index.in_doubt(spec.account, spec.instrument)


@pytest.mark.parametrize("kind", [K.ACCEPTED, K.NOT_ACCEPTED, K.CANCELED, K.REJECTED])
def test_r5_the_doubt_is_over_once_any_order_of_the_instrument_is_resolved(
    kind: ReportKind,
) -> None:
    desk = OrderDesk()
    first, second = desk.opened_in(S.IN_DOUBT), desk.opened_in(S.IN_DOUBT)
    account, instrument = first.spec.account, first.spec.instrument

    desk.report(kind, first)
    still = desk.engine.index.in_doubt(account, instrument)
    desk.report(kind, second)

    assert still
    assert not desk.engine.index.in_doubt(account, instrument)


def test_e40_a_late_answer_resolves_the_doubt() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.IN_DOUBT)

    desk.fill(order, "10")

    assert order.state is S.FILLED
    assert not desk.engine.index.in_doubt(order.spec.account, order.spec.instrument)


@pytest.mark.parametrize("kind", [K.ACCEPTED, K.STATUS])
def test_e40_a_late_acknowledgement_resolves_the_doubt_and_nothing_is_placed(
    kind: ReportKind,
) -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.IN_DOUBT)

    report = desk.report(kind, order)

    assert order.state is S.ACCEPTED
    assert report.effects == []


def test_r6_after_proven_absence_nothing_is_placed_again() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.IN_DOUBT)
    sent = len(desk.effects)

    report = desk.report(K.NOT_ACCEPTED, order)

    assert order.state is S.NOT_ACCEPTED
    assert desk.locked(order) == 0
    assert report.effects == []
    assert len(desk.effects) == sent
    assert len(list(desk.engine.index)) == 1


def test_v33_a_report_of_another_instrument_is_not_believed() -> None:
    desk = OrderDesk()
    order = desk.opened_in(S.ACCEPTED)

    report = desk.report(K.CANCELED, order, instrument="ETHUSDT.SIM")
    desk.report(K.CANCELED, order, account="other")

    assert order.state is S.ACCEPTED
    assert desk.alerts() == ["REPORT_MISMATCH", "REPORT_MISMATCH"]
    assert report.effects == [Query(order.ref)]


def test_r5_a_doubt_is_of_its_own_account_and_instrument() -> None:
    desk = OrderDesk()
    desk.opened_in(S.IN_DOUBT)

    index = desk.engine.index
    assert index.in_doubt(MAIN, BTCUSDT)
    assert not index.in_doubt(MAIN, InstrumentId("ETHUSDT.SIM"))
    assert not index.in_doubt(AccountId("other"), BTCUSDT)
