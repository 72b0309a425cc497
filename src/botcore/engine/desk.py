"""The desk: execution's results become booked fills, modes and, where money demands it, a halt."""

from collections.abc import Callable, Iterable

from botcore.domain.commands import LiftLock
from botcore.domain.decisions import Denied
from botcore.domain.effects import Query
from botcore.domain.events import (
    Fact,
    LedgerPosted,
    ModeChanged,
    OrderFilled,
    OrderPlaced,
    OrderUpdated,
    RiskAlert,
)
from botcore.domain.ids import (
    MINUTE_NS,
    AccountId,
    ClientOrderId,
    InstrumentId,
    Nanos,
    StrategyId,
)
from botcore.domain.instruments import InstrumentBook
from botcore.domain.intents import PlaceOrder
from botcore.domain.keys import Key
from botcore.domain.modes import Mode
from botcore.domain.numbers import ZERO, exact
from botcore.domain.orders import OrderState, OrderType, Side
from botcore.domain.reports import VenueReport
from botcore.engine.config import EngineConfig
from botcore.engine.guarding import Guarding
from botcore.engine.outbox import Outbox
from botcore.engine.view import AccountView
from botcore.execution import ExecutionReport, OrderExecutionEngine
from botcore.kernel.failpoint import hit
from botcore.portfolio import Portfolio, Valuation
from botcore.risk import AccountRisk, RiskManagementSystem

LineChanged = Callable[[AccountId, StrategyId, InstrumentId], None]
FillSeen = Callable[[OrderFilled, Key], None]

# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_SELL = Side.SELL
_ON_ITS_WAY = (OrderState.SENDING, OrderState.ACCEPTED)


IN_DOUBT = "IN_DOUBT"
DOUBT_NS = 5 * MINUTE_NS
"""How long an order may be in doubt before the account only reduces."""
ASK_AGAIN_NS = MINUTE_NS // 2
"""How often the venue is asked about an order in doubt, at the bars' pace."""


