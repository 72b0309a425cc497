"""The worst case of open orders is told again while nothing moves, and anew when something does."""

from decimal import Decimal
from typing import Any

import pytest
from tests.support.builders import BTCUSDT, EMA, MAIN, an_approved_order, an_exit
from tests.support.order_desk import TO_STATE, OrderDesk

from botcore.domain.ids import StrategyId
from botcore.domain.orders import OrderState, OrderType, Side
from botcore.domain.reports import ReportKind
from botcore.execution import Order
from botcore.execution.at_mark import AtMark
from botcore.execution.open_sums import FEW

SEVERAL = [3, FEW + 3]


def a_desk(orders: int, **fields: Any) -> OrderDesk:
    """A desk with so many buys of 10 at 100 open."""
    desk = OrderDesk()
    for _ in range(orders):
        desk.open(an_approved_order(**fields))
    return desk


def worst(desk: OrderDesk, mark: float = 90.0) -> AtMark:
    return desk.engine.index.at_mark(MAIN, BTCUSDT, mark)


def come_to(desk: OrderDesk, order: Order, state: OrderState) -> None:
    for kind in TO_STATE[state]:
        desk.report(kind, order)


@pytest.mark.parametrize("orders", SEVERAL)
def test_orders_are_looked_at_once_while_neither_they_nor_the_mark_move(orders: int) -> None:
    desk = a_desk(orders)

    told = worst(desk)

    assert worst(desk) is told
    assert told.bought == told.bought_by(EMA) == orders * 1000
    assert told.bought_by(StrategyId("other")) == 0.0


@pytest.mark.parametrize("orders", SEVERAL)
def test_i8_another_mark_is_another_worst_case(orders: int) -> None:
    desk = a_desk(orders)
    assert worst(desk, 90.0).bought == orders * 1000

    assert worst(desk, 120.0).bought == worst(desk, 120.0).bought_by(EMA) == orders * 1200
    assert worst(desk, 90.0).bought == orders * 1000


@pytest.mark.parametrize("orders", SEVERAL)
def test_i8_an_order_placed_filled_or_ended_changes_the_worst_case(orders: int) -> None:
    desk = a_desk(orders)
    assert worst(desk).bought == orders * 1000

    last = desk.open()
    assert worst(desk).bought == (orders + 1) * 1000

    come_to(desk, last, OrderState.ACCEPTED)
    desk.fill(last, "4")
    assert worst(desk).bought == worst(desk).bought_by(EMA) == orders * 1000 + 600

    desk.report(ReportKind.CANCELED, last)
    assert worst(desk).bought == orders * 1000


@pytest.mark.parametrize("orders", SEVERAL)
def test_i8_a_changed_price_changes_the_worst_case(orders: int) -> None:
    desk = a_desk(orders)
    order = desk.open()
    come_to(desk, order, OrderState.ACCEPTED)
    before = worst(desk).bought

    desk.report(ReportKind.REPLACED, order, limit_price=Decimal(130))

    assert worst(desk).bought == before + 10 * 30


@pytest.mark.parametrize("orders", SEVERAL)
def test_a_held_exit_counts_from_its_release_on(orders: int) -> None:
    desk = a_desk(orders)
    entry = desk.open(an_approved_order(), an_exit())
    come_to(desk, entry, OrderState.ACCEPTED)
    assert worst(desk).sold == 0.0

    desk.fill(entry, "4")

    assert worst(desk).sold == 4.0


def test_orders_at_the_market_cost_the_mark() -> None:
    desk = a_desk(3, type=OrderType.MARKET, limit_price=None)

    assert worst(desk, 7.5).bought == 3 * 75


def test_nothing_open_costs_nothing_at_any_mark() -> None:
    desk = a_desk(1, side=Side.SELL)
    (order,) = desk.engine.index
    assert worst(desk).sold == 10.0

    come_to(desk, order, OrderState.CANCELED)

    assert worst(desk).sold == worst(desk, 120.0).bought == 0.0


def test_a_restore_tells_of_the_orders_restored() -> None:
    desk, other = a_desk(3), a_desk(5)
    assert worst(desk).bought == 3000

    desk.engine.restore(other.engine.state())

    assert worst(desk).bought == 5000
