"""One instrument's market as the venue over ticks sees it: its book, and who of us waits in it."""

from botcore.domain.ids import InstrumentId, Nanos
from botcore.domain.market import BookDelta, BookSnapshot, PriceLevel, Quote, Trade
from botcore.marketdata.book import Applied, OrderBook
from botcore.venues.simulated.book.liquidity import Liquidity
from botcore.venues.simulated.book.queue import Queue
from botcore.venues.simulated.working import Order

_APPLIED = Applied.APPLIED


class Market:
    """A book with what of it is gone, our queues in it, and our orders that wait for a price.

    Attributes:
        asks, bids: what can be taken.
        buys, sells: our resting orders.
        stops: ours that wait for a print, by number.
        held: stops that fired against an empty side, by number.
        last: the newest print's price; None before the first.
        now: stamp of the newest event that moved it, nanoseconds.
        has_depth: whether a book came; quotes move nothing then.
    """

    __slots__ = (
        "_printed",
        "_quote",
        "asks",
        "bids",
        "book",
        "buys",
        "has_depth",
        "held",
        "last",
        "now",
        "sells",
        "stops",
    )

    def __init__(self, instrument: InstrumentId, participation_ppm: int | None) -> None:
        self.book = OrderBook(instrument)
        self.asks = Liquidity(self.book.ask_side, participation_ppm)
        self.bids = Liquidity(self.book.bid_side, participation_ppm)
        self.buys, self.sells = Queue(1), Queue(-1)
        self.stops: dict[int, Order] = {}
        self.held: dict[int, Order] = {}
        self.last: float | None = None
        self.now = 0
        self.has_depth = False
        self._printed = 0
        self._quote: Quote | None = None

    # --- what happens

    def see_book(self, event: BookDelta | BookSnapshot) -> bool:
        """Take an event of the book; return whether the book is valid and has changed."""
        self.now = max(self.now, event.ts_event)
        if isinstance(event, BookDelta):
            if self.book.apply(event) is not _APPLIED:
                return False
            self.asks.updated(event.asks, event.ts_event)
            self.bids.updated(event.bids, event.ts_event)
            return True
        self.has_depth = True
        if not self.book.snapshot(event):
            return False
        self.asks.forget()
        self.bids.forget()
        return True

    def see_quote(self, quote: Quote) -> bool:
        """Take a quote as the book, where there is no other; return whether it changed."""
        before = self._quote
        if self.has_depth or (before is not None and quote.ts_event < before.ts_event):
            return False
        self.now = max(self.now, quote.ts_event)
        self._quote = quote
        bids = _one(quote.bid, quote.bid_quantity)
        asks = _one(quote.ask, quote.ask_quantity)
        self.book.snapshot(BookSnapshot(quote.instrument, Nanos(quote.ts_event), 0, bids, asks))
        if before is None or bids != _one(before.bid, before.bid_quantity):
            self.bids.forget()
        if before is None or asks != _one(before.ask, before.ask_quantity):
            self.asks.forget()
        return self.book.is_valid

    def see_trade(self, trade: Trade) -> bool:
        """Take a print; return whether it is no older than the one before it (E62)."""
        ts = trade.ts_event
        self.now = max(self.now, ts)
        if ts >= self.book.ts_event:  # else the book told of it already
            hit = trade.buyer_is_aggressor
            if hit is not False:
                self.asks.eat(trade.price, trade.quantity, ts)
            if hit is not True:
                self.bids.eat(trade.price, trade.quantity, ts)
        if ts < self._printed:
            return False
        self._printed = ts
        self.last = trade.price
        return True

    # --- who waits

    def other_side(self, sign: int) -> Liquidity:
        """Return what an order of a side takes from."""
        return self.asks if sign > 0 else self.bids

    def rest(self, order: Order) -> None:
        """Put a limit order into the queue at its price."""
        price = float(order.scale.price(order.limit))
        queue = self.buys if order.sign > 0 else self.sells
        level = queue.levels.get(price)
        if level is None and self.book.is_valid:
            own = self.book.bid_side if order.sign > 0 else self.book.ask_side
            queue.level(price).show(own.quantities.get(price, 0.0), order.scale)
        queue.join(order, price, self.now)

    def leave(self, order: Order) -> None:
        """Take an order out of whatever it waits in."""
        (self.buys if order.sign > 0 else self.sells).leave(order)
        self.stops.pop(order.number, None)
        self.held.pop(order.number, None)

    def reference(self, sign: int) -> float | None:
        """Return the price that an order without one would meet; else the last print's."""
        best = self.other_side(sign).best if self.book.is_valid else None
        return self.last if best is None else best


class Markets(dict[InstrumentId, Market]):
    """Markets by instrument, each made when it is first asked for."""

    def __init__(self, participation_ppm: int | None) -> None:
        super().__init__()
        self._participation = participation_ppm

    def __missing__(self, instrument: InstrumentId) -> Market:
        market = self[instrument] = Market(instrument, self._participation)
        return market


def _one(price: float, quantity: float) -> tuple[PriceLevel, ...]:
    return ((price, quantity),) if quantity > 0.0 else ()
