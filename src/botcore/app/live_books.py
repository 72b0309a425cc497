"""A kept order book, read from another thread than the one that keeps it."""

from decimal import Decimal

from botcore.domain.ids import InstrumentId, Nanos
from botcore.domain.market import PriceLevel
from botcore.domain.numbers import exact
from botcore.domain.questions import BookLevels
from botcore.kernel.guard import Crashed, guarded
from botcore.marketdata.book import OrderBook

_TRIES = 5


def levels_of(book: OrderBook, depth: int, now: int) -> BookLevels:
    """Return the best levels of a book that may change meanwhile; half a change is not returned.

    Args:
        book: kept by a thread of the feed.
        depth: levels a side at most.
        now: the venue's clock, nanoseconds.
    """
    for _ in range(_TRIES):
        known = (book.last_id, book.reason)
        if book.reason:
            return _none(book.instrument, book.reason)
        ts = book.ts_event
        # What changes under the reader may miss a level that it was about to read.
        found = guarded(book.depth, depth)
        if not isinstance(found, Crashed) and (book.last_id, book.reason) == known:
            bids, asks = found
            return BookLevels(
                instrument=book.instrument,
                bids=_exact(bids),
                asks=_exact(asks),
                is_valid=True,
                source="depth",
                ts=Nanos(ts),
                age_s=max(0.0, (now - ts) / 1e9),
            )
    return _none(book.instrument, "it changes faster than it can be read: ask again")


def _exact(levels: tuple[PriceLevel, ...]) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple(
        (exact(price, what="a price"), exact(size, what="a quantity")) for price, size in levels
    )


def _none(instrument: InstrumentId, why: str) -> BookLevels:
    return BookLevels(instrument=instrument, source="depth", note=why)
