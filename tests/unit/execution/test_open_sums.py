"""When the sums over open orders are kept, and what ends that."""

from decimal import Decimal
from typing import Any

import pytest
from tests.support.builders import BTCUSDT, EMA, MAIN, an_approved_order, an_exit
from tests.support.order_desk import TO_STATE, OrderDesk

from botcore.domain.orders import OrderState, OrderType, Side
from botcore.domain.reports import ReportKind
from botcore.execution import Order
from botcore.execution.open_sums import FEW, OpenSums


def a_desk(orders: int, **fields: Any) -> OrderDesk:
    """A desk with so many buys of 10 at 100 open."""
    desk = OrderDesk()
    for _ in range(orders):
        desk.open(an_approved_order(**fields))
    return desk


def sums(desk: OrderDesk) -> OpenSums | None:
    return desk.engine.index.sums(MAIN, BTCUSDT)


def kept(desk: OrderDesk) -> OpenSums:
    found = sums(desk)
    assert found is not None
    return found


def end(desk: OrderDesk, order: Order) -> None:
    for kind in TO_STATE[OrderState.CANCELED]:
        desk.report(kind, order)


def test_i8_few_orders_are_looked_at_one_by_one_and_many_summed() -> None:
    desk = a_desk(FEW)

    assert sums(desk) is None

    last = desk.open()

    assert kept(desk).bought(90.0) == (FEW + 1) * 10 * 100
    assert kept(desk).bought(120.0) == (FEW + 1) * 10 * 120

    end(desk, last)

    assert sums(desk) is None


def test_the_sums_are_those_of_one_account_and_instrument() -> None:
    desk = a_desk(FEW + 1)

    assert desk.engine.index.sums(MAIN, type(BTCUSDT)("ETHUSDT.SIM")) is None
    assert desk.engine.index.sums(type(MAIN)("other"), BTCUSDT) is None


def test_held_exits_lock_and_sell_nothing_until_they_are_released() -> None:
    desk = a_desk(FEW)
    entry = desk.open(an_approved_order(), an_exit(), an_exit())
    for kind in TO_STATE[OrderState.ACCEPTED]:
        desk.report(kind, entry)

    assert kept(desk).sold() == 0.0

    desk.fill(entry, "4")

    assert kept(desk).sold() == 8.0
    assert kept(desk).working(EMA, Side.SELL) == 4, "one of the two can fill"
    assert kept(desk).working(EMA, Side.BUY) == FEW * 10 + 6


def test_orders_at_the_market_cost_the_mark() -> None:
    desk = a_desk(FEW + 1, type=OrderType.MARKET, limit_price=None)

    assert kept(desk).bought(7.5) == (FEW + 1) * 75


def test_i8_a_change_of_price_moves_what_an_order_may_cost() -> None:
    desk = a_desk(FEW)
    order = desk.open()
    for kind in TO_STATE[OrderState.ACCEPTED]:
        desk.report(kind, order)
    before = kept(desk).bought(50.0)

    desk.report(ReportKind.REPLACED, order, limit_price=Decimal(130))

    assert kept(desk).bought(50.0) == before + 10 * 30
    assert kept(desk).reserved() == FEW * 1000 + 1300


def test_every_digit_is_kept_beyond_those_of_money() -> None:
    long = "1." + "0" * 45 + "7"  # 38 digits would lose the last
    desk = a_desk(FEW)
    order = desk.open(an_approved_order(long))
    sell = desk.open(an_approved_order(long, side=Side.SELL))

    assert kept(desk).working(EMA, Side.SELL) == Decimal(long)

    end(desk, sell)
    end(desk, order)
    desk.open()

    assert kept(desk).working(EMA, Side.SELL) == 0
    assert kept(desk).working(EMA, Side.BUY) == (FEW + 1) * 10


@pytest.mark.parametrize("absurd", ["1E-300", "1E+70"])
def test_a_figure_that_no_sum_holds_ends_the_sums_until_orders_are_few_again(absurd: str) -> None:
    desk = a_desk(FEW + 1)
    assert kept(desk).is_exact

    order = desk.open(an_approved_order(absurd))

    assert sums(desk) is None, "they are looked at one by one"

    end(desk, order)
    first = next(iter(desk.engine.index))
    end(desk, first)
    desk.open()

    assert kept(desk).bought(90.0) == (FEW + 1) * 1000


def test_a_restore_forgets_the_sums_of_before() -> None:
    desk, other = a_desk(FEW + 1), a_desk(FEW + 3, side=Side.SELL)
    assert kept(desk).sold() == 0.0

    desk.engine.restore(other.engine.state())

    assert kept(desk).sold() == (FEW + 3) * 10
    assert kept(desk).bought(90.0) == 0.0
