"""The seeded simulated market: a configuration and a seed in; bars, trades, quotes and books out.

Its prices are nobody's, and hold no gift: on the tick grid, from trade to trade, the price of each
instrument is a martingale, so no rule that sees only the past has an expected profit before costs.
Every view of it says so: a result on this market says nothing about real markets.
"""

from botcore.venues.simulated.market.bars import BarColumns
from botcore.venues.simulated.market.book import BookLevel, BookSnapshot
from botcore.venues.simulated.market.checkpoint import MarketStateError
from botcore.venues.simulated.market.config import (
    DEMO,
    InstrumentConfig,
    MarketConfig,
    RegimeConfig,
)
from botcore.venues.simulated.market.market import Conditions, SimulatedMarket
from botcore.venues.simulated.market.ticks import (
    AggressorSide,
    MarketQuote,
    MarketTick,
    MarketTrade,
)

__all__ = [
    "DEMO",
    "AggressorSide",
    "BarColumns",
    "BookLevel",
    "BookSnapshot",
    "Conditions",
    "InstrumentConfig",
    "MarketConfig",
    "MarketQuote",
    "MarketStateError",
    "MarketTick",
    "MarketTrade",
    "RegimeConfig",
    "SimulatedMarket",
]
