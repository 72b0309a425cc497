"""Strategies that raise, lie, flood or never take no for an answer: ended, and nobody else is."""

# A Decimal equals the whole number that it is.
# mypy: disable-error-code="comparison-overlap"

from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import count
from math import inf, nan
from typing import Any, ClassVar

import numpy as np
import pytest
from tests.support.trading_session import (
    ACCOUNT,
    ByColour,
    TradingSession,
    buy,
    planned,
    scripted,
    sell,
    target,
)
from tests.support.venue_session import COINUSDT, an_instrument

from botcore.backtest import demo_instruments, demo_tape
from botcore.domain.commands import ResumeStrategy, SessionStarted, SetMode
from botcore.domain.events import OrderDenied, OrderFilled, OrderPlaced, StrategyQuarantined
from botcore.domain.ids import MINUTE_NS, AccountId, InstrumentId, StrategyId
from botcore.domain.intents import CancelOrder, Target
from botcore.domain.market import Bar
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderType, Side, TimeInForce
from botcore.indicators import FloatRow
from botcore.risk import Sizing
from botcore.strategies import EventStrategyBase, StrategyView, render_reason
from botcore.strategies.layout import CODE, NO_VIEW
from botcore.strategies.library import SIGNAL_LIBRARY, EmaCross

SOL = InstrumentId("SOLUSDT.SIM")

SayFn = Callable[[StrategyView], Any]


def quarantined(run: TradingSession) -> list[tuple[str, str]]:
    return [(fact.strategy, fact.cause) for fact in run.of(StrategyQuarantined)]


def beside_a_good_one(bad: type[EventStrategyBase], **more: Any) -> TradingSession:
    """The bad strategy comes first, so that what it breaks would break the other."""
    run = TradingSession({"bad": bad, "good": ByColour}, **more)
    run.bar(100, 101, 100, 101)
    run.bar(101, 102, 101, 102)
    return run


def raising(view: StrategyView) -> Any:
    raise ZeroDivisionError("it divided by nothing")


def endless(view: StrategyView) -> Iterator[Any]:
    for _ in count():
        yield buy(view, "0.001")


def breaking_off(view: StrategyView) -> Iterator[Any]:
    yield buy(view)
    raise RuntimeError("half way")


class Dressed(Target, frozen=True):
    """Looks like a target."""


BAD: dict[str, tuple[SayFn, str]] = {
    "it raises": (raising, "ZeroDivisionError: it divided by nothing"),
    "it raises half way": (breaking_off, "RuntimeError: half way"),
    "it says something that is no intent": (lambda v: ["buy"], "'buy' is no intent"),
    "it says one thing instead of many": (buy, "is not iterable"),
    "it says a number": (lambda v: 5, "is not iterable"),
    "it returns a weight of NaN": (lambda v: [target(v, nan)], "STRATEGY_WEIGHT_NAN"),
    "it returns an infinite weight": (
        lambda v: [target(v, inf)],
        "STRATEGY_WEIGHT_OUT_OF_RANGE",
    ),
    "it returns a weight beyond 1": (
        lambda v: [target(v, 1.001)],
        "STRATEGY_WEIGHT_OUT_OF_RANGE",
    ),
    "it returns a weight that is no number": (
        lambda v: [target(v, "all")],  # type: ignore[arg-type]  # that is the point
        "Expected `float`",
    ),
    "its confidence is no share": (lambda v: [target(v, 1.0, confidence=nan)], "confidence of nan"),
    "it only looks like an intent": (
        lambda v: [Dressed(v.account, v.strategy, COINUSDT, 1.0)],
        "is no intent",
    ),
    "it speaks for another strategy": (
        lambda v: [Target(v.account, StrategyId("good"), COINUSDT, 1.0)],
        "names main/good",
    ),
    "it speaks for another account": (
        lambda v: [Target(AccountId("else"), v.strategy, COINUSDT, 1.0)],
        "names else/bad",
    ),
    "it names what it does not trade": (
        lambda v: [buy(v, instrument=InstrumentId("ELSEUSDT.SIM"))],
        "ELSEUSDT.SIM, which it does not trade",
    ),
    "its side is no side": (
        lambda v: [buy(v).__class__(**{**_fields(buy(v)), "side": "UP"})],
        "Invalid enum value 'UP'",
    ),
    "its date is no instant": (
        lambda v: [
            buy(
                v,
                "1",
                OrderType.LIMIT,
                limit_price="90",
                time_in_force=TimeInForce.GTD,
                expires_at=1.5e18,
            )
        ],
        "expires_at",
    ),
    "it floods": (lambda v: [buy(v, "0.001")] * 101, "STRATEGY_FLOODED"),
    "it never stops talking": (endless, "STRATEGY_FLOODED"),
}


def _fields(order: Any) -> dict[str, Any]:
    return {name: getattr(order, name) for name in order.__struct_fields__}


