"""The strategies that ship, by name and of both kinds."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from botcore.domain.errors import ConfigError
from botcore.domain.parameters import did_you_mean
from botcore.strategies.kinds import StrategyClass
from botcore.strategies.library.bollinger import Bollinger
from botcore.strategies.library.dca import Dca
from botcore.strategies.library.donchian_trend import DonchianTrend
from botcore.strategies.library.ema_cross import EmaCross
from botcore.strategies.library.ensemble import Ensemble
from botcore.strategies.library.grid import Grid
from botcore.strategies.library.macd import Macd
from botcore.strategies.library.rsi import Rsi
from botcore.strategies.library.volume_breakout import VolumeBreakout
from botcore.strategies.signal import SignalStrategy

__all__ = [
    "LIBRARY",
    "SIGNAL_LIBRARY",
    "Bollinger",
    "Dca",
    "DonchianTrend",
    "EmaCross",
    "Ensemble",
    "Grid",
    "Macd",
    "Rsi",
    "VolumeBreakout",
    "strategy_named",
]

SIGNAL_LIBRARY: Final[Mapping[str, type[SignalStrategy]]] = MappingProxyType(
    {
        each.name: each
        for each in (Rsi, Macd, Bollinger, VolumeBreakout, EmaCross, Ensemble, DonchianTrend)
    }
)
"""Those that are declared features and one `decide`."""

LIBRARY: Final[Mapping[str, StrategyClass]] = MappingProxyType(
    {**SIGNAL_LIBRARY, Grid.name: Grid, Dca.name: Dca}
)
"""All of them, in the order in which views list them."""


def strategy_named(name: str) -> StrategyClass:
    """Return the strategy of that name, of either kind.

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
