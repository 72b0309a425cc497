"""From the engine's state to the document that page and terminal draw."""

from collections import deque
from collections.abc import Iterable, Sequence
from decimal import Decimal

import botcore
from botcore.app.markets import Market
from botcore.control.views import (
    AccountView,
    AlertView,
    DecisionView,
    FeedStatus,
    FeedView,
    FillView,
    MeterView,
    OrderView,
    PlatformView,
    PositionView,
    StrategyView,
)
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
from botcore.domain.numbers import MONEY, ZERO
from botcore.domain.orders import OrderState
from botcore.domain.questions import StrategyState
from botcore.engine import Engine, SignalSlot
from botcore.engine.decided import outcome_words, wish_of
from botcore.engine.strategy_states import strategy_states
from botcore.execution import Order
from botcore.portfolio import Position
from botcore.risk import AccountRisk
from botcore.storage import ReadModels
from botcore.strategies import render_reason

FILLS_KEPT = 30
ORDERS_SHOWN = 500
"""Working orders in a view, the newest; a view is made twice a second on the engine's thread."""
_LATE_S = 3.0
"""Wall time that a price may be late on a clock that runs many times as fast."""
ALERTS_KEPT = 20
_CURVE_POINTS = 240
_TRADES_READ = 10_000
_CENT = Decimal("0.01")
_PLACES = Decimal("1E-12")
_IN_DOUBT = OrderState.IN_DOUBT


