"""A run over ticks: what a strategy earns by hand, who hears what when, and one outcome."""

import gzip
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.support.trading_session import WIDE, buy, cancel, sell
from tests.support.venue_session import COINUSDT, USDT, an_instrument

from botcore.backtest.ticks import Tick, TickEvent, TickResult, TickRun, clock_ahead_ns
from botcore.domain.events import OrderFilled
from botcore.domain.ids import MINUTE_NS, AccountId, InstrumentId, Nanos, StrategyId
from botcore.domain.instruments import Instrument
from botcore.domain.intents import Intent
from botcore.domain.market import BookDelta, BookSnapshot, Quote, Trade
from botcore.domain.orders import OrderType
from botcore.engine import AccountConfig, EngineConfig, StrategyClass, StrategyConfig
from botcore.strategies import EventStrategyBase, StrategyView
from botcore.strategies.event import Needs
from botcore.venues.live.binance.parsing import Parser
from botcore.venues.simulated.book import BookVenueConfig, Latency

ACCOUNT = AccountId("main")
LIMIT, MARKET = OrderType.LIMIT, OrderType.MARKET
MS = 1_000_000


class Maker(EventStrategyBase):
    """Bids 2 at the best bid once, and offers all that it buys one above."""

    name: ClassVar[str] = "maker"
    needs: ClassVar[Needs] = Needs(quotes=True)

    def on_quote(self, quote: Quote, view: StrategyView) -> Iterable[Intent]:
        return [buy(view, "2", LIMIT, limit_price=quote.bid)]

    def on_fill(self, fill: OrderFilled, view: StrategyView) -> Iterable[Intent]:
        if fill.side.sign > 0:
            price = fill.fill.price + 1
            return [sell(view, fill.fill.quantity, LIMIT, limit_price=price)]
        return []


class Buyer(EventStrategyBase):
    """Buys 1 at the market at the first print, and notes when it heard of what."""

    name: ClassVar[str] = "buyer"
    needs: ClassVar[Needs] = Needs(trades=True, quotes=True, timer_every_ns=4)
    heard: ClassVar[list[tuple[str, int]]] = []

    def on_trade(self, trade: Trade, view: StrategyView) -> Iterable[Intent]:
        self.heard.append(("print", trade.ts_event))
        if view.position(trade.instrument) or view.working(trade.instrument):
            return []
        return [buy(view, "1", MARKET)]

    def on_quote(self, quote: Quote, view: StrategyView) -> Iterable[Intent]:
        self.heard.append(("quote", quote.ts_event))
        return []

    def on_fill(self, fill: OrderFilled, view: StrategyView) -> Iterable[Intent]:
        self.heard.append(("fill", fill.fill.ts_event))
        return []

    def on_timer(self, view: StrategyView) -> Iterable[Intent]:
        self.heard.append(("timer", view.now))
        return []


class Requoter(EventStrategyBase):
    """Keeps one bid at the best bid, and offers what it holds at the best ask."""

    name: ClassVar[str] = "requoter"
    needs: ClassVar[Needs] = Needs(quotes=True)

    def __init__(self, params: Mapping[str, float]) -> None:
        super().__init__(params)
        self.quoted = (0.0, 0.0)

    def on_quote(self, quote: Quote, view: StrategyView) -> Iterable[Intent]:
        if self.quoted == (quote.bid, quote.ask):
            return []
        self.quoted = (quote.bid, quote.ask)
        working = view.working(quote.instrument)
        if working:
            return [cancel(view, i, quote.instrument) for i in range(len(working))]
        held = view.position(quote.instrument)
        where: dict[str, Any] = {"instrument": quote.instrument}
        if held:
            return [sell(view, held, LIMIT, limit_price=quote.ask, **where)]
        return [buy(view, "0.01", LIMIT, limit_price=quote.bid, **where)]


