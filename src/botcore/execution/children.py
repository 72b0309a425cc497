"""Exits that hang on an entry: held until it fills, sized to what has filled (E48, E49)."""

from collections.abc import Callable
from decimal import Decimal

import msgspec

from botcore.domain.effects import Cancel, Effect, Replace, Submit
from botcore.domain.events import Fact, OrderPlaced, OrderUpdated
from botcore.domain.ids import AccountId, ClientOrderId, InstrumentId, Nanos
from botcore.domain.intents import NO_REASON
from botcore.domain.keys import Key
from botcore.domain.numbers import ZERO, floor_to
from botcore.domain.orders import OrderState
from botcore.execution.index import OrderIndex
from botcore.execution.order import Order
from botcore.execution.turn import Turn

LotOf = Callable[[InstrumentId], Decimal]


class Children:
    """Releases, grows, renews and closes the children of bracket orders.

    Args:
        index: the orders.
        next_attempt: gives the next client order id of an order that never reached its venue.
        lot_of: the quantity step of an instrument now, base units.
    """

    def __init__(
        self,
        index: OrderIndex,
        *,
        next_attempt: Callable[[ClientOrderId], ClientOrderId],
        lot_of: LotOf,
    ) -> None:
        self._index = index
        self._lot_of = lot_of
        self._next_attempt = next_attempt

    def close(self, parent: Order, at: Key) -> list[Fact]:
        """Cancel the held children of a parent that ended with nothing for them to do (E49)."""
        facts: list[Fact] = []
        for child_id in parent.children:
            child = self._index.get(child_id)
            if child is None or child.state is not OrderState.HELD:
                continue
            if not self._exit_of(parent, child):
                fact = OrderUpdated(
                    child.spec.account,
                    child_id,
                    OrderState.CANCELED,
                    Nanos(at.ts),
                    detail="too little to sell" if parent.filled else "parent ended unfilled",
                )
                self._index.fold_update(child, fact)
                facts.append(fact)
        return facts

    def size_all(self, parent: Order, turn: Turn) -> None:
        """Release children to the filled part, so that no fill is unprotected (E48)."""
        is_protected = False
        for child_id in parent.children:
            child = self._index.get(child_id)
            if child is None or child.is_terminal:
                continue
            is_protected = True
            if child.state is OrderState.HELD:
                self._release(child, parent, turn.facts, turn.effects, turn.at)
            else:
                self.size(child, turn)
        if parent.is_terminal:
            turn.facts.extend(self.close(parent, turn.at))
        if not is_protected:
            turn.alert("FILL_UNPROTECTED", "its exits have already ended")

    def renew(self, child: Order, facts: list[Fact], at: Key) -> None:
        """Hold another exit in the place of one that provably never reached the venue (E48).

        What risk approved is still wanted, and the old id is never used again (R2, R6). Nothing is
        held once an exit has filled: the others ended with it.
        """
        parent = self._parent(child)
        if parent is None or not parent.filled or self._is_exiting(parent):
            return
        spec = msgspec.structs.replace(
            child.spec, client_order_id=self._next_attempt(child.id), quantity=child.quantity
        )
        fact = OrderPlaced(
            spec.account,
            spec,
            OrderState.HELD,
            child.reserve,
            child.reserve_currency,
            0.0,
            Nanos(at.ts),
            NO_REASON,
            "",
        )
        self._index.fold_placed(fact)
        facts.append(fact)

    def protect(self, account: AccountId, at: Key) -> tuple[list[Fact], list[Effect]]:
        """Release every exit that is held although its entry has filled."""
        facts: list[Fact] = []
        effects: list[Effect] = []
        for child in self._index.all_working(account):
            parent = self._parent(child)
            if child.state is OrderState.HELD and parent is not None and parent.filled:
                self._release(child, parent, facts, effects, at)
        return facts, effects

    def _release(
        self, child: Order, parent: Order, facts: list[Fact], effects: list[Effect], at: Key
    ) -> None:
        quantity = self._exit_of(parent, child)
        if not quantity:
            return
        fact = OrderUpdated(
            child.spec.account,
            child.id,
            OrderState.INTENT,
            Nanos(at.ts),
            quantity=quantity,
        )
        self._index.fold_update(child, fact)
        facts.append(fact)
        effects.append(Submit(msgspec.structs.replace(child.spec, quantity=quantity)))

    def _exit_of(self, parent: Order, child: Order) -> Decimal:
        """How much an exit may close: what has filled, less what fees in base took (E74).

        More than that would be another strategy's.
        """
        fee = parent.fees.get(child.reserve_currency, ZERO)
        if fee <= ZERO:
            return parent.filled
        return max(ZERO, floor_to(parent.filled - fee, self._lot_of(child.spec.instrument)))

    def _parent(self, child: Order) -> Order | None:
        return self._index.get(child.spec.parent) if child.spec.parent else None

    def _is_exiting(self, parent: Order) -> bool:
        children = (self._index.get(child) for child in parent.children)
        return any(child is not None and child.filled for child in children)

    def size(self, child: Order, turn: Turn) -> None:
        """Grow a working child that is smaller than what its parent has filled."""
        if child.spec.parent is None:
            return
        parent = self._index.get(child.spec.parent)
        if parent is None or child.replace_pending or child.cancel_owed:
            return
        if child.state not in (OrderState.ACCEPTED, OrderState.PARTIAL):
            return
        quantity = self._exit_of(parent, child)
        if child.quantity >= quantity:
            return
        fact = OrderUpdated(
            child.spec.account, child.id, child.state, turn.ts, replace_pending=True
        )
        self._index.fold_update(child, fact)
        turn.facts.append(fact)
        turn.effects.append(Replace(child.ref, quantity=quantity))

    def end_entry(self, parent_id: ClientOrderId, turn: Turn) -> None:
        """Cancel what is left of an entry whose exit has filled: nothing would protect it."""
        parent = self._index.get(parent_id)
        if parent is None or parent.is_terminal or parent.cancel_owed:
            return
        fact = OrderUpdated(
            parent.spec.account,
            parent_id,
            parent.state,
            turn.ts,
            cancel_owed=True,
            replace_pending=parent.replace_pending,
            detail="its exit has filled",
        )
        self._index.fold_update(parent, fact)
        turn.facts.append(fact)
        turn.effects.append(Cancel(parent.ref))

    def warn_if_unprotected(self, child: Order, turn: Turn) -> None:
        """Tell a person when an exit ended, or stayed too small, with its work undone."""
        if child.spec.parent is None:
            return
        parent = self._index.get(child.spec.parent)
        if parent is not None and child.filled < self._exit_of(parent, child):
            turn.alert("FILL_UNPROTECTED", turn.report.detail or f"{turn.report.kind}")
