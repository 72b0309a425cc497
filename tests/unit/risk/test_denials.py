"""Every reason for a no is provoked here, and reads as a sentence."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from tests.support.builders import BTCUSDT, EMA, MAIN, a_key, an_instrument
from tests.support.fake_risk_view import FakeRiskView
from tests.support.order_desk import OrderDesk
from tests.support.risk_desk import RiskDesk

from botcore.domain.decisions import Denied
from botcore.domain.events import ProtectionLocked
from botcore.domain.ids import ContractKind, Nanos
from botcore.domain.instruments import TradingStatus
from botcore.domain.intents import ReplaceOrder
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderState, OrderType, Side
from botcore.risk import DENIALS, CoolDown, sentence

ENGINE_LEVEL = {
    "STRATEGY_PAUSED",
    "STRATEGY_QUARANTINED",
    "TOO_MANY_INTENTS",
    "NOT_YOURS",
    "NOT_CONFIRMED",
    "NOT_READY",
    "INSTRUMENT_UNKNOWN",
    "STRATEGY_UNKNOWN",
    "ORDER_UNKNOWN",
    "REFERENCE_REUSED",
    "REFERENCE_SPENT",
    "LOCK_UNKNOWN",
}
"""Codes that only the engine gives: its tests provoke them."""


def by_mode() -> Denied:
    desk = RiskDesk()
    desk.account.mode = Mode.HALT
    return desk.denied()


def by_rate() -> Denied:
    desk = RiskDesk(orders_per_s=1)
    desk.place(0)
    return desk.denied(ts=1)


def by_lock() -> Denied:
    desk = RiskDesk(None, [CoolDown(name="rest")])
    fact = (MAIN, Nanos(0), "rest:ema", "rest", "cool-down", EMA, None, Nanos(1), "it closed")
    desk.gate.fold(ProtectionLocked(*fact))
    return desk.denied()


def a_perpetual() -> FakeRiskView:
    return FakeRiskView(
        rules=an_instrument(id="BTCUSDT-PERP.SIM", kind=ContractKind.LINEAR_PERPETUAL)
    )


def by_execution(state: OrderState, quantity: str, *, twice: bool = False) -> Denied:
    desk = OrderDesk()
    order = desk.opened_in(state)
    for _ in range(2 if twice else 1):
        outcome = desk.engine.replace(
            ReplaceOrder(MAIN, EMA, order.id),
            quantity=Decimal(quantity),
            limit_price=None,
            trigger_price=None,
            at=a_key(),
        )
    assert isinstance(outcome, Denied)
    return outcome


PROVOKED: dict[str, Callable[[], Denied]] = {
    "MODE_FORBIDS": by_mode,
    "INSTRUMENT_NOT_TRADING": lambda: RiskDesk(
        FakeRiskView(rules=an_instrument(status=TradingStatus.HALTED))
    ).denied(),
    "INSTRUMENT_NOT_TRADABLE": lambda: RiskDesk(a_perpetual()).denied(),
    "INTENT_MALFORMED": lambda: RiskDesk().denied(type=OrderType.LIMIT),
    "NO_PRICE": lambda: RiskDesk(FakeRiskView(price=None)).denied(),
    "BELOW_MINIMUM": lambda: RiskDesk().denied(quantity=0.0001),
    "PRICE_BAND": lambda: RiskDesk().denied(type=OrderType.LIMIT, limit_price=106.0),
    "ORDER_LIMIT": lambda: RiskDesk().denied(quantity=16),
    "INSTRUMENT_LIMIT": lambda: RiskDesk(FakeRiskView(on_instrument=3_950.0)).denied(),
    "STRATEGY_LIMIT": lambda: RiskDesk(FakeRiskView(of_strategy=9_950.0)).denied(),
    "ACCOUNT_LIMIT": lambda: RiskDesk(FakeRiskView(of_account=9_950.0)).denied(),
    "ORDER_RATE": by_rate,
    "INSUFFICIENT_CASH": lambda: RiskDesk(FakeRiskView(free=Decimal(100))).denied(),
    "INSUFFICIENT_POSITION": lambda: RiskDesk(FakeRiskView(held=Decimal(1))).denied(
        side=Side.SELL, quantity=2
    ),
    "SHORT_NOT_ALLOWED": lambda: RiskDesk().denied(side=Side.SELL),
    "NOTHING_TO_REDUCE": lambda: RiskDesk().denied(side=Side.SELL, reduce_only=True),
    "IN_DOUBT": lambda: RiskDesk(FakeRiskView(doubtful=True)).denied(),
    "ORDER_NOT_WORKING": lambda: by_execution(OrderState.SENDING, "5"),
    "ORDER_CHANGE_PENDING": lambda: by_execution(OrderState.ACCEPTED, "5", twice=True),
    "PROTECTION_LOCKED": by_lock,
    "QUANTITY_BELOW_FILLED": lambda: by_execution(OrderState.PARTIAL, "4"),
}


@pytest.mark.parametrize("code", sorted(set(DENIALS) - ENGINE_LEVEL))
def test_every_reason_for_a_no_is_provoked(code: str) -> None:
    assert code in PROVOKED, f"no test provokes {code}"

    denied = PROVOKED[code]()

    assert denied.code == code
    assert (denied.account, denied.strategy) == (MAIN, EMA)


def test_no_provoked_reason_is_missing_from_the_table() -> None:
    assert set(PROVOKED) | ENGINE_LEVEL == set(DENIALS)
    assert not set(PROVOKED) & ENGINE_LEVEL


@pytest.mark.parametrize("code", sorted(DENIALS))
def test_every_reason_reads_as_a_sentence_with_its_numbers(code: str) -> None:
    denied = Denied(MAIN, EMA, BTCUSDT, code, 1234.5, 67.25, Nanos(0))

    text = sentence(denied)

    assert text
    assert "{" not in text
    if "{value" in DENIALS[code]:
        assert text != sentence(Denied(MAIN, EMA, BTCUSDT, code, 99.0, 67.25, Nanos(0)))


def test_a_denial_carries_what_was_asked_what_is_allowed_why_and_when() -> None:
    denied = RiskDesk().denied(quantity=16, ts=42)

    assert (denied.value, denied.limit, denied.ts) == (1600.0, 1500.0, 42)
    assert sentence(denied) == "notional 1600.00 exceeds 1500.00 for one order"
