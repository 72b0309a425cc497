"""Instruments whose trading rules were recorded, with the date: facts, as a venue stated them.

Binance spot, from its answer to ``GET /api/v3/exchangeInfo`` at 2021-10-12T00:28:31Z: price step,
quantity step, smallest quantity, smallest notional. A venue changes them now and then, so each use
says the date.
"""

from decimal import Decimal
from typing import Final

import msgspec

from botcore.domain.ids import Currency, InstrumentId, Nanos
from botcore.domain.instruments import Instrument

RECORDED: Final = Nanos(1_633_998_511_098_000_000)
SOURCE: Final = "Binance exchangeInfo"
FEE_PPM: Final = 1_000
"""0.1 %: Binance's fee on spot for an account without a discount, maker and taker."""
_VENUE: Final = "BINANCE"
_ROWS: Final = """
BTC USDT 0.01 0.00001 0.00001 10
ETH USDT 0.01 0.0001 0.0001 10
SOL USDT 0.01 0.01 0.01 10
XRP USDT 0.0001 1 1 10
ADA USDT 0.001 0.1 0.1 10
DOGE USDT 0.0001 1 1 10
LTC USDT 0.1 0.001 0.001 10
BNB USDT 0.1 0.001 0.001 10
BCH USDT 0.1 0.001 0.001 10
LINK USDT 0.01 0.01 0.01 10
DOT USDT 0.01 0.01 0.01 10
AVAX USDT 0.01 0.01 0.01 10
MATIC USDT 0.001 0.1 0.1 10
TRX USDT 0.00001 0.1 0.1 10
ETC USDT 0.01 0.01 0.01 10
XLM USDT 0.0001 1 1 10
XMR USDT 0.1 0.001 0.001 10
EOS USDT 0.001 0.1 0.1 10
ATOM USDT 0.01 0.01 0.01 10
ALGO USDT 0.0001 1 1 10
FIL USDT 0.01 0.01 0.01 10
UNI USDT 0.01 0.01 0.01 10
NEAR USDT 0.001 0.1 0.1 10
XTZ USDT 0.001 0.1 0.1 10
LUNA USDT 0.01 0.01 0.01 10
FTT USDT 0.01 0.01 0.01 10
ETH BTC 0.000001 0.0001 0.0001 0.0001
SOL BTC 0.0000001 0.01 0.01 0.0001
XRP BTC 0.00000001 1 1 0.0001
ADA BTC 0.00000001 0.1 0.1 0.0001
DOGE BTC 0.00000001 1 1 0.0001
LTC BTC 0.000001 0.001 0.001 0.0001
BNB BTC 0.000001 0.001 0.001 0.0001
BCH BTC 0.00001 0.001 0.001 0.0001
LINK BTC 0.0000001 0.01 0.01 0.0001
DOT BTC 0.0000001 0.01 0.01 0.0001
AVAX BTC 0.0000001 0.01 0.01 0.0001
MATIC BTC 0.00000001 0.1 0.1 0.0001
TRX BTC 0.00000001 1 1 0.0001
ETC BTC 0.000001 0.01 0.01 0.0001
XLM BTC 0.00000001 1 1 0.0001
XMR BTC 0.000001 0.001 0.001 0.0001
EOS BTC 0.0000001 0.1 0.1 0.0001
ATOM BTC 0.0000001 0.01 0.01 0.0001
ALGO BTC 0.00000001 1 1 0.0001
FIL BTC 0.000001 0.01 0.01 0.0001
UNI BTC 0.0000001 0.01 0.01 0.0001
NEAR BTC 0.00000001 0.1 0.1 0.0001
XTZ BTC 0.00000001 0.1 0.1 0.0001
LUNA BTC 0.0000001 0.01 0.01 0.0001
FTT BTC 0.0000001 0.01 0.01 0.0001
XRP ETH 0.0000001 1 1 0.005
ADA ETH 0.0000001 0.1 0.1 0.005
LTC ETH 0.00001 0.001 0.001 0.005
BNB ETH 0.0001 0.001 0.001 0.005
"""
"""Base, quote, tick, lot, smallest quantity, smallest notional."""


class KnownInstrument(msgspec.Struct, frozen=True, kw_only=True):
    """An instrument as its venue described it.

    Attributes:
        instrument: its rules; in force at any time, because older ones are not known.
        maker_fee_ppm, taker_fee_ppm: of the notional, parts per million.
        recorded: when the venue said so, nanoseconds UTC.
        source: which of its answers.
    """

    instrument: Instrument
    maker_fee_ppm: int
    taker_fee_ppm: int
    recorded: Nanos
    source: str


def known_instrument(instrument: InstrumentId) -> KnownInstrument | None:
    """Return the recorded rules of an instrument; None where there are none."""
    for row in _ROWS.split("\n"):
        cells = row.split()
        if cells and f"{cells[0]}{cells[1]}.{_VENUE}" == instrument:
            return _known(instrument, cells)
    return None


def known_ids() -> tuple[InstrumentId, ...]:
    """Return every instrument whose rules are recorded."""
    rows = [row.split() for row in _ROWS.split("\n") if row]
    return tuple(InstrumentId(f"{row[0]}{row[1]}.{_VENUE}") for row in rows)


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
