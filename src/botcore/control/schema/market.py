"""Market data: what can be traded, candles with their holes, the best prices, recorded series."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

import msgspec

from botcore.control.access import Scope
from botcore.control.operations import Operation, Page, Query, RouteClass
from botcore.control.schema.values import Cursor, InstrumentName, Limit

CANDLES_MAX: Final = 5_000
Timeframe = Annotated[
    str,
    msgspec.Meta(pattern=r"^[1-9][0-9]{0,3}[smhdwM]\Z", description="1m, 5m, 15m, 1h, 4h, 1d …"),
]


class Symbol(msgspec.Struct, frozen=True, kw_only=True):
    """An instrument and its rules.

    Attributes:
        symbol: its id, ``SYMBOL.VENUE``.
        base, quote: currencies: what is bought, and what it is priced in.
        tick, lot: steps of price and quantity.
        min_quantity: smallest quantity of an order, base units.
        min_notional: smallest price times quantity of an order, quote units.
        is_traded: whether the platform trades it now, or only knows its history.
    """

    symbol: str
    venue: str
    base: str
    quote: str
    kind: str
    status: str
    tick: Decimal
    lot: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    is_traded: bool


class Candle(msgspec.Struct, frozen=True, kw_only=True):
    """A closed candle: it opened at `time`; prices in quote units, volume in base units."""

    time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class CandleGap(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch ``[start, end)`` without candles, and how many it lacks."""

    start: datetime
    end: datetime
    missing: int


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What there is of a series.

    Attributes:
        first, last: opens of the oldest and the newest candle; None where there is none.
        candles: how many there are.
        gaps: within what was asked for.
        fraction: what is there, of what should be from the first to the last, 0..1; a candle that
            lacks parts counts for those that it has.
        incomplete: opens of candles that were joined from shorter ones of which some are missing:
            their high, low and volume may have been others.
    """

    first: datetime | None
    last: datetime | None
    candles: int
    gaps: tuple[CandleGap, ...]
    fraction: float
    incomplete: tuple[datetime, ...] = ()


class Ohlcv(msgspec.Struct, frozen=True, kw_only=True):
    """Candles, oldest first, with what is missing among them.

    Attributes:
        source: ``running`` (what the platform trades on) or ``recorded`` (imported data).
        coverage: of what was asked for.
        next_start: the start that asks for what follows; None at the end.
        is_settled: the same question will have the same answer: every candle that it asks for has
            closed, and of what runs none is missing.
    """

    symbol: str
    timeframe: str
    source: str
    candles: tuple[Candle, ...]
    coverage: Coverage
    next_start: datetime | None = None
    is_settled: bool = False


class Level(msgspec.Struct, frozen=True):
    """A price and the quantity that stands there, base units."""

    price: Decimal
    quantity: Decimal


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """An order book, or as much of it as the feed gives.

    Attributes:
        depth: ``full``, ``best`` (best bid and ask only) or ``none`` (the feed gives bars only).
        bids, asks: best first.
        time: of the newest change; None where nothing is known.
        age_s: since then, seconds, by the feed's clock.
    """

    symbol: str
    depth: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    time: datetime | None
    age_s: float | None


class Print(msgspec.Struct, frozen=True, kw_only=True):
    """A trade of the market. `buyer_is_aggressor` is None where the venue does not say."""

    time: datetime
    price: Decimal
    quantity: Decimal
    buyer_is_aggressor: bool | None = None


class Prints(msgspec.Struct, frozen=True, kw_only=True):
    """The market's last trades, newest first; not `is_given` where the feed gives bars only."""

    symbol: str
    is_given: bool
    trades: tuple[Print, ...]


class Ticker(msgspec.Struct, frozen=True, kw_only=True):
    """The last price of an instrument and how old it is, with the range of the last 24 hours.

    Attributes:
        status: ``live``, ``stale`` or ``down``.
        change_frac: against 24 hours before; None where that is not known. 0.01 is 1 %.
    """

    symbol: str
    price: Decimal | None
    time: datetime | None
    age_s: float | None
    status: str
    high: Decimal | None = None
    low: Decimal | None = None
    volume: Decimal | None = None
    change_frac: float | None = None


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded series in the lake.

    Attributes:
        candles: how many.
        missing: how many the gaps lack.
        conflicts: stamps that came with other values than were stored.
        quarantined: rows that were set aside, over all imports.
        sources: files that were imported.
    """

    symbol: str
    timeframe: str
    candles: int
    first: datetime
    last: datetime
    gaps: int
    missing: int
    conflicts: int
    quarantined: int
    sources: int
    digest: str


class SeriesDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded series with its holes and what was found odd about it, a sentence each."""

    series: Series
    gaps: tuple[CandleGap, ...]
    concerns: tuple[str, ...]
    files: tuple[str, ...]


class ListSymbols(Query[Page[Symbol]], frozen=True, kw_only=True):
    """List instruments: those that are traded, and those that are recorded.

    Attributes:
        text: part of the symbol, in any case.
        traded: only those that are traded now, or only those that are not.
    """

    text: Annotated[str, msgspec.Meta(max_length=64)] = ""
    traded: bool | None = None
    limit: Limit = 100
    cursor: Cursor = ""


