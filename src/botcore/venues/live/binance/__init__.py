"""Binance: public streams, klines and archives in; trades, quotes, books and bars out."""
