"""Many working orders of one instrument, filed so that a bar looks only at those it may concern."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping

from botcore.venues.simulated.working import Order

_FIRST = -1
"""Below every order's number."""
_LAST = 1 << 62
"""Above every order's number."""
_BUY_LIMITS, _SELL_LIMITS, _BUY_STOPS, _SELL_STOPS, _NO_SHELF = range(5)

Place = tuple[int, int]
"""A price in ticks, or an instant, and an order's number."""


class Filing:
    """Working orders by what would reach them.

    Limits and stops stand on shelves, by price; trailing stops apart, for every bar moves them;
    market orders and those good for one open only together. Whoever changes an order's prices, or
    fires it, files it again. Nothing here refers to an order: the collector need not see it.

    Args:
        orders: the working orders by number, as they come and go.
    """

    __slots__ = ("_ends", "_filed", "_opening", "_orders", "_shelves", "_trailing")

    def __init__(self, orders: Mapping[int, Order]) -> None:
        self._orders = orders
        self._filed: dict[int, tuple[int, Place]] = {}
        self._shelves: tuple[list[Place], ...] = ([], [], [], [])
        self._trailing: set[int] = set()
        self._opening: set[int] = set()
        self._ends: list[Place] = []
        for order in orders.values():
            self.add(order)

    def add(self, order: Order) -> None:
        """File a working order."""
        number, expires_at = order.number, order.spec.expires_at
        if expires_at is not None:
            insort(self._ends, (expires_at, number))
        if order.is_market or order.is_immediate:
            self._opening.add(number)
        shelf, price = _NO_SHELF, 0
        if order.is_stop and order.trail:
            self._trailing.add(number)
        elif order.is_stop:
            shelf, price = _BUY_STOPS if order.sign > 0 else _SELL_STOPS, order.trigger
        elif not order.is_market:
            shelf, price = _BUY_LIMITS if order.sign > 0 else _SELL_LIMITS, order.limit
        place = (price, number)
        if shelf != _NO_SHELF:
            insort(self._shelves[shelf], place)
        self._filed[number] = (shelf, place)

    def remove(self, order: Order) -> None:
        """Take an order out from where it was filed."""
        number, expires_at = order.number, order.spec.expires_at
        shelf, place = self._filed.pop(number)
        if shelf != _NO_SHELF:
            places = self._shelves[shelf]
            del places[bisect_left(places, place)]
        if expires_at is not None:
            del self._ends[bisect_left(self._ends, (expires_at, number))]
        self._trailing.discard(number)
        self._opening.discard(number)

    def refile(self, order: Order) -> None:
        """File an order anew after it changed."""
        self.remove(order)
        self.add(order)

    def reached(self, low: int, high: int) -> list[Order]:
        """Return every resting order that prices from `low` to `high` ticks may reach or move.

        Touches are among them; the rules say what becomes of each. In no particular order.
        """
        orders, first, last = self._orders, (low, _FIRST), (high, _LAST)
        buys, sells, rising, falling = self._shelves
        found = [orders[number] for _, number in buys[bisect_left(buys, first) :]]
        found += [orders[number] for _, number in sells[: bisect_right(sells, last)]]
        found += [orders[number] for _, number in rising[: bisect_right(rising, last)]]
        found += [orders[number] for _, number in falling[bisect_left(falling, first) :]]
        found += [orders[number] for number in self._trailing]
        return found

    def opening(self) -> list[Order]:
        """Return market orders and those good for one open only, oldest first."""
        return [self._orders[number] for number in sorted(self._opening)]

    def ending(self, before: int) -> list[Order]:
        """Return the orders whose time ends before an instant, oldest first."""
        due = self._ends[: bisect_left(self._ends, (before, _FIRST))]
        return [self._orders[number] for number in sorted(number for _, number in due)]
