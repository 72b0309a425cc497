"""All orders we know, and the sums over them that risk asks for."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal

from botcore.domain.events import OrderFilled, OrderPlaced, OrderUpdated
from botcore.domain.ids import AccountId, ClientOrderId, Currency, InstrumentId, StrategyId
from botcore.domain.numbers import ZERO
from botcore.domain.orders import TERMINAL, OrderState, Side
from botcore.execution.at_mark import NOTHING_OPEN, AtMark
from botcore.execution.open_sums import FEW, OpenSums, Part, part_of
from botcore.execution.order import Order

# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_IN_DOUBT = OrderState.IN_DOUBT


class OrderIndex:
    """Orders by id, the working ones by instrument, and what they lock.

    Args:
        terminal_kept: how many terminal orders stay in memory; older ones are looked up in
            storage when a late fill names them.

    Attributes:
        has_doubts: whether any order has an unknown outcome (R5).
        get: gives an order by its id, or None if it is unknown (or terminal and long gone).
    """

    def __init__(self, *, terminal_kept: int) -> None:
        self._orders: dict[ClientOrderId, Order] = {}
        self.get = self._orders.get
        self._working: dict[tuple[AccountId, InstrumentId], dict[ClientOrderId, Order]] = {}
        self._locked: dict[tuple[AccountId, Currency], Decimal] = {}
        self._sums: dict[tuple[AccountId, InstrumentId], OpenSums] = {}
        self._at_mark: dict[AccountId, dict[InstrumentId, AtMark]] = {}
        self._in_doubt: dict[tuple[AccountId, InstrumentId], int] = {}
        self.has_doubts = False
        self._terminal: deque[ClientOrderId] = deque()
        self._terminal_kept = terminal_kept

    def __iter__(self) -> Iterator[Order]:
        """Iterate over every order in memory, oldest first."""
        return iter(self._orders.values())

    def working(self, account: AccountId, instrument: InstrumentId) -> Collection[Order]:
        """Return the orders of an instrument that are not terminal, oldest first."""
        found = self._working.get((account, instrument))
        return found.values() if found else ()

    def sums(self, account: AccountId, instrument: InstrumentId) -> OpenSums | None:
        """Return what those orders add up to; None where they are to be looked at one by one.

        They are where they are few, which costs less, or have figures that no sum can hold. Asked
        for once, the sums are kept as long as the orders are many.
        """
        series = (account, instrument)
        working = self._working.get(series)
        if working is None or len(working) <= FEW:
            return None
        found = self._sums.get(series)
        if found is None:
            found = self._sums[series] = OpenSums(working.values())
        return found if found.is_exact else None

    def at_mark(self, account: AccountId, instrument: InstrumentId, mark: float) -> AtMark:
        """Return what those orders come to at worst at a mark: as last told, if nothing moved."""
        known = self.known_at_mark(account)
        found = known.get(instrument)
        if found is not None and found.mark == mark:
            return found
        working = self._working.get((account, instrument))
        if not working:
            return NOTHING_OPEN
        found = known[instrument] = AtMark(mark, working.values(), self.sums(account, instrument))
        return found

    def known_at_mark(self, account: AccountId) -> dict[InstrumentId, AtMark]:
        """Return what `at_mark` has told of an account and no order has changed; to be read.

        An answer counts at its own mark alone.
        """
        found = self._at_mark.get(account)
        if found is None:
            found = self._at_mark[account] = {}
        return found

    def all_working(
        self,
        account: AccountId,
        strategy: StrategyId | None = None,
        instrument: InstrumentId | None = None,
        side: Side | None = None,
    ) -> list[Order]:
        """Return every order of an account that is not terminal, oldest first.

        Only those of a strategy, an instrument and a side, where they are named.
        """
        found = [
            each
            for each in self._orders.values()
            if each.spec.account == account and not each.is_terminal
        ]
        if strategy is None and instrument is None and side is None:
            return found
        return [
            each
            for each in found
            if strategy in (None, each.spec.strategy)
            and instrument in (None, each.spec.instrument)
            and side in (None, each.spec.side)
        ]

    def locked(self, account: AccountId, currency: Currency) -> Decimal:
        """Return what the account's working orders reserve of a currency."""
        return self._locked.get((account, currency), ZERO)

    def in_doubt(self, account: AccountId, instrument: InstrumentId) -> bool:
        """Whether an order on the instrument has an unknown outcome (R5)."""
        return bool(self._in_doubt) and (account, instrument) in self._in_doubt

    def fold_placed(self, fact: OrderPlaced) -> Order:
        """Add an order."""
        order = Order.of(fact)
        spec = fact.order
        self._add(order)
        if spec.parent is not None:
            parent = self._orders.get(spec.parent)
            if parent is not None:
                parent.children += (spec.client_order_id,)
        return order

    def fold_update(self, order: Order, fact: OrderUpdated) -> None:
        """Apply a change without a fill to an order."""
        before, locked = order.state, order.locked
        part = part_of(order) if self._sums else None
        self._forget_worst(order)
        order.fold_update(fact)
        if order.locked is not locked or order.is_terminal or _IN_DOUBT in (before, order.state):
            self._follow(order, before, locked)
        if self._sums:
            self._add_up(order, part)

    def fold_fill(self, order: Order, fact: OrderFilled) -> None:
        """Apply a fill to an order."""
        before, locked = order.state, order.locked
        part = part_of(order) if self._sums else None
        self._forget_worst(order)
        order.fold_fill(fact)
        self._follow(order, before, locked)
        if self._sums:
            self._add_up(order, part)

    def _follow(self, order: Order, before: OrderState, locked: Decimal) -> None:
        """Keep the sums in step with an order that has changed."""
        state = order.state
        if order.locked is not locked:
            self._move_lock(order, locked)
        if state is before:
            return
        if before is _IN_DOUBT:
            self._count_doubt(order, -1)
        elif state is _IN_DOUBT:
            self._count_doubt(order, 1)
        if order.is_terminal and before not in TERMINAL:
            spec = order.spec
            series = (spec.account, spec.instrument)
            working = self._working[series]
            del working[spec.client_order_id]
            if len(working) <= FEW:
                self._sums.pop(series, None)
            self._forget_oldest(spec.client_order_id)

    def terminal(self) -> tuple[ClientOrderId, ...]:
        """Return the terminal orders in memory, in the order in which they ended."""
        return tuple(self._terminal)

    def adopt(self, orders: Iterable[Order], terminal: Iterable[ClientOrderId]) -> None:
        """Become the index of these orders, oldest first, and no others (restore)."""
        for held in (self._orders, self._working, self._locked, self._in_doubt, self._terminal):
            held.clear()
        self._sums.clear()
        self._at_mark.clear()
        self.has_doubts = False
        for order in orders:
            self._add(order)
            if order.state is _IN_DOUBT:
                self._count_doubt(order, 1)
        self._terminal.extend(terminal)

    def _add(self, order: Order) -> None:
        spec = order.spec
        self._orders[spec.client_order_id] = order
        if order.is_terminal:
            return
        series = (spec.account, spec.instrument)
        working = self._working.get(series)
        if working is None:
            working = self._working[series] = {}
        working[spec.client_order_id] = order
        if order.locked:
            self._move_lock(order, ZERO)
        self._forget_worst(order)
        if self._sums:
            self._add_up(order, None)

    def _forget_worst(self, order: Order) -> None:
        """Let go of a worst case that an order, new or about to change, is part of."""
        known = self._at_mark.get(order.spec.account)
        if known:
            known.pop(order.spec.instrument, None)

    def _add_up(self, order: Order, before: Part | None) -> None:
        """Keep the sums that are kept in step with an order, new (None) or changed."""
        spec = order.spec
        sums = self._sums.get((spec.account, spec.instrument))
        if sums is not None:
            sums.move(spec, before, part_of(order))

    def _count_doubt(self, order: Order, change: int) -> None:
        series = (order.spec.account, order.spec.instrument)
        count = self._in_doubt.get(series, 0) + change
        if count:
            self._in_doubt[series] = count
        else:
            del self._in_doubt[series]
        self.has_doubts = bool(self._in_doubt)

    def _move_lock(self, order: Order, before: Decimal) -> None:
        key = (order.spec.account, order.reserve_currency)
        left = self._locked.get(key, ZERO) - before + order.locked
        if left:
            self._locked[key] = left
        else:
            self._locked.pop(key, None)

    def _forget_oldest(self, newest: ClientOrderId) -> None:
        self._terminal.append(newest)
        while len(self._terminal) > self._terminal_kept:
            del self._orders[self._terminal.popleft()]
