"""Inside a bar: trades that make the bar, quotes around them, and a book behind them."""

import itertools
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest

from botcore.venues.simulated.market import (
    DEMO,
    AggressorSide,
    MarketQuote,
    MarketTick,
    MarketTrade,
    SimulatedMarket,
)

BARS = 40
NAMES = [each.instrument for each in DEMO.instruments]
TICK = Decimal("0.01")


def ticks_of(market: SimulatedMarket, bar_index: int, name: str) -> list[MarketTick]:
    return [tick for tick in market.ticks(bar_index) if tick.instrument == name]


def in_ticks(price: float) -> int:
    steps = Decimal(repr(price)) / TICK
    assert steps == int(steps)
    return int(steps)


@pytest.mark.parametrize("bar_ns", [15_000_000_000, 60_000_000_000])
def test_the_trades_of_a_bar_aggregate_to_exactly_its_bar(bar_ns: int) -> None:
    market = SimulatedMarket(DEMO.with_bar_ns(bar_ns), 7)
    bars = market.history(BARS)

    for index in range(BARS):
        ticks = market.ticks(index)
        for name, columns in bars.items():
            trades = [t for t in ticks if isinstance(t, MarketTrade) and t.instrument == name]
            prices = [trade.price for trade in trades]
            volume = sum(Decimal(repr(trade.quantity)) for trade in trades)
            assert prices[0] == columns.open[index]
            assert max(prices) == columns.high[index]
            assert min(prices) == columns.low[index]
            assert prices[-1] == columns.close[index]
            assert volume == Decimal(repr(float(columns.volume[index])))


def test_ticks_are_in_order_of_time_and_inside_their_bar() -> None:
    market = SimulatedMarket(DEMO, 7)

    for index in range(BARS):
        times = [tick.ts_event for tick in market.ticks(index)]
        assert times == sorted(times)
        assert market.ts_open(index) <= times[0]
        assert times[-1] < market.ts_open(index + 1)


def test_looking_at_ticks_moves_nothing() -> None:
    market, other = SimulatedMarket(DEMO, 7), SimulatedMarket(DEMO, 7)

    first = market.ticks(100)
    market.ticks(300)
    market.book(100)

    assert market.ticks(100) == first
    assert market.state() == other.state()
    np.testing.assert_array_equal(
        market.history(400)[NAMES[0]].close, other.history(400)[NAMES[0]].close
    )


def test_ticks_of_a_bar_are_the_same_before_and_after_it_was_handed_out() -> None:
    market = SimulatedMarket(DEMO, 7)
    before = market.ticks(10)

    market.history(11)

    assert market.ticks(10) == before


def test_the_ask_stands_at_least_a_tick_above_the_bid_and_sizes_are_positive() -> None:
    market = SimulatedMarket(DEMO, 7)

    quotes = [t for i in range(BARS) for t in market.ticks(i) if isinstance(t, MarketQuote)]

    assert len(quotes) == 2 * DEMO.trades_per_bar * BARS * len(NAMES)
    for quote in quotes:
        assert in_ticks(quote.ask) >= in_ticks(quote.bid) + 1 > 1
        assert min(quote.bid_size, quote.ask_size) > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_trade_happens_at_the_touch_its_aggressor_takes(name: str) -> None:
    market = SimulatedMarket(DEMO, 7)
    sides = set()

    for index in range(BARS):
        ticks = ticks_of(market, index, name)
        for quote, trade in zip(ticks[0::3], ticks[1::3], strict=True):
            assert isinstance(quote, MarketQuote)
            assert isinstance(trade, MarketTrade)
            sides.add(trade.aggressor)
            if trade.aggressor is AggressorSide.BUY:
                assert trade.price == quote.ask
                assert trade.quantity <= quote.ask_size
            else:
                assert trade.price == quote.bid
                assert trade.quantity <= quote.bid_size

    assert sides == set(AggressorSide)


@pytest.mark.parametrize("name", NAMES)
def test_the_quote_after_a_trade_is_centred_on_its_price_within_a_tick(name: str) -> None:
    market = SimulatedMarket(DEMO, 7)
    leans = []

    for index in range(BARS):
        ticks = ticks_of(market, index, name)
        for trade, quote in zip(ticks[1::3], ticks[2::3], strict=True):
            assert isinstance(trade, MarketTrade)
            assert isinstance(quote, MarketQuote)
            price = in_ticks(trade.price)
            lean = (in_ticks(quote.ask) - price) - (price - in_ticks(quote.bid))
            assert abs(lean) <= 1
            leans.append(lean)

    # Odd spreads lean to either side alike: five standard errors of a fair coin.
    assert abs(sum(leans)) <= 5 * sum(abs(lean) for lean in leans) ** 0.5


