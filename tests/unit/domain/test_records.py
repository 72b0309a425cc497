"""Records: facts, inputs and effects come back from their bytes as they were."""

from decimal import Decimal
from typing import get_args

import pytest
from tests.support.builders import (
    BTCUSDT,
    EMA,
    MAIN,
    USDT,
    a_bar,
    a_fill,
    a_report,
    an_instrument,
    an_order,
)

from botcore.domain import commands as c
from botcore.domain import events as e
from botcore.domain.decisions import Denied
from botcore.domain.effects import Cancel, Effect, Query, Replace, SetTimer, Submit
from botcore.domain.ids import Nanos, VenueOrderId
from botcore.domain.intents import Reason
from botcore.domain.market import BarOpened, BarsClosed, Quote, Trade
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderRef, OrderState, OrderType, Side
from botcore.domain.records import decode_effect, decode_fact, decode_input, encode
from botcore.domain.reports import ReportKind

NOW = Nanos(1_700_000_000_000_000_000)
ORDER = an_order(expires_at=NOW, oco_group="g")
REF = OrderRef(ORDER.client_order_id, BTCUSDT, MAIN)
DENIED = Denied(MAIN, EMA, BTCUSDT, "NO_PRICE", 1.5, 0.0, NOW, Reason(2, (0.1,)))

FACTS: tuple[e.Fact, ...] = (
    e.MarketDataUpdate(BTCUSDT, NOW, 0.1 + 0.2, 1e-9),
    e.DecisionMade(MAIN, EMA, BTCUSDT, NOW, -0.5, Reason(1, (1.0, 2.0))),
    e.SignalGenerated(MAIN, EMA, BTCUSDT, NOW, 1.0, 0.7, Reason()),
    e.OrderDenied(MAIN, DENIED),
    e.OrderPlaced(
        MAIN, ORDER, OrderState.INTENT, Decimal("1000.10"), USDT, 100.0, NOW, Reason(), "d"
    ),
    e.OrderUpdated(
        MAIN, ORDER.client_order_id, OrderState.ACCEPTED, NOW, VenueOrderId("S1"), cancel_owed=True
    ),
    e.OrderFilled(
        MAIN,
        EMA,
        BTCUSDT,
        ORDER.client_order_id,
        Side.BUY,
        a_fill(quantity="1.50"),
        OrderState.PARTIAL,
        Decimal("1.50"),
        Decimal(0),
        ("ambiguous_bar",),
        VenueOrderId("S1"),
        Decimal("1.5"),
    ),
    e.LedgerPosted(MAIN, NOW, "fill", "o/t", (e.Posting("assets:main", USDT, Decimal("-1E-8")),)),
    e.PositionChanged(
        MAIN, EMA, BTCUSDT, Decimal("1.0"), Decimal(100), Decimal("-0.5"), Decimal("0.1"), NOW
    ),
    e.PerformanceUpdate(MAIN, NOW, 1e4, 1.1e4, 19_675, 9e3, ((BTCUSDT, 0.1 + 0.2),)),
    e.ModeChanged(MAIN, NOW, Mode.NORMAL, Mode.HALT, "kill switch", "person:ada"),
    e.RiskAlert(MAIN, NOW, "ORDER_OVERFILLED", "10 beyond"),
    e.StrategyQuarantined(MAIN, EMA, NOW, "it raised"),
    e.StrategyPaused(MAIN, EMA, NOW, True, "person:ada"),
    e.ConfigApplied(MAIN, NOW, "digest", "{}"),
    e.LimitsChanged(MAIN, NOW, {"order_frac": 0.1 + 0.2, "orders_per_s": 3}, "person:ada"),
    e.PersonActed(
        MAIN, NOW, "person:ada", "SubmitOrder", "r-1", "digest", "c-1", (ORDER.client_order_id,)
    ),
    e.SystemHealth(MAIN, NOW, "feed", "degraded", "stale"),
    e.ProtectionLocked(MAIN, NOW, "rest:ema", "rest", "cool-down", EMA, None, NOW, "it closed"),
    e.ProtectionLifted(MAIN, NOW, "rest:ema", "rest", "person:ada"),
)
INPUTS: tuple[c.Input, ...] = (
    BarsClosed(NOW, (a_bar(close=0.1 + 0.2),)),
    BarOpened(BTCUSDT, NOW, 100.1),
    Trade(BTCUSDT, NOW, 100.1, 0.5, True),
    Quote(BTCUSDT, NOW, 99.0, 101.0, 1.0, 2.0),
    a_report(ReportKind.FILLED, fill=a_fill(), cumulative=Decimal("1.0"), flags=("cut_by_cash",)),
    c.TimerFired(MAIN, "t"),
    c.InstrumentChanged(an_instrument()),
    c.FundingSettled(BTCUSDT, NOW, 0.0001, 100.0),
    c.ModelOutput("m", BTCUSDT, NOW, 0.1, 0.9),
    c.KillSwitch(MAIN, "person:ada"),
    c.SetMode(MAIN, Mode.NORMAL, "person:ada", "checked"),
    c.CancelAll(MAIN, "person:ada", EMA),
    c.CancelAll(MAIN, "person:ada", None, BTCUSDT, Side.SELL),
    c.CancelOne(MAIN, "person:ada", ORDER.client_order_id),
    c.Flatten(MAIN, "person:ada", confirmed=True),
    c.PauseStrategy(MAIN, EMA, "person:ada"),
    c.ResumeStrategy(MAIN, EMA, "person:ada"),
    c.LiftLock(MAIN, "person:ada", "rest:ema"),
    c.Quarantine(MAIN, EMA, "never returned"),
    c.Deposit(MAIN, "USDT", "10000", "first"),
    c.Checkpoint(MAIN),
    c.IntentNotDurable(MAIN, "disk full"),
    c.SessionStarted(MAIN, 3),
    c.Reconciled(MAIN, 2),
    c.ApplyConfig(MAIN, "{}"),
    c.SubmitOrder(
        order=c.OrderWish(
            account=MAIN,
            instrument=BTCUSDT,
            side=Side.BUY,
            type=OrderType.LIMIT,
            quantity=Decimal("1.50"),
            limit_price=Decimal("99.10"),
        ),
        by="person:ada",
        reference="r-1",
        correlation="c-1",
    ),
    c.AmendOrder(
        account=MAIN,
        by="person:ada",
        reference="r-2",
        client_order_id=ORDER.client_order_id,
        quantity=Decimal("1.0"),
    ),
    c.UseLimits(account=MAIN, by="person:ada", reference="r-3", limits={"order_frac": 0.1}),
)
EFFECTS: tuple[Effect, ...] = (
    Submit(ORDER),
    Cancel(REF),
    Replace(REF, Decimal("1.50")),
    Query(REF),
    SetTimer(MAIN, "t", NOW),
)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
def test_a_fact_comes_back_from_its_bytes(fact: e.Fact) -> None:
    assert decode_fact(encode(fact)) == fact


