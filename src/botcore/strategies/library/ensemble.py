"""The majority of the other five: their own rules, in one row, with one vote each."""

from collections.abc import Mapping, Sequence
from math import inf
from typing import ClassVar, Final

import msgspec
import numpy as np

from botcore.domain.errors import ConfigError
from botcore.domain.parameters import ParameterSpace
from botcore.indicators import FloatColumn, FloatRow, FloatTable
from botcore.strategies.features import FeatureSpec
from botcore.strategies.layout import CLOSE, CODE, FREE, HELD, NO_VIEW, VOLUME
from botcore.strategies.library import bollinger, ema_cross, macd, rsi, volume_breakout
from botcore.strategies.library.bollinger import Bollinger, bollinger_sides, bollinger_view
from botcore.strategies.library.channels import bar_before
from botcore.strategies.library.ema_cross import EmaCross
from botcore.strategies.library.hysteresis import (
    BPS,
    FLAT,
    LONG,
    UNDECIDED,
    Flags,
    left_over,
    sided,
    sides_over,
    views_over,
)
from botcore.strategies.library.macd import Macd
from botcore.strategies.library.rsi import Rsi, rsi_sides, rsi_view
from botcore.strategies.library.volume_breakout import VolumeBreakout, breakout_sides, breakout_view
from botcore.strategies.signal import WARM_UP_REASON, SignalStrategy

MEMBERS: Final[tuple[type[SignalStrategy], ...]] = (Rsi, Macd, Bollinger, VolumeBreakout, EmaCross)
"""In the order of their parameters, features and views in this strategy's rows."""

# Where the members' parameters stand in the parameter row.
OVERSOLD: Final = rsi.OVERSOLD
OVERBOUGHT: Final = rsi.OVERBOUGHT
RSI_BAND: Final = rsi.NO_TRADE_BPS
MACD_BAND: Final = len(Rsi.parameters) + macd.NO_TRADE_BPS
_BOLLINGER: Final = len(Rsi.parameters) + len(Macd.parameters)
BOLLINGER_BAND: Final = _BOLLINGER + bollinger.NO_TRADE_BPS
_BREAKOUT: Final = _BOLLINGER + len(Bollinger.parameters)
VOLUME_FACTOR: Final = _BREAKOUT + volume_breakout.VOLUME_FACTOR
BREAKOUT_BAND: Final = _BREAKOUT + volume_breakout.NO_TRADE_BPS
EMA_BAND: Final = _BREAKOUT + len(VolumeBreakout.parameters) + ema_cross.NO_TRADE_BPS

# Where the members' features stand in the row.
RSI: Final = 0
RSI_AVERAGE: Final = 1
MACD_HISTOGRAM: Final = 4
BOLLINGER_UPPER: Final = 5
BOLLINGER_MIDDLE: Final = 6
BOLLINGER_LOWER: Final = 7
CHANNEL_HIGH: Final = 8
CHANNEL_LOW: Final = 10
MEAN_VOLUME: Final = 11
EMA_FAST: Final = 12
EMA_SLOW: Final = 13

# Free memory: the members' views, then the breakout's channel as it was before this bar.
RSI_VIEW: Final = FREE
MACD_VIEW: Final = FREE + 1
BOLLINGER_VIEW: Final = FREE + 2
BREAKOUT_VIEW: Final = FREE + 3
EMA_VIEW: Final = FREE + 4
HIGH_BEFORE: Final = FREE + 5
LOW_BEFORE: Final = FREE + 6

ENTER: Final = 1.0
STAY_LONG: Final = 2.0
EXIT: Final = 3.0
STAY_FLAT: Final = 4.0
NOBODY_HAS_A_VIEW: Final = 5.0


def _prefixed(member: type[SignalStrategy], name: str) -> str:
    return f"{member.name.replace('-', '_')}_{name}"


