"""What happened lately, as a view shows it: fills, alerts and fees, folded from facts."""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

from botcore.control.views import AlertView, FillView
from botcore.control.wording import BY_HAND
from botcore.domain.commands import MANUAL
from botcore.domain.events import (
    Fact,
    LimitsChanged,
    ModeChanged,
    OrderFilled,
    OrderPlaced,
    OrderUpdated,
    PositionChanged,
    RiskAlert,
    StrategyQuarantined,
)
from botcore.domain.ids import DAY_NS, AccountId, ClientOrderId
from botcore.domain.intents import Reason
from botcore.domain.numbers import ZERO
from botcore.engine import Engine, SignalSlot
from botcore.portfolio import Position
from botcore.storage import ReadModels
from botcore.strategies import render_reason

FILLS_KEPT = 30
ALERTS_KEPT = 20
_TRADES_READ = 10_000


class Recent:
    """The newest fills and alerts, and what was paid today: folded from facts as they pass.

    Args:
        engine: its strategies have the words of their reasons.
    """

    def __init__(self, engine: Engine) -> None:
        self._classes = {
            slot.strategy: slot.runner.strategy
            for slot in engine.deciders.slots
            if isinstance(slot, SignalSlot)
        }
        self._reasons: dict[ClientOrderId, str] = {}
        self._placed: dict[ClientOrderId, int] = {}
        self._fees: dict[tuple[str, str], Decimal] = {}
        self.fills: deque[FillView] = deque(maxlen=FILLS_KEPT)
        self.alerts: deque[AlertView] = deque(maxlen=ALERTS_KEPT)
        self.day = -1
        self.fees_today = ZERO
        self.fees_total = ZERO
        self.fill_count = 0
        self._models: ReadModels | None = None

    def seed(self, models: ReadModels, account: AccountId, positions: Iterable[Position]) -> None:
        """Take up what an earlier session did: its last fills and alerts, and what it paid.

        Args:
            models: of the store.
            account: whose.
            positions: as restored; further fees are counted from theirs.
        """
        self._models = models
        for position in positions:
            self._fees[position.strategy, position.instrument] = position.fees
            self.fees_total += position.fees
        trades = models.trades(account, limit=_TRADES_READ)
        if trades:
            self.day = trades[0]["ts"] // DAY_NS
            today = [row for row in trades if row["ts"] // DAY_NS == self.day]
            self.fees_today = sum((row["fees"] for row in today), start=ZERO)
        for row in reversed(trades[:FILLS_KEPT]):
            self.fills.appendleft(
                FillView(
                    row["ts"],
                    row["account"],
                    row["strategy"],
                    row["instrument"],
                    row["side"],
                    f"{row['quantity']:f}",
                    f"{row['price']:f}",
                    f"{row['fees']:f}",
                    row["fee_currency"],
                    self._stored_words(row["order_id"]),
                )
            )
        for row in models.open_orders(account):
            self._placed[ClientOrderId(row["client_order_id"])] = row["placed_at"]
        for row in reversed(models.alerts(account, limit=ALERTS_KEPT)):
            self.alerts.appendleft(AlertView(row["ts"], row["code"], row["detail"]))

    def add(self, _lsn: int, fact: Fact) -> None:
        """Take a fact."""
        if isinstance(fact, OrderPlaced):
            self._reasons[fact.order.client_order_id] = self.words(fact.order.strategy, fact.reason)
            while len(self._reasons) > 10 * FILLS_KEPT:
                del self._reasons[next(iter(self._reasons))]
            self._placed[fact.order.client_order_id] = fact.ts
        elif isinstance(fact, OrderUpdated):
            self._ended(fact)
        elif isinstance(fact, OrderFilled):
            self._ended(fact)
            self._fill(fact)
        elif isinstance(fact, PositionChanged):
            self._paid(fact)
        elif isinstance(fact, RiskAlert) and not fact.code.startswith("MODE_"):
            self.alerts.appendleft(AlertView(fact.ts, fact.code, fact.detail))
        elif isinstance(fact, ModeChanged):
            detail = f"{fact.previous} → {fact.mode}: {fact.cause} (by {fact.by})"
            self.alerts.appendleft(AlertView(fact.ts, "MODE_CHANGED", detail))
        elif isinstance(fact, LimitsChanged):
            self.alerts.appendleft(AlertView(fact.ts, "LIMITS_CHANGED", f"by {fact.by}"))
        elif isinstance(fact, StrategyQuarantined):
            detail = f"{fact.strategy}: {fact.cause}"
            self.alerts.appendleft(AlertView(fact.ts, "STRATEGY_QUARANTINED", detail))

    def words(self, strategy: str, reason: Reason) -> str:
        """Return a reason in words; empty where the engine acted, or a person for a strategy."""
        if strategy == MANUAL:
            return BY_HAND
        found = self._classes.get(strategy)  # type: ignore[call-overload]  # a NewType of str
        if found is None or not reason.operands:
            return ""
        return render_reason(found, reason.code, reason.operands)

    def placed_at(self, order: ClientOrderId) -> int:
        """Return when a working order was placed, nanoseconds; 0 where that is not known."""
        return self._placed.get(order, 0)

    def _ended(self, fact: OrderUpdated | OrderFilled) -> None:
        if fact.state.is_terminal:
            self._placed.pop(fact.client_order_id, None)

    def _stored_words(self, order_id: str) -> str:
        """Return the reason of an order that an earlier session placed."""
        row = None if self._models is None else self._models.order(order_id)
        if row is None:
            return ""
        operands = tuple(float(text) for text in row["reason_operands"].split(",") if text)
        return self.words(row["strategy"], Reason(row["reason_code"], operands))

    def _fill(self, fact: OrderFilled) -> None:
        fill = fact.fill
        self.fill_count += 1
        self.fills.appendleft(
            FillView(
                fill.ts_event,
                fact.account,
                fact.strategy,
                fact.instrument,
                fact.side,
                f"{fill.quantity:f}",
                f"{fill.price:f}",
                f"{fill.fee:f}",
                fill.fee_currency,
                self._reasons.get(fact.client_order_id) or self._stored_words(fact.client_order_id),
            )
        )

    def _paid(self, fact: PositionChanged) -> None:
        day = fact.ts // DAY_NS
        if day != self.day:
            self.day, self.fees_today = day, ZERO
        line = (fact.strategy, fact.instrument)
        paid = fact.fees - self._fees.get(line, ZERO)
        self._fees[line] = fact.fees
        self.fees_today += paid
        self.fees_total += paid
