"""When a protection that looks at closed trades locks: at its bound, and not one earlier."""

import pytest
from tests.support.builders import BTCUSDT, EMA
from tests.support.guarded import ETHUSDT, RSI, GuardedAccount

from botcore.domain.ids import MINUTE_NS
from botcore.risk import CoolDown, Counted, LowProfit, Scope, StopLossGuard

HOUR = 60 * MINUTE_NS
FAR = LowProfit(name="far", trades=1_000, lookback_ns=100 * HOUR)
"""Looks back so far that what the other rule may not count is remembered all the same."""


def guarded(**values: object) -> GuardedAccount:
    defaults = {"exits": 3, "lookback_ns": HOUR, "lock_ns": HOUR}
    return GuardedAccount(FAR, StopLossGuard(name="guard", **(defaults | values)))  # type: ignore[arg-type]  # any values


def weak(**values: object) -> GuardedAccount:
    defaults = {"trades": 2, "lookback_ns": HOUR, "lock_ns": HOUR}
    return GuardedAccount(FAR, LowProfit(name="weak", **(defaults | values)))  # type: ignore[arg-type]  # any values


# --- cool-down


def test_e112_a_close_locks_the_strategy_on_the_instrument_until_the_time_is_over() -> None:
    account = GuardedAccount(CoolDown(name="rest", lock_ns=5 * MINUTE_NS))

    (fact,) = account.trade(10, "2.5")

    assert (fact.lock, fact.kind) == (f"rest:{EMA}:{BTCUSDT}", "cool-down")
    assert fact.cause == "its position was closed at 1970-01-01 00:10 with 2.50 after fees"
    assert (fact.ts, fact.until) == (10 * MINUTE_NS, 15 * MINUTE_NS)
    assert account.denies(15 - 1e-6)
    assert not account.denies(15)
    assert not account.denies(10, RSI)
    assert not account.denies(10, EMA, ETHUSDT)


def test_a_cool_down_of_an_instrument_locks_every_strategy_on_it() -> None:
    account = GuardedAccount(CoolDown(name="rest", scope=Scope.INSTRUMENT))

    (fact,) = account.trade(10)

    assert fact.lock == f"rest:{BTCUSDT}"
    assert account.denies(10, RSI)
    assert not account.denies(10, RSI, ETHUSDT)


# --- stop-loss guard


def test_e112_so_many_losing_exits_lock_and_one_less_does_not() -> None:
    account = guarded(counts=Counted.LOSSES)

    before = [*account.trade(1), *account.trade(2)]
    (fact,) = account.trade(3)

    assert before == []
    assert fact.lock == "guard"
    assert fact.cause == "3 losing exits within 1h reach 3"
    assert (fact.strategy, fact.instrument) == (None, None)
    assert fact.until == 63 * MINUTE_NS


@pytest.mark.parametrize(("first", "is_locked"), [(4, True), (3, False)])
def test_e112_an_exit_counts_while_it_is_younger_than_the_look_back(
    first: int, is_locked: bool
) -> None:
    account = guarded(counts=Counted.LOSSES)
    account.trade(first)
    account.trade(30)

    assert bool(account.trade(63)) is is_locked


@pytest.mark.parametrize(
    ("counts", "stop", "profit", "is_counted"),
    [
        (Counted.STOPS, True, "-0.00000001", True),
        (Counted.STOPS, True, "0", False),
        (Counted.STOPS, True, "3", False),
        (Counted.STOPS, False, "-3", False),
        (Counted.LOSSES, False, "-0.00000001", True),
        (Counted.LOSSES, True, "-3", True),
        (Counted.LOSSES, False, "0", False),
    ],
)
def test_e112_what_a_guard_counts(
    counts: Counted, stop: bool, profit: str, is_counted: bool
) -> None:
    account = guarded(exits=1, counts=counts)

    assert bool(account.trade(1, profit, stop=stop)) is is_counted


def test_an_exit_that_does_not_count_locks_nothing_though_others_do() -> None:
    account = guarded(exits=1, lock_ns=MINUTE_NS)
    account.trade(1, stop=True)

    assert account.trade(5, "4") == []


