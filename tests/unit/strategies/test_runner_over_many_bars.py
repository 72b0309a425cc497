"""Bars taken together: as one by one to the bit, and taken back without a trace."""

from collections.abc import Mapping
from math import isnan, nan

import pytest
from tests.support.lulls import Patient
from tests.unit.strategies.tapes import BarValues, flat, random_walk

from botcore.strategies import DECISION, SIGNAL_LIBRARY, SignalRunner, SignalStrategy, StrategyFault
from botcore.strategies.layout import BARS_HELD, FREE, HELD

BARS = random_walk(1, 400)
WARM_UP = 5
"""Bars before the first decision of `Patient`."""


def rows_of(bars: list[BarValues], first: int = 0) -> list[tuple[int, BarValues]]:
    """The bars with their stamps, which are their places."""
    return list(enumerate(bars, first))


def warm(
    strategy: type[SignalStrategy] = Patient,
    params: Mapping[str, object] | None = None,
    *,
    bars: int = 50,
    held: float = 0.0,
) -> SignalRunner:
    runner = SignalRunner(strategy, params or {})
    for bar in BARS[:bars]:
        runner.on_bar(bar, held)
    return runner


def one_by_one(
    runner: SignalRunner, bars: list[BarValues], first: int, *, held: float, rest: float
) -> bytes:
    """The rows of the bars on which the weight is `rest`, by `on_bar`; ends behind the next one."""
    log = bytearray()
    for ts, bar in enumerate(bars, first):
        weight = runner.on_bar(bar, held)
        if weight != rest:
            break
        log += DECISION.pack(ts, *runner.memory[:5], weight)
    return bytes(log)


@pytest.mark.parametrize("rest", [0.0, 1.0])
@pytest.mark.parametrize("held", [0.0, 1.0])
@pytest.mark.parametrize(
    "strategy", [*SIGNAL_LIBRARY.values(), Patient], ids=lambda each: each.name
)
def test_bars_taken_together_leave_what_one_by_one_leaves(
    strategy: type[SignalStrategy], held: float, rest: float
) -> None:
    together, stepped = warm(strategy, bars=120), warm(strategy, bars=120)
    at, log = 120, bytearray()
    expected = b""
    while at < len(BARS):
        count = together.advance(rows_of(BARS[at:], at), held, rest, log)
        expected += one_by_one(stepped, BARS[at:], at, held=held, rest=rest)
        at += count
        if at < len(BARS):
            together.on_bar(BARS[at], held)
            at += 1

    assert bytes(log) == expected
    assert together.state() == stepped.state()
    assert together.row == stepped.row


def test_it_ends_at_another_weight_which_the_next_bar_returns() -> None:
    together, stepped = warm(params={"hold": 60}), warm(params={"hold": 60})
    log = bytearray()

    count = together.advance(rows_of(BARS[50:], 50), 0.0, 1.0, log)
    weight = together.on_bar(BARS[50 + count], 0.0)

    assert count == 60 + WARM_UP - 50 - 1
    assert len(log) == count * DECISION.size
    assert weight == 0.0
    for bar in BARS[50 : 50 + count + 1]:
        stepped.on_bar(bar, 0.0)
    assert together.state() == stepped.state()
    assert together.reason() == stepped.reason()
    assert together.on_bar(BARS[80], 0.0) == stepped.on_bar(BARS[80], 0.0)
    assert together.state() == stepped.state()


def test_the_bar_it_ended_on_is_taken_by_nothing_but_on_bar() -> None:
    runner, log = warm(params={"hold": 60}), bytearray()
    count = runner.advance(rows_of(BARS[50:], 50), 0.0, 1.0, log)
    state = runner.state()

    again = runner.advance(rows_of(BARS[50 + count :]), 0.0, 1.0, log)

    assert again == 0
    assert runner.state() == state
    assert len(log) == count * DECISION.size


def test_it_takes_all_bars_where_no_other_weight_comes() -> None:
    runner, log = warm(params={"hold": 1_000}), bytearray()

    assert runner.advance(rows_of(BARS[50:]), 0.0, 1.0, log) == 350
    assert runner.on_bar(BARS[0], 0.0) == 1.0
    assert runner.memory[FREE] == 400 - WARM_UP + 1


@pytest.mark.parametrize("fed", range(WARM_UP))
def test_no_bar_of_the_warm_up_is_taken(fed: int) -> None:
    runner, log = warm(bars=fed), bytearray()
    state = runner.state()

    assert runner.advance(rows_of(BARS[fed:]), 0.0, 1.0, log) == 0
    assert (runner.state(), log) == (state, bytearray())


