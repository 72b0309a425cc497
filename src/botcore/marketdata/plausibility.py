"""Is one piece of market data possible at all? Each check returns None, or why it is not.

Nothing here knows what came before; what only time can tell stands in `processor`.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import inf
from typing import Final

from botcore.domain.errors import DataError
from botcore.domain.instruments import Instrument
from botcore.domain.market import (
    Bar,
    BookDelta,
    BookSnapshot,
    PriceLevel,
    PriceSource,
    Quote,
    Trade,
)
from botcore.marketdata.quarantine import RefusalReason

Refusal = tuple[RefusalReason, str]
"""Why, and one sentence with the value and the limit."""

_HALF_A_TICK: Final = 0.5
_CLEARLY_ON: Final = 5e-7
_CLEAR_UP_TO_TICKS: Final = 1e9
_ABOVE_ZERO: Final = 5e-324
_TRADED: Final = PriceSource.TRADE


class TickGrid:
    """The prices that one version of an instrument can have.

    Floats decide the clear cases, the exact rule of `Instrument.price_from_data` the others: up
    to 1e9 ticks, ``price / tick`` in floats is wrong by less than 5e-7 ticks, so that a quotient
    this close to a whole number is within the millionth of a tick that the rule allows.
    """

    __slots__ = ("_instrument", "_ticks_per_unit", "valid_from", "valid_to")

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._ticks_per_unit = 1.0 / float(instrument.tick)
        self.valid_from: int = instrument.valid_from
        self.valid_to: float = inf if instrument.valid_to is None else instrument.valid_to

    def has(self, price: float) -> bool:
        """Say whether a positive, finite price is a whole number of ticks above zero."""
        ticks = price * self._ticks_per_unit
        if _HALF_A_TICK < ticks < _CLEAR_UP_TO_TICKS:
            off = ticks - round(ticks)
            if -_CLEARLY_ON < off < _CLEARLY_ON:
                return True
        try:
            self._instrument.price_from_data(price)
        except DataError:
            return False
        return True

    def refusal(self, price: float) -> Refusal:
        """Return the sentence for a price that is not on the grid."""
        tick = self._instrument.tick
        return RefusalReason.PRICE_OFF_TICK, f"price {price!r} is not a multiple of the tick {tick}"


def check_trade(trade: Trade, grid: TickGrid | None) -> Refusal | None:
    """Refuse a print whose price or quantity is not above 0, or whose price is off the tick."""
    price = trade.price
    if not 0.0 < price < inf:
        return _bad_price("price", price)
    if not 0.0 < trade.quantity < inf:
        cause = f"a traded quantity is {trade.quantity!r}, not a finite number above 0"
        return RefusalReason.QUANTITY_INVALID, cause
    if grid is not None and not grid.has(price):
        return grid.refusal(price)
    return None


def check_quote(quote: Quote, grid: TickGrid | None) -> Refusal | None:
    """Refuse impossible prices or quantities, and a bid above the ask; equal is legal (E26)."""
    bid, ask = quote.bid, quote.ask
    if not 0.0 < bid < inf:
        return _bad_price("bid", bid)
    if not 0.0 < ask < inf:
        return _bad_price("ask", ask)
    if not 0.0 <= quote.bid_quantity < inf:
        return _bad_quantity(quote.bid_quantity, bid)
    if not 0.0 <= quote.ask_quantity < inf:
        return _bad_quantity(quote.ask_quantity, ask)
    if bid > ask:
        return _crossed(bid, ask)
    if grid is not None:
        if not grid.has(bid):
            return grid.refusal(bid)
        if not grid.has(ask):
            return grid.refusal(ask)
    return None


def check_bar(bar: Bar, grid: TickGrid | None) -> Refusal | None:
    """Refuse a bar that contradicts itself, or has impossible or off-tick prices.

    Only bars of traded prices are held against the tick: mids, marks and indices are averages.
    """
    prices = (bar.open, bar.high, bar.low, bar.close)
    for name, price in zip(("open", "high", "low", "close"), prices, strict=True):
        if not 0.0 < price < inf:
            return _bad_price(name, price)
    if not 0.0 <= bar.volume < inf:
        cause = f"volume is {bar.volume!r}, not a finite number of 0 or above"
        return RefusalReason.QUANTITY_INVALID, cause
    if not (bar.low <= bar.open <= bar.high and bar.low <= bar.close <= bar.high):
        cause = (
            f"open {bar.open!r} and close {bar.close!r} are not both between low {bar.low!r} and "
            f"high {bar.high!r}"
        )
        return RefusalReason.BAR_INCONSISTENT, cause
    length = bar.ts_close - bar.ts_open
    if length != bar.spec.step_ns:
        cause = f"it lasts {length} ns, its timeframe {bar.spec.step_ns} ns"
        return RefusalReason.BAR_INCONSISTENT, cause
    if grid is not None and bar.spec.source is _TRADED:
        for price in prices:
            if not grid.has(price):
                return grid.refusal(price)
    return None


def check_snapshot(book: BookSnapshot, grid: TickGrid | None) -> Refusal | None:
    """Refuse a book with impossible levels, levels out of order, or a bid above the ask (E26).

    A side may be empty (trap E27), a level may not.
    """
    bids, asks = book.bids, book.asks
    refused = _check_levels(bids, grid, _ABOVE_ZERO) or _check_levels(asks, grid, _ABOVE_ZERO)
    if refused is not None:
        return refused
    if any(upper[0] <= lower[0] for upper, lower in pairwise(bids)):
        return RefusalReason.BOOK_UNSORTED, "its bids do not fall, each price once"
    if any(lower[0] >= upper[0] for lower, upper in pairwise(asks)):
        return RefusalReason.BOOK_UNSORTED, "its asks do not rise, each price once"
    if bids and asks and bids[0][0] > asks[0][0]:
        return _crossed(bids[0][0], asks[0][0])
    return None


def check_delta(delta: BookDelta, grid: TickGrid | None) -> Refusal | None:
    """Refuse impossible levels and update ids that run backwards; a quantity of 0 is legal."""
    if delta.first_id > delta.last_id:
        cause = f"its updates run from {delta.first_id} back to {delta.last_id}"
        return RefusalReason.OUT_OF_ORDER, cause
    return _check_levels(delta.bids, grid, 0.0) or _check_levels(delta.asks, grid, 0.0)


def _check_levels(
    levels: Sequence[PriceLevel], grid: TickGrid | None, least: float
) -> Refusal | None:
    for price, quantity in levels:
        if not 0.0 < price < inf:
            return _bad_price("the price of a level", price)
        if not least <= quantity < inf:
            return _bad_quantity(quantity, price)
        if grid is not None and not grid.has(price):
            return grid.refusal(price)
    return None


def _bad_price(name: str, price: float) -> Refusal:
    return RefusalReason.PRICE_INVALID, f"{name} is {price!r}, not a finite number above 0"


def _bad_quantity(quantity: float, price: float) -> Refusal:
    return RefusalReason.QUANTITY_INVALID, f"the quantity at price {price!r} is {quantity!r}"


def _crossed(bid: float, ask: float) -> Refusal:
    return RefusalReason.BOOK_CROSSED, f"bid {bid!r} is above ask {ask!r}"