class Ensemble(SignalStrategy):
    """Hold what more than half of the rules that have a view would hold."""

    name: ClassVar[str] = "ensemble"
    version: ClassVar[int] = 1
    summary: ClassVar[str] = "Long while most of the other five strategies' rules are long."
    parameters: ClassVar[ParameterSpace] = ParameterSpace(
        *(
            msgspec.structs.replace(each, name=_prefixed(member, each.name))
            for member in MEMBERS
            for each in member.parameters
        )
    )
    reasons: ClassVar[tuple[str, ...]] = (
        WARM_UP_REASON,
        "{0:.0f} of {1:.0f} rules are long: enter",
        "{0:.0f} of {1:.0f} rules are long: stay long",
        "{0:.0f} of {1:.0f} rules are long, which is no majority: exit",
        "{0:.0f} of {1:.0f} rules are long, which is no majority: no entry",
        "none of the rules has a view yet",
    )
    no_view: ClassVar[tuple[int, ...]] = (5,)
    free_memory: ClassVar[tuple[float, ...]] = (*(UNDECIDED for _ in MEMBERS), inf, -inf)

    @staticmethod
    def features(params: Mapping[str, float]) -> tuple[FeatureSpec, ...]:
        """Return the members' features, one member after the other."""
        found: list[FeatureSpec] = []
        for member in MEMBERS:
            own = {each.name: params[_prefixed(member, each.name)] for each in member.parameters}
            try:
                found.extend(member.features(own))
            except ConfigError as error:
                cause = f"{member.name} in the ensemble: {error.cause}"
                raise ConfigError(code=error.code, cause=cause, fix=error.fix) from error
        return tuple(found)

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        """Return 1 where more than half of the members with a view are long, else 0."""
        close = row[CLOSE]

        distance_bps = (close / row[RSI_AVERAGE] - 1.0) * BPS
        memory[RSI_VIEW] = rsi_view(
            memory[RSI_VIEW],
            row[RSI],
            distance_bps,
            params[OVERSOLD],
            params[OVERBOUGHT],
            params[RSI_BAND],
        )
        gap_bps = row[MACD_HISTOGRAM] / close * BPS
        memory[MACD_VIEW] = sided(memory[MACD_VIEW], gap_bps, params[MACD_BAND])
        distance_bps = (close / row[BOLLINGER_MIDDLE] - 1.0) * BPS
        memory[BOLLINGER_VIEW] = bollinger_view(
            memory[BOLLINGER_VIEW],
            close,
            row[BOLLINGER_UPPER],
            row[BOLLINGER_LOWER],
            distance_bps,
            params[BOLLINGER_BAND],
        )
        memory[BREAKOUT_VIEW] = breakout_view(
            memory[BREAKOUT_VIEW],
            close,
            memory[HIGH_BEFORE],
            memory[LOW_BEFORE],
            row[VOLUME] > params[VOLUME_FACTOR] * row[MEAN_VOLUME],
            params[BREAKOUT_BAND],
        )
        memory[HIGH_BEFORE] = row[CHANNEL_HIGH]
        memory[LOW_BEFORE] = row[CHANNEL_LOW]
        slow = row[EMA_SLOW]
        band = slow * params[EMA_BAND] / BPS
        memory[EMA_VIEW] = sided(memory[EMA_VIEW], row[EMA_FAST] - slow, band)

        views = 0.0
        longs = 0.0
        for slot in range(RSI_VIEW, HIGH_BEFORE):
            if memory[slot] != UNDECIDED:
                views += 1.0
            if memory[slot] == LONG:
                longs += 1.0
        memory[1] = longs
        memory[2] = views
        held = memory[HELD]
        if views == 0.0:
            memory[CODE] = NOBODY_HAS_A_VIEW
            return NO_VIEW
        if 2.0 * longs > views:
            memory[CODE] = STAY_LONG if held > 0.0 else ENTER
            return LONG
        memory[CODE] = EXIT if held != 0.0 else STAY_FLAT
        return FLAT

    @staticmethod
    def decide_over(
        columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> FloatTable:
        """Return what `decide` would leave after each bar."""
        held = memory[HELD]
        sides = _sides_over(columns, memory, params)
        each = [
            views_over(is_long, is_flat, memory[slot])
            for slot, (is_long, is_flat) in enumerate(sides, RSI_VIEW)
        ]
        longs = np.count_nonzero([view == LONG for view in each], axis=0)
        views = np.count_nonzero([view != UNDECIDED for view in each], axis=0)
        is_long, is_silent = 2 * longs > views, views == 0
        codes = np.where(
            is_long, STAY_LONG if held > 0.0 else ENTER, EXIT if held != 0.0 else STAY_FLAT
        )
        codes[is_silent] = NOBODY_HAS_A_VIEW
        majority = np.where(is_long, LONG, FLAT)
        majority[is_silent] = UNDECIDED
        channel = columns[CHANNEL_HIGH], columns[CHANNEL_LOW]
        return left_over(codes, (longs, views), majority, *each, *channel)


def _sides_over(
    columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
) -> tuple[tuple[Flags, Flags], ...]:
    """Return on which bars each member decides for long, and on which for flat."""
    close = columns[CLOSE]
    slow = columns[EMA_SLOW]
    return (
        rsi_sides(
            columns[RSI],
            (close / columns[RSI_AVERAGE] - 1.0) * BPS,
            params[OVERSOLD],
            params[OVERBOUGHT],
            params[RSI_BAND],
        ),
        sides_over(columns[MACD_HISTOGRAM] / close * BPS, params[MACD_BAND], memory[MACD_VIEW]),
        bollinger_sides(
            close,
            columns[BOLLINGER_UPPER],
            columns[BOLLINGER_LOWER],
            (close / columns[BOLLINGER_MIDDLE] - 1.0) * BPS,
            params[BOLLINGER_BAND],
        ),
        breakout_sides(
            close,
            bar_before(columns[CHANNEL_HIGH], memory[HIGH_BEFORE]),
            bar_before(columns[CHANNEL_LOW], memory[LOW_BEFORE]),
            columns[VOLUME] > params[VOLUME_FACTOR] * columns[MEAN_VOLUME],
            params[BREAKOUT_BAND],
        ),
        sides_over(columns[EMA_FAST] - slow, slow * params[EMA_BAND] / BPS, memory[EMA_VIEW]),
    )
