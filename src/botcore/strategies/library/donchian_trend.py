"""Trend by the Donchian channel: long from a break of the high until a break of a nearer low."""

from collections.abc import Mapping, Sequence
from math import inf
from typing import ClassVar, Final

import numpy as np

from botcore.domain.parameters import Parameter, ParameterSpace
from botcore.indicators import FloatColumn, FloatRow, FloatTable
from botcore.strategies.features import FeatureSpec, feature
from botcore.strategies.layout import CLOSE, CODE, HELD, NO_VIEW
from botcore.strategies.library.channels import (
    bar_before,
    breaks_over,
    distances_over,
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
    left_over,
    verdict,
    verdicts_over,
    views_over,
)
from botcore.strategies.signal import WARM_UP_REASON, SignalStrategy

ENTRY: Final = 0
EXIT: Final = 1
NO_TRADE_BPS: Final = 2

# Free memory after the view: both channels as they were before this bar.
ENTRY_HIGH: Final = VIEW + 1
ENTRY_LOW: Final = VIEW + 2
EXIT_HIGH: Final = VIEW + 3
EXIT_LOW: Final = VIEW + 4

KEEP_LONG_IN_BAND: Final = 10.0
KEEP_FLAT_IN_BAND: Final = 11.0


def broken_up(close: float, high: float, low: float, band_bps: float) -> bool:
    """Whether price is over a channel, and as far above its middle as the band asks.

    Args:
        close: price.
        high: highest high of the bars before this one; infinite where there are too few.
        low: lowest low of those; minus infinity where there are too few.
        band_bps: in hundredths of a per cent of the middle.
    """
    # Before there is a channel its middle is NaN, which is beyond nothing.
    middle = (high + low) / 2.0
    return close > high and close - middle > middle * band_bps / BPS


def broken_down(close: float, high: float, low: float, band_bps: float) -> bool:
    """Whether price is under a channel, and as far below its middle as the band asks."""
    middle = (high + low) / 2.0
    return close < low and middle - close > middle * band_bps / BPS


