"""Breakout on volume: long from a break of the recent high on volume to a break of the low."""

from collections.abc import Mapping, Sequence
from math import inf
from typing import ClassVar, Final

import numpy as np

from botcore.domain.parameters import Parameter, ParameterSpace
from botcore.indicators import FloatColumn, FloatRow, FloatTable
from botcore.strategies.features import FeatureSpec, feature
from botcore.strategies.layout import CLOSE, CODE, HELD, NO_VIEW, VOLUME
from botcore.strategies.library.channels import (
    bar_before,
    breaks_over,
    distances_over,
    middle_over,
)
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
VOLUME_FACTOR: Final = 1
NO_TRADE_BPS: Final = 2

# Free memory after the view: the channel as it was before this bar.
HIGH_BEFORE: Final = 9
LOW_BEFORE: Final = 10

KEEP_LONG_IN_BAND: Final = 10.0
KEEP_FLAT_ON_THIN_VOLUME: Final = 11.0
KEEP_FLAT_IN_BAND: Final = 12.0


def breakout_view(  # noqa: PLR0917 – numba takes no keywords here
    view: float, close: float, high: float, low: float, on_volume: bool, band_bps: float
) -> float:
    """Return the view after a bar.

    Args:
        view: before the bar.
        close: price.
        high: highest high of the bars before this one; infinite where there are too few.
        low: lowest low of the bars before this one; minus infinity where there are too few.
        on_volume: whether this bar's volume is large enough to enter.
        band_bps: how far from the middle of the channel price has to be, in bps of the middle.
    """
    # Before there is a channel its middle is NaN, which is beyond nothing.
    middle = (high + low) / 2.0
    reach = middle * band_bps / BPS
    if close > high and on_volume and close - middle > reach:
        return LONG
    if close < low and middle - close > reach:
        return FLAT
    return view


def breakout_sides(
    close: FloatColumn, high: FloatColumn, low: FloatColumn, on_volume: Flags, band_bps: float
) -> tuple[Flags, Flags]:
    """Return on which bars `breakout_view` is long and on which flat, whatever it was before."""
    is_up, is_down = breaks_over(close, high, low, band_bps)
    return is_up & on_volume, is_down


