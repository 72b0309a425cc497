"""Market data as the engine sees it: bars, the open of a bar, trades, quotes and order books.

Prices and volumes are float64 (architecture: "Numbers"). A bar is visible at `ts_close`.
"""

from enum import IntFlag, StrEnum

import msgspec

from botcore.domain.ids import InstrumentId, Nanos


class PriceSource(StrEnum):
    """Which price a bar is made of."""

    TRADE = "TRADE"
    MID = "MID"
    MARK = "MARK"
    INDEX = "INDEX"


class BarOrigin(StrEnum):
    """Who built a bar: the venue, or we from its ticks."""

    VENUE = "VENUE"
    BUILT = "BUILT"


class BarSpec(msgspec.Struct, frozen=True, gc=False, order=True):
    """What a bar covers.

    Attributes:
        step_ns: length, nanoseconds.
        source: which price.
        origin: who built it. Built bars never match orders (trap E18).
    """

    step_ns: int
    source: PriceSource = PriceSource.TRADE
    origin: BarOrigin = BarOrigin.VENUE


class BarFlag(IntFlag):
    """What is odd about a bar."""

    FLAT = 1
    GAP_BEFORE = 2
    AMBIGUOUS = 4


class Bar(msgspec.Struct, frozen=True, gc=False):
    """One closed bar over ``[ts_open, ts_close)``, visible at `ts_close`.

    `volume` is in base units; `flags` is a sum of `BarFlag`.
    """

    instrument: InstrumentId
    spec: BarSpec
    ts_open: int
    ts_close: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    flags: int = 0


class BarsClosed(msgspec.Struct, frozen=True, gc=False, tag=True):
    """All bars of one close stamp: smallest timeframe first, then by instrument id."""

    ts_close: Nanos
    bars: tuple[Bar, ...]


class BarOpened(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The first price of a bar, known at its open; only where ticks or quotes exist."""

    instrument: InstrumentId
    ts_open: Nanos
    price: float


class Trade(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A print. `buyer_is_aggressor` None means the venue does not say."""

    instrument: InstrumentId
    ts_event: Nanos
    price: float
    quantity: float
    buyer_is_aggressor: bool | None = None


class Quote(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The best bid and ask with their sizes in base units."""

    instrument: InstrumentId
    ts_event: Nanos
    bid: float
    ask: float
    bid_quantity: float
    ask_quantity: float


PriceLevel = tuple[float, float]
"""Price and quantity in base units; a quantity of 0 removes the level."""


class BookSnapshot(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A whole order book, as of the venue's update `last_id`.

    Attributes:
        bids, asks: best first.
    """

    instrument: InstrumentId
    ts_event: Nanos
    last_id: int
    bids: tuple[PriceLevel, ...]
    asks: tuple[PriceLevel, ...]


class BookDelta(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Levels of an order book that changed: the venue's updates `first_id` to `last_id`.

    Attributes:
        bids, asks: changed levels, in any order; each quantity is the new one, not a difference.
        previous_id: `last_id` of the delta before it, where the venue says so (Binance futures);
            None where ids are consecutive.
    """

    instrument: InstrumentId
    ts_event: Nanos
    first_id: int
    last_id: int
    bids: tuple[PriceLevel, ...]
    asks: tuple[PriceLevel, ...]
    previous_id: int | None = None
