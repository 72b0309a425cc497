"""What Binance's public REST routes answer, as schemas; unknown fields are skipped."""

from decimal import Decimal
from typing import Final

import msgspec

from botcore.domain.errors import ConfigError
from botcore.domain.ids import DAY_NS, MINUTE_NS, SECOND_NS
from botcore.domain.numbers import ZERO
from botcore.venues.live.binance.messages import Price, Quantity, Stamp

_HOUR_NS: Final = 60 * MINUTE_NS
INTERVALS: Final = {
    SECOND_NS: "1s",
    **{count * MINUTE_NS: f"{count}m" for count in (1, 3, 5, 15, 30)},
    **{count * _HOUR_NS: f"{count}h" for count in (1, 2, 4, 6, 8, 12)},
    DAY_NS: "1d",
    3 * DAY_NS: "3d",
    7 * DAY_NS: "1w",
}
"""The venue's names of candle lengths; its months have none of one length."""


def interval_name(step_ns: int) -> str:
    """Return the venue's name of a candle's length: ``1m``.

    Raises:
        ConfigError: it has no candles of that length.
    """
    name = INTERVALS.get(step_ns)
    if name is None:
        raise ConfigError(
            code="INTERVAL_UNKNOWN",
            cause=f"Binance has no candles of {step_ns / SECOND_NS:g} s",
            fix="choose one of: " + ", ".join(INTERVALS.values()),
        )
    return name


class ServerTime(msgspec.Struct, frozen=True, gc=False):
    """The answer of ``time``."""

    serverTime: Stamp  # noqa: N815  # the venue's own name


class KlineRow(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A candle of ``klines``; the array goes on, and what follows is not used."""

    open_time: Stamp
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Quantity
    close_time: Stamp


class Filter(msgspec.Struct, frozen=True, gc=False):
    """A rule of a symbol: those with these fields are used."""

    filterType: str  # noqa: N815  # the venue's own names, here and below
    tickSize: Decimal = ZERO  # noqa: N815  # as above
    stepSize: Decimal = ZERO  # noqa: N815  # as above
    minQty: Decimal = ZERO  # noqa: N815  # as above
    minNotional: Decimal = ZERO  # noqa: N815  # as above


class ListedSymbol(msgspec.Struct, frozen=True, gc=False):
    """A symbol of ``exchangeInfo``."""

    symbol: str
    status: str
    baseAsset: str  # noqa: N815  # the venue's own names
    quoteAsset: str  # noqa: N815  # as above
    filters: tuple[Filter, ...]


class ExchangeInfo(msgspec.Struct, frozen=True, gc=False):
    """The answer of ``exchangeInfo``."""

    symbols: tuple[ListedSymbol, ...]


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """The body of an error."""

    code: int
    msg: str
