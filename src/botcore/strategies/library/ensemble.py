"""The majority of the other five: their own rules, in one row, with one vote each."""

from collections.abc import Mapping
from math import inf
from typing import ClassVar, Final

import msgspec

from botcore.domain.errors import ConfigError
from botcore.domain.parameters import ParameterSpace
from botcore.indicators import FloatRow
from botcore.strategies.features import FeatureSpec
from botcore.strategies.layout import CLOSE, CODE, FREE, HELD, NO_VIEW, VOLUME
from botcore.strategies.library import bollinger, ema_cross, macd, rsi, volume_breakout
from botcore.strategies.library.bollinger import Bollinger, bollinger_view
from botcore.strategies.library.ema_cross import EmaCross
from botcore.strategies.library.hysteresis import BPS, FLAT, LONG, UNDECIDED, sided
from botcore.strategies.library.macd import Macd
from botcore.strategies.library.rsi import Rsi, rsi_view
from botcore.strategies.library.volume_breakout import VolumeBreakout, breakout_view
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
