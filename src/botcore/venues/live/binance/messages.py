"""What Binance's public streams send, as schemas: spot and USDⓈ-M futures, milli- or microseconds.

Field names are the venue's own (Binance, "WebSocket Streams"); unknown fields are skipped. Prices
and quantities come as strings and are read straight into floats: a price is above zero, a quantity
not negative, both finite, and a frame that says otherwise does not decode. Stamps stay as sent:
`stamp_ns` tells their unit by their size.
"""

from typing import Annotated, Final

import msgspec

from botcore.domain.ids import Nanos

_MOST: Final = 1e18
Price = Annotated[float, msgspec.Meta(gt=0, lt=_MOST)]
Quantity = Annotated[float, msgspec.Meta(ge=0, lt=_MOST)]
Level = tuple[Price, Quantity]
_LAST: Final = 9 * 10**15
"""In microseconds the year 2255: more nanoseconds do not fit into 64 bits."""
Stamp = Annotated[int, msgspec.Meta(gt=0, lt=_LAST)]
"""Milli- or microseconds since 1970."""
StampOrNone = Annotated[int, msgspec.Meta(ge=0, lt=_LAST)]
"""A stamp; 0 where the venue sent none."""
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What the decoder raises about bytes that do not fit a schema, or are no JSON at all."""

_MICROSECONDS_FROM: Final = 10**14
"""The year 5138 in milliseconds, March 1973 in microseconds."""


def stamp_ns(stamp: int) -> Nanos:
    """Return a venue's stamp in nanoseconds UTC, whether it came in milli- or microseconds."""
    unit = 1_000 if stamp >= _MICROSECONDS_FROM else 1_000_000
    return stamp * unit  # type: ignore[return-value]  # calling the name costs as much as this


class TradeMessage(msgspec.Struct, frozen=True, gc=False, tag_field="e", tag="trade"):
    """One print. `t` counts up by one within a symbol; `m` says that the buyer was the maker."""

    s: str
    t: int
    p: Price
    q: Quantity
    T: Stamp
    m: bool


class AggregateTradeMessage(msgspec.Struct, frozen=True, gc=False, tag_field="e", tag="aggTrade"):
    """Prints of one aggressor at one price, `f` to `l`; `a` counts up by one within a symbol."""

    s: str
    a: int
    p: Price
    q: Quantity
    f: int
    l: int  # noqa: E741  # the venue's own name
    T: Stamp
    m: bool


class QuoteMessage(msgspec.Struct, frozen=True, gc=False):
    """The best bid and ask after update `u`.

    Spot sends neither event kind nor stamp (`T` is 0 then), futures send both.
    """

    s: str
    u: int
    b: Price
    B: Quantity
    a: Price
    A: Quantity
    T: StampOrNone = 0


class TickerMessage(msgspec.Struct, frozen=True, gc=False, tag_field="e", tag="24hrTicker"):
    """What changed in the last 24 hours: last price `c`, volumes, and on spot the best quote."""

    s: str
    E: Stamp
    c: Price
    o: Price
    h: Price
    l: Price  # noqa: E741  # the venue's own name
    v: Quantity
    q: Quantity
    b: Quantity = 0.0
    B: Quantity = 0.0
    a: Quantity = 0.0
    A: Quantity = 0.0


class DepthMessage(msgspec.Struct, frozen=True, gc=False, tag_field="e", tag="depthUpdate"):
    """Levels that changed by the updates `U` to `u`; futures also name the previous `u` (`pu`)."""

    s: str
    E: Stamp
    U: int
    u: int
    b: tuple[Level, ...]
    a: tuple[Level, ...]
    pu: int | None = None
    T: StampOrNone = 0


class SnapshotMessage(msgspec.Struct, frozen=True, gc=False):
    """A whole book, or its best levels: the REST route `depth` and the streams `depth5|10|20`.

    It names no symbol, and on spot no instant.
    """

    lastUpdateId: int  # noqa: N815  # the venue's own name
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    T: StampOrNone = 0


class Kline(msgspec.Struct, frozen=True, gc=False):
    """A candle, finished or not: only `x` says that it is."""

    t: Stamp
    T: Stamp
    i: str
    o: Price
    h: Price
    l: Price  # noqa: E741  # the venue's own name
    c: Price
    v: Quantity
    n: int
    x: bool


class KlineMessage(msgspec.Struct, frozen=True, gc=False, tag_field="e", tag="kline"):
    """A candle as it stands."""

    s: str
    E: Stamp
    k: Kline


class ShutdownMessage(msgspec.Struct, frozen=True, gc=False, tag_field="e", tag="serverShutdown"):
    """The server closes this connection soon: open another."""

    E: Stamp


class AnswerMessage(msgspec.Struct, frozen=True, gc=False):
    """The answer to a SUBSCRIBE or UNSUBSCRIBE; `code` and `msg` where it was refused."""

    id: int | str | None = None
    result: list[str] | None = None
    code: int | None = None
    msg: str = ""


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """A well-formed event of a kind that is not used here."""

    kind: str


class Unparsable(msgspec.Struct, frozen=True, gc=False):
    """Bytes that are no message: garbage, a page of HTML, half a frame, a wrong schema.

    Attributes:
        reason: what did not fit.
        start: the first bytes, readable, to be shown.
    """

    reason: str
    start: str


MarketMessage = (
    TradeMessage
    | AggregateTradeMessage
    | QuoteMessage
    | TickerMessage
    | DepthMessage
    | SnapshotMessage
    | KlineMessage
)
Message = MarketMessage | ShutdownMessage | AnswerMessage | Unknown | Unparsable
