"""Ending an engine and beginning another: by its state, by its facts, and the same either way."""

# A Decimal equals the whole number that it is.
# mypy: disable-error-code="comparison-overlap"

from typing import Any

import msgspec
import pytest
from tests.support.trading_session import (
    ACCOUNT,
    WIDE,
    TradingSession,
    buy,
    change,
    planned,
    scripted,
    sell,
)
from tests.support.venue_session import an_instrument

from botcore.domain.commands import (
    Checkpoint,
    Deposit,
    Flatten,
    KillSwitch,
    PauseStrategy,
    Quarantine,
    SessionStarted,
    SetMode,
)
from botcore.domain.effects import Cancel, Query, Submit
from botcore.domain.errors import InvariantBroken
from botcore.domain.events import LedgerPosted, OrderFilled, OrderPlaced, OrderUpdated
from botcore.domain.ids import DAY_NS, MINUTE_NS, StrategyId
from botcore.domain.market import BarsClosed
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderState, OrderType
from botcore.engine import Engine
from botcore.venues.simulated import FeeMode

PERSON = "person:ann"
LIMIT = OrderType.LIMIT


def a_busy_session() -> TradingSession:
    """Positions, a bracket, a resting order in part filled, a replaced one, and dust."""
    plan = {
        1: lambda v: [buy(v, "2", stop_loss="90", take_profit="120"), buy(v, "1")],
        2: lambda v: [
            buy(v, "10", LIMIT, limit_price="99"),
            buy(v, "3", LIMIT, limit_price="95"),
            sell(v, "0.99", reduce_only=True),
        ],
        3: lambda v: [change(v, -1, quantity="2", limit_price="96")],
    }
    run = TradingSession(
        {"s": planned(plan), "idle": planned({})},
        an_instrument(lot="0.01", min_quantity="0.01"),
        venue={
            "participation_ppm": 100_000,
            "fee_mode": FeeMode.BASE,
            "taker_fee_ppm": 1_000,
            "maker_fee_ppm": 1_000,
        },
    )
    run.flat(100, 2)
    run.bar(100, 100, 98.5, 100, volume=60)
    run.flat(100, 1)
    return run


@pytest.mark.parametrize("fold", [False, True])
def test_e63_a_restart_gives_the_same_state_and_sends_no_order(fold: bool) -> None:
    run = a_busy_session()
    sent = len(run.venue.acceptances())
    run.tell(Checkpoint(ACCOUNT))
    state = run.engine.money_state()

    run.restarted(fold=fold)
    found = run.engine.money_state()
    marker = len(run.taken)
    run.resumed()

    assert found == state
    effects = [e for taken in run.taken[marker:] for e in taken.step.effects]
    assert {type(effect) for effect in effects} == {Query}
    assert len(run.venue.acceptances()) == sent
    facts = [f for taken in run.taken[marker:] for f in taken.step.facts]
    assert facts == [], "the venue said what we knew"
    run.engine.desk.portfolio.verify()


def test_e63_a_second_restart_produces_no_new_event() -> None:
    run = a_busy_session()

    logs = []
    for epoch in (1, 2):
        run.restarted()
        marker = len(run.taken)
        run.resumed(epoch=epoch)
        logs.append([f for taken in run.taken[marker:] for f in taken.step.facts])

    assert logs == [[], []]


@pytest.mark.parametrize("fold", [False, True])
def test_a_restarted_engine_goes_on_as_the_first_would_have(fold: bool) -> None:
    stayed, restarted = a_busy_session(), a_busy_session()
    for run in (stayed, restarted):
        run.tell(Checkpoint(ACCOUNT))
    restarted.restarted(fold=fold)
    restarted.resumed(epoch=0)
    markers = len(stayed.facts), len(restarted.facts)

    for run in (stayed, restarted):
        run.bar(100, 100, 94, 97)
        run.bar(97, 130, 96, 125)
        run.flat(125, 2)

    assert stayed.facts[markers[0] :] == restarted.facts[markers[1] :]
    assert stayed.engine.state_hash() == restarted.engine.state_hash()


def test_i12_the_state_and_the_later_facts_are_all_the_facts() -> None:
    run = a_busy_session()
    middle, known = run.engine.money_state(), len(run.facts)
    run.bar(100, 125, 94, 110)
    run.tell(Deposit(ACCOUNT, run.instruments[0].quote, "77.5", "more"))
    run.tell(PauseStrategy(ACCOUNT, StrategyId("idle"), PERSON))
    run.tell(SetMode(ACCOUNT, Mode.REDUCE_ONLY, PERSON, "quiet"))
    run.tell(Checkpoint(ACCOUNT))

    from_all, from_middle = (Engine(run.config, run.classes) for _ in range(2))
    for fact in run.facts:
        from_all.fold(fact)
    from_middle.restore_money(middle)
    for fact in run.facts[known:]:
        from_middle.fold(fact)

    assert from_all.money_state() == from_middle.money_state() == run.engine.money_state()
    assert from_all.state_hash() == from_middle.state_hash() == run.engine.state_hash()
    assert from_all.deciders.paused() == {"idle": f"paused by {PERSON}"}


