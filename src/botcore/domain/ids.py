"""Identifiers: who trades, what is traded, and under which name an order is known.

Instrument ids follow one grammar, ``SYMBOL[-PERP|-YYYYMMDD].VENUE``, upper case, and stay the same
when a venue renames its listing.
"""

import re
from datetime import date
from enum import StrEnum
from typing import NewType

from botcore.domain.errors import ConfigError

Nanos = NewType("Nanos", int)
"""An instant: integer nanoseconds since 1970-01-01T00:00:00Z. Never a datetime inside."""
AccountId = NewType("AccountId", str)
StrategyId = NewType("StrategyId", str)
"""One configured strategy (a slug such as ``rsi``), not a class of strategies."""
InstrumentId = NewType("InstrumentId", str)
ClientOrderId = NewType("ClientOrderId", str)
VenueOrderId = NewType("VenueOrderId", str)
TradeId = NewType("TradeId", str)
Currency = NewType("Currency", str)

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
DAY_NS = 86_400 * SECOND_NS

CLIENT_ORDER_ID = re.compile(r"^[.A-Z:/a-z0-9_-]{1,36}\Z")
"""What venues accept as a client order id (Binance spot API, "New order")."""

_INSTRUMENT = re.compile(
    r"^(?P<symbol>[A-Z0-9]{2,20})(?:-(?P<suffix>PERP|[0-9]{8}))?"
    r"\.(?P<venue>[A-Z][A-Z0-9_]{1,19})\Z"
)
_SLUG = re.compile(r"^[a-z0-9][a-z0-9_-]{0,31}\Z")


class ContractKind(StrEnum):
    """What is bought: the thing itself, or a contract on its price."""

    SPOT = "SPOT"
    LINEAR_PERPETUAL = "LINEAR_PERPETUAL"
    FUTURE = "FUTURE"


def instrument_id(text: str) -> InstrumentId:
    """Return the id in `text`, or refuse it.

    Raises:
        ConfigError: `text` does not follow ``SYMBOL[-PERP|-YYYYMMDD].VENUE``.
    """
    parse_instrument_id(text)
    return InstrumentId(text)


def parse_instrument_id(text: str) -> tuple[str, ContractKind, str]:
    """Split an instrument id into symbol, kind of contract and venue.

    Raises:
        ConfigError: `text` does not follow the grammar, or its delivery date does not exist.
    """
    match = _INSTRUMENT.match(text)
    if match is None:
        raise _malformed(text)
    suffix = match["suffix"]
    if suffix is None:
        kind = ContractKind.SPOT
    elif suffix == "PERP":
        kind = ContractKind.LINEAR_PERPETUAL
    else:
        kind = ContractKind.FUTURE
        try:
            date(int(suffix[:4]), int(suffix[4:6]), int(suffix[6:]))
        except ValueError as error:
            raise _malformed(text) from error
    return match["symbol"], kind, match["venue"]


def slug(text: str, *, what: str) -> str:
    """Return `text` if it can name an account or a strategy.

    Raises:
        ConfigError: it is not 1 to 32 of ``a-z 0-9 _ -``, starting with a letter or digit.
    """
    if _SLUG.match(text) is None:
        raise ConfigError(
            code="NAME_MALFORMED",
            cause=f"{what} {text!r} is not a name of 1 to 32 characters a-z, 0-9, _ or -",
            fix="use small letters, digits, _ and -, starting with a letter or a digit",
        )
    return text


def _malformed(text: str) -> ConfigError:
    return ConfigError(
        code="INSTRUMENT_MALFORMED",
        cause=f"instrument {text!r} is not SYMBOL[-PERP|-YYYYMMDD].VENUE in upper case",
        fix="write for example BTCUSDT.SIM, ETHUSDT-PERP.BINANCE or BTCUSDT-20261225.BINANCE",
    )
