"""Signal strategies made for tests of the machinery."""

from collections.abc import Mapping
from math import inf, nan
from typing import ClassVar

from botcore.domain.parameters import Parameter, ParameterSpace
from botcore.indicators import FloatRow
from botcore.strategies import WARM_UP_REASON, FeatureSpec, SignalStrategy, feature
from botcore.strategies.layout import CLOSE, CODE, FREE


class Probe(SignalStrategy):
    """Wants what its parameter says, and counts its bars."""

    name: ClassVar[str] = "probe"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "For tests."
    parameters: ClassVar[ParameterSpace] = ParameterSpace(
        Parameter("weight", "float", 1, -10, 10), Parameter("period", "int", 3, 1, 100)
    )
    reasons: ClassVar[tuple[str, ...]] = (WARM_UP_REASON, "counted {0:.0f}", "no view")
    no_view: ClassVar[tuple[int, ...]] = (2,)
    free_memory: ClassVar[tuple[float, ...]] = (0.0,)

    @staticmethod
    def features(params: Mapping[str, float]) -> tuple[FeatureSpec, ...]:
        return (
            feature("atr", period=int(params["period"])),
            feature("sma", period=2),
            feature("sma", period=int(params["period"]), inputs=("volume",)),
        )

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        memory[FREE] += 1.0
        memory[CODE] = 1.0
        memory[1] = memory[FREE]
        return params[0]


class SilentProbe(Probe):
    """Returns without a word why."""

    name: ClassVar[str] = "silent-probe"

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        return nan


class InfiniteProbe(Probe):
    """Wants infinitely much."""

    name: ClassVar[str] = "infinite-probe"

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        memory[CODE] = 1.0
        return inf


class AbsentProbe(Probe):
    """Has no view, and says so."""

    name: ClassVar[str] = "absent-probe"

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        memory[CODE] = 2.0
        return nan


class LookingProbe(Probe):
    """The same but for one number in its rule."""

    name: ClassVar[str] = "probe"

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        memory[CODE] = 1.0
        memory[1] = row[CLOSE]
        return 0.5
