"""The market-data lake: candles of many instruments in Parquet, read and written with DuckDB."""
