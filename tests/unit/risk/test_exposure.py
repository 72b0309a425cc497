"""Limits on exposure, cash and reservations, to the cent."""

import math
from decimal import Decimal
from typing import Any

import pytest
from tests.support.builders import a_key, an_instrument
from tests.support.fake_risk_view import FakeRiskView
from tests.support.order_desk import seen
from tests.support.risk_desk import RiskDesk

from botcore.domain.errors import ConfigError
from botcore.domain.orders import OrderType, Side
from botcore.risk import RiskLimits

LIMIT = OrderType.LIMIT
LIMITS = [
    ("ORDER_LIMIT", None, 0.15),
    ("INSTRUMENT_LIMIT", "on_instrument", 0.40),
    ("STRATEGY_LIMIT", "of_strategy", 1.0),
    ("ACCOUNT_LIMIT", "of_account", 1.0),
]
ROOM = {"order_frac": 10.0, "instrument_frac": 10.0, "strategy_frac": 10.0, "account_frac": 10.0}
NAMES = {
    "ORDER_LIMIT": "order_frac",
    "INSTRUMENT_LIMIT": "instrument_frac",
    "STRATEGY_LIMIT": "strategy_frac",
    "ACCOUNT_LIMIT": "account_frac",
}


def desk_with(code: str, used: str | None, share: float, exposure: float, **view: Any) -> RiskDesk:
    limits = ROOM | {NAMES[code]: share}
    fields = view | ({used: exposure} if used else {})
    return RiskDesk(FakeRiskView(free=Decimal(10**9), **fields), **limits)


@pytest.mark.parametrize(("code", "used", "share"), LIMITS)
def test_i8_a_limit_lets_pass_what_reaches_it_and_nothing_beyond(
    code: str, used: str | None, share: float
) -> None:
    at_most = Decimal(repr(share)) * 10_000 / 100  # of 10,000, at a price of 100
    exposure = 0.0 if used is None else float(at_most * 100 - 500)
    quantity = at_most if used is None else Decimal(5)
    desk = desk_with(code, used, share, exposure)

    assert desk.code(quantity=quantity) == ""
    assert desk.code(quantity=quantity + Decimal("0.001")) == code


@pytest.mark.parametrize(("code", "used", "share"), LIMITS)
def test_i8_near_a_limit_the_exact_equity_decides(
    code: str, used: str | None, share: float
) -> None:
    at_most = Decimal(repr(share)) * 10_000 / 100
    exposure = 0.0 if used is None else float(at_most * 100 - 500)
    quantity = at_most if used is None else Decimal(5)
    # The float mirror is off by less than the band: it says too little, then too much.
    for mirror, exact, expected in (
        (10_000.0 * (1 - 5e-7), Decimal(10_000), ""),
        (10_000.0 * (1 + 5e-7), Decimal("9999.9999"), code),
    ):
        desk = desk_with(code, used, share, exposure, equity_float=mirror, equity_is=exact)
        assert desk.code(quantity=quantity) == expected


def test_i8_float_noise_in_the_notional_does_not_deny_what_is_exactly_allowed() -> None:
    assert 0.07 * 100 > 7.0
    view = FakeRiskView(
        rules=an_instrument(min_notional=Decimal(0)), equity_is=Decimal(7), free=Decimal(100)
    )

    assert RiskDesk(view, **(ROOM | {"order_frac": 1.0})).code(quantity=0.07) == ""


def test_i8_float_noise_in_the_exposure_does_not_deny_what_is_exactly_allowed() -> None:
    a_hair_above = math.nextafter(900.0, math.inf)
    desk = desk_with("INSTRUMENT_LIMIT", "on_instrument", 0.1, a_hair_above)

    assert a_hair_above + 100.0 > 10_000 * 0.1
    assert desk.code(quantity=1) == ""
    assert desk.code(quantity=Decimal("1.001")) == "INSTRUMENT_LIMIT"


