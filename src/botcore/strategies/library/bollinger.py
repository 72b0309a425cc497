"""Reversal at the Bollinger bands: long from below the lower band until above the upper one."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

import numpy as np

from botcore.domain.parameters import Parameter, ParameterSpace
from botcore.indicators import FloatColumn, FloatRow, FloatTable
from botcore.strategies.features import FeatureSpec, feature
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

NO_TRADE_BPS: Final = 2

KEEP_LONG_IN_BAND: Final = 10.0
KEEP_FLAT_IN_BAND: Final = 11.0


def bollinger_view(  # noqa: PLR0917 – numba takes no keywords here
    view: float, close: float, upper: float, lower: float, distance_bps: float, band_bps: float
) -> float:
    """Return the view after a bar.

    Args:
        view: before the bar.
        close: price.
        upper: upper Bollinger band.
        lower: lower Bollinger band.
        distance_bps: of the close from the middle band, positive above.
        band_bps: how far that has to be for the view to change.
    """
    if close < lower and distance_bps < -band_bps:
        return LONG
    if close > upper and distance_bps > band_bps:
        return FLAT
    return view


def bollinger_sides(
    close: FloatColumn,
    upper: FloatColumn,
    lower: FloatColumn,
    distance_bps: FloatColumn,
    band_bps: float,
) -> tuple[Flags, Flags]:
    """Return on which bars `bollinger_view` is long and on which flat, whatever it was before."""
    is_long = (close < lower) & (distance_bps < -band_bps)
    is_flat = (close > upper) & (distance_bps > band_bps)
    return is_long, is_flat


class Bollinger(SignalStrategy):
    """Buy unusual weakness, hold it until there is unusual strength."""

    name: ClassVar[str] = "bollinger"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "Long once price was under the lower band, until over the upper one."
    parameters: ClassVar[ParameterSpace] = ParameterSpace(
        Parameter("period", "int", 20, 2, 5_000, "bars", "Window of the bands."),
        Parameter("width", "float", 2, 0.1, 10, "x", "Standard deviations to each side."),
        Parameter(
            "no_trade_bps",
            "float",
            55,
            0,
            1_000,
            "bps",
            "Price must be this far from its average before the view changes.",
        ),
    )
    reasons: ClassVar[tuple[str, ...]] = (
        WARM_UP_REASON,
        "price is under the lower band and {1:.1f} bps below its average: enter",
        "price is under the lower band and {1:.1f} bps below its average: stay long",
        "price is over the upper band and {1:.1f} bps above its average: exit",
        "price is over the upper band and {1:.1f} bps above its average: stay flat",
        "price is {1:+.1f} bps from its average, the last signal was to enter: enter",
        "price is {0:.1f} bps below the upper band: stay long",
        "price is {1:+.1f} bps from its average, the last signal was to exit: exit",
        "price is {0:.1f} bps above the lower band: no entry",
        "price has given no signal outside its bands so far: no view yet",
        "price is over the upper band, but only {1:.1f} of {2:g} bps above its average: stay long",
        "price is under the lower band, but only {1:.1f} of {2:g} bps below its average: no entry",
    )
    no_view: ClassVar[tuple[int, ...]] = (9,)
    free_memory: ClassVar[tuple[float, ...]] = (UNDECIDED,)

    @staticmethod
    def features(params: Mapping[str, float]) -> tuple[FeatureSpec, ...]:
        """Return the upper, middle and lower band of the close."""
        return (feature("bollinger", period=int(params["period"]), width=params["width"]),)

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        """Return 1 from the entry signal on and 0 from the exit signal on."""
        close = row[CLOSE]
        upper = row[0]
        lower = row[2]
        distance_bps = (close / row[1] - 1.0) * BPS
        band_bps = params[NO_TRADE_BPS]
        view = bollinger_view(memory[VIEW], close, upper, lower, distance_bps, band_bps)
        memory[VIEW] = view
        memory[1] = 0.0
        memory[2] = distance_bps
        memory[3] = band_bps
        if view == UNDECIDED:
            memory[CODE] = NO_VIEW_YET
            return NO_VIEW
        undecided = bollinger_view(UNDECIDED, close, upper, lower, distance_bps, band_bps)
        decisive = undecided == view
        code = verdict(view, decisive, memory[HELD])
        if decisive and view == LONG:
            memory[2] = -distance_bps
        if code == KEEP_LONG:
            memory[1] = (upper / close - 1.0) * BPS
            if close > upper:
                code = KEEP_LONG_IN_BAND
        elif code == KEEP_FLAT:
            memory[1] = (1.0 - lower / close) * BPS
            if close < lower:
                code = KEEP_FLAT_IN_BAND
                memory[2] = -distance_bps
        memory[CODE] = code
        return view

    @staticmethod
    def decide_over(
        columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> FloatTable:
        """Return what `decide` would leave after each bar."""
        close = columns[CLOSE]
        upper = columns[0]
        lower = columns[2]
        distance_bps = (close / columns[1] - 1.0) * BPS
        band_bps = params[NO_TRADE_BPS]
        is_long, is_flat = bollinger_sides(close, upper, lower, distance_bps, band_bps)
        views = views_over(is_long, is_flat, memory[VIEW])
        codes = verdicts_over(views, is_long | is_flat, memory[HELD])
        keeps_long = codes == KEEP_LONG
        keeps_flat = codes == KEEP_FLAT
        inside_bps = np.zeros(len(close))
        inside_bps[keeps_long] = ((upper / close - 1.0) * BPS)[keeps_long]
        inside_bps[keeps_flat] = ((1.0 - lower / close) * BPS)[keeps_flat]
        codes[keeps_long & (close > upper)] = KEEP_LONG_IN_BAND
        codes[keeps_flat & (close < lower)] = KEEP_FLAT_IN_BAND
        is_below = is_long | (codes == KEEP_FLAT_IN_BAND)
        quoted_bps = np.where(is_below, -distance_bps, distance_bps)
        return left_over(codes, (inside_bps, quoted_bps, band_bps), views, views)
