"""Detectors for signal strategies: the runner itself, over whole and cut series (trap E102)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isnan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from botcore.backtest.findings import (
    DETERMINISM,
    LOOK_AHEAD,
    RUNS,
    WARM_UP,
    CheckFinding,
    failed,
    passed,
    unproven,
)
from botcore.backtest.tape import BarSeries, parts
from botcore.domain.calendar import instant_name
from botcore.indicators import FloatTable, run
from botcore.kernel.guard import Crashed, guarded
from botcore.strategies import DECISION, BarValues, FeatureSpec, SignalRunner, SignalStrategy
from botcore.strategies.layout import BAR_WIDTH, FREE, SOURCES, WEIGHT

CUTS: Final = (0.3, 0.5, 0.7, 0.9)
"""Where a series is cut, as shares of it."""
SETTLED: Final = 1e-9
TOLERANCE: Final = 1e-5
"""Of a feature's usual size. Those that measure small differences of prices, such as the MACD,
are settled relative to the price: theirs may be off by a thousand times `SETTLED`."""
LATE_START: Final = 0.4
_ENOUGH: Final = 20
_SAID: Final = ("reason", "number {0}", "number {1}", "number {2}", "number {3}", "weight")


@dataclass(slots=True)
class Recording:
    """What a strategy saw, wanted and remembered on each bar.

    Attributes:
        rows: features, shape ``(n, width)``; NaN where they are not valid yet.
        weights: shape ``(n,)``; NaN is "no view".
        memories: what it remembers of its own, shape ``(n, slots)``.
        fault: what it raised, on the bar after the last one recorded.
    """

    rows: FloatTable
    weights: NDArray[np.float64]
    memories: FloatTable
    fault: Crashed | None = None


@dataclass
class SignalChecks:
    """Looks at one strategy on one series.

    Args:
        strategy: of features and one `decide`.
        parameters: given ones; the rest take their defaults.
        series: bars without a meaning of their own; real ones tell more than simulated ones.
    """

    strategy: type[SignalStrategy]
    parameters: Mapping[str, float]
    series: BarSeries
    _bars: list[BarValues] = field(init=False)

    def __post_init__(self) -> None:
        """Read the bars once."""
        columns = [self.series.columns[name].tolist() for name in SOURCES]
        self._bars = list(zip(*columns, strict=True))

    @cached_property
    def whole(self) -> Recording:
        """A run over all bars."""
        return self._recorded(self._bars)

    @property
    def _name(self) -> str:
        return self.series.instrument

    def findings(self) -> Iterator[CheckFinding]:
        """Yield what each check comes to."""
        whole = self.whole
        if whole.fault is not None:
            yield self._raised(whole)
            return
        yield passed(RUNS, f"decided on {len(whole.weights):,} bars without a fault", self._name)
        yield self._determinism(whole)
        yield self._look_ahead(whole)
        yield from self._warm_up(whole)

    def is_idle(self) -> bool:
        """Whether it never wants a position."""
        return not (np.nan_to_num(self.whole.weights) != 0.0).any()

    def _determinism(self, whole: Recording) -> CheckFinding:
        again = self._recorded(self._bars)
        differs = self._difference(whole, again, len(whole.weights))
        if differs:
            return failed(DETERMINISM, f"a second run on the same bars: {differs}", self._name)
        return passed(DETERMINISM, "two runs on the same bars are equal to the bit", self._name)

    def _look_ahead(self, whole: Recording) -> CheckFinding:
        n_bars = len(self._bars)
        cuts = sorted({max(1, round(n_bars * share)) for share in CUTS})
        for cut in cuts:
            part = self._recorded(self._bars[:cut])
            differs = self._difference(whole, part, cut)
            if differs:
                return failed(LOOK_AHEAD, f"with later bars cut off: {differs}", self._name)
        problem = self._in_columns(whole, cuts) or self._rule_in_columns()
        if problem:
            return failed(LOOK_AHEAD, problem, self._name)
        return passed(
            LOOK_AHEAD, f"nothing changes when bars after {len(cuts)} cuts are unknown", self._name
        )

    def _warm_up(self, whole: Recording) -> Iterator[CheckFinding]:
        start = round(len(self._bars) * LATE_START)
        settled = start + self._runner().settled(SETTLED)
        missing = settled + _ENOUGH - len(self._bars)
        if missing > 0:
            need = f"give {round(missing / (1.0 - LATE_START)) + 1:,} bars more"
            yield unproven(WARM_UP, f"there are too few bars to tell: {need}", self._name)
            return
        late = self._recorded(self._bars[start:])
        if late.fault is not None:
            yield self._raised(late, start)
            return
        differs = self._unsettled(whole, late, start, settled)
        if differs:
            yield failed(WARM_UP, differs, self._name)
            return
        yield self._convergence(whole, late, start, settled)

    def _unsettled(self, whole: Recording, late: Recording, start: int, settled: int) -> str:
        """Return where a feature depends on history that it says it does not need."""
        for place, (label, each) in enumerate(self._outputs()):
            if each.spec.settled(SETTLED, **each.parameters) is None:
                continue  # its level depends on its start for ever: only changes mean something
            one, other = whole.rows[settled:, place], late.rows[settled - start :, place]
            scale = max(float(np.median(np.abs(one))), 1e-300)
            off = np.abs(one - other) > TOLERANCE * np.maximum(np.abs(one), scale)
            if off.any():
                at = int(np.argmax(off))
                return (
                    f"{label} is {one[at]:.12g} at {self._at(settled + at)}, but"
                    f" {other[at]:.12g} with history from {self._at(start)} only, which is"
                    f" {settled - start + at:,} bars: it says that {settled - start:,} are enough"
                )
        return ""

    def _convergence(
        self, whole: Recording, late: Recording, start: int, settled: int
    ) -> CheckFinding:
        """Say whether decisions agree once both histories remember the same.

        A view is that of the last bar that decided it, so both need to have seen one.
        """
        one, other = whole.memories[settled:], late.memories[settled - start :]
        first, second = whole.weights[settled:], late.weights[settled - start :]
        agrees = _near(one, other).all(axis=1) & _same(first, second)
        if not agrees.any():
            detail = "what it remembers never agrees with a run that began later, on these bars"
            return unproven(WARM_UP, f"{detail}: look at more of them", self._name)
        begin = int(np.argmax(agrees))
        parts_again = np.flatnonzero(~_same(first[begin:], second[begin:]))
        if len(parts_again):
            at = begin + int(parts_again[0])
            return failed(
                WARM_UP,
                f"it wants {_weight(first[at])} at {self._at(settled + at)}, but"
                f" {_weight(second[at])} with history from {self._at(start)} only, though both"
                " remembered the same before",
                self._name,
            )
        return passed(
            WARM_UP,
            f"{settled - start:,} bars of history give the features of a longer one, and the same"
            f" decisions from {self._at(settled + begin)} on",
            self._name,
        )

    def _in_columns(self, whole: Recording, cuts: Sequence[int]) -> str:
        """Return where the array form of an indicator differs from stepping it."""
        at = 0
        columns = [self.series.columns[name].tolist() for name in SOURCES]
        for each in self._runner().features:
            width = each.width
            for end in (len(self._bars), *cuts) if each.spec.loop is not None else ():
                found = run(each.spec, each.initial(), [columns[pick][:end] for pick in each.picks])
                known = whole.rows[:end, at : at + width]
                # Before all features are valid the row is not recorded.
                differs = ~_same(found, known) & ~np.isnan(known)
                if differs.any():
                    bar, output = (int(found_at[0]) for found_at in np.nonzero(differs))
                    return (
                        f"{_label(each, output)} over columns of {end:,} bars is"
                        f" {found[bar, output]:.12g} at {self._at(bar)}, but"
                        f" {known[bar, output]:.12g} where later bars are unknown"
                    )
            at += width
        return ""

    def _rule_in_columns(self) -> str:
        """Return where `decide_over`, if there is one, says something else than `decide`."""
        if self.strategy.column_rule() is None:
            return ""
        runner, stepped = self._runner(), self._runner()
        (part,) = parts(self.series, max(1, len(self.series)))
        warm = min(runner.bars_to_come, len(self._bars))
        for bar in self._bars[:warm]:
            runner.on_bar(bar, 0.0)
            stepped.on_bar(bar, 0.0)
        sweep = runner.sweep(part, warm, 0.0)
        if sweep is None:
            return f"decide_over is not used: {runner.rule_fault}" if runner.rule_fault else ""
        said = DECISION.iter_unpack(sweep.said(len(self._bars) - warm, 0.0))
        for at, (row, bar) in enumerate(zip(said, self._bars[warm:], strict=True), warm):
            weight = stepped.on_bar(bar, 0.0)
            expected = (*stepped.memory[:WEIGHT], weight)
            for what, one, other in zip(_SAID, row[1:], expected, strict=True):
                if repr(one) != repr(other):
                    return (
                        f"the {what} of decide_over at {self._at(at)} is {one:.12g}, but that of"
                        f" decide {other:.12g}"
                    )
        return ""

    def _difference(self, whole: Recording, part: Recording, n_bars: int) -> str:
        """Return where two recordings of the same bars differ first; empty where nowhere."""
        if part.fault is not None and len(part.weights) < n_bars:
            return f"it raised {part.fault.summary} at {self._at(len(part.weights))}"
        rows, other = whole.rows[:n_bars], part.rows[:n_bars]
        differs = ~_same(rows, other)
        if differs.any():
            at, place = (int(found[0]) for found in np.nonzero(differs))
            label = [name for name, _ in self._outputs()][place]
            return (
                f"{label} is {rows[at, place]:.12g} at {self._at(at)} in the first run and"
                f" {other[at, place]:.12g} in this one"
            )
        differs = ~_same(whole.weights[:n_bars], part.weights[:n_bars])
        if differs.any():
            at = int(np.argmax(differs))
            return (
                f"it wants {_weight(whole.weights[at])} at {self._at(at)} in the first run and"
                f" {_weight(part.weights[at])} in this one"
            )
        return ""

    def _outputs(self) -> list[tuple[str, FeatureSpec]]:
        return [
            (_label(each, output), each)
            for each in self._runner().features
            for output in range(each.width)
        ]

    def _recorded(self, bars: Sequence[BarValues]) -> Recording:
        return _record(self._runner(), bars)

    def _runner(self) -> SignalRunner:
        return SignalRunner(self.strategy, self.parameters)

    def _at(self, bar: int) -> str:
        """Return a bar by the instant at which it closed, as people read it."""
        if bar >= len(self.series):
            return "the end"
        return f"bar {bar:,} ({instant_name(int(self.series.ts_open[bar]) + self._step)})"

    @property
    def _step(self) -> int:
        return self.series.spec.step_ns

    def _raised(self, recording: Recording, start: int = 0) -> CheckFinding:
        assert recording.fault is not None
        at = self._at(start + len(recording.weights))
        return failed(RUNS, f"it raised at {at}: {recording.fault.summary}", self._name)


def _record(runner: SignalRunner, bars: Sequence[BarValues]) -> Recording:
    rows: list[list[float]] = []
    weights: list[float] = []
    memories: list[list[float]] = []

    def feed() -> None:
        held = 0.0
        for bar in bars:
            weight = runner.on_bar(bar, held)
            held = held if isnan(weight) else float(np.sign(weight))
            rows.append(runner.row[:-BAR_WIDTH])
            weights.append(weight)
            memories.append(runner.memory[FREE:])

    fault = guarded(feed)
    n = len(weights)
    width = sum(each.width for each in runner.features)
    return Recording(
        np.array(rows[:n], dtype=np.float64).reshape(n, width),
        np.array(weights, dtype=np.float64),
        np.array(memories[:n], dtype=np.float64).reshape(n, len(runner.memory) - FREE),
        fault,
    )


def _same(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether numbers are equal; NaN equals itself."""
    same: NDArray[np.bool_] = (one == other) | (np.isnan(one) & np.isnan(other))
    return same


def _near(one: FloatTable, other: FloatTable) -> NDArray[np.bool_]:
    """Whether numbers are equal but for what a cut history may leave."""
    with np.errstate(invalid="ignore"):  # infinity beside infinity
        close = np.abs(one - other) <= TOLERANCE * np.maximum(np.abs(one), np.abs(other))
    return _same(one, other) | close


def _label(each: FeatureSpec, output: int) -> str:
    settings = ", ".join(f"{name}={value}" for name, value in each.parameters.items())
    outputs = each.spec.outputs
    suffix = f".{outputs[output]}" if len(outputs) > 1 else ""
    return f"{each.indicator}({settings}){suffix}"


def _weight(weight: float) -> str:
    return "nothing (no view)" if isnan(weight) else f"{weight:g}"
