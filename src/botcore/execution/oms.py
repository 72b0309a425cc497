"""Order management: approved orders in, reports in; facts and effects out.

The only writer of order state. Nothing here sends: a `Submit` is released by a runner after the
facts that caused it are durable (rule R1).
"""

import string
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from botcore.domain.decisions import Approved, ApprovedOrder, Denied
from botcore.domain.effects import Cancel, Effect, Query, Replace, Submit
from botcore.domain.errors import ConfigError, InvariantBroken
from botcore.domain.events import Fact, OrderFilled, OrderPlaced, OrderUpdated, RiskAlert
from botcore.domain.ids import (
    CLIENT_ORDER_ID,
    AccountId,
    ClientOrderId,
    InstrumentId,
    Nanos,
    StrategyId,
)
from botcore.domain.intents import ReplaceOrder
from botcore.domain.keys import Key
from botcore.domain.numbers import QUANTUM
from botcore.domain.orders import OrderSpec, OrderState, Side
from botcore.domain.reports import VenueReport
from botcore.execution.children import Children, LotOf
from botcore.execution.index import OrderIndex
from botcore.execution.order import Order
from botcore.execution.reporting import ReportBook
from botcore.execution.snapshot import read_state, write_state
from botcore.execution.states import AT_VENUE
from botcore.execution.turn import ExecutionReport

_DIGITS = string.digits + string.ascii_uppercase
_PREFIX_LONGEST = 12
_ID_PARTS = 3
"""Epoch, number and attempt, behind the prefix."""

# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_HELD = OrderState.HELD
_INTENT = OrderState.INTENT


class ExecutionConfig(msgspec.Struct, frozen=True, gc=False):
    """Tunables of order management.

    Attributes:
        id_prefix: the first part of every client order id: product and bot; 1 to 12 characters
            that venues take, so that epoch, number and attempt always fit behind it.
        terminal_kept: terminal orders held in memory for late fills.
        cancel_attempts: how often an owed cancel is sent before a person is told.
    """

    id_prefix: str = "BC-1"
    terminal_kept: int = 10_000
    cancel_attempts: int = 5

    def __post_init__(self) -> None:
        """Refuse a prefix that venues would not take.

        Raises:
            ConfigError: the prefix is empty, too long or holds an odd character.
        """
        if len(self.id_prefix) > _PREFIX_LONGEST or CLIENT_ORDER_ID.match(self.id_prefix) is None:
            raise ConfigError(
                code="ID_PREFIX_REFUSED",
                cause=f"client order id prefix {self.id_prefix!r} is not 1 to {_PREFIX_LONGEST}"
                " characters of A-Z a-z 0-9 . : / _ -",
                fix="use a short one such as BC-1",
            )