@pytest.mark.parametrize("event", INPUTS, ids=lambda event: type(event).__name__)
def test_an_input_comes_back_from_its_bytes(event: c.Input) -> None:
    assert decode_input(encode(event)) == event


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: type(effect).__name__)
def test_an_effect_comes_back_from_its_bytes(effect: Effect) -> None:
    assert decode_effect(encode(effect)) == effect


def test_a_cancel_of_a_release_that_knew_the_strategy_alone_is_read_as_it_was_meant() -> None:
    written = {"type": "CancelAll", "account": "main", "by": "person:ada", "strategy": EMA}

    assert decode_input(encode(written)) == c.CancelAll(MAIN, "person:ada", EMA)


def test_every_kind_of_record_is_tried_here() -> None:
    assert {type(fact) for fact in FACTS} == set(get_args(e.Fact))
    assert {type(event) for event in INPUTS} == set(get_args(c.Input))
    assert {type(effect) for effect in EFFECTS} == set(get_args(Effect))


def test_a_decimal_keeps_every_digit_that_it_was_written_with() -> None:
    fact = decode_fact(encode(FACTS[6]))

    assert isinstance(fact, e.OrderFilled)
    assert str(fact.filled) == "1.50"


def test_facts_of_the_fingerprint_and_of_watchers_are_facts_and_never_both() -> None:
    kinds = set(get_args(e.Fact))

    assert set(e.FINGERPRINTED) <= kinds
    assert set(e.OBSERVATIONS) <= kinds
    assert not set(e.FINGERPRINTED) & set(e.OBSERVATIONS)
