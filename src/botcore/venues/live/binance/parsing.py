"""Frames of Binance's public streams into messages, and messages into market data.

`decode` keeps the venue's ids, by which duplicates and gaps are found; `Parser.parse` goes on to
the domain's values. Neither raises: what cannot be read is a value, `Unparsable`.

The schema is chosen by a look at the first bytes, which the venue writes always alike, instead of
by decoding a union; a frame that is laid out differently is read in two passes.
"""

from typing import Final

import msgspec

from botcore.domain.errors import ConfigError
from botcore.domain.ids import InstrumentId, Nanos
from botcore.domain.market import (
    Bar,
    BarFlag,
    BarSpec,
    BookDelta,
    BookSnapshot,
    Quote,
    Trade,
)
from botcore.venues.live.binance.messages import (
    UNREADABLE,
    AggregateTradeMessage,
    AnswerMessage,
    DepthMessage,
    KlineMessage,
    MarketMessage,
    Message,
    QuoteMessage,
    ShutdownMessage,
    SnapshotMessage,
    TickerMessage,
    TradeMessage,
    Unknown,
    Unparsable,
    stamp_ns,
)
from botcore.venues.live.binance.symbols import InstrumentIds

MarketValue = Trade | Quote | Bar | BookDelta | BookSnapshot
_PRINTS: Final = (TradeMessage, AggregateTradeMessage)
_FLAT: Final = int(BarFlag.FLAT)
_SHOWN: Final = 80
"""Bytes of an unreadable frame that are kept to be shown."""


class _Quoted(msgspec.Struct, gc=False):
    data: QuoteMessage


class _Traded(msgspec.Struct, gc=False):
    data: TradeMessage


class _Aggregated(msgspec.Struct, gc=False):
    data: AggregateTradeMessage


class _Deepened(msgspec.Struct, gc=False):
    data: DepthMessage


class _Candled(msgspec.Struct, gc=False):
    data: KlineMessage


class _Ticked(msgspec.Struct, gc=False):
    data: TickerMessage


_Wrapped = _Quoted | _Traded | _Aggregated | _Deepened | _Candled | _Ticked


class _Envelope(msgspec.Struct, gc=False):
    """A combined stream's frame of any layout."""

    stream: str = ""
    data: msgspec.Raw = msgspec.Raw(b"")


class _Refusal(msgspec.Struct, gc=False):
    code: int = 0
    msg: str = ""


class _Look(msgspec.Struct, gc=False):
    """What tells the kind of a payload."""

    e: str = ""
    u: int | None = None
    lastUpdateId: int | None = None  # noqa: N815  # the venue's own name
    id: int | str | None = None
    code: int | None = None
    error: _Refusal | None = None
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    msg: str = ""


def _lax(kind: type[_Wrapped]) -> "msgspec.json.Decoder[_Wrapped]":
    # Not strict: the venue writes numbers as strings, and they are read without making a str.
    return msgspec.json.Decoder(kind, strict=False)


# By the first three letters of the stream's name after its symbol: `btcusdt@trade`.
_BY_STREAM: Final[dict[bytes, "msgspec.json.Decoder[_Wrapped]"]] = {
    b"boo": _lax(_Quoted),
    b"tra": _lax(_Traded),
    b"agg": _lax(_Aggregated),
    b"dep": _lax(_Deepened),
    b"kli": _lax(_Candled),
    b"tic": _lax(_Ticked),
}
_Bare = MarketMessage | ShutdownMessage
_BY_EVENT: Final[dict[str, "msgspec.json.Decoder[_Bare]"]] = {
    "trade": msgspec.json.Decoder(TradeMessage, strict=False),
    "aggTrade": msgspec.json.Decoder(AggregateTradeMessage, strict=False),
    "bookTicker": msgspec.json.Decoder(QuoteMessage, strict=False),
    "depthUpdate": msgspec.json.Decoder(DepthMessage, strict=False),
    "kline": msgspec.json.Decoder(KlineMessage, strict=False),
    "24hrTicker": msgspec.json.Decoder(TickerMessage, strict=False),
    "serverShutdown": msgspec.json.Decoder(ShutdownMessage, strict=False),
}
_QUOTE: Final = msgspec.json.Decoder(QuoteMessage, strict=False)
_SNAPSHOT: Final = msgspec.json.Decoder(SnapshotMessage, strict=False)
_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_LOOK: Final = msgspec.json.Decoder(_Look)
_NAMES: Final = msgspec.json.Decoder(list[str])

_WRAPPED: Final = b'{"stream":"'
_SYMBOL_AT: Final = len(_WRAPPED)
_SYMBOL_ENDS_BEFORE: Final = 64


def decode(raw: bytes) -> Message:
    """Return the message in a frame, with the venue's ids and stamps.

    Args:
        raw: one text frame: of a combined stream, of a raw one, an answer, or a REST body of
            ``depth``.

    Returns:
        The message; `Unknown` for an event of a kind that is not used; `Unparsable` for what is
        no message. Never raises.
    """
    if raw.startswith(_WRAPPED):
        at = raw.find(b"@", _SYMBOL_AT, _SYMBOL_ENDS_BEFORE) + 1
        decoder = _BY_STREAM.get(raw[at : at + 3])
        if decoder is not None:
            try:
                return decoder.decode(raw).data
            except UNREADABLE:
                pass  # another layout or another kind: the closer look tells
    try:
        return _look_closer(raw)
    except UNREADABLE as error:
        return _unparsable(raw, str(error))


