"""The cross of two exponential averages: long while the fast one is above the slow one."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from botcore.domain.parameters import Parameter, ParameterSpace
from botcore.indicators import FloatColumn, FloatRow, FloatTable
from botcore.strategies.features import FeatureSpec, feature, require_below
from botcore.strategies.layout import CODE, NO_VIEW
from botcore.strategies.library.hysteresis import (
    BPS,
    EXIT,
    STAY_FLAT,
    UNDECIDED,
    conclude,
    conclude_over,
)
from botcore.strategies.signal import WARM_UP_REASON, SignalStrategy

FAST: Final = 0
SLOW: Final = 1
NO_TRADE_BPS: Final = 2


class EmaCross(SignalStrategy):
    """Follow the trend on which two averages agree."""

    name: ClassVar[str] = "ema-cross"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "Long while the fast average is above the slow one, flat while below."
    parameters: ClassVar[ParameterSpace] = ParameterSpace(
        Parameter("fast", "int", 10, 1, 5_000, "bars", "Period of the fast average."),
        Parameter("slow", "int", 30, 2, 10_000, "bars", "Period of the slow average."),
        Parameter(
            "no_trade_bps",
            "float",
            30,
            0,
            1_000,
            "bps",
            "The averages must be this far apart before the view changes.",
        ),
        Parameter(
            "seed", "int", 0, 0, 1, "", "How averages start: 0 from a mean, 1 from the first price."
        ),
    )
    reasons: ClassVar[tuple[str, ...]] = (
        WARM_UP_REASON,
        "EMA {1:.0f} is {0:.1f} bps above EMA {2:.0f}: enter",
        "EMA {1:.0f} is {0:.1f} bps above EMA {2:.0f}: stay long",
        "EMA {1:.0f} is {0:.1f} bps below EMA {2:.0f}: exit",
        "EMA {1:.0f} is {0:.1f} bps below EMA {2:.0f}: stay flat",
        "EMA {1:.0f} was last above EMA {2:.0f}, now {0:+.1f} bps, inside ±{3:g}: enter",
        "EMA {1:.0f} was last above EMA {2:.0f}, now {0:+.1f} bps, inside ±{3:g}: stay long",
        "EMA {1:.0f} was last below EMA {2:.0f}, now {0:+.1f} bps, inside ±{3:g}: exit",
        "EMA {1:.0f} was last below EMA {2:.0f}, now {0:+.1f} bps, inside ±{3:g}: stay flat",
        "EMA {1:.0f} and EMA {2:.0f} have been equal so far: no view yet",
    )
    no_view: ClassVar[tuple[int, ...]] = (9,)
    free_memory: ClassVar[tuple[float, ...]] = (UNDECIDED,)

    @staticmethod
    def features(params: Mapping[str, float]) -> tuple[FeatureSpec, ...]:
        """Return both averages of the close."""
        require_below("fast", params["fast"], "slow", params["slow"])
        seed = "first" if params["seed"] == 1.0 else "sma"
        return (
            feature("ema", period=int(params["fast"]), seed=seed),
            feature("ema", period=int(params["slow"]), seed=seed),
        )

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        """Return 1 where the averages were last decisively apart with the fast one above."""
        slow = row[1]
        gap = row[0] - slow
        band_bps = params[NO_TRADE_BPS]
        band = slow * band_bps / BPS
        gap_bps = gap / slow * BPS
        memory[2] = params[FAST]
        memory[3] = params[SLOW]
        memory[4] = band_bps
        view = conclude(memory, gap, band)
        code = memory[CODE]
        memory[1] = -gap_bps if EXIT <= code <= STAY_FLAT else gap_bps
        return NO_VIEW if view == UNDECIDED else view

    @staticmethod
    def decide_over(
        columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> FloatTable:
        """Return what `decide` would leave after each bar."""
        slow = columns[1]
        gap = columns[0] - slow
        band_bps = params[NO_TRADE_BPS]
        band = slow * band_bps / BPS
        gap_bps = gap / slow * BPS
        quoted = (params[FAST], params[SLOW], band_bps)
        return conclude_over(memory, gap, band, gap_bps=gap_bps, quoted=quoted)
