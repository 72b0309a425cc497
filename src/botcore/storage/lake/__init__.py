"""The market-data lake: candles of many instruments in Parquet, read and written with DuckDB."""

from botcore.storage.lake.catalogue import Lake, Written
from botcore.storage.lake.merging import OnConflict
from botcore.storage.lake.view import MARKET_DATA, market_data_view

__all__ = ["MARKET_DATA", "Lake", "OnConflict", "Written", "market_data_view"]
