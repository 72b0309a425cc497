"""A rule in columns says what `decide` says bar by bar, to the bit, whatever is held meanwhile."""

import numpy as np
import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st
from tests.support.columns import as_columns
from tests.unit.strategies.tapes import BarValues, flat, random_walk

from botcore.indicators import INDICATORS, run
from botcore.strategies import DECISION, SIGNAL_LIBRARY, SignalRunner, SignalStrategy
from botcore.strategies.layout import (
    CODE,
    DECIDED,
    HELD,
    NO_VIEW,
    OPERANDS,
    OPERANDS_MAX,
    WEIGHT,
)
from botcore.strategies.library.hysteresis import (
    EXIT,
    FLAT,
    LONG,
    STAY_FLAT,
    UNDECIDED,
    VIEW,
    conclude,
    conclude_over,
)

IN_COLUMNS = [each for each in SIGNAL_LIBRARY.values() if each.column_rule() is not None]
sides = st.sampled_from([-1.0, 0.0, 1.0])


def a_tape(seed: int, n_bars: int, n_flat: int, step_bps: float) -> list[BarValues]:
    """Bars at random behind some on which nothing happens, so that a rule has no view at first."""
    return flat(n_flat) + random_walk(seed, n_bars, step_bps=step_bps)


def with_band(strategy: type[SignalStrategy], bps: float | None) -> dict[str, object]:
    """Parameters with another no-trade band, of every member where there are several."""
    names = [each.name for each in strategy.parameters if each.name.endswith("no_trade_bps")]
    return {} if bps is None else dict.fromkeys(names, bps)


@given(
    strategy=st.sampled_from(IN_COLUMNS),
    band_bps=st.sampled_from([None, 0.0, 120.0, 500.0]),
    tape=st.builds(
        a_tape,
        st.integers(0, 10**6),
        st.integers(1, 300),
        st.sampled_from([0, 60]),
        st.sampled_from([2.0, 30.0]),
    ),
    begin=st.integers(0, 120),
    turns=st.lists(st.tuples(st.integers(1, 80), sides, st.booleans()), min_size=1, max_size=12),
)
def test_swept_bars_leave_what_stepped_bars_leave(
    strategy: type[SignalStrategy],
    band_bps: float | None,
    tape: list[BarValues],
    begin: int,
    turns: list[tuple[int, float, bool]],
) -> None:
    params = with_band(strategy, band_bps)
    swept, stepped = SignalRunner(strategy, params), SignalRunner(strategy, params)
    for bar in tape[:begin]:
        swept.on_bar(bar, 0.0)
        stepped.on_bar(bar, 0.0)
    bars, at = as_columns(tape), min(begin, len(tape))
    for length, held, together in turns:
        end = min(at + length, len(tape))
        if at == end:
            break
        is_warm = not swept.bars_to_come
        sweep = swept.sweep(bars, at, held)
        assert (sweep is not None) == is_warm, swept.rule_fault
        expected = b""
        for ts, bar in enumerate(tape[at:end], at):
            weight = stepped.on_bar(bar, held)
            expected += DECISION.pack(ts, *stepped.memory[:WEIGHT], weight)
        if sweep is not None and together:
            found = bytes(sweep.said(end - at, held))
            sweep.pass_over(end - at, held, swept.memory)
            assert swept.reason() == stepped.reason()
        else:
            found = b"".join(
                DECISION.pack(ts, *swept.memory[:WEIGHT], weight)
                for ts, bar in enumerate(tape[at:end], at)
                for weight in [swept.on_bar(bar, held)]
            )
        assert found == expected
        assert swept.memory == stepped.memory
        at = end
        event("swept" if sweep is not None else "not warm")

    assert repr(swept.row) == repr(stepped.row)
    assert swept.state() == stepped.state()
    for bar in random_walk(7, 5):
        assert repr(swept.on_bar(bar, 1.0)) == repr(stepped.on_bar(bar, 1.0))
    assert swept.state() == stepped.state()


@pytest.mark.parametrize("strategy", IN_COLUMNS, ids=lambda each: each.name)
def test_every_sentence_is_said_in_columns_as_it_is_bar_by_bar(
    strategy: type[SignalStrategy],
) -> None:
    codes: set[float] = set()
    for band_bps, seed in ((None, 2), (0.0, 3), (120.0, 4), (200.0, 1)):
        tape = a_tape(seed, 400, 60, 30.0)
        for held in (-1.0, 0.0, 1.0):
            swept, stepped = (SignalRunner(strategy, with_band(strategy, band_bps)) for _ in "ab")
            warm = swept.bars_to_come
            for bar in tape[:warm]:
                swept.on_bar(bar, held)
                stepped.on_bar(bar, held)
            sweep = swept.sweep(as_columns(tape), warm, held)
            assert sweep is not None, swept.rule_fault
            expected = b""
            for ts, bar in enumerate(tape[warm:], warm):
                weight = stepped.on_bar(bar, held)
                expected += DECISION.pack(ts, *stepped.memory[:WEIGHT], weight)
                codes.add(stepped.memory[CODE])
            assert bytes(sweep.said(len(tape) - warm, held)) == expected

    assert codes == {float(code) for code in range(1, len(strategy.reasons))}


