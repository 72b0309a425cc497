"""I9: the legal edges are exactly the table of order-protocol A.1."""

from itertools import product

import pytest
from tests.support.order_desk import TO_STATE, OrderDesk

from botcore.domain.errors import InvariantBroken
from botcore.domain.orders import TERMINAL, OrderState
from botcore.execution import AT_VENUE, LEGAL, check_edge

S = OrderState

# Written out from order-protocol.md A.1, not from the code.
PROTOCOL = {
    "HELD": "INTENT CANCELED",
    "INTENT": "SENDING NOT_SENT",
    "SENDING": "ACCEPTED REJECTED NOT_SENT IN_DOUBT PARTIAL FILLED CANCELED EXPIRED"
    " EXPIRED_IN_MATCH",
    "IN_DOUBT": "ACCEPTED PARTIAL FILLED CANCELED EXPIRED EXPIRED_IN_MATCH REJECTED NOT_ACCEPTED",
    "ACCEPTED": "PARTIAL FILLED CANCELED EXPIRED EXPIRED_IN_MATCH REJECTED",
    "PARTIAL": "PARTIAL FILLED CANCELED EXPIRED EXPIRED_IN_MATCH",
    "FILLED": "FILLED",
    "CANCELED": "CANCELED",
    "EXPIRED": "EXPIRED",
    "EXPIRED_IN_MATCH": "EXPIRED_IN_MATCH",
    "REJECTED": "REJECTED",
    "NOT_SENT": "NOT_SENT",
    "NOT_ACCEPTED": "NOT_ACCEPTED",
}
EDGES = {(S(a), S(b)) for a, targets in PROTOCOL.items() for b in targets.split()}


@pytest.mark.parametrize(("before", "after"), list(product(S, S)))
def test_i9_every_pair_of_states_is_an_edge_or_refused(
    before: OrderState, after: OrderState
) -> None:
    if (before, after) in EDGES or before is after:  # flags change within a state
        check_edge("o", before, after)
    else:
        with pytest.raises(InvariantBroken, match="ORDER_EDGE_ILLEGAL"):
            check_edge("o", before, after)


def test_i9_the_table_holds_the_edges_of_the_protocol_and_no_other() -> None:
    assert {(a, b) for a, targets in LEGAL.items() for b in targets} == EDGES


def test_i9_nothing_leaves_a_terminal_state() -> None:
    assert {state for state in S if LEGAL[state] == {state}} == TERMINAL


def test_an_order_lives_or_may_live_at_the_venue_in_four_states() -> None:
    assert {S.SENDING, S.IN_DOUBT, S.ACCEPTED, S.PARTIAL} == AT_VENUE


@pytest.mark.parametrize("state", list(TO_STATE))
def test_i9_every_state_is_reached_over_legal_edges(state: OrderState) -> None:
    desk = OrderDesk()

    order = desk.opened_in(state)

    assert order.is_terminal is (state in TERMINAL)
    assert desk.halts == []
    assert desk.alerts() == []
