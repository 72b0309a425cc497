"""How orders meet the market: on arrival, by a print, and when the book moves."""

from botcore.domain.market import Trade
from botcore.domain.orders import OrderState, TimeInForce
from botcore.domain.reports import VenueReport
from botcore.venues.simulated import rules
from botcore.venues.simulated.book.config import BookVenueConfig
from botcore.venues.simulated.book.liquidity import Liquidity
from botcore.venues.simulated.book.market import Market
from botcore.venues.simulated.book.queue import Place, Queue, QueueLevel
from botcore.venues.simulated.execution import Execution
from botcore.venues.simulated.instrument_orders import InstrumentOrders
from botcore.venues.simulated.settlement import Settlement
from botcore.venues.simulated.truth import Truth
from botcore.venues.simulated.working import Order

_FOK = TimeInForce.FOK
_EXPIRED = OrderState.EXPIRED


class Matcher:
    """Fills orders from a market: price first, then place in the queue.

    Nothing here reads an order of another account or our own other side: ours never trade with
    one another (E28).
    """

    def __init__(
        self,
        *,
        config: BookVenueConfig,
        truth: Truth,
        settlement: Settlement,
        execution: Execution,
    ) -> None:
        self._queue_model = config.queue
        self._truth = truth
        self._settlement = settlement
        self._execution = execution

    # --- an order arrives

    def arrive(self, market: Market, order: Order, ts: int) -> list[VenueReport]:
        """Match an order that was just taken, changed or fired; then it rests, waits or ends."""
        if order.is_stop:
            market.stops[order.number] = order
            return []
        if not market.book.is_valid:  # only resting orders come here then, and stops that fired
            self._wait(market, order)
            return []
        if order.spec.time_in_force is _FOK and not self._fills_whole(market, order):
            return [self._execution.end(order, _EXPIRED, ts, "FOK")]
        reports = self._take(market, order, ts)
        if not order.is_working:
            return reports
        if order.is_market and order.triggered and not reports:
            market.held[order.number] = order
        elif order.is_market or order.is_immediate:
            why = "NO_MORE_LIQUIDITY" if order.is_market else str(order.spec.time_in_force)
            reports.append(self._execution.end(order, _EXPIRED, ts, why))
        else:
            market.rest(order)
        return reports

    def _wait(self, market: Market, order: Order) -> None:
        if order.is_market:
            market.held[order.number] = order
        else:
            market.rest(order)

    def _fills_whole(self, market: Market, order: Order) -> bool:
        """Whether the market and the account's cash have all that a fill-or-kill wants (E25)."""
        wanted = order.leaves
        for _, ticks, lots in market.other_side(order.sign).offers(order.limit, order.scale):
            wanted -= lots
            if wanted <= 0:
                return order.sign < 0 or (
                    self._settlement.affordable(order, ticks, order.leaves) == order.leaves
                )
        return False

    def _take(self, market: Market, order: Order, ts: int) -> list[VenueReport]:
        """Walk the other side, level by level, as taker (E19)."""
        side, reports = market.other_side(order.sign), list[VenueReport]()
        orders = self._orders(order)
        for price, ticks, offered in side.offers(order.limit, order.scale):
            before, lots = order.filled, min(offered, order.leaves)
            reports += self._execution.trade(orders, order, ticks, lots, ts, is_maker=False)
            side.take(price, order.filled - before)
            if not order.is_working:
                break
        return self._followed(reports, orders, order, ts)

    # --- a print

    def printed(self, market: Market, trade: Trade, ts: int, *, is_late: bool) -> list[VenueReport]:
        """Let a print move the queue that it hit (E22, E23), and then fire stops (E21)."""
        if not market.book.is_valid:
            return []
        reports: list[VenueReport] = []
        if trade.buyer_is_aggressor is not None:
            queue = market.sells if trade.buyer_is_aggressor else market.buys
            if queue.levels:
                reports = self._hit(queue, trade, ts)
        if market.stops and not is_late:
            reports += self._fire(market, trade.price, ts)
        return reports

    def _hit(self, queue: Queue, trade: Trade, ts: int) -> list[VenueReport]:
        """Fill from one print, best price first, never more in all than was printed.

        At a price that the print went through, all that stood ahead is gone.
        """
        reports: list[VenueReport] = []
        done = 0
        for level in queue.reached(trade.price):
            lots = level.places[0].order.scale.lots(trade.quantity)
            is_through = level.price != trade.price
            if not is_through and trade.ts_event <= level.updated:
                continue  # the book has told of it already
            for place in tuple(level.places):
                order, passing = place.order, lots - done
                if trade.ts_event < place.since or not order.is_working:
                    continue
                ahead = 0 if is_through else place.ahead
                place.ahead = max(0, ahead - passing)
                if passing > ahead:
                    wanted = min(passing - ahead, order.leaves)
                    before = order.filled
                    reports += self._give(queue, order, wanted, ts)
                    done += order.filled - before
            if not is_through:
                level.printed(lots - done)
        return reports

    def _fire(self, market: Market, price: float, ts: int) -> list[VenueReport]:
        """Fire the stops that a print touches; move the trailing ones that it does not (E14)."""
        fired: list[Order] = []
        for order in tuple(market.stops.values()):
            ticks = order.scale.ticks(price)
            if rules.stop_is_through(order.sign, order.trigger, ticks):
                fired.append(order)
            elif order.trail:
                _trail(order, ticks)
        reports: list[VenueReport] = []
        for order in fired:
            market.stops.pop(order.number, None)
            if order.is_working:  # one of its group may have ended it
                order.fire()
                reports += self.arrive(market, order, ts)
        return reports

    # --- the book moves

    def moved(self, market: Market, ts: int) -> list[VenueReport]:
        """Follow a valid book: places in the queue, prices that went through us, who waited."""
        book, reports = market.book, list[VenueReport]()
        for queue, own, other in (
            (market.buys, book.bid_side.quantities, market.asks),
            (market.sells, book.ask_side.quantities, market.bids),
        ):
            best, sign, is_crossed = other.best, queue.sign, False
            for price, level in queue.levels.items():
                shown = own.get(price, 0.0)
                if shown != level.shown:
                    scale = level.places[0].order.scale
                    level.update(shown, scale, book.ts_event, self._queue_model)
                if best is not None and (price - best) * sign >= 0.0:
                    is_crossed = True
            if is_crossed and best is not None:
                for level in queue.reached(best):
                    reports += self._crossed(queue, level, other, ts)
        if market.held:
            reports += self._release(market, ts)
        return reports

    def _crossed(
        self, queue: Queue, level: QueueLevel, other: Liquidity, ts: int
    ) -> list[VenueReport]:
        """Fill, at our price, orders that the other side has come to or gone through.

        Where it only came to our price, those ahead of us are served first.
        """
        reports: list[VenueReport] = []
        for place in tuple(level.places):
            reports += self._cross(queue, place, level.price, other, ts)
        return reports

    def _cross(
        self, queue: Queue, place: Place, own: float, other: Liquidity, ts: int
    ) -> list[VenueReport]:
        order, reports = place.order, list[VenueReport]()
        if not order.is_working:
            return reports
        for price, _, offered in other.offers(order.limit, order.scale):
            if price == own and place.ahead:
                break
            before = order.filled
            reports += self._give(queue, order, min(offered, order.leaves), ts)
            other.take(price, order.filled - before)
            if not order.is_working:
                break
        return reports

    def _release(self, market: Market, ts: int) -> list[VenueReport]:
        waiting = tuple(market.held.values())
        market.held.clear()
        reports: list[VenueReport] = []
        for order in waiting:
            if order.is_working:
                reports += self.arrive(market, order, ts)
        return reports

    # --- fills

    def _give(self, queue: Queue, order: Order, lots: int, ts: int) -> list[VenueReport]:
        """Fill a resting order at its own price, as maker."""
        orders = self._orders(order)
        reports = self._execution.trade(orders, order, order.limit, lots, ts, is_maker=True)
        if not order.is_working:
            queue.leave(order)
        return self._followed(reports, orders, order, ts)

    def _followed(
        self, reports: list[VenueReport], orders: InstrumentOrders, order: Order, ts: int
    ) -> list[VenueReport]:
        if reports and order.sign < 0 and orders.working:
            reports += self._execution.end_flat(orders, order, ts)
        return reports

    def _orders(self, order: Order) -> InstrumentOrders:
        return self._truth.books[order.spec.instrument]


def _trail(order: Order, price: int) -> None:
    """Move a trailing stop after a print that did not fire it."""
    if order.sign > 0:
        order.trigger = min(order.trigger, price + order.trail)
    else:
        order.trigger = max(order.trigger, price - order.trail)