def _look_closer(raw: bytes) -> Message:
    envelope = _ENVELOPE.decode(raw)
    payload = bytes(envelope.data) or raw
    if payload.startswith(b"["):
        return Unknown(envelope.stream)  # `!ticker@arr` and the like
    look = _LOOK.decode(payload)
    if look.e:
        decoder = _BY_EVENT.get(look.e)
        return decoder.decode(payload) if decoder else Unknown(look.e)
    if look.lastUpdateId is not None:
        return _SNAPSHOT.decode(payload)
    if look.u is not None:
        return _QUOTE.decode(payload)
    if look.code is not None or look.error is not None:
        refusal = look.error or _Refusal(look.code or 0, look.msg)
        return AnswerMessage(look.id, None, refusal.code, refusal.msg)
    if look.result is not msgspec.UNSET:
        listed = bytes(look.result)
        return AnswerMessage(look.id, _NAMES.decode(listed) if listed[:1] == b"[" else None)
    return _unparsable(raw, "an object of no known kind")


def _unparsable(raw: bytes, reason: str) -> Unparsable:
    return Unparsable(reason, raw[:_SHOWN].decode("utf-8", "replace"))


class Parser:
    """Reads the frames of one of Binance's markets.

    Args:
        is_perpetual: the frames are of USDⓈ-M futures: ``BTCUSDT`` is ``BTCUSDT-PERP.BINANCE``.
    """

    def __init__(self, *, is_perpetual: bool = False) -> None:
        self._ids = InstrumentIds(is_perpetual=is_perpetual)

    def parse(
        self, raw: bytes, ts_init: int = 0, *, instrument: InstrumentId | None = None
    ) -> MarketValue | Unknown | Unparsable | None:
        """Return the market data in a frame.

        Args:
            raw: one text frame, or a REST body of ``depth``.
            ts_init: when it was received, nanoseconds UTC: the stamp of what carries none
                (`bookTicker` and snapshots of spot).
            instrument: whose book a REST snapshot is, which names no symbol.

        Returns:
            A trade (also an aggregate one), a quote (of `bookTicker` and, on spot, of the 24-hour
            ticker), a closed bar, a delta or a snapshot of a book. None for what carries no market
            data or data that nobody may act on: an answer, a candle still forming (trap E12).
            `Unknown` and `Unparsable` as `decode`. Never raises.
        """
        message = decode(raw)
        if type(message) is SnapshotMessage and instrument is None:
            at = raw.find(b"@") if raw.startswith(_WRAPPED) else -1
            if at < 0:
                return _unparsable(raw, "a snapshot that names no symbol")
            symbol = raw[_SYMBOL_AT:at].decode("utf-8", "replace").upper()
            try:
                instrument = self._ids[symbol]
            except ConfigError as error:
                return _unparsable(raw, error.cause)
        return self.value_of(message, ts_init, instrument=instrument)

    def value_of(
        self, message: Message, ts_init: int = 0, *, instrument: InstrumentId | None = None
    ) -> MarketValue | Unknown | Unparsable | None:
        """Return the market data in a message, as `parse` does of a frame."""
        ids = self._ids
        try:
            if isinstance(message, QuoteMessage):
                ts = stamp_ns(message.T) if message.T else Nanos(ts_init)
                return Quote(ids[message.s], ts, message.b, message.a, message.B, message.A)
            if isinstance(message, _PRINTS):
                ts = stamp_ns(message.T)
                return Trade(ids[message.s], ts, message.p, message.q, not message.m)
            if isinstance(message, DepthMessage):
                return self._delta(message)
            if isinstance(message, KlineMessage):
                return self._bar(message) if message.k.x else None
            if isinstance(message, TickerMessage):
                return self._quote_of(message)
        except ConfigError as error:
            return Unparsable(error.cause, "")
        if isinstance(message, SnapshotMessage):
            if instrument is None:
                return Unparsable("a snapshot that names no symbol", "")
            ts = stamp_ns(message.T) if message.T else Nanos(ts_init)
            return BookSnapshot(instrument, ts, message.lastUpdateId, message.bids, message.asks)
        return message if isinstance(message, Unknown | Unparsable) else None

    def instrument_of(self, symbol: str) -> InstrumentId:
        """Return the id of a listing: ``BTCUSDT``, or ``BTCUSDT_261225`` for a dated future.

        Raises:
            ConfigError: no id of ours can name it.
        """
        return self._ids[symbol]

    def _delta(self, message: DepthMessage) -> BookDelta:
        ts = stamp_ns(message.T or message.E)
        name = self._ids[message.s]
        return BookDelta(name, ts, message.U, message.u, message.b, message.a, message.pu)

    def _bar(self, message: KlineMessage) -> Bar:
        kline = message.k
        opened, last = stamp_ns(kline.t), stamp_ns(kline.T)
        # The venue's close is the last unit inside the candle: ours is the first instant after.
        closed = last + stamp_ns(kline.T) - stamp_ns(kline.T - 1)
        return Bar(
            self._ids[message.s],
            BarSpec(closed - opened),
            opened,
            closed,
            kline.o,
            kline.h,
            kline.l,
            kline.c,
            kline.v,
            _FLAT if kline.n == 0 else 0,
        )

    def _quote_of(self, message: TickerMessage) -> Quote | None:
        if message.b <= 0 or message.a <= 0:
            return None  # futures send no quote here
        ts = stamp_ns(message.E)
        return Quote(self._ids[message.s], ts, message.b, message.a, message.B, message.A)
