"""From the engine's state to the document that page and terminal draw."""

from collections.abc import Sequence
from decimal import Decimal

import botcore
from botcore.app.markets import Market
from botcore.app.recent import Recent
from botcore.control.views import (
    AccountView,
    DecisionView,
    FeedStatus,
    FeedView,
    MeterView,
    OrderView,
    PlatformView,
    PositionView,
    StrategyView,
)
from botcore.domain.ids import DAY_NS, AccountId
from botcore.domain.numbers import MONEY, ZERO
from botcore.domain.orders import OrderState
from botcore.domain.questions import StrategyState
from botcore.engine import Engine, SignalSlot
from botcore.engine.decided import outcome_words, wish_of
from botcore.engine.strategy_states import strategy_states
from botcore.execution import Order
from botcore.risk import AccountRisk
from botcore.strategies import render_reason

ORDERS_SHOWN = 500
"""Working orders in a view, the newest; a view is made twice a second on the engine's thread."""
_LATE_S = 3.0
"""Wall time that a price may be late on a clock that runs many times as fast."""
_CURVE_POINTS = 240
_CENT = Decimal("0.01")
_PLACES = Decimal("1E-12")
_IN_DOUBT = OrderState.IN_DOUBT


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
            is_reconciled=self._engine.deciders.is_ready,
            exposure=f"{risk.gross:.2f}",
            exposures={each: f"{value:.2f}" for each, value in exposures.items() if value},
            caps={
                scope: f"{risk.equity * share:.2f}"
                for scope, share in (
                    ("order", limits.order_frac),
                    ("symbol", limits.instrument_frac),
                    ("account", limits.account_frac),
                )
            },
            realised=self._realised(name),
        )

    def _realised(self, account: AccountId) -> dict[str, str]:
        """Return strategy → earned by closing, also of what is flat now."""
        sums: dict[str, Decimal] = {}
        for position in self._engine.desk.portfolio.positions(account):
            earned = sums.get(position.strategy, ZERO)
            sums[position.strategy] = earned + position.realised
        return {strategy: _cents(amount) for strategy, amount in sums.items()}

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
