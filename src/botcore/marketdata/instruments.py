"""The rules of an instrument for recorded candles: as its venue stated them, or inferred.

Rules change: today's applied to old prices are a trap (E104). Recorded rules say their date, and
prices that do not lie on the recorded tick show that it was another one then.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from botcore.domain.calendar import instant_name
from botcore.domain.errors import ConfigError, DataError
from botcore.domain.ids import Currency, InstrumentId, parse_instrument_id
from botcore.domain.instruments import Instrument
from botcore.marketdata.candles import FIELDS, Candles
from botcore.marketdata.known_instruments import FEE_PPM, known_instrument
from botcore.marketdata.validation import OFF_TICK_FEW, on_tick

_QUOTES: Final = (
    *("USDT", "USDC", "BUSD", "FDUSD", "TUSD", "DAI", "USD", "EUR", "GBP", "TRY"),
    *("BTC", "ETH", "BNB"),
)
_SMALLEST_NOTIONAL: Final = {"BTC": "0.0001", "ETH": "0.005", "BNB": "0.05"}
"""As Binance had them in October 2021."""
_SMALLEST_NOTIONAL_ELSE: Final = "10"
_FINEST: Final = 8
"""Decimals of the finest step there is."""
_FLOAT_DIGITS: Final = 15
"""Decimal digits that a float64 always holds."""
_DISTINCT_ENOUGH: Final = 100
"""With fewer different values, a common divisor that is no power of ten may be chance."""
_USUAL_FACTORS: Final = (1, 2, 5, 25)
"""Steps such as 0.05 and 0.25; any other divisor is chance."""


class RulesBasis(StrEnum):
    """Where the rules of an instrument come from."""

    RECORDED = "RECORDED"
    INFERRED = "INFERRED"


class RulesFor(msgspec.Struct, frozen=True, kw_only=True):
    """The rules to use with some candles.

    Attributes:
        instrument: the rules.
        maker_fee_ppm, taker_fee_ppm: of the notional, parts per million.
        basis: recorded or inferred.
        note: what a report says about it.
    """

    instrument: Instrument
    maker_fee_ppm: int
    taker_fee_ppm: int
    basis: RulesBasis
    note: str


def rules_for(candles: Candles) -> RulesFor:
    """Return the rules for recorded candles: the venue's where the prices agree, else inferred.

    Raises:
        ConfigError: the symbol's currencies cannot be told, or no rules can be inferred.
        DataError: there is no candle.
    """
    known = known_instrument(candles.instrument)
    if known is not None and agrees(known.instrument, candles):
        return RulesFor(
            instrument=known.instrument,
            maker_fee_ppm=known.maker_fee_ppm,
            taker_fee_ppm=known.taker_fee_ppm,
            basis=RulesBasis.RECORDED,
            note=f"filters as {known.source} said on {instant_name(known.recorded)[:10]}, "
            "perhaps not those of the time",
        )
    return RulesFor(
        instrument=inferred_instrument(candles.instrument, candles),
        maker_fee_ppm=FEE_PPM,
        taker_fee_ppm=FEE_PPM,
        basis=RulesBasis.INFERRED,
        note="inferred filters: steps from the prices and volumes, fee and smallest notional usual",
    )


def agrees(instrument: Instrument, candles: Candles) -> bool:
    """Whether nearly all prices lie on the instrument's tick; true of no candles."""
    off = np.count_nonzero(~on_tick(candles.columns, instrument.tick))
    return bool(off <= OFF_TICK_FEW * len(candles))


def inferred_instrument(instrument: InstrumentId, candles: Candles) -> Instrument:
    """Return rules that the candles themselves show.

    The steps are the largest that divide all prices and all volumes; the smallest quantity is one
    lot, the smallest notional what is usual for the quote currency.

    Raises:
        ConfigError: the symbol's currencies cannot be told.
        DataError: there is no candle.
    """
    symbol, kind, _ = parse_instrument_id(instrument)
    base, quote = currencies_of(symbol)
    if len(candles) == 0:
        raise DataError(
            code="RULES_UNTOLD",
            cause=f"without candles the rules of {instrument} cannot be inferred",
            fix="import candles of it",
        )
    prices = np.concatenate([candles.columns[name] for name in FIELDS[:4]])
    lot = common_step(candles.columns["volume"])
    return Instrument(
        id=instrument,
        base=base,
        quote=quote,
        settle=quote,
        tick=common_step(prices),
        lot=lot,
        min_quantity=lot,
        min_notional=Decimal(_SMALLEST_NOTIONAL.get(quote, _SMALLEST_NOTIONAL_ELSE)),
        kind=kind,
    )


def currencies_of(symbol: str) -> tuple[Currency, Currency]:
    """Split a symbol such as ``BTCUSDT`` into base and quote.

    Raises:
        ConfigError: it ends with no known quote currency.
    """
    for quote in _QUOTES:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return Currency(symbol.removesuffix(quote)), Currency(quote)
    raise ConfigError(
        code="CURRENCIES_UNTOLD",
        cause=f"{symbol} ends with no known quote currency",
        fix="name the instrument by base and quote, the quote one of " + ", ".join(_QUOTES),
    )


def common_step(values: NDArray[np.float64]) -> Decimal:
    """Return the largest usual step that all values are multiples of; 1e-8 at the finest.

    Steps are powers of ten, or 2, 5 or 25 of one where enough different values show it.
    """
    distinct = np.unique(values[values > 0])
    if not len(distinct):
        return Decimal(1).scaleb(-_FINEST)
    whole_digits = max(0, int(np.floor(np.log10(distinct[-1]))) + 1)
    decimals = min(_FINEST, max(0, _FLOAT_DIGITS - whole_digits))
    counted = np.rint(distinct * 10**decimals).astype(np.int64)
    divisor = int(np.gcd.reduce(counted[counted > 0]))
    power = len(str(divisor)) - len(str(divisor).rstrip("0"))
    factor = divisor // 10**power
    if factor not in _USUAL_FACTORS or len(distinct) < _DISTINCT_ENOUGH:
        factor = 1
    return Decimal(f"{Decimal(factor).scaleb(power - decimals):f}")
