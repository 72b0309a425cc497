"""Exits that hang on an order: held, only reducing, one cancels the other."""

from decimal import Decimal
from typing import Any

import pytest
from tests.support.builders import BTC, a_key, an_intent
from tests.support.fake_risk_view import FakeRiskView
from tests.support.order_desk import OrderDesk, seen
from tests.support.risk_desk import RiskDesk

from botcore.domain.decisions import Approved
from botcore.domain.orders import OrderType, Side


def test_a_bracket_is_an_entry_and_its_exits_stop_first() -> None:
    entry, stop, trailing, profit = RiskDesk().approved(
        quantity=2, stop_loss=95.0, trailing=3.0, take_profit=110.0
    )

    assert not entry.held
    assert [child.type for child in (stop, trailing, profit)] == [
        OrderType.STOP,
        OrderType.TRAILING_STOP,
        OrderType.LIMIT,
    ]
    assert seen(stop.trigger_price, trailing.trail, profit.limit_price) == (95, 3, 110)
    for child in (stop, trailing, profit):
        assert child.held
        assert child.reduce_only
        assert child.side is Side.SELL
        assert child.quantity == 2
        assert child.reserve == 0
        assert child.reserve_currency == BTC
        assert child.oco_group == "@parent"


@pytest.mark.parametrize(
    ("wish", "prices"),
    [
        ({"stop_loss": 95.001}, ["95.01"]),  # a stop that protects a long rounds up
        ({"take_profit": 110.001}, ["110.01"]),
        ({"stop_loss": 95.0, "take_profit": 110.0}, ["95", "110"]),
    ],
)
def test_e96_exits_stand_on_the_grid(wish: dict[str, Any], prices: list[str]) -> None:
    _, *children = RiskDesk().approved(**wish)

    assert [child.trigger_price or child.limit_price for child in children] == [
        Decimal(price) for price in prices
    ]


@pytest.mark.parametrize(
    "wish",
    [
        {"stop_loss": 100.0},
        {"stop_loss": 101.0},
        {"take_profit": 100.0},
        {"take_profit": 99.0},
        {"type": OrderType.LIMIT, "limit_price": 98.0, "stop_loss": 98.5},
        {"type": OrderType.STOP, "trigger_price": 104.0, "take_profit": 103.0},
    ],
    ids=str,
)
def test_an_exit_that_would_fill_at_once_makes_no_sense(wish: dict[str, Any]) -> None:
    assert RiskDesk().code(**wish) == "INTENT_MALFORMED"


@pytest.mark.parametrize(
    "wish",
    [
        {"type": OrderType.LIMIT, "limit_price": 98.0, "take_profit": 99.0, "stop_loss": 97.0},
        {"type": OrderType.STOP, "trigger_price": 104.0, "take_profit": 105.0, "stop_loss": 103.0},
    ],
    ids=str,
)
def test_exits_are_measured_from_where_the_entry_will_fill(wish: dict[str, Any]) -> None:
    assert len(RiskDesk().approved(**wish)) == 3


def test_an_order_that_only_reduces_takes_no_protection() -> None:
    desk = RiskDesk(FakeRiskView(held=Decimal(5)))

    code = desk.code(side=Side.SELL, reduce_only=True, stop_loss=105.0)

    assert code == "INTENT_MALFORMED"


def test_the_group_of_an_approved_bracket_is_the_entrys_id() -> None:
    decision = RiskDesk().gate.check_order_risk(
        an_intent(stop_loss=95.0, take_profit=110.0), at=a_key()
    )
    assert isinstance(decision, Approved)
    desk = OrderDesk()

    desk.take(desk.engine.execute_order(decision, at=a_key()))

    entry, stop, profit = desk.engine.index
    assert stop.spec.oco_group == profit.spec.oco_group == entry.id
    assert stop.spec.parent == profit.spec.parent == entry.id
    assert entry.spec.oco_group == ""
