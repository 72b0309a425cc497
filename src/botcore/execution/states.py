"""The legal life of an order (order protocol A.1); every other edge is a bug."""

from collections.abc import Mapping

from botcore.domain.errors import InvariantBroken
from botcore.domain.orders import OrderState

_S = OrderState
_ENDS_AT_VENUE = {_S.FILLED, _S.CANCELED, _S.EXPIRED, _S.EXPIRED_IN_MATCH}

LEGAL: Mapping[OrderState, frozenset[OrderState]] = {
    _S.HELD: frozenset({_S.INTENT, _S.CANCELED}),
    _S.INTENT: frozenset({_S.SENDING, _S.NOT_SENT}),
    _S.SENDING: frozenset(
        {_S.ACCEPTED, _S.REJECTED, _S.NOT_SENT, _S.IN_DOUBT, _S.PARTIAL} | _ENDS_AT_VENUE
    ),
    _S.IN_DOUBT: frozenset(
        {_S.ACCEPTED, _S.PARTIAL, _S.REJECTED, _S.NOT_ACCEPTED} | _ENDS_AT_VENUE
    ),
    _S.ACCEPTED: frozenset({_S.PARTIAL, _S.REJECTED} | _ENDS_AT_VENUE),
    _S.PARTIAL: frozenset({_S.PARTIAL} | _ENDS_AT_VENUE),
    _S.FILLED: frozenset({_S.FILLED}),
    _S.CANCELED: frozenset({_S.CANCELED}),
    _S.EXPIRED: frozenset({_S.EXPIRED}),
    _S.EXPIRED_IN_MATCH: frozenset({_S.EXPIRED_IN_MATCH}),
    _S.REJECTED: frozenset({_S.REJECTED}),
    _S.NOT_SENT: frozenset({_S.NOT_SENT}),
    _S.NOT_ACCEPTED: frozenset({_S.NOT_ACCEPTED}),
}
"""State → states it may become. A terminal one stays itself; late fills are applied to it."""

AT_VENUE = frozenset({_S.SENDING, _S.IN_DOUBT, _S.ACCEPTED, _S.PARTIAL})
"""States in which the order lives, or may live, at the venue."""

NEVER_THERE = frozenset({_S.NOT_SENT, _S.REJECTED, _S.NOT_ACCEPTED})
"""We have proof that the venue does not have it: a fill on one halts the account."""


def check_edge(order: str, before: OrderState, after: OrderState) -> None:
    """Refuse an illegal edge.

    Raises:
        InvariantBroken: `before` may not become `after`.
    """
    if after is not before and after not in LEGAL[before]:
        raise InvariantBroken(
            code="ORDER_EDGE_ILLEGAL",
            cause=f"order {order} would go from {before} to {after}",
            fix="the account is halted; run botcore doctor and report this as a bug",
        )
