"""Exits that hang on an entry: held until it fills, sized to what has filled (E48, E49)."""

import msgspec

from botcore.domain.effects import Cancel, Replace, Submit
from botcore.domain.events import Fact, OrderUpdated
from botcore.domain.ids import ClientOrderId, Nanos
from botcore.domain.keys import Key
from botcore.domain.orders import OrderState
from botcore.execution.index import OrderIndex
from botcore.execution.order import Order
from botcore.execution.turn import Turn


class Children:
    """Releases, grows and closes the children of bracket orders.

    Args:
        index: the orders.
    """

    def __init__(self, index: OrderIndex) -> None:
        self._index = index

    def close(self, parent: Order, at: Key) -> list[Fact]:
        """Cancel the held children of a parent that ended without a fill (E49)."""
        facts: list[Fact] = []
        if parent.filled:
            return facts
        for child_id in parent.children:
            child = self._index.get(child_id)
            if child is not None and child.state is OrderState.HELD:
                fact = OrderUpdated(
                    child.spec.account,
                    child_id,
                    OrderState.CANCELED,
                    Nanos(at.ts),
                    detail="parent ended unfilled",
                )
                self._index.fold_change(child, fact)
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
                fact = OrderUpdated(
                    child.spec.account,
                    child_id,
                    OrderState.INTENT,
                    turn.ts,
                    quantity=parent.filled,
                )
                self._index.fold_change(child, fact)
                turn.facts.append(fact)
                sized = msgspec.structs.replace(child.spec, quantity=parent.filled)
                turn.effects.append(Submit(sized))
            else:
                self.size(child, turn)
        if not is_protected:
            turn.alert("FILL_UNPROTECTED", "its exits have already ended")

    def size(self, child: Order, turn: Turn) -> None:
        """Grow a working child that is smaller than what its parent has filled."""
        if child.spec.parent is None:
            return
        parent = self._index.get(child.spec.parent)
        if parent is None or child.replace_pending or child.cancel_owed:
            return
        if child.state not in (OrderState.ACCEPTED, OrderState.PARTIAL):
            return
        if child.quantity >= parent.filled:
            return
        fact = OrderUpdated(
            child.spec.account, child.id, child.state, turn.ts, replace_pending=True
        )
        self._index.fold_change(child, fact)
        turn.facts.append(fact)
        turn.effects.append(Replace(child.ref, quantity=parent.filled))

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
        self._index.fold_change(parent, fact)
        turn.facts.append(fact)
        turn.effects.append(Cancel(parent.ref))

    def warn_if_unprotected(self, child: Order, turn: Turn) -> None:
        """Tell a person when an exit ended, or stayed too small, with its work undone."""
        if child.spec.parent is None:
            return
        parent = self._index.get(child.spec.parent)
        if parent is not None and child.filled < parent.filled:
            turn.alert("FILL_UNPROTECTED", turn.report.detail or f"{turn.report.kind}")