class OrderExecutionEngine:
    """Turns approved orders into working ones and reports into order facts.

    Args:
        seal: the object that only `risk` also holds; an `Approved` with another is refused.
        config: tunables.
        lot_of: the quantity step of an instrument now, base units; a quantum where nobody says.

    Attributes:
        index: every order in memory (read only).
    """

    def __init__(
        self, *, seal: object, config: ExecutionConfig | None = None, lot_of: LotOf | None = None
    ) -> None:
        self._seal = seal
        self._config = config or ExecutionConfig()
        self.index = OrderIndex(terminal_kept=self._config.terminal_kept)
        self._children = Children(
            self.index, next_attempt=self._next_attempt, lot_of=lot_of or (lambda _: QUANTUM)
        )
        self._reports = ReportBook(
            self.index,
            self._children,
            cancel_attempts=self._config.cancel_attempts,
            id_prefix=self._config.id_prefix,
        )
        self._intents = 0
        self._epoch = self._epoch_used = 0
        self._id_stem = ""
        self.begin_epoch(0)

    @property
    def epoch(self) -> int:
        """What stands in client order ids now."""
        return self._epoch

    def begin_epoch(self, epoch: int) -> None:
        """Put `epoch` into every client order id from now on (R2).

        Raises:
            InvariantBroken: `epoch` is lower than the one in force: ids could repeat.
        """
        if epoch < self._epoch:
            raise InvariantBroken(
                code="EPOCH_WENT_BACK",
                cause=f"epoch {epoch} was to follow {self._epoch}",
                fix="start with an epoch that is not lower; nothing was sent",
            )
        self._epoch = epoch
        self._id_stem = f"{self._config.id_prefix}-{_base36(epoch)}-"

    def execute_order(self, approved: Approved, *, at: Key) -> ExecutionReport:
        """Open an approved order and hold its children.

        Raises:
            InvariantBroken: `approved` was not sealed by risk.
        """
        if approved.seal is not self._seal:
            raise InvariantBroken(
                code="APPROVAL_UNSEALED",
                cause="an order reached execution without the risk gate's seal",
                fix="nothing was sent; report this as a bug",
            )
        orders = approved.orders
        first = self._placed(approved, orders[0], None, at)
        facts: list[Fact] = [first]
        self.index.fold_placed(first)
        for child in orders[1:]:
            held = self._placed(approved, child, first.order.client_order_id, at)
            self.index.fold_placed(held)
            facts.append(held)
        return ExecutionReport(facts, [Submit(first.order)])

    def apply(self, report: VenueReport, *, at: Key) -> ExecutionReport:
        """Apply a report, whatever it says and however often it comes.

        Total and idempotent: a stale, duplicate or unknown one changes nothing, or only raises
        an alarm.
        """
        return self._reports.apply(report, at)

    def cancel(self, order_id: ClientOrderId, *, at: Key, detail: str = "") -> ExecutionReport:
        """Ask for an order to be cancelled: owed until it is proven terminal (K15, E43).

        A held order, which lives only with us, is closed at once; an unknown or terminal one is
        left alone. A cancel that is owed already is repeated by the reports that come, so asking
        again changes nothing until those attempts are spent.
        """
        order = self.index.get(order_id)
        if order is None or order.is_terminal:
            return ExecutionReport()
        if order.cancel_owed and order.cancel_attempts <= self._config.cancel_attempts:
            return ExecutionReport()
        facts: list[Fact] = []
        effects: list[Effect] = []
        if order.state is _HELD:
            self._update(order, OrderState.CANCELED, facts, at, detail=detail)
            return ExecutionReport(facts)
        pending = order.replace_pending
        self._update(
            order,
            order.state,
            facts,
            at,
            cancel_owed=True,
            replace_pending=pending,
            detail=detail,
        )
        if order.state in AT_VENUE:
            effects.append(Cancel(order.ref))
        return ExecutionReport(facts, effects)

    def cancel_all(
        self,
        account: AccountId,
        *,
        at: Key,
        strategy: StrategyId | None = None,
        instrument: InstrumentId | None = None,
        side: Side | None = None,
        detail: str = "",
    ) -> ExecutionReport:
        """Ask for every working order (of a strategy, instrument, side) to be cancelled."""
        facts: list[Fact] = []
        effects: list[Effect] = []
        for order in self.index.all_working(account, strategy, instrument, side):
            one = self.cancel(order.id, at=at, detail=detail)
            facts.extend(one.facts)
            effects.extend(one.effects)
        return ExecutionReport(facts, effects)

    def replace(
        self,
        intent: ReplaceOrder,
        *,
        quantity: Decimal | None,
        limit_price: Decimal | None,
        trigger_price: Decimal | None,
        at: Key,
    ) -> ExecutionReport | Denied:
        """Ask for a working order to be changed (values already on the grid, checked by risk).

        A total quantity below what has filled is refused here (E45); equal to it, the order
        closes as FILLED once the venue confirms.
        """
        order = self.index.get(intent.client_order_id)
        if order is None or order.state not in (OrderState.ACCEPTED, OrderState.PARTIAL):
            return self._denied(intent, "ORDER_NOT_WORKING", 0.0, 0.0, at)
        if order.replace_pending or order.cancel_owed:
            return self._denied(intent, "ORDER_CHANGE_PENDING", 0.0, 0.0, at)
        if quantity is not None and quantity < order.filled:
            return self._denied(
                intent, "QUANTITY_BELOW_FILLED", float(quantity), float(order.filled), at
            )
        facts: list[Fact] = []
        self._update(order, order.state, facts, at, replace_pending=True)
        effect = Replace(order.ref, quantity, limit_price, trigger_price)
        return ExecutionReport(facts, [effect])

    def recover(self, account: AccountId, *, at: Key) -> ExecutionReport:
        """Take up after a restart (R10): close what never left, ask about everything else.

        An `INTENT` was never sent: the sender makes `SENDING` durable before the first byte
        (K04). A `SENDING` one has an unknown outcome (K05–K09). An owed cancel is repeated (K15).
        """
        facts: list[Fact] = self.drop_unsent(account, at=at).facts
        effects: list[Effect] = []
        for order in self.index.all_working(account):
            if order.state is OrderState.SENDING:
                self._update(order, OrderState.IN_DOUBT, facts, at, cancel_owed=order.cancel_owed)
            elif order.replace_pending:  # its answer is lost; the query's answer says what stands
                self._update(order, order.state, facts, at, cancel_owed=order.cancel_owed)
            if order.state in AT_VENUE:
                if order.cancel_owed and order.state is not OrderState.IN_DOUBT:
                    effects.append(Cancel(order.ref))
                effects.append(Query(order.ref))
        return ExecutionReport(facts, effects)

    def drop_unsent(self, account: AccountId, *, at: Key) -> ExecutionReport:
        """Close every order that was never handed to the sender (K04, a failed commit)."""
        facts: list[Fact] = []
        for order in self.index.all_working(account):
            if order.state is _INTENT:
                is_wanted = not order.cancel_owed
                self._update(order, OrderState.NOT_SENT, facts, at, detail="never sent")
                facts.extend(self._children.close(order, at))
                parent = self.index.get(order.spec.parent) if order.spec.parent else None
                if parent is not None and parent.filled:
                    detail = f"order {order.id}: never sent, its entry has filled"
                    facts.append(RiskAlert(account, Nanos(at.ts), "FILL_UNPROTECTED", detail))
                    if is_wanted:
                        self._children.renew(order, facts, at)
        return ExecutionReport(facts)

    def protect(self, account: AccountId, *, at: Key) -> ExecutionReport:
        """Send the exits that are held although their entry has filled, once all is reconciled."""
        facts, effects = self._children.protect(account, at)
        return ExecutionReport(facts, effects)

    def fold(self, fact: Fact) -> None:
        """Apply a fact of an earlier session: the same folds that ran when it was made."""
        if isinstance(fact, OrderPlaced):
            self.index.fold_placed(fact)
            self._intents += 1
            self._take_epoch(fact.order.client_order_id)
        elif isinstance(fact, OrderUpdated | OrderFilled):
            order = self.index.get(fact.client_order_id)
            if order is None:
                return
            if isinstance(fact, OrderFilled):
                self.index.fold_fill(order, fact)
            else:
                self.index.fold_update(order, fact)

    def state(self) -> dict[str, Any]:
        """Return every order in memory, the count of intents and the epoch, as JSON values.

        The epoch is the highest that an order carries: a session that placed none is no fact.
        """
        return write_state(self.index, epoch=self._epoch_used, intents=self._intents)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what `state` described; the index handed out earlier stays current.

        Raises:
            InvariantBroken: ``EXECUTION_STATE_MALFORMED``; nothing was changed.
        """
        read = read_state(state, self.index)
        self._intents = read.intents
        self._epoch, self._epoch_used = 0, read.epoch
        self.begin_epoch(read.epoch)

    def _take_epoch(self, order: ClientOrderId) -> None:
        """Take up the epoch that an id of ours carries, so that a fold of facts knows it."""
        parts = order.removeprefix(f"{self._config.id_prefix}-").split("-")
        if len(parts) == _ID_PARTS and parts[0].isalnum():
            self._epoch_used = max(self._epoch_used, int(parts[0], 36))
            self.begin_epoch(max(self._epoch, self._epoch_used))

    def _next_attempt(self, order: ClientOrderId) -> ClientOrderId:
        _, number, attempt = order.rsplit("-", 2)
        self._intents += 1  # as the fold counts: one for each order placed
        self._epoch_used = self._epoch
        return ClientOrderId(f"{self._id_stem}{number}-{_base36(int(attempt, 36) + 1)}")

    def _placed(
        self, approved: Approved, order: ApprovedOrder, parent: ClientOrderId | None, at: Key
    ) -> OrderPlaced:
        self._intents += 1
        self._epoch_used = self._epoch
        order_id = ClientOrderId(f"{self._id_stem}{_base36(self._intents)}-1")
        group = order.oco_group
        if group and parent is not None:
            group = parent
        elif group:
            group = f"{approved.strategy}/{group}"  # a name of one strategy's own
        spec = OrderSpec(
            order_id,
            approved.account,
            approved.strategy,
            approved.instrument,
            order.side,
            order.type,
            order.quantity,
            order.limit_price,
            order.trigger_price,
            order.trail,
            order.time_in_force,
            order.expires_at,
            order.reduce_only,
            parent,
            group,
        )
        return OrderPlaced(
            approved.account,
            spec,
            _HELD if order.held else _INTENT,
            order.reserve,
            order.reserve_currency,
            approved.decision_price,
            Nanos(at.ts),
            approved.reason,
            approved.config,
        )

    def _update(
        self,
        order: Order,
        state: OrderState,
        facts: list[Fact],
        at: Key,
        *,
        cancel_owed: bool = False,
        replace_pending: bool = False,
        detail: str = "",
    ) -> None:
        fact = OrderUpdated(
            order.spec.account,
            order.id,
            state,
            Nanos(at.ts),
            None,
            cancel_owed,
            replace_pending,
            None,
            None,
            None,
            detail,
        )
        self.index.fold_update(order, fact)
        facts.append(fact)

    def _denied(
        self, intent: ReplaceOrder, code: str, value: float, limit: float, at: Key
    ) -> Denied:
        order = self.index.get(intent.client_order_id)
        instrument = order.spec.instrument if order else InstrumentId("")
        return Denied(
            intent.account,
            intent.strategy,
            instrument,
            code,
            value,
            limit,
            Nanos(at.ts),
            intent.reason,
        )


def _base36(number: int) -> str:
    high, digit = divmod(number, 36)
    return _high_digits(high) + _DIGITS[digit] if high else _DIGITS[digit]


@lru_cache(maxsize=16)
def _high_digits(number: int) -> str:
    """Remember: consecutive numbers share all digits but the last."""
    return _base36(number)
