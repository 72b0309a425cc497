"""Round trips as they are folded from fills."""

# A Decimal equals the whole number that it is.
# mypy: disable-error-code="comparison-overlap"

from decimal import Decimal
from typing import Any

import pytest
from tests.support.report_run import HAND_TAPE, minutes, run_on
from tests.support.trading_session import buy, planned, sell
from tests.support.venue_session import COINUSDT

from botcore.backtest.reporting import Line, Motive, RoundTrip
from botcore.backtest.reporting.motives import Motives
from botcore.domain.events import OrderFilled, PositionChanged
from botcore.domain.ids import (
    MINUTE_NS,
    AccountId,
    ClientOrderId,
    Currency,
    InstrumentId,
    Nanos,
    StrategyId,
    TradeId,
)
from botcore.domain.intents import Reason
from botcore.domain.orders import Liquidity, OrderState, OrderType, Side
from botcore.domain.reports import Fill

FLAT = (100.0, 100.0, 100.0, 100.0)


def test_a_trip_knows_prices_stake_fees_and_why() -> None:
    report = run_on(minutes(*HAND_TAPE))

    first, second = report.trips
    assert (first.entry_price, first.exit_price) == (100.0, 104.0)
    assert (first.quantity, first.stake, first.received) == (1, 100, 104)
    assert first.fees == Decimal("0.204")
    assert first.profit == pytest.approx(3.796)
    assert first.return_frac == pytest.approx(0.03796)
    assert (first.opened, first.closed) == (MINUTE_NS, 3 * MINUTE_NS)
    assert first.duration_ns == 2 * MINUTE_NS
    assert (first.fills, first.side, first.is_open, first.is_ambiguous) == (2, "long", False, False)
    assert second.profit == pytest.approx(-10.186)
    words = Motives(report.strategies)
    assert words.sentence("strategy", first.entry) == "it rose"
    assert words.sentence("strategy", first.exit) == "it fell"


def test_what_is_held_at_the_end_is_a_trip_that_is_open_and_marked() -> None:
    report = run_on(minutes(*HAND_TAPE))
    (line,) = report.activity.lines

    left = line.left_open(end=9 * MINUTE_NS, mark=96.0)

    assert line.is_open
    assert left.is_open
    assert left.profit == pytest.approx(96 - 87 - 0.087)
    assert (left.opened, left.closed) == (8 * MINUTE_NS, 9 * MINUTE_NS)
    assert left.exit_price == 0.0


def test_entries_and_exits_in_parts_are_averaged_by_quantity() -> None:
    plan = planned(
        {
            1: lambda view: [buy(view, "1")],  # at 100
            2: lambda view: [buy(view, "3")],  # at 110
            3: lambda view: [sell(view, "2")],  # at 120
            4: lambda view: [sell(view, "2")],  # at 130
        }
    )
    bars = [(price, price, price, price) for price in (100.0, 100.0, 110.0, 120.0, 130.0, 130.0)]

    (trip,) = run_on(minutes(*bars), plan).trips

    assert trip.entry_price == pytest.approx((100 + 3 * 110) / 4)
    assert trip.exit_price == pytest.approx(125.0)
    assert (trip.quantity, trip.entered, trip.left, trip.fills) == (4, 4, 4, 4)
    assert trip.stake == 430
    assert trip.profit == pytest.approx(500 - 430 - 0.93)


@pytest.mark.parametrize(
    ("bar", "reason", "price", "ambiguous"),
    [
        ((100.0, 106.0, 99.0, 100.0), "take profit", 105.0, False),
        ((100.0, 101.0, 94.0, 100.0), "stop loss", 95.0, False),
        ((100.0, 106.0, 94.0, 100.0), "stop loss", 95.0, True),
    ],
)
def test_an_exit_that_hung_on_the_entry_is_called_by_what_it_is(
    bar: tuple[float, float, float, float], reason: str, price: float, ambiguous: bool
) -> None:
    bracket = planned({1: lambda view: [buy(view, "1", stop_loss="95", take_profit="105")]})

    report = run_on(minutes(FLAT, FLAT, bar, FLAT), bracket)

    (trip,) = report.trips
    words = Motives(report.strategies)
    assert words.kind("strategy", trip.exit) == reason
    assert words.kind("strategy", trip.entry) == "market order"
    assert (trip.exit_price, trip.is_ambiguous) == (price, ambiguous)
    assert [each.instrument for each in report.activity.ambiguous] == [COINUSDT] * ambiguous


