"""The order book of the simulated market at the end of a bar.

Its first level is the bar's last quote; deeper levels lie further apart and hold less for the
same distance as volatility rises.
"""

from typing import NamedTuple

import msgspec

from botcore.venues.simulated.market.config import Grid, InstrumentConfig
from botcore.venues.simulated.market.streams import named_stream
from botcore.venues.simulated.market.ticks import MarketQuote

_SIZE_GROWTH = 0.25


class BookLevel(NamedTuple):
    """A price and the base currency that rests at it."""

    price: float
    size: float


class BookSnapshot(msgspec.Struct, frozen=True):
    """A book, best level first on both sides; bids may be fewer than asked near a price of zero.

    Attributes:
        instrument: Its instrument's id.
        ts_event: Since when it stands, nanoseconds UTC.
        bids: Levels to sell into, falling prices.
        asks: Levels to buy from, rising prices.
    """

    instrument: str
    ts_event: int
    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]


def build_book(
    instrument: InstrumentConfig,
    quote: MarketQuote,
    *,
    depth: int,
    spread_ticks: float,
    touch_lots: float,
    seed: int,
    bar_index: int,
) -> BookSnapshot:
    """Return the book behind a bar's last quote; a deeper one begins with the shallower one.

    Args:
        instrument: Its instrument.
        quote: The last quote of the bar.
        depth: Levels a side, at least 1.
        spread_ticks: Typical spread of the bar in ticks; levels lie about half of it apart.
        touch_lots: Mean size at the touch in lots.
        seed: Seed of the market.
        bar_index: The bar's number since the beginning of the market.
    """
    tick, lot = Grid.of(instrument.tick_size), Grid.of(instrument.lot_size)
    stream = named_stream(seed, f"{instrument.instrument}:book", bar_index)
    draws = stream.standard_exponential((depth - 1, 2, 2)).tolist()
    sides = []
    for side, (price, size, sign) in enumerate(
        ((quote.bid, quote.bid_size, -1), (quote.ask, quote.ask_size, 1))
    ):
        ticks = round(price / tick.size)
        levels = [BookLevel(price, size)]
        for number, level in enumerate(draws, start=1):
            gap, weight = level[side]
            ticks += sign * (1 + int(gap * spread_ticks / 2))
            if ticks < 1:
                break
            lots = max(1, int(touch_lots * (1 + _SIZE_GROWTH * number) * weight))
            levels.append(
                BookLevel(
                    ticks * tick.numerator / tick.denominator,
                    lots * lot.numerator / lot.denominator,
                )
            )
        sides.append(tuple(levels))
    return BookSnapshot(
        instrument=instrument.instrument, ts_event=quote.ts_event, bids=sides[0], asks=sides[1]
    )