@pytest.mark.parametrize("equity", [math.nan, 0.0, -1.0])
def test_i8_an_equity_that_is_no_sum_to_trade_with_lets_nothing_be_bought(equity: float) -> None:
    view = FakeRiskView(equity_float=equity, equity_is=Decimal(0))

    assert RiskDesk(view).code() == "ORDER_LIMIT"


def test_i8_an_exposure_that_is_not_a_number_lets_nothing_be_bought() -> None:
    assert RiskDesk(FakeRiskView(of_account=math.nan)).code() == "ACCOUNT_LIMIT"


def test_an_order_that_reduces_is_asked_for_no_exposure() -> None:
    view = FakeRiskView(
        held=Decimal(500), on_instrument=1e9, of_strategy=1e9, of_account=1e9, doubtful=True
    )

    (order,) = RiskDesk(view).approved(side=Side.SELL, quantity=500, reduce_only=True)

    assert order.quantity == 500


@pytest.mark.parametrize(
    ("wish", "reserve"),
    [
        # P13: notional × (1 + band) × (1 + fee) without a limit, notional × (1 + fee) with one
        ({}, "105.105"),
        ({"type": LIMIT, "limit_price": 100.0}, "100.1"),
        ({"type": LIMIT, "limit_price": 99.0, "quantity": 2}, "198.198"),
        ({"type": OrderType.STOP, "trigger_price": 110.0}, "115.6155"),
        (
            {"type": OrderType.STOP_LIMIT, "trigger_price": 110.0, "limit_price": 111.0},
            "111.111",
        ),
        ({"quantity": Decimal("0.333")}, "34.999965"),
    ],
    ids=str,
)
def test_p13_e93_what_a_buy_reserves(wish: dict[str, Any], reserve: str) -> None:
    (order,) = RiskDesk().approved(**wish)

    assert order.reserve == Decimal(reserve)
    assert order.reserve_currency == "USDT"


def test_i8_a_buy_stop_that_the_price_has_passed_counts_and_reserves_at_the_mark() -> None:
    desk = RiskDesk()
    passed: dict[str, Any] = {"type": OrderType.STOP, "trigger_price": 1.0}

    (order,) = desk.approved(**passed, quantity=15)

    assert order.reserve == Decimal("1576.575")
    assert desk.denied(**passed, quantity=80).value == 8_000.0
    assert desk.code(**passed, quantity=Decimal("15.001")) == "ORDER_LIMIT"
    assert desk.code(type=OrderType.STOP, trigger_price=110.0, quantity=14) == "ORDER_LIMIT"


def test_a_buy_stop_with_a_limit_counts_at_its_limit_since_it_pays_no_more() -> None:
    stop: dict[str, Any] = {"type": OrderType.STOP_LIMIT, "trigger_price": 50.0}

    (order,) = RiskDesk().approved(**stop, limit_price=52.0, quantity=28)

    assert order.reserve == Decimal("1457.456")


def test_p13_a_reservation_is_rounded_up_to_the_quantum() -> None:
    rules = an_instrument(lot=Decimal("1E-8"), min_quantity=Decimal(0), min_notional=Decimal(0))

    (order,) = RiskDesk(FakeRiskView(rules=rules, price=0.37)).approved(quantity=Decimal("1E-8"))

    assert order.reserve == Decimal("1E-8")


def test_e93_what_a_sale_reserves_is_what_it_sells() -> None:
    (order,) = RiskDesk(FakeRiskView(held=Decimal(5))).approved(side=Side.SELL, quantity=3)

    assert order.reserve == 3
    assert order.reserve_currency == "BTC"


@pytest.mark.parametrize(("free", "code"), [("105.105", ""), ("105.10499999", "INSUFFICIENT_CASH")])
def test_e92_a_buy_beyond_free_cash_is_denied_fee_and_band_included(free: str, code: str) -> None:
    assert RiskDesk(FakeRiskView(free=Decimal(free))).code() == code


