"""The rules of an instrument for recorded candles: as its venue stated them, or inferred.

Rules change: today's applied to old prices are a trap (E104). Recorded rules say their date, and
prices that do not lie on the recorded tick show that it was another one then.
"""

from decimal import Decimal
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from botcore.domain.errors import ConfigError, DataError
from botcore.domain.ids import Currency, InstrumentId, parse_instrument_id
from botcore.domain.instruments import Instrument
from botcore.marketdata.candles import FIELDS, Candles
from botcore.marketdata.known_instruments import FEE_PPM, RECORDED, RULES, SOURCE, VENUE
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


class KnownInstrument(msgspec.Struct, frozen=True, kw_only=True):
    """An instrument as its venue described it once.

    Attributes:
        instrument: its rules; in force at any time, because older ones are not known.
        maker_fee_ppm, taker_fee_ppm: of the notional, parts per million.
        recorded: the day on which the venue said so, UTC, ``2021-10-12``.
        source: which of its answers.
    """

    instrument: Instrument
    maker_fee_ppm: int
    taker_fee_ppm: int
    recorded: str
    source: str

    def fits(self, candles: Candles) -> bool:
        """Whether nearly all prices lie on its tick: else the tick was another one then."""
        off = np.count_nonzero(~on_tick(candles.columns, self.instrument.tick))
        return bool(off <= OFF_TICK_FEW * len(candles))


def known_instrument(instrument: InstrumentId) -> KnownInstrument | None:
    """Return the recorded rules of an instrument; None where there are none."""
    for row in RULES.split("\n"):
        cells = row.split()
        if cells and f"{cells[0]}{cells[1]}.{VENUE}" == instrument:
            return _known(instrument, cells)
    return None


def known_ids() -> tuple[InstrumentId, ...]:
    """Return every instrument whose rules are recorded."""
    rows = [row.split() for row in RULES.split("\n") if row]
    return tuple(InstrumentId(f"{row[0]}{row[1]}.{VENUE}") for row in rows)


def _known(instrument: InstrumentId, cells: list[str]) -> KnownInstrument:
    base, quote = Currency(cells[0]), Currency(cells[1])
    tick, lot, min_quantity, min_notional = map(Decimal, cells[2:])
    return KnownInstrument(
        instrument=Instrument(
            id=instrument,
            base=base,
            quote=quote,
            settle=quote,
            tick=tick,
            lot=lot,
            min_quantity=min_quantity,
            min_notional=min_notional,
        ),
        maker_fee_ppm=FEE_PPM,
        taker_fee_ppm=FEE_PPM,
        recorded=RECORDED,
        source=SOURCE,
    )


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
