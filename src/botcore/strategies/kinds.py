"""The two kinds of strategies behind one name, and what can be asked of either."""

from collections.abc import Mapping
from enum import StrEnum

from botcore.strategies.event import EventStrategy
from botcore.strategies.runner import SignalRunner
from botcore.strategies.signal import SignalStrategy

StrategyClass = type[SignalStrategy] | type[EventStrategy]
"""A strategy as it is configured: its class."""


class StrategyKind(StrEnum):
    """What a strategy is asked for: a weight on each bar, or intents on any event."""

    SIGNAL = "signal"
    EVENT = "event"


def kind_of(strategy: StrategyClass) -> StrategyKind:
    """Return which kind a strategy is of."""
    return StrategyKind.SIGNAL if issubclass(strategy, SignalStrategy) else StrategyKind.EVENT


def parameters_in_force(strategy: StrategyClass, given: Mapping[str, object]) -> dict[str, float]:
    """Return the parameters that a strategy would run with, by name, or refuse them.

    Args:
        strategy: of either kind; it is started once to see that it can be.
        given: numbers, bools or their text; what is absent has its default.

    Raises:
        ConfigError: one is unknown, out of range, or does not go with another.
    """
    if issubclass(strategy, SignalStrategy):
        return SignalRunner(strategy, given).parameters
    in_force = strategy.parameters.named(strategy.parameters.row(given))
    strategy(in_force)
    return in_force