def test_e92_what_open_orders_reserve_is_not_free() -> None:
    denied = RiskDesk(FakeRiskView(free=Decimal(10_000) - Decimal(9_950))).denied()

    assert denied.code == "INSUFFICIENT_CASH"
    assert seen(denied.value, denied.limit) == (105.105, 50.0)


@pytest.mark.parametrize("may_short", [False, True])
@pytest.mark.parametrize("held", ["0", "-1"])
def test_e92_a_cash_account_goes_never_short(held: str, may_short: bool) -> None:
    desk = RiskDesk(FakeRiskView(held=Decimal(held)), may_short=may_short)

    assert desk.code(side=Side.SELL) == "SHORT_NOT_ALLOWED"


def test_e92_a_sale_beyond_the_strategys_own_position_is_denied() -> None:
    denied = RiskDesk(FakeRiskView(held=Decimal(2))).denied(side=Side.SELL, quantity=3)

    assert denied.code == "INSUFFICIENT_POSITION"
    assert seen(denied.value, denied.limit) == (3.0, 2.0)


def test_e92_what_working_orders_sell_already_is_not_sold_again() -> None:
    desk = RiskDesk(FakeRiskView(held=Decimal(2), selling=Decimal("1.5")))

    assert desk.code(side=Side.SELL, quantity=Decimal("0.5")) == ""
    assert desk.code(side=Side.SELL, quantity=Decimal("0.6")) == "INSUFFICIENT_POSITION"


@pytest.mark.parametrize(
    "limits",
    [
        {"order_frac": 0.0},
        {"order_frac": -0.1},
        {"account_frac": math.nan},
        {"daily_loss_frac": math.inf},
        {"orders_per_s": 0},
        {"orders_per_s": 0.5},
        {"orders_per_s": 2.5},
        {"fee_frac": -0.001},
    ],
    ids=str,
)
def test_a_limit_that_limits_nothing_or_everything_is_refused_by_name(
    limits: dict[str, Any],
) -> None:
    (name,) = limits

    with pytest.raises(ConfigError, match=name) as caught:
        RiskLimits(**limits)

    assert caught.value.code == "LIMIT_REFUSED"


def test_the_default_limits_are_the_published_ones_and_are_printed() -> None:
    printed = dict(RiskLimits().describe())

    assert printed == {
        "order": "0.15 of equity",
        "instrument": "0.4 of equity",
        "strategy": "1 of equity",
        "account": "1 of equity",
        "price band": "5.00% from the mark",
        "daily loss": "5.00% since UTC midnight: reduce only",
        "drawdown": "20.00% from the peak: reduce only",
        "order rate": "10 orders/s",
        "fee reserved": "0.100% of each buy",
        "short selling": "never",
    }


def test_portfolio_risk_says_what_is_used_of_each_limit() -> None:
    desk = RiskDesk(FakeRiskView(equity_is=Decimal(9_800)))
    desk.gate.mark_equity(desk.account, 10_000.0, a_key(1))
    desk.gate.mark_equity(desk.account, 9_800.0, a_key(2))

    used = desk.gate.update_portfolio_risk(
        {"BTCUSDT.SIM": 1_960.0, "ETHUSDT.SIM": -490.0}, account=desk.account.account
    )

    assert seen(used.gross, used.net, used.largest) == (2_450.0, 1_470.0, "BTCUSDT.SIM")
    assert used.account_used == pytest.approx(0.25)
    assert used.instrument_used == pytest.approx(0.5)
    assert used.daily_loss_used == pytest.approx(0.4)
    assert used.drawdown_used == pytest.approx(0.1)


def test_portfolio_risk_of_a_flat_account_is_nothing() -> None:
    desk = RiskDesk()

    used = desk.gate.update_portfolio_risk({"BTCUSDT.SIM": 0.0}, account=desk.account.account)

    assert seen(used.gross, used.largest, used.account_used) == (0.0, None, 0.0)
    assert seen(used.daily_loss_used, used.drawdown_used) == (0.0, 0.0)