def a_run(
    strategy: type[EventStrategyBase],
    *,
    instrument: Instrument | None = None,
    ahead: int | None = None,
    **venue: Any,
) -> TickRun:
    """A run of one strategy with 10,000 USDT; free of charge unless told otherwise."""
    free: dict[str, Any] = {"taker_fee_ppm": 0, "maker_fee_ppm": 0}
    traded = instrument or an_instrument()
    classes: dict[str, StrategyClass] = {strategy.name: strategy}
    config = EngineConfig(
        (AccountConfig(ACCOUNT, USDT, WIDE),),
        (traded,),
        (
            StrategyConfig(
                StrategyId(strategy.name), strategy.name, ACCOUNT, (traded.id,), MINUTE_NS
            ),
        ),
    )
    return TickRun(
        config=config,
        classes=classes,
        venue=BookVenueConfig(**(free | venue)),
        venue_clock_ahead_ns=ahead,
    )


def a_trade(ts: int, price: float, quantity: float, *, is_buy: bool) -> Trade:
    """A print."""
    return Trade(COINUSDT, Nanos(ts), price, quantity, is_buy)


def a_delta(ts: int, number: int, **levels: Any) -> BookDelta:
    """A change of the book."""
    sides: dict[str, Any] = {"bids": (), "asks": ()}
    return BookDelta(COINUSDT, Nanos(ts), number, number, **(sides | levels))


def a_book(ts: int) -> BookSnapshot:
    """10 at 100 | 10 at 101, 20 at 102."""
    bids, asks = ((100.0, 10.0),), ((101.0, 10.0), (102.0, 20.0))
    return BookSnapshot(COINUSDT, Nanos(ts), 1, bids, asks)


def a_quote(ts: int) -> Quote:
    """The same book's best prices."""
    return Quote(COINUSDT, Nanos(ts), 100.0, 101.0, 10.0, 10.0)


def at_once(*events: TickEvent) -> list[Tick]:
    """A tape whose events are received when they happen."""
    return [Tick(event.ts_event, event) for event in events]


def test_a_market_maker_earns_what_is_reckoned_by_hand() -> None:
    tape = at_once(
        a_book(1),
        a_quote(2),  # bids 2 at 100, behind 10
        a_trade(3, 100.0, 9.0, is_buy=False),  # 1 is ahead
        a_trade(4, 100.0, 2.0, is_buy=False),  # buys 1; offers 1 at 101, behind 10
        a_trade(5, 101.0, 10.0, is_buy=True),  # nothing is ahead of the offer
        a_delta(6, 2, bids=((100.0, 8.0),)),
        a_trade(7, 101.0, 5.0, is_buy=True),  # sells 1
        a_trade(8, 100.0, 3.0, is_buy=False),  # buys the other; offers it behind 10
        a_delta(9, 3, asks=((101.0, 0.0),)),  # all ahead of it have gone
        a_trade(10, 101.0, 0.4, is_buy=True),  # sells 0.4; 0.6 are worth 101 each
    )
    run = a_run(Maker, maker_fee_ppm=200)

    result = run.play(tape)

    # Spread: 1 + 0.4 earned, 0.6 on paper. Fees: 0.02 % of 100 + 101 + 100 + 0.4 × 101 = 341.4
    assert result.equity_end == Decimal(10_000) + 2 - Decimal("0.06828")
    assert result.fees == Decimal("0.06828")
    assert (result.orders, result.fills, result.denied) == (3, 4, 0)
    assert result.ticks == 10
    balance = run.venue.balances(ACCOUNT)
    assert balance[an_instrument().base].total == 60_000_000


def test_a_fill_is_heard_before_the_print_that_made_it() -> None:
    Buyer.heard.clear()

    a_run(Buyer).play(at_once(a_book(1), a_quote(2), a_trade(5, 101.0, 1.0, is_buy=True)))

    assert Buyer.heard == [("quote", 2), ("timer", 4), ("print", 5), ("fill", 5)]


def test_orders_and_answers_take_their_time_both_ways() -> None:
    Buyer.heard.clear()
    run = a_run(Buyer, latency=Latency(order_ns=10, answer_ns=5))

    result = run.play(
        at_once(
            a_book(1),
            a_trade(2, 101.0, 1.0, is_buy=True),
            a_delta(11, 2, asks=((101.0, 0.0),)),  # before the order arrives at 12
            a_quote(16),
            a_quote(18),
        )
    )

    assert [each for each in Buyer.heard if each[0] != "timer"] == [
        ("print", 2),
        ("quote", 16),
        ("fill", 12),  # at the venue at 12, heard at 17
        ("quote", 18),
    ]
    assert result.equity_end == Decimal(10_000) - 102 + Decimal("100.5")


