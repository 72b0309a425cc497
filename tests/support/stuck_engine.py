"""The engine's process with one strategy that never returns: run as a child of a supervisor."""

import sys
from collections.abc import Mapping
from typing import ClassVar

from botcore.app import composition
from botcore.app.commands import run_engine
from botcore.domain.parameters import ParameterSpace
from botcore.indicators import FloatRow
from botcore.strategies import (
    WARM_UP_REASON,
    FeatureSpec,
    SignalStrategy,
    StrategyClass,
    feature,
    strategy_named,
)


class NeverReturns(SignalStrategy):
    """Decides through its history, and for ever on the first live bar."""

    name: ClassVar[str] = "never-returns"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "Loops for ever."
    parameters: ClassVar[ParameterSpace] = ParameterSpace()
    reasons: ClassVar[tuple[str, ...]] = (WARM_UP_REASON, "it counted {0:.0f} bars")
    free_memory: ClassVar[tuple[float, ...]] = (0.0,)

    @staticmethod
    def features(params: Mapping[str, float]) -> tuple[FeatureSpec, ...]:
        """Look at one average."""
        return (feature("sma", period=2),)

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        """Loop once the history is over: history has fewer bars than this."""
        memory[8] += 1.0
        memory[0] = 1.0
        memory[1] = memory[8]
        while memory[8] > HISTORY:
            pass
        return 0.0


HISTORY = float(sys.argv[1])


def found(name: str, _folder: object) -> tuple[str, StrategyClass]:
    """Know one strategy more than the library."""
    return name, NeverReturns if name == NeverReturns.name else strategy_named(name)


if __name__ == "__main__":
    vars(composition)["find_strategy"] = found
    quarantined = [word for word in sys.argv[2:] if word != "--quarantine"]
    sys.exit(run_engine(overrides={}, quarantined=quarantined))
