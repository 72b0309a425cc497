"""What an account's protections hear of trading: fills before they are booked, and positions."""

from collections.abc import Iterable, Sequence

from botcore.domain.events import Fact, OrderFilled, PositionChanged, ProtectionLocked
from botcore.domain.ids import AccountId
from botcore.domain.keys import Key
from botcore.domain.numbers import EXACT
from botcore.domain.orders import OrderType
from botcore.execution.index import OrderIndex
from botcore.portfolio import Portfolio
from botcore.risk import AccountRisk, Guard
from botcore.risk.locking.trades import Booking

_STOPS = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)
_NOTHING: tuple[ProtectionLocked, ...] = ()


class Guarding:
    """Tells the guards of accounts what is traded; accounts without protections cost nothing.

    Args:
        accounts: all of them.
        portfolio: read for positions as a fill finds them.
        orders: read for the kind of order that filled.
    """

    def __init__(
        self, accounts: Iterable[AccountRisk], portfolio: Portfolio, orders: OrderIndex
    ) -> None:
        self._guards: dict[AccountId, Guard] = {
            each.account: each.guard for each in accounts if each.guard is not None
        }
        self._portfolio = portfolio
        self._orders = orders

    def filled(self, fact: OrderFilled) -> None:
        """Take a fill that execution has applied and the portfolio has not booked."""
        if not self._guards:
            return
        guard = self._guards.get(fact.account)
        if guard is None:
            return
        order = self._orders.get(fact.client_order_id)
        position = self._portfolio.position(fact.account, fact.strategy, fact.instrument)
        guard.filled(
            Booking(
                position.quantity,
                position.cost,
                EXACT.subtract(position.realised, position.fees),
                order is not None and order.spec.type in _STOPS,
            )
        )

    def changed(self, fact: PositionChanged, key: Key) -> Sequence[ProtectionLocked]:
        """Take a booked change of a position; return the locks that follow, in force."""
        if not self._guards:
            return _NOTHING
        guard = self._guards.get(fact.account)
        if guard is None:
            return _NOTHING
        closed = guard.changed(fact)
        return _NOTHING if closed is None else guard.judge(closed, key)

    def fold(self, fact: Fact) -> None:
        """Take a fact of an earlier session: its locks are facts of their own."""
        if not self._guards:
            return
        if isinstance(fact, OrderFilled):
            self.filled(fact)
        elif isinstance(fact, PositionChanged):
            guard = self._guards.get(fact.account)
            if guard is not None:
                guard.changed(fact)