class DonchianTrend(SignalStrategy):
    """Buy the highest price of many bars, hold it until the lowest of fewer.

    The rule of R. Dennis and W. Eckhardt's "Turtles" (C. Faith, "The Original Turtle Trading
    Rules", 2003, system 1: in at 20, out at 10), on closes and without its pyramids. No channel
    holds the bar that is compared with it.
    """

    name: ClassVar[str] = "donchian-trend"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "Long from a break of the high of many bars to one of the low of few."
    parameters: ClassVar[ParameterSpace] = ParameterSpace(
        Parameter("entry", "int", 20, 2, 10_000, "bars", "Enter above the high of so many bars."),
        Parameter("exit", "int", 10, 2, 10_000, "bars", "Exit below the low of so many bars."),
        Parameter(
            "no_trade_bps",
            "float",
            40,
            0,
            1_000,
            "bps",
            "Price must be this far from the channel's middle before the view changes.",
        ),
    )
    reasons: ClassVar[tuple[str, ...]] = (
        WARM_UP_REASON,
        "price is {0:.1f} bps over the high of {3:.0f} bars: enter",
        "price is {0:.1f} bps over the high of {3:.0f} bars: stay long",
        "price is {0:.1f} bps under the low of {3:.0f} bars: exit",
        "price is {0:.1f} bps under the low of {3:.0f} bars: stay flat",
        "price is {0:+.1f} bps from the low of {3:.0f} bars, its last break was up: enter",
        "price is {0:.1f} bps over the low of {3:.0f} bars: stay long",
        "price is {0:+.1f} bps from the high of {3:.0f} bars, its last break was down: exit",
        "price is {0:.1f} bps under the high of {3:.0f} bars: no entry",
        "price has made no break of its channels so far: no view yet",
        "price is {0:.1f} bps under the low, only {1:.1f} of {2:g} bps under the middle: stay long",
        "price is {0:.1f} bps over the high, only {1:.1f} of {2:g} bps over the middle: no entry",
    )
    no_view: ClassVar[tuple[int, ...]] = (9,)
    free_memory: ClassVar[tuple[float, ...]] = (UNDECIDED, inf, -inf, inf, -inf)

    @staticmethod
    def features(params: Mapping[str, float]) -> tuple[FeatureSpec, ...]:
        """Return both channels, this bar among them."""
        return (
            feature("donchian", period=int(params["entry"])),
            feature("donchian", period=int(params["exit"])),
        )

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        """Return 1 from the break upwards on and 0 from the break downwards on."""
        close = row[CLOSE]
        high = memory[ENTRY_HIGH]
        entry_low = memory[ENTRY_LOW]
        exit_high = memory[EXIT_HIGH]
        low = memory[EXIT_LOW]
        memory[ENTRY_HIGH] = row[0]
        memory[ENTRY_LOW] = row[2]
        memory[EXIT_HIGH] = row[3]
        memory[EXIT_LOW] = row[5]
        band_bps = params[NO_TRADE_BPS]
        is_up = broken_up(close, high, entry_low, band_bps)
        is_down = broken_down(close, exit_high, low, band_bps)
        view = memory[VIEW]
        if is_up:
            view = LONG
        elif is_down:
            view = FLAT
        memory[VIEW] = view
        memory[1] = 0.0
        memory[2] = 0.0
        memory[3] = band_bps
        memory[4] = 0.0
        if view == UNDECIDED:
            memory[CODE] = NO_VIEW_YET
            return NO_VIEW
        over_bps = (close / high - 1.0) * BPS
        under_bps = (1.0 - close / low) * BPS
        is_decisive = is_up or is_down
        code = verdict(view, is_decisive, memory[HELD])
        if is_up or (view == FLAT and not is_down):
            memory[4] = params[ENTRY]
            memory[1] = over_bps
            if code == KEEP_FLAT and close > high:
                code = KEEP_FLAT_IN_BAND
                memory[2] = (2.0 * close / (high + entry_low) - 1.0) * BPS
            elif code == KEEP_FLAT:
                memory[1] = -over_bps
        else:
            memory[4] = params[EXIT]
            memory[1] = under_bps if is_down else -under_bps
            if code == KEEP_LONG and close < low:
                code = KEEP_LONG_IN_BAND
                memory[1] = under_bps
                memory[2] = (1.0 - 2.0 * close / (exit_high + low)) * BPS
        memory[CODE] = code
        return view

    @staticmethod
    def decide_over(
        columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> FloatTable:
        """Return what `decide` would leave after each bar."""
        close = columns[CLOSE]
        high = bar_before(columns[0], memory[ENTRY_HIGH])
        entry_low = bar_before(columns[2], memory[ENTRY_LOW])
        exit_high = bar_before(columns[3], memory[EXIT_HIGH])
        low = bar_before(columns[5], memory[EXIT_LOW])
        band_bps = params[NO_TRADE_BPS]
        is_up, _ = breaks_over(close, high, entry_low, band_bps)
        _, is_down = breaks_over(close, exit_high, low, band_bps)
        views = views_over(is_up, is_down, memory[VIEW])
        codes = verdicts_over(views, is_up | is_down, memory[HELD])
        over_bps = (close / high - 1.0) * BPS
        under_bps = (1.0 - close / low) * BPS
        distance_bps = distances_over(codes, over_bps, under_bps)
        middle_bps = np.zeros(len(close))
        is_about_entry = is_up | ((views == FLAT) & ~is_down)
        periods = np.where(is_about_entry, params[ENTRY], params[EXIT])
        periods[views == UNDECIDED] = 0.0

        is_over = (codes == KEEP_FLAT) & (close > high)
        codes[is_over] = KEEP_FLAT_IN_BAND
        distance_bps[is_over] = over_bps[is_over]
        entry_sum = high[is_over] + entry_low[is_over]
        middle_bps[is_over] = (2.0 * close[is_over] / entry_sum - 1.0) * BPS
        is_under = (codes == KEEP_LONG) & (close < low)
        codes[is_under] = KEEP_LONG_IN_BAND
        distance_bps[is_under] = under_bps[is_under]
        exit_sum = exit_high[is_under] + low[is_under]
        middle_bps[is_under] = (1.0 - 2.0 * close[is_under] / exit_sum) * BPS
        operands = (distance_bps, middle_bps, band_bps, periods)
        remembered = (views, columns[0], columns[2], columns[3], columns[5])
        return left_over(codes, operands, views, *remembered)