class Recent:
    """The newest fills and alerts, and what was paid today: folded from facts as they pass.

    Args:
        reasons: words for a strategy's reason.
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


class Viewer:
    """Makes the platform's view.

    Args:
        engine: read between two steps, on the engine's own thread.
        recent: newest fills and alerts.
        home: where state lives.
        pid: of this process.
        market: where prices come from.
        stopped: strategies that are configured and not run.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        recent: Recent,
        home: str,
        pid: int,
        market: Market,
        stopped: Sequence[StrategyState] = (),
    ) -> None:
        self._engine = engine
        self._recent = recent
        self._home = home
        self._pid = pid
        self._market = market
        self._stopped = stopped
        self._step_ns = market.step_ns
        self.continued = ""
        self.last_event = 0

    def view(self, *, now: int, wall: int, uptime_s: float, storage: str) -> PlatformView:
        """Return the view at the feed's instant `now`."""
        engine = self._engine
        account = engine.desk.accounts[0]
        index = engine.desk.execution.index
        working = {each.account: index.all_working(each.account) for each in engine.desk.accounts}
        return PlatformView(
            version=botcore.__version__,
            home=self._home,
            engine_pid=self._pid,
            wall_ts=wall,
            uptime_s=uptime_s,
            continued=self.continued,
            storage=storage,
            feed=self._feed(now),
            accounts=tuple(
                self._account(each, now, working[each.account]) for each in engine.desk.accounts
            ),
            strategies=self._strategies(),
            positions=self._positions(account.account),
            orders=self._orders(account.account, working[account.account]),
            fills=tuple(self._recent.fills),
            alerts=tuple(self._recent.alerts),
        )

    def _feed(self, now: int) -> FeedView:
        age_s = max(0.0, (now - self.last_event) / 1e9) if self.last_event else 0.0
        if not self.last_event:
            status = FeedStatus.DOWN
        elif not self._market.is_connected or age_s > max(
            2 * self._step_ns / 1e9, _LATE_S * self._market.pace
        ):
            status = FeedStatus.STALE
        else:
            status = FeedStatus.LIVE
        return FeedView(
            name=self._market.name,
            banner=self._market.banner(),
            clock=self._market.clock_words,
            now=now,
            last_event=self.last_event,
            age_s=age_s,
            status=status,
            step_s=self._step_ns / 1e9,
        )

    def _account(self, account: AccountRisk, now: int, working: Sequence[Order]) -> AccountView:
        desk = self._engine.desk
        name = account.account
        currency = desk.valuation.reporting(name)
        equity = desk.valuation.equity_exact(name)
        start = Decimal(repr(account.day_start)) if account.day_start else equity
        result = equity - start
        fees = self._recent.fees_today if self._recent.day == now // DAY_NS else ZERO
        exposures: dict[str, float] = {
            instrument: desk.view.instrument_exposure(name, instrument)
            for instrument in desk.view.instruments()
        }
        risk = desk.risk.update_portfolio_risk(exposures, account=name)
        limits = account.limits
        drawdown = max(0.0, 1.0 - float(equity) / account.peak) if account.peak else 0.0
        curve = self._engine.curves[name]
        stride = max(1, len(curve) // _CURVE_POINTS)
        points = tuple(zip(curve.stamps[::stride], curve.equity[::stride], strict=True))
        has_doubts = desk.execution.index.has_doubts
        doubts = [o.sent_at for o in working if o.state is _IN_DOUBT] if has_doubts else []
        return AccountView(
            id=name,
            kind="paper",
            currency=currency,
            equity=_cents(equity),
            cash=_cents(desk.portfolio.cash(name, currency)),
            locked=_cents(desk.execution.index.locked(name, currency)),
            day_result=_cents(result),
            day_result_frac=float(result / start) if start else 0.0,
            drawdown_frac=drawdown,
            fees_today=_cents(fees),
            fees_today_frac=float(fees / equity) if equity else 0.0,
            fees_total=_cents(self._recent.fees_total),
            mode=account.mode,
            mode_cause=account.mode_cause,
            meters=(
                MeterView("exposure", risk.account_used, f"{limits.account_frac:.0%} of equity"),
                MeterView(
                    f"largest instrument{f' ({risk.largest})' if risk.largest else ''}",
                    risk.instrument_used,
                    f"{limits.instrument_frac:.0%} of equity",
                ),
                MeterView("loss today", risk.daily_loss_used, f"{limits.daily_loss_frac:.0%}"),
                MeterView("drawdown", risk.drawdown_used, f"{limits.drawdown_frac:.0%}"),
            ),
            equity_points=points,
            orders_open=len(working),
            orders_in_doubt=len(doubts),
            cancels_owed=sum(order.cancel_owed for order in working),
            in_doubt_since=min(doubts, default=0),
        )

    def _strategies(self) -> tuple[StrategyView, ...]:
        """Return every strategy; `manual` only where somebody did something by hand."""
        decisions: dict[str, list[DecisionView]] = {}
        for slot in self._engine.deciders.slots:
            if isinstance(slot, SignalSlot):
                decisions.setdefault(slot.strategy, []).append(_decision(slot))
        return tuple(
            _strategy(each, tuple(decisions.get(each.id, ())))
            for each in strategy_states(self._engine, stopped=self._stopped)
            if each.kind != "manual" or each.open_positions or each.working_orders or each.result
        )

    def _positions(self, account: AccountId) -> tuple[PositionView, ...]:
        desk = self._engine.desk
        views = []
        for position in desk.portfolio.positions(account):
            if not position.quantity:
                continue
            mark = desk.valuation.price(position.instrument)
            average = position.average or ZERO
            rules = desk.view.instrument(position.instrument)
            value = position.quantity_float * mark if mark is not None else 0.0
            views.append(
                PositionView(
                    account=account,
                    strategy=position.strategy,
                    instrument=position.instrument,
                    quantity=f"{position.quantity:f}",
                    average_price=_plain(average),
                    mark=None if mark is None else _plain(rules.mark_from_data(mark)),
                    value="?" if mark is None else f"{value:.2f}",
                    unrealised="?" if mark is None else f"{value - position.cost_float:.2f}",
                    realised=f"{position.realised:.2f}",
                )
            )
        return tuple(views)

    def _orders(self, account: AccountId, working: Sequence[Order]) -> tuple[OrderView, ...]:
        return tuple(
            OrderView(
                client_order_id=order.id,
                account=account,
                strategy=order.spec.strategy,
                instrument=order.spec.instrument,
                side=order.spec.side,
                type=order.spec.type,
                quantity=f"{order.quantity:f}",
                filled=f"{order.filled:f}",
                price=_price(order.limit_price or order.trigger_price),
                state=order.state,
                cancel_owed=order.cancel_owed,
                ts=self._recent.placed_at(order.id),
            )
            for order in working[-ORDERS_SHOWN:]
        )


def _strategy(state: StrategyState, decisions: tuple[DecisionView, ...]) -> StrategyView:
    result = "?" if state.result is None else f"{state.result:f}"
    name = state.strategy or state.id
    return StrategyView(state.id, name, state.status, state.cause, result, decisions)


def _decision(slot: SignalSlot) -> DecisionView:
    held = "long" if slot.held > 0 else "short" if slot.held < 0 else "flat"
    if not len(slot.log):
        # Just started: warm strategies remember why they decided as they did on their last bar.
        reason = slot.runner.reason()
        words = render_reason(slot.runner.strategy, reason.code, reason.operands)
        return DecisionView(slot.strategy, slot.instrument, held, held, words, "", 0)
    row = slot.log.row(-1)
    return DecisionView(
        slot.strategy,
        slot.instrument,
        wish_of(row.weight),
        held,
        render_reason(slot.runner.strategy, row.code, row.operands),
        outcome_words(slot.outcome),
        row.ts,
    )


def _price(price: Decimal | None) -> str:
    return "market" if price is None else f"{price:f}"


def _plain(price: Decimal) -> str:
    """Return a price with all digits that count, 12 places at most: a coin may cost 0.00001."""
    return f"{MONEY.normalize(MONEY.quantize(price, _PLACES)):f}"


def _cents(amount: Decimal) -> str:
    return f"{amount.quantize(_CENT):f}"
