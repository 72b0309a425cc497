"""The strategies that ship, by name: closed bars in, a target weight and a reason out."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from botcore.domain.errors import ConfigError
from botcore.domain.parameters import did_you_mean
from botcore.strategies.library.bollinger import Bollinger
from botcore.strategies.library.ema_cross import EmaCross
from botcore.strategies.library.ensemble import Ensemble
from botcore.strategies.library.macd import Macd
from botcore.strategies.library.rsi import Rsi
from botcore.strategies.library.volume_breakout import VolumeBreakout
from botcore.strategies.signal import SignalStrategy

__all__ = [
    "LIBRARY",
    "Bollinger",
    "EmaCross",
    "Ensemble",
    "Macd",
    "Rsi",
    "VolumeBreakout",
    "strategy_named",
]

LIBRARY: Final[Mapping[str, type[SignalStrategy]]] = MappingProxyType(
    {each.name: each for each in (Rsi, Macd, Bollinger, VolumeBreakout, EmaCross, Ensemble)}
)
"""In the order in which views list them."""


def strategy_named(name: str) -> type[SignalStrategy]:
    """Return the strategy of that name.

    Raises:
        ConfigError: there is none (``STRATEGY_UNKNOWN``, with the nearest name).
    """
    if name not in LIBRARY:
        raise ConfigError(
            code="STRATEGY_UNKNOWN",
            cause=f"there is no strategy {name!r}",
            fix=did_you_mean(name, list(LIBRARY)),
        )
    return LIBRARY[name]
