"""What passes the gate, as what, and what every order must be to pass."""

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from tests.support.builders import SEAL, an_instrument, an_intent
from tests.support.fake_risk_view import FakeRiskView
from tests.support.order_desk import OrderDesk, seen
from tests.support.risk_desk import RiskDesk

from botcore.domain.decisions import Approved
from botcore.domain.ids import ContractKind, InstrumentId, Nanos
from botcore.domain.instruments import TradingStatus
from botcore.domain.intents import Reason
from botcore.domain.orders import OrderType, Side, TimeInForce

LIMIT, STOP, TRAIL = OrderType.LIMIT, OrderType.STOP, OrderType.TRAILING_STOP


def test_an_approval_is_sealed_and_carries_arrival_price_reason_and_configuration() -> None:
    decision = RiskDesk().check(reason=Reason(3, (1.5,)))

    assert isinstance(decision, Approved)
    assert decision.seal is SEAL
    assert decision.decision_price == 100.0
    assert decision.reason == Reason(3, (1.5,))
    assert decision.config == "digest"


def test_what_risk_approves_execution_opens() -> None:
    decision = RiskDesk().check()
    assert isinstance(decision, Approved)

    report = OrderDesk().engine.execute_order(decision, at=RiskDesk().at)

    assert len(report.effects) == 1


def test_decide_is_the_same_entrance() -> None:
    desk = RiskDesk()

    assert desk.gate.decide(an_intent(), at=desk.at) == desk.check()


@pytest.mark.parametrize(
    ("wish", "on_grid"),
    [
        ({"type": LIMIT, "limit_price": 99.999}, {"limit_price": "99.99"}),
        ({"type": STOP, "trigger_price": 103.008}, {"trigger_price": "103.00"}),
        (
            {"type": OrderType.STOP_LIMIT, "trigger_price": 103.0, "limit_price": 104.001},
            {"trigger_price": "103.00", "limit_price": "104.00"},
        ),
        ({"type": TRAIL, "trail": 1.001}, {"trail": "1.01"}),
        ({"quantity": 1.23456}, {"quantity": "1.234"}),
        ({"quantity": np.float64(1.23456)}, {"quantity": "1.234"}),
        ({"quantity": 2}, {"quantity": "2"}),
    ],
)
def test_e96_i19_an_order_passes_on_the_grid(wish: dict[str, Any], on_grid: dict[str, str]) -> None:
    (order,) = RiskDesk().approved(**wish)

    for name, text in on_grid.items():
        assert getattr(order, name) == Decimal(text)


def test_e96_a_sale_is_rounded_the_other_way() -> None:
    desk = RiskDesk(FakeRiskView(held=Decimal(5)))

    (limit,) = desk.approved(side=Side.SELL, type=LIMIT, limit_price=100.001)
    (stop,) = desk.approved(side=Side.SELL, type=STOP, trigger_price=95.001)

    assert limit.limit_price == Decimal("100.01")
    assert stop.trigger_price == Decimal("95.01")


NOT_NUMBERS: list[Any] = [math.nan, math.inf, -math.inf, Decimal("NaN"), Decimal("-Infinity")]


@pytest.mark.parametrize("x", [*NOT_NUMBERS, -1.0, Decimal(-1), 1e308, "many", None, [1]])
def test_e97_d17_a_quantity_that_is_none_is_a_no_and_no_exception(x: Any) -> None:
    assert RiskDesk().code(quantity=x) == "INTENT_MALFORMED"


@pytest.mark.parametrize("x", [*NOT_NUMBERS, -1.0, 0.0, Decimal(0), 1e308, "many", [1]])
@pytest.mark.parametrize(
    "shape",
    [
        {"type": LIMIT, "limit_price": ...},
        {"type": STOP, "trigger_price": ...},
        {"type": TRAIL, "trail": ...},
        {"take_profit": ...},
        {"stop_loss": ...},
        {"trailing": ...},
    ],
    ids=str,
)
def test_e97_d17_a_price_that_is_none_is_a_no_and_no_exception(
    shape: dict[str, Any], x: Any
) -> None:
    wish = {name: x if value is ... else value for name, value in shape.items()}

    assert RiskDesk().code(**wish) == "INTENT_MALFORMED"


@pytest.mark.parametrize(
    "wish",
    [
        {"type": LIMIT},
        {"type": STOP},
        {"type": TRAIL},
        {"type": OrderType.STOP_LIMIT, "limit_price": 100.0},
        {"type": OrderType.STOP_LIMIT, "trigger_price": 100.0},
        {"limit_price": 100.0},
        {"trigger_price": 100.0},
        {"trail": 1.0},
        {"time_in_force": TimeInForce.GTD},
        {"expires_at": Nanos(100)},
        {"time_in_force": TimeInForce.GTD, "expires_at": Nanos(50)},
    ],
    ids=str,
)
def test_an_order_that_lacks_something_or_has_it_too_much_makes_no_sense(
    wish: dict[str, Any],
) -> None:
    assert RiskDesk().code(ts=50, **wish) == "INTENT_MALFORMED"


def test_e53_an_order_good_until_later_passes() -> None:
    (order,) = RiskDesk().approved(ts=50, time_in_force=TimeInForce.GTD, expires_at=Nanos(51))

    assert (order.time_in_force, order.expires_at) == (TimeInForce.GTD, 51)


