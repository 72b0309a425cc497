"""What a report means for the order it names: total, idempotent, never moving back."""

from decimal import Decimal

from botcore.domain.effects import Cancel
from botcore.domain.events import OrderFilled, OrderUpdated
from botcore.domain.keys import Key
from botcore.domain.numbers import ZERO
from botcore.domain.orders import OrderState
from botcore.domain.reports import Fill, ReportKind, VenueReport
from botcore.execution.children import Children
from botcore.execution.index import OrderIndex
from botcore.execution.order import Order
from botcore.execution.states import LEGAL, NEVER_THERE
from botcore.execution.turn import Turn

_TERMINAL_OF = {
    ReportKind.REJECTED: OrderState.REJECTED,
    ReportKind.CANCELED: OrderState.CANCELED,
    ReportKind.EXPIRED: OrderState.EXPIRED,
    ReportKind.EXPIRED_IN_MATCH: OrderState.EXPIRED_IN_MATCH,
    ReportKind.NOT_SENT: OrderState.NOT_SENT,
    ReportKind.NOT_ACCEPTED: OrderState.NOT_ACCEPTED,
}


_NOT_YET = (OrderState.INTENT, OrderState.HELD)

# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_FILLED_KIND = ReportKind.FILLED
_SENDING_KIND = ReportKind.SENDING
_ACCEPTED_KIND = ReportKind.ACCEPTED
_STATUS_KIND = ReportKind.STATUS
_INTENT = OrderState.INTENT
_SENDING = OrderState.SENDING
_ACCEPTED = OrderState.ACCEPTED
_IN_DOUBT = OrderState.IN_DOUBT
_PARTIAL = OrderState.PARTIAL
_FILLED = OrderState.FILLED


