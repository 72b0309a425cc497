"""What a file's name and place say: the symbol, the timeframe, the kind of data, the venue."""

import re
from pathlib import Path
from typing import Final

import msgspec

from botcore.domain.calendar import parse_step
from botcore.domain.errors import DataError
from botcore.domain.ids import DAY_NS

_SUFFIXES: Final = re.compile(
    r"(\.(csv|txt|json|feather|arrow|ipc|parquet|pq|zip|gz))+\Z", re.IGNORECASE
)
_NAME: Final = re.compile(
    r"^(?P<base>[A-Za-z0-9]{2,20})(?:[_/](?P<quote>[A-Za-z]{2,6}))?(?:_(?P<settle>[A-Za-z]{2,6}))?"
    r"(?P<perp>-PERP)?(?:\.(?P<venue>[A-Z][A-Z0-9_]+))?"
    r"[-_](?P<frame>[1-9][0-9]{0,3}[smhdwM])(?:-(?P<kind>[a-z_]+))?"
    r"(?:-(?P<period>[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?))?\Z"
)
_NOT_CANDLES: Final = {
    "funding": "funding rates: perpetuals are not tradable yet, and their rates are not imported",
    "mark": "mark prices: perpetuals are not tradable yet, and their marks are not imported",
    "index": "index prices: perpetuals are not tradable yet, and their indices are not imported",
    "trades": "trades, not candles: only candles are imported",
    "depth": "an order book, not candles: only candles are imported",
}
_VENUES: Final = (
    *("binance", "bitfinex", "bitget", "bitmex", "bitstamp", "bybit", "coinbase", "deribit"),
    *("dydx", "gate", "htx", "hyperliquid", "kraken", "kucoin", "mexc", "okx"),
)
_PLACES: Final = 2
"""The file's own name and the folder it lies in; folders further up are the machine's."""


class FileName(msgspec.Struct, frozen=True):
    """What a name says; empty or None where it does not.

    Attributes:
        symbol: as instruments are named, ``BTCUSDT`` or ``ADAUSDT-PERP``.
        step_ns: length of its candles, nanoseconds.
        venue: of a file that was exported here.
        period: ``2022-01-01`` or ``2022-01``: what part of a longer history it is.
    """

    symbol: str = ""
    step_ns: int | None = None
    venue: str = ""
    period: str = ""


def read_name(path: Path) -> FileName:
    """Return what a file's name says.

    Raises:
        DataError: its candles are calendar months, whose length is not fixed.
    """
    match = _NAME.match(_SUFFIXES.sub("", path.name))
    if match is None:
        return FileName()
    symbol = (match["base"] + (match["quote"] or "")).upper()
    if match["settle"] or match["perp"] or match["kind"] == "futures":
        symbol += "-PERP"
    step_ns = _step(match["frame"], path)
    return FileName(symbol, step_ns, match["venue"] or "", match["period"] or "")


def not_candles(path: Path) -> str:
    """Return what a file holds instead of candles, as its name says; empty where it does not."""
    words = set(re.split(r"[^a-z]+", path.name.lower()))
    return next((what for word, what in _NOT_CANDLES.items() if word in words), "")


def venue_named(path: Path) -> str:
    """Return the venue that a file's name or its folder's name mentions; empty where none does."""
    for part in reversed(path.absolute().parts[-_PLACES:]):
        for word in re.split(r"[^a-z]+", part.lower()):
            if word in _VENUES:
                return word.upper()
    return ""


def _step(text: str, path: Path) -> int:
    if text.endswith("M"):
        raise DataError(
            code="TIMEFRAME_UNSUPPORTED",
            cause=f"{path.name} has candles of calendar months, which differ in length",
            fix="import days: longer candles are made of them",
        )
    return 7 * int(text[:-1]) * DAY_NS if text.endswith("w") else parse_step(text)
