"""Where Binance keeps its past candles: by month, by day, and the rest on a route.

https://data.binance.vision has ``data/spot/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2022-01.zip`` and
``data/spot/daily/klines/…/BTCUSDT-1m-2022-01-01.zip``, the USDⓈ-M futures under ``data/futures/um``
(Binance, "binance-public-data", read 2026-07), and beside each file its ``.CHECKSUM``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import msgspec

from botcore.domain.errors import ConfigError
from botcore.domain.ids import DAY_NS, ContractKind, InstrumentId, parse_instrument_id
from botcore.venues.live.binance.routes import interval_name
from botcore.venues.live.binance.symbols import VENUE

_EPOCH: Final = date(1970, 1, 1)
_ONE_DAY: Final = timedelta(days=1)
_ABOVE_A_DAY: Final = DAY_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class BinanceUrls:
    """Where history is asked for: scheme, host and port each.

    Attributes:
        archive: the public files.
        spot: the klines route of the spot market, of the venue's host for market data only.
        futures: the klines route of the USDⓈ-M futures.
    """

    archive: str = "https://data.binance.vision"
    spot: str = "https://data-api.binance.vision"
    futures: str = "https://fapi.binance.com"


class Archive(msgspec.Struct, frozen=True):
    """One file of the venue, with the candles that open in ``[start_ns, end_ns)``.

    Attributes:
        path: below the base address, and below the cache: ``data/spot/…/BTCUSDT-1m-2022-01.zip``.
        days: the files of its days, for a month that is not there; empty for a day.
    """

    path: str
    start_ns: int
    end_ns: int
    days: tuple["Archive", ...] = ()

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.path.rpartition("/")[2]


class Recent(msgspec.Struct, frozen=True):
    """Candles that are in no file yet: they open in ``[start_ns, end_ns)``."""

    start_ns: int
    end_ns: int


Piece = Archive | Recent


class Listing(msgspec.Struct, frozen=True):
    """An instrument and timeframe as Binance names them.

    Attributes:
        symbol: ``BTCUSDT``, or ``BTCUSDT_261225`` for a dated future.
        interval: ``1m``.
        market: ``spot`` or ``futures/um``.
    """

    symbol: str
    interval: str
    market: str

    @property
    def is_spot(self) -> bool:
        """Whether it is traded on the spot market."""
        return self.market == "spot"

    def day(self, day: date) -> Archive:
        """Return the file of a day, UTC."""
        start = _ns(day)
        return Archive(self._path("daily", day.isoformat()), start, start + DAY_NS)

    def month(self, first: date) -> Archive:
        """Return the file of a month, UTC, given its first day."""
        after = _next_month(first)
        days = tuple(self.day(each) for each in _days(first, after))
        path = self._path("monthly", first.isoformat()[:7])
        return Archive(path, _ns(first), _ns(after), days)

    def _path(self, folder: str, when: str) -> str:
        name = f"{self.symbol}-{self.interval}-{when}.zip"
        return f"data/{self.market}/{folder}/klines/{self.symbol}/{self.interval}/{name}"


def listing(instrument: InstrumentId, step_ns: int) -> Listing:
    """Return how Binance names an instrument and a timeframe.

    Raises:
        ConfigError: it is not traded there, or has no candles of that length in its files.
    """
    symbol, kind, venue = parse_instrument_id(instrument)
    if venue != VENUE:
        raise ConfigError(
            code="HISTORY_OF_ANOTHER_VENUE",
            cause=f"{instrument} is not traded at Binance, whose archives these are",
            fix="name one as BTCUSDT.BINANCE or BTCUSDT-PERP.BINANCE, or import files",
        )
    interval = interval_name(step_ns)
    if step_ns > _ABOVE_A_DAY:
        raise ConfigError(
            code="TIMEFRAME_NOT_FETCHED",
            cause=f"candles of {interval} begin in one file and end in another",
            fix="fetch 1d or shorter: longer ones are made of them",
        )
    if kind is ContractKind.SPOT:
        return Listing(symbol, interval, "spot")
    if kind is ContractKind.FUTURE:
        symbol = f"{symbol}_{instrument.partition('-')[2][2:8]}"
    return Listing(symbol, interval, "futures/um")


def plan(wanted: Listing, start_ns: int, end_ns: int, now_ns: int) -> tuple[Piece, ...]:
    """Return what to ask for, oldest first: whole months, then days, then what is in no file yet.

    Args:
        wanted: instrument and timeframe.
        start_ns: first open wanted, nanoseconds UTC.
        end_ns: first open not wanted any more.
        now_ns: the present; a day that is not over is in no file, and the future nowhere.

    Returns:
        Pieces that touch one another and cover ``[start_ns, min(end_ns, now_ns))``; the first and
        the last file may reach beyond it.
    """
    end_ns = min(end_ns, now_ns)
    pieces: list[Piece] = []
    at = start_ns
    while at < end_ns:
        today = _date(at)
        month_end = _ns(_next_month(today))
        piece: Piece
        if today.day == 1 and at == _ns(today) and month_end <= end_ns:
            piece = wanted.month(today)
        elif _ns(today) + DAY_NS <= now_ns:
            piece = wanted.day(today)
        else:
            piece = Recent(at, end_ns)
        pieces.append(piece)
        at = piece.end_ns
    return tuple(pieces)


def _days(first: date, after: date) -> Iterator[date]:
    while first < after:
        yield first
        first += _ONE_DAY


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _ns(day: date) -> int:
    return (day - _EPOCH).days * DAY_NS


def _date(ts_ns: int) -> date:
    return datetime.fromtimestamp(ts_ns // DAY_NS * 86_400, tz=UTC).date()