@pytest.mark.parametrize("name", BAD)
def test_a_strategy_that_misbehaves_is_quarantined_and_the_others_trade_on(name: str) -> None:
    say, cause = BAD[name]

    run = beside_a_good_one(planned({1: say}))

    assert [who for who, _ in quarantined(run)] == ["bad"]
    assert cause in quarantined(run)[0][1]
    assert {order.spec.strategy for order in run.orders} == {"good"}, "nothing of the call is used"
    assert run.position("good").quantity == 1
    assert run.risk.mode is Mode.NORMAL
    assert run.engine.deciders.paused().keys() == {"bad"}


def test_a_flood_is_denied_by_name_and_a_hundred_intents_are_none() -> None:
    flood = beside_a_good_one(planned({1: lambda v: [buy(v, "0.001")] * 101}))
    many = beside_a_good_one(planned({1: lambda v: [buy(v, "0.001")] * 100}))

    assert flood.denials == ["TOO_MANY_INTENTS"]
    denied = flood.of(OrderDenied)[0].denied
    assert (denied.strategy, denied.value, denied.limit) == ("bad", 101.0, 100.0)
    assert quarantined(many) == []
    assert many.position("bad").quantity == Decimal("0.1")


def test_a_strategy_that_answers_every_no_with_an_intent_is_ended() -> None:
    stubborn = planned(
        {1: lambda v: [sell(v)]}, on_denied=lambda denied, view: [sell(view), sell(view)]
    )

    run = beside_a_good_one(stubborn)

    assert [who for who, _ in quarantined(run)] == ["bad"]
    assert len(run.of(OrderDenied)) <= 101
    assert run.position("good").quantity == 1


def test_a_strategy_that_tries_another_way_after_a_no_is_heard() -> None:
    def try_smaller(denied: Any, view: StrategyView) -> list[Any]:
        return [buy(view, "0.5")] if denied.code == "INSUFFICIENT_CASH" else []

    run = TradingSession(
        {"s": planned({1: lambda v: [buy(v, "1")]}, on_denied=try_smaller)}, cash="100"
    )

    run.flat(100, 2)

    assert run.denials == ["INSUFFICIENT_CASH"]
    assert run.position("s").quantity == Decimal("0.5")


@pytest.mark.parametrize("callback", ["on_fill", "on_denied"])
def test_a_strategy_that_raises_when_told_of_a_fill_or_a_no_is_quarantined(callback: str) -> None:
    def refuse(fact: Any, view: StrategyView) -> Any:
        raise KeyError("no such thing")

    plan = {1: lambda v: [sell(v), buy(v, "2")]}
    run = beside_a_good_one(planned(plan, **{callback: refuse}))

    assert [who for who, _ in quarantined(run)] == ["bad"]
    bought = [fact.strategy for fact in run.of(OrderFilled)]
    assert bought == (["bad", "good"] if callback == "on_fill" else ["good"])
    run.engine.desk.portfolio.verify()


def test_what_a_strategy_said_on_one_instrument_is_dropped_when_it_raises_on_the_next() -> None:
    other = an_instrument("OTHERUSDT.SIM")

    def on_bar(bar: Bar, view: StrategyView) -> list[Any]:
        if bar.instrument == other.id:
            raise ValueError("not this one")
        return [buy(view)]

    run = TradingSession({"bad": scripted(on_bar)}, an_instrument(), other)
    run.bars(run.a_bar(*[100] * 4), run.a_bar(*[100] * 4, instrument=other.id))

    assert len(quarantined(run)) == 1
    assert run.orders == []


class Sick(ByColour):
    """A signal strategy that is well until a bar closes above 110."""

    name: ClassVar[str] = "sick"
    returned: ClassVar[Any] = None

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        memory[CODE] = 1.0
        if row[-2] > 110.0:
            if Sick.returned is None:
                raise RuntimeError("fever")
            return float(Sick.returned)
        return 1.0


@pytest.mark.parametrize(
    ("returned", "cause"),
    [
        (None, "RuntimeError: fever"),
        (NO_VIEW, "STRATEGY_WEIGHT_NAN"),
        (inf, "STRATEGY_WEIGHT_OUT_OF_RANGE"),
        (-inf, "STRATEGY_WEIGHT_OUT_OF_RANGE"),
        (-1.5, "STRATEGY_WEIGHT_OUT_OF_RANGE"),
    ],
)
def test_a_signal_strategy_that_misbehaves_is_quarantined_on_all_its_instruments(
    returned: Any, cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sick, "returned", returned)
    other = an_instrument("OTHERUSDT.SIM")
    run = TradingSession({"sick": Sick, "good": ByColour}, an_instrument(), other)

    for price in (100, 100, 120, 90):
        run.bars(run.a_bar(*[price] * 4), run.a_bar(99, 100, 99, 100, instrument=other.id))

    assert [who for who, _ in quarantined(run)] == ["sick"]
    assert cause in quarantined(run)[0][1]
    assert run.engine.deciders.paused().keys() == {"sick"}
    assert run.position("sick").quantity == 1, "its position stays, and is a person's to close"
    assert run.position("good", other.id).quantity == 1


