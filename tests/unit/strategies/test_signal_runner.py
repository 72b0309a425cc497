"""The runner: warm-up, the two rows, faults, and going on from a stored state."""

import math
from collections.abc import Mapping

import numpy as np
import pytest
from tests.unit.strategies.probes import (
    AbsentProbe,
    InfiniteProbe,
    LookingProbe,
    Probe,
    SilentProbe,
)
from tests.unit.strategies.tapes import BarValues, obeyed, random_walk

from botcore.domain.errors import ConfigError
from botcore.domain.intents import Reason
from botcore.indicators import INDICATORS, over
from botcore.strategies import (
    SIGNAL_LIBRARY,
    SignalRunner,
    SignalStrategy,
    StrategyFault,
    render_reason,
)
from botcore.strategies.layout import BARS_HELD, CODE, FREE, HELD, NEVER, WARM

SOURCES = ("open", "high", "low", "close", "volume")


@pytest.fixture(params=SIGNAL_LIBRARY.values(), ids=list(SIGNAL_LIBRARY))
def strategy(request: pytest.FixtureRequest) -> type[SignalStrategy]:
    found: type[SignalStrategy] = request.param
    return found


def fed(
    strategy: type[SignalStrategy], bars: list[BarValues], params: Mapping[str, object] | None
) -> SignalRunner:
    runner = SignalRunner(strategy, params or {})
    for _ in obeyed(runner, bars):
        pass
    return runner


def test_e102_no_decision_before_every_feature_is_valid(strategy: type[SignalStrategy]) -> None:
    runner = SignalRunner(strategy, {})
    features = strategy.features(runner.parameters)
    first_decision = max(each.first_valid for each in features)

    for index, bar in enumerate(random_walk(1, first_decision)):
        weight = runner.on_bar(bar, 0.0)

        assert math.isnan(weight)
        assert runner.memory[CODE] == 0.0
        assert render_reason(strategy, *_said(runner)) == (
            f"not decided yet: waiting for {first_decision - index} more bars"
        )
    runner.on_bar(random_walk(2, 1)[0], 0.0)
    assert runner.memory[CODE] != 0.0
    assert runner.bars_to_come == 0


def test_the_row_holds_the_features_in_declared_order_and_then_the_bar(
    strategy: type[SignalStrategy],
) -> None:
    bars = random_walk(3, 120)

    runner = fed(strategy, bars, None)

    columns = dict(zip(SOURCES, zip(*bars, strict=True), strict=True))
    expected: list[float] = []
    for each in strategy.features(runner.parameters):
        spec = INDICATORS[each.indicator]
        inputs = [columns[source] for source in each.inputs or spec.inputs]
        expected.extend(np.atleast_1d(over(spec, *inputs, **each.parameters)[-1]).tolist())
    assert runner.row == [*expected, *bars[-1]]


def test_the_memory_tells_how_long_the_position_has_had_its_sign() -> None:
    runner = SignalRunner(Probe, {})
    bars = random_walk(4, 6)
    seen = []

    for bar, held in zip(bars, (0.0, 1.0, 1.0, 1.0, 0.0, 0.0), strict=True):
        runner.on_bar(bar, held)
        seen.append((runner.memory[HELD], runner.memory[BARS_HELD]))

    assert seen[0][1] > NEVER / 2
    assert seen[1:] == [(1.0, 0.0), (1.0, 1.0), (1.0, 2.0), (0.0, 0.0), (0.0, 1.0)]


def test_the_engine_can_mark_history_as_such() -> None:
    runner = SignalRunner(Probe, {})
    assert not runner.is_warmup

    runner.is_warmup = True

    assert runner.is_warmup
    assert runner.memory[WARM] == 1.0


def test_the_free_memory_starts_as_declared_and_is_the_strategys_own() -> None:
    runner = fed(Probe, random_walk(5, 10), None)

    assert len(runner.memory) == Probe.memory_size() == FREE + 1
    assert runner.memory[FREE] == 10 - max(
        each.first_valid for each in Probe.features({"weight": 1.0, "period": 3.0})
    )
    assert runner.reason() == Reason(1, (7.0, 0.0, 0.0, 0.0))


@pytest.mark.parametrize("weight", [-1.0, -0.25, 0.0, 1.0])
def test_a_weight_within_the_budget_is_returned_as_it_is(weight: float) -> None:
    *_, last = obeyed(SignalRunner(Probe, {"weight": weight}), random_walk(6, 5))

    assert last == weight


