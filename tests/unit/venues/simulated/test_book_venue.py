"""The venue over ticks: what a book and its prints do to orders, trap by trap (E18 to E30)."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from tests.support.venue_session import COIN, COINUSDT, PAPER, USDT, an_instrument, fills

from botcore.domain.errors import ConfigError, DataError
from botcore.domain.ids import ClientOrderId, Nanos, StrategyId
from botcore.domain.instruments import Instrument
from botcore.domain.market import (
    Bar,
    BarOpened,
    BarsClosed,
    BarSpec,
    BookDelta,
    BookSnapshot,
    PriceLevel,
    Quote,
    Trade,
)
from botcore.domain.orders import Liquidity, OrderRef, OrderSpec, OrderType, Side, TimeInForce
from botcore.domain.reports import ReportKind, VenueReport
from botcore.venues.simulated import FeeMode
from botcore.venues.simulated.book import BookVenue, BookVenueConfig, Latency, QueueModel

MARKET, LIMIT, STOP = OrderType.MARKET, OrderType.LIMIT, OrderType.STOP
STOP_LIMIT, TRAILING = OrderType.STOP_LIMIT, OrderType.TRAILING_STOP
BUY, SELL = Side.BUY, Side.SELL
IOC, FOK = TimeInForce.IOC, TimeInForce.FOK
BIDS = ((100.0, 100.0), (99.0, 50.0))
ASKS = ((101.0, 10.0), (102.0, 20.0), (103.0, 30.0))
Levels = tuple[PriceLevel, ...]


class Ticks:
    """One account on a venue whose book is 99 × 50, 100 × 100 | 101 × 10, 102 × 20, 103 × 30.

    Each event is one nanosecond later than the one before.
    """

    def __init__(
        self,
        *instruments: Instrument,
        cash: str = "1000000",
        coins: str = "1000",
        bids: Levels = BIDS,
        asks: Levels = ASKS,
        has_book: bool = True,
        **config: Any,
    ) -> None:
        free: dict[str, Any] = {"taker_fee_ppm": 0, "maker_fee_ppm": 0}
        self.instruments = instruments or (an_instrument(),)
        self.venue = BookVenue(
            instruments={each.id: each for each in self.instruments},
            config=BookVenueConfig(**(free | config)),
        )
        for currency, value in ((USDT, cash), (COIN, coins)):
            if Decimal(value):
                self.venue.deposit(PAPER, currency, Decimal(value))
        self.now = 0
        self.last_id = 0
        self.sent = 0
        if has_book:
            self.snapshot(bids, asks)

    def snapshot(self, bids: Levels = BIDS, asks: Levels = ASKS) -> Sequence[VenueReport]:
        """The whole book."""
        self.now += 1
        self.last_id += 1
        ts = Nanos(self.now)
        return self.venue.on_book(BookSnapshot(COINUSDT, ts, self.last_id, bids, asks))

    def book(self, *, bids: Levels = (), asks: Levels = (), skip: int = 0) -> Sequence[VenueReport]:
        """A change of the book."""
        self.now += 1
        self.last_id += 1 + skip
        delta = BookDelta(COINUSDT, Nanos(self.now), self.last_id, self.last_id, bids, asks)
        return self.venue.on_book(delta)

    def trade(
        self, price: float, quantity: float, aggressor: Side | None, *, ts: int | None = None
    ) -> Sequence[VenueReport]:
        """A print."""
        self.now += 1
        is_buy = None if aggressor is None else aggressor is BUY
        stamp = Nanos(self.now if ts is None else ts)
        return self.venue.on_trade(Trade(COINUSDT, stamp, price, quantity, is_buy))

    def quote(self, bid: Levels, ask: Levels) -> Sequence[VenueReport]:
        """The best bid and ask."""
        self.now += 1
        (bid_price, bid_quantity), (ask_price, ask_quantity) = bid[0], ask[0]
        return self.venue.on_quote(
            Quote(COINUSDT, Nanos(self.now), bid_price, ask_price, bid_quantity, ask_quantity)
        )

    def send(
        self,
        side: Side,
        type_: OrderType,
        quantity: str,
        *,
        is_post_only: bool = False,
        **more: Any,
    ) -> Sequence[VenueReport]:
        """Submit an order named o1, o2, …; prices may be given as text."""
        self.sent += 1
        for price in ("limit_price", "trigger_price", "trail"):
            if isinstance(more.get(price), str):
                more[price] = Decimal(more[price])
        given: dict[str, Any] = {
            "client_order_id": ClientOrderId(f"o{self.sent}"),
            "account": PAPER,
            "strategy": StrategyId("s"),
            "instrument": COINUSDT,
            "side": side,
            "type": type_,
            "quantity": Decimal(quantity),
        }
        return self.venue.submit(OrderSpec(**(given | more)), self.now, is_post_only=is_post_only)

    def limit(self, side: Side, price: str, quantity: str, **more: Any) -> Sequence[VenueReport]:
        """Submit a limit order."""
        return self.send(side, LIMIT, quantity, limit_price=price, **more)

    def change(
        self, name: str, quantity: str | None = None, limit: str | None = None
    ) -> Sequence[VenueReport]:
        """Change an order."""
        wanted, price = (None if text is None else Decimal(text) for text in (quantity, limit))
        return self.venue.replace(self.ref(name), wanted, price, None, self.now)

    def ref(self, name: str) -> OrderRef:
        """How an order is named."""
        return OrderRef(ClientOrderId(name), COINUSDT, PAPER)

    def held(self, currency: Any) -> Decimal:
        """Free and locked of a currency."""
        balance = self.venue.balances(PAPER).get(currency)
        return Decimal(0) if balance is None else Decimal(balance.total) / 10**8

    def locked(self, currency: Any) -> Decimal:
        """Locked of a currency."""
        balance = self.venue.balances(PAPER).get(currency)
        return Decimal(0) if balance is None else Decimal(balance.locked) / 10**8


def traded(reports: Sequence[VenueReport]) -> list[tuple[str, str, str]]:
    """Order, price and quantity of each fill."""
    return [
        (r.client_order_id, f"{r.fill.price.normalize():f}", f"{r.fill.quantity.normalize():f}")
        for r in reports
        if r.fill is not None
    ]


def kinds(reports: Sequence[VenueReport]) -> list[str]:
    """What was said."""
    return [str(report.kind) for report in reports]


# --- taking


def test_e19_a_market_order_walks_the_levels() -> None:
    ticks = Ticks()

    reports = ticks.send(BUY, MARKET, "25")

    assert kinds(reports) == ["ACCEPTED", "FILLED", "FILLED"]
    assert traded(reports) == [("o1", "101", "10"), ("o1", "102", "15")]
    # (10 × 101 + 15 × 102) / 25 = 101.60 each
    assert ticks.held(USDT) == Decimal(1_000_000) - 25 * Decimal("101.6")
    assert ticks.held(COIN) == 1025


def test_e19_what_no_level_gives_expires_for_a_market_order_and_rests_for_a_limit() -> None:
    ticks = Ticks()
    market = ticks.send(BUY, MARKET, "100")
    ticks.snapshot()
    limit = ticks.limit(BUY, "102", "100")

    assert kinds(market) == ["ACCEPTED", "FILLED", "FILLED", "FILLED", "EXPIRED"]
    assert market[-1].detail == "NO_MORE_LIQUIDITY"
    assert market[-1].cumulative == 60
    assert kinds(limit) == ["ACCEPTED", "FILLED", "FILLED"]
    (resting,) = ticks.venue.open_orders(PAPER)
    assert (resting.filled, resting.quantity) == (30_000, 100_000)


def test_e19_a_level_that_was_removed_gives_nothing_on_the_walk() -> None:
    ticks = Ticks()
    ticks.book(asks=((102.0, 0.0),))

    assert traded(ticks.send(BUY, MARKET, "25")) == [("o1", "101", "10"), ("o1", "103", "15")]


def test_e20_the_same_liquidity_is_not_taken_twice() -> None:
    ticks = Ticks()

    first = ticks.limit(BUY, "101", "8", time_in_force=IOC)
    second = ticks.limit(BUY, "101", "8", time_in_force=IOC)
    ticks.book(asks=((102.0, 21.0),))
    third = ticks.limit(BUY, "101", "8", time_in_force=IOC)
    ticks.book(asks=((101.0, 10.0),))
    fourth = ticks.limit(BUY, "101", "8", time_in_force=IOC)

    assert traded(first) == [("o1", "101", "8")]
    assert traded(second) == [("o2", "101", "2")]
    assert traded(third) == []
    assert traded(fourth) == [("o4", "101", "8")]


def test_e20_what_a_book_brings_to_two_resting_orders_is_given_once() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "8")
    ticks.limit(BUY, "99.5", "8")

    reports = ticks.book(bids=((100.0, 0.0),), asks=((99.0, 12.0),))
    same = ticks.book(bids=((97.0, 1.0),))

    assert traded(reports) == [("o1", "100", "8"), ("o2", "99.5", "4")]
    assert traded(same) == []


def test_e20_a_print_gives_no_more_than_was_printed() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "8")
    ticks.limit(BUY, "99.5", "8")

    reports = ticks.trade(99.0, 12.0, SELL)

    assert traded(reports) == [("o1", "100", "8"), ("o2", "99.5", "4")]


def test_e15_participation_takes_its_share_of_each_level_once() -> None:
    ticks = Ticks(participation_ppm=200_000)

    assert traded(ticks.send(BUY, MARKET, "5")) == [("o1", "101", "2"), ("o1", "102", "3")]
    assert traded(ticks.send(BUY, MARKET, "5")) == [("o2", "102", "1"), ("o2", "103", "4")]


@pytest.mark.parametrize("type_", [MARKET, LIMIT])
def test_e25_fok_is_all_or_nothing_across_levels(type_: OrderType) -> None:
    price: dict[str, Any] = {"limit_price": "102"} if type_ is LIMIT else {}
    most = {LIMIT: 30, MARKET: 60}[type_]
    ticks = Ticks()

    refused = ticks.send(BUY, type_, str(most + 1), time_in_force=FOK, **price)
    taken = ticks.send(BUY, type_, str(most), time_in_force=FOK, **price)

    assert kinds(refused) == ["ACCEPTED", "EXPIRED"]
    assert refused[-1].detail == "FOK"
    assert ticks.held(COIN) == 1000 + most
    assert sum(Decimal(quantity) for _, _, quantity in traded(taken)) == most
    assert kinds(taken)[-1] == "FILLED"


def test_e25_fok_that_cash_does_not_pay_for_in_whole_takes_nothing() -> None:
    ticks = Ticks(cash="6000", asks=((101.0, 10.0), (200.0, 50.0)))

    reports = ticks.send(BUY, MARKET, "50", time_in_force=FOK)

    assert kinds(reports) == ["ACCEPTED", "EXPIRED"]
    assert ticks.held(USDT) == 6000


def test_e25_ioc_takes_what_there_is_and_ends_once() -> None:
    ticks = Ticks()

    reports = ticks.limit(BUY, "101", "25", time_in_force=IOC)

    assert kinds(reports) == ["ACCEPTED", "FILLED", "EXPIRED"]
    assert traded(reports) == [("o1", "101", "10")]
    assert reports[-1].cumulative == 10
    assert ticks.locked(USDT) == 0


def test_e26_nothing_fills_from_an_invalid_book_and_orders_that_need_a_price_are_refused() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "5")
    ticks.send(SELL, STOP, "1", trigger_price="99")
    ticks.trade(100.0, 1.0, SELL)

    ticks.book(bids=((104.0, 1.0),))

    assert ticks.send(BUY, MARKET, "1")[0].detail.startswith("BOOK_INVALID: COINUSDT.SIM: crossed")
    assert ticks.limit(BUY, "109", "1", time_in_force=IOC)[0].kind is ReportKind.REJECTED
    assert ticks.trade(99.0, 500.0, SELL) == []
    assert kinds(ticks.limit(SELL, "99", "1")) == ["ACCEPTED"]


@pytest.mark.parametrize("is_whole", [False, True], ids=["change", "snapshot"])
def test_e26_a_crossed_book_fills_neither_who_rests_nor_who_comes_to_rest(is_whole: bool) -> None:
    ticks = Ticks()
    ticks.limit(SELL, "103.5", "1")
    crossed = ((104.0, 1.0),)

    reports = ticks.snapshot(bids=crossed) if is_whole else ticks.book(bids=crossed)
    arrived = ticks.limit(SELL, "99", "1")

    assert not traded(reports)
    assert kinds(arrived) == ["ACCEPTED"]
    assert ticks.venue.open_orders(PAPER)[0].filled == 0


def test_e26_an_invalid_book_fires_no_stop() -> None:
    ticks = Ticks()
    ticks.send(SELL, STOP, "1", trigger_price="99")
    ticks.book(bids=((104.0, 1.0),))

    printed = ticks.trade(98.0, 1.0, SELL)
    healed = ticks.snapshot()

    assert (traded(printed), traded(healed)) == ([], [])
    assert traded(ticks.trade(99.0, 1.0, SELL)) == [("o1", "99", "1")]


def test_e26_a_gap_in_the_book_stops_fills_until_the_next_snapshot() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "5")
    ticks.book()

    ticks.book(skip=3)
    missed = ticks.trade(100.0, 500.0, SELL)
    ticks.snapshot()
    ticks.last_id += 3
    filled = ticks.trade(99.0, 5.0, SELL)

    assert missed == []
    assert traded(filled) == [("o1", "100", "5")]


def test_e26_a_locked_book_is_legal() -> None:
    ticks = Ticks()
    ticks.book(bids=((101.0, 5.0),))

    assert traded(ticks.send(BUY, MARKET, "1")) == [("o1", "101", "1")]
    assert traded(ticks.send(SELL, MARKET, "1")) == [("o2", "101", "1")]


def test_e27_a_market_order_against_an_empty_side_is_refused() -> None:
    ticks = Ticks(asks=())
    ticks.trade(100.0, 1.0, SELL)

    (report,) = ticks.send(BUY, MARKET, "1")

    assert report.kind is ReportKind.REJECTED
    assert report.detail == "NO_LIQUIDITY: nothing is offered against BUY COINUSDT.SIM"
    assert ticks.held(USDT) == 1_000_000


def test_e27_a_stop_that_fires_against_an_empty_side_waits_for_a_price() -> None:
    ticks = Ticks()
    ticks.send(SELL, STOP, "3", trigger_price="100")
    ticks.book(bids=((100.0, 0.0), (99.0, 0.0)))

    fired = ticks.trade(99.0, 1.0, SELL)
    filled = ticks.book(bids=((95.0, 2.0), (94.0, 9.0)))

    assert fired == []
    assert traded(filled) == [("o1", "95", "2"), ("o1", "94", "1")]


def test_e27_before_any_book_nothing_has_a_price() -> None:
    ticks = Ticks(has_book=False)

    assert ticks.send(SELL, MARKET, "1")[0].detail == "BOOK_INVALID: COINUSDT.SIM: no book yet"


def test_e29_a_limit_that_crosses_pays_taker_and_then_rests_as_maker() -> None:
    ticks = Ticks(taker_fee_ppm=1_000, maker_fee_ppm=200)

    crossed = ticks.limit(BUY, "101", "15")
    rested = ticks.trade(101.0, 50.0, SELL)

    assert [(r.fill.liquidity, r.fill.fee) for r in crossed if r.fill] == [
        (Liquidity.TAKER, Decimal("1.01"))  # 10 × 101 × 0.1 %
    ]
    assert [(r.fill.liquidity, r.fill.fee) for r in rested if r.fill] == [
        (Liquidity.MAKER, Decimal("0.101"))  # 5 × 101 × 0.02 %
    ]
    assert ticks.held(USDT) == Decimal(1_000_000) - 15 * 101 - Decimal("1.111")


def test_e29_a_limit_that_takes_pays_the_price_that_it_meets() -> None:
    ticks = Ticks()

    crossed = ticks.limit(BUY, "102.5", "25")

    assert traded(crossed) == [("o1", "101", "10"), ("o1", "102", "15")]


def test_e30_removing_a_level_that_is_not_there_leaves_the_queue_alone() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "5")

    assert ticks.book(bids=((97.0, 0.0),), asks=((200.0, 0.0),)) == []
    assert traded(ticks.trade(100.0, 101.0, SELL)) == [("o1", "100", "1")]


# --- the queue


def test_e22_a_resting_order_waits_for_what_stands_ahead_of_it() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "50")

    assert ticks.trade(100.0, 80.0, SELL) == []
    assert traded(ticks.trade(100.0, 30.0, SELL)) == [("o1", "100", "10")]
    assert traded(ticks.trade(100.0, 30.0, SELL)) == [("o1", "100", "30")]


def test_e22_the_book_telling_of_a_print_does_not_move_the_queue_again() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "50")

    ticks.trade(100.0, 80.0, SELL)
    ticks.book(bids=((100.0, 20.0),))

    assert traded(ticks.trade(100.0, 30.0, SELL)) == [("o1", "100", "10")]


def test_e22_a_print_that_the_book_told_of_before_does_not_move_the_queue_again() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "50")
    ticks.book(bids=((100.0, 20.0),))

    late = ticks.trade(100.0, 80.0, SELL, ts=ticks.now)

    assert late == []
    assert traded(ticks.trade(100.0, 30.0, SELL)) == [("o1", "100", "10")]


def test_e22_who_joins_later_stands_behind() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "5")
    ticks.book(bids=((100.0, 140.0),))
    ticks.limit(BUY, "100", "5")

    assert traded(ticks.trade(100.0, 110.0, SELL)) == [("o1", "100", "5")]
    # 5 of those 110 were ours, so 105 of the 140 ahead of the second are gone: 35 are left
    assert traded(ticks.trade(100.0, 36.0, SELL)) == [("o2", "100", "1")]


@pytest.mark.parametrize("change", [{"quantity": "60"}, {"limit": "99"}])
def test_e22_a_new_price_or_a_larger_quantity_goes_to_the_back(change: dict[str, str]) -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "50")
    ticks.trade(100.0, 80.0, SELL)
    ticks.book(bids=((100.0, 90.0),))  # 20 of the old ones, 70 that came after

    ticks.change("o1", **change)
    if "limit" in change:
        ticks.change("o1", limit="100")

    assert ticks.trade(100.0, 90.0, SELL) == []
    assert traded(ticks.trade(100.0, 4.0, SELL)) == [("o1", "100", "4")]


def test_e22_a_smaller_quantity_keeps_its_place() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "50")
    ticks.trade(100.0, 80.0, SELL)
    ticks.book(bids=((100.0, 90.0),))

    ticks.change("o1", quantity="6")

    assert traded(ticks.trade(100.0, 30.0, SELL)) == [("o1", "100", "6")]


@pytest.mark.parametrize(
    ("model", "filled"), [(QueueModel.TRADES, []), (QueueModel.PRO_RATA, [("o1", "100", "5")])]
)
def test_e22_cancellations_move_us_only_where_so_configured(
    model: QueueModel, filled: list[tuple[str, str, str]]
) -> None:
    ticks = Ticks(queue=model)
    ticks.limit(BUY, "100", "50")
    ticks.book(bids=((100.0, 200.0),))  # 100 came after us
    ticks.book(bids=((100.0, 150.0),))  # 50 of 200 cancelled: pro rata 25 of our 100

    assert traded(ticks.trade(100.0, 80.0, SELL)) == filled


def test_e22_what_prints_took_is_not_held_to_be_cancelled() -> None:
    ticks = Ticks(queue=QueueModel.PRO_RATA)
    ticks.limit(BUY, "100", "50")
    ticks.book(bids=((100.0, 200.0),))  # 100 came after us

    ticks.trade(100.0, 50.0, SELL)  # 50 of the 100 ahead of us
    ticks.book(bids=((100.0, 150.0),))

    assert traded(ticks.trade(100.0, 50.0, SELL)) == []
    assert traded(ticks.trade(100.0, 1.0, SELL)) == [("o1", "100", "1")]


def test_e22_who_joins_after_a_print_does_not_wait_for_what_it_took() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "5")
    ticks.trade(100.0, 80.0, SELL)
    ticks.limit(BUY, "100", "5")

    assert traded(ticks.trade(100.0, 26.0, SELL)) == [("o1", "100", "5"), ("o2", "100", "1")]


def test_e22_a_print_from_before_it_joined_does_not_meet_an_order() -> None:
    ticks = Ticks()
    ticks.book()
    ticks.limit(BUY, "100", "5")

    assert traded(ticks.trade(100.0, 500.0, SELL, ts=ticks.now - 1)) == []
    assert traded(ticks.trade(100.0, 101.0, SELL)) == [("o1", "100", "1")]


def test_e22_nobody_stands_ahead_who_is_not_displayed() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "50")

    ticks.book(bids=((100.0, 7.0),))

    assert traded(ticks.trade(100.0, 10.0, SELL)) == [("o1", "100", "3")]


def test_e22_an_order_that_came_without_a_book_stands_behind_all_it_shows() -> None:
    ticks = Ticks(has_book=False)
    ticks.limit(BUY, "100", "50")
    ticks.snapshot()

    assert ticks.trade(100.0, 100.0, SELL) == []
    assert traded(ticks.trade(100.0, 1.0, SELL)) == [("o1", "100", "1")]


def test_a_print_beyond_our_price_fills_us_whatever_was_displayed_ahead() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "50")
    ticks.limit(BUY, "99", "5")

    reports = ticks.trade(98.0, 52.0, SELL)

    assert traded(reports) == [("o1", "100", "50"), ("o2", "99", "2")]


def test_a_book_that_moves_through_our_price_fills_us_with_what_it_shows() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "50")

    touched = ticks.book(bids=((100.0, 4.0),), asks=((100.0, 6.0),))
    through = ticks.book(bids=((100.0, 0.0),), asks=((100.0, 0.0), (99.5, 12.0)))
    again = ticks.book(bids=((98.0, 1.0),))

    assert touched == []  # 4 are ahead of us
    assert traded(through) == [("o1", "100", "12")]
    assert through[0].fill is not None
    assert through[0].fill.liquidity is Liquidity.MAKER
    assert again == []  # the same 12 are not there twice


@pytest.mark.parametrize(
    ("ours", "price", "aggressor", "is_filled"),
    [
        (SELL, 101.0, BUY, True),
        (SELL, 101.0, SELL, False),
        (BUY, 100.0, SELL, True),
        (BUY, 100.0, BUY, False),
        (SELL, 101.0, None, False),
        (BUY, 100.0, None, False),
    ],
)
def test_e23_a_print_fills_only_the_side_that_its_aggressor_hit(
    ours: Side, price: float, aggressor: Side | None, is_filled: bool
) -> None:
    ticks = Ticks()
    ticks.limit(ours, str(int(price)), "1")

    reports = ticks.trade(price, 1_000.0, aggressor)

    assert bool(traded(reports)) is is_filled


def test_e23_a_print_reaches_no_price_that_is_worse_than_its_own() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "99.99", "1")
    ticks.limit(SELL, "101.01", "1")

    assert traded(ticks.trade(100.0, 1_000.0, SELL)) == []
    assert traded(ticks.trade(101.0, 1_000.0, BUY)) == []


def test_e24_a_post_only_order_that_would_take_is_refused_without_fill_or_fee() -> None:
    ticks = Ticks(taker_fee_ppm=1_000)

    (crossing,) = ticks.limit(BUY, "101", "1", is_post_only=True)
    (resting,) = ticks.limit(BUY, "100.99", "1", is_post_only=True)
    (market,) = ticks.send(BUY, MARKET, "1", is_post_only=True)

    assert crossing.kind is ReportKind.REJECTED
    assert crossing.detail == "POST_ONLY: BUY at 101.00 would take at 101.0"
    assert resting.kind is ReportKind.ACCEPTED
    assert market.detail.startswith("POST_ONLY_UNEXPECTED")
    assert ticks.held(USDT) == 1_000_000


def test_e24_a_post_only_sell_is_held_against_the_bids() -> None:
    ticks = Ticks()

    (crossing,) = ticks.limit(SELL, "100", "1", is_post_only=True)
    (resting,) = ticks.limit(SELL, "100.01", "1", is_post_only=True)

    assert crossing.detail == "POST_ONLY: SELL at 100.00 would take at 100.0"
    assert resting.kind is ReportKind.ACCEPTED


def test_e24_a_change_that_would_take_is_refused_and_keeps_price_and_place() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "50", is_post_only=True)
    ticks.trade(100.0, 80.0, SELL)

    (refused,) = ticks.change("o1", limit="101")

    assert refused.kind is ReportKind.REPLACE_REJECTED
    assert refused.detail.startswith("POST_ONLY")
    (order,) = ticks.venue.open_orders(PAPER)
    assert (order.limit_price, order.quantity) == (10_000, 50_000)
    assert traded(ticks.trade(100.0, 30.0, SELL)) == [("o1", "100", "10")]


def test_a_change_to_a_price_that_crosses_takes() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "15")

    reports = ticks.change("o1", limit="101")

    assert kinds(reports) == ["REPLACED", "FILLED"]
    assert traded(reports) == [("o1", "101", "10")]


def test_e28_our_own_bid_and_ask_do_not_trade_with_one_another() -> None:
    ticks = Ticks(bids=((90.0, 1.0),))
    ticks.limit(BUY, "100", "5")

    sell = ticks.limit(SELL, "95", "5")
    market = ticks.send(SELL, MARKET, "3")

    assert kinds(sell) == ["ACCEPTED"]
    assert traded(market) == [("o3", "90", "1")]
    assert len(ticks.venue.open_orders(PAPER)) == 2


# --- stops


def test_e21_a_stop_does_not_get_what_the_print_that_fired_it_ate() -> None:
    ticks = Ticks(asks=((101.0, 10.0),))
    ticks.send(BUY, STOP, "5", trigger_price="101")

    reports = ticks.trade(101.0, 8.0, BUY)

    assert traded(reports) == [("o1", "101", "2")]
    assert kinds(reports) == ["FILLED", "EXPIRED"]


def test_e21_a_print_beyond_the_best_ate_all_that_was_better() -> None:
    ticks = Ticks()
    ticks.send(BUY, STOP, "5", trigger_price="101")

    assert traded(ticks.trade(102.0, 18.0, BUY)) == [("o1", "102", "2"), ("o1", "103", "3")]


def test_e21_a_print_that_the_book_has_told_of_is_not_taken_off_again() -> None:
    ticks = Ticks(asks=((101.0, 10.0),))
    ticks.send(BUY, STOP, "5", trigger_price="101")
    ticks.book(asks=((101.0, 2.0),))

    reports = ticks.trade(101.0, 8.0, BUY, ts=ticks.now - 1)

    assert traded(reports) == [("o1", "101", "2")]


def test_e21_what_a_print_ate_is_there_again_when_a_newer_book_tells_it() -> None:
    ticks = Ticks(asks=((101.0, 10.0),))
    ticks.trade(101.0, 8.0, BUY)
    before = ticks.limit(BUY, "101", "1", time_in_force=IOC)

    ticks.book(asks=((101.0, 6.0),))
    after = ticks.limit(BUY, "101", "9", time_in_force=IOC)

    assert traded(before) == [("o1", "101", "1")]
    assert traded(after) == [("o2", "101", "6")]


def test_e62_a_print_older_than_the_last_fires_no_stop() -> None:
    ticks = Ticks()
    ticks.trade(100.5, 1.0, BUY)
    ticks.send(SELL, STOP, "1", trigger_price="100")

    assert ticks.trade(99.0, 1.0, SELL, ts=0) == []
    assert traded(ticks.trade(100.0, 1.0, SELL)) == [("o1", "100", "1")]


def test_a_stop_limit_becomes_a_limit_that_takes_and_rests() -> None:
    ticks = Ticks()
    ticks.send(BUY, STOP_LIMIT, "15", trigger_price="101", limit_price="101")

    reports = ticks.trade(101.0, 1.0, BUY)

    assert traded(reports) == [("o1", "101", "9")]
    assert len(ticks.venue.open_orders(PAPER)) == 1


def test_e14_a_trailing_stop_is_tried_before_it_moves() -> None:
    ticks = Ticks()
    ticks.trade(100.0, 1.0, SELL)
    ticks.send(SELL, TRAILING, "1", trail="2")  # its stop is 2 below the best bid: 98

    assert ticks.trade(103.0, 1.0, BUY) == []
    assert ticks.trade(101.01, 1.0, SELL) == []
    assert traded(ticks.trade(101.0, 1.0, SELL)) == [("o1", "100", "1")]


def test_an_oco_pair_ends_together() -> None:
    ticks = Ticks()
    ticks.limit(SELL, "102", "1", oco_group="exit")
    ticks.send(SELL, STOP, "1", trigger_price="99", oco_group="exit")

    reports = ticks.trade(103.0, 5.0, BUY)

    assert kinds(reports) == ["FILLED", "CANCELED"]
    assert ticks.venue.open_orders(PAPER) == ()
    assert ticks.trade(99.0, 5.0, SELL) == []


# --- an order's life


def test_a_cancelled_order_leaves_the_queue() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "50")

    reports = ticks.venue.cancel(ticks.ref("o1"), ticks.now)

    assert kinds(reports) == ["CANCELED"]
    assert ticks.trade(99.0, 500.0, SELL) == []
    assert ticks.locked(USDT) == 0


def test_e53_a_tick_at_the_instant_of_expiry_is_matched_before_the_order_ends() -> None:
    ticks = Ticks()
    for _ in range(2):
        ticks.limit(BUY, "100", "5", time_in_force=TimeInForce.GTD, expires_at=Nanos(ticks.now + 1))

    reports = ticks.trade(100.0, 102.0, SELL)

    assert traded(reports) == [("o1", "100", "2")]
    assert kinds(reports) == ["FILLED", "EXPIRED", "EXPIRED"]


def test_e53_an_order_that_ended_before_the_tick_is_not_matched() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "5", time_in_force=TimeInForce.GTD, expires_at=Nanos(ticks.now + 1))
    ticks.now += 1

    reports = ticks.trade(99.0, 102.0, SELL)

    assert kinds(reports) == ["EXPIRED"]
    assert reports[0].ts_event == ticks.now - 1


def test_e50_reduce_only_sells_no_more_than_is_held() -> None:
    ticks = Ticks(coins="3")

    reports = ticks.send(SELL, MARKET, "10", reduce_only=True)

    assert traded(reports) == [("o1", "100", "3")]
    assert kinds(reports) == ["ACCEPTED", "FILLED", "CANCELED"]


def test_e92_a_market_buy_is_cut_to_what_cash_pays_for_on_its_walk() -> None:
    ticks = Ticks(cash="1100", asks=((100.0, 5.0), (150.0, 50.0)))

    reports = ticks.send(BUY, MARKET, "10")

    assert traded(reports) == [("o1", "100", "5"), ("o1", "150", "4")]
    assert kinds(reports) == ["ACCEPTED", "FILLED", "FILLED", "CANCELED"]
    assert ticks.held(USDT) == 0


def test_e97_a_level_off_the_grid_is_refused_where_it_would_fill() -> None:
    ticks = Ticks(asks=((101.005, 1.0),))

    with pytest.raises(DataError, match="PRICE_OFF_GRID"):
        ticks.send(BUY, MARKET, "1")


def test_e18_bars_built_from_the_ticks_match_nothing() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "5")
    bar = Bar(COINUSDT, BarSpec(10), 0, 10, 100.0, 100.0, 90.0, 95.0, 1e9)

    assert list(ticks.venue.on_bars(BarsClosed(Nanos(10), (bar,)))) == []
    assert list(ticks.venue.on_open(BarOpened(COINUSDT, Nanos(10), 90.0))) == []


def test_quotes_are_the_book_where_there_is_no_other() -> None:
    ticks = Ticks(has_book=False)
    ticks.quote(((100.0, 7.0),), ((101.0, 5.0),))

    taken = ticks.send(BUY, MARKET, "9")
    same = ticks.quote(((99.0, 7.0),), ((101.0, 5.0),))
    more = ticks.limit(BUY, "101", "1", time_in_force=IOC)
    ticks.quote(((99.0, 7.0),), ((101.0, 6.0),))
    new = ticks.limit(BUY, "101", "1", time_in_force=IOC)

    assert traded(taken) == [("o1", "101", "5")]
    assert same == []
    assert traded(more) == []  # the same 5, and they are gone
    assert traded(new) == [("o3", "101", "1")]


def test_a_quote_moves_nothing_where_there_is_a_book() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "5")

    assert not ticks.quote(((90.0, 1.0),), ((91.0, 1.0),))
    assert ticks.venue.open_orders(PAPER)[0].filled == 0


def test_a_restored_venue_knows_its_orders_and_stands_at_the_back() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "50")
    ticks.send(SELL, STOP, "1", trigger_price="99")
    ticks.trade(100.0, 80.0, SELL)
    state = ticks.venue.snapshot()

    ticks.venue.restore(state)
    ticks.snapshot()

    assert ticks.venue.snapshot() == state
    assert traded(ticks.trade(100.0, 101.0, SELL)) == [("o1", "100", "1")]
    assert traded(ticks.trade(99.0, 1.0, SELL)) == [("o1", "100", "1"), ("o2", "99", "1")]


def test_a_query_tells_the_fills_and_how_the_order_stands() -> None:
    ticks = Ticks()
    ticks.limit(BUY, "100", "50")
    ticks.trade(99.0, 5.0, SELL)

    reports = ticks.venue.query(ticks.ref("o1"), ticks.now)

    assert kinds(reports) == ["FILLED", "STATUS"]
    assert fills(reports) == [("o1", Decimal(100))]


# --- latency


def test_an_order_meets_the_market_as_it_is_when_it_arrives() -> None:
    ticks = Ticks(latency=Latency(order_ns=5))

    sent = ticks.send(BUY, MARKET, "1")
    assert ticks.venue.next_arrival == 6
    ticks.book(asks=((101.0, 0.0),))
    ticks.now = 9
    reports = ticks.trade(102.0, 1.0, BUY)

    assert sent == []
    assert traded(reports) == [("o1", "102", "1")]
    assert [r.ts_event for r in reports] == [6, 6]


def test_what_arrives_with_an_event_is_matched_after_it() -> None:
    ticks = Ticks(latency=Latency(order_ns=1))
    ticks.send(BUY, MARKET, "1")

    moved = ticks.book(asks=((101.0, 0.0),))
    arrived = ticks.venue.advance(ticks.now)

    assert moved == []
    assert traded(arrived) == [("o1", "102", "1")]


def test_a_cancel_may_come_too_late_and_never_overtakes_its_order() -> None:
    ticks = Ticks(latency=Latency(order_ns=5, jitter_ns=5, seed=3))
    ticks.limit(BUY, "100", "1")
    ticks.venue.cancel(ticks.ref("o1"), ticks.now)

    reports = ticks.venue.advance(50)

    assert kinds(reports) == ["ACCEPTED", "CANCELED"]


def test_e100_one_strategys_delays_do_not_depend_on_anothers() -> None:
    def arrivals(others: int) -> list[int]:
        ticks = Ticks(latency=Latency(order_ns=10, jitter_ns=1_000_000, seed=7))
        found: list[int] = []
        for _ in range(20):
            for _ in range(others):
                ticks.limit(BUY, "90", "1", strategy=StrategyId("other"))
            ticks.limit(BUY, "91", "1", strategy=StrategyId("mine"))
            ticks.now += 2_000_000
            reports = ticks.venue.advance(ticks.now)
            mine = [o for o in ticks.venue.open_orders(PAPER) if o.strategy == "mine"]
            (last,) = [r for r in reports if r.client_order_id == mine[-1].client_order_id]
            found.append(last.ts_event - (ticks.now - 2_000_000))
        return found

    alone = arrivals(0)

    assert arrivals(3) == alone
    assert len(set(alone)) == 20
    assert all(10 <= delay <= 1_000_010 for delay in alone)


# --- the assumptions


def test_every_assumption_is_told() -> None:
    told = dict(
        BookVenueConfig(
            taker_fee_ppm=500,
            participation_ppm=250_000,
            queue=QueueModel.PRO_RATA,
            latency=Latency(order_ns=2_000_000, jitter_ns=500_000, answer_ns=1_000_000, seed=4),
        ).describe()
    )

    assert told["fee"] == "taker 0.05 %, maker 0.1 %"
    assert "at most 25 % of a level" in told["displayed size"]
    assert "the share that stood ahead of us" in told["queue"]
    assert told["latency"].startswith("orders arrive after 2 ms, up to 0.5 ms more by chance (seed")
    assert dict(Ticks().venue.describe())["latency"].startswith("none")


@pytest.mark.parametrize(
    "wrong",
    [
        {"participation_ppm": 0},
        {"queue": "hope"},
        {"taker_fee_ppm": 10**6},
        {"fee_mode": FeeMode.THIRD},
        {"price_band_ppm": -1},
    ],
)
def test_a_wrong_assumption_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="VENUE_CONFIG_REFUSED"):
        BookVenueConfig(**wrong)


@pytest.mark.parametrize("wrong", [{"order_ns": -1}, {"jitter_ns": 10**12}, {"seed": -1}])
def test_a_wrong_latency_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="VENUE_CONFIG_REFUSED"):
        Latency(**wrong)
