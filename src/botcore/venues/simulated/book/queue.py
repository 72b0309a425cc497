"""Where our resting orders stand: the queue at each price, and what moves it (E22)."""

from botcore.venues.simulated.book.config import QueueModel
from botcore.venues.simulated.scales import Scale
from botcore.venues.simulated.working import Order

_UNKNOWN = 1 << 62
"""Lots ahead of an order that came while the book was invalid: behind all, until it is known."""
_PRO_RATA = QueueModel.PRO_RATA


class Place:
    """An order in the queue.

    Attributes:
        ahead: lots of others that trade before it.
        since: stamp of the newest event when it joined: what was printed before met it not.
    """

    __slots__ = ("ahead", "order", "since")

    def __init__(self, order: Order, ahead: int, since: int) -> None:
        self.order = order
        self.ahead = ahead
        self.since = since


class QueueLevel:
    """Our orders at one price, oldest first, among what the venue displays there.

    Attributes:
        price: as the book writes it.
        shown: displayed quantity, base units; NaN while it is unknown.
        updated: stamp of the last event that changed `shown`; -1 before any.
    """

    __slots__ = ("_lots", "_traded", "places", "price", "shown", "updated")

    def __init__(self, price: float) -> None:
        self.price = price
        self.places: list[Place] = []
        self.shown = float("nan")
        self.updated = -1
        self._lots = 0
        self._traded = 0

    def show(self, quantity: float, scale: Scale) -> None:
        """Begin with what is displayed when our first order joins."""
        self.shown = quantity
        self._lots = scale.lots(quantity)
        self._traded = 0

    def update(self, quantity: float, scale: Scale, ts: int, model: QueueModel) -> None:
        """Take a new displayed size: nobody stands ahead of us who is not displayed."""
        lots = scale.lots(quantity)
        remained = self._lots - self._traded
        cancelled = remained - lots
        for place in self.places:
            if model is _PRO_RATA and cancelled > 0 and place.ahead <= remained:
                place.ahead -= place.ahead * cancelled // remained
            place.ahead = min(place.ahead, lots)
        self.shown, self.updated = quantity, ts
        self._lots, self._traded = lots, 0

    def printed(self, lots: int) -> None:
        """Note what prints took of the displayed size, so that it is not held to be cancelled."""
        self._traded = min(self._traded + lots, self._lots)

    def join(self, order: Order, since: int) -> None:
        """Put an order behind all that is displayed and all of ours."""
        ahead = _UNKNOWN if self.shown != self.shown else self._lots - self._traded
        self.places.append(Place(order, ahead, since))


class Queue:
    """Our resting orders on one side, by price.

    Args:
        sign: +1 for our buys, -1 for our sells.
    """

    __slots__ = ("_where", "levels", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.levels: dict[float, QueueLevel] = {}
        self._where: dict[int, float] = {}

    def level(self, price: float) -> QueueLevel:
        """Return the level at a price, new if we have none there."""
        level = self.levels.get(price)
        if level is None:
            level = self.levels[price] = QueueLevel(price)
        return level

    def join(self, order: Order, price: float, since: int) -> None:
        """Put an order at the back of the queue at a price."""
        self.level(price).join(order, since)
        self._where[order.number] = price

    def leave(self, order: Order) -> None:
        """Take an order out, if it is in."""
        price = self._where.pop(order.number, None)
        if price is None:
            return
        level = self.levels[price]
        level.places = [place for place in level.places if place.order is not order]
        if not level.places:
            del self.levels[price]

    def reached(self, price: float) -> list[QueueLevel]:
        """Return the levels at which somebody who pays `price` meets us, best first."""
        sign = self.sign
        reached = [level for own, level in self.levels.items() if (own - price) * sign >= 0.0]
        if len(reached) > 1:
            reached.sort(key=lambda level: -sign * level.price)
        return reached