def test_refusals_are_counted_by_strategy_and_code() -> None:
    greedy = planned({at: lambda view: [sell(view, "50")] for at in (1, 2)})

    report = run_on(minutes(FLAT, FLAT, FLAT), greedy)

    ((key, count),) = report.activity.denied.items()
    assert key[0] == "strategy"
    assert count == report.denied == 2


def test_orders_that_end_without_a_fill_are_counted_by_their_state() -> None:
    patient = planned(
        {1: lambda view: [buy(view, "1", OrderType.LIMIT, limit_price="50")]},
    )

    report = run_on(minutes(*[FLAT] * 3, stamps=[0, 1, 2]), patient)
    bracket = planned({1: lambda view: [buy(view, "1", stop_loss="95", take_profit="105")]})
    won = run_on(minutes(FLAT, FLAT, (100.0, 106.0, 99.0, 100.0), FLAT), bracket)

    assert report.activity.ended == {}
    assert won.activity.ended == {"CANCELED": 1}, "the stop, once the profit was taken"


def test_what_was_traded_is_summed_by_day() -> None:
    report = run_on(minutes(*HAND_TAPE))

    assert report.activity.traded == {0: 100 + 104 + 98 + 88 + 87}


def test_a_fill_through_zero_ends_a_trip_and_opens_the_next_on_the_other_side() -> None:
    line = Line("one", "COINUSDT-PERP.SIM")
    motive = Motive(Reason(1), OrderType.MARKET)

    assert line.take(changed(1, "2", "200"), filled(Side.BUY, "2", "100"), motive) is None
    long = line.take(changed(2, "-1", "-110", "20"), filled(Side.SELL, "3", "110"), motive)
    short = line.take(changed(3, "0", "0", "30"), filled(Side.BUY, "1", "100"), motive)

    assert isinstance(long, RoundTrip)
    assert isinstance(short, RoundTrip)
    assert (long.side, long.quantity, long.exit_price, long.profit) == ("long", 2, 110, 20)
    assert (short.side, short.quantity, short.entry_price) == ("short", 1, 110)
    assert (short.exit_price, short.profit, short.opened, short.closed) == (100, 10, 2, 3)


def test_dust_that_is_set_aside_ends_a_trip_at_its_last_fill() -> None:
    line = Line("one", COINUSDT)
    motive = Motive(type=OrderType.MARKET)
    line.take(changed(1, "2", "200"), filled(Side.BUY, "2", "100"), motive)
    line.take(changed(2, "0.001", "0.1", "19.99"), filled(Side.SELL, "1.999", "110"), motive)

    trip = line.take(changed(2, "0", "0", "19.99"), None, motive)

    assert isinstance(trip, RoundTrip)
    assert (trip.exit_price, trip.left, trip.fills) == (pytest.approx(110), Decimal("1.999"), 2)
    assert trip.profit == pytest.approx(19.99)


def changed(ts: int, quantity: str, cost: str, realised: str = "0") -> PositionChanged:
    return PositionChanged(
        AccountId("main"),
        StrategyId("one"),
        InstrumentId("COINUSDT.SIM"),
        Decimal(quantity),
        Decimal(cost),
        Decimal(realised),
        Decimal(0),
        Nanos(ts),
    )


def filled(side: Side, quantity: str, price: str, **more: Any) -> OrderFilled:
    size = Decimal(quantity)
    fill = Fill(
        TradeId("t"),
        Decimal(price),
        size,
        size * Decimal(price),
        Decimal(0),
        Currency("USDT"),
        Liquidity.TAKER,
        Nanos(0),
    )
    return OrderFilled(
        AccountId("main"),
        StrategyId("one"),
        InstrumentId("COINUSDT.SIM"),
        ClientOrderId("o"),
        side,
        fill,
        OrderState.FILLED,
        size,
        Decimal(0),
        **more,
    )
