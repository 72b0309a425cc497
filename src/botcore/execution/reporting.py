"""What a report means for the order it names: total, idempotent, never moving back."""

from decimal import Decimal

import msgspec

from botcore.domain.effects import Cancel, Effect, Query, Replace, Submit
from botcore.domain.events import Fact, OrderFilled, OrderUpdated, RiskAlert
from botcore.domain.ids import Nanos
from botcore.domain.keys import Key
from botcore.domain.numbers import ZERO
from botcore.domain.orders import OrderSpec, OrderState
from botcore.domain.reports import ReportKind, VenueReport
from botcore.execution.index import OrderIndex
from botcore.execution.order import Order
from botcore.execution.states import LEGAL, NEVER_THERE

_TERMINAL_OF = {
    ReportKind.REJECTED: OrderState.REJECTED,
    ReportKind.CANCELED: OrderState.CANCELED,
    ReportKind.EXPIRED: OrderState.EXPIRED,
    ReportKind.EXPIRED_IN_MATCH: OrderState.EXPIRED_IN_MATCH,
    ReportKind.NOT_SENT: OrderState.NOT_SENT,
    ReportKind.NOT_ACCEPTED: OrderState.NOT_ACCEPTED,
}


class ReportBook:
    """Applies reports to orders.

    Args:
        index: the orders.
        cancel_attempts: how often an owed cancel is repeated before a person is told.
    """

    def __init__(self, index: OrderIndex, *, cancel_attempts: int) -> None:
        self._index = index
        self._cancel_attempts = cancel_attempts

    def apply(self, report: VenueReport, at: Key) -> tuple[list[Fact], list[Effect], str]:
        """Return the facts (already folded), the effects, and why to halt (or nothing)."""
        facts: list[Fact] = []
        effects: list[Effect] = []
        order = self._index.get(report.client_order_id)
        if order is None:
            facts.append(_alert(report, at, "ORDER_UNKNOWN", "a report names an unknown order"))
            return facts, effects, ""
        kind = report.kind
        halt = ""
        if kind is ReportKind.FILLED:
            halt = self._fill(order, report, at, facts, effects)
        elif kind is ReportKind.SENDING:
            if order.state is OrderState.INTENT:
                self._move(order, OrderState.SENDING, report, at, facts)
        elif kind is ReportKind.ACCEPTED or kind is ReportKind.STATUS:
            halt = self._alive(order, report, at, facts, effects)
        elif kind in _TERMINAL_OF:
            self._close(order, _TERMINAL_OF[kind], report, at, facts, effects)
        elif kind is ReportKind.OUTCOME_UNKNOWN:
            if order.state is OrderState.SENDING:
                self._move(order, OrderState.IN_DOUBT, report, at, facts)
                effects.append(Query(order.ref))
        elif kind is ReportKind.CANCEL_REJECTED or kind is ReportKind.CANCEL_UNKNOWN:
            # Not an error (R3): it may have filled, be gone, or not be visible yet. The cancel
            # stays owed until the order is proven terminal, so the truth is asked for.
            if not order.is_terminal and order.cancel_owed:
                effects.append(Query(order.ref))
        elif kind is ReportKind.REPLACED:
            self._replaced(order, report, at, facts)
        elif (
            kind is ReportKind.REPLACE_REJECTED and order.replace_pending and not order.is_terminal
        ):
            self._move(order, order.state, report, at, facts)
        # NOT_FOUND changes nothing: it is never proof alone (R3); the reconciler gathers more.
        return facts, effects, halt

    def remember(self, order: Order, fact: OrderFilled) -> None:
        """Take up the cumulative count of a folded fill (restore)."""
        order.cumulative_seen.add(fact.filled)

    def close_children(self, parent: Order, at: Key) -> list[Fact]:
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

    def _fill(
        self,
        order: Order,
        report: VenueReport,
        at: Key,
        facts: list[Fact],
        effects: list[Effect],
    ) -> str:
        fill = report.fill
        if fill is None:
            facts.append(_alert(report, at, "REPORT_MALFORMED", "a fill without its figures"))
            return ""
        known = order.fills.get(fill.trade_id)
        if known is not None:
            if known != (fill.price, fill.quantity):
                facts.append(_alert(report, at, "FILL_NOISY_DUPLICATE", f"trade {fill.trade_id}"))
            return ""
        cumulative = report.cumulative
        if cumulative is not None and cumulative in order.cumulative_seen:
            return ""  # the same fill under another id (E35)
        filled = order.filled + fill.quantity
        overfill = filled - order.quantity
        before = order.state
        if order.is_terminal:
            state = before
        elif overfill >= ZERO:
            state = OrderState.FILLED
        else:
            state = OrderState.PARTIAL
        if before is OrderState.INTENT:
            self._move(order, OrderState.SENDING, report, at, facts)
        elif before is OrderState.HELD:
            self._move(order, OrderState.INTENT, report, at, facts)
            self._move(order, OrderState.SENDING, report, at, facts)
        fact = OrderFilled(
            order.spec.account,
            order.spec.strategy,
            order.spec.instrument,
            order.spec.client_order_id,
            order.spec.side,
            fill,
            state,
            filled,
            overfill if overfill > ZERO else ZERO,
            report.flags,
            report.venue_order_id if order.venue_order_id is None else None,
        )
        self._index.fold_change(order, fact)
        order.cumulative_seen.add(filled if cumulative is None else cumulative)
        facts.append(fact)
        if overfill > ZERO:
            facts.append(_alert(report, at, "ORDER_OVERFILLED", f"{overfill} beyond its quantity"))
        if cumulative is not None and cumulative > filled:
            effects.append(Query(order.ref))  # the venue counts more than we hold (R7)
        if order.children:
            self._size_children(order, at, facts, effects)
        if before in NEVER_THERE:
            return f"a fill on order {order.id}, which was {before}"
        if before is OrderState.INTENT or before is OrderState.HELD:
            return f"a fill on order {order.id}, which had not been sent"
        return ""

    def _alive(
        self,
        order: Order,
        report: VenueReport,
        at: Key,
        facts: list[Fact],
        effects: list[Effect],
    ) -> str:
        state = order.state
        if state in NEVER_THERE:
            effects.append(Cancel(order.ref))
            facts.append(_alert(report, at, "ORDER_ALIVE", f"was {state}, the venue has it"))
            return f"order {order.id} lives at the venue although it was {state}"
        if state in (OrderState.SENDING, OrderState.IN_DOUBT):
            after = OrderState.PARTIAL if order.filled else OrderState.ACCEPTED
            self._move(order, after, report, at, facts, cancel_owed=order.cancel_owed)
        if order.is_terminal:
            return ""
        if report.cumulative is not None and report.cumulative > order.filled:
            effects.append(Query(order.ref))
        if order.cancel_owed:
            self._repeat_cancel(order, report, at, facts, effects)
        self._size_child(order, at, facts, effects)
        return ""

    def _close(
        self,
        order: Order,
        state: OrderState,
        report: VenueReport,
        at: Key,
        facts: list[Fact],
        effects: list[Effect],
    ) -> None:
        if order.is_terminal:
            return
        if order.state is OrderState.INTENT and state is not OrderState.NOT_SENT:
            return  # nothing of ours can have ended at the venue yet
        if state not in LEGAL[order.state]:
            facts.append(_alert(report, at, "REPORT_IMPOSSIBLE", f"{state} after {order.state}"))
            effects.append(Query(order.ref))
            return
        if report.cumulative is not None and report.cumulative > order.filled:
            effects.append(Query(order.ref))  # it ended with fills we have not seen (R7)
        self._move(order, state, report, at, facts)
        facts.extend(self.close_children(order, at))

    def _replaced(self, order: Order, report: VenueReport, at: Key, facts: list[Fact]) -> None:
        if order.is_terminal:
            return
        state = order.state
        if report.quantity is not None and order.filled and report.quantity <= order.filled:
            state = OrderState.FILLED  # changed down to what has filled: complete (E45)
        fact = OrderUpdated(
            order.spec.account,
            order.id,
            state,
            Nanos(at.ts),
            report.venue_order_id,
            order.cancel_owed,
            False,
            report.quantity,
            report.limit_price,
            report.trigger_price,
            report.detail,
        )
        self._index.fold_change(order, fact)
        facts.append(fact)

    def _size_children(
        self, parent: Order, at: Key, facts: list[Fact], effects: list[Effect]
    ) -> None:
        """Release children to the filled part, so that no fill is unprotected (E48)."""
        for child_id in parent.children:
            child = self._index.get(child_id)
            if child is None or child.is_terminal:
                continue
            if child.state is OrderState.HELD:
                fact = OrderUpdated(
                    child.spec.account,
                    child_id,
                    OrderState.INTENT,
                    Nanos(at.ts),
                    quantity=parent.filled,
                )
                self._index.fold_change(child, fact)
                facts.append(fact)
                effects.append(Submit(_resized(child, parent.filled)))
            else:
                self._size_child(child, at, facts, effects)

    def _size_child(self, child: Order, at: Key, facts: list[Fact], effects: list[Effect]) -> None:
        parent = self._index.get(child.spec.parent) if child.spec.parent else None
        if parent is None or child.replace_pending or child.cancel_owed:
            return
        if child.state not in (OrderState.ACCEPTED, OrderState.PARTIAL):
            return
        if child.quantity >= parent.filled:
            return
        fact = OrderUpdated(
            child.spec.account, child.id, child.state, Nanos(at.ts), replace_pending=True
        )
        self._index.fold_change(child, fact)
        facts.append(fact)
        effects.append(Replace(child.ref, quantity=parent.filled))

    def _repeat_cancel(
        self,
        order: Order,
        report: VenueReport,
        at: Key,
        facts: list[Fact],
        effects: list[Effect],
    ) -> None:
        order.cancel_attempts += 1
        if order.cancel_attempts > self._cancel_attempts:
            facts.append(_alert(report, at, "CANCEL_OWED", "the venue keeps the order working"))
        else:
            effects.append(Cancel(order.ref))

    def _move(
        self,
        order: Order,
        state: OrderState,
        report: VenueReport,
        at: Key,
        facts: list[Fact],
        *,
        cancel_owed: bool | None = None,
    ) -> None:
        fact = OrderUpdated(
            order.spec.account,
            order.spec.client_order_id,
            state,
            Nanos(at.ts),
            report.venue_order_id,
            order.cancel_owed if cancel_owed is None else cancel_owed,
            False,
            None,
            None,
            None,
            report.detail,
        )
        self._index.fold_change(order, fact)
        facts.append(fact)


def _resized(child: Order, quantity: Decimal) -> OrderSpec:
    return msgspec.structs.replace(child.spec, quantity=quantity)


def _alert(report: VenueReport, at: Key, code: str, detail: str) -> RiskAlert:
    return RiskAlert(
        report.account, Nanos(at.ts), code, f"order {report.client_order_id}: {detail}"
    )
