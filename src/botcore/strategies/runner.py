"""One signal strategy on one instrument, stepped bar by bar."""

from collections.abc import Iterable, Mapping
from math import nan

import msgspec

from botcore.domain.intents import Reason
from botcore.kernel.guard import guarded
from botcore.strategies.columns import BarColumns, BarRow, BarValues
from botcore.strategies.digest import class_digest, features_digest
from botcore.strategies.faults import StrategyFault
from botcore.strategies.features import FeatureSpec
from botcore.strategies.layout import (
    BAR_WIDTH,
    BARS_HELD,
    CODE,
    DECISION,
    FREE,
    HELD,
    NEVER,
    NO_VIEW,
    OPERANDS,
    OPERANDS_MAX,
    UNSAID,
    WARM,
    WARMING_UP,
)
from botcore.strategies.signal import SignalStrategy
from botcore.strategies.sweeps import Sweep

Snapshot = tuple[int, list[list[float]], list[float]]
"""What a runner remembers, copied, in memory; `SignalRunner.state` is for a store."""


class _State(msgspec.Struct, frozen=True):
    """All that a runner remembers, and whose it is."""

    digest: str
    params: list[float]
    to_come: int
    features: list[list[float]]
    memory: list[float]


class SignalRunner:
    """Steps the features and asks `decide`, once a closed bar.

    Args:
        strategy: what to run.
        params: parameters by name, as numbers, bools or their text; what is absent has its
            default.

    Raises:
        ConfigError: a parameter is unknown, out of range, or does not go with another.
    """

    __slots__ = (
        "_ahead",
        "_bar_places",
        "_close_steps",
        "_decide",
        "_digest",
        "_features",
        "_is_checked",
        "_other_steps",
        "_params",
        "_row",
        "_rule",
        "_states",
        "_strategy",
        "_sweep",
        "_to_come",
        "memory",
        "rule_fault",
    )

    memory: list[float]
    """The memory row; after `on_bar` ``memory[0:5]`` is the reason: code and four operands.

    After bars that were taken from a sweep without `on_bar` only `HELD` and `BARS_HELD` are
    current, until `on_bar`, `reason` or `state`.
    """
    rule_fault: str
    """Why its rule in columns is not used (it raised, or does not say what `decide` may say)."""

    def __init__(self, strategy: type[SignalStrategy], params: Mapping[str, object]) -> None:
        self._ahead: float | None = None
        self._strategy = strategy
        self._decide = strategy.decide
        self._rule = strategy.column_rule()
        self._sweep: Sweep | None = None
        self._is_checked = False
        self.rule_fault = ""
        self._params = strategy.parameters.row(params)
        self._features = strategy.features(strategy.parameters.named(self._params))
        self._digest = class_digest(strategy) + features_digest(self._features)
        self._begin(None)

    @property
    def strategy(self) -> type[SignalStrategy]:
        """What it runs."""
        return self._strategy

    @property
    def parameters(self) -> dict[str, float]:
        """The parameters in force, by name."""
        return self._strategy.parameters.named(self._params)

    @property
    def features(self) -> tuple[FeatureSpec, ...]:
        """What it steps, in the order of the row."""
        return self._features

    @property
    def row(self) -> list[float]:
        """The features and the bar that `decide` saw last; for tests and for people."""
        self._leave_sweep()
        return list(self._row)

    @property
    def bars_to_come(self) -> int:
        """Bars still to be fed before the first decision."""
        return self._to_come

    @property
    def is_warmup(self) -> bool:
        """Whether history is being fed (the engine sets it, and drops what is returned)."""
        return self.memory[WARM] == 1.0

    @is_warmup.setter
    def is_warmup(self, warm: bool) -> None:
        self.memory[WARM] = 1.0 if warm else 0.0

    def settled(self, tolerance: float) -> int:
        """Return the bars of history after which the features agree with an infinite history.

        Hysteresis is forgotten later: with the first change of mind that both histories see.

        Args:
            tolerance: relative, between 0 and 1.
        """
        return max((each.settled(tolerance) for each in self._features), default=1)

    def on_bar(self, bar: BarValues, held: float) -> float:
        """Take a closed bar and return the target weight; NaN leaves the position as it is.

        Args:
            bar: open, high, low and close, finite and positive as all prices here, and the volume
                in base units: the order of `SOURCES`.
            held: sign of the strategy's position with its working orders: 1, 0 or -1.

        Raises:
            StrategyFault: the strategy returned infinity, a weight outside -1 to 1, or NaN
                without saying that it has no view.
        """
        if self._ahead is not None:
            return self._looked_at()
        if self._sweep is not None:
            if self._sweep.is_next(bar[_CLOSE_PICK]) and self._is_found(self._sweep, held):
                weight = self._sweep.take(held, self.memory)
                return weight if -1.0 <= weight <= 1.0 else self._without_view(weight)
            self._leave_sweep()
        row = self._row
        close = bar[_CLOSE_PICK]
        for step, state, at in self._close_steps:
            step(state, row, at, close)
        if self._other_steps:
            for step, state, at, picks in self._other_steps:
                step(state, row, at, *[bar[pick] for pick in picks])
        row[self._bar_places] = bar
        memory = self.memory
        if held == memory[HELD]:
            memory[BARS_HELD] += 1.0
        else:
            memory[HELD] = held
            memory[BARS_HELD] = 0.0
        if self._to_come:
            self._to_come -= 1
            if self._to_come:
                memory[CODE] = WARMING_UP
                memory[OPERANDS] = float(self._to_come)
                return NO_VIEW
        memory[CODE] = UNSAID
        weight = self._decide(row, memory, self._params)
        if -1.0 <= weight <= 1.0:
            return weight
        return self._without_view(weight)

    def advance(self, bars: Iterable[BarRow], held: float, rest: float, log: bytearray) -> int:
        """Take closed bars as long as the weight is `rest`, and return how many were.

        The bar on which it is another one is looked at, but not counted: `on_bar`, which must be
        given that bar next, returns what was found.

        Args:
            bars: at least one, oldest first.
            held: as `on_bar`'s, on all of them.
            rest: a weight.
            log: each bar taken appends a row of the form `DECISION`.

        Raises:
            Exception: whatever the strategy raised; `log` says how many bars were taken before.
        """
        self._leave_sweep()
        memory = self.memory
        if self._to_come or self._ahead is not None:
            return 0
        if held != memory[HELD]:
            memory[HELD] = held
            memory[BARS_HELD] = -1.0  # 0 on the first bar
        row, params, decide, places = self._row, self._params, self._decide, self._bar_places
        close_steps, other_steps = self._close_steps, self._other_steps
        count = 0
        for ts, bar in bars:
            close = bar[_CLOSE_PICK]
            for step, state, at in close_steps:
                step(state, row, at, close)
            if other_steps:
                for step, state, at, picks in other_steps:
                    step(state, row, at, *[bar[pick] for pick in picks])
            row[places] = bar
            memory[BARS_HELD] += 1.0
            memory[CODE] = UNSAID
            weight = decide(row, memory, params)
            if weight != rest:
                self._ahead = weight
                break
            log += _pack(ts, memory[0], memory[1], memory[2], memory[3], memory[4], weight)
            count += 1
        return count

    def sweep(self, bars: BarColumns, at: int, held: float) -> Sweep | None:
        """Return its decisions on bars that come next, found at once; None where it must be asked.

        Whoever takes bars of it gives `on_bar` those behind them.

        Args:
            bars: what comes next among others.
            at: index of the next bar.
            held: sign of the position for which they are found.
        """
        if self._rule is None or self._to_come or self._ahead is not None:
            return None
        if self._sweep is not None and not self._sweep.begins_at(bars, at):
            self._leave_sweep()
        if self._sweep is None:
            sweep = Sweep(
                self._rule,
                self._params,
                features=self._features,
                states=self._states,
                memory=self.memory,
                bars=bars,
                first=at,
            )
            if not self._is_found(sweep, held):
                return None
            self._sweep = sweep
        elif not self._is_found(self._sweep, held):
            self._leave_sweep()
        return self._sweep

    def _is_found(self, sweep: Sweep, held: float) -> bool:
        """Have decisions found for a position; a rule that fails is not asked again.

        `decide` is the strategy's word: it is asked instead, and its own faults are met there.
        """
        fault = guarded(sweep.find, held)
        if fault is None and not self._is_checked:
            fault = guarded(sweep.check_past_only, held)
            self._is_checked = len(sweep) >= _ENOUGH
        if fault is None:
            return True
        self._rule = None
        self.rule_fault = fault.summary
        return False

    def _leave_sweep(self) -> None:
        """Go on bar by bar from the last bar that was taken."""
        sweep, self._sweep = self._sweep, None
        if sweep is not None:
            sweep.leave(self._states, self._row, self.memory)

    def snapshot(self) -> Snapshot:
        """Return a copy of all that it remembers, for `restore`."""
        self._leave_sweep()
        return self._to_come, [state[:] for state in self._states], self.memory[:]

    def restore(self, snapshot: Snapshot) -> None:
        """Remember what it did when `snapshot` was taken, and nothing since."""
        self._leave_sweep()
        self._to_come, states, memory = snapshot
        for own, state in zip(self._states, states, strict=True):
            own[:] = state
        self.memory[:] = memory
        self._ahead = None

    def _looked_at(self) -> float:
        """Return the weight of the bar that `advance` ended on."""
        weight, self._ahead = self._ahead, None
        assert weight is not None
        return weight if -1.0 <= weight <= 1.0 else self._without_view(weight)

    def _without_view(self, weight: float) -> float:
        """Return NaN where the strategy said that it has no view; anything else is a fault."""
        if weight == weight or self.memory[CODE] not in self._strategy.no_view:  # noqa: PLR0124 – NaN
            raise StrategyFault.weight(self._strategy.name, weight, self.memory[CODE])
        return weight

    def reason(self) -> Reason:
        """Return why it decided as it did on the last bar."""
        if self._sweep is not None:
            self._sweep.recall(self.memory)
        memory = self.memory
        return Reason(int(memory[CODE]), tuple(memory[OPERANDS : OPERANDS + OPERANDS_MAX]))

    def state(self) -> bytes:
        """Return all that `resume` needs to go on with the next bar, equal to the bit."""
        self._leave_sweep()
        return _ENCODE(
            _State(
                digest=self._digest,
                params=self._params,
                to_come=self._to_come,
                features=self._states,
                memory=self.memory,
            )
        )

    def resume(self, state: bytes | None) -> bool:
        """Go on from a stored state, or start afresh where it cannot be used.

        Returns:
            True where it goes on; False where there is no state, or one of other rules, other
            parameters or that cannot be read: then feed it `settled` bars of history.
        """
        found = self._usable(state)
        self._begin(found)
        return found is not None

    def _usable(self, state: bytes | None) -> _State | None:
        if state is None:
            return None
        try:
            found = _DECODER.decode(state)
        except msgspec.MsgspecError:
            return None
        return found if (found.digest, found.params) == (self._digest, self._params) else None

    def _begin(self, found: _State | None) -> None:
        free = [float(value) for value in self._strategy.free_memory]
        if found is None:
            states = [each.initial() for each in self._features]
            self._to_come = max((each.first_valid for each in self._features), default=0) + 1
            self.memory = [0.0] * FREE + free
            self.memory[OPERANDS] = float(self._to_come)
            self.memory[BARS_HELD] = NEVER
        else:
            states = found.features
            self._to_come = found.to_come
            self.memory = found.memory
        self._states = states
        self._ahead = None
        self._sweep = None
        # Indicators of the close alone are by far the most, and are stepped without a detour.
        close_steps, other_steps, at = [], [], 0
        for each, own in zip(self._features, states, strict=True):
            if each.picks == (_CLOSE_PICK,):
                close_steps.append((each.spec.step, own, at))
            else:
                other_steps.append((each.spec.step, own, at, each.picks))
            at += each.width
        self._close_steps, self._other_steps = tuple(close_steps), tuple(other_steps)
        self._row = [nan] * (at + BAR_WIDTH)
        self._bar_places = slice(at, at + BAR_WIDTH)


_CLOSE_PICK = 3
_ENOUGH = 100
"""Bars over which a rule in columns that sees later ones betrays itself."""
_pack = DECISION.pack
_ENCODE = msgspec.msgpack.Encoder().encode
_DECODER = msgspec.msgpack.Decoder(_State)
