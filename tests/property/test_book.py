"""The order book beside a plain dict of levels, whatever a venue sends."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from botcore.domain.ids import InstrumentId, Nanos
from botcore.domain.market import BookDelta, BookSnapshot, PriceLevel
from botcore.marketdata.book import Applied, OrderBook

COIN = InstrumentId("COINUSDT.BINANCE")
QUANTITIES = st.sampled_from([0.0, 0.0, 1.0, 2.5])
BIDS = st.lists(st.tuples(st.integers(1, 60).map(float), QUANTITIES), max_size=8)
ASKS = st.lists(st.tuples(st.integers(40, 100).map(float), QUANTITIES), max_size=8)
CHANGES = st.lists(st.tuples(BIDS, ASKS), max_size=30)


def merged(levels: dict[float, float], changes: list[PriceLevel]) -> None:
    """Take changes into a plain dict."""
    for price, quantity in changes:
        levels[price] = quantity
        if not quantity:
            del levels[price]


@given(changes=CHANGES)
def test_a_book_holds_what_a_plain_dict_holds_in_order(
    changes: list[tuple[list[PriceLevel], list[PriceLevel]]],
) -> None:
    book = OrderBook(COIN)
    book.snapshot(BookSnapshot(COIN, Nanos(0), 0, (), ()))
    bids: dict[float, float] = {}
    asks: dict[float, float] = {}

    for number, (bid_changes, ask_changes) in enumerate(changes, start=1):
        done = book.apply(
            BookDelta(COIN, Nanos(number), number, number, tuple(bid_changes), tuple(ask_changes))
        )
        merged(bids, bid_changes)
        merged(asks, ask_changes)

        crossed = bool(bids) and bool(asks) and max(bids) > min(asks)
        assert (done is Applied.BROKEN) == crossed
        assert book.is_valid != crossed
        assert book.depth(1_000) == (
            tuple(sorted(bids.items(), reverse=True)),
            tuple(sorted(asks.items())),
        )
        assert book.best_bid == max(bids, default=None)
        assert book.best_ask == min(asks, default=None)
        if crossed:
            break


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_deep_book_is_in_order_wherever_it_is_looked_into(seed: int) -> None:
    chance = np.random.default_rng(seed)
    prices = np.arange(1.0, 2_001.0)
    bids: dict[float, float] = {}
    book = OrderBook(COIN)
    book.snapshot(BookSnapshot(COIN, Nanos(0), 0, tuple((p, 1.0) for p in prices[:1_500]), ()))
    merged(bids, [(p, 1.0) for p in prices[:1_500]])
    top = 1_500

    for number in range(1, 120):
        # The market drifts: levels near the best come and go, now and then deep ones too.
        top = int(np.clip(top + chance.integers(-60, 50), 50, 1_990))
        near = prices[max(0, top - 40) : top]
        chosen = np.concatenate([chance.choice(near, 25), chance.choice(prices[:top], 5)])
        changes = [(p, float(chance.integers(0, 3))) for p in chosen.tolist()]
        changes += [(p, 0.0) for p in bids if p > top]
        book.apply(BookDelta(COIN, Nanos(number), number, number, tuple(changes), ()))
        merged(bids, changes)

        expected = sorted(bids.items(), reverse=True)
        assert book.best_bid == expected[0][0]
        assert book.depth(5)[0] == tuple(expected[:5])
        assert book.bids == bids
        if number % 10 == 0:
            assert book.depth(5_000)[0] == tuple(expected)


@given(lengths=st.lists(st.integers(1, 3), min_size=1, max_size=20), data=st.data())
def test_e57_wherever_the_snapshot_falls_the_book_ends_as_if_it_had_come_first(
    lengths: list[int], data: st.DataObject
) -> None:
    deltas, last = [], 0
    for length in lengths:
        price = data.draw(st.integers(1, 9).map(float))
        level = (price, data.draw(QUANTITIES))
        deltas.append(BookDelta(COIN, Nanos(0), last + 1, last + length, (level,), ()))
        last += length
    seen = data.draw(st.integers(0, len(deltas)))  # how many deltas the snapshot holds
    late = data.draw(st.integers(0, len(deltas)))  # how many came before it
    plain: dict[float, float] = {}
    for delta in deltas[:seen]:
        merged(plain, list(delta.bids))
    snapshot = BookSnapshot(
        COIN, Nanos(0), deltas[seen - 1].last_id if seen else 0, tuple(plain.items()), ()
    )

    book = OrderBook(COIN)
    for delta in deltas[:late]:
        book.apply(delta)
    book.snapshot(snapshot)
    for delta in deltas[late:]:
        book.apply(delta)

    for delta in deltas[seen:]:
        merged(plain, list(delta.bids))
    assert book.is_valid
    assert book.bids == plain
    assert book.last_id == max(last, snapshot.last_id)
