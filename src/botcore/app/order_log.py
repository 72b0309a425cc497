"""What people and strategies did, as log lines: one id from the call to the execution.

Facts are taken as they pass and written when the engine has nothing else to do, so that no
decision waits for a line.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Final

from structlog.typing import FilteringBoundLogger

from botcore.domain.events import (
    Fact,
    ModeChanged,
    OrderDenied,
    OrderFilled,
    OrderPlaced,
    OrderUpdated,
    PersonActed,
    RiskAlert,
)
from botcore.domain.ids import ClientOrderId
from botcore.domain.orders import OrderState
from botcore.execution import Order

_WAITING_MAX: Final = 5_000
_KNOWN_MAX: Final = 20_000
_TOLD: Final = (
    PersonActed,
    OrderPlaced,
    OrderUpdated,
    OrderFilled,
    OrderDenied,
    ModeChanged,
    RiskAlert,
)


class OrderLog:
    """Writes lines about facts.

    An order that somebody asked for has the correlation id of that call; a strategy's own has the
    client order id of the entry, which the decision made.

    Args:
        log: takes the lines.
    """

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._waiting: deque[tuple[Fact, str]] = deque()
        self._left_out = 0
        self._of: OrderedDict[ClientOrderId, str] = OrderedDict()

    def restore(self, acts: Iterable[PersonActed], orders: Iterable[Order]) -> None:
        """Take up which call asked for which order in an earlier run."""
        for order in orders:
            if order.spec.parent is not None:
                self._known(order.id, order.spec.parent)
        for act in acts:
            self._asked(act)

    def add(self, fact: Fact) -> None:
        """Take a fact; nothing is written yet."""
        if isinstance(fact, PersonActed):
            self._asked(fact)
        elif isinstance(fact, OrderPlaced) and fact.order.parent and not self._has(fact):
            self._known(fact.order.client_order_id, fact.order.parent)
        if not isinstance(fact, _TOLD):
            return
        if len(self._waiting) >= _WAITING_MAX:
            self._left_out += 1
            return
        self._waiting.append((fact, ""))

    def flush(self, most: int = _WAITING_MAX) -> None:
        """Write what was taken, `most` lines at a time."""
        for _ in range(min(most, len(self._waiting))):
            self._write(*self._waiting.popleft())
        if self._left_out and not self._waiting:
            self._log.warning("lines_left_out", count=self._left_out)
            self._left_out = 0

    def correlation(self, order: ClientOrderId) -> str:
        """Return the correlation id of an order: of its call, or its entry's own id."""
        seen = order
        for _ in range(2):  # an exit, its entry, the call
            found = self._of.get(seen)
            if found is None:
                return seen
            seen = ClientOrderId(found)
        return seen

    def _asked(self, act: PersonActed) -> None:
        """Remember whose orders an act's are; the denial right before it is its own."""
        for order in act.orders if act.correlation else ():
            self._known(order, act.correlation)
        last = self._waiting[-1][0] if act.code and self._waiting else None
        if isinstance(last, OrderDenied) and last.denied.code == act.code:
            self._waiting[-1] = (last, act.correlation)

    def _has(self, fact: OrderPlaced) -> bool:
        return fact.order.client_order_id in self._of

    def _known(self, order: ClientOrderId, correlation: str) -> None:
        self._of[order] = correlation
        while len(self._of) > _KNOWN_MAX:
            self._of.popitem(last=False)

    def _write(self, fact: Fact, correlation: str) -> None:
        if isinstance(fact, PersonActed):
            self._acted(fact)
        elif isinstance(fact, OrderPlaced):
            order = fact.order
            self._log.info(
                "order_placed",
                **self._about(order.client_order_id),
                account=fact.account,
                strategy=order.strategy,
                symbol=order.instrument,
                side=order.side.value,
                type=order.type.value,
                quantity=f"{order.quantity:f}",
                state=fact.state.value,
            )
        elif isinstance(fact, OrderFilled):
            self._log.info(
                "fill",
                **self._about(fact.client_order_id),
                account=fact.account,
                strategy=fact.strategy,
                symbol=fact.instrument,
                side=fact.side.value,
                quantity=f"{fact.fill.quantity:f}",
                price=f"{fact.fill.price:f}",
                fee=f"{fact.fill.fee:f}",
                trade_id=fact.fill.trade_id,
                state=fact.state.value,
            )
        elif isinstance(fact, OrderUpdated):
            self._updated(fact)
        elif isinstance(fact, OrderDenied):
            denied = fact.denied
            self._log.info(
                "order_denied",
                **({"correlation_id": correlation} if correlation else {}),
                account=fact.account,
                strategy=denied.strategy,
                symbol=denied.instrument,
                code=denied.code,
                value=denied.value,
                limit=denied.limit,
            )
        elif isinstance(fact, ModeChanged):
            self._log.warning(
                "mode_changed",
                account=fact.account,
                mode=fact.mode.value,
                previous=fact.previous.value,
                cause=fact.cause,
                actor=fact.by,
            )
        elif isinstance(fact, RiskAlert) and not fact.code.startswith("MODE_"):
            self._log.warning("alert", account=fact.account, code=fact.code, detail=fact.detail)

    def _acted(self, fact: PersonActed) -> None:
        write = self._log.info if not fact.code else self._log.warning
        write(
            "command_refused" if fact.code else "command_taken",
            correlation_id=fact.correlation,
            actor=fact.by,
            account=fact.account,
            act=fact.act,
            orders=list(fact.orders),
            code=fact.code,
        )

    def _updated(self, fact: OrderUpdated) -> None:
        if fact.state is OrderState.IN_DOUBT:
            write, event = self._log.warning, "order_in_doubt"
        elif fact.state.is_terminal:
            write, event = self._log.info, "order_ended"
        else:
            return
        write(
            event,
            **self._about(fact.client_order_id),
            account=fact.account,
            state=fact.state.value,
            detail=fact.detail,
        )

    def _about(self, order: ClientOrderId) -> dict[str, str]:
        return {"correlation_id": self.correlation(order), "client_order_id": order}
