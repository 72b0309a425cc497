"""The phases of a bar that belong to the venue: instrument changes, open, inside, expiry (P8)."""

from collections.abc import Iterable, Iterator

from botcore.domain.errors import ConfigError
from botcore.domain.instruments import TradingStatus
from botcore.domain.market import Bar, BarFlag, BarOpened, BarsClosed
from botcore.domain.orders import OrderState, OrderType
from botcore.domain.reports import VenueReport
from botcore.venues.simulated import rules
from botcore.venues.simulated.config import VenueConfig
from botcore.venues.simulated.execution import Execution
from botcore.venues.simulated.instrument_orders import InstrumentOrders
from botcore.venues.simulated.matching import (
    BarTicks,
    Hit,
    hit_at_open,
    hit_inside,
    hit_on_entry_bar,
)
from botcore.venues.simulated.truth import Truth
from botcore.venues.simulated.working import Order

_NO_CAP = 1 << 62
_GAP_BEFORE = int(BarFlag.GAP_BEFORE)


_Round = tuple[InstrumentOrders, Bar, Bar | None]
"""One instrument's part of a close stamp: its orders, its bar, and the bar before."""


class Phases:
    """Matches working orders against bars; a generator, so that answers enter between reports.

    An order that arrives while a stamp is matched waits for the next bar, except a child whose
    parent filled in this bar: it is live at once (P9, P10).

    Attributes:
        floor: the first `ts_open` that may match an order arriving now.
        current: the instrument whose reports are being given out, else None.
        is_inside: whether they come from inside the bar, so that a child meets its entry bar.
    """

    def __init__(self, *, config: VenueConfig, truth: Truth, execution: Execution) -> None:
        self._truth = truth
        self._execution = execution
        self._participation = config.participation_ppm
        self._gap_improves = config.gap_improvement
        self._is_optimistic = config.optimistic
        self.floor = 0
        self.current: InstrumentOrders | None = None
        self.is_inside = False

    def closed(self, event: BarsClosed) -> Iterator[VenueReport]:
        """Run phases 0, 2, 4 and 5 of one close stamp, each over all its instruments."""
        truth = self._truth
        rounds: list[_Round] = []
        self.floor = event.ts_close
        try:
            for bar in event.bars:  # smallest timeframe first
                book = truth.books.get(bar.instrument)
                if not truth.matches(bar) or book is None or not book.working:
                    continue
                if bar.ts_open >= book.scale.valid_to:
                    yield from self.relist(book, bar.ts_open)
                rounds.append((book, bar, truth.last.get(bar.instrument)))
            for book, bar, previous in rounds:
                yield from self._open(book, bar, previous)
            if truth.working:
                for book, bar, _ in rounds:
                    if book.working and bar.volume > 0:
                        yield from self._inside(book, bar)
                self.current = None
                for book, bar, _ in rounds:
                    if book.timed:
                        yield from self._expire(book, bar.ts_close)
        finally:
            self.floor, self.current, self.is_inside = 0, None, False
            truth.remember(event.bars)
        if truth.is_durable:
            waiting = {book.instrument for book, _, _ in rounds if book.working}
            if waiting:
                truth.save_progress(waiting)

    def opened(self, event: BarOpened) -> Iterator[VenueReport]:
        """Match waiting market orders at an open that is known before its bar closes.

        The bar's volume is not known yet: the cap is taken of the previous bar's. Without one that
        ends here and traded, nothing happens, and the bar's own open phase decides.
        """
        truth, book = self._truth, self._truth.books.get(event.instrument)
        last = truth.last.get(event.instrument)
        if book is None or not book.working or last is None:
            return
        if last.ts_close != event.ts_open or not last.volume > 0 or book.opened >= event.ts_open:
            return
        waiting = [
            order
            for order in book.opening()
            if order.is_market and order.eligible_from <= event.ts_open
        ]
        if not waiting:
            return
        self.floor = event.ts_open + 1
        try:
            yield from self.relist(book, event.ts_open)
            price = book.scale.ticks(event.price)
            self._begin(book, event.ts_open, last.volume)
            book.opened = event.ts_open
            for order in waiting:
                if order.is_working:
                    yield from self._execution.fill(book, order, price, event.ts_open)
            yield from self._end_immediate(book, waiting, event.ts_open)
        finally:
            self.floor, self.current = 0, None

    def relist(self, book: InstrumentOrders, ts: int) -> Iterator[VenueReport]:
        """Take over the instrument version in force at `ts`; cancel what does not fit it (E98)."""
        if ts < book.scale.valid_to:
            return
        truth, changed = self._truth, book.scale.valid_to
        try:
            scale = truth.scale(book.instrument, ts)
        except ConfigError:
            scale = None
        trades = scale is not None and scale.instrument.status is TradingStatus.TRADING
        reports = []
        for order in tuple(book.working.values()):
            if scale is None or not trades or not order.rescale(scale, order.record()):
                reports.append(
                    self._execution.end(order, OrderState.CANCELED, changed, "INSTRUMENT_CHANGED")
                )
            elif truth.is_durable:
                truth.touch(order)
        if scale is not None:
            book.rescaled(scale)
        truth.save()
        yield from reports

    def _begin(self, book: InstrumentOrders, ts_open: int, volume: float) -> None:
        """Note which bar is matched, and how much of its volume is left for us (E15)."""
        self.current = book
        if book.bar_open != ts_open:
            book.bar_open = ts_open
            book.used = 0
        if self._participation is None:
            book.left = _NO_CAP
        else:
            cap = rules.volume_cap(book.scale.lots(volume), self._participation)
            left = cap - book.used
            book.left = left if left > 0 else 0

    # --- phase 2

    def _open(
        self, book: InstrumentOrders, bar: Bar, previous: Bar | None
    ) -> Iterable[VenueReport]:
        ts = bar.ts_open
        follows = not (bar.flags & _GAP_BEFORE or previous is None or previous.ts_close < ts)
        if follows and len(book.working) == 1 and not book.timed and not book.immediate:
            # One order alone is the plain case: nothing stands between its reports and its fill.
            (order,) = book.working.values()
            if order.is_market and bar.volume > 0:
                return self._fill_at_open(book, order, self._begin_open(book, bar), ts)
        return self._open_each(book, bar, previous, follows)

    def _open_each(
        self, book: InstrumentOrders, bar: Bar, previous: Bar | None, follows: bool
    ) -> Iterator[VenueReport]:
        ts = bar.ts_open
        newest = len(self._truth.numbered)  # who comes while reports are given out is too late
        if not follows:
            yield from self._cancel_over_gap(book.opening(), bar, previous)
        if book.timed:
            yield from self._expire(book, ts)
        if bar.volume > 0:
            opened = self._begin_open(book, bar)
            for order in book.opening():
                if order.is_market:
                    yield from self._fill_at_open(book, order, opened, ts)
            yield from self._open_resting(book, bar, opened, newest)
        if book.immediate:
            orders = [order for order in book.opening() if order.number <= newest]
            yield from self._end_immediate(book, orders, ts)

    def _begin_open(self, book: InstrumentOrders, bar: Bar) -> int:
        """Begin a bar that traded, and return its open in ticks."""
        self._begin(book, bar.ts_open, bar.volume)
        return book.scale.ticks(bar.open)

    def _fill_at_open(
        self, book: InstrumentOrders, order: Order, opened: int, ts: int
    ) -> list[VenueReport]:
        """Fill a market order at the open, unless it came later or had this open already."""
        if order.leaves and order.eligible_from <= ts and order.seen != ts != book.opened:
            return self._execution.fill(book, order, opened, ts)
        return []

    def _open_resting(
        self, book: InstrumentOrders, bar: Bar, opened: int, newest: int
    ) -> Iterator[VenueReport]:
        """Match stops, then limits, that the open has passed, but none above number `newest`."""
        ts = bar.ts_open
        hits = []
        for order in book.reached(opened, opened):
            if order.is_market or order.eligible_from > ts or order.seen == ts:
                continue
            if order.number > newest:
                continue
            was_stop = order.is_stop
            hit = hit_at_open(order, bar, opened, self._gap_improves)
            if was_stop != order.is_stop:
                book.changed(order)
            if hit is not None:
                hits.append(hit)
            elif was_stop != order.is_stop and self._truth.is_durable:
                self._truth.touch(order)
        self._truth.save()
        hits.sort()
        for hit in hits:
            if hit.order.is_working and hit.order.eligible_from <= ts:
                yield from self._fill(book, hit, ts, hits)

    def _cancel_over_gap(
        self, orders: Iterable[Order], bar: Bar, previous: Bar | None
    ) -> Iterator[VenueReport]:
        """Cancel what waited for an open and would take it beyond a gap (E10b).

        A gap is flagged, or shows as a whole bar missing since the order or the bar before it.
        """
        ts, step = bar.ts_open, bar.ts_close - bar.ts_open
        known = 0 if previous is None else previous.ts_close
        reports = [
            self._execution.end(order, OrderState.CANCELED, ts, "DATA_GAP")
            for order in orders
            if (order.spec.type is OrderType.MARKET or order.is_immediate)
            and order.eligible_from <= ts
            and (bar.flags & _GAP_BEFORE or ts - max(known, order.eligible_from) >= step)
        ]
        if reports:
            self._truth.save()
            yield from reports

    def _end_immediate(
        self, book: InstrumentOrders, orders: Iterable[Order], ts: int
    ) -> Iterator[VenueReport]:
        """Expire IOC and FOK orders that had their open."""
        reports = [
            self._execution.end(order, OrderState.EXPIRED, ts, str(order.spec.time_in_force))
            for order in orders
            if order.is_immediate
            and order.is_working
            and order.eligible_from <= ts
            and not (order.is_market and book.opened == ts and order.seen is None)
        ]
        if reports:
            self._truth.save()
            yield from reports

    # --- phase 4

    def _inside(self, book: InstrumentOrders, bar: Bar) -> Iterator[VenueReport]:
        truth, ts = self._truth, bar.ts_close - 1
        self.current, self.is_inside = book, True
        ticks = BarTicks(bar, book.scale)
        hits = []
        for order in book.reached(ticks.low, ticks.high):
            if order.eligible_from > bar.ts_open or order.seen == bar.ts_open:
                continue
            if order.is_market or not self._lives(order, bar):
                continue
            was_stop = order.is_stop
            hit = hit_inside(
                order, ticks, gap_improves=self._gap_improves, is_optimistic=self._is_optimistic
            )
            if was_stop != order.is_stop:
                book.changed(order)
            if hit is not None:
                hits.append(hit)
            elif truth.is_durable and (order.seen == bar.ts_open or was_stop != order.is_stop):
                truth.touch(order)
        truth.save()
        hits.sort()
        for hit in hits:
            order = hit.order
            if order.is_working and order.eligible_from <= bar.ts_open:
                yield from self._fill(book, hit, self._instant(order, ts), hits)
                if book.arrived:
                    yield from self._entry_bar(book, ticks, hit, ts)
        self.is_inside = False

    def _entry_bar(
        self, book: InstrumentOrders, ticks: BarTicks, entry: Hit, ts: int
    ) -> Iterator[VenueReport]:
        """Match children on the bar inside which their parent filled (E2, E2b, P10)."""
        while book.arrived:
            children, book.arrived = book.arrived, []
            hits = []
            for child in children:
                if child.is_working:
                    was_stop = child.is_stop
                    hit = hit_on_entry_bar(
                        child,
                        ticks,
                        entry.price,
                        entry_is_stop=entry.rank == 0,
                        gap_improves=self._gap_improves,
                    )
                    if was_stop != child.is_stop:
                        book.changed(child)
                    if hit is not None:
                        hits.append(hit)
            hits.sort()
            for hit in hits:
                if hit.order.is_working:
                    yield from self._fill(book, hit, self._instant(hit.order, ts), hits)
                    entry = hit

    def _fill(
        self, book: InstrumentOrders, hit: Hit, ts: int, hits: list[Hit]
    ) -> list[VenueReport]:
        return self._execution.fill(
            book,
            hit.order,
            hit.price,
            ts,
            hit.slips,
            hit.is_maker,
            hit.is_ambiguous or (hit.leg >= 0 and self._is_contested(hit, hits)),
        )

    @staticmethod
    def _lives(order: Order, bar: Bar) -> bool:
        expires = order.spec.expires_at
        return expires is None or rules.lives_inside(
            order.is_stop, expires, bar.ts_open, bar.ts_close
        )

    @staticmethod
    def _instant(order: Order, ts: int) -> int:
        expires = order.spec.expires_at
        return ts if expires is None else min(ts, expires)

    @staticmethod
    def _is_contested(hit: Hit, hits: list[Hit]) -> bool:
        """Whether the bar also reaches the other of two exits of which one can happen (E1)."""
        mine = hit.order
        if mine.group is None and not mine.spec.reduce_only:
            return False  # it excludes nobody
        for other in hits:
            rival = other.order
            if (
                rival is not mine
                and rival.is_working
                and rules.is_ambiguous(
                    hit.rank == 0 or other.rank == 0, hit.rank == 1 or other.rank == 1
                )
                and _exclude_one_another(mine, rival)
            ):
                return True
        return False

    # --- phase 5

    def _expire(self, book: InstrumentOrders, before: int) -> Iterator[VenueReport]:
        """Expire GTD orders whose time came before `before`, each at its time (E53)."""
        due = book.ending(before)
        if not due:
            return
        reports = [
            self._execution.end(order, OrderState.EXPIRED, int(order.spec.expires_at or 0), "GTD")
            for order in due
        ]
        self._truth.save()
        yield from reports


def _exclude_one_another(a: Order, b: Order) -> bool:
    """Whether at most one of two orders can fill: one group, or two exits of one position."""
    if a.group is not None and a.group == b.group:
        return True
    one, other = a.spec, b.spec
    return (
        one.reduce_only
        and other.reduce_only
        and one.side is other.side
        and one.account == other.account
        and one.strategy == other.strategy
    )
