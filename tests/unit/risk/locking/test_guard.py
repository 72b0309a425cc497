"""The guard: which lock denies, who ends one, and the same state however it was reached."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders import BTCUSDT, EMA, MAIN, a_key, an_order
from tests.support.fake_risk_view import FakeRiskView
from tests.support.guarded import ADA, ETHUSDT, RSI, GuardedAccount
from tests.support.risk_desk import RiskDesk

from botcore.domain.decisions import Approved, Denied
from botcore.domain.events import ProtectionLifted, ProtectionLocked
from botcore.domain.ids import MINUTE_NS, InstrumentId, Nanos, StrategyId
from botcore.domain.orders import OrderType, Side
from botcore.risk import (
    CoolDown,
    Counted,
    DrawdownGuard,
    LowProfit,
    Protection,
    Scope,
    StopLossGuard,
    protection_of,
    sentence,
)

REST = CoolDown(name="rest", lock_ns=5 * MINUTE_NS)
LOSSES = StopLossGuard(
    name="losses", exits=2, counts=Counted.LOSSES, lookback_ns=60 * MINUTE_NS, lock_ns=9 * MINUTE_NS
)
WEAK = LowProfit(name="weak", trades=2, lookback_ns=90 * MINUTE_NS, lock_ns=15 * MINUTE_NS)
FALL = DrawdownGuard(
    name="fall", drawdown_frac=0.05, lookback_ns=96 * MINUTE_NS, lock_ns=7 * MINUTE_NS
)
ALL = (REST, LOSSES, WEAK, FALL)


def locked(
    until: int,
    *,
    protection: str = "rest",
    strategy: StrategyId | None = EMA,
    instrument: InstrumentId | None = BTCUSDT,
) -> ProtectionLocked:
    """A lock from the beginning of time to a minute."""
    name = ":".join(part for part in (protection, strategy, instrument) if part)
    until_ns = Nanos(until * MINUTE_NS)
    return ProtectionLocked(
        MAIN, Nanos(0), name, protection, "cool-down", strategy, instrument, until_ns, "because"
    )


def a_desk(*facts: ProtectionLocked, **view: Any) -> RiskDesk:
    desk = RiskDesk(FakeRiskView(**view), [REST, LOSSES])
    for fact in facts:
        desk.gate.fold(fact)
    return desk


# --- at the gate


def test_e111_an_entry_is_denied_with_protection_cause_and_end() -> None:
    desk = a_desk(locked(90))

    denied = desk.denied(ts=60 * MINUTE_NS)

    assert (denied.code, denied.value) == ("PROTECTION_LOCKED", 30 * 60)
    assert sentence(denied) == (
        "a protection lets nothing be opened: rest until 1970-01-01 01:30 UTC: because"
    )
    assert protection_of(denied.detail) == "rest"


@pytest.mark.parametrize(
    ("wish", "held"),
    [
        ({"side": Side.SELL, "quantity": 5}, "5"),
        ({"side": Side.SELL, "quantity": 5, "reduce_only": True}, "5"),
        ({"side": Side.SELL, "type": OrderType.STOP, "trigger_price": 90.0, "quantity": 1}, "5"),
        ({"side": Side.BUY, "quantity": 2}, "-2"),
        ({"side": Side.BUY, "quantity": 2, "reduce_only": True}, "-2"),
    ],
)
def test_e111_what_only_reduces_passes_every_lock(wish: dict[str, Any], held: str) -> None:
    everywhere = locked(90, protection="losses", strategy=None, instrument=None)
    desk = a_desk(locked(90), everywhere, held=Decimal(held))

    assert desk.code(**wish) == ""


def test_e111_what_reduces_and_then_opens_is_denied() -> None:
    desk = a_desk(locked(90), held=Decimal(-2))

    assert desk.code(quantity=2) == ""
    assert desk.code(quantity=3) == "PROTECTION_LOCKED"


def test_e111_an_entry_that_works_may_be_made_smaller_and_not_larger() -> None:
    desk = a_desk(locked(90))

    larger = desk.replace(quantity=12)

    assert getattr(larger, "code", "") == "PROTECTION_LOCKED"
    assert getattr(desk.replace(quantity=8), "code", "") == ""
    assert getattr(desk.replace(limit_price=99.0), "code", "") == ""


def test_e111_a_way_out_that_works_may_be_made_larger() -> None:
    desk = a_desk(locked(90), held=Decimal(-2))
    order = an_order("2", reduce_only=True)

    assert not isinstance(desk.replace(order, quantity=3), Denied)
    assert isinstance(desk.replace(an_order("2"), quantity=3), Denied)


@pytest.mark.parametrize(
    ("strategy", "instrument", "denied"),
    [
        (EMA, BTCUSDT, {"line", "strategy", "instrument", "account"}),
        (EMA, ETHUSDT, {"strategy", "account"}),
        (RSI, BTCUSDT, {"instrument", "account"}),
        (RSI, ETHUSDT, {"account"}),
    ],
)
def test_e111_a_lock_covers_what_it_names(
    strategy: StrategyId, instrument: InstrumentId, denied: set[str]
) -> None:
    of = {
        "line": locked(9),
        "strategy": locked(9, instrument=None),
        "instrument": locked(9, strategy=None),
        "account": locked(9, strategy=None, instrument=None),
    }

    found = {
        name
        for name, fact in of.items()
        if a_desk(fact).code(strategy=strategy, instrument=instrument) == "PROTECTION_LOCKED"
    }

    assert found == denied


def test_the_lock_that_ends_last_is_told() -> None:
    account = GuardedAccount(*ALL)
    for fact in (locked(9), locked(12, protection="losses", strategy=None, instrument=None)):
        account.guard.fold_locked(fact)

    lock = account.denies(1)

    assert lock is not None
    assert (lock.protection, lock.scope) == ("losses", "the account")
    assert {each.scope for each in account.guard.locks.values()} == {
        "the account",
        f"strategy {EMA} on {BTCUSDT}",
    }


def test_e113_a_lock_ends_by_itself_at_its_instant() -> None:
    desk = a_desk(locked(90))

    assert desk.code(ts=90 * MINUTE_NS - 1) == "PROTECTION_LOCKED"
    assert desk.code(ts=90 * MINUTE_NS) == ""


# --- ended by a person


def test_e113_a_person_ends_a_lock_and_nobody_else_does() -> None:
    account = GuardedAccount(REST)
    account.trade(1)
    name = f"rest:{EMA}:{BTCUSDT}"

    refused = [account.lift(name, 2, by) for by in ("risk", "engine", "ada", "")]
    fact = account.lift(name, 2, ADA)

    assert refused == [None] * 4
    assert fact == ProtectionLifted(MAIN, Nanos(2 * MINUTE_NS), name, "rest", ADA)
    assert not account.denies(2)
    assert account.guard.locks == {}


@pytest.mark.parametrize("lock", ["rest", f"rest:{EMA}", "", "no such lock"])
def test_a_lock_that_is_not_there_cannot_be_lifted(lock: str) -> None:
    account = GuardedAccount(REST)
    account.trade(1)

    assert account.lift(lock, 2) is None


def test_a_lock_that_has_ended_cannot_be_lifted() -> None:
    account = GuardedAccount(REST)
    account.trade(1)

    assert account.lift(f"rest:{EMA}:{BTCUSDT}", 6) is None


def test_e113_what_made_a_lifted_lock_makes_no_other() -> None:
    account = GuardedAccount(LOSSES)
    account.trade(1)
    account.trade(2)
    account.lift("losses", 3)

    assert account.trade(4) == []
    assert account.trade(5)


def test_a_lift_forgives_its_own_lock_only() -> None:
    each = StopLossGuard(
        name="each", exits=2, counts=Counted.LOSSES, scope=Scope.INSTRUMENT, lock_ns=MINUTE_NS
    )
    account = GuardedAccount(each)
    account.trade(1)
    account.trade(1, instrument=ETHUSDT)
    account.trade(2)
    account.lift(f"each:{BTCUSDT}", 2)

    assert account.trade(3) == []
    assert account.trade(3, instrument=ETHUSDT)


# --- the same however it was reached

acts = st.lists(
    st.one_of(
        st.tuples(
            st.just("trade"),
            st.integers(-40, 40),
            st.sampled_from([EMA, RSI]),
            st.sampled_from([BTCUSDT, ETHUSDT]),
            st.booleans(),
        ),
        st.tuples(st.just("mark"), st.integers(850, 1_100)),
        st.tuples(st.just("lift"), st.integers(0, 5)),
        st.tuples(st.just("wait"), st.integers(1, 40)),
        st.tuples(st.just("move"), st.sampled_from([-50.0, 50.0])),
    ),
    max_size=40,
)


def played(acts: list[Any], account: GuardedAccount, minute: int = 0) -> int:
    """Let all that happen, a minute each; return the minute after it."""
    for act, *values in acts:
        minute += 1
        if act == "trade":
            profit, strategy, instrument, stop = values
            account.trade(minute, profit, strategy=strategy, instrument=instrument, stop=stop)
        elif act == "mark":
            account.mark(minute, float(values[0]))
        elif act == "lift":
            names = sorted(account.guard.locks)
            if names:
                account.lift(names[values[0] % len(names)], minute)
        elif act == "wait":
            minute += values[0]
        else:
            account.guard.move_by(values[0])
    return minute


rules = st.lists(st.sampled_from(ALL), unique=True).map(tuple)


@given(acts=acts, rules=rules)
def test_i12_locks_folded_from_facts_are_the_live_ones(
    acts: list[Any], rules: tuple[Protection, ...]
) -> None:
    account, again = GuardedAccount(*rules), GuardedAccount(*rules)
    played(acts, account)

    for fact in account.facts:
        if isinstance(fact, ProtectionLocked):
            again.guard.fold_locked(fact)
        else:
            again.guard.fold_lifted(fact)

    assert again.guard.state().locks == account.guard.state().locks
    assert again.guard.state().forgiven == account.guard.state().forgiven
    assert {w.rule.name: w.begins for w in again.guard.windows} == {
        w.rule.name: w.begins for w in account.guard.windows
    }


@given(acts=acts, more=acts, rules=rules)
def test_i12_a_restored_guard_goes_on_as_the_one_that_never_stopped(
    acts: list[Any], more: list[Any], rules: tuple[Protection, ...]
) -> None:
    stayed, again = RiskDesk(None, rules), RiskDesk(None, rules)
    account = GuardedAccount(*rules)
    if stayed.account.guard is None:
        assert "guard" not in stayed.gate.state()[MAIN]
        return
    account.guard = stayed.account.guard
    minute = played(acts, account)

    again.gate.restore(json.loads(json.dumps(stayed.gate.state())))
    restored = GuardedAccount(*rules)
    assert again.account.guard is not None
    restored.guard = again.account.guard
    restored._earned = dict(account._earned)

    assert again.gate.state() == stayed.gate.state()
    known = len(account.facts)
    assert played(more, account, minute) == played(more, restored, minute)
    assert restored.facts == account.facts[known:]
    assert again.gate.state() == stayed.gate.state()


@given(acts=acts, rules=rules)
def test_e113_every_lock_ends(acts: list[Any], rules: tuple[Protection, ...]) -> None:
    account = GuardedAccount(*rules)
    minute = played(acts, account)

    longest = max((rule.lock_ns for rule in rules), default=0) // MINUTE_NS

    for strategy in (EMA, RSI):
        for instrument in (BTCUSDT, ETHUSDT):
            assert account.denies(minute + longest, strategy, instrument) is None
    for fact in account.facts:
        if isinstance(fact, ProtectionLocked):
            assert fact.ts < fact.until <= fact.ts + longest * MINUTE_NS


@given(
    acts=acts,
    held=st.integers(-50, 50),
    quantity=st.integers(1, 60),
    side=st.sampled_from(Side),
    reduce_only=st.booleans(),
)
def test_e111_a_lock_never_denies_an_order_that_only_reduces(
    acts: list[Any], held: int, quantity: int, side: Side, reduce_only: bool
) -> None:
    position = Decimal(held)
    desk = RiskDesk(FakeRiskView(held=position), ALL, order_frac=100.0,
                    instrument_frac=100.0, account_frac=100.0, strategy_frac=100.0)  # fmt: skip
    account = GuardedAccount(*ALL)
    assert desk.account.guard is not None
    account.guard = desk.account.guard
    minute = played(acts, account)
    lock = account.denies(minute)

    decision = desk.check(
        ts=minute * MINUTE_NS, side=side, quantity=quantity, reduce_only=reduce_only
    )

    reduces = reduce_only or (position * side.sign < 0 and quantity <= abs(position))
    code = "" if isinstance(decision, Approved) else decision.code
    if lock is None or reduces or side is Side.SELL:
        assert code != "PROTECTION_LOCKED"
    elif quantity * 100 < 9_000:
        assert code == "PROTECTION_LOCKED"


# --- configured otherwise than before


def test_a_protection_that_is_taken_away_takes_its_locks_with_it() -> None:
    before, after = GuardedAccount(REST, LOSSES), GuardedAccount(LOSSES)
    before.trade(1)
    before.trade(2)

    after.guard.restore(before.guard.state())
    folded = GuardedAccount(LOSSES)
    for fact in before.facts:
        assert isinstance(fact, ProtectionLocked)
        folded.guard.fold_locked(fact)

    assert list(after.guard.locks) == list(folded.guard.locks) == ["losses"]


def test_a_state_of_a_release_without_protections_is_read() -> None:
    desk = RiskDesk(None, ALL)
    state = RiskDesk().gate.state()

    desk.gate.restore(state)

    assert desk.account.locks == {}
    assert desk.code() == ""


def test_a_state_with_protections_is_read_where_none_is_configured() -> None:
    guarded = RiskDesk(None, ALL)
    guarded.gate.fold(locked(9))
    desk = RiskDesk()

    desk.gate.restore(guarded.gate.state())
    desk.gate.fold(locked(9))

    assert desk.account.locks == {}
    assert desk.code() == ""


def test_what_has_ended_is_forgotten_with_the_next_lock() -> None:
    account = GuardedAccount(REST)
    account.trade(1)
    account.trade(6, instrument=ETHUSDT)

    assert list(account.guard.locks) == [f"rest:{EMA}:{ETHUSDT}"]


def test_a_lift_of_the_gate_is_of_a_known_account_with_protections() -> None:
    guarded, bare = a_desk(locked(90)), RiskDesk()

    name = f"rest:{EMA}:{BTCUSDT}"

    assert bare.gate.lift_lock(MAIN, name, by=ADA, at=a_key()) is None
    assert guarded.gate.lift_lock(MAIN, name, by=ADA, at=a_key()) is not None
    assert guarded.code() == ""
