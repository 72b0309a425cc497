"""The order desk: takes orders into the book or refuses them, locks their money, changes them."""

from decimal import Decimal

from botcore.domain.errors import ConfigError
from botcore.domain.reports import VenueReport
from botcore.venues.simulated import rules
from botcore.venues.simulated.admission import refusal
from botcore.venues.simulated.config import VenueConfig
from botcore.venues.simulated.execution import Execution
from botcore.venues.simulated.instrument_orders import InstrumentOrders
from botcore.venues.simulated.phases import Phases
from botcore.venues.simulated.scales import amount
from botcore.venues.simulated.settlement import Settlement
from botcore.venues.simulated.truth import Truth
from botcore.venues.simulated.working import Order


class OrderDesk:
    """Decides what a new or a changed order may do; the venue reports it and makes it durable."""

    def __init__(
        self,
        *,
        config: VenueConfig,
        truth: Truth,
        settlement: Settlement,
        execution: Execution,
        phases: Phases,
    ) -> None:
        self._band = config.price_band_ppm
        self._truth = truth
        self._settlement = settlement
        self._execution = execution
        self._phases = phases

    def admit(self, order: Order, ts: int, reports: list[VenueReport]) -> str:
        """Put a new order to work, or return why not (empty: it works).

        What a new version of the instrument ended is added to `reports`.
        """
        truth, spec = self._truth, order.spec
        book = truth.books.get(spec.instrument)
        if book is None:
            try:
                book = truth.book(spec.instrument, ts)
            except ConfigError as error:
                return f"{error.code}: {error.cause}"
        elif ts >= book.scale.valid_to:
            reports += self._phases.relist(book, ts)
            if ts >= book.scale.valid_to:
                return f"INSTRUMENT_UNKNOWN: no rules of {spec.instrument} are in force now"
        parent, entry = truth.orders.get(spec.parent) if spec.parent else None, 0
        if parent is not None and parent.seen is not None and parent.fills:
            fill = parent.fills[-1].fill
            entry = book.scale.ticks_of(fill.price) or 0 if fill is not None else 0
            order.trail_from = parent.seen + 1
        why = refusal(order, book.scale, self._reference(order), entry, self._band)
        why = why or self._market_refusal(order, order.limit)
        if why:
            return why
        purses = book.purses.get(spec.account) or truth.purses(book, spec.account)
        order.base, order.quote = purses
        why = self._lock(order)
        if why:
            return why
        book.add(order)
        truth.working += 1
        if self._phases.floor:
            self._make_eligible(order, book, parent)
        return ""

    def _reference(self, order: Order) -> float | None:
        """Return the price an order without one is measured at: here the last close."""
        last = self._truth.last.get(order.spec.instrument)
        return None if last is None else last.close

    def _market_refusal(self, order: Order, limit: int) -> str:  # noqa: ARG002  # a seam
        """Return why the market does not take an order at `limit` ticks now: bars take any."""
        return ""

    def _make_eligible(self, order: Order, book: InstrumentOrders, parent: Order | None) -> None:
        phases = self._phases
        is_live = (
            book is phases.current
            and parent is not None
            and parent.fills
            and parent.seen == book.bar_open
        )
        if is_live and not phases.is_inside:
            order.eligible_from = book.bar_open
            return
        order.eligible_from = max(order.ts, phases.floor)
        if is_live and not order.is_market and not order.is_immediate:
            book.arrived.append(order)

    def _lock(self, order: Order) -> str:
        settlement, spec = self._settlement, order.spec
        settlement.prepare(order)
        if spec.reduce_only:
            base = order.base
            if base.free + base.locked < order.scale.lot_quanta:
                return f"REDUCE_ONLY_FLAT: no {base.currency} to reduce"
        if spec.oco_group:
            self._truth.groups.join(order)
        needed = settlement.required(order)
        lock, extra = order.lock, needed
        if order.group is None:
            order.covered = order.reserve_price
        else:
            extra = settlement.lack(order, needed)
        if extra > lock.free:
            self._truth.groups.leave(order)
            return _short(order, extra)
        lock.free -= extra
        lock.locked += extra
        order.locked = needed
        return ""

    def change(
        self,
        order: Order,
        quantity: Decimal | None,
        limit_price: Decimal | None,
        trigger_price: Decimal | None,
        ts: int,
    ) -> str:
        """Change a working order, or return why not (empty: it is changed)."""
        scale = order.scale
        before = (order.leaves, order.limit, order.trigger, order.reserve_price)
        lots = order.filled + order.leaves if quantity is None else scale.lots_of(quantity)
        limit = order.limit if limit_price is None else scale.ticks_of(limit_price)
        trigger = order.trigger if trigger_price is None else scale.ticks_of(trigger_price)
        if lots is None or limit is None or trigger is None:
            return "OFF_GRID: quantity and prices must be positive multiples of lot and tick"
        if (limit_price is not None and not order.limit) or (
            trigger_price is not None and (not order.trigger or order.triggered)
        ):
            return f"PRICE_UNEXPECTED: {order.spec.type} does not carry that price now"
        if lots < order.filled:
            return f"BELOW_FILLED: {quantity} is below the filled {order.cumulative()}"
        if lots == order.filled:
            order.quantity = scale.quantity(lots)
            self._execution.close(order, ts)
            return ""
        value = rules.notional(limit or trigger, lots, scale.num, scale.den, rules.SELL)
        if lots < scale.least_lots or ((limit or trigger) and value < scale.least_notional):
            return "BELOW_MINIMUM: quantity or notional is below the instrument's minimum"
        why = self._market_refusal(order, limit)
        if why:
            return why
        order.leaves, order.limit, order.trigger = lots - order.filled, limit, trigger
        if order.sign > 0 and (limit_price is not None or trigger_price is not None):
            order.reserve_price = limit or rules.banded(trigger, self._band)
        needed = self._settlement.required(order)
        extra = self._settlement.lack(order, needed)
        if extra > order.lock.free:
            order.leaves, order.limit, order.trigger, order.reserve_price = before
            return _short(order, extra)
        self._settlement.relock(order, needed)
        if quantity is not None:
            order.quantity = scale.quantity(lots)
        if (limit, trigger) != before[1:3]:
            self._truth.books[order.spec.instrument].changed(order)
            order.eligible_from = max(order.eligible_from, ts, self._phases.floor)
        return ""


def _short(order: Order, needed: int) -> str:
    purse = order.lock
    return (
        f"INSUFFICIENT_BALANCE: needs {amount(needed):f} {purse.currency},"
        f" {amount(purse.free):f} is free"
    )