class ReportBook:
    """Applies reports to orders.

    Args:
        index: the orders.
        children: the exits that hang on them.
        cancel_attempts: how often a cancel is sent before a person is told.
        id_prefix: how our client order ids begin.
    """

    def __init__(
        self, index: OrderIndex, children: Children, *, cancel_attempts: int, id_prefix: str
    ) -> None:
        self._index = index
        self._children = children
        self._cancel_attempts = cancel_attempts
        self._id_prefix = f"{id_prefix}-"

    def apply(self, report: VenueReport, at: Key) -> Turn:
        """Return what came of a report, already folded."""
        turn = Turn(account=report.account, report=report, at=at)
        order = self._index.get(report.client_order_id)
        if order is None:
            turn.alert("ORDER_UNKNOWN", "a report names an unknown order")
            turn.halt = self._halt_for_unknown(report)
            return turn
        spec = order.spec
        if report.instrument != spec.instrument or report.account != spec.account:
            turn.alert("REPORT_MISMATCH", f"named by {report.account}/{report.instrument}")
            turn.ask(order)
            return turn
        kind = report.kind
        if kind is _FILLED_KIND:
            turn.halt = self._fill(order, turn)
        elif kind is _SENDING_KIND:
            if order.state is _INTENT:
                self._move(order, _SENDING, turn)
        elif kind is _ACCEPTED_KIND or kind is _STATUS_KIND:
            turn.halt = self._alive(order, turn)
        elif kind in _TERMINAL_OF:
            self._close(order, _TERMINAL_OF[kind], turn)
        elif kind is ReportKind.OUTCOME_UNKNOWN:
            self._doubt(order, turn)
        elif kind is ReportKind.CANCEL_REJECTED or kind is ReportKind.CANCEL_UNKNOWN:
            # Not an error (R3): it may have filled, be gone, or not be visible yet. The cancel
            # stays owed until the order is proven terminal, so the truth is asked for.
            if order.cancel_owed:
                turn.ask(order)
        elif kind is ReportKind.REPLACED:
            is_new_id = report.venue_order_id not in (None, order.venue_order_id)
            if order.replace_pending or is_new_id or _differs(order, report):
                self._replaced(order, turn)
        elif kind is ReportKind.REPLACE_REJECTED and order.replace_pending:
            self._move(order, order.state, turn)
            self._children.warn_if_unprotected(order, turn)
        # NOT_FOUND changes nothing: it is never proof alone (R3); the reconciler gathers more.
        return turn

    def _halt_for_unknown(self, report: VenueReport) -> str:
        """A fill is never dropped: one under our name that we cannot place stops the account."""
        order_id = report.client_order_id
        if report.kind is _FILLED_KIND and order_id.startswith(self._id_prefix):
            return f"a fill on order {order_id}, which is ours and unknown"
        return ""

    def _fill(self, order: Order, turn: Turn) -> str:
        report = turn.report
        fill = report.fill
        if fill is None or not (
            fill.quantity.is_finite()
            and fill.price.is_finite()
            and fill.quantity > ZERO
            and fill.price > ZERO
        ):
            turn.alert("REPORT_MALFORMED", "a fill without its figures")
            turn.ask(order)
            return ""
        if self._is_known(order, fill, turn):
            return ""
        filled = order.filled + fill.quantity
        overfill = filled - order.quantity
        before = order.state
        if order.is_terminal:
            state = before
        elif overfill >= ZERO:
            state = _FILLED
        else:
            state = _PARTIAL
        was_sent = before not in _NOT_YET
        if not was_sent:
            self._send(order, turn)
        spec = order.spec
        fact = OrderFilled(
            spec.account,
            spec.strategy,
            spec.instrument,
            spec.client_order_id,
            spec.side,
            fill,
            state,
            filled,
            overfill if overfill > ZERO else ZERO,
            report.flags,
            report.venue_order_id if order.venue_order_id is None else None,
            report.cumulative,
        )
        self._index.fold_fill(order, fact)
        turn.facts.append(fact)
        if overfill > ZERO:
            turn.alert("ORDER_OVERFILLED", f"{overfill} beyond its quantity")
        self._count(order, turn)
        if order.children:
            self._children.size_all(order, turn)
        if spec.parent is not None and state is _FILLED:
            self._children.end_entry(spec.parent, turn)
        if before in NEVER_THERE:
            return f"a fill on order {order.id}, which was {before}"
        if not was_sent:
            return f"a fill on order {order.id}, which had not been sent"
        return ""

    def _is_known(self, order: Order, fill: Fill, turn: Turn) -> bool:
        """Whether a fill has been applied already, under its own id or another."""
        known = order.fills.get(fill.trade_id)
        if known is not None:
            if known != (fill.price, fill.quantity):
                turn.alert("FILL_NOISY_DUPLICATE", f"trade {fill.trade_id}")
            return True
        cumulative = turn.report.cumulative
        if cumulative is None:
            return False
        if cumulative in order.cumulative_seen:
            return True  # the same fill under another id (E35)
        ours = order.filled + fill.quantity
        if ours > cumulative and ours > order.cumulative_highest:
            turn.ask(order)  # we would hold more than the venue counts
            return True
        return False

    def _alive(self, order: Order, turn: Turn) -> str:
        report = turn.report
        state = order.state
        if state in NEVER_THERE:
            turn.effects.append(Cancel(order.ref))
            turn.alert("ORDER_ALIVE", f"was {state}, the venue has it")
            return f"order {order.id} lives at the venue although it was {state}"
        self._count(order, turn)
        if order.is_terminal:
            return ""
        was_sent = state not in _NOT_YET
        if not was_sent:
            self._send(order, turn)
        is_news = order.state is _SENDING or order.state is _IN_DOUBT
        if is_news:
            self._move(order, _ACCEPTED, turn)
        is_status = report.kind is _STATUS_KIND
        if is_status and _differs(order, report):
            self._replaced(order, turn)
        if order.cancel_owed and (is_news or is_status):
            self._repeat_cancel(order, turn)
        if order.spec.parent is not None:
            self._children.size(order, turn)
        return "" if was_sent else f"order {order.id} lives at the venue and had not been sent"

    def _send(self, order: Order, turn: Turn) -> None:
        """Take an order that the venue has, though we never sent it, up to SENDING."""
        if order.state is OrderState.HELD:
            self._move(order, _INTENT, turn)
        self._move(order, _SENDING, turn)

    def _doubt(self, order: Order, turn: Turn) -> None:
        if order.state is _INTENT:
            self._move(order, _SENDING, turn)
        if order.state is _SENDING:
            self._move(order, _IN_DOUBT, turn)
            turn.ask(order)

    def _close(self, order: Order, state: OrderState, turn: Turn) -> None:
        if not order.is_terminal and state not in LEGAL[order.state]:
            turn.alert("REPORT_IMPOSSIBLE", f"{state} after {order.state}")
            turn.ask(order)
            return
        self._count(order, turn)
        if order.is_terminal:
            return
        is_wanted = not order.cancel_owed
        self._move(order, state, turn)
        turn.facts.extend(self._children.close(order, turn.at))
        if state is not OrderState.CANCELED:  # by us, or because another exit has filled
            self._children.warn_if_unprotected(order, turn)
        if is_wanted and (state is OrderState.NOT_SENT or state is OrderState.NOT_ACCEPTED):
            self._children.renew(order, turn.facts, turn.at)

    def _count(self, order: Order, turn: Turn) -> None:
        """Ask for the fills that we have not seen, where the venue counts more than we (R7)."""
        cumulative = turn.report.cumulative
        if cumulative is not None and cumulative > order.filled:
            turn.ask(order)

    def _replaced(self, order: Order, turn: Turn) -> None:
        if order.is_terminal:
            return
        report = turn.report
        changes = (report.quantity, report.limit_price, report.trigger_price)
        if any(value is not None and not _is_positive(value) for value in changes):
            turn.alert("REPORT_MALFORMED", "a change to nothing")
            turn.ask(order)
            return
        state = order.state
        if report.quantity is not None and order.filled and report.quantity <= order.filled:
            state = _FILLED  # changed down to what has filled: complete (E45)
        fact = OrderUpdated(
            order.spec.account,
            order.id,
            state,
            turn.ts,
            report.venue_order_id,
            order.cancel_owed,
            False,
            report.quantity,
            report.limit_price,
            report.trigger_price,
            report.detail,
        )
        self._index.fold_update(order, fact)
        turn.facts.append(fact)
        self._children.size(order, turn)  # its parent may have filled meanwhile

    def _repeat_cancel(self, order: Order, turn: Turn) -> None:
        attempts = order.cancel_attempts
        if attempts > self._cancel_attempts:
            return
        self._move(order, order.state, turn)  # counts: an attempt is a fact
        if attempts == self._cancel_attempts:
            turn.alert("CANCEL_OWED", "the venue keeps the order working")
        else:
            turn.effects.append(Cancel(order.ref))

    def _move(self, order: Order, state: OrderState, turn: Turn) -> None:
        report, spec = turn.report, order.spec
        fact = OrderUpdated(
            spec.account,
            spec.client_order_id,
            state,
            turn.ts,
            report.venue_order_id,
            order.cancel_owed,
            False,
            None,
            None,
            None,
            report.detail,
        )
        self._index.fold_update(order, fact)
        turn.facts.append(fact)


def _is_positive(value: Decimal) -> bool:
    return value.is_finite() and value > ZERO


def _differs(order: Order, report: VenueReport) -> bool:
    """Whether the venue's status says other numbers than ours (an unanswered replace)."""
    return (
        (report.quantity is not None and report.quantity != order.quantity)
        or (report.limit_price is not None and report.limit_price != order.limit_price)
        or (report.trigger_price is not None and report.trigger_price != order.trigger_price)
    )
