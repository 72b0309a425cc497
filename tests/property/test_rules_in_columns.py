"""A rule in columns says what `decide` says bar by bar, to the bit, whatever is held meanwhile."""

from collections.abc import Mapping

import numpy as np
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


@given(
    strategy=st.sampled_from(IN_COLUMNS),
    params=st.sampled_from([{}, {"no_trade_bps": 0}, {"no_trade_bps": 500}]),
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
    params: Mapping[str, object],
    tape: list[BarValues],
    begin: int,
    turns: list[tuple[int, float, bool]],
) -> None:
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

    assert swept.row == stepped.row
    assert swept.state() == stepped.state()
    for bar in random_walk(7, 5):
        assert repr(swept.on_bar(bar, 1.0)) == repr(stepped.on_bar(bar, 1.0))
    assert swept.state() == stepped.state()


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


@given(
    name=st.sampled_from(sorted(n for n, spec in INDICATORS.items() if spec.loop is not None)),
    period=st.integers(1, 20),
    seed=st.sampled_from(["sma", "first"]),
    column=st.lists(st.floats(1e-6, 1e6), max_size=60),
    cut=st.integers(0, 60),
)
def test_a_loop_leaves_what_its_step_leaves_wherever_it_is_cut(
    name: str, period: int, seed: str, column: list[float], cut: int
) -> None:
    spec = INDICATORS[name]
    looped, stepped = (spec.initial(period=period, seed=seed) for _ in range(2))

    found = np.concatenate([run(spec, looped, [part]) for part in (column[:cut], column[cut:])])

    out = [0.0] * len(column)
    for at, value in enumerate(column):
        spec.step(stepped, out, at, value)
    assert repr(found[:, 0].tolist()) == repr(out)
    assert repr(looped) == repr(stepped)
