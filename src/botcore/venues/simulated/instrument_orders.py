"""The working orders of one instrument, and which of them a bar may concern."""

from collections.abc import Collection

from botcore.domain.ids import AccountId, InstrumentId
from botcore.venues.simulated.accounts import Purse
from botcore.venues.simulated.filing import Filing
from botcore.venues.simulated.scales import Scale
from botcore.venues.simulated.working import Order

FEW = 16
"""So many orders are looked at one by one at every bar; more are filed, so that most are not."""


class InstrumentOrders:
    """The working orders of one instrument, and how far its bars have been matched.

    Attributes:
        working: by number, which is order of arrival.
        purses: of each account, its base and its quote purse.
        bar_open, used, opened: as in `ProgressRecord`.
        left: lots our fills may still take from the bar being matched.
        arrived: children that went live inside the bar being matched.
        timed, immediate: how many working orders are GTD, and how many IOC or FOK.
    """

    __slots__ = (
        "_filing",
        "arrived",
        "bar_open",
        "immediate",
        "instrument",
        "left",
        "opened",
        "purses",
        "scale",
        "timed",
        "used",
        "working",
    )

    def __init__(self, instrument: InstrumentId, scale: Scale) -> None:
        self.instrument = instrument
        self.scale = scale
        self.working: dict[int, Order] = {}
        self.timed = 0
        self.immediate = 0
        self.purses: dict[AccountId, tuple[Purse, Purse]] = {}
        self.arrived: list[Order] = []
        self.bar_open = -1
        self.used = 0
        self.left = 0
        self.opened = -1
        self._filing: Filing | None = None

    def add(self, order: Order) -> None:
        """Put an order to work."""
        self.working[order.number] = order
        if order.is_immediate:
            self.immediate += 1
        elif order.spec.expires_at is not None:
            self.timed += 1
        if self._filing is not None:
            self._filing.add(order)

    def remove(self, order: Order) -> None:
        """Take an order out of work."""
        del self.working[order.number]
        if order.is_immediate:
            self.immediate -= 1
        elif order.spec.expires_at is not None:
            self.timed -= 1
        if self._filing is not None:
            self._filing.remove(order)

    def changed(self, order: Order) -> None:
        """Take note that a working order has other prices now, or that it fired."""
        if self._filing is not None:
            self._filing.refile(order)

    def rescaled(self, scale: Scale) -> None:
        """Take over another scale; every working order's prices are in it already."""
        self.scale = scale
        self._filing = None

    def reached(self, low: int, high: int) -> Collection[Order]:
        """Return at least the resting orders that prices from `low` to `high` ticks may concern.

        Those are all that they reach or touch, and trailing stops, which they move. What becomes
        of each is for the rules to say.
        """
        filing = self._filed()
        return self.working.values() if filing is None else filing.reached(low, high)

    def opening(self) -> list[Order]:
        """Return market orders and those good for one open only, oldest first."""
        filing = self._filed()
        if filing is not None:
            return filing.opening()
        return [order for order in self.working.values() if order.is_market or order.is_immediate]

    def ending(self, before: int) -> list[Order]:
        """Return the orders whose time ends before an instant, oldest first."""
        filing = self._filed()
        if filing is not None:
            return filing.ending(before)
        return [
            order
            for order in self.working.values()
            if order.spec.expires_at is not None and order.spec.expires_at < before
        ]

    def _filed(self) -> Filing | None:
        if len(self.working) <= FEW:
            self._filing = None
        elif self._filing is None:
            self._filing = Filing(self.working)
        return self._filing