def test_the_feed_is_late_where_the_tape_says_so() -> None:
    Buyer.heard.clear()
    tape = [
        Tick(101, a_book(1)),  # 100 behind: the clock is 90 ahead, the feed took 10
        Tick(102, a_trade(2, 101.0, 1.0, is_buy=True)),
        Tick(110, a_delta(5, 2, asks=((101.0, 0.0),))),
        Tick(130, a_quote(40)),
    ]
    ahead = clock_ahead_ns(tape)
    run = a_run(Buyer, ahead=ahead)

    run.play(tape)

    assert ahead == -90
    # The print reached us at 102; by then, at 95, the level it saw at 101 had gone.
    (trade,) = run.venue.trades(ACCOUNT)
    assert trade.price == 10_200
    assert trade.ts_event == 102


def test_a_clock_is_measured_by_the_fastest_event() -> None:
    tape = [Tick(1_000, a_book(1_400)), Tick(2_000, a_trade(2_390, 100.0, 1.0, is_buy=True))]

    assert clock_ahead_ns(tape) == 400
    assert clock_ahead_ns(tape, least_latency_ns=5) == 405
    assert clock_ahead_ns([]) == 0


def test_an_order_under_way_at_the_end_of_the_tape_arrives_nowhere() -> None:
    run = a_run(Buyer, latency=Latency(order_ns=10))

    result = run.play(at_once(a_book(1), a_trade(2, 101.0, 1.0, is_buy=True)))

    assert (result.orders, result.fills) == (1, 0)
    assert run.venue.open_orders(ACCOUNT) == ()


def test_an_empty_tape_comes_to_nothing() -> None:
    result = a_run(Maker).play([])

    assert (result.ticks, result.orders) == (0, 0)


def test_every_assumption_is_told() -> None:
    told = dict(a_run(Maker, ahead=1_270 * MS).play([]).assumptions)

    assert "less the 1270 ms by which its clock is ahead" in told["feed"]
    assert "queue" in told
    assert "limit: order" in told
    assert dict(a_run(Maker).play([]).assumptions)["feed"].endswith("when they are received")


def recorded(folder: Path) -> list[Tick]:
    """The first of the recorded spot sessions."""
    parser, tape = Parser(), []
    name = InstrumentId("BTCUSDT.BINANCE")
    with gzip.open(folder / "l2-hftbacktest" / "spot" / "btcusdt_20240808.gz") as lines:
        for line in lines:
            stamp, _, raw = line.partition(b" ")
            value = parser.parse(raw, int(stamp), instrument=name)
            assert isinstance(value, TickEvent)
            tape.append(Tick(int(stamp), value))
    return tape


@pytest.mark.slow
def test_e100_two_runs_over_recorded_ticks_are_one(market_data_dir: Path) -> None:
    tape = recorded(market_data_dir)
    ahead = clock_ahead_ns(tape)
    instrument = an_instrument("BTCUSDT.BINANCE", lot="0.00001")

    def played(seed: int) -> tuple[TickResult, TickRun]:
        latency = Latency(order_ns=5 * MS, jitter_ns=20 * MS, answer_ns=5 * MS, seed=seed)
        run = a_run(
            Requoter, instrument=instrument, ahead=ahead, maker_fee_ppm=100, latency=latency
        )
        return run.play(tape), run

    first, run = played(1)
    second, _ = played(1)
    other, _ = played(2)

    assert 1_265 * MS < ahead < 1_280 * MS  # the data's README says 1.27 s
    assert first == second
    assert first.fingerprint != other.fingerprint
    assert first.fills > 20
    assert first.denied == 0
    held = Decimal(run.venue.balances(ACCOUNT)[USDT].total).scaleb(-8)
    assert held == run.engine.desk.portfolio.cash(ACCOUNT, USDT)
