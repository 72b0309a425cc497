"""What the open orders of one account on one instrument come to at worst, at one mark.

Risk asks for this of every instrument at every order, and between two questions few marks move and
fewer orders change: the index keeps the answers, and forgets one when an order of it changes.
"""

from collections.abc import Iterable

from botcore.domain.ids import StrategyId
from botcore.domain.orders import OrderState
from botcore.execution.open_sums import OpenSums
from botcore.execution.order import Order

# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_HELD = OrderState.HELD


class AtMark:
    """The worst case of open orders at a mark.

    It is right until one of the orders changes.

    Args:
        mark: the price, quote units a base unit.
        orders: those that are open, oldest first.
        sums: what they add up to, where it is kept; None adds them up here, as floats.

    Attributes:
        mark: as given.
        bought: what the buys may cost, quote units: a limit or trigger above the mark counts as
            itself, any other as the mark (I8).
        sold: what the sells may sell, base units; each order of a linked group counts.
    """

    __slots__ = ("_by_strategy", "_sums", "bought", "mark", "sold")

    def __init__(self, mark: float, orders: Iterable[Order], sums: OpenSums | None) -> None:
        self.mark = mark
        self._sums = sums
        self._by_strategy: dict[StrategyId, float] = {}
        if sums is not None:
            self.bought, self.sold = sums.bought(mark), sums.sold()
        else:
            self.bought, self.sold = self._in_turn(orders)

    def bought_by(self, strategy: StrategyId) -> float:
        """Return what the buys of one strategy may cost, quote units."""
        found = self._by_strategy.get(strategy, 0.0)
        if not found and self._sums is not None:
            found = self._by_strategy[strategy] = self._sums.bought(self.mark, strategy)
        return found

    def _in_turn(self, orders: Iterable[Order]) -> tuple[float, float]:
        """Add orders up, oldest first: floats are not associative."""
        mark, lines = self.mark, self._by_strategy
        bought = sold = 0.0
        for order in orders:
            if order.state is _HELD:
                continue
            leaves = float(order.leaves)
            if order.sign < 0:
                sold += leaves
                continue
            limit = order.limit_price or order.trigger_price
            price = mark if limit is None else float(limit)
            cost = leaves * (price if price > mark else mark)  # max() costs twice as much
            bought += cost
            strategy = order.spec.strategy
            lines[strategy] = lines.get(strategy, 0.0) + cost
        return bought, sold


NOTHING_OPEN = AtMark(0.0, (), None)
"""Of an instrument without open orders, whatever its mark."""