def test_a_rising_price_is_a_buyers_and_a_falling_price_a_sellers() -> None:
    market = SimulatedMarket(DEMO, 7)

    for index in range(BARS):
        trades = [t for t in ticks_of(market, index, NAMES[0]) if isinstance(t, MarketTrade)]
        for earlier, later in itertools.pairwise(trades):
            if later.price != earlier.price:
                is_up = later.price > earlier.price
                assert (later.aggressor is AggressorSide.BUY) == is_up


def test_no_trade_is_below_the_exchanges_smallest_order() -> None:
    market = SimulatedMarket(DEMO, 7)

    for index in range(BARS):
        for tick in market.ticks(index):
            if isinstance(tick, MarketTrade):
                assert tick.price * tick.quantity >= 5


def test_a_book_begins_with_the_last_quote_and_widens_outwards() -> None:
    market = SimulatedMarket(DEMO, 7)

    for index in range(BARS):
        books = market.book(index, depth=10)
        for name, book in books.items():
            quote = ticks_of(market, index, name)[-1]
            assert isinstance(quote, MarketQuote)
            assert book.bids[0] == (quote.bid, quote.bid_size)
            assert book.asks[0] == (quote.ask, quote.ask_size)
            assert len(book.bids) == len(book.asks) == 10
            bids = [in_ticks(level.price) for level in book.bids]
            asks = [in_ticks(level.price) for level in book.asks]
            assert bids == sorted(set(bids), reverse=True)
            assert asks == sorted(set(asks))
            assert all(level.size > 0 for level in book.bids + book.asks)


def test_a_deeper_book_begins_with_the_shallower_one() -> None:
    market = SimulatedMarket(DEMO, 7)

    shallow, deep = market.book(3, depth=4), market.book(3, depth=20)

    assert all(deep[name].bids[:4] == shallow[name].bids for name in NAMES)
    with pytest.raises(ValueError, match="depth 0"):
        market.book(3, depth=0)


def test_spread_and_book_widen_and_thin_with_volatility() -> None:
    market = SimulatedMarket(DEMO, 11)
    volatility, spreads, widths, sizes = [], [], [], []
    regimes = []

    for _ in range(400):
        market.history(120)
        index = market.next_bar
        quotes = [t for t in ticks_of(market, index, NAMES[0]) if isinstance(t, MarketQuote)]
        book = market.book(index)[NAMES[0]]
        conditions = market.conditions(index)[NAMES[0]]
        regimes.append(conditions.regime)
        volatility.append(conditions.volatility_frac)
        spreads.append(float(np.mean([(quote.ask - quote.bid) / quote.bid for quote in quotes])))
        widths.append((book.asks[-1].price - book.bids[-1].price) / book.bids[0].price)
        sizes.append(float(np.mean([quote.bid_size * quote.bid for quote in quotes])))

    def mean_in(regime: str, values: Sequence[float]) -> float:
        return float(np.mean([v for r, v in zip(regimes, values, strict=True) if r == regime]))

    assert set(regimes) == {"calm", "normal", "turbulent"}
    assert mean_in("turbulent", spreads) > 1.5 * mean_in("normal", spreads)
    assert mean_in("normal", spreads) > 1.2 * mean_in("calm", spreads)
    assert mean_in("turbulent", widths) > 1.5 * mean_in("normal", widths)
    assert mean_in("turbulent", sizes) < 0.8 * mean_in("normal", sizes)
    assert np.corrcoef(volatility, spreads)[0, 1] > 0.9


@pytest.mark.parametrize("bar_index", [-1, 0, 255, 1_280, 10**9])
def test_ticks_far_from_the_next_bar_are_refused(bar_index: int) -> None:
    market = SimulatedMarket(DEMO, 7)
    market.history(3 * 256)

    with pytest.raises(LookupError, match=f"bar {bar_index} is out of reach"):
        market.ticks(bar_index)
    assert market.ticks(2 * 256)
    assert market.ticks(5 * 256 - 1)