def test_i12_a_quarantine_and_a_halt_outlast_a_restart() -> None:
    run = a_busy_session()
    run.tell(Quarantine(ACCOUNT, StrategyId("idle"), "it never returned"))
    run.tell(KillSwitch(ACCOUNT, PERSON))

    for fold in (True, False):
        run.restarted(fold=fold)
        run.resumed(epoch=5)

        assert run.risk.mode is Mode.HALT
        assert run.engine.deciders.paused() == {"idle": "quarantined: it never returned"}


@pytest.mark.parametrize("fold", [False, True])
def test_i12_a_daily_loss_outlasts_a_restart_and_ends_at_midnight(fold: bool) -> None:
    run = TradingSession(
        {"s": scripted(lambda bar, view: [buy(view, "100")] if bar.close == 100 else [])},
        cash="12000",
        limits=msgspec.structs.replace(WIDE, price_band_frac=0.05, daily_loss_frac=0.05),
        origin=DAY_NS - 5 * MINUTE_NS,
    )
    run.bar(100)
    run.bar(101)
    run.bar(95)
    run.tell(Checkpoint(ACCOUNT))
    state = run.engine.money_state()

    run.restarted(fold=fold)
    assert run.engine.money_state() == state
    run.resumed()
    run.tell(SetMode(ACCOUNT, Mode.NORMAL, "engine", "no"))
    run.bar(95)

    assert run.risk.mode is Mode.REDUCE_ONLY
    run.bar(95)
    assert run.risk.mode is Mode.NORMAL


def test_a_flatten_goes_on_after_a_restart() -> None:
    run = a_busy_session()
    run.tell(Flatten(ACCOUNT, PERSON, confirmed=True))
    run.restarted(fold=True)
    run.resumed()

    run.flat(100, 4)

    assert run.position("s").quantity == 0
    assert run.risk.mode is Mode.CANCEL_ONLY


def test_k04_an_intent_that_never_left_is_closed_and_not_sent_at_the_start() -> None:
    run = TradingSession({"s": planned({1: lambda v: [buy(v, "1", stop_loss="90")]})})
    bar = run.a_bar(100, 100, 100, 100)
    run.minute += 1
    key = run.taken[-1].key
    step = run.engine.step(type(key)(run.now, 0, 0, key.seq + 1), _closed(run, bar))
    assert [type(e) for e in step.effects] == [Submit]
    engine = Engine(run.config, run.classes)
    for fact in [*run.facts, *step.facts]:
        engine.fold(fact)
    engine.refresh()

    started = engine.step(type(key)(run.now, 10, 0, key.seq + 2), SessionStarted(ACCOUNT, 1))

    assert [(f.state, f.detail) for f in started.facts if isinstance(f, OrderUpdated)] == [
        (OrderState.NOT_SENT, "never sent"),
        (OrderState.CANCELED, "parent ended unfilled"),
    ]
    assert started.effects == ()
    assert engine.desk.view.free_cash(ACCOUNT, run.instruments[0].quote) == 1_000_000


def _closed(run: TradingSession, *bars: Any) -> Any:
    return BarsClosed(run.now, bars)


def test_k15_an_owed_cancel_is_repeated_at_the_start() -> None:
    run = TradingSession({"s": planned({1: lambda v: [buy(v, "1", LIMIT, limit_price="90")]})})
    run.bar(100)
    order = run.orders[0]
    owed = OrderUpdated(ACCOUNT, order.id, order.state, run.now, cancel_owed=True)
    engine = Engine(run.config, run.classes)
    for fact in [*run.facts, owed]:
        engine.fold(fact)
    run.continued_by(engine)

    run.resumed()

    assert [type(e) for e in run.effects][-2:] == [Cancel, Query]
    assert run.orders[0].state is OrderState.CANCELED
    assert run.venue.open_orders(ACCOUNT) == ()


def test_r2_ids_of_a_later_epoch_never_repeat_those_of_an_earlier_one() -> None:
    run = a_busy_session()
    run.tell(SessionStarted(ACCOUNT, 35))
    run.restarted(fold=True)
    run.resumed(epoch=36)

    assert run.engine.desk.execution.epoch == 36
    names = [fact.order.client_order_id for fact in run.of(OrderPlaced)]
    assert all(name.startswith("BC-1-0-") for name in names)
    assert len(set(names)) == len(names)


def test_e34_i11_reports_that_come_twice_change_nothing() -> None:
    run = a_busy_session()
    run.bar(100, 130, 80, 100)
    reports = [t.event for t in run.taken if type(t.event).__name__ == "VenueReport"]
    state, facts = run.engine.money_state(), len(run.of(OrderFilled))

    for report in [*reports, *reversed(reports)]:
        run.session.input(report, run.now)

    assert len(run.of(OrderFilled)) == facts
    assert len(run.of(LedgerPosted)) == len({f.reference for f in run.of(LedgerPosted)})
    after = run.engine.money_state()
    assert after["portfolio"] == state["portfolio"]
    assert after["risk"] == state["risk"]
    assert run.risk.mode is Mode.NORMAL


def test_a_state_of_a_damaged_snapshot_is_refused() -> None:
    run = a_busy_session()
    state = run.engine.money_state()
    state["execution"] = state["execution"] | {"orders": "none"}

    with pytest.raises(InvariantBroken, match="EXECUTION_STATE_MALFORMED"):
        Engine(run.config, run.classes).restore_money(state)
