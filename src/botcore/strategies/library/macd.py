"""Momentum by the MACD: long while it is above its signal line."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from botcore.domain.parameters import Parameter, ParameterSpace
from botcore.indicators import FloatColumn, FloatRow, FloatTable
from botcore.strategies.features import FeatureSpec, feature, require_below
from botcore.strategies.layout import CLOSE, CODE, NO_VIEW
from botcore.strategies.library.hysteresis import (
    BPS,
    EXIT,
    STAY_FLAT,
    UNDECIDED,
    conclude,
    conclude_over,
)
from botcore.strategies.signal import WARM_UP_REASON, SignalStrategy

NO_TRADE_BPS: Final = 3


class Macd(SignalStrategy):
    """Follow a trend that gathers pace."""

    name: ClassVar[str] = "macd"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "Long while the MACD is above its signal line, flat while below."
    parameters: ClassVar[ParameterSpace] = ParameterSpace(
        Parameter("fast", "int", 12, 1, 5_000, "bars", "Period of the fast average."),
        Parameter("slow", "int", 26, 2, 10_000, "bars", "Period of the slow average."),
        Parameter("signal", "int", 9, 1, 5_000, "bars", "Period of the signal line."),
        Parameter(
            "no_trade_bps",
            "float",
            10,
            0,
            1_000,
            "bps",
            "MACD and signal must be this far apart, in bps of the price, before the view changes.",
        ),
    )
    reasons: ClassVar[tuple[str, ...]] = (
        WARM_UP_REASON,
        "MACD is {0:.1f} bps of the price above its signal: enter",
        "MACD is {0:.1f} bps of the price above its signal: stay long",
        "MACD is {0:.1f} bps of the price below its signal: exit",
        "MACD is {0:.1f} bps of the price below its signal: stay flat",
        "MACD was last above its signal, now {0:+.1f} bps, inside ±{1:g}: enter",
        "MACD was last above its signal, now {0:+.1f} bps, inside ±{1:g}: stay long",
        "MACD was last below its signal, now {0:+.1f} bps, inside ±{1:g}: exit",
        "MACD was last below its signal, now {0:+.1f} bps, inside ±{1:g}: stay flat",
        "MACD and its signal have been equal so far: no view yet",
    )
    no_view: ClassVar[tuple[int, ...]] = (9,)
    free_memory: ClassVar[tuple[float, ...]] = (UNDECIDED,)

    @staticmethod
    def features(params: Mapping[str, float]) -> tuple[FeatureSpec, ...]:
        """Return MACD, signal and histogram of the close."""
        require_below("fast", params["fast"], "slow", params["slow"])
        return (
            feature(
                "macd",
                fast=int(params["fast"]),
                slow=int(params["slow"]),
                signal=int(params["signal"]),
            ),
        )

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        """Return 1 where MACD and signal were last decisively apart with the MACD above."""
        gap_bps = row[2] / row[CLOSE] * BPS
        band_bps = params[NO_TRADE_BPS]
        memory[2] = band_bps
        view = conclude(memory, gap_bps, band_bps)
        code = memory[CODE]
        memory[1] = -gap_bps if EXIT <= code <= STAY_FLAT else gap_bps
        return NO_VIEW if view == UNDECIDED else view

    @staticmethod
    def decide_over(
        columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> FloatTable:
        """Return what `decide` would leave after each bar."""
        gap_bps = columns[2] / columns[CLOSE] * BPS
        band_bps = params[NO_TRADE_BPS]
        return conclude_over(memory, gap_bps, band_bps, gap_bps=gap_bps, quoted=(band_bps,))
