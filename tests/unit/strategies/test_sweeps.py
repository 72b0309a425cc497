"""Decisions found for many bars at once: who may be asked, and what it leaves when it ends."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import pytest
from tests.support.columns import as_columns
from tests.support.lulls import Patient
from tests.unit.strategies.tapes import random_walk

from botcore.indicators import FloatColumn, FloatRow, FloatTable
from botcore.strategies import SIGNAL_LIBRARY, SignalRunner, SignalStrategy, StrategyFault, Sweep
from botcore.strategies.layout import BARS_HELD, CLOSE, HELD, WEIGHT
from botcore.strategies.library import EmaCross

BARS = random_walk(1, 400)
COLUMNS = as_columns(BARS)


def fed(bars: int, strategy: type[SignalStrategy] = EmaCross) -> SignalRunner:
    """A runner that has seen the first bars."""
    runner = SignalRunner(strategy, {})
    for bar in BARS[:bars]:
        runner.on_bar(bar, 0.0)
    return runner


def a_sweep(runner: SignalRunner, at: int, held: float = 0.0) -> Sweep:
    found = runner.sweep(COLUMNS, at, held)
    assert found is not None, runner.rule_fault
    return found


def test_every_signal_strategy_of_the_library_has_its_rule_in_columns() -> None:
    assert len(SIGNAL_LIBRARY) >= 7
    assert all(each.column_rule() for each in SIGNAL_LIBRARY.values())


@pytest.mark.parametrize("name", SIGNAL_LIBRARY)
def test_a_sweep_of_no_bars_is_none_and_no_fault(name: str) -> None:
    runner = fed(len(BARS), SIGNAL_LIBRARY[name])

    sweep = a_sweep(runner, len(BARS))

    assert not len(sweep)
    assert sweep.quiet(0.0, 10) == 0
    assert runner.rule_fault == ""


def test_a_strategy_without_a_rule_in_columns_is_asked_bar_by_bar() -> None:
    assert fed(50, Patient).sweep(COLUMNS, 50, 0.0) is None


@pytest.mark.parametrize("bars", [0, 1, 29])
def test_nothing_is_swept_before_the_first_decision(bars: int) -> None:
    assert fed(bars).sweep(COLUMNS, bars, 0.0) is None


def test_a_bar_that_was_looked_at_is_stepped_before_a_sweep() -> None:
    runner = fed(50)
    rows = COLUMNS.rows(slice(50, 60))
    runner.advance(rows, 0.0, 0.5, bytearray())  # no such weight: it ends on the first bar

    assert runner.sweep(COLUMNS, 51, 0.0) is None


def test_a_sweep_goes_on_where_it_is() -> None:
    runner = fed(50)
    first = a_sweep(runner, 50)
    first.pass_over(10, 0.0, runner.memory)
    runner.on_bar(BARS[60], 0.0)

    assert a_sweep(runner, 61) is first
    assert a_sweep(runner, 62) is not first, "a bar was left out: it begins there anew"


def test_quiet_bars_are_counted_up_to_the_first_other_weight() -> None:
    weights = [runner.on_bar(bar, 0.0) for runner in [fed(50)] for bar in BARS[50:]]
    runner = fed(50)
    sweep = a_sweep(runner, 50)

    at = 0
    while at < len(weights):
        rest = weights[at]
        same = next((n for n, each in enumerate(weights[at:]) if each != rest), len(weights) - at)
        assert sweep.quiet(rest, 1_000) == same
        assert sweep.quiet(rest, same - 1) == same - 1
        assert sweep.quiet(0.5, 1_000) == 0
        sweep.pass_over(same, 0.0, runner.memory)
        at += same
    assert sweep.quiet(0.0, 1_000) == 0


def test_a_bar_that_is_not_the_next_one_ends_it() -> None:
    runner, stepped = fed(50), fed(50)
    a_sweep(runner, 50).pass_over(10, 0.0, runner.memory)
    for bar in BARS[50:60]:
        stepped.on_bar(bar, 0.0)
    other = random_walk(2, 30)

    weights = [(runner.on_bar(bar, 0.0), stepped.on_bar(bar, 0.0)) for bar in other]

    assert all(one == two for one, two in weights)
    assert runner.state() == stepped.state()


def test_a_bar_behind_the_last_one_is_stepped() -> None:
    runner, stepped = fed(50), fed(50)
    a_sweep(runner, 50).pass_over(350, 0.0, runner.memory)
    for bar in BARS[50:]:
        stepped.on_bar(bar, 0.0)

    assert runner.on_bar(BARS[0], 0.0) == stepped.on_bar(BARS[0], 0.0)
    assert runner.state() == stepped.state()


def test_a_snapshot_amid_a_sweep_is_gone_back_to() -> None:
    runner = fed(50)
    a_sweep(runner, 50).pass_over(7, 0.0, runner.memory)
    snapshot, state = runner.snapshot(), runner.state()
    a_sweep(runner, 57, 1.0).pass_over(9, 1.0, runner.memory)

    runner.restore(snapshot)

    assert runner.state() == state


def test_a_fresh_start_forgets_a_sweep() -> None:
    runner = fed(50)
    a_sweep(runner, 50).pass_over(7, 0.0, runner.memory)

    runner.resume(None)

    assert runner.state() == SignalRunner(EmaCross, {}).state()


def test_bars_are_counted_since_the_position_changed_its_sign() -> None:
    runner = fed(50)
    sweep = a_sweep(runner, 50, 1.0)

    sweep.pass_over(7, 1.0, runner.memory)
    assert (runner.memory[HELD], runner.memory[BARS_HELD]) == (1.0, 6.0)
    sweep.pass_over(3, 1.0, runner.memory)
    assert runner.memory[BARS_HELD] == 9.0


class Broken(EmaCross):
    """Its rule in columns is wrong; `decide` is right."""

    name: ClassVar[str] = "broken"
    fault: ClassVar[str] = ""
    asked: ClassVar[int] = 0

    @staticmethod
    def decide_over(
        columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> FloatTable:
        Broken.asked += 1
        if Broken.fault == "raises":
            raise ArithmeticError("in columns only")
        if Broken.fault == "too narrow":
            return np.zeros((len(columns[0]), 6))
        if Broken.fault == "raises when held" and memory[HELD]:
            raise ArithmeticError("when held only")
        found = EmaCross.decide_over(columns, memory, params)
        if Broken.fault == "too short":
            return found[1:]
        if Broken.fault == "depends on what is held" and memory[HELD]:
            found[:, WEIGHT] = 0.5
        if Broken.fault == "sees later bars":
            found[:, 1] = np.roll(columns[CLOSE], -5)
        if Broken.fault == "changes the tape":
            columns[CLOSE][:] = 1.0
        if Broken.fault == "graded":
            found[:, WEIGHT] = (np.arange(len(found)) // 4 % 4 + 1) / 4
        return found * 3.0 if Broken.fault == "wild" else found


@pytest.mark.parametrize(
    "fault", ["raises", "too narrow", "too short", "sees later bars", "changes the tape"]
)
def test_a_rule_in_columns_that_fails_is_left_and_says_why(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Broken, "fault", fault)
    runner, stepped = fed(50, Broken), fed(50, Broken)
    before = [column.copy() for column in COLUMNS.columns]

    assert runner.sweep(COLUMNS, 50, 0.0) is None
    monkeypatch.setattr(Broken, "asked", 0)
    assert runner.sweep(COLUMNS, 50, 0.0) is None
    assert Broken.asked == 0, "it is not asked again"
    assert runner.rule_fault
    assert runner.on_bar(BARS[50], 0.0) == stepped.on_bar(BARS[50], 0.0)
    assert runner.state() == stepped.state()
    assert all((a == b).all() for a, b in zip(before, COLUMNS.columns, strict=True))


def test_a_rule_is_looked_at_again_where_there_were_too_few_bars_to_tell(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Broken, "fault", "sees later bars")
    runner = fed(50, Broken)
    one = as_columns(BARS[50:51])

    sweep = runner.sweep(one, 0, 0.0)
    assert sweep is not None, "one bar has no later ones"
    runner.on_bar(BARS[50], 0.0)

    assert runner.sweep(COLUMNS, 51, 0.0) is None
    assert "later bars" in runner.rule_fault


@pytest.mark.parametrize("fault", ["raises when held", "depends on what is held"])
@pytest.mark.parametrize("looked_at", [True, False])
def test_a_rule_that_fails_for_another_position_is_left_where_it_does(
    fault: str, looked_at: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Broken, "fault", fault)
    runner, stepped = fed(50, Broken), fed(50, Broken)
    a_sweep(runner, 50).pass_over(9, 0.0, runner.memory)
    for bar in BARS[50:59]:
        stepped.on_bar(bar, 0.0)

    if looked_at:
        assert runner.sweep(COLUMNS, 59, 1.0) is None
    weights = [(runner.on_bar(bar, 1.0), stepped.on_bar(bar, 1.0)) for bar in BARS[59:80]]

    assert all(one == two for one, two in weights)
    assert runner.rule_fault
    assert runner.state() == stepped.state()


def test_a_swept_weight_that_is_none_is_a_fault_of_its_bar(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Broken, "fault", "wild")
    runner = fed(50, Broken)
    sweep = a_sweep(runner, 50)
    wild = sweep.quiet(0.0, 1_000)
    sweep.pass_over(wild, 0.0, runner.memory)

    with pytest.raises(StrategyFault):
        runner.on_bar(BARS[50 + wild], 0.0)


def test_parameters_reach_the_rule() -> None:
    params: Mapping[str, object] = {"fast": 3, "slow": 5, "no_trade_bps": 0}
    runner = SignalRunner(EmaCross, params)
    for bar in BARS[:50]:
        runner.on_bar(bar, 0.0)

    a_sweep(runner, 50).take(0.0, runner.memory)

    assert runner.memory[2:5] == [3.0, 5.0, 0.0]


def test_the_reason_of_bars_that_were_passed_over_is_told_when_it_is_asked_for() -> None:
    runner, stepped = fed(50), fed(50)
    a_sweep(runner, 50).pass_over(9, 0.0, runner.memory)
    for bar in BARS[50:59]:
        stepped.on_bar(bar, 0.0)

    assert runner.reason() == stepped.reason()
    assert runner.memory == stepped.memory


def test_graded_weights_are_counted_run_by_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Broken, "fault", "graded")
    sweep = a_sweep(fed(50, Broken), 50)

    assert sweep.quiet(0.25, 100) == 4
    assert sweep.quiet(0.5, 100) == 0
    sweep.pass_over(4, 0.0, fed(50).memory)
    assert sweep.quiet(0.5, 100) == 4
    assert sweep.quiet(0.5, 3) == 3
