"""What people do by hand: orders, changes, cancels and limits, each once, and noted.

A person's order passes the gate that every order passes. It belongs to a sub-ledger: `MANUAL`, or a
strategy whose own position it changes. What came of an act is a fact in the same step, so that
after a crash either both are known or neither.
"""

from collections.abc import Callable, Iterable

from botcore.domain import commands as c
from botcore.domain.decisions import Denied
from botcore.domain.errors import ConfigError
from botcore.domain.events import Fact, OrderDenied, OrderPlaced, PersonActed
from botcore.domain.ids import AccountId, ClientOrderId, InstrumentId, Nanos, StrategyId
from botcore.domain.intents import ReplaceOrder
from botcore.domain.keys import Key
from botcore.engine.acts import Acts, digest_of
from botcore.engine.deciding import Deciders
from botcore.engine.desk import Desk
from botcore.engine.intents import change_order
from botcore.engine.limits import LimitsInForce
from botcore.execution import Order
from botcore.risk import sentence

_NOBODY = StrategyId("")
_NOTHING = InstrumentId("")


class Manual:
    """Carries out what people ask for under a reference.

    Args:
        desk: risk, execution and portfolio.
        deciders: the strategies, whose sub-ledgers a person may act on.
        acts: what was asked for before.
        limits: those in force.
    """

    def __init__(
        self, desk: Desk, deciders: Deciders, *, acts: Acts, limits: LimitsInForce
    ) -> None:
        self._desk = desk
        self._deciders = deciders
        self._acts = acts
        self._limits = limits

    def handlers(self) -> dict[type, Callable[[Key, object], None]]:
        """Return command type → the function that carries it out."""
        table: dict[type, object] = {
            c.SubmitOrder: self._submit,
            c.AmendOrder: self._amend,
            c.CancelOne: self._cancel,
            c.UseLimits: self._use_limits,
        }
        return table  # type: ignore[return-value]  # each handler takes the type it stands under

    def _submit(self, key: Key, event: c.SubmitOrder) -> None:
        if self._acts.is_known(event):
            return
        facts = self._desk.out.facts
        before = len(facts)
        denied = refusal_of(event.order, self._desk, self._deciders, key)
        if denied is None:
            denied = self._desk.place(event.order.intent(), key)
        self._note(event, key, _placed(facts[before:]), denied)

    def _amend(self, key: Key, event: c.AmendOrder) -> None:
        if self._acts.is_known(event):
            return
        order = self._order(event)
        denied = self._refuse_change(event, order, key)
        if denied is None and order is not None:
            change = ReplaceOrder(
                event.account,
                order.spec.strategy,
                order.id,
                event.quantity,
                event.limit_price,
                event.trigger_price,
            )
            denied = change_order(self._desk, order, change, key)
        self._note(event, key, () if denied else (event.client_order_id,), denied)

    def _cancel(self, key: Key, event: c.CancelOne) -> None:
        if event.reference and self._acts.is_known(event):
            return
        order = self._order(event)
        denied: Denied | None = None
        if order is None:
            denied = _denied(event.account, "ORDER_UNKNOWN", key)
        elif order.is_terminal:
            denied = _denied(event.account, "ORDER_NOT_WORKING", key, order)
        else:
            desk = self._desk
            desk.take(desk.execution.cancel(order.id, at=key, detail=f"by {event.by}"), key)
        if event.reference:
            self._note(event, key, () if denied else (event.client_order_id,), denied)

    def _use_limits(self, key: Key, event: c.UseLimits) -> None:
        if self._acts.is_known(event):
            return
        facts = self._desk.out.facts
        try:
            limits = self._limits.changed(event.account, event.limits)
        except ConfigError as refused:
            self._keep(_acted(event, key, code=refused.code, detail=refused.cause))
            return
        changed = self._limits.use(event.account, limits, by=event.by, ts=key.ts)
        if changed is not None:
            facts.append(changed)
        self._keep(_acted(event, key))

    def _order(self, event: c.AmendOrder | c.CancelOne) -> Order | None:
        """Return the order, None where the account has no such."""
        order = self._desk.execution.index.get(event.client_order_id)
        return None if order is None or order.spec.account != event.account else order

    def _refuse_change(self, event: c.AmendOrder, order: Order | None, key: Key) -> Denied | None:
        if order is None:
            return _denied(event.account, "ORDER_UNKNOWN", key)
        if event.quantity is event.limit_price is event.trigger_price is None:
            return _denied(event.account, "INTENT_MALFORMED", key, order)
        if order.is_terminal:
            return _denied(event.account, "ORDER_NOT_WORKING", key, order)
        if not self._deciders.is_ready:
            return _denied(event.account, "NOT_READY", key, order)
        return None

    def _note(
        self,
        event: c.Referenced,
        key: Key,
        orders: tuple[ClientOrderId, ...],
        denied: Denied | None,
    ) -> None:
        if denied is None:
            self._keep(_acted(event, key, orders=orders))
            return
        self._desk.out.facts.append(OrderDenied(event.account, denied))
        self._keep(
            _acted(
                event,
                key,
                code=denied.code,
                detail=sentence(denied),
                value=denied.value,
                limit=denied.limit,
            )
        )

    def _keep(self, act: PersonActed) -> None:
        self._desk.out.facts.append(act)
        self._acts.fold(act)


def refusal_of(order: c.OrderWish, desk: Desk, deciders: Deciders, key: Key) -> Denied | None:
    """Return why a person's order does not even come to the gate, None if it does."""
    who = (order.account, order.strategy, order.instrument)

    def no(code: str) -> Denied:
        return Denied(*who, code, 0.0, 0.0, Nanos(key.ts))

    if order.instrument not in desk.view.instruments():
        return no("INSTRUMENT_UNKNOWN")
    is_known = order.strategy == c.MANUAL or any(
        slot.strategy == order.strategy and slot.account == order.account for slot in deciders.slots
    )
    # What a strategy that is gone has left can still be closed.
    if not is_known and not any(
        held.strategy == order.strategy and held.quantity
        for held in desk.portfolio.positions(order.account)
    ):
        return no("STRATEGY_UNKNOWN")
    return None if deciders.is_ready else no("NOT_READY")


def _placed(facts: Iterable[Fact]) -> tuple[ClientOrderId, ...]:
    return tuple(fact.order.client_order_id for fact in facts if isinstance(fact, OrderPlaced))


def _denied(account: AccountId, code: str, key: Key, order: Order | None = None) -> Denied:
    strategy = _NOBODY if order is None else order.spec.strategy
    instrument = _NOTHING if order is None else order.spec.instrument
    return Denied(account, strategy, instrument, code, 0.0, 0.0, Nanos(key.ts))


def _acted(
    event: c.Referenced,
    key: Key,
    *,
    orders: tuple[ClientOrderId, ...] = (),
    code: str = "",
    detail: str = "",
    value: float = 0.0,
    limit: float = 0.0,
) -> PersonActed:
    return PersonActed(
        event.account,
        Nanos(key.ts),
        event.by,
        type(event).__name__,
        event.reference,
        digest_of(event),
        event.correlation,
        orders,
        code,
        detail,
        value,
        limit,
    )
