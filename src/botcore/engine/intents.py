"""An event strategy's intents through risk: orders, cancels, changes and targets."""

from collections.abc import Callable

from botcore.domain.decisions import Denied
from botcore.domain.ids import Nanos
from botcore.domain.intents import CancelOrder, Intent, ReplaceOrder, Target
from botcore.domain.keys import Key
from botcore.engine.desk import Desk
from botcore.engine.event_slots import EventSlot
from botcore.engine.targets import signalled
from botcore.execution import Order

Deny = Callable[[EventSlot, Denied, Key], None]
"""Tells a strategy of a no."""


class Intents:
    """Passes intents through risk, one by one.

    Args:
        desk: where what is approved goes.
        deny: called with each no.
    """

    def __init__(self, desk: Desk, *, deny: Deny) -> None:
        self._desk = desk
        self._deny = deny

    def take(self, slot: EventSlot, intent: Intent, key: Key) -> None:
        """Pass one intent of an event strategy through risk."""
        desk = self._desk
        if isinstance(intent, CancelOrder):
            order = desk.execution.index.get(intent.client_order_id)
            if order is None or order.spec.strategy != slot.strategy:
                self._deny(slot, _not_yours(slot, intent, key), key)
            else:
                desk.take(desk.execution.cancel(intent.client_order_id, at=key), key)
            return
        if isinstance(intent, ReplaceOrder):
            self._replace(slot, intent, key)
            return
        if isinstance(intent, Target):
            steps = slot.towards(intent)
            if steps:
                desk.out.facts.append(signalled(intent, key))
            for step in steps:
                self.take(slot, step, key)
            return
        denied = desk.place(intent, key)
        if denied is not None:
            self._deny(slot, denied, key)

    def _replace(self, slot: EventSlot, intent: ReplaceOrder, key: Key) -> None:
        desk = self._desk
        order = desk.execution.index.get(intent.client_order_id)
        if order is None or order.spec.strategy != slot.strategy:
            self._deny(slot, _not_yours(slot, intent, key), key)
            return
        denied = change_order(desk, order, intent, key)
        if denied is not None:
            self._deny(slot, denied, key)


def change_order(desk: Desk, order: Order, intent: ReplaceOrder, key: Key) -> Denied | None:
    """Pass a change of an order through risk and, if approved, ask the venue for it."""
    checked = desk.risk.check_replace_risk(intent, order.standing, filled=order.filled, at=key)
    if isinstance(checked, Denied):
        return checked
    outcome = desk.execution.replace(
        intent,
        quantity=checked.quantity,
        limit_price=checked.limit_price,
        trigger_price=checked.trigger_price,
        at=key,
    )
    if isinstance(outcome, Denied):
        return outcome
    desk.take(outcome, key)
    return None


def _not_yours(slot: EventSlot, intent: CancelOrder | ReplaceOrder, key: Key) -> Denied:
    return Denied(
        slot.account,
        slot.strategy,
        slot.instruments[0],
        "NOT_YOURS",
        0.0,
        0.0,
        Nanos(key.ts),
        intent.reason,
    )