class ReadOhlcv(Query[Ohlcv], frozen=True, kw_only=True):
    """Read candles of an instrument, with what is missing among them.

    Attributes:
        symbol: id of the instrument.
        timeframe: length of a candle; a multiple of what is recorded. Empty takes that.
        start: first open; by default so that the newest `limit` candles are given.
        end: first open that is left out.
        limit: how many candles at most.
        source: `running` or `recorded`; empty takes the running one where there is one.
    """

    symbol: InstrumentName
    timeframe: Annotated[str, msgspec.Meta(pattern=r"^([1-9][0-9]{0,3}[smhdwM])?\Z")] = ""
    start: datetime | None = None
    end: datetime | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=CANDLES_MAX)] = 500
    source: Annotated[str, msgspec.Meta(pattern=r"^(running|recorded)?\Z")] = ""


class ReadBook(Query[Book], frozen=True, kw_only=True):
    """Read the order book of an instrument, or as much of it as the feed gives."""

    symbol: InstrumentName
    levels: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class ReadPrints(Query[Prints], frozen=True, kw_only=True):
    """Read the market's last trades of an instrument."""

    symbol: InstrumentName
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50


class ReadTicker(Query[Ticker], frozen=True, kw_only=True):
    """Read the last price of an instrument, how old it is, and the day's range."""

    symbol: InstrumentName


class ListSeries(Query[Page[Series]], frozen=True, kw_only=True):
    """List the recorded series.

    Attributes:
        symbol: only those of this instrument.
    """

    symbol: Annotated[str, msgspec.Meta(max_length=64)] = ""
    limit: Limit = 100
    cursor: Cursor = ""


class ReadSeries(Query[SeriesDetails], frozen=True, kw_only=True):
    """Show a recorded series: its holes, what is odd about it, where it came from."""

    symbol: InstrumentName
    timeframe: Timeframe


_BTC: Final = "BTCUSDT.SIM"

OPERATIONS: Final = (
    Operation(
        name="market.symbols",
        request=ListSymbols,
        method="GET",
        path="market-data/symbols",
        scope=Scope.READ_MARKET,
        command=("market", "symbols"),
        route_class=RouteClass.MARKET,
        cache_s=300,
        has_etag=True,
        examples=(ListSymbols(), ListSymbols(text="btc")),
    ),
    Operation(
        name="market.ohlcv",
        request=ReadOhlcv,
        method="GET",
        path="market-data/symbols/{symbol}/ohlcv",
        aliases=("/api/market/data",),
        scope=Scope.READ_MARKET,
        command=("market", "candles"),
        positional=("symbol",),
        route_class=RouteClass.MARKET,
        cache_s=1,
        cache_settled_s=300,
        has_etag=True,
        problems=("SYMBOL_UNKNOWN", "TIMEFRAME_NOT_A_MULTIPLE", "TIMEFRAME_OFF_THE_DAY"),
        examples=(ReadOhlcv(symbol=_BTC), ReadOhlcv(symbol=_BTC, timeframe="1h", limit=24)),
    ),
    Operation(
        name="market.book",
        request=ReadBook,
        method="GET",
        path="market-data/symbols/{symbol}/book",
        scope=Scope.READ_MARKET,
        command=("market", "book"),
        positional=("symbol",),
        route_class=RouteClass.MARKET,
        cache_s=1,
        problems=("SYMBOL_UNKNOWN",),
        examples=(ReadBook(symbol=_BTC),),
    ),
    Operation(
        name="market.trades",
        request=ReadPrints,
        method="GET",
        path="market-data/symbols/{symbol}/trades",
        scope=Scope.READ_MARKET,
        command=("market", "trades"),
        positional=("symbol",),
        route_class=RouteClass.MARKET,
        cache_s=1,
        problems=("SYMBOL_UNKNOWN",),
        examples=(ReadPrints(symbol=_BTC),),
    ),
    Operation(
        name="market.ticker",
        request=ReadTicker,
        method="GET",
        path="market-data/symbols/{symbol}/ticker",
        scope=Scope.READ_MARKET,
        command=("market", "ticker"),
        positional=("symbol",),
        route_class=RouteClass.MARKET,
        cache_s=1,
        problems=("SYMBOL_UNKNOWN",),
        examples=(ReadTicker(symbol=_BTC),),
    ),
    Operation(
        name="market.series",
        request=ListSeries,
        method="GET",
        path="market-data/series",
        scope=Scope.READ_MARKET,
        command=("market", "series"),
        route_class=RouteClass.MARKET,
        has_etag=True,
        examples=(ListSeries(),),
    ),
    Operation(
        name="market.series-details",
        request=ReadSeries,
        method="GET",
        path="market-data/series/{symbol}/{timeframe}",
        scope=Scope.READ_MARKET,
        command=("market", "series-details"),
        positional=("symbol", "timeframe"),
        route_class=RouteClass.MARKET,
        has_etag=True,
        problems=("SERIES_UNKNOWN",),
        examples=(ReadSeries(symbol="BTCUSDT.BINANCE", timeframe="1h"),),
    ),
)
