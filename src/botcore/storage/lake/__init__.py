"""The market-data lake: candles of many instruments in Parquet, read and written with DuckDB."""

from botcore.storage.lake.catalogue import Lake, Written
from botcore.storage.lake.merging import OnConflict

__all__ = ["Lake", "OnConflict", "Written"]
