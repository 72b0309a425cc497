"""A change of a working order passes the same limits as the order did."""

from decimal import Decimal
from typing import Any

import pytest
from tests.support.builders import an_instrument, an_order
from tests.support.fake_risk_view import FakeRiskView
from tests.support.risk_desk import RiskDesk

from botcore.domain.decisions import Denied
from botcore.domain.instruments import TradingStatus
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderSpec, OrderType, Side
from botcore.risk.grid import GridValues

SALE = an_order("2", side=Side.SELL)


def code(desk: RiskDesk, order: OrderSpec | None = None, **change: Any) -> str:
    outcome = desk.replace(order, **change)
    return outcome.code if isinstance(outcome, Denied) else ""


def test_a_change_comes_back_on_the_grid_and_none_stays_none() -> None:
    assert RiskDesk().replace(quantity=9.9999, limit_price=99.999) == GridValues(
        Decimal("9.999"), Decimal("99.99"), None
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"quantity": float("nan")}, "INTENT_MALFORMED"),
        ({"quantity": "many"}, "INTENT_MALFORMED"),
        ({"limit_price": -1.0}, "INTENT_MALFORMED"),
        ({"trigger_price": 90.0}, "INTENT_MALFORMED"),  # a limit order has none
        ({"quantity": 0.0001}, "BELOW_MINIMUM"),
        ({"quantity": 0.09}, "BELOW_MINIMUM"),  # worth 9
        ({"limit_price": 106.0}, "PRICE_BAND"),
        ({"quantity": 15}, ""),
        ({"quantity": Decimal("15.001")}, "ORDER_LIMIT"),
    ],
    ids=str,
)
def test_i8_a_change_is_measured_as_the_order_would_be(
    change: dict[str, Any], expected: str
) -> None:
    assert code(RiskDesk(), **change) == expected


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ({"on_instrument": 3_900.0}, ""),
        ({"on_instrument": 3_900.01}, "INSTRUMENT_LIMIT"),
        ({"of_strategy": 9_900.01}, "STRATEGY_LIMIT"),
        ({"of_account": 9_900.01}, "ACCOUNT_LIMIT"),
        ({"free": Decimal("100.1")}, ""),
        ({"free": Decimal("100.09")}, "INSUFFICIENT_CASH"),
        ({"doubtful": True}, "IN_DOUBT"),
        ({"price": None}, "NO_PRICE"),
        ({"rules": an_instrument(status=TradingStatus.HALTED)}, "INSTRUMENT_NOT_TRADING"),
    ],
    ids=str,
)
def test_i8_what_a_change_adds_is_new_risk(view: dict[str, Any], expected: str) -> None:
    assert code(RiskDesk(FakeRiskView(**view)), quantity=11) == expected


def test_i8_what_has_filled_is_no_part_of_the_order_any_more() -> None:
    assert code(RiskDesk(), quantity=19, filled="4") == ""
    assert code(RiskDesk(), quantity=20, filled="4") == "ORDER_LIMIT"


@pytest.mark.parametrize("change", [{"quantity": 5}, {"limit_price": 90.0}])
def test_a_change_that_lowers_risk_passes_every_limit_on_exposure(change: dict[str, Any]) -> None:
    view = FakeRiskView(free=Decimal(0), of_account=1e9, on_instrument=1e9, doubtful=True)

    assert code(RiskDesk(view), **change) == ""


@pytest.mark.parametrize(
    ("mode", "lower", "raise_"),
    [
        (Mode.REDUCE_ONLY, "", "MODE_FORBIDS"),
        (Mode.FLATTEN, "", "MODE_FORBIDS"),
        (Mode.CANCEL_ONLY, "MODE_FORBIDS", "MODE_FORBIDS"),
        (Mode.HALT, "MODE_FORBIDS", "MODE_FORBIDS"),
    ],
)
def test_i20_a_change_obeys_the_mode(mode: Mode, lower: str, raise_: str) -> None:
    desk = RiskDesk()
    desk.account.mode = mode

    assert code(desk, quantity=9) == lower
    assert code(desk, quantity=11) == raise_


@pytest.mark.parametrize(("quantity", "expected"), [(3, ""), (4, "INSUFFICIENT_POSITION")])
def test_e92_a_larger_sale_sells_no_more_than_the_strategy_has(
    quantity: int, expected: str
) -> None:
    view = FakeRiskView(held=Decimal(5), selling=Decimal(4))

    assert code(RiskDesk(view), SALE, quantity=quantity) == expected


def test_a_smaller_or_dearer_sale_passes() -> None:
    view = FakeRiskView(held=Decimal(2), selling=Decimal(2))

    assert code(RiskDesk(view), SALE, quantity=1) == ""
    assert code(RiskDesk(view), SALE, limit_price=150.0) == ""


def test_a_moved_stop_is_measured_at_its_trigger() -> None:
    stop = an_order(type=OrderType.STOP, limit_price=None, trigger_price=Decimal(110))

    assert code(RiskDesk(), stop, trigger_price=140.0) == ""
    assert code(RiskDesk(), stop, trigger_price=151.0) == "ORDER_LIMIT"


def test_i8_a_buy_stop_moved_to_where_the_price_has_passed_it_is_measured_at_the_mark() -> None:
    stop = an_order("1", type=OrderType.STOP, limit_price=None, trigger_price=Decimal(110))

    assert code(RiskDesk(), stop, trigger_price=1.0, quantity=15) == ""
    assert code(RiskDesk(), stop, trigger_price=1.0, quantity=80) == "ORDER_LIMIT"
