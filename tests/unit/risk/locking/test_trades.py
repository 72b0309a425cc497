"""Closed trades, folded from fills: profit after fees, stake, and what closed them."""

from decimal import Decimal

import pytest
from tests.support.builders import BTCUSDT, EMA, MAIN
from tests.support.guarded import ETHUSDT

from botcore.domain.events import PositionChanged
from botcore.domain.ids import InstrumentId, Nanos
from botcore.risk.locking.trades import KEPT, Booking, ClosedTrade, Trades

D = Decimal


class Line:
    """A position that fills change."""

    def __init__(self, lookback_ns: int = 1_000) -> None:
        self.trades = Trades(lookback_ns)
        self.before = (D(0), D(0), D(0))

    def to(
        self,
        ts: int,
        quantity: str,
        cost: str,
        realised: str = "0",
        fees: str = "0",
        *,
        stop: bool = False,
        dust: bool = False,
        instrument: InstrumentId = BTCUSDT,
    ) -> ClosedTrade | None:
        if not dust:
            self.trades.filled(Booking(*self.before, stop))
        figures = (D(quantity), D(cost), D(realised), D(fees))
        self.before = (figures[0], figures[1], figures[2] - figures[3])
        return self.trades.changed(PositionChanged(MAIN, EMA, instrument, *figures, Nanos(ts)))


def test_a_trade_closes_when_nothing_is_held_with_its_profit_after_all_its_fees() -> None:
    line = Line()

    assert line.to(1, "2", "200", fees="0.2") is None
    assert line.to(2, "3", "330", fees="0.33") is None
    assert line.to(3, "1", "110", "40", "0.5", stop=True) is None
    closed = line.to(4, "0", "0", "50", "0.7")

    assert closed == ClosedTrade(EMA, BTCUSDT, 4, D("49.3"), D(330), False)
    assert line.trades.closed == [closed]
    assert not line.trades.open


def test_the_next_trade_begins_with_what_was_earned_before_it() -> None:
    line = Line()
    line.to(1, "1", "100", fees="0.1")
    line.to(2, "0", "0", "5", "0.2")

    line.to(3, "1", "120", "5", "0.3")
    closed = line.to(4, "0", "0", "2", "0.4", stop=True)

    assert closed == ClosedTrade(EMA, BTCUSDT, 4, D("-3.2"), D(120), True)


@pytest.mark.parametrize("last_is_stop", [True, False])
def test_the_last_exit_says_whether_a_stop_closed_it(last_is_stop: bool) -> None:
    line = Line()
    line.to(1, "2", "200")
    line.to(2, "1", "100", "-1", stop=not last_is_stop)

    closed = line.to(3, "0", "0", "-2", stop=last_is_stop)

    assert closed is not None
    assert closed.is_stop is last_is_stop


def test_a_remainder_set_aside_as_dust_closes_the_trade_of_its_last_exit() -> None:
    line = Line()
    line.to(1, "1", "100")
    line.to(2, "0.001", "0.1", "-9", stop=True)

    closed = line.to(3, "0", "0", "-9", dust=True)

    assert closed == ClosedTrade(EMA, BTCUSDT, 3, D(-9), D(100), True)


def test_dust_that_is_sold_later_and_dust_of_nobody_are_no_trades() -> None:
    line = Line()

    assert line.to(1, "0", "0", dust=True) is None
    assert line.to(2, "0", "0", "1") is None
    assert (line.trades.closed, line.trades.open) == ([], {})


def test_a_position_that_was_open_before_anybody_looked_is_a_trade_from_then_on() -> None:
    line = Line()
    line.before = (D(2), D(200), D(7))

    line.to(1, "1", "100", "17", "0")
    closed = line.to(2, "0", "0", "14", "0")

    assert closed == ClosedTrade(EMA, BTCUSDT, 2, D(7), D(200), False)


def test_a_fill_through_zero_closes_one_trade_and_opens_the_next() -> None:
    line = Line()
    line.to(1, "1", "100")

    first = line.to(2, "-1", "-90", "-10", stop=True)
    second = line.to(3, "0", "0", "-15")

    assert first == ClosedTrade(EMA, BTCUSDT, 2, D(-10), D(100), True)
    assert second == ClosedTrade(EMA, BTCUSDT, 3, D(-5), D(90), False)


def test_trades_of_two_instruments_are_two_trades() -> None:
    line = Line()
    line.to(1, "1", "100")
    line.before = (D(0), D(0), D(0))
    line.to(2, "1", "10", instrument=ETHUSDT)
    line.before = (D(1), D(100), D(0))

    closed = line.to(3, "0", "0", "4")

    assert closed == ClosedTrade(EMA, BTCUSDT, 3, D(4), D(100), False)
    assert list(line.trades.open) == [(EMA, ETHUSDT)]


def closes(trades: Trades, *stamps: int) -> list[int]:
    for ts in stamps:
        trades.filled(Booking(D(1), D(1), D(0), False))
        trades.changed(PositionChanged(MAIN, EMA, BTCUSDT, D(0), D(0), D(0), D(0), Nanos(ts)))
    return [each.closed for each in trades.closed]


def test_trades_as_old_as_the_look_back_are_forgotten() -> None:
    trades = Trades(10)

    assert closes(trades, 1, 2, 10) == [1, 2, 10]
    assert closes(trades, 11) == [2, 10, 11]


def test_a_fill_that_is_heard_of_late_stands_where_it_happened() -> None:
    trades = Trades(100)

    assert closes(trades, 5, 9, 7) == [5, 7, 9]
    assert trades.nth_newest(2) == 7
    assert trades.nth_newest(4) is None


def test_what_is_remembered_is_bounded() -> None:
    trades = Trades(10**9)
    trades.closed = [ClosedTrade(EMA, BTCUSDT, ts, D(0), D(1), False) for ts in range(KEPT)]

    closes(trades, KEPT + 5)

    assert len(trades.closed) == KEPT
    assert trades.closed[0].closed == 1
