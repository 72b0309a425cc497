"""What execution needs of a venue: the consumer owns the port, adapters implement it."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Protocol

from botcore.domain.market import BarOpened, BarsClosed
from botcore.domain.orders import OrderRef, OrderSpec
from botcore.domain.reports import VenueReport


class OrderVenue(Protocol):
    """A venue that answers at once with reports: the simulated one, in process.

    Every method returns what happened as reports, oldest first; none raises for an expected no.
    """

    def submit(self, order: OrderSpec, ts: int) -> Iterable[VenueReport]:
        """Place an order at `ts` (nanoseconds UTC)."""
        ...

    def submit_all(
        self, orders: Sequence[tuple[OrderSpec, int]]
    ) -> Iterable[Iterable[VenueReport]]:
        """Place orders, each at its `ts`, in order; return the reports of each.

        All of them may be at the venue before the first report is given out.
        """
        ...

    def cancel(self, order: OrderRef, ts: int) -> Iterable[VenueReport]:
        """Take an order back."""
        ...

    def replace(
        self,
        order: OrderRef,
        quantity: Decimal | None,
        limit_price: Decimal | None,
        trigger_price: Decimal | None,
        ts: int,
    ) -> Iterable[VenueReport]:
        """Change a working order; None leaves a value as it is."""
        ...

    def query(self, order: OrderRef, ts: int) -> Iterable[VenueReport]:
        """Tell the truth about an order: its fills, then its status."""
        ...


class BarVenue(OrderVenue, Protocol):
    """A venue that matches on bars: phases 2, 4 and 5 of a bar are its own."""

    def on_bars(self, event: BarsClosed) -> Iterable[VenueReport]:
        """Match every working order against the bars of one stamp, lazily.

        Orders submitted while the iteration is suspended are eligible from the next bar, but
        children of an order that filled in this one, which are live at once.
        """
        ...

    def on_open(self, event: BarOpened) -> Iterable[VenueReport]:
        """Fill waiting market orders at the open, where ticks make it known."""
        ...