def test_a_strategy_let_out_of_quarantine_is_asked_again_and_begins_afresh() -> None:
    run = TradingSession({"s": EmaCross}, parameters={"s": {"fast": 2, "slow": 3}})
    run.flat(100, 3)
    run.signal().runner.memory.clear()
    run.bar(100)
    assert [who for who, _ in quarantined(run)] == ["s"]
    run.flat(100, 2)

    run.tell(ResumeStrategy(ACCOUNT, StrategyId("s"), "person:ann"))
    run.flat(100, 3)

    assert [row.code == 0 for row in run.signal().log][-3:] == [True, True, False], (
        "it warms up again: what it remembered had a hole"
    )


def test_words_and_numbers_of_other_libraries_are_taken_for_what_they_say() -> None:
    """A side by its word must meet the gate as that side: compared by identity it is none."""

    def say(view: StrategyView) -> list[Any]:
        plain = _fields(buy(view))
        kind = type(buy(view))
        return [
            kind(**{**plain, "side": "BUY", "type": "MARKET", "quantity": np.float64(1.5)}),
            kind(**{**plain, "side": "SELL", "type": "MARKET"}),
        ]

    run = TradingSession({"s": planned({1: say})})
    run.flat(100, 2)

    assert run.denials == ["SHORT_NOT_ALLOWED"]
    assert [(o.spec.side, o.quantity) for o in run.orders] == [(Side.BUY, Decimal("1.5"))]
    assert run.orders[0].reserve > 150


@pytest.mark.parametrize("quantity", [nan, inf, -1.0, -inf, 1e308, "NaN", "sNaN", "-Infinity", 0])
def test_an_order_of_no_quantity_is_denied_and_the_strategy_goes_on(quantity: Any) -> None:
    run = TradingSession({"s": planned({1: lambda v: [buy(v, quantity)], 2: lambda v: [buy(v)]})})

    run.flat(100, 3)

    assert run.denials in (["INTENT_MALFORMED"], ["BELOW_MINIMUM"])
    assert quarantined(run) == []
    assert len(run.fills) == 1


@pytest.mark.parametrize("price", [nan, inf, -5.0, 0.0, 1e308])
@pytest.mark.parametrize("field", ["limit_price", "stop_loss", "take_profit", "trailing"])
def test_an_order_at_no_price_is_denied(field: str, price: float) -> None:
    kind = OrderType.LIMIT if field == "limit_price" else OrderType.MARKET
    run = TradingSession({"s": planned({1: lambda v: [buy(v, "1", kind, **{field: price})]})})

    run.flat(100, 2)

    assert len(run.denials) == 1
    assert run.orders == []


def test_a_cancel_of_what_does_not_exist_is_denied() -> None:
    run = TradingSession(
        {"s": planned({1: lambda v: [CancelOrder(v.account, v.strategy, "BC-1-0-9-1")]})}  # type: ignore[arg-type]  # any text
    )

    run.flat(100, 2)

    assert run.denials == ["NOT_YOURS"]


def test_intents_that_come_before_the_engine_is_reconciled_are_dropped_and_counted() -> None:
    eager = scripted(
        lambda bar, view: [buy(view)], on_fill=lambda fill, view: [buy(view), buy(view)]
    )
    run = TradingSession({"s": eager})
    run.bar(100)
    run.restarted()
    before = len(run.of(OrderPlaced))
    run.tell(SessionStarted(ACCOUNT, 1))
    run.bar(100)

    assert len(run.of(OrderFilled)) == 1, "what was sent before is still the truth"
    assert run.of(OrderPlaced)[before:] == []
    assert run.event().dropped == 3
    assert run.event().view.is_warmup


@pytest.mark.parametrize("name", sorted(SIGNAL_LIBRARY))
def test_a_library_strategy_whose_first_order_was_denied_tries_again_or_says_why(name: str) -> None:
    """A strategy that believed itself long after a no would never trade again."""
    tape = demo_tape(400, seed=1, step_ns=MINUTE_NS, instruments=(SOL,))
    run = TradingSession(
        {name: SIGNAL_LIBRARY[name]}, *demo_instruments(), sizing=Sizing(), trades={name: [SOL]}
    )
    run.tell(SetMode(ACCOUNT, Mode.REDUCE_ONLY, "person:ann", "deny the first"))
    events = iter(tape)
    while not run.denials:
        run.session.bars(next(events))
    assert run.denials == ["MODE_FORBIDS"]
    assert run.signal().outcome == "MODE_FORBIDS"

    run.tell(SetMode(ACCOUNT, Mode.NORMAL, "person:ann", "let it"))
    run.session.bars(next(events))

    row = run.signal().log.row(-1)
    said = render_reason(SIGNAL_LIBRARY[name], row.code, row.operands)
    assert (row.weight == 1.0) is ("enter" in said), said
    assert len(run.of(OrderPlaced)) == (1 if row.weight == 1.0 else 0)
    assert run.denials == ["MODE_FORBIDS"]