class VolumeBreakout(SignalStrategy):
    """Buy a new high that many trade, hold it until there is a new low."""

    name: ClassVar[str] = "volume-breakout"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "Long from a new high on volume until a new low."
    parameters: ClassVar[ParameterSpace] = ParameterSpace(
        Parameter("period", "int", 20, 2, 5_000, "bars", "Bars of the channel and its volume."),
        Parameter("volume_factor", "float", 1.5, 0, 100, "x", "Volume needed over the average."),
        Parameter(
            "no_trade_bps",
            "float",
            55,
            0,
            1_000,
            "bps",
            "Price must be this far from the channel's middle before the view changes.",
        ),
    )
    reasons: ClassVar[tuple[str, ...]] = (
        WARM_UP_REASON,
        "price is {0:.1f} bps over the high of {3:.0f} bars on {1:.1f} x the volume: enter",
        "price is {0:.1f} bps over the high of {3:.0f} bars on {1:.1f} x the volume: stay long",
        "price is {0:.1f} bps under the low of {3:.0f} bars: exit",
        "price is {0:.1f} bps under the low of {3:.0f} bars: stay flat",
        "price is {0:+.1f} bps from the low of {3:.0f} bars, its last break was up: enter",
        "price is {0:.1f} bps over the low of {3:.0f} bars: stay long",
        "price is {0:+.1f} bps from the high of {3:.0f} bars, its last break was down: exit",
        "price is {0:.1f} bps under the high of {3:.0f} bars: no entry",
        "price has made no break of {3:.0f} bars so far: no view yet",
        "price is {0:.1f} bps under the low, only {1:.1f} of {2:g} bps under the middle: stay long",
        "price is {0:.1f} bps over the high, but on {1:.1f} x the volume, not {2:g} x: no entry",
        "price is {0:.1f} bps over the high, only {1:.1f} of {2:g} bps over the middle: no entry",
    )
    no_view: ClassVar[tuple[int, ...]] = (9,)
    free_memory: ClassVar[tuple[float, ...]] = (UNDECIDED, inf, -inf)

    @staticmethod
    def features(params: Mapping[str, float]) -> tuple[FeatureSpec, ...]:
        """Return the channel of highs and lows, this bar among them, and the mean volume."""
        period = int(params["period"])
        return (
            feature("donchian", period=period),
            feature("sma", period=period, inputs=("volume",)),
        )

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        """Return 1 from the break upwards on and 0 from the break downwards on."""
        close = row[CLOSE]
        high = memory[HIGH_BEFORE]
        low = memory[LOW_BEFORE]
        memory[HIGH_BEFORE] = row[0]
        memory[LOW_BEFORE] = row[2]
        average = row[3]
        factor = params[VOLUME_FACTOR]
        band_bps = params[NO_TRADE_BPS]
        on_volume = row[VOLUME] > factor * average
        before = memory[VIEW]
        view = breakout_view(before, close, high, low, on_volume, band_bps)
        memory[VIEW] = view
        memory[1] = 0.0
        memory[2] = row[VOLUME] / average if average > 0.0 else 0.0
        memory[3] = factor
        memory[4] = params[PERIOD]
        if view == UNDECIDED:
            memory[CODE] = NO_VIEW_YET
            return NO_VIEW
        over_bps = (close / high - 1.0) * BPS
        under_bps = (1.0 - close / low) * BPS
        middle = (high + low) / 2.0
        decisive = breakout_view(UNDECIDED, close, high, low, on_volume, band_bps) == view
        code = verdict(view, decisive, memory[HELD])
        if decisive:
            memory[1] = over_bps if view == LONG else under_bps
        elif view == LONG:
            memory[1] = -under_bps
            if code == KEEP_LONG and close < low:
                code = KEEP_LONG_IN_BAND
                memory[1] = under_bps
                memory[2] = (1.0 - close / middle) * BPS
                memory[3] = band_bps
        else:
            memory[1] = over_bps
            if code == KEEP_FLAT:
                memory[1] = -over_bps
                if close > high:
                    memory[1] = over_bps
                    if on_volume:
                        code = KEEP_FLAT_IN_BAND
                        memory[2] = (close / middle - 1.0) * BPS
                        memory[3] = band_bps
                    else:
                        code = KEEP_FLAT_ON_THIN_VOLUME
        memory[CODE] = code
        return view

    @staticmethod
    def decide_over(
        columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> FloatTable:
        """Return what `decide` would leave after each bar."""
        close, volume, average = columns[CLOSE], columns[VOLUME], columns[3]
        high = bar_before(columns[0], memory[HIGH_BEFORE])
        low = bar_before(columns[2], memory[LOW_BEFORE])
        factor, band_bps = params[VOLUME_FACTOR], params[NO_TRADE_BPS]
        on_volume = volume > factor * average
        is_long, is_flat = breakout_sides(close, high, low, on_volume, band_bps)
        views = views_over(is_long, is_flat, memory[VIEW])
        codes = verdicts_over(views, is_long | is_flat, memory[HELD])
        over_bps = (close / high - 1.0) * BPS
        under_bps = (1.0 - close / low) * BPS
        middle = middle_over(high, low)
        distance_bps = distances_over(codes, over_bps, under_bps)
        ratio = np.divide(volume, average, out=np.zeros(len(close)), where=average > 0.0)
        needed = np.full(len(close), factor)

        is_under = (codes == KEEP_LONG) & (close < low)
        codes[is_under] = KEEP_LONG_IN_BAND
        distance_bps[is_under] = under_bps[is_under]
        ratio[is_under] = ((1.0 - close / middle) * BPS)[is_under]
        is_over = (codes == KEEP_FLAT) & (close > high)
        codes[is_over] = KEEP_FLAT_ON_THIN_VOLUME
        distance_bps[is_over] = over_bps[is_over]
        is_near = is_over & on_volume
        codes[is_near] = KEEP_FLAT_IN_BAND
        ratio[is_near] = ((close / middle - 1.0) * BPS)[is_near]
        needed[is_under | is_near] = band_bps
        operands = (distance_bps, ratio, needed, params[PERIOD])
        return left_over(codes, operands, views, views, columns[0], columns[2])
