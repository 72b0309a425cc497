"""Protections in the whole engine: what makes a lock, what it denies, and what it never touches."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from tests.support.lulls import Case, Patient, Play, Run, a_walk
from tests.support.trading_session import (
    ACCOUNT,
    WIDE,
    ByColour,
    TradingSession,
    buy,
    cancel,
    change,
    planned,
    sell,
)
from tests.support.venue_session import COINUSDT, an_instrument

from botcore.backtest.tape import parts
from botcore.domain.commands import Checkpoint, Deposit, Flatten, LiftLock
from botcore.domain.events import (
    OrderDenied,
    OrderFilled,
    OrderPlaced,
    PositionChanged,
    ProtectionLifted,
    ProtectionLocked,
)
from botcore.domain.ids import MINUTE_NS, InstrumentId, Nanos
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderState, OrderType, Side
from botcore.engine import Engine
from botcore.engine.risk_state import risk_state
from botcore.risk import (
    CoolDown,
    Counted,
    DrawdownGuard,
    LowProfit,
    Protection,
    Scope,
    StopLossGuard,
    sentence,
)
from botcore.venues.simulated import FeeMode

ADA = "person:ada"
LIMIT, STOP = OrderType.LIMIT, OrderType.STOP
OTHER = InstrumentId("OTHERUSDT.SIM")
REST = CoolDown(name="rest", lock_ns=5 * MINUTE_NS)
STOPS = StopLossGuard(name="stops", exits=2, lock_ns=10 * MINUTE_NS)
FALL = DrawdownGuard(
    name="fall", drawdown_frac=0.05, trades=0, lookback_ns=96 * MINUTE_NS, lock_ns=10 * MINUTE_NS
)


def session(plan: dict[int, Any], *protections: Protection, **more: Any) -> TradingSession:
    """One strategy that speaks at the bars of a plan, an account of 1,000 USDT."""
    return TradingSession(
        {"s": planned(plan)}, protections=protections, **({"cash": "1000"} | more)
    )


def locks(run: TradingSession) -> list[str]:
    return [fact.lock for fact in run.of(ProtectionLocked)]


# --- cool-down


def test_e112_after_an_exit_fill_nothing_is_opened_for_the_time_of_the_cool_down() -> None:
    """Bought at the open of bar 2, sold at the open of bar 4: the fourth minute begins at 3."""
    plan: dict[int, Any] = {1: lambda v: [buy(v)], 3: lambda v: [sell(v)]}
    plan |= dict.fromkeys(range(4, 12), lambda v: [buy(v)])
    run = session(plan, REST)

    run.flat(100, 9)

    (lock,) = run.of(ProtectionLocked)
    assert (lock.ts, lock.until) == (4 * MINUTE_NS, 8 * MINUTE_NS)
    assert [fact.denied.ts // MINUTE_NS for fact in run.of(OrderDenied)] == [4, 5, 6, 7]
    assert {fact.denied.code for fact in run.of(OrderDenied)} == {"PROTECTION_LOCKED"}
    bought = [fact for fact in run.of(OrderPlaced) if fact.order.side is Side.BUY]
    assert [fact.ts // MINUTE_NS for fact in bought] == [1, 8, 9]


def test_what_watches_the_account_is_told_also_while_it_locks_nothing() -> None:
    run = session({}, REST, STOPS)
    run.flat(100, 2)
    engine = run.engine

    seen = risk_state(engine, engine.desk.risk.account(ACCOUNT), 2 * MINUTE_NS).protections

    assert [(each.name, each.kind) for each in seen] == [
        (REST.name, "cool-down"),
        (STOPS.name, "stop-loss-guard"),
    ]
    assert [each.rule for each in seen] == [REST.describe(), STOPS.describe()]


def test_an_exit_that_leaves_something_is_no_close() -> None:
    run = session({1: lambda v: [buy(v, "2")], 2: lambda v: [sell(v)], 4: lambda v: [buy(v)]}, REST)

    run.flat(100, 6)

    assert locks(run) == []
    assert run.denials == []


def test_e112_a_remainder_too_small_to_sell_does_not_keep_a_trade_open() -> None:
    """Fees in base leave 0.009 of a coin, which no order can sell."""
    plan = {1: lambda v: [buy(v, "1")], 3: lambda v: [sell(v, "0.99")]}
    run = TradingSession(
        {"s": planned(plan)},
        an_instrument(lot="0.01", min_quantity="0.01"),
        protections=[REST],
        venue={"fee_mode": FeeMode.BASE, "taker_fee_ppm": 1_000},
    )

    run.flat(100, 5)

    assert locks(run) == [f"rest:s:{COINUSDT}"]
    assert run.position("s").dust


def test_the_same_strategy_goes_on_elsewhere_and_another_one_goes_on_there() -> None:
    trades = {
        1: lambda v: [buy(v)],
        2: lambda v: [sell(v)],
        4: lambda v: [buy(v, instrument=OTHER)],
    }
    run = TradingSession(
        {"s": planned(trades), "t": planned({4: lambda v: [buy(v)]})},
        an_instrument(),
        an_instrument(OTHER),
        protections=[REST],
    )

    for _ in range(5):
        run.bars(run.a_bar(100, 100, 100, 100), run.a_bar(100, 100, 100, 100, instrument=OTHER))

    assert locks(run) == [f"rest:s:{COINUSDT}"]
    assert run.denials == []
    assert len(run.of(OrderPlaced)) == 4


# --- stop-loss guard


def stopped_twice(*protections: Protection, **more: Any) -> TradingSession:
    """Two entries whose attached stops fire; the second at the sixth minute."""
    bracket = lambda v: [buy(v, stop_loss="95")]  # noqa: E731  # a plan's lines are such
    run = session({1: bracket, 4: bracket, **more.pop("plan", {})}, *protections, **more)
    for _ in range(2):
        run.flat(100, 2)
        run.bar(100, 100, 94, 96)
    return run


def test_e112_stop_loss_exits_lock_the_account_and_one_less_does_not() -> None:
    run = stopped_twice(STOPS)

    (lock,) = run.of(ProtectionLocked)
    assert (lock.lock, lock.kind, lock.ts) == ("stops", "stop-loss-guard", 6 * MINUTE_NS)
    assert lock.cause == "2 stop-loss exits within 1d reach 2"
    assert locks(stopped_twice(msgspec.structs.replace(STOPS, exits=3))) == []


def test_e112_exits_by_a_market_order_are_losses_and_no_stop_losses() -> None:
    plan = {1: lambda v: [buy(v)], 2: lambda v: [sell(v)]}
    counted = {}

    for counts in Counted:
        run = session(plan, StopLossGuard(name="one", exits=1, counts=counts))
        run.flat(100, 2)
        run.bar(99)
        counted[counts] = locks(run)

    assert counted == {Counted.STOPS: [], Counted.LOSSES: ["one"]}


def test_a_trailing_stop_is_a_stop() -> None:
    plan = {1: lambda v: [buy(v, trailing=2.0)]}
    run = session(plan, StopLossGuard(name="one", exits=1))

    run.flat(100, 2)
    run.bar(100, 100, 90, 95)

    assert locks(run) == ["one"]


# --- low profit


def test_e112_an_instrument_that_lost_is_locked_for_every_strategy() -> None:
    plan = {1: lambda v: [buy(v)], 2: lambda v: [sell(v)], 5: lambda v: [buy(v)]}
    weak = LowProfit(name="weak", trades=1, lock_ns=10 * MINUTE_NS)
    run = TradingSession(
        {"s": planned(plan), "t": planned({5: lambda v: [buy(v)]})}, protections=[weak]
    )

    run.flat(100, 2)
    run.bar(99)
    run.flat(99, 3)

    assert locks(run) == [f"weak:{COINUSDT}"]
    assert run.denials == ["PROTECTION_LOCKED"] * 2


# --- drawdown


def test_e112_a_fall_of_marked_equity_locks_before_anybody_decides_on_that_bar() -> None:
    plan = {1: lambda v: [buy(v, "5")], 4: lambda v: [buy(v)]}
    run = session(plan, FALL)

    run.flat(100, 3)
    facts = run.bar(100, 100, 90, 90)

    (lock,) = [fact for fact in facts if isinstance(fact, ProtectionLocked)]
    assert lock.cause == (
        "equity 950.00 fell 5.00% from 1000.00, its highest within 96m; 5.00% is allowed"
    )
    assert run.denials == ["PROTECTION_LOCKED"]
    assert run.risk.mode is Mode.NORMAL, "it is not the account's drawdown limit"


def test_the_accounts_own_limits_stop_it_as_before() -> None:
    run = session(
        {1: lambda v: [buy(v, "5")], 4: lambda v: [buy(v)]},
        FALL,
        limits=msgspec.structs.replace(WIDE, drawdown_frac=0.05),
    )

    run.flat(100, 3)
    run.bar(100, 100, 90, 90)

    assert run.denials == ["MODE_FORBIDS"]
    assert run.risk.stop == "DRAWDOWN"
    assert locks(run) == ["fall"]


def test_a_deposit_is_no_gain_to_fall_from() -> None:
    run = session({1: lambda v: [buy(v, "5")]}, FALL)
    run.flat(100, 3)

    run.tell(Deposit(ACCOUNT, run.instruments[0].quote, "-400", "out"))
    run.bar(100)

    assert locks(run) == []


# --- what a lock never touches


def test_e111_exits_cancels_stops_and_flattening_go_on_while_all_is_locked() -> None:
    plan = {
        1: lambda v: [buy(v, "3"), buy(v, "1", LIMIT, limit_price="60")],
        5: lambda v: [sell(v, "1"), buy(v)],
        6: lambda v: [cancel(v)],
        7: lambda v: [sell(v, "1", STOP, trigger_price="80")],
    }
    run = session(plan, FALL)
    run.flat(100, 3)
    run.bar(100, 100, 80, 80)
    assert locks(run) == ["fall"]

    run.flat(85, 4)
    states = [order.state for order in run.orders]
    run.tell(Flatten(ACCOUNT, ADA, confirmed=True))
    run.flat(85, 3)

    assert run.denials == ["PROTECTION_LOCKED"]
    filled, cancelled, accepted = OrderState.FILLED, OrderState.CANCELED, OrderState.ACCEPTED
    assert states == [filled, cancelled, filled, accepted]
    assert run.position("s").quantity == 0


def test_e111_a_stop_that_hangs_on_an_entry_is_sent_while_locked() -> None:
    """The entry was approved before the lock, and fills after it."""
    plan = {
        1: lambda v: [buy(v, "5")],
        2: lambda v: [buy(v, "1", LIMIT, limit_price="85", stop_loss="70")],
    }
    run = session(plan, FALL)
    run.flat(100, 3)
    run.bar(100, 100, 90, 90)
    assert locks(run) == ["fall"]

    run.bar(90, 90, 80, 82)

    protecting = [order for order in run.orders if order.spec.parent is not None]
    assert [order.state for order in protecting] == [OrderState.ACCEPTED]


def test_e111_a_working_entry_may_be_made_smaller_and_not_larger_while_locked() -> None:
    plan = {
        1: lambda v: [buy(v, "5")],
        2: lambda v: [buy(v, "2", LIMIT, limit_price="60")],
        4: lambda v: [change(v, quantity="3")],
        5: lambda v: [change(v, quantity="1")],
    }
    run = session(plan, FALL)

    run.flat(100, 3)
    run.bar(100, 100, 90, 90)
    run.flat(90, 2)

    assert run.denials == ["PROTECTION_LOCKED"]
    assert run.orders[1].quantity == 1


# --- ended by a person


def test_e113_a_person_lifts_a_lock_by_a_command_and_nobody_else() -> None:
    plan = dict.fromkeys((4, 5, 6), lambda v: [buy(v)]) | {1: lambda v: [buy(v, "5")]}
    run = session(plan, FALL)
    run.flat(100, 3)
    run.bar(100, 100, 90, 90)

    ignored = run.tell(LiftLock(ACCOUNT, "engine", "fall"))
    run.bar(90)
    lifted = run.tell(LiftLock(ACCOUNT, ADA, "fall"))
    again = run.tell(LiftLock(ACCOUNT, ADA, "fall"))
    run.bar(90)

    assert (ignored, again) == ([], [])
    assert lifted == [ProtectionLifted(ACCOUNT, Nanos(5 * MINUTE_NS), "fall", "fall", ADA)]
    assert run.denials == ["PROTECTION_LOCKED"] * 2
    assert run.risk.locks == {}


def test_a_lift_where_no_protection_is_configured_changes_nothing() -> None:
    assert session({}).tell(LiftLock(ACCOUNT, ADA, "fall")) == []


# --- the same however it was reached


def a_locked_session() -> TradingSession:
    """A cool-down, a guard, a fall and a lift; an open trade, and a lock that lasts."""
    weak = LowProfit(name="weak", trades=2, lock_ns=30 * MINUTE_NS, scope=Scope.LINE)
    bracket = lambda v: [buy(v, stop_loss="95")]  # noqa: E731  # a plan's lines are such
    plan = {9: bracket, 17: lambda v: [buy(v, "2")], 19: lambda v: [buy(v)]}
    rest = msgspec.structs.replace(REST, lock_ns=MINUTE_NS)
    fall = msgspec.structs.replace(FALL, drawdown_frac=0.01)
    run = stopped_twice(STOPS, rest, fall, weak, plan=plan)
    run.flat(100, 1)
    run.tell(LiftLock(ACCOUNT, ADA, "stops"))
    run.tell(LiftLock(ACCOUNT, ADA, f"weak:s:{COINUSDT}"))
    run.flat(100, 10)
    run.bar(100, 100, 98, 98)
    return run


@pytest.mark.parametrize("fold", [False, True])
def test_i12_a_restart_gives_the_same_locks_and_the_same_state(fold: bool) -> None:
    stayed, again = a_locked_session(), a_locked_session()
    assert {fact.kind for fact in stayed.of(ProtectionLocked)} >= {
        "cool-down",
        "stop-loss-guard",
        "low-profit",
    }
    for run in (stayed, again):
        run.tell(Checkpoint(ACCOUNT))
    state = again.engine.money_state()

    again.restarted(fold=fold)
    again.resumed(epoch=0)

    assert again.engine.money_state() == state
    assert again.risk.locks == stayed.risk.locks
    marker = len(stayed.facts), len(again.facts)
    for run in (stayed, again):
        run.bar(98, 98, 90, 92)
        run.flat(92, 3)
    assert stayed.facts[marker[0] :] == again.facts[marker[1] :]
    assert stayed.engine.state_hash() == again.engine.state_hash()


def test_i12_locks_of_a_snapshot_and_the_later_facts_are_those_of_all_facts() -> None:
    whole = a_locked_session()
    for cut in range(0, len(whole.facts), 7):
        first, second = (Engine(whole.config, whole.classes) for _ in range(2))
        for fact in whole.facts[:cut]:
            first.fold(fact)
        if isinstance(whole.facts[cut], PositionChanged):
            continue  # a snapshot is taken between steps: a fill and its booking are one
        second.restore_money(first.money_state())
        for engine in (first, second):
            for fact in whole.facts[cut:]:
                engine.fold(fact)

        assert first.state_hash() == second.state_hash()


def test_i13_the_recorded_inputs_give_the_same_locks_again() -> None:
    run = a_locked_session()
    engine = Engine(run.config, run.classes)

    steps = [engine.step(taken.key, taken.event) for taken in run.taken]

    assert steps == [taken.step for taken in run.taken]
    assert any(isinstance(fact, ProtectionLifted) for step in steps for fact in step.facts)


# --- lulls


def patient(*protections: Protection, **more: Any) -> Play:
    """A third of the money in one coin for good, after twenty bars."""
    tape = a_walk(3, 600, step_bps=20.0)
    run = Run(Patient, {"hold": 10_000, "idle": 10})
    play = Play(Case(tape, [run], cash="300", protections=protections, **more))
    part = next(parts(tape.series[0]))
    for at in range(20):
        play.session.bars(part.event(at))
    return play


def test_i12_a_lull_ends_before_the_bar_on_which_equity_has_fallen_too_far() -> None:
    fall = msgspec.structs.replace(FALL, drawdown_frac=0.01)
    play, witness = patient(fall), patient(fall)
    tape = a_walk(3, 600, step_bps=20.0)
    part = next(parts(tape.series[0]))

    count = play.lulls.take([part], 20, 400)
    for at in range(20, 21 + count):
        witness.session.bars(part.event(at))

    assert 0 < count < 400
    assert not play.of(ProtectionLocked)
    assert [fact.ts for fact in witness.of(ProtectionLocked)] == [part.ts_close[20 + count]]
    play.session.bars(part.event(20 + count))
    assert play.engine.state_hash() == witness.engine.state_hash()
    assert repr(play.engine.desk.accounts[0].guard) == repr(witness.engine.desk.accounts[0].guard)


def test_a_denial_of_a_lock_reads_with_its_figures() -> None:
    run = stopped_twice(STOPS, plan={7: lambda v: [buy(v)]})
    run.bar(100)

    (fact,) = run.of(OrderDenied)

    assert sentence(fact.denied) == (
        "a protection lets nothing be opened: stops until 1970-01-01 00:15:59 UTC:"
        " 2 stop-loss exits within 1d reach 2"
    )


def test_a_standing_no_of_a_lock_is_said_once_to_a_signal_strategy() -> None:
    run = TradingSession({"s": ByColour}, protections=[REST])

    bars: Sequence[tuple[float, ...]] = [(99, 100, 99, 100), (100, 100, 99, 99), (99, 99, 98, 98)]
    for bar in bars:
        run.bar(*bar)
    for _ in range(8):
        run.bar(98, 99, 98, 99)

    assert run.denials == ["PROTECTION_LOCKED"]
    assert len([f for f in run.of(OrderFilled) if f.side is Side.BUY]) == 2
