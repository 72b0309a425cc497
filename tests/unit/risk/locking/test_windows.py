"""The look-back of equity: its highest, the fall from it, and where its window begins and ends."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.guarded import ADA, GuardedAccount

from botcore.domain.ids import MINUTE_NS
from botcore.risk import DrawdownGuard
from botcore.risk.locking.windows import SLICES, EquityWindow

HOUR = 60 * MINUTE_NS
LOOKBACK = SLICES * MINUTE_NS
"""A slice is a minute."""


def falling(**values: object) -> GuardedAccount:
    defaults = {"trades": 0, "lookback_ns": LOOKBACK, "lock_ns": HOUR, "drawdown_frac": 0.1}
    return GuardedAccount(DrawdownGuard(name="fall", **(defaults | values)))  # type: ignore[arg-type]  # any values


@pytest.mark.parametrize(("equity", "is_locked"), [(900.01, False), (900.0, True)])
def test_e112_equity_that_has_fallen_to_the_bound_locks_the_account(
    equity: float, is_locked: bool
) -> None:
    account = falling()
    account.mark(1, 800.0)
    account.mark(2, 1_000.0)

    made = account.mark(3, equity)

    assert [fact.lock for fact in made] == (["fall"] if is_locked else [])
    assert bool(account.denies(3)) is is_locked
    if made:
        assert made[0].cause == (
            "equity 900.00 fell 10.00% from 1000.00, its highest within 48m; 10.00% is allowed"
        )
        assert made[0].until == 63 * MINUTE_NS


@pytest.mark.parametrize(("minute", "is_locked"), [(50, True), (51, False)])
def test_e112_the_highest_leaves_with_its_slice(minute: int, is_locked: bool) -> None:
    """A slice of the look-back is let go of whole: once its end is as old as the look-back."""
    account = falling()
    account.mark(2, 1_000.0)
    account.mark(3, 950.0)

    assert bool(account.mark(minute, 880.0)) is is_locked


@pytest.mark.parametrize(("closes", "is_locked"), [([10], False), ([10, 11], True)])
def test_e112_it_waits_for_enough_closed_trades(closes: list[int], is_locked: bool) -> None:
    account = falling(trades=2)
    account.mark(1, 1_000.0)
    for minute in closes:
        account.trade(minute, "1")

    assert bool(account.mark(12, 800.0)) is is_locked


@pytest.mark.parametrize(("minute", "is_locked"), [(57, True), (58, False)])
def test_e112_trades_count_while_they_are_younger_than_the_look_back(
    minute: int, is_locked: bool
) -> None:
    account = falling(trades=2)
    account.trade(10)
    account.trade(20)
    account.mark(30, 1_000.0)

    assert bool(account.mark(minute, 800.0)) is is_locked


def test_e113_a_fall_that_has_locked_is_not_counted_again_after_the_lock() -> None:
    account = falling()
    account.mark(1, 1_000.0)
    account.mark(2, 800.0)

    assert account.mark(30, 500.0) == []
    assert account.mark(62, 780.0) == [], "the first mark after the lock"
    assert account.mark(63, 702.01) == []
    assert account.mark(64, 702.0)


def test_e113_after_a_lift_the_fall_is_measured_anew() -> None:
    account = falling()
    account.mark(1, 1_000.0)
    account.mark(2, 800.0)

    assert account.lift("fall", 3, ADA)

    assert not account.denies(3)
    assert account.mark(3, 800.0) == []
    assert account.mark(4, 720.0)


def test_money_from_outside_is_no_fall() -> None:
    account = falling()
    account.mark(1, 1_000.0)

    account.guard.move_by(-500.0)

    assert account.mark(2, 500.0) == []
    assert account.mark(3, 450.0)


def test_an_account_without_money_has_not_fallen() -> None:
    account = falling()

    assert account.mark(1, 0.0) == []
    assert account.mark(2, 0.0) == []


marks = st.lists(
    st.tuples(
        st.integers(1, 90), st.one_of(st.floats(80.0, 120.0), st.sampled_from([90.0, 100.0]))
    ),
    min_size=1,
    max_size=40,
)


def stamped(marks: list[tuple[int, float]]) -> tuple[list[int], list[float]]:
    """Stamps that ascend by so many seconds each, and equity."""
    ts, stamps = 0, []
    for step, _ in marks:
        ts += step * 10**9
        stamps.append(ts)
    return stamps, [equity for _, equity in marks]


@given(
    marks=marks,
    seen=st.integers(0, 10),
    frac=st.sampled_from([0.05, 0.1, 0.2]),
    minutes=st.sampled_from([1, 3, 48]),
    begins=st.sampled_from([0, 100 * 10**9]),
    trades_until=st.sampled_from([-1, 200 * 10**9, 1 << 62]),
)
@example(
    marks=[(1, 100.0), (1, 90.0)], seen=1, frac=0.1, minutes=48, begins=0, trades_until=1 << 62
)
def test_marks_together_are_marks_one_by_one(
    marks: list[tuple[int, float]],
    seen: int,
    frac: float,
    minutes: int,
    begins: int,
    trades_until: int,
) -> None:
    rule = DrawdownGuard(name="fall", drawdown_frac=frac, lookback_ns=minutes * MINUTE_NS)
    window, witness = EquityWindow(rule), EquityWindow(rule)
    stamps, equity = stamped(marks)
    for each in (window, witness):
        each.restart(begins)
        each.counts_until = trades_until
        for ts, mark in zip(stamps[:seen], equity[:seen], strict=True):
            each.mark(ts, mark)
    before = window.highs
    stamps, equity = stamps[seen:], equity[seen:]
    if not stamps:
        return

    quiet = window.quiet(stamps, equity)

    assert window.highs == before
    window.pass_over(stamps[:quiet], equity[:quiet])
    assert not any(
        witness.mark(ts, mark) for ts, mark in zip(stamps[:quiet], equity[:quiet], strict=True)
    )
    assert (window.highs, window.high, window.floor) == (
        witness.highs,
        witness.high,
        witness.floor,
    )
    assert quiet == len(stamps) or witness.mark(stamps[quiet], equity[quiet])


@given(marks=marks, minutes=st.sampled_from([1, 3, 48]))
def test_the_highest_is_that_of_the_look_back_or_of_a_slice_more(
    marks: list[tuple[int, float]], minutes: int
) -> None:
    lookback = minutes * MINUTE_NS
    window = EquityWindow(DrawdownGuard(name="fall", lookback_ns=lookback))
    stamps, equity = stamped(marks)

    for count, (ts, mark) in enumerate(zip(stamps, equity, strict=True), 1):
        window.mark(ts, mark)
        seen = list(zip(stamps[:count], equity[:count], strict=True))
        surely = max(each for at, each in seen if at > ts - lookback)
        at_most = max(each for at, each in seen if at > ts - lookback - lookback // SLICES * 2)
        assert surely <= window.high <= at_most


@given(marks=marks, minutes=st.sampled_from([1, 3, 48]))
def test_what_is_taken_from_its_highs_goes_on_as_the_one_that_never_stopped(
    marks: list[tuple[int, float]], minutes: int
) -> None:
    rule = DrawdownGuard(name="fall", trades=0, lookback_ns=minutes * MINUTE_NS)
    stayed, again = EquityWindow(rule), EquityWindow(rule)
    stamps, equity = stamped(marks)
    half = len(stamps) // 2
    for ts, mark in zip(stamps[:half], equity[:half], strict=True):
        stayed.mark(ts, mark)

    again.take(stayed.highs)

    for ts, mark in zip(stamps[half:], equity[half:], strict=True):
        assert again.mark(ts, mark) is stayed.mark(ts, mark)
        assert again.highs == stayed.highs