@pytest.mark.parametrize(
    ("scope", "counted_with", "lock"),
    [
        (Scope.ACCOUNT, {"same", "other instrument", "other strategy"}, "guard"),
        (Scope.INSTRUMENT, {"same", "other strategy"}, f"guard:{BTCUSDT}"),
        (Scope.STRATEGY, {"same", "other instrument"}, f"guard:{EMA}"),
        (Scope.LINE, {"same"}, f"guard:{EMA}:{BTCUSDT}"),
    ],
)
def test_e112_exits_are_counted_where_the_scope_says(
    scope: Scope, counted_with: set[str], lock: str
) -> None:
    lines = {
        "same": (EMA, BTCUSDT),
        "other instrument": (EMA, ETHUSDT),
        "other strategy": (RSI, BTCUSDT),
    }

    for name, (strategy, instrument) in lines.items():
        account = guarded(exits=2, counts=Counted.LOSSES, scope=scope)
        account.trade(1, strategy=strategy, instrument=instrument)
        made = account.trade(2)

        assert [fact.lock for fact in made] == ([lock] if name in counted_with else []), name


def test_a_further_loss_while_locked_makes_the_lock_last_longer() -> None:
    account = guarded(exits=1, counts=Counted.LOSSES)
    account.trade(1)

    (fact,) = account.trade(20)

    assert fact.until == 80 * MINUTE_NS
    (lock,) = account.guard.locks.values()
    assert (lock.since, lock.until) == (1 * MINUTE_NS, 80 * MINUTE_NS)


def test_after_its_lock_one_more_loss_locks_again_while_the_others_count() -> None:
    account = guarded(exits=2, counts=Counted.LOSSES, lock_ns=5 * MINUTE_NS)
    account.trade(1)
    account.trade(2)

    assert not account.denies(7)
    assert account.trade(30)
    (lock,) = account.guard.locks.values()
    assert lock.since == 30 * MINUTE_NS


# --- low profit


@pytest.mark.parametrize(
    ("profits", "is_locked"),
    [(("3", "-3.00000001"), True), (("3", "-3"), False), (("-1", "4"), False)],
)
def test_e112_trades_below_the_bound_lock_and_those_on_it_do_not(
    profits: tuple[str, str], is_locked: bool
) -> None:
    account = weak()
    account.trade(1, profits[0])

    assert bool(account.trade(2, profits[1])) is is_locked


@pytest.mark.parametrize(("second", "is_locked"), [("1.99999999", True), ("2", False)])
def test_e112_profit_is_measured_on_what_the_entries_cost(second: str, is_locked: bool) -> None:
    account = weak(profit_frac_min=0.01)
    account.trade(1, "1", stake=100)

    made = account.trade(2, second, stake=200)

    assert bool(made) is is_locked
    if made:
        assert made[0].cause == "2 trades within 1h earned 3.00 on 300.00, less than 1.00%"


def test_e112_one_trade_too_few_is_no_verdict() -> None:
    account = weak(trades=3)

    assert account.trade(1, "-50") == []
    assert account.trade(2, "-50") == []
    assert account.trade(3, "1")


@pytest.mark.parametrize(("first", "is_locked"), [(4, True), (3, False)])
def test_e112_a_trade_counts_while_it_is_younger_than_the_look_back(
    first: int, is_locked: bool
) -> None:
    account = weak()
    account.trade(first, "-5")

    assert bool(account.trade(63, "-5")) is is_locked


def test_e112_low_profit_is_each_instruments_own() -> None:
    account = weak()
    account.trade(1, "-5", instrument=ETHUSDT)

    assert account.trade(2, "-5") == []
    (fact,) = account.trade(3, "-5", strategy=RSI)

    assert fact.lock == f"weak:{BTCUSDT}"
    assert account.denies(3, EMA)
    assert not account.denies(3, EMA, ETHUSDT)


def test_low_profit_can_be_each_strategys_own_on_the_instrument() -> None:
    account = weak(scope=Scope.LINE)
    account.trade(1, "-5", strategy=RSI)

    assert account.trade(2, "-5") == []
    assert [fact.lock for fact in account.trade(3, "-5")] == [f"weak:{EMA}:{BTCUSDT}"]


# --- fills that are heard of late


@pytest.mark.parametrize(("heard", "is_locked"), [(14, True), (15, False)])
def test_e113_a_lock_runs_from_the_fill_also_where_it_is_heard_of_late(
    heard: int, is_locked: bool
) -> None:
    account = GuardedAccount(CoolDown(name="rest", lock_ns=5 * MINUTE_NS))

    made = account.trade(10, heard=heard)

    assert [fact.until for fact in made] == ([15 * MINUTE_NS] if is_locked else [])
