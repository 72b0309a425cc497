"""Reversal by the relative strength index: long after it was low, flat after it was high."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

import numpy as np

from botcore.domain.parameters import Parameter, ParameterSpace
from botcore.indicators import FloatColumn, FloatRow, FloatTable
from botcore.strategies.features import FeatureSpec, feature, require_below
from botcore.strategies.layout import CLOSE, CODE, HELD, NO_VIEW
from botcore.strategies.library.hysteresis import (
    BPS,
    FLAT,
    KEEP_FLAT,
    KEEP_LONG,
    LONG,
    NO_VIEW_YET,
    UNDECIDED,
    VIEW,
    Flags,
    left_over,
    verdict,
    verdicts_over,
    views_over,
)
from botcore.strategies.signal import WARM_UP_REASON, SignalStrategy

PERIOD: Final = 0
OVERSOLD: Final = 1
OVERBOUGHT: Final = 2
NO_TRADE_BPS: Final = 3

KEEP_LONG_IN_BAND: Final = 10.0
KEEP_FLAT_IN_BAND: Final = 11.0


def rsi_view(  # noqa: PLR0917 – numba takes no keywords here
    view: float, rsi: float, distance_bps: float, low: float, high: float, band_bps: float
) -> float:
    """Return the view after a bar.

    Args:
        view: before the bar.
        rsi: 0 to 100.
        distance_bps: of the close from its average, positive above.
        low: RSI that is low enough to enter.
        high: RSI that is high enough to exit.
        band_bps: how far the close has to be from its average for the view to change.
    """
    if rsi <= low and distance_bps < -band_bps:
        return LONG
    if rsi >= high and distance_bps > band_bps:
        return FLAT
    return view


def rsi_sides(
    rsi: FloatColumn, distance_bps: FloatColumn, low: float, high: float, band_bps: float
) -> tuple[Flags, Flags]:
    """Return on which bars `rsi_view` is long and on which flat, whatever it was before."""
    is_long = (rsi <= low) & (distance_bps < -band_bps)
    is_flat = (rsi >= high) & (distance_bps > band_bps)
    return is_long, is_flat


class Rsi(SignalStrategy):
    """Buy what fell too far, hold it until it has risen too far.

    The average that price is compared with is the exponential one of the same memory as Wilder's,
    ``2 × period − 1`` bars.
    """

    name: ClassVar[str] = "rsi"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "Long once the RSI was low, until it is high."
    parameters: ClassVar[ParameterSpace] = ParameterSpace(
        Parameter("period", "int", 14, 2, 5_000, "bars", "Memory of the RSI."),
        Parameter("oversold", "float", 30, 0, 100, "", "Enter at or below this RSI."),
        Parameter("overbought", "float", 70, 0, 100, "", "Exit at or above this RSI."),
        Parameter(
            "no_trade_bps",
            "float",
            45,
            0,
            1_000,
            "bps",
            "Price must be this far from its average before the view changes.",
        ),
    )
    reasons: ClassVar[tuple[str, ...]] = (
        WARM_UP_REASON,
        "RSI {0:.1f} is at most {1:g} and price {2:+.1f} bps from its average: enter",
        "RSI {0:.1f} is at most {1:g} and price {2:+.1f} bps from its average: stay long",
        "RSI {0:.1f} is at least {1:g} and price {2:+.1f} bps from its average: exit",
        "RSI {0:.1f} is at least {1:g} and price {2:+.1f} bps from its average: stay flat",
        "RSI is {0:.1f}, its last signal was to enter: enter",
        "RSI {0:.1f} is below {1:g}: stay long",
        "RSI is {0:.1f}, its last signal was to exit: exit",
        "RSI {0:.1f} is above {1:g}: no entry",
        "RSI {0:.1f} has given no signal so far: no view yet",
        "RSI {0:.1f} is at least {1:g}, price only {2:+.1f} of {3:g} bps from average: stay long",
        "RSI {0:.1f} is at most {1:g}, price only {2:+.1f} of -{3:g} bps from average: no entry",
    )
    no_view: ClassVar[tuple[int, ...]] = (9,)
    free_memory: ClassVar[tuple[float, ...]] = (UNDECIDED,)

    @staticmethod
    def features(params: Mapping[str, float]) -> tuple[FeatureSpec, ...]:
        """Return the RSI and the average of the close."""
        require_below("oversold", params["oversold"], "overbought", params["overbought"])
        period = int(params["period"])
        return (feature("rsi", period=period), feature("ema", period=2 * period - 1))

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        """Return 1 from the entry signal on and 0 from the exit signal on."""
        rsi = row[0]
        distance_bps = (row[CLOSE] / row[1] - 1.0) * BPS
        low = params[OVERSOLD]
        high = params[OVERBOUGHT]
        band_bps = params[NO_TRADE_BPS]
        view = rsi_view(memory[VIEW], rsi, distance_bps, low, high, band_bps)
        memory[VIEW] = view
        memory[1] = rsi
        memory[2] = low
        memory[3] = distance_bps
        memory[4] = band_bps
        if view == UNDECIDED:
            memory[CODE] = NO_VIEW_YET
            return NO_VIEW
        decisive = rsi_view(UNDECIDED, rsi, distance_bps, low, high, band_bps) == view
        code = verdict(view, decisive, memory[HELD])
        if view != LONG and decisive:
            memory[2] = high
        elif code == KEEP_LONG:
            memory[2] = high
            if rsi >= high:
                code = KEEP_LONG_IN_BAND
        elif code == KEEP_FLAT and rsi <= low:
            code = KEEP_FLAT_IN_BAND
        memory[CODE] = code
        return view

    @staticmethod
    def decide_over(
        columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> FloatTable:
        """Return what `decide` would leave after each bar."""
        rsi = columns[0]
        distance_bps = (columns[CLOSE] / columns[1] - 1.0) * BPS
        low = params[OVERSOLD]
        high = params[OVERBOUGHT]
        band_bps = params[NO_TRADE_BPS]
        is_long, is_flat = rsi_sides(rsi, distance_bps, low, high, band_bps)
        views = views_over(is_long, is_flat, memory[VIEW])
        codes = verdicts_over(views, is_long | is_flat, memory[HELD])
        keeps_long = codes == KEEP_LONG
        quoted = np.where(is_flat | keeps_long, high, low)
        codes[keeps_long & (rsi >= high)] = KEEP_LONG_IN_BAND
        codes[(codes == KEEP_FLAT) & (rsi <= low)] = KEEP_FLAT_IN_BAND
        return left_over(codes, (rsi, quoted, distance_bps, band_bps), views, views)
