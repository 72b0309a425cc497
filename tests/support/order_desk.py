"""Order management with a short hand: open, report, and see what came of it."""

from decimal import Decimal
from typing import Any

from tests.support.builders import (
    SEAL,
    a_fill,
    a_key,
    a_report,
    an_approved,
    an_approved_order,
)

from botcore.domain.decisions import ApprovedOrder
from botcore.domain.effects import Effect
from botcore.domain.events import Fact, OrderPlaced, OrderUpdated, RiskAlert
from botcore.domain.ids import ClientOrderId
from botcore.domain.orders import OrderState
from botcore.domain.reports import ReportKind
from botcore.execution import ExecutionConfig, ExecutionReport, Order, OrderExecutionEngine

S = OrderState
K = ReportKind

TO_STATE: dict[OrderState, tuple[ReportKind, ...]] = {
    S.INTENT: (),
    S.SENDING: (K.SENDING,),
    S.IN_DOUBT: (K.SENDING, K.OUTCOME_UNKNOWN),
    S.ACCEPTED: (K.SENDING, K.ACCEPTED),
    S.PARTIAL: (K.SENDING, K.ACCEPTED, K.FILLED),
    S.FILLED: (K.SENDING, K.ACCEPTED, K.FILLED, K.FILLED),
    S.CANCELED: (K.SENDING, K.ACCEPTED, K.CANCELED),
    S.EXPIRED: (K.SENDING, K.ACCEPTED, K.EXPIRED),
    S.EXPIRED_IN_MATCH: (K.SENDING, K.ACCEPTED, K.EXPIRED_IN_MATCH),
    S.REJECTED: (K.SENDING, K.REJECTED),
    S.NOT_SENT: (K.SENDING, K.NOT_SENT),
    S.NOT_ACCEPTED: (K.SENDING, K.OUTCOME_UNKNOWN, K.NOT_ACCEPTED),
}
"""The shortest legal way to each state that an order reaches by itself."""


class OrderDesk:
    """An `OrderExecutionEngine` and everything it said."""

    def __init__(self, **config: Any) -> None:
        self.engine = OrderExecutionEngine(seal=SEAL, config=ExecutionConfig(**config))
        self.facts: list[Fact] = []
        self.effects: list[Effect] = []
        self.halts: list[str] = []
        self._trades = 0

    def open(self, *orders: ApprovedOrder) -> Order:
        """Open an approved order with its children; return the order."""
        approved = an_approved(*(orders or (an_approved_order(),)))
        report = self.take(self.engine.execute_order(approved, at=a_key()))
        placed = report.facts[0]
        assert isinstance(placed, OrderPlaced)
        return self[placed.order.client_order_id]

    def opened_in(self, state: OrderState, *orders: ApprovedOrder) -> Order:
        """Open an order and bring it to a state the shortest way (fills are of half of it)."""
        order = self.open(*orders)
        for kind in TO_STATE[state]:
            if kind is K.FILLED:
                self.fill(order, str(order.spec.quantity / 2))
            else:
                self.report(kind, order)
        assert order.state is state
        return order

    def report(self, kind: ReportKind, order: Order, **fields: Any) -> ExecutionReport:
        """Apply a report about an order."""
        report = a_report(kind, order.id, **fields)
        return self.take(self.engine.apply(report, at=a_key(1)))

    def fill(
        self, order: Order, quantity: str, *, trade: str = "", price: str = "100", **fields: Any
    ) -> ExecutionReport:
        """Apply a fill; each is a trade of its own unless named."""
        self._trades += 1
        fill = a_fill(trade or f"auto-{self._trades}", quantity, price)
        return self.report(K.FILLED, order, fill=fill, **fields)

    def cancel(self, order: Order) -> ExecutionReport:
        """Ask for an order to be cancelled."""
        return self.take(self.engine.cancel(order.id, at=a_key(1)))

    def take(self, report: ExecutionReport) -> ExecutionReport:
        """Remember what came of an act."""
        self.facts.extend(report.facts)
        self.effects.extend(report.effects)
        if report.halt:
            self.halts.append(report.halt)
        return report

    def children(self, order: Order) -> list[Order]:
        """The orders that hang on an order, in the order of their placing."""
        return [self[child] for child in order.children]

    def alerts(self) -> list[str]:
        """The codes a person was told, in order."""
        return [fact.code for fact in self.facts if isinstance(fact, RiskAlert)]

    def states(self, order: Order) -> list[OrderState]:
        """The states that facts without a fill gave an order, in order."""
        return [
            fact.state
            for fact in self.facts
            if isinstance(fact, OrderUpdated) and fact.client_order_id == order.id
        ]

    def locked(self, order: Order) -> Decimal:
        """What the account has locked in the currency of an order."""
        return self.engine.index.locked(order.spec.account, order.reserve_currency)

    def __getitem__(self, order: ClientOrderId) -> Order:
        """The order under this id."""
        found = self.engine.index.get(order)
        assert found is not None
        return found


def figures(order: Order) -> tuple[object, ...]:
    """What an order amounts to, whatever the way it came about."""
    return (
        order.id,
        order.state,
        order.quantity,
        order.limit_price,
        order.trigger_price,
        order.filled,
        order.locked,
        order.venue_order_id,
        order.cancel_owed,
        order.replace_pending,
        dict(sorted(order.fills.items())),
        tuple(order.children),
    )


def seen(*values: object) -> tuple[object, ...]:
    """Values side by side, to be compared in one line (a `Decimal` equals an `int`)."""
    return values
