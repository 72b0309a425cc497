"""Every order says which life of the engine sent it, and is signed only when it leaves."""

from __future__ import annotations

from collections.abc import Iterable

from tests.support.trading_session import TradingSession, buy, planned

from botcore.domain.events import OrderPlaced
from botcore.domain.orders import OrderSpec
from botcore.domain.reports import ReportKind, VenueReport
from botcore.venues.simulated import SimulatedVenue


class Watched:
    """The venue, and how far the engine had come whenever an order reached it."""

    def __init__(self, venue: SimulatedVenue) -> None:
        self._venue = venue
        self.reached_after: list[tuple[str, int]] = []
        self.taken: list[object] = []

    def submit(self, order: OrderSpec, ts: int) -> Iterable[VenueReport]:
        self.reached_after.append((order.client_order_id, len(self.taken)))
        return self._venue.submit(order, ts)

    def __getattr__(self, name: str) -> object:
        return getattr(self._venue, name)


def _epoch(placed: OrderPlaced) -> int:
    return int(placed.order.client_order_id.split("-")[-3], 36)


def test_r11_every_intent_carries_the_epoch_it_was_made_in() -> None:
    session = TradingSession(
        {"buyer": planned({1: lambda view: [buy(view)], 3: lambda view: [buy(view)]})},
        is_open=False,
    )
    session.open(epoch=7)
    session.flat(100, 2)

    session.restarted(fold=True)
    session.resumed(epoch=1_763_000_000)
    session.flat(100, 2)

    assert [_epoch(placed) for placed in session.of(OrderPlaced)] == [7, 1_763_000_000]


def test_r11_an_order_is_marked_as_leaving_just_before_it_leaves() -> None:
    watched: list[Watched] = []

    def wrap(venue: SimulatedVenue) -> Watched:
        watched.append(Watched(venue))
        return watched[0]

    session = TradingSession({"buyer": planned({1: lambda view: [buy(view)]})}, wrap=wrap)  # type: ignore[arg-type]  # all but one method is the venue's own
    watched[0].taken = session.taken  # type: ignore[assignment]  # only counted
    session.flat(100, 2)

    ((order, after),) = watched[0].reached_after
    last = session.taken[after - 1]
    assert isinstance(last.event, VenueReport)
    assert (last.event.kind, last.event.client_order_id) == (ReportKind.SENDING, order)
    assert last.durable
