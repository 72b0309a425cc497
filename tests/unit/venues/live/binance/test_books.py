"""The join of snapshots and changes, as the streams drive it (E57 to E59)."""

from __future__ import annotations

import asyncio
import gzip
from collections import deque
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np

from botcore.domain.errors import VenueError
from botcore.domain.ids import InstrumentId, Nanos
from botcore.domain.market import BookDelta, BookSnapshot, PriceLevel
from botcore.kernel.clock import ManualClock
from botcore.venues.live.binance.books import BookBroken, LiveBooks
from botcore.venues.live.binance.messages import QuoteMessage
from botcore.venues.live.binance.parsing import Parser, decode

BTC = InstrumentId("BTCUSDT.BINANCE")


def _delta(first: int, last: int, *bids: PriceLevel) -> BookDelta:
    return BookDelta(BTC, Nanos(last), first, last, bids, ())


def _snapshot(last: int, *bids: PriceLevel) -> BookSnapshot:
    return BookSnapshot(BTC, Nanos(last), last, bids, ((100.0, 1.0),))


class _Desk:
    """Books whose snapshots a test hands out one by one; None fails."""

    def __init__(self, *answers: BookSnapshot | None) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.told: list[BookBroken] = []
        self.during: Callable[[], None] = lambda: None
        self.books = LiveBooks(
            [BTC],
            fetch=self._fetch,
            clock=ManualClock(),
            rng=np.random.default_rng(1),
            on_broken=self.told.append,
        )

    async def _fetch(self, instrument: InstrumentId) -> BookSnapshot:
        self.asked += 1
        self.during()
        answer = self.answers.pop(0) if self.answers else None
        if answer is None:
            raise VenueError(code="VENUE_TIMEOUT", cause="no answer", fix="wait")
        return answer

    def run(self, turns: int = 100) -> None:
        async def some() -> None:
            task = asyncio.ensure_future(self.books.run())
            for _ in range(turns):
                await asyncio.sleep(0)  # noqa: TID251  # gives the task turns; no time passes
            task.cancel()
            await asyncio.wait([task])

        asyncio.run(some())


def _bids(desk: _Desk) -> dict[float, float]:
    return dict(desk.books.books[BTC].bids)


def test_e57_no_snapshot_is_asked_for_before_a_change_waits() -> None:
    desk = _Desk(_snapshot(10))

    desk.run()

    assert desk.asked == 0


def test_e57_changes_wait_for_the_snapshot_and_old_ones_are_dropped() -> None:
    desk = _Desk(_snapshot(10, (9.0, 1.0), (8.0, 1.0)))
    for delta in (_delta(5, 8, (9.0, 7.0)), _delta(9, 12, (8.0, 0.0)), _delta(13, 14, (7.0, 2.0))):
        desk.books.delta(delta)

    desk.run()

    assert desk.books.books[BTC].is_valid
    assert _bids(desk) == {9.0: 1.0, 7.0: 2.0}
    assert (desk.books.joined, desk.told) == (1, [])


def test_e57_a_snapshot_older_than_the_first_change_is_asked_for_again() -> None:
    desk = _Desk(_snapshot(3), None, _snapshot(12, (9.0, 1.0)))
    desk.books.delta(_delta(11, 13, (8.0, 1.0)))

    desk.run()

    assert desk.asked == 3
    assert desk.books.books[BTC].is_valid
    assert _bids(desk) == {9.0: 1.0, 8.0: 1.0}


def test_e58_a_gap_invalidates_the_book_at_once_and_is_told_with_its_length() -> None:
    desk = _Desk(_snapshot(10, (9.0, 1.0)), _snapshot(30, (5.0, 1.0)))
    desk.books.delta(_delta(9, 11))
    desk.run()

    desk.books.delta(_delta(15, 31, (4.0, 1.0)))
    was_valid = desk.books.books[BTC].is_valid
    desk.run()

    assert not was_valid
    assert [(each.instrument, each.missing) for each in desk.told] == [(BTC, 3)]
    assert desk.books.books[BTC].is_valid
    assert _bids(desk) == {5.0: 1.0, 4.0: 1.0}
    assert desk.books.broken == 1


def test_e59_a_new_connection_clears_the_book_and_merges_nothing() -> None:
    desk = _Desk(_snapshot(10, (9.0, 1.0)), _snapshot(50, (6.0, 1.0)))
    desk.books.delta(_delta(9, 11))
    desk.run()

    desk.books.clear()
    empty = _bids(desk)
    desk.books.delta(_delta(49, 51, (5.0, 1.0)))
    desk.run()

    assert empty == {}
    assert _bids(desk) == {6.0: 1.0, 5.0: 1.0}


def test_e59_a_snapshot_that_was_asked_for_before_a_new_connection_is_not_used() -> None:
    desk = _Desk(_snapshot(10, (9.0, 1.0)))
    desk.during = desk.books.clear
    desk.books.delta(_delta(9, 11))

    desk.run()

    assert not desk.books.books[BTC].is_valid
    assert _bids(desk) == {}


def test_e57_recorded_books_agree_with_the_recorded_quotes(market_data_dir: Path) -> None:
    path = market_data_dir / "l2-hftbacktest/spot/btcusdt_20240808.gz"
    parser, desk, compared = Parser(), _Desk(), 0
    book = desk.books.books[BTC]
    ahead: deque[QuoteMessage] = deque()
    with gzip.open(path) as lines:
        for line in islice(lines, 12_000):
            message = decode(line.split(b" ", 1)[1])
            value = parser.value_of(message, 1, instrument=BTC)
            if isinstance(message, QuoteMessage):
                ahead.append(message)
            elif isinstance(value, BookSnapshot):
                book.snapshot(value)
            elif isinstance(value, BookDelta):
                desk.books.delta(value)
                told = None
                while ahead and ahead[0].u <= book.last_id:
                    told = ahead.popleft()
                if told is not None and book.is_valid:
                    compared += 1
                    assert (book.best_bid, book.best_ask) == (told.b, told.a)

    assert compared > 300
    assert desk.told == []
