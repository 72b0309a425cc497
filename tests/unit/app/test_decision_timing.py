"""How long a decision takes: from the taking of an input to an approved order, and no more."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.builders import a_key

from botcore.app.decision_timing import DecisionTiming, core_wait_s
from botcore.domain.commands import Checkpoint, Input
from botcore.domain.errors import StorageError
from botcore.domain.events import OrderPlaced, RiskAlert
from botcore.domain.ids import AccountId, ClientOrderId, Currency, InstrumentId, Nanos, StrategyId
from botcore.domain.intents import NO_REASON
from botcore.domain.keys import Key
from botcore.domain.orders import OrderSpec, OrderState, OrderType, Side
from botcore.domain.steps import Step
from botcore.kernel.clock import ManualClock

PAPER = AccountId("paper")
MS = 1_000_000


def placed(state: OrderState = OrderState.INTENT) -> OrderPlaced:
    order = OrderSpec(
        ClientOrderId("a"),
        PAPER,
        StrategyId("rsi"),
        InstrumentId("BTCUSDT.SIM"),
        Side.BUY,
        OrderType.MARKET,
        Decimal(1),
    )
    return OrderPlaced(
        PAPER, order, state, Decimal(1), Currency("USDT"), 1.0, Nanos(0), NO_REASON, ""
    )


class Engine:
    """Steps that take what a test says, and a store that takes 5 ms."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.timing = DecisionTiming(self.clock)
        self.commit = self.timing.around(self._store)
        self.fails = False

    def _store(self, _key: Key, _event: Input, _step: Step, _must: bool) -> None:
        self.clock.advance(5 * MS)
        if self.fails:
            raise StorageError(code="X", cause="c", fix="f")

    def step(self, took_ms: float, *facts: OrderPlaced | RiskAlert, must: bool = True) -> None:
        self.clock.advance(round(took_ms * MS))
        self.commit(a_key(), Checkpoint(PAPER), Step(facts=facts, effects=()), must)


def test_a_decision_counts_from_the_taking_to_the_approved_order() -> None:
    engine = Engine()
    engine.clock.advance(900 * MS)  # it waited for an input
    engine.timing.taken()
    engine.step(0.4, placed())

    p50, p99 = engine.timing.decision_s()
    persist = engine.timing.persist_s()

    assert p50 == p99 == pytest.approx(0.0004, rel=0.06)
    assert persist[0] == pytest.approx(0.005, rel=0.06)


def test_what_the_store_took_for_an_earlier_step_is_not_counted() -> None:
    engine = Engine()
    engine.timing.taken()
    engine.step(0.1, must=True)
    engine.step(0.2, RiskAlert(PAPER, Nanos(0), "X", "x"), placed())

    assert engine.timing.decision_s()[1] == pytest.approx(0.0002, rel=0.06)


def test_steps_without_an_order_and_orders_that_wait_for_their_parent_are_none() -> None:
    engine = Engine()
    engine.timing.taken()
    engine.step(3)
    engine.step(3, RiskAlert(PAPER, Nanos(0), "X", "x"))
    engine.step(3, placed(OrderState.HELD))

    assert engine.timing.decision_s() == (None, None)
    assert engine.timing.persist_s() == (None, None)


def test_a_store_that_fails_leaves_the_next_decision_as_it_is() -> None:
    engine = Engine()
    engine.timing.taken()
    engine.fails = True
    with pytest.raises(StorageError):
        engine.step(0.1, placed())
    engine.fails = False
    engine.step(0.1, placed())

    assert engine.timing.decision_s()[1] == pytest.approx(0.0001, rel=0.06)


def test_only_the_last_minute_counts() -> None:
    engine = Engine()
    engine.timing.taken()
    engine.step(50, placed())
    engine.clock.advance(61_000 * MS)

    assert engine.timing.decision_s() == (None, None)


def test_the_wait_for_a_core_is_the_second_figure_of_the_scheduler(tmp_path: Path) -> None:
    (tmp_path / "schedstat").write_text("123456789 2500000000 42\n")

    assert core_wait_s(tmp_path / "schedstat") == 2.5
    assert core_wait_s(tmp_path / "missing") is None


def test_a_system_that_says_nothing_of_it_is_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "schedstat").write_text("none\n")

    assert core_wait_s(tmp_path / "schedstat") is None
