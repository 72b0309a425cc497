"""A query answers what a lost answer said: also a change whose confirmation nobody read."""

from decimal import Decimal
from pathlib import Path

from tests.support.venue_session import VenueSession

from botcore.domain.orders import OrderType
from botcore.domain.reports import ReportKind
from botcore.venues.simulated import SqliteVenueStore


def test_a_query_tells_what_a_changed_order_carries_now() -> None:
    session = VenueSession()
    session.buy(OrderType.LIMIT, "10", name="bid", limit_price="99")
    session.replace("bid", quantity="4", limit_price="98")

    changed, status = session.query("bid")

    assert (changed.kind, status.kind) == (ReportKind.REPLACED, ReportKind.STATUS)
    for report in (changed, status):
        assert (report.quantity, report.limit_price) == (Decimal(4), Decimal(98))
        assert report.trigger_price is None


def test_e45_a_reopened_venue_tells_of_an_order_changed_down_to_what_has_filled(
    tmp_path: Path,
) -> None:
    path = tmp_path / "venue.db"
    store = SqliteVenueStore(path)
    session = VenueSession(store=store, participation_ppm=100_000)
    session.buy(OrderType.LIMIT, "10", name="bid", limit_price="99")
    session.bar(100, 100, 98, 100, volume=40.0)
    session.replace("bid", quantity="4")
    store.close()

    session.venue = session.reopened(SqliteVenueStore(path))
    changed, fill = session.query("bid")

    assert (changed.kind, fill.kind) == (ReportKind.REPLACED, ReportKind.FILLED)
    assert fill.cumulative == changed.quantity == Decimal(4)