@pytest.mark.parametrize(
    ("strategy", "params", "code"),
    [
        (Probe, {"weight": 1.5}, "STRATEGY_WEIGHT_OUT_OF_RANGE"),
        (Probe, {"weight": -1.0001}, "STRATEGY_WEIGHT_OUT_OF_RANGE"),
        (InfiniteProbe, {}, "STRATEGY_WEIGHT_OUT_OF_RANGE"),
        (SilentProbe, {}, "STRATEGY_WEIGHT_NAN"),
    ],
)
def test_what_is_no_weight_is_a_fault_with_cause_and_fix(
    strategy: type[SignalStrategy], params: Mapping[str, object], code: str
) -> None:
    with pytest.raises(StrategyFault, match=strategy.name) as caught:
        fed(strategy, random_walk(7, 5), params)

    assert caught.value.code == code
    assert caught.value.fix


def test_a_strategy_may_say_that_it_has_no_view() -> None:
    *_, last = obeyed(SignalRunner(AbsentProbe, {}), random_walk(8, 5))

    assert math.isnan(last)


def test_faults_of_other_kinds_name_the_strategy_and_what_happened() -> None:
    raised = StrategyFault.raised("grid", ValueError("no such level"))
    flooded = StrategyFault.flooded("grid", 5000, 100)

    assert (raised.code, flooded.code) == ("STRATEGY_RAISED", "STRATEGY_FLOODED")
    assert raised.cause == "strategy grid raised ValueError: no such level"
    assert flooded.cause == "strategy grid returned 5000 intents at once, more than 100"


@pytest.mark.parametrize("cut", [3, 25, 400])
def test_a_resumed_runner_goes_on_equal_to_the_bit(
    strategy: type[SignalStrategy], cut: int
) -> None:
    bars = random_walk(9, 700, step_bps=30.0)
    whole = SignalRunner(strategy, {})
    for _ in obeyed(whole, bars[:cut]):
        pass
    resumed = SignalRunner(strategy, {})

    went_on = resumed.resume(whole.state())

    assert went_on
    assert resumed.state() == whole.state()
    held = whole.memory[HELD]
    expected = list(obeyed(whole, bars[cut:], held))
    assert np.array_equal(list(obeyed(resumed, bars[cut:], held)), expected, equal_nan=True)
    assert resumed.state() == whole.state()


def test_a_state_does_not_change_after_it_was_taken() -> None:
    runner = fed(Probe, random_walk(10, 10), None)
    state = runner.state()
    other = SignalRunner(Probe, {})
    other.resume(state)

    for _ in obeyed(other, random_walk(11, 10)):
        pass

    assert runner.state() == state


@pytest.mark.parametrize(
    ("strategy", "params"),
    [
        pytest.param(LookingProbe, {}, id="another rule under the same name and version"),
        pytest.param(Probe, {"weight": 0.5}, id="another parameter"),
        pytest.param(Probe, {"period": 4}, id="another feature"),
    ],
)
def test_a_state_of_other_rules_or_parameters_is_not_continued(
    strategy: type[SignalStrategy], params: Mapping[str, object]
) -> None:
    state = fed(Probe, random_walk(12, 10), None).state()
    runner = SignalRunner(strategy, params)

    went_on = runner.resume(state)

    assert not went_on
    assert runner.state() == SignalRunner(strategy, params).state()


@pytest.mark.parametrize("state", [None, b"", b"\x00\x01", b"\x80"])
def test_an_absent_or_unreadable_state_starts_afresh(state: bytes | None) -> None:
    runner = fed(Probe, random_walk(13, 10), None)

    assert not runner.resume(state)
    assert runner.state() == SignalRunner(Probe, {}).state()


def test_the_history_needed_is_that_of_the_slowest_feature() -> None:
    runner = SignalRunner(SIGNAL_LIBRARY["ema-cross"], {})

    assert runner.settled(1e-6) == INDICATORS["ema"].settled(1e-6, period=30)
    assert runner.settled(1e-9) > runner.settled(1e-6)


@pytest.mark.parametrize(
    ("params", "code", "word"),
    [
        ({"fats": 3}, "PARAMETER_UNKNOWN", "did you mean 'fast'"),
        ({"fast": 0}, "PARAMETER_REFUSED", "fast=0 is outside"),
        ({"fast": 2.5}, "PARAMETER_REFUSED", "not of kind int"),
        ({"slow": "nan"}, "PARAMETER_REFUSED", "slow=nan"),
        ({"fast": 30, "slow": 30}, "PARAMETERS_CONFLICT", "fast=30 is not below slow=30"),
    ],
)
def test_parameters_that_cannot_be_are_refused_with_a_fix(
    params: Mapping[str, object], code: str, word: str
) -> None:
    with pytest.raises(ConfigError, match=word) as caught:
        SignalRunner(SIGNAL_LIBRARY["ema-cross"], params)

    assert caught.value.code == code
    assert caught.value.fix


def _said(runner: SignalRunner) -> tuple[float, list[float]]:
    return runner.memory[CODE], runner.memory[1:5]
