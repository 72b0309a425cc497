"""The order book: snapshots and deltas joined by their numbers, on hand-made and recorded feeds."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from botcore.domain.ids import InstrumentId, Nanos
from botcore.domain.market import BookDelta, BookSnapshot, PriceLevel
from botcore.marketdata.book import Applied, OrderBook
from botcore.venues.live.binance.messages import DepthMessage, QuoteMessage, SnapshotMessage
from botcore.venues.live.binance.parsing import decode

COIN = InstrumentId("COINUSDT.BINANCE")
BIDS, ASKS = ((100.0, 1.0), (99.0, 2.0)), ((101.0, 3.0), (102.0, 4.0))
Levels = tuple[PriceLevel, ...]


def a_snapshot(last_id: int = 100, bids: Levels = BIDS, asks: Levels = ASKS) -> BookSnapshot:
    """Two levels a side: 99, 100 | 101, 102."""
    return BookSnapshot(COIN, Nanos(last_id), last_id, bids, asks)


def a_delta(first: int, last: int, *, bids: Levels = (), asks: Levels = ()) -> BookDelta:
    """A delta of spot."""
    return BookDelta(COIN, Nanos(last), first, last, bids, asks)


def a_futures_delta(first: int, last: int, previous: int, *, bids: Levels = ()) -> BookDelta:
    """A delta of futures, which names the one before it."""
    return BookDelta(COIN, Nanos(last), first, last, bids, (), previous)


def a_book(last_id: int = 100) -> OrderBook:
    """A book with the snapshot in it."""
    book = OrderBook(COIN)
    book.snapshot(a_snapshot(last_id))
    return book


# --- levels


def test_a_book_is_invalid_until_its_first_snapshot() -> None:
    book = OrderBook(COIN)

    assert not book.is_valid
    assert book.reason == "no snapshot yet"
    assert book.best_bid is None
    assert book.best_ask is None
    assert book.depth(5) == ((), ())


def test_depth_is_best_first_and_no_longer_than_asked_for() -> None:
    book = a_book()

    assert (book.best_bid, book.best_ask) == (100.0, 101.0)
    assert book.depth(1) == (((100.0, 1.0),), ((101.0, 3.0),))
    assert book.depth(9) == (BIDS, ASKS)


def test_a_delta_sets_adds_and_removes_levels() -> None:
    book = a_book()

    done = book.apply(
        a_delta(101, 103, bids=((100.0, 0.0), (99.0, 7.0)), asks=((100.5, 5.0), (102.0, 0.0)))
    )

    assert done is Applied.APPLIED
    assert book.depth(9) == (((99.0, 7.0),), ((100.5, 5.0), (101.0, 3.0)))
    assert (book.last_id, book.ts_event) == (103, 103)
    assert book.bids == {99.0: 7.0}
    assert book.asks == {101.0: 3.0, 100.5: 5.0}


def test_e30_removing_a_level_that_is_not_there_changes_nothing() -> None:
    book = a_book()

    done = book.apply(a_delta(101, 101, bids=((98.5, 0.0), (100.5, 0.0)), asks=((200.0, 0.0),)))

    assert done is Applied.APPLIED
    assert book.is_valid
    assert book.depth(9) == (BIDS, ASKS)


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf")])
def test_a_price_that_cannot_be_makes_the_book_invalid(price: float) -> None:
    book = a_book()

    assert book.apply(a_delta(101, 101, bids=((price, 1.0),))) is Applied.BROKEN
    assert book.reason.endswith("is no level of a book")


@pytest.mark.parametrize("quantity", [0.0, -1.0, float("nan")])
def test_a_quantity_that_is_not_above_zero_is_none(quantity: float) -> None:
    book = a_book()

    book.apply(a_delta(101, 101, bids=((100.0, quantity), (98.0, quantity))))

    assert book.depth(9)[0] == ((99.0, 2.0),)


def test_a_level_that_comes_back_is_where_it_was() -> None:
    book = a_book()
    book.apply(a_delta(101, 101, bids=((99.0, 0.0),)))
    assert book.depth(9)[0] == ((100.0, 1.0),)

    book.apply(a_delta(102, 102, bids=((99.0, 5.0), (100.0, 0.0))))

    assert book.depth(9)[0] == ((99.0, 5.0),)
    assert book.bids == {99.0: 5.0}


# --- the join


def test_e57_spot_deltas_before_the_snapshot_wait_and_join_it() -> None:
    book = OrderBook(COIN)
    waited = [
        book.apply(a_delta(95, 99, bids=((100.0, 50.0),))),
        book.apply(a_delta(100, 102, bids=((99.5, 2.5),))),
        book.apply(a_delta(103, 103, asks=((101.0, 9.0),))),
    ]

    assert book.snapshot(a_snapshot(100))

    assert waited == [Applied.BUFFERED] * 3
    assert book.last_id == 103
    assert book.waiting == 0
    assert book.depth(9) == (((100.0, 1.0), (99.5, 2.5), (99.0, 2.0)), ((101.0, 9.0), (102.0, 4.0)))


@pytest.mark.parametrize(
    ("first", "last", "done"),
    [
        (90, 99, Applied.STALE),
        (90, 100, Applied.STALE),
        (90, 101, Applied.APPLIED),
        (101, 101, Applied.APPLIED),
        (102, 103, Applied.BROKEN),
    ],
)
def test_e57_the_first_spot_delta_holds_the_id_after_the_snapshot(
    first: int, last: int, done: Applied
) -> None:
    assert a_book(100).apply(a_delta(first, last)) is done


@pytest.mark.parametrize(
    ("first", "last", "done"),
    [
        (90, 99, Applied.STALE),
        (90, 100, Applied.APPLIED),
        (100, 105, Applied.APPLIED),
        (101, 105, Applied.BROKEN),
    ],
)
def test_e57_the_first_futures_delta_holds_the_id_of_the_snapshot(
    first: int, last: int, done: Applied
) -> None:
    assert a_book(100).apply(a_futures_delta(first, last, 89)) is done


def test_e57_further_deltas_follow_one_another() -> None:
    spot, futures = a_book(), a_book()

    assert spot.apply(a_delta(99, 105)) is Applied.APPLIED
    assert spot.apply(a_delta(106, 106)) is Applied.APPLIED
    assert futures.apply(a_futures_delta(99, 105, 90)) is Applied.APPLIED
    assert futures.apply(a_futures_delta(140, 150, 105)) is Applied.APPLIED
    assert futures.apply(a_futures_delta(170, 180, 151)) is Applied.BROKEN


def test_e57_a_snapshot_older_than_what_waits_for_it_is_not_enough() -> None:
    book = OrderBook(COIN)
    book.apply(a_delta(120, 125))
    book.apply(a_delta(126, 130, bids=((100.5, 1.0),)))

    assert not book.snapshot(a_snapshot(100))
    assert book.gap == 19
    assert book.waiting == 2

    assert book.snapshot(a_snapshot(124))
    assert book.last_id == 130
    assert book.best_bid == 100.5


def test_e62_a_doubled_delta_and_an_old_snapshot_move_nothing() -> None:
    book = a_book()
    book.apply(a_delta(101, 105, bids=((100.0, 8.0),)))

    assert book.apply(a_delta(101, 105, bids=((100.0, 9.0),))) is Applied.STALE
    assert book.snapshot(a_snapshot(103))
    assert book.last_id == 105
    assert book.bids[100.0] == 8.0


def test_what_waits_for_a_snapshot_is_bounded_and_the_oldest_go_first() -> None:
    book = OrderBook(COIN, buffered_max=3)
    for number in range(101, 111):
        book.apply(a_delta(number, number))

    assert book.waiting == 3
    assert not book.snapshot(a_snapshot(100))
    assert book.snapshot(a_snapshot(107))


# --- what makes it invalid


def test_e58_a_gap_makes_the_book_invalid_at_once_and_tells_its_length() -> None:
    book = a_book()
    book.apply(a_delta(101, 105))

    assert book.apply(a_delta(109, 110, bids=((100.0, 4.0),))) is Applied.BROKEN

    assert not book.is_valid
    assert book.gap == 3
    assert book.reason == "gap: update 109 does not follow 105, 3 ids are missing"
    assert book.bids[100.0] == 1.0
    assert book.apply(a_delta(111, 111)) is Applied.BUFFERED


def test_e58_a_single_missing_update_is_a_gap() -> None:
    spot, futures = a_book(), a_book()
    spot.apply(a_delta(101, 105))
    futures.apply(a_futures_delta(99, 105, 98))

    assert spot.apply(a_delta(107, 107)) is Applied.BROKEN
    assert futures.apply(a_futures_delta(107, 107, 106)) is Applied.BROKEN
    assert (spot.gap, futures.gap) == (1, 1)


def test_e58_the_next_snapshot_heals_a_gap_with_all_that_came_since() -> None:
    book = a_book()
    book.apply(a_delta(101, 105))
    book.apply(a_delta(109, 110, bids=((100.0, 4.0),)))
    book.apply(a_delta(111, 112, bids=((99.0, 0.0),)))

    assert book.snapshot(a_snapshot(110))

    assert (book.reason, book.gap) == ("", 0)
    assert book.last_id == 112
    assert book.depth(9)[0] == ((100.0, 1.0),)


def test_e59_a_reconnected_book_keeps_nothing_and_merges_nothing() -> None:
    book = a_book()
    book.apply(a_delta(109, 110))

    book.clear()

    assert (book.is_valid, book.waiting, book.depth(9)) == (False, 0, ((), ()))
    assert book.snapshot(a_snapshot(7, bids=((50.0, 1.0),), asks=((51.0, 1.0),)))
    assert book.depth(9) == (((50.0, 1.0),), ((51.0, 1.0),))


def test_e26_a_crossed_book_is_invalid_and_a_locked_one_legal() -> None:
    book = a_book()

    assert book.apply(a_delta(101, 101, bids=((101.0, 1.0),))) is Applied.APPLIED
    assert book.is_valid
    assert book.apply(a_delta(102, 102, bids=((101.5, 1.0),))) is Applied.BROKEN
    assert book.reason == "crossed: bid 101.5 is above ask 101.0"
    assert book.snapshot(a_snapshot(103, bids=((101.0, 1.0),)))


def test_e26_a_crossed_snapshot_is_invalid() -> None:
    book = OrderBook(COIN)

    assert not book.snapshot(a_snapshot(bids=((101.5, 1.0),)))
    assert book.reason.startswith("crossed")


def test_a_side_may_be_empty() -> None:
    book = a_book()

    done = book.apply(a_delta(101, 101, asks=((101.0, 0.0), (102.0, 0.0))))

    assert done is Applied.APPLIED
    assert (book.best_bid, book.best_ask) == (100.0, None)


def test_a_best_price_beyond_the_snapshot_is_known_as_such() -> None:
    book = a_book()
    book.apply(a_delta(101, 101, bids=((100.0, 0.0), (98.0, 1.0))))
    assert not book.has_outrun_snapshot

    book.apply(a_delta(102, 102, bids=((99.0, 0.0),)))

    assert book.best_bid == 98.0
    assert book.has_outrun_snapshot


# --- recorded feeds

RECORDED = {
    "spot/btcusdt": ("20240808", "20240809"),
    "spot/ethusdt": ("20240808", "20240809"),
    "usdm/btcusdt": ("20240808",),
    "usdm/ethusdt": ("20240808",),
}
Message = DepthMessage | QuoteMessage | SnapshotMessage


def recorded(folder: Path, name: str) -> Iterator[Message]:
    """The messages of a recording that tell of the book, in order of arrival."""
    for day in RECORDED[name]:
        with gzip.open(folder / f"{name}_{day}.gz") as lines:
            for line in lines:
                message = decode(line[line.index(b" ") + 1 :])
                if isinstance(message, Message):
                    yield message


def rebuilt(messages: list[Message]) -> Iterator[tuple[int, OrderBook]]:
    """The book after each depth event, with the number of its last update."""
    book = OrderBook(COIN)
    for message in messages:
        if isinstance(message, DepthMessage):
            delta = BookDelta(
                COIN, Nanos(0), message.U, message.u, message.b, message.a, message.pu
            )
            assert book.apply(delta) is not Applied.BROKEN, book.reason
            if book.is_valid:
                yield message.u, book
        elif isinstance(message, SnapshotMessage):
            snapshot = BookSnapshot(
                COIN, Nanos(0), message.lastUpdateId, message.bids, message.asks
            )
            assert book.snapshot(snapshot), book.reason


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "events", "unseen"),
    [
        ("spot/btcusdt", 6_492, {50_093_478_174, 50_093_480_542}),
        ("spot/ethusdt", 6_468, set()),
        ("usdm/btcusdt", 6_545, set()),
        ("usdm/ethusdt", 6_579, set()),
    ],
)
def test_e57_a_recorded_book_has_the_best_prices_that_its_venue_told_after_every_event(
    market_data_dir: Path, name: str, events: int, unseen: set[int]
) -> None:
    """Second source: the bookTicker with the highest number up to the event's.

    At two of 26,084 events the best bid stood on a level that nobody had told of: it lay below
    the snapshot's 1,000 levels and had not changed since, which a book cannot know.
    """
    messages = list(recorded(market_data_dir / "l2-hftbacktest", name))
    tickers = iter([m for m in messages if isinstance(m, QuoteMessage)])
    ahead: QuoteMessage | None = next(tickers)
    told: tuple[float, float] | None = None
    compared, differing = 0, set()

    for number, book in rebuilt(messages):
        while ahead is not None and ahead.u <= number:
            told, ahead = (ahead.b, ahead.a), next(tickers, None)
        assert told is not None
        compared += 1
        if (book.best_bid, book.best_ask) != told:
            assert book.has_outrun_snapshot
            differing.add(number)

    assert compared == events
    assert differing == unseen