def test_it_rests_at_no_weight_that_is_nan() -> None:
    runner, log = warm(params={"silent_every": 1}), bytearray()

    count = runner.advance(rows_of(BARS[50:]), 0.0, nan, log)

    assert count == 0
    assert isnan(runner.on_bar(BARS[50], 0.0))


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"mute_at": 60}, "STRATEGY_WEIGHT_NAN"),
        ({"wild_at": 60}, "STRATEGY_WEIGHT_OUT_OF_RANGE"),
    ],
)
def test_what_is_no_weight_is_a_fault_on_its_own_bar(
    params: Mapping[str, object], code: str
) -> None:
    runner, log = warm(params=params), bytearray()

    count = runner.advance(rows_of(BARS[50:], 50), 0.0, 1.0, log)

    assert count == 60 + WARM_UP - 50 - 1
    with pytest.raises(StrategyFault) as fault:
        runner.on_bar(BARS[50 + count], 0.0)
    assert fault.value.code == code
    assert runner.on_bar(BARS[51 + count], 0.0) == 1.0, "it said so once"


def test_what_a_strategy_raises_comes_through_and_the_log_says_how_far_it_was() -> None:
    runner, log = warm(params={"raise_at": 60}), bytearray()

    with pytest.raises(ValueError, match="not on this bar"):
        runner.advance(rows_of(BARS[50:], 50), 0.0, 1.0, log)

    assert len(log) == (60 + WARM_UP - 50 - 1) * DECISION.size


@pytest.mark.parametrize("before", [0.0, 1.0])
@pytest.mark.parametrize("held", [0.0, 1.0])
def test_bars_are_counted_since_the_position_changed_its_sign(before: float, held: float) -> None:
    together, stepped = warm(held=before), warm(held=before)

    together.advance(rows_of(BARS[50:57]), held, 1.0, bytearray())
    for bar in BARS[50:57]:
        stepped.on_bar(bar, held)

    assert together.memory[HELD] == held
    assert together.memory[BARS_HELD] == stepped.memory[BARS_HELD]
    if before != held:
        assert together.memory[BARS_HELD] == 6.0


@pytest.mark.parametrize(
    "strategy", [*SIGNAL_LIBRARY.values(), Patient], ids=lambda each: each.name
)
def test_a_snapshot_is_gone_back_to_as_often_as_one_likes(
    strategy: type[SignalStrategy],
) -> None:
    runner = warm(strategy, bars=120)
    state, snapshot = runner.state(), runner.snapshot()

    for bars in (1, 30, 200):
        for bar in random_walk(bars, bars):
            runner.on_bar(bar, 1.0)
        assert runner.state() != state
        runner.restore(snapshot)

        assert runner.state() == state
    untouched = warm(strategy, bars=120)
    for bar in BARS[120:200]:
        weights = runner.on_bar(bar, 0.0), untouched.on_bar(bar, 0.0)
        assert weights[0] == weights[1] or all(map(isnan, weights))
    assert runner.state() == untouched.state()


def test_a_snapshot_of_a_warm_up_is_gone_back_to_as_well() -> None:
    runner = warm(bars=2)
    state, snapshot = runner.state(), runner.snapshot()

    for bar in BARS[2:40]:
        runner.on_bar(bar, 0.0)
    runner.restore(snapshot)

    assert runner.state() == state
    assert runner.bars_to_come == 4


def test_going_back_forgets_the_bar_that_was_looked_at() -> None:
    runner = warm(params={"hold": 60})
    snapshot = runner.snapshot()
    runner.advance(rows_of(BARS[50:]), 0.0, 1.0, bytearray())

    runner.restore(snapshot)

    assert runner.on_bar(BARS[50], 0.0) == 1.0
    assert runner.memory[FREE] == 50 - WARM_UP + 1


def test_a_fresh_start_forgets_the_bar_that_was_looked_at() -> None:
    runner = warm(params={"hold": 60})
    runner.advance(rows_of(BARS[50:]), 0.0, 1.0, bytearray())

    runner.resume(None)

    assert runner.state() == SignalRunner(Patient, {"hold": 60}).state()
    assert isnan(runner.on_bar(BARS[0], 0.0))


def test_going_back_keeps_the_rows_that_strategy_and_features_hold() -> None:
    runner = warm()
    memory, snapshot = runner.memory, runner.snapshot()

    runner.on_bar(flat(1)[0], 0.0)
    runner.restore(snapshot)

    assert runner.memory is memory
