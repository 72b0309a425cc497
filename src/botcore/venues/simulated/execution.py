"""How the simulated venue fills and ends orders, and the reports it makes of it."""

from botcore.domain.ids import Nanos, TradeId
from botcore.domain.orders import Liquidity, OrderState, TimeInForce
from botcore.domain.reports import Fill, ReportKind, VenueReport
from botcore.venues.simulated import rules
from botcore.venues.simulated.config import VenueConfig
from botcore.venues.simulated.instrument_orders import InstrumentOrders
from botcore.venues.simulated.scales import amount
from botcore.venues.simulated.settlement import Settlement
from botcore.venues.simulated.truth import Truth
from botcore.venues.simulated.working import Order

_ENDS = {
    OrderState.CANCELED: ReportKind.CANCELED,
    OrderState.EXPIRED: ReportKind.EXPIRED,
    OrderState.REJECTED: ReportKind.REJECTED,
}

# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_FILLED = OrderState.FILLED
_FOK = TimeInForce.FOK
_PARTIAL = OrderState.PARTIAL
_REJECTED = OrderState.REJECTED
_FILLED_KIND = ReportKind.FILLED
_MAKER = Liquidity.MAKER
_TAKER = Liquidity.TAKER


class Execution:
    """Fills and ends orders: changes the truth, makes it durable, and only then reports."""

    def __init__(self, *, config: VenueConfig, truth: Truth, settlement: Settlement) -> None:
        self._slippage = config.slippage_ppm
        self._truth = truth
        self._settlement = settlement

    def fill(  # noqa: PLR0917  # asked for at every order: keywords cost more than the rest
        self,
        book: InstrumentOrders,
        order: Order,
        price: int,
        ts: int,
        slips: bool = True,
        is_maker: bool = False,
        is_ambiguous: bool = False,
    ) -> list[VenueReport]:
        """Fill what the bar's volume, the account's cash and the order's own words allow.

        Args:
            book: of the order's instrument.
            order: working, and reached by the market.
            price: ticks, before slippage.
            ts: the instant of the fill.
            slips: whether slippage applies.
            is_maker: whether the maker's fee applies.
            is_ambiguous: the bar does not tell that this exit came first.

        Returns:
            The fill and what followed from it, durable; empty if the bar has no volume left.
        """
        truth, spec = self._truth, order.spec
        lots = order.leaves
        if lots > book.left:
            if spec.time_in_force is _FOK:
                return self._saved([self.end(order, OrderState.EXPIRED, ts, "FOK")])
            lots = book.left
        if order.is_stop:
            order.fire()
            book.changed(order)
        if lots <= 0:
            order.seen = book.bar_open
            if truth.is_durable:
                truth.touch(order)
            return self._saved([])
        if slips and self._slippage:
            price = rules.slipped(price, order.sign, self._slippage)
        flags: tuple[str, ...] = ("ambiguous_bar",) if is_ambiguous else ()
        reports = self.trade(book, order, price, lots, ts, is_maker, flags)
        if reports[0].kind is _FILLED_KIND:
            if order.leaves and order.is_immediate:
                reports.append(self.end(order, OrderState.EXPIRED, ts, str(spec.time_in_force)))
            if order.sign < 0 and book.working:
                reports += self.end_flat(book, order, ts)
        if truth.is_durable:
            truth.save()
        return reports

    def trade(  # noqa: PLR0917  # as `fill`
        self,
        book: InstrumentOrders,
        order: Order,
        price: int,
        lots: int,
        ts: int,
        is_maker: bool,
        flags: tuple[str, ...] = (),
    ) -> list[VenueReport]:
        """Trade `lots` at `price` ticks, or what cash and reduce-only leave of them.

        What an order wants beyond its account's cash is cancelled, as are the orders of its group.
        The caller saves, and then ends what is to end because of it (`end_flat`).

        Returns:
            The fill and what it ended, or how the order ended without one; never empty.
        """
        is_cut = False
        if order.sign > 0:
            paid = self._settlement.affordable(order, price, lots)
            is_cut = paid < lots
            if is_cut:
                lots, flags = paid, (*flags, "cut_by_cash")
                if not self._is_worth(order, price, lots):
                    return [self.end(order, OrderState.CANCELED, ts, "CUT_BY_CASH", flags)]
        elif order.spec.reduce_only:
            held = order.base.free // order.scale.lot_quanta
            if held <= 0:
                return [self.end(order, OrderState.CANCELED, ts, "REDUCE_ONLY_FLAT")]
            lots = min(lots, held)
        # The group ends before the fill is booked, and is told of after it.
        ended = None if order.group is None else self._end_group(order, ts)
        reports = [self._book_fill(book, order, price, lots, ts, is_maker, flags)]
        if ended:
            reports += ended
        if order.leaves and is_cut:
            reports.append(self.end(order, OrderState.CANCELED, ts, "CUT_BY_CASH", flags))
        return reports

    def end(
        self,
        order: Order,
        state: OrderState,
        ts: int,
        detail: str,
        flags: tuple[str, ...] = (),
    ) -> VenueReport:
        """End a working order without a fill; the caller saves."""
        if order.locked:
            self._settlement.relock(order, 0)
        self._leave(order)
        order.leaves = 0
        order.state = state
        order.ended = ts
        order.detail = detail
        return ended_report(order, flags)

    def close(self, order: Order, ts: int) -> None:
        """End an order as FILLED that wants no more than it got (E45); the caller saves."""
        if order.locked:
            self._settlement.relock(order, 0)
        self._leave(order)
        order.leaves = 0
        order.state = _FILLED
        order.ended = ts

    def _book_fill(  # noqa: PLR0917  # as `fill`
        self,
        book: InstrumentOrders,
        order: Order,
        price: int,
        lots: int,
        ts: int,
        is_maker: bool,
        flags: tuple[str, ...],
    ) -> VenueReport:
        truth, scale, spec = self._truth, order.scale, order.spec
        value, fee, purse = self._settlement.settle(order, price, lots, is_maker)
        book.used += lots
        book.left -= lots
        order.seen = book.bar_open
        truth.fills = number = truth.fills + 1
        at = Nanos(ts)
        quantity = scale.quantity(lots)
        cumulative = quantity if order.filled == lots else scale.quantity(order.filled)
        fill = Fill(
            TradeId(f"T{number}"),
            scale.price(price),
            quantity,
            amount(value),
            amount(fee),
            purse.currency,
            _MAKER if is_maker else _TAKER,
            at,
        )
        report = VenueReport(
            _FILLED_KIND,
            spec.account,
            spec.instrument,
            spec.client_order_id,
            at,
            order.venue_order_id,
            fill,
            cumulative,
            None,
            None,
            None,
            "",
            flags,
        )
        order.fills += (report,)
        if order.leaves:
            order.state = _PARTIAL
        else:
            order.state = _FILLED
            order.ended = ts
            book.remove(order)
            truth.working -= 1
        if truth.is_durable:
            truth.note_fill(order)
            truth.touch(order)
        return report

    def _leave(self, order: Order) -> None:
        truth = self._truth
        truth.books[order.spec.instrument].remove(order)
        truth.working -= 1
        if order.group is not None:
            truth.groups.leave(order)
        if truth.is_durable:
            truth.touch(order)

    def _end_group(self, order: Order, ts: int) -> list[VenueReport]:
        """Cancel the orders that the fill of one of their group ends (OCO)."""
        mates = [mate for mate in self._truth.groups.of(order) if mate is not order]
        reports = [self.end(mate, OrderState.CANCELED, ts, "OCO") for mate in mates]
        self._truth.groups.leave(order)
        return reports

    def end_flat(self, book: InstrumentOrders, sold: Order, ts: int) -> list[VenueReport]:
        """Cancel the account's reduce-only orders once nothing is left to reduce (E50)."""
        base = sold.base
        if base.free + base.locked >= book.scale.lot_quanta:
            return []
        return [
            self.end(order, OrderState.CANCELED, ts, "REDUCE_ONLY_FLAT")
            for order in tuple(book.working.values())
            if order.spec.reduce_only and order.base is base
        ]

    def _is_worth(self, order: Order, price: int, lots: int) -> bool:
        scale = order.scale
        value = rules.notional(price, lots, scale.num, scale.den, rules.SELL)
        return lots >= scale.least_lots and value >= scale.least_notional

    def _saved(self, reports: list[VenueReport]) -> list[VenueReport]:
        if self._truth.is_durable:
            self._truth.save()
        return reports


def ended_report(order: Order, flags: tuple[str, ...] = ()) -> VenueReport:
    """Return the report of how an order ended without its last fill."""
    spec = order.spec
    rejected = order.state is _REJECTED
    return VenueReport(
        kind=_ENDS[order.state],
        account=spec.account,
        instrument=spec.instrument,
        client_order_id=spec.client_order_id,
        ts_event=Nanos(order.ended),
        venue_order_id=None if rejected else order.venue_order_id,
        cumulative=None if rejected else order.cumulative(),
        detail=order.detail,
        flags=flags,
    )
