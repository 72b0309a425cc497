"""E50, E56, E79: exits fit the strategy's own position, and a way out is never closed."""

from decimal import Decimal
from typing import Any

import pytest
from tests.support.builders import an_instrument
from tests.support.fake_risk_view import FakeRiskView
from tests.support.order_desk import seen
from tests.support.risk_desk import RiskDesk

from botcore.domain.modes import Mode
from botcore.domain.orders import OrderType, Side

SELL: dict[str, Any] = {"side": Side.SELL}
EXIT: dict[str, Any] = {"side": Side.SELL, "reduce_only": True}


def holding(held: str, *, selling: str = "0", **view: Any) -> RiskDesk:
    return RiskDesk(FakeRiskView(held=Decimal(held), selling=Decimal(selling), **view))


@pytest.mark.parametrize(
    ("held", "wanted", "passed"),
    [("5", "3", "3"), ("5", "5", "5"), ("5", "8", "5"), ("0.9995", "1", "0.999")],
)
def test_e50_a_reduce_only_order_is_cut_to_the_strategys_position(
    held: str, wanted: str, passed: str
) -> None:
    (order,) = holding(held).approved(**EXIT, quantity=Decimal(wanted))

    assert order.quantity == Decimal(passed)
    assert order.reserve == Decimal(passed)
    assert order.reduce_only


def test_e50_two_exits_together_sell_no_more_than_the_position() -> None:
    (second,) = holding("5", selling="3").approved(**EXIT, quantity=5)

    assert second.quantity == 2


def test_e50_an_exit_of_what_is_all_being_sold_already_is_denied() -> None:
    denied = holding("5", selling="5").denied(**EXIT, quantity=1)

    assert denied.code == "INSUFFICIENT_POSITION"
    assert seen(denied.value, denied.limit) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("held", "side"), [("0", Side.SELL), ("0", Side.BUY), ("5", Side.BUY), ("-5", Side.SELL)]
)
def test_e50_a_reduce_only_order_never_opens_the_other_side(held: str, side: Side) -> None:
    assert holding(held).code(side=side, reduce_only=True) == "NOTHING_TO_REDUCE"


def test_e50_an_oversold_position_can_be_bought_back_and_no_further() -> None:
    (order,) = holding("-0.5").approved(side=Side.BUY, reduce_only=True, quantity=2)

    assert order.quantity == Decimal("0.5")


def test_a_plain_buy_beyond_an_oversold_position_is_new_risk_like_any_other() -> None:
    desk = holding("-0.5", of_account=9_950.0)

    assert desk.code(quantity=2) == "ACCOUNT_LIMIT"
    assert holding("-0.5").approved(quantity=2)[0].quantity == 2


def test_e50_a_position_too_small_to_sell_is_below_the_minimum() -> None:
    assert holding("0.0005").code(**EXIT, quantity=1) == "BELOW_MINIMUM"


@pytest.mark.parametrize(
    ("wanted", "passed"),
    [
        ("4.9", "4.9"),  # 0.1 is left, worth exactly 10
        ("4.901", "5"),  # 0.099 would be left, worth 9.90
        ("4.999", "5"),
        ("5", "5"),
        ("1", "1"),
    ],
)
@pytest.mark.parametrize("wish", [SELL, EXIT], ids=["sale", "exit"])
def test_e79_a_partial_exit_that_would_leave_less_than_the_minimum_closes_all(
    wish: dict[str, Any], wanted: str, passed: str
) -> None:
    (order,) = holding("5").approved(**wish, quantity=Decimal(wanted))

    assert order.quantity == Decimal(passed)


def test_e79_what_other_orders_will_sell_is_no_remainder() -> None:
    (rest,) = holding("5", selling="3").approved(**SELL, quantity=Decimal("1.95"))
    (part,) = holding("5", selling="3").approved(**SELL, quantity=Decimal("1.5"))

    assert (rest.quantity, part.quantity) == (Decimal(2), Decimal("1.5"))


def test_e79_a_remainder_below_the_smallest_quantity_closes_all() -> None:
    rules = an_instrument(min_quantity=Decimal("0.5"), min_notional=Decimal(0))

    (order,) = holding("5", rules=rules).approved(**EXIT, quantity=Decimal("4.6"))

    assert order.quantity == 5


def test_e79_a_widened_exit_is_still_on_the_lot() -> None:
    (order,) = holding("4.9995").approved(**EXIT, quantity=Decimal("4.95"))

    assert order.quantity == Decimal("4.999")


def test_e79_a_small_sale_that_alone_is_worth_too_little_passes_as_the_close_of_all() -> None:
    (order,) = holding("0.15").approved(**SELL, quantity=Decimal("0.08"))

    assert order.quantity == Decimal("0.15")


def test_e79_a_buy_is_never_widened() -> None:
    (order,) = holding("0.05").approved(quantity=1)

    assert order.quantity == 1


@pytest.mark.parametrize("mode", [Mode.REDUCE_ONLY, Mode.FLATTEN])
def test_e56_i20_where_only_reducing_is_allowed_exposure_never_rises(mode: Mode) -> None:
    desk = holding("5")
    desk.account.mode = mode

    assert desk.code() == "MODE_FORBIDS"
    assert desk.code(type=OrderType.LIMIT, limit_price=50.0) == "MODE_FORBIDS"
    assert desk.code(**SELL, quantity=6) == "INSUFFICIENT_POSITION"
    assert desk.code(side=Side.BUY, reduce_only=True) == "NOTHING_TO_REDUCE"
    assert desk.approved(**EXIT, quantity=5)[0].quantity == 5
    assert desk.approved(**SELL, quantity=5)[0].quantity == 5


@pytest.mark.parametrize("mode", [Mode.CANCEL_ONLY, Mode.HALT])
@pytest.mark.parametrize("wish", [{}, SELL, EXIT], ids=["buy", "sale", "exit"])
def test_e56_i20_where_only_cancels_are_allowed_nothing_is_placed(
    mode: Mode, wish: dict[str, Any]
) -> None:
    desk = holding("5")
    desk.account.mode = mode

    assert desk.code(**wish) == "MODE_FORBIDS"


def test_r5_an_order_in_doubt_blocks_new_risk_and_no_way_out() -> None:
    desk = holding("5", doubtful=True)

    assert desk.code() == "IN_DOUBT"
    assert desk.code(**SELL) == ""
    assert desk.code(**EXIT) == ""
