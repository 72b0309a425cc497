"""The simulated venue over ticks: takes orders, matches them against books and prints."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from botcore.domain.effects import Cancel, Replace, Submit
from botcore.domain.ids import AccountId, ClientOrderId, InstrumentId, StrategyId
from botcore.domain.instruments import Instrument, InstrumentBook
from botcore.domain.market import BarOpened, BarsClosed, BookDelta, BookSnapshot, Quote, Trade
from botcore.domain.orders import OrderRef, OrderSpec, OrderState
from botcore.domain.reports import ReportKind, VenueReport
from botcore.venues.simulated.bar_venue import SimulatedVenue
from botcore.venues.simulated.book.config import BookVenueConfig
from botcore.venues.simulated.book.desk import BookDesk
from botcore.venues.simulated.book.market import Markets
from botcore.venues.simulated.book.matching import Matcher
from botcore.venues.simulated.book.wire import Message, Wire
from botcore.venues.simulated.working import Order

_NEVER = 1 << 63
_ACCEPTED = ReportKind.ACCEPTED
_REPLACED = ReportKind.REPLACED


class BookVenue(SimulatedVenue):
    """An exchange over ticks: the simulated venue's orders and money, matched on books and prints.

    Events are given in the order in which the venue made them, each at an instant of the one clock
    that orders are stamped with. What was sent before it and has arrived is matched first.

    Without latency an order is answered at once. With it the answers come out of later calls;
    `next_arrival` and `advance` let whoever drives the venue stop in between.

    Args:
        instruments: every version of what can be traded.
        config: the assumptions.
    """

    def __init__(
        self,
        *,
        instruments: InstrumentBook | Mapping[InstrumentId, Instrument],
        config: BookVenueConfig | None = None,
    ) -> None:
        self.assumptions = BookVenueConfig() if config is None else config
        super().__init__(instruments=instruments, config=self.assumptions.money())

    def _begin(self) -> None:
        super()._begin()
        self._markets = Markets(self.assumptions.participation_ppm)
        self._post_only: set[ClientOrderId] = set()
        self._senders: dict[ClientOrderId, StrategyId] = {}
        self._wire = Wire(self.assumptions.latency)
        self._is_instant = self.assumptions.latency.is_none
        self._due = _NEVER
        self._desk = BookDesk(
            config=self.config,
            truth=self._truth,
            settlement=self._settlement,
            execution=self._execution,
            phases=self._phases,
            markets=self._markets,
            post_only=self._post_only,
        )
        self._matcher = Matcher(
            config=self.assumptions,
            truth=self._truth,
            settlement=self._settlement,
            execution=self._execution,
        )

    def describe(self) -> tuple[tuple[str, str], ...]:
        """Return every assumption, to be printed."""
        return self.assumptions.describe()

    # --- market

    def on_book(
        self, event: BookDelta | BookSnapshot, ts: int | None = None
    ) -> Sequence[VenueReport]:
        """Take an event of a book.

        Args:
            event: a snapshot, or a delta that follows.
            ts: when it happened on the clock that orders are stamped with; None is its own stamp.

        Returns:
            What arrived before it, and what it did, oldest first.

        Raises:
            DataError: a price that would fill lies off its instrument's grid.
        """
        at = event.ts_event if ts is None else ts
        reports = self._before(event.instrument, at) if at >= self._due else []
        market = self._markets[event.instrument]
        if market.see_book(event) and self._truth.working:
            reports += self._matcher.moved(market, at)
        return self._after(event.instrument, at, reports)

    def on_quote(self, quote: Quote, ts: int | None = None) -> Sequence[VenueReport]:
        """Take a quote: it is the book of an instrument that has no other. As `on_book`."""
        at = quote.ts_event if ts is None else ts
        market = self._markets[quote.instrument]
        if market.has_depth and at < self._due:
            return ()
        reports = self._before(quote.instrument, at) if at >= self._due else []
        if market.see_quote(quote) and self._truth.working:
            reports += self._matcher.moved(market, at)
        return self._after(quote.instrument, at, reports)

    def on_trade(self, trade: Trade, ts: int | None = None) -> Sequence[VenueReport]:
        """Take a print: it moves queues, fires stops and eats what it hit. As `on_book`."""
        at = trade.ts_event if ts is None else ts
        reports = self._before(trade.instrument, at) if at >= self._due else []
        market = self._markets[trade.instrument]
        is_late = not market.see_trade(trade)
        if self._truth.working:
            reports += self._matcher.printed(market, trade, at, is_late=is_late)
        return self._after(trade.instrument, at, reports)

    def on_bars(self, event: BarsClosed) -> Iterable[VenueReport]:  # noqa: ARG002  # the port's name
        """Match nothing: bars of a tape of ticks were built from what was matched (E18)."""
        return ()

    def on_open(self, event: BarOpened) -> Iterable[VenueReport]:  # noqa: ARG002  # the port's name
        """Match nothing, as `on_bars`."""
        return ()

    @property
    def next_arrival(self) -> int | None:
        """When the next message under way arrives; None if there is none."""
        return self._wire.next_arrival

    def advance(self, ts: int) -> list[VenueReport]:
        """Let what arrives up to `ts` (nanoseconds) arrive, between two events."""
        reports = self._arrivals(ts + 1)
        self._schedule()
        return reports

    # --- orders

    def submit(self, order: OrderSpec, ts: int, *, is_post_only: bool = False) -> list[VenueReport]:
        """Take an order, or refuse it, when it arrives; what it crosses is filled then.

        Args:
            order: exact and on the grid.
            ts: the instant of the decision, nanoseconds UTC.
            is_post_only: refuse it where it would take, now or by a later change.

        Returns:
            With no latency its answer and fills, oldest first; else nothing yet.
        """
        if order.client_order_id not in self._truth.orders:
            self._senders.setdefault(order.client_order_id, order.strategy)
            if is_post_only:
                self._post_only.add(order.client_order_id)
        return self._send(Submit(order), order.account, order.client_order_id, ts)

    def cancel(self, ref: OrderRef, ts: int) -> list[VenueReport]:
        """Take a working order back, when the message arrives. Returns as `submit`."""
        return self._send(Cancel(ref), ref.account, ref.client_order_id, ts)

    def replace(
        self,
        ref: OrderRef,
        quantity: Decimal | None,
        limit_price: Decimal | None,
        trigger_price: Decimal | None,
        ts: int,
    ) -> list[VenueReport]:
        """Change a working order, when the message arrives. Returns as `submit`.

        A new price or a larger quantity goes to the back of the queue; a smaller quantity keeps
        its place; a refused change keeps price and place (E22, E24).
        """
        message = Replace(ref, quantity, limit_price, trigger_price)
        return self._send(message, ref.account, ref.client_order_id, ts)

    def restore(self, state: bytes) -> None:
        """Replace the truth by a snapshot's; resting orders stand behind all the next book shows.

        Raises:
            StorageError: the snapshot is damaged, or of a newer version.
        """
        super().restore(state)
        for order in self._truth.numbered:
            if order.is_working:
                self._matcher.arrive(self._markets[order.spec.instrument], order, order.ts)
        self._schedule()

    # --- inside

    def _before(self, instrument: InstrumentId, ts: int) -> list[VenueReport]:
        """Do what is due before an event: arrivals, ends, and new rules of the instrument."""
        reports = self._arrivals(ts)
        orders = self._truth.books.get(instrument)
        if orders is not None and orders.working:
            reports += self._expire(instrument, ts)
            reports += self._phases.relist(orders, ts)
        return reports

    def _after(
        self, instrument: InstrumentId, ts: int, reports: list[VenueReport]
    ) -> list[VenueReport]:
        """End what ends with this event, matched before it ended (E53); forget who is gone."""
        if ts >= self._due:
            if instrument in self._truth.books:
                reports += self._expire(instrument, ts + 1)
            self._forget_ended(reports)
            self._schedule()
        elif reports:
            self._forget_ended(reports)
        return reports

    def _schedule(self) -> None:
        """Find the first instant at which an event has to do more than move its market."""
        arrival = self._wire.next_arrival
        due = _NEVER if arrival is None else arrival + 1
        for orders in self._truth.books.values():
            if orders.working:
                due = min(due, orders.scale.valid_to)
            if orders.timed:
                due = min(due, *(_end(order) for order in orders.working.values()))
        self._due = due

    def _expire(self, instrument: InstrumentId, before: int) -> list[VenueReport]:
        return [
            self._execution.end(order, OrderState.EXPIRED, _end(order), "GTD")
            for order in tuple(self._truth.books[instrument].working.values())
            if _end(order) < before
        ]

    def _send(
        self, message: Message, account: AccountId, client_order_id: ClientOrderId, ts: int
    ) -> list[VenueReport]:
        reports: list[VenueReport] = []
        if self._is_instant:
            reports = self._arrived(message, ts)
        else:
            sender = self._senders.get(client_order_id, StrategyId(""))
            self._wire.send(message, account, sender, ts)
        self._schedule()
        return reports

    def _arrivals(self, before: int) -> list[VenueReport]:
        reports: list[VenueReport] = []
        for at, message in self._wire.arrived(before):
            reports += self._arrived(message, at)
        return reports

    def _arrived(self, message: Message, ts: int) -> list[VenueReport]:
        if isinstance(message, Submit):
            reports = self._take(message.order, ts)
        elif isinstance(message, Cancel):
            reports = super().cancel(message.order, ts)
        else:
            reports = self._change(message, ts)
        self._forget_ended(reports)
        return reports

    def _take(self, spec: OrderSpec, ts: int) -> list[VenueReport]:
        reports = super().submit(spec, ts)
        if reports[-1].kind is _ACCEPTED:
            order = self._truth.orders[spec.client_order_id]
            reports += self._matcher.arrive(self._markets[spec.instrument], order, ts)
        return reports

    def _change(self, message: Replace, ts: int) -> list[VenueReport]:
        order = self._find(message.order)
        before = None if order is None else (order.limit, order.leaves)
        reports = super().replace(
            message.order, message.quantity, message.limit_price, message.trigger_price, ts
        )
        if order is None or before is None or reports[-1].kind is not _REPLACED:
            return reports
        limit, leaves = before
        if (
            order.is_working
            and not order.is_stop
            and (order.limit != limit or order.leaves > leaves)
        ):
            market = self._markets[order.spec.instrument]
            market.leave(order)
            reports += self._matcher.arrive(market, order, ts)
        return reports

    def _forget_ended(self, reports: Iterable[VenueReport]) -> None:
        """Take orders that ended, by whatever, out of the queues."""
        for report in reports:
            order = self._truth.orders.get(report.client_order_id)
            if order is not None and not order.is_working:
                self._markets[report.instrument].leave(order)


def _end(order: Order) -> int:
    """Return the first instant at which it is too late for an order."""
    expires_at = order.spec.expires_at
    return _NEVER if expires_at is None else expires_at