gaps = st.one_of(st.floats(-10.0, 10.0), st.sampled_from([0.0, -0.0, 1.0, -1.0, 5e-324]))


@given(
    view=st.sampled_from([UNDECIDED, FLAT, LONG]),
    held=sides,
    path=st.lists(
        st.tuples(gaps, st.one_of(st.floats(0.0, 10.0), st.just(1.0))), min_size=1, max_size=40
    ),
)
@example(view=UNDECIDED, held=0.0, path=[(0.0, 1.0), (0.5, 1.0), (0.5, 1.0), (-0.5, 1.0)])
@example(view=UNDECIDED, held=1.0, path=[(0.0, 0.0)] * 3)
def test_conclusions_over_bars_are_those_bar_by_bar(
    view: float, held: float, path: list[tuple[float, float]]
) -> None:
    memory = [0.0] * (VIEW + 1)
    memory[VIEW], memory[HELD] = view, held
    gap, band = (np.array(column) for column in zip(*path, strict=True))

    found = conclude_over(memory, gap, band, gap_bps=gap * 2.0, quoted=(7.0, 8.0))

    assert (memory[VIEW], memory[HELD]) == (view, held)
    for row, (one_gap, one_band) in zip(found.tolist(), path, strict=True):
        after = conclude(memory, one_gap, one_band)
        code = memory[CODE]
        shown = -one_gap * 2.0 if EXIT <= code <= STAY_FLAT else one_gap * 2.0
        assert len(row) == DECIDED + 1
        assert row[CODE] == code
        assert row[OPERANDS : OPERANDS + OPERANDS_MAX] == [shown, 7.0, 8.0, 0.0]
        assert repr(row[WEIGHT]) == repr(NO_VIEW if after == UNDECIDED else after)
        assert row[DECIDED] == memory[VIEW]


values = st.one_of(
    st.floats(1e-6, 1e6),
    st.sampled_from([1.0, 1.0, 2.0, 0.0, -0.0, -1.0, 5e-324, 1e300]),
)


def loop_parameters(name: str) -> st.SearchStrategy[dict[str, int | float | str]]:
    """Parameters with windows that are short enough to be filled many times over."""
    if name == "macd":
        return st.builds(
            lambda fast, more, signal: {"fast": fast, "slow": fast + more, "signal": signal},
            st.integers(1, 8),
            st.integers(1, 8),
            st.integers(1, 8),
        )
    own: dict[str, st.SearchStrategy[int | float | str]] = {
        "period": st.integers(2 if name == "rsi" else 1, 20)
    }
    if name == "ema":
        own["seed"] = st.sampled_from(["sma", "first"])
    if name == "bollinger":
        own["width"] = st.floats(0.1, 4.0)
    return st.fixed_dictionaries(own)


@given(
    chosen=st.sampled_from(
        sorted(name for name, spec in INDICATORS.items() if spec.loop is not None)
    ).flatmap(lambda name: st.tuples(st.just(name), loop_parameters(name))),
    bars=st.lists(st.tuples(values, values, values), max_size=80),
    cuts=st.lists(st.integers(0, 80), max_size=3).map(sorted),
)
@example(chosen=("donchian", {"period": 2}), bars=[(0.0, -0.0, 1.0), (-0.0, 0.0, 1.0)] * 4, cuts=[])
@example(chosen=("sma", {"period": 3}), bars=[(-0.0, 1.0, 1.0), (0.0, 1.0, 1.0)] * 6, cuts=[3])
@example(chosen=("rsi", {"period": 2}), bars=[(1.0, 1.0, 1.0)] * 6, cuts=[4])
def test_a_loop_leaves_what_its_step_leaves_wherever_it_is_cut(
    chosen: tuple[str, dict[str, int | float | str]],
    bars: list[tuple[float, float, float]],
    cuts: list[int],
) -> None:
    name, parameters = chosen
    spec = INDICATORS[name]
    n_inputs, width = len(spec.inputs), len(spec.outputs)
    looped, stepped = (spec.initial(**parameters) for _ in range(2))
    ends = [*cuts, len(bars)]

    found = []
    for begin, end in zip([0, *cuts], ends, strict=True):
        part = [[bar[pick] for bar in bars[begin:end]] for pick in range(n_inputs)]
        found += run(spec, looped, part).reshape(-1).tolist()

    out = [0.0] * (len(bars) * width)
    for at, bar in enumerate(bars):
        spec.step(stepped, out, at * width, *bar[:n_inputs])
    assert repr(found) == repr(out)
    assert repr(looped) == repr(stepped)
    assert {type(value) for value in looped} == {float}
