"""A book that another thread keeps is read whole, or not at all."""

from decimal import Decimal

from botcore.app.live_books import levels_of
from botcore.domain.ids import SECOND_NS, InstrumentId, Nanos
from botcore.domain.market import BookDelta, BookSnapshot, PriceLevel
from botcore.marketdata.book import OrderBook

COIN = InstrumentId("COINUSDT.BINANCE")


def a_book() -> OrderBook:
    book = OrderBook(COIN)
    bids, asks = ((100.5, 1.0), (99.0, 2.0)), ((101.0, 3.0),)
    book.snapshot(BookSnapshot(COIN, Nanos(SECOND_NS), 100, bids, asks))
    return book


def test_the_best_levels_are_exact_and_have_an_age() -> None:
    levels = levels_of(a_book(), 1, 3 * SECOND_NS)

    assert levels.bids == ((Decimal("100.5"), Decimal("1.0")),)
    assert levels.asks == ((Decimal("101.0"), Decimal("3.0")),)
    assert (levels.is_valid, levels.source, levels.age_s) == (True, "depth", 2.0)


def test_a_book_that_cannot_be_believed_has_no_levels_and_says_why() -> None:
    book = a_book()
    book.apply(BookDelta(COIN, Nanos(0), 150, 160, (), ()))

    levels = levels_of(book, 5, 0)

    assert (levels.is_valid, levels.bids) == (False, ())
    assert "gap" in levels.note


class Restless(OrderBook):
    """A book that changes while it is read, so many times."""

    left = 0

    def depth(self, n: int) -> tuple[tuple[PriceLevel, ...], tuple[PriceLevel, ...]]:
        found = super().depth(n)
        if self.left:
            self.left -= 1
            self.last_id += 1
            if self.left % 2:
                raise KeyError("a level that has gone")
        return found


def test_half_a_change_is_not_returned() -> None:
    book = Restless(COIN)
    book.snapshot(BookSnapshot(COIN, Nanos(0), 100, ((1.0, 1.0),), ((2.0, 1.0),)))

    book.left = 4
    settled = levels_of(book, 1, 0)
    book.left = 1_000
    never = levels_of(book, 1, 0)

    assert settled.is_valid
    assert not never.is_valid
    assert "faster" in never.note