class Desk:
    """Risk, execution and portfolio of the accounts, and the outbox they write to.

    Args:
        config: accounts, instruments and limits.
        outbox: where facts and effects go.

    Attributes:
        has_lifted: whether the newest `LiftLock` found a lock to lift; for its answer alone.
    """

    def __init__(self, config: EngineConfig, outbox: Outbox) -> None:
        seal = object()
        self.out = outbox
        self.portfolio = Portfolio()
        self.valuation = Valuation(
            self.portfolio, reporting={a.id: a.reporting for a in config.accounts}
        )
        self.execution = OrderExecutionEngine(
            seal=seal,
            config=config.execution,
            lot_of=lambda instrument: self.view.instrument(instrument).lot,
        )
        self.view = AccountView(
            portfolio=self.portfolio,
            valuation=self.valuation,
            orders=self.execution.index,
            instruments=InstrumentBook(config.instruments),
        )
        self.risk = RiskManagementSystem(seal=seal, view=self.view, config_digest=config.digest)
        self.accounts: tuple[AccountRisk, ...] = tuple(
            self.risk.add_account(account.id, account.limits, account.protections)
            for account in config.accounts
        )
        self._guarded = Guarding(self.accounts, self.portfolio, self.execution.index)
        self._asked: dict[ClientOrderId, int] = {}
        self.has_lifted = False
        self._line_changed: LineChanged = _ignore_line
        self._fill_seen: FillSeen = _ignore_fill

    def listen(self, *, line_changed: LineChanged, fill_seen: FillSeen) -> None:
        """Say who hears of a change on a strategy's line, and of a fill."""
        self._line_changed = line_changed
        self._fill_seen = fill_seen

    def place(self, order: PlaceOrder, key: Key) -> Denied | None:
        """Pass an order through risk and, if approved, open it."""
        hit("risk.before")
        decision = self.risk.check_order_risk(order, at=key)
        if isinstance(decision, Denied):
            return decision
        self.take(self.execution.execute_order(decision, at=key), key)
        return None

    def report(self, key: Key, report: VenueReport) -> None:
        """Apply a venue's report."""
        self.take(self.execution.apply(report, at=key), key)

    def take(self, result: ExecutionReport, key: Key) -> None:
        """Take execution's facts: book fills, count orders, halt where it says so."""
        out = self.out
        if result.effects:
            out.effects.extend(result.effects)
        facts = out.facts
        orders = self.execution.index
        for fact in result.facts:
            facts.append(fact)
            kind = type(fact)
            if kind is OrderUpdated:
                if fact.state in _ON_ITS_WAY and fact.quantity is None:  # type: ignore[union-attr]  # by kind
                    continue  # it wants what it wanted
                order = orders.get(fact.client_order_id)  # type: ignore[union-attr]  # by kind
                if order is not None:
                    spec = order.spec
                    if order.is_terminal:
                        self._sweep(spec.account, spec.strategy, spec.instrument, key)
                    self._line_changed(spec.account, spec.strategy, spec.instrument)
            elif kind is OrderFilled:
                self._book(fact, key)  # type: ignore[arg-type]  # by kind
            elif kind is OrderPlaced:
                spec = fact.order  # type: ignore[union-attr]  # by kind
                self.risk.account(spec.account).fold_placed(fact)  # type: ignore[arg-type]  # by kind
                self._line_changed(spec.account, spec.strategy, spec.instrument)
        if result.halt:
            self.halt(result.account, result.halt, key, by="engine")

    def fold(self, fact: Fact) -> None:
        """Apply a fact of an earlier session to execution, portfolio and risk."""
        self.execution.fold(fact)
        self._guarded.fold(fact)  # before the portfolio: it takes positions as a fill finds them
        self.portfolio.fold(fact)
        self.risk.fold(fact)
        self.valuation.fold(fact)
        if isinstance(fact, LedgerPosted) and fact.cause in ("deposit", "withdrawal"):
            self._moved_outside(fact)

    def deposited(self, fact: LedgerPosted) -> None:
        """Take a booked deposit: the watermarks move with it."""
        self.out.facts.append(fact)
        self._moved_outside(fact)

    def mode(self, account: AccountId, mode: Mode, cause: str, by: str, key: Key) -> None:
        """Move an account to a mode, if it may."""
        changed = self.risk.trigger_risk_event(mode, account=account, cause=cause, by=by, at=key)
        if changed is not None:
            self.note([changed])

    def lift_lock(self, key: Key, event: LiftLock) -> None:
        """End a protection's lock early, if a person asks for one that is in force."""
        lifted = self.risk.lift_lock(event.account, event.lock, by=event.by, at=key)
        self.has_lifted = lifted is not None
        if lifted is not None:
            self.note([lifted])

    def note(self, facts: Iterable[Fact]) -> None:
        """Take facts of risk; a mode that allows less than before is an alert for people."""
        for fact in facts:
            self.out.facts.append(fact)
            if isinstance(fact, ModeChanged) and fact.mode.severity > fact.previous.severity:
                self.out.facts.append(
                    RiskAlert(fact.account, fact.ts, f"MODE_{fact.mode}", fact.cause)
                )

    def watch_doubts(self, account: AccountRisk, key: Key) -> None:
        """An order that stays in doubt for minutes is a person's business; till then, reduce (R5).

        The doubt itself never ends by age: only the venue's truth, or proof of absence, ends it,
        and so the venue is asked again and again.
        """
        is_watched = account.mode_cause.startswith(IN_DOUBT)
        orders = self.execution.index
        doubts = [
            order
            for order in (orders.all_working(account.account) if orders.has_doubts else ())
            if order.state is OrderState.IN_DOUBT
        ]
        for order in doubts:
            if key.ts - self._asked.get(order.id, order.sent_at) >= ASK_AGAIN_NS:
                self._asked[order.id] = key.ts
                self.out.effects.append(Query(order.ref))
        if not doubts:
            self._asked.clear()
        if account.mode is Mode.NORMAL:
            old = [order for order in doubts if key.ts - order.sent_at >= DOUBT_NS]
            if old:
                cause = f"{IN_DOUBT}: order {old[0].id} has been unanswered for minutes"
                self.mode(account.account, Mode.REDUCE_ONLY, cause, "engine", key)
        elif account.mode is Mode.REDUCE_ONLY and is_watched and not doubts:
            self.mode(account.account, Mode.NORMAL, "no order is in doubt", "engine", key)

    def halt(self, account: AccountId, cause: str, key: Key, *, by: str) -> None:
        """HALT at once; every working order is cancelled, owed until proven gone."""
        self.mode(account, Mode.HALT, cause, by, key)
        self.take(self.execution.cancel_all(account, at=key, detail="halt"), key)

    def flatten(self, account: AccountRisk, key: Key) -> None:
        """Close what can be closed now; once nothing is left, only cancels are allowed."""
        is_left = False
        for position in self.portfolio.positions(account.account):
            if not position.quantity:
                continue
            working = self.execution.index.working(account.account, position.instrument)
            if any(order.spec.strategy == position.strategy for order in working):
                is_left = True
                continue
            order = PlaceOrder(
                account=account.account,
                strategy=position.strategy,
                instrument=position.instrument,
                side=_SELL if position.quantity > ZERO else Side.BUY,
                type=OrderType.MARKET,
                quantity=abs(position.quantity),
                reduce_only=True,
            )
            denied = self.place(order, key)
            if denied is not None and denied.code == "BELOW_MINIMUM":  # all else is tried again
                self._sweep(account.account, position.strategy, position.instrument, key)
            else:
                is_left = True
        if not is_left:
            self.mode(account.account, Mode.CANCEL_ONLY, "FLAT: nothing left", "risk", key)

    def _book(self, fact: OrderFilled, key: Key) -> None:
        hit("fill.received")
        self._guarded.filled(fact)
        posted, changed = self.portfolio.book_fill(fact, self.view.instrument(fact.instrument))
        self.out.facts.append(posted)
        self.out.facts.append(changed)
        self.note(self._guarded.changed(changed, key))
        if changed.quantity and fact.side is _SELL:
            self._sweep(fact.account, fact.strategy, fact.instrument, key)
        self._line_changed(fact.account, fact.strategy, fact.instrument)
        self._fill_seen(fact, key)

    def _sweep(
        self, account: AccountId, strategy: StrategyId, instrument: InstrumentId, key: Key
    ) -> None:
        """Set what an exit left, too little to be sold and with nothing working, aside (E78)."""
        mark = self.view.mark(instrument)
        if mark is None or not self.portfolio.position(account, strategy, instrument).quantity:
            return
        working = self.execution.index.working(account, instrument)
        if any(order.spec.strategy == strategy for order in working):
            return
        swept = self.portfolio.sweep_dust(
            account,
            strategy,
            self.view.instrument(instrument),
            price=exact(mark, what="a mark"),
            ts=Nanos(key.ts),
        )
        if swept is not None:
            self.out.facts.extend(swept)
            self.note(self._guarded.changed(swept[1], key))

    def _moved_outside(self, fact: LedgerPosted) -> None:
        external = f"external:{fact.account}"
        moved = sum(float(p.amount) for p in fact.postings if p.ledger == external)
        self.risk.account(fact.account).move_by(-moved)


def _ignore_line(account: AccountId, strategy: StrategyId, instrument: InstrumentId) -> None:
    """Nobody listens."""


def _ignore_fill(fact: OrderFilled, key: Key) -> None:
    """Nobody listens."""