def test_a_linear_perpetual_is_refused_as_not_yet_tradable() -> None:
    perpetual = an_instrument(
        id=InstrumentId("BTCUSDT-PERP.SIM"), kind=ContractKind.LINEAR_PERPETUAL
    )

    assert RiskDesk(FakeRiskView(rules=perpetual)).code() == "INSTRUMENT_NOT_TRADABLE"


@pytest.mark.parametrize("status", sorted(set(TradingStatus) - {TradingStatus.TRADING}))
@pytest.mark.parametrize("side", list(Side))
def test_an_instrument_that_does_not_trade_takes_no_order(
    status: TradingStatus, side: Side
) -> None:
    view = FakeRiskView(rules=an_instrument(status=status), held=Decimal(5))

    assert RiskDesk(view).code(side=side) == "INSTRUMENT_NOT_TRADING"


@pytest.mark.parametrize("price", [None, math.nan, math.inf, 0.0, -1.0])
def test_without_a_price_nothing_passes(price: float | None) -> None:
    assert RiskDesk(FakeRiskView(price=price)).code() == "NO_PRICE"


@pytest.mark.parametrize(
    ("quantity", "price", "is_passed"),
    [("0.1", 100.0, True), ("0.1", 99.99, False), ("0.099", 100.0, False)],
)
def test_e79_the_notional_is_checked_at_the_mark(
    quantity: str, price: float, is_passed: bool
) -> None:
    desk = RiskDesk(FakeRiskView(price=price))

    assert desk.code(quantity=Decimal(quantity)) == ("" if is_passed else "BELOW_MINIMUM")


def test_e96_the_minimum_is_checked_after_the_rounding() -> None:
    rules = an_instrument(min_quantity=Decimal("0.2"), min_notional=Decimal(0))

    denied = RiskDesk(FakeRiskView(rules=rules)).denied(quantity=0.1999)

    assert denied.code == "BELOW_MINIMUM"
    assert seen(denied.value, denied.limit) == (0.199, 0.2)


@pytest.mark.parametrize(
    ("wish", "is_passed"),
    [
        ({"limit_price": 105.0}, True),
        ({"limit_price": 105.01}, False),
        ({"limit_price": 1.0, "quantity": 15}, True),
        ({"limit_price": 95.0, "side": Side.SELL}, True),
        ({"limit_price": 94.99, "side": Side.SELL}, False),
        ({"limit_price": 500.0, "side": Side.SELL}, True),
        # A stop-limit is anchored at its own trigger.
        ({"limit_price": 115.5, "trigger_price": 110.0, "type": OrderType.STOP_LIMIT}, True),
        ({"limit_price": 115.51, "trigger_price": 110.0, "type": OrderType.STOP_LIMIT}, False),
    ],
    ids=str,
)
def test_the_price_band_is_on_the_aggressive_side_only(
    wish: dict[str, Any], is_passed: bool
) -> None:
    desk = RiskDesk(FakeRiskView(held=Decimal(5)))

    assert desk.code(**({"type": LIMIT} | wish)) == ("" if is_passed else "PRICE_BAND")


def test_a_limit_price_exactly_on_the_band_passes_although_floats_say_beyond() -> None:
    rules = an_instrument(tick=Decimal("0.0001"))
    mark, band = 1.1, 0.1
    assert mark * (1.0 + band) != 1.21
    for price, is_passed in ((Decimal("1.21"), True), (Decimal("1.2101"), False)):
        desk = RiskDesk(FakeRiskView(rules=rules, price=mark), price_band_frac=band)
        code = desk.code(type=LIMIT, limit_price=price, quantity=100)
        assert code == ("" if is_passed else "PRICE_BAND")


def test_the_order_rate_counts_orders_in_any_second_of_event_time() -> None:
    desk = RiskDesk(orders_per_s=3)
    second = 1_000_000_000
    for ts in (0, 400_000_000, 900_000_000):
        assert desk.code(ts=ts) == ""
        desk.place(ts)

    assert desk.code(ts=900_000_001) == "ORDER_RATE"
    assert desk.code(ts=second - 1) == "ORDER_RATE"
    assert desk.code(ts=second) == ""
    desk.place(second)
    assert desk.code(ts=second + 1) == "ORDER_RATE"
    assert desk.code(ts=second + 400_000_000) == ""


def test_held_exits_do_not_count_as_orders_sent() -> None:
    from botcore.domain.orders import OrderState

    desk = RiskDesk(orders_per_s=1)

    desk.place(0, OrderState.HELD)

    assert desk.code(ts=1) == ""


def test_other_limits_keep_the_orders_already_counted() -> None:
    desk = RiskDesk(orders_per_s=3)
    for ts in (1, 2):
        desk.place(ts)

    known = desk.gate.add_account(desk.account.account, RiskDesk(orders_per_s=2).account.limits)

    assert known is desk.account
    assert desk.code(ts=3) == "ORDER_RATE"


def test_a_rate_that_is_lowered_and_raised_again_forgets_no_order() -> None:
    desk = RiskDesk(orders_per_s=3)
    for ts in (1, 2, 3):
        desk.place(ts)

    for orders_per_s in (1, 3):
        desk.gate.add_account(
            desk.account.account, RiskDesk(orders_per_s=orders_per_s).account.limits
        )

    assert desk.code(ts=4) == "ORDER_RATE"
