"""What people and strategies did, as log lines: one id from the call to the execution.

Facts are taken as they pass and written when the engine has nothing else to do, so that no
decision waits for a line.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
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
from botcore.domain.ids import AccountId, ClientOrderId
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderSpec, OrderState
from botcore.execution import Order

_WAITING_MAX: Final = 5_000
_KNOWN_MAX: Final = 20_000
_TOLD: Final = (
    OrderUpdated,
    OrderFilled,
    OrderPlaced,
    OrderDenied,
    PersonActed,
    ModeChanged,
    RiskAlert,
)


class _About(msgspec.Struct, frozen=True, gc=False):
    """What is known of an order beside its updates.

    Attributes:
        intent: the entry whose intent it came from; its own id unless it is an exit.
        venue_order: the venue's own name for it; empty before the venue told it.
    """

    intent: ClientOrderId
    strategy: str
    symbol: str
    venue_order: str


class _Line(msgspec.Struct, frozen=True, gc=False):
    """A fact that waits to be written, with what was known when it came."""

    fact: Fact
    mode: str
    about: _About | None = None
    correlation: str = ""


class OrderLog:
    """Writes lines about facts.

    An order that somebody asked for has the correlation id of that call; a strategy's own has the
    client order id of the entry, which the decision made. Its intent is named by the entry's client
    order id either way.

    Args:
        log: takes the lines.
    """

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._waiting: deque[_Line] = deque()
        self._left_out = 0
        self._of: OrderedDict[ClientOrderId, str] = OrderedDict()
        self._orders: OrderedDict[ClientOrderId, _About] = OrderedDict()
        self._modes: dict[AccountId, Mode] = {}

    def restore(
        self,
        acts: Iterable[PersonActed],
        orders: Iterable[Order],
        modes: Mapping[AccountId, Mode],
    ) -> None:
        """Take up which call asked for which order in an earlier run, and each account's mode."""
        for order in orders:
            if order.spec.parent is not None:
                self._known(order.id, order.spec.parent)
            self._learn(order.spec, order.venue_order_id or "")
        for act in acts:
            self._asked(act)
        self._modes.update(modes)

    def add(self, fact: Fact) -> None:
        """Take a fact; nothing is written yet."""
        about: _About | None = None
        if isinstance(fact, (OrderUpdated, OrderFilled)):  # a tuple: a union is slow
            about = self._look_up(fact)
        elif isinstance(fact, OrderPlaced):
            if fact.order.parent and not self._has(fact):
                self._known(fact.order.client_order_id, fact.order.parent)
            about = self._learn(fact.order)
        elif isinstance(fact, PersonActed):
            self._asked(fact)
        elif isinstance(fact, ModeChanged):
            self._modes[fact.account] = fact.mode
        if not isinstance(fact, _TOLD):
            return
        if len(self._waiting) >= _WAITING_MAX:
            self._left_out += 1
            return
        self._waiting.append(_Line(fact, self._modes.get(fact.account, ""), about))

    def flush(self, most: int = _WAITING_MAX) -> None:
        """Write what was taken, `most` lines at a time."""
        for _ in range(min(most, len(self._waiting))):
            self._write(self._waiting.popleft())
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
        last = self._waiting[-1] if act.code and self._waiting else None
        if (
            last is not None
            and isinstance(last.fact, OrderDenied)
            and last.fact.denied.code == act.code
        ):
            self._waiting[-1] = msgspec.structs.replace(last, correlation=act.correlation)

    def _has(self, fact: OrderPlaced) -> bool:
        return fact.order.client_order_id in self._of

    def _known(self, order: ClientOrderId, correlation: str) -> None:
        self._of[order] = correlation
        while len(self._of) > _KNOWN_MAX:
            self._of.popitem(last=False)

    def _learn(self, order: OrderSpec, venue_order: str = "") -> _About:
        intent = order.parent or order.client_order_id
        about = _About(intent, order.strategy, order.instrument, venue_order)
        self._orders[order.client_order_id] = about
        while len(self._orders) > _KNOWN_MAX:
            self._orders.popitem(last=False)
        return about

    def _look_up(self, fact: OrderUpdated | OrderFilled) -> _About | None:
        """Return what is known of a fact's order, and remember what the venue calls it."""
        about = self._orders.get(fact.client_order_id)
        if about is not None and fact.venue_order_id:  # another one after a replace
            about = msgspec.structs.replace(about, venue_order=fact.venue_order_id)
            self._orders[fact.client_order_id] = about
        return about

    def _write(self, line: _Line) -> None:
        fact = line.fact
        if isinstance(fact, PersonActed):
            self._acted(fact, line.mode)
        elif isinstance(fact, OrderPlaced):
            order = fact.order
            self._log.info(
                "order_placed",
                **self._about(order.client_order_id, line),
                account=fact.account,
                side=order.side.value,
                type=order.type.value,
                quantity=f"{order.quantity:f}",
                state=fact.state.value,
            )
        elif isinstance(fact, OrderFilled):
            named = {"strategy": fact.strategy, **_traded(fact.instrument)}
            self._log.info(
                "fill",
                **{**named, **self._about(fact.client_order_id, line)},
                account=fact.account,
                side=fact.side.value,
                quantity=f"{fact.fill.quantity:f}",
                price=f"{fact.fill.price:f}",
                fee=f"{fact.fill.fee:f}",
                trade_id=fact.fill.trade_id,
                state=fact.state.value,
            )
        elif isinstance(fact, OrderUpdated):
            self._updated(fact, line)
        elif isinstance(fact, OrderDenied):
            denied = fact.denied
            self._log.info(
                "order_denied",
                **_if_known(correlation_id=line.correlation, mode=line.mode),
                account=fact.account,
                strategy=denied.strategy,
                **_traded(denied.instrument),
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

    def _acted(self, fact: PersonActed, mode: str) -> None:
        write = self._log.info if not fact.code else self._log.warning
        write(
            "command_refused" if fact.code else "command_taken",
            correlation_id=fact.correlation,
            **_if_known(mode=mode),
            actor=fact.by,
            account=fact.account,
            act=fact.act,
            orders=list(fact.orders),
            code=fact.code,
        )

    def _updated(self, fact: OrderUpdated, line: _Line) -> None:
        if fact.state is OrderState.IN_DOUBT:
            write, event = self._log.warning, "order_in_doubt"
        elif fact.state.is_terminal:
            write, event = self._log.info, "order_ended"
        else:
            return
        write(
            event,
            **self._about(fact.client_order_id, line),
            account=fact.account,
            state=fact.state.value,
            detail=fact.detail,
        )

    def _about(self, order: ClientOrderId, line: _Line) -> dict[str, Any]:
        """Return what names an order, from the call to the venue."""
        named = {"correlation_id": self.correlation(order), "client_order_id": order}
        about = line.about
        if about is None:  # placed so long ago that it was forgotten
            told = getattr(line.fact, "venue_order_id", None)
            return {**named, **_if_known(venue_order_id=told or "", mode=line.mode)}
        return {
            **named,
            "intent_id": about.intent,
            **_if_known(venue_order_id=about.venue_order, mode=line.mode),
            "strategy": about.strategy,
            **_traded(about.symbol),
        }


def _traded(instrument: str) -> dict[str, str]:
    """Return what is traded, and where: ``BTCUSDT.SIM`` trades at ``SIM``."""
    return {"symbol": instrument, **_if_known(venue=instrument.rpartition(".")[2])}


def _if_known(**fields: str) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}
