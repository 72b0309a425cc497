"""Executions and the round trips they make."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.callers import a_call
from tests.support.trading_desk import TradingDesk
from tests.support.trading_session import TradingSession

from botcore.control.handlers.orders import OrderHandlers
from botcore.control.handlers.trades import TradeHandlers
from botcore.control.history_port import Execution, SetAside
from botcore.control.problems import NotFound
from botcore.control.round_trips import RoundTrips
from botcore.control.schema import orders as o
from botcore.control.schema import trades as t
from botcore.domain.ids import Nanos
from botcore.domain.orders import Side

COIN = "COINUSDT.SIM"


def _execution(number: int, side: str, quantity: str, amount: str, **more: Any) -> Execution:
    given = {
        "strategy": "rsi",
        "instrument": COIN,
        "fee": Decimal(0),
        "fee_currency": "USDT",
        **more,
    }
    return Execution(
        number=number,
        ts=Nanos(number * 10),
        reference=f"o{number}/t{number}",
        order_id=f"o{number}",
        base="COIN",
        quote="USDT",
        side=Side(side),
        quantity=Decimal(quantity),
        quote_amount=Decimal(amount),
        **given,
    )


def test_a_round_trip_goes_from_flat_to_flat_with_fees() -> None:
    trips = RoundTrips()

    trips.take(
        [
            _execution(1, "BUY", "1", "100", fee=Decimal("0.1")),
            _execution(2, "BUY", "1", "110", fee=Decimal("0.11")),
            _execution(3, "SELL", "1.5", "180", fee=Decimal("0.18")),
        ]
    )
    (open_,) = trips.open
    assert (open_.profit, open_.held) == (None, Decimal("0.5"))
    trips.take([_execution(4, "SELL", "0.5", "70", fee=Decimal("0.07"))])

    (trip,) = trips.closed
    assert trips.open == ()
    assert (trip.stake, trip.received, trip.fees) == (
        Decimal(210),
        Decimal(250),
        Decimal("0.46"),
    )
    assert trip.profit == Decimal("39.54")
    assert (trip.opened, trip.closed, trip.executions, trip.most) == (10, 40, 4, Decimal(2))
    assert (trip.first_order, trip.last_order) == ("o1", "o4")


def test_a_fee_in_base_makes_less_to_hold_and_what_is_left_may_be_set_aside() -> None:
    trips = RoundTrips()

    trips.take(
        [
            _execution(1, "BUY", "1", "100", fee=Decimal("0.001"), fee_currency="COIN"),
            _execution(2, "SELL", "0.99", "99"),
            SetAside(
                number=3,
                ts=Nanos(30),
                strategy="rsi",
                instrument=COIN,
                quantity=Decimal("0.009"),
                cost=Decimal("0.9"),
            ),
        ]
    )

    (trip,) = trips.closed
    assert trip.fees == Decimal("0.1")
    assert trip.profit == Decimal("99") + Decimal("0.9") - 100


def test_a_fee_in_another_currency_is_told_apart() -> None:
    trips = RoundTrips()

    trips.take(
        [
            _execution(1, "BUY", "1", "100", fee=Decimal("0.01"), fee_currency="BNB"),
            _execution(2, "SELL", "1", "101", fee=Decimal("0.01"), fee_currency="BNB"),
        ]
    )

    (trip,) = trips.closed
    assert (trip.profit, trip.fees) == (Decimal(1), Decimal(0))
    assert trip.others == {"BNB": Decimal("0.02")}


def test_an_execution_that_turns_a_position_round_ends_one_trip_and_begins_another() -> None:
    trips = RoundTrips()

    trips.take([_execution(1, "BUY", "1", "100"), _execution(2, "SELL", "3", "330")])

    (closed,), (open_,) = trips.closed, trips.open
    assert (closed.profit, closed.sign, closed.received) == (Decimal(10), 1, Decimal(110))
    assert (open_.sign, open_.held, open_.stake) == (-1, Decimal(-2), Decimal(220))


def test_only_so_many_are_remembered() -> None:
    trips = RoundTrips(kept=2)
    for number in range(1, 9, 2):
        trips.take(
            [_execution(number, "BUY", "1", "100"), _execution(number + 1, "SELL", "1", "101")]
        )

    assert [trip.number for trip in trips.closed] == [5, 7]
    assert trips.find(1) is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["BUY", "SELL"]),
            st.decimals("0.001", "10", places=3),
            st.decimals("0.01", "1000", places=2),
        ),
        max_size=30,
    ),
    st.integers(1, 7),
)
def test_trips_neither_make_nor_lose_money_however_they_are_read(
    history: list[tuple[str, Decimal, Decimal]], chunk: int
) -> None:
    executions = [
        _execution(number, side, str(quantity), str(amount), fee=Decimal("0.01"))
        for number, (side, quantity, amount) in enumerate(history, 1)
    ]
    trips = RoundTrips()
    for start in range(0, len(executions), chunk):
        trips.take(executions[start : start + chunk])

    every = [*trips.open, *trips.closed]
    flow = sum((q if s == "SELL" else -q) for s, _, q in history) - Decimal("0.01") * len(history)
    held = sum((q if s == "BUY" else -q) for s, q, _ in history)
    assert sum((trip.money for trip in every), start=Decimal(0)) == flow
    assert sum((trip.held for trip in every), start=Decimal(0)) == held
    assert all(trip.held for trip in trips.open)
    assert not any(trip.held for trip in trips.closed)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TradingDesk]:
    desk = TradingDesk(tmp_path, TradingSession({}, cash="10000"))
    desk.bar(100.0)
    yield desk
    desk.close()


def _trade(desk: TradingDesk, side: Side, reference: str, price: float) -> None:
    handlers = OrderHandlers(engine=desk, history=desk.history)
    request = o.PlaceOrder(instrument=COIN, side=side, quantity=Decimal(1))
    asyncio.run(handlers.place(a_call(reference=reference), request))
    desk.bar(price)


def test_trades_are_listed_open_ones_first_then_newest_each_with_its_reason(
    desk: TradingDesk,
) -> None:
    handlers = TradeHandlers(engine=desk, history=desk.history)
    for number in range(3):
        _trade(desk, Side.BUY, f"b{number}", 100.0 + number)
        _trade(desk, Side.SELL, f"s{number}", 110.0)
    _trade(desk, Side.BUY, "b", 120.0)

    first = handlers.trades(a_call(), t.ListTrades(limit=2))
    assert first.next_cursor is not None
    rest = handlers.trades(a_call(), t.ListTrades(limit=2, cursor=first.next_cursor))

    told = [*first.items, *rest.items]
    assert [trade.status for trade in told] == [t.TradeStatus.OPEN, *[t.TradeStatus.CLOSED] * 3]
    assert [None if trade.profit is None else trade.profit.amount for trade in told] == [
        None,
        Decimal(8),
        Decimal(9),
        Decimal(10),
    ]
    assert rest.next_cursor is None
    assert told[1].entry_reason == told[1].exit_reason == "placed by hand"
    assert told[1].profit_frac == pytest.approx(8 / 102)


def test_one_trade_is_shown_with_its_executions(desk: TradingDesk) -> None:
    handlers = TradeHandlers(engine=desk, history=desk.history)
    _trade(desk, Side.BUY, "b1", 100.0)
    _trade(desk, Side.SELL, "s1", 105.0)
    _trade(desk, Side.BUY, "b2", 106.0)
    newest = handlers.trades(a_call(), t.ListTrades(status=t.TradeStatus.CLOSED)).items[0]

    shown = handlers.trade(a_call(), t.GetTrade(id=newest.id))

    assert [(fill.side, fill.price) for fill in shown.fills] == [
        (Side.BUY, Decimal(100)),
        (Side.SELL, Decimal(105)),
    ]
    assert shown.profit == newest.profit
    with pytest.raises(NotFound, match="TRADE_UNKNOWN"):
        handlers.trade(a_call(), t.GetTrade(id="999999"))


def test_executions_are_listed_newest_first_with_filters(desk: TradingDesk) -> None:
    handlers = TradeHandlers(engine=desk, history=desk.history)
    _trade(desk, Side.BUY, "b1", 100.0)
    _trade(desk, Side.SELL, "s1", 105.0)

    every = handlers.fills(a_call(), t.ListFills()).items
    sold = handlers.fills(a_call(), t.ListFills(side=Side.SELL)).items

    assert [fill.side for fill in every] == [Side.SELL, Side.BUY]
    assert [(fill.quote_amount.amount, fill.quote_amount.currency) for fill in sold] == [
        (Decimal(105), "USDT")
    ]
    assert handlers.fills(a_call(), t.ListFills(instrument="NONE.SIM")).items == ()
