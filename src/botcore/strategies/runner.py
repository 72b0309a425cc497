"""One signal strategy on one instrument, stepped bar by bar."""

from collections.abc import Mapping
from math import nan

import msgspec

from botcore.domain.intents import Reason
from botcore.strategies.digest import class_digest, features_digest
from botcore.strategies.faults import StrategyFault
from botcore.strategies.layout import (
    BAR_WIDTH,
    BARS_HELD,
    CODE,
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
        "_bar_places",
        "_close_steps",
        "_decide",
        "_digest",
        "_features",
        "_other_steps",
        "_params",
        "_row",
        "_states",
        "_strategy",
        "_to_come",
        "memory",
    )

    memory: list[float]
    """The memory row; after each bar ``memory[0:5]`` is the reason: code and four operands."""

    def __init__(self, strategy: type[SignalStrategy], params: Mapping[str, object]) -> None:
        self._strategy = strategy
        self._decide = strategy.decide
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
    def row(self) -> list[float]:
        """The features and the bar that `decide` saw last; for tests and for people."""
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

    def on_bar(  # noqa: PLR0917 – positional: this is the hot path
        self, open: float, high: float, low: float, close: float, volume: float, held: float
    ) -> float:
        """Take a closed bar and return the target weight; NaN leaves the position as it is.

        Args:
            open: price of the first trade, finite and positive as all prices here.
            high: highest price.
            low: lowest price.
            close: price of the last trade.
            volume: base units.
            held: sign of the strategy's position with its working orders: 1, 0 or -1.

        Raises:
            StrategyFault: the strategy returned infinity, a weight outside -1 to 1, or NaN
                without saying that it has no view.
        """
        row = self._row
        for step, state, at in self._close_steps:
            step(state, row, at, close)
        if self._other_steps:
            bar = (open, high, low, close, volume)
            for step, state, at, picks in self._other_steps:
                step(state, row, at, *[bar[pick] for pick in picks])
        # One place after the other, counted from the front: a list is written fastest so.
        at_open, at_high, at_low, at_close, at_volume = self._bar_places
        row[at_open] = open
        row[at_high] = high
        row[at_low] = low
        row[at_close] = close
        row[at_volume] = volume
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
        decide = self._decide
        weight = decide(row, memory, self._params)
        if -1.0 <= weight <= 1.0:
            return weight
        if weight == weight or memory[CODE] not in self._strategy.no_view:  # noqa: PLR0124 – NaN
            raise StrategyFault.weight(self._strategy.name, weight, memory[CODE])
        return weight

    def reason(self) -> Reason:
        """Return why it decided as it did on the last bar."""
        memory = self.memory
        return Reason(int(memory[CODE]), tuple(memory[OPERANDS : OPERANDS + OPERANDS_MAX]))

    def state(self) -> bytes:
        """Return all that `resume` needs to go on with the next bar, equal to the bit."""
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
        self._bar_places = tuple(range(at, at + BAR_WIDTH))


_CLOSE_PICK = 3
_ENCODE = msgspec.msgpack.Encoder().encode
_DECODER = msgspec.msgpack.Decoder(_State)
