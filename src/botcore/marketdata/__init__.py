"""Venue-neutral ticks into trustworthy books and bars, and a word when they are not.

Takes in trades, quotes, books and candles as a venue or a file gave them; gives out the same once
checked, with what was refused, odd or silent counted and explained.
"""

from botcore.marketdata.anomalies import AnomalyKind, Finding
from botcore.marketdata.candles import Candles
from botcore.marketdata.processor import MarketDataProcessor, Processed, ProcessorConfig
from botcore.marketdata.quarantine import Quarantine, Quarantined, RefusalReason
from botcore.marketdata.staleness import Health, SymbolHealth

__all__ = [
    "AnomalyKind",
    "Candles",
    "Finding",
    "Health",
    "MarketDataProcessor",
    "Processed",
    "ProcessorConfig",
    "Quarantine",
    "Quarantined",
    "RefusalReason",
    "SymbolHealth",
]
