"""What would come of an order, were it placed now: the gate is asked, and nothing is kept."""

from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from msgspec.structs import replace

from botcore.domain.decisions import ApprovedOrder, Denied
from botcore.domain.errors import DataError
from botcore.domain.ids import AccountId, InstrumentId, Nanos
from botcore.domain.instruments import BelowMinimum, Instrument
from botcore.domain.intents import PlaceOrder
from botcore.domain.keys import Key, Rank
from botcore.domain.numbers import MONEY, QUANTUM, ZERO
from botcore.domain.orders import Side
from botcore.domain.questions import (
    Headroom,
    OrderPreview,
    PreviewedOrder,
    PreviewOrder,
    SeenPrice,
)
from botcore.engine.manual import refusal_of
from botcore.engine.pipeline import Engine
from botcore.engine.ports import Costs, Prices
from botcore.engine.usage import orders_within_a_second, usage
from botcore.risk import sentence
from botcore.risk.grid import on_grid

_MALFORMED = (DataError, ValueError, TypeError, ArithmeticError)
_BPS = 10_000
_ONE = Decimal(1)


class Previewer:
    """Previews orders on an engine's real state, by its real gate.

    Args:
        engine: on whose thread this is called, between two steps.
        costs: of the venue, as modelled.
        prices: the newest heard.
        now: the market's clock, nanoseconds.
    """

    def __init__(
        self, engine: Engine, *, costs: Costs, prices: Prices, now: Callable[[], int]
    ) -> None:
        self._engine = engine
        self._costs = costs
        self._prices = prices
        self._now = now

    def preview(self, question: PreviewOrder) -> OrderPreview:
        """Return what an order would be, cost and change."""
        wish, desk = question.order, self._engine.desk
        at = Key(self._now(), Rank.COMMAND, 0, 0)
        known = OrderPreview(
            account=wish.account,
            strategy=wish.strategy,
            instrument=wish.instrument,
            order=None,
            fee_model=self._costs.fee_words,
            slippage_model=self._costs.slippage_words,
            equity=desk.valuation.equity_exact(wish.account),
            can_raise=wish.side is Side.BUY and not wish.reduce_only,
            mode=desk.risk.account(wish.account).mode,
        )
        denied = refusal_of(wish, desk, self._engine.deciders, at)
        if denied is not None and denied.code != "NOT_READY":  # the gate does not know of it
            return replace(known, **_why(denied))
        intent, rules = wish.intent(), desk.view.instrument(wish.instrument)
        decision = denied or desk.risk.check_order_risk(intent, at=at)
        if isinstance(decision, Denied):
            order = _on_grid(intent, rules, at.ts)
            known = replace(known, **_why(decision))
        else:
            order = decision.orders[0]
            known = replace(
                known,
                exits=tuple(_previewed(each) for each in decision.orders[1:]),
                reserve=order.reserve,
                reserve_currency=order.reserve_currency,
                is_approved=True,
            )
        before = desk.view.position(wish.account, wish.strategy, wish.instrument)
        known = replace(known, position_before=before, currency=rules.quote)
        return known if order is None else self._measured(known, intent, order, rules)

    def _measured(
        self, known: OrderPreview, intent: PlaceOrder, order: ApprovedOrder, rules: Instrument
    ) -> OrderPreview:
        """Return a preview with what the order costs and changes, where a price is known."""
        after = known.position_before + order.side.sign * order.quantity
        known = replace(known, order=_previewed(order), position_after=after)
        mark = self._engine.desk.view.mark(intent.instrument)
        if mark is None:
            return known
        reference = rules.mark_from_data(mark)
        cost = _Cost(self._costs, order, reference, rules.tick)
        worth = after * cost.price
        return replace(
            known,
            reference=seen_mark(self._prices, intent.instrument, reference, self._now()),
            expected_price=cost.price,
            notional=cost.notional,
            fee=cost.fee,
            fee_currency=rules.quote,
            slippage=cost.slippage,
            slippage_bps=cost.slippage_bps,
            position_frac_after=float(worth / known.equity) if known.equity > ZERO else None,
            headroom=self._headroom(intent, order, rules, cost.notional),
        )

    def _headroom(
        self, intent: PlaceOrder, order: ApprovedOrder, rules: Instrument, notional: Decimal
    ) -> tuple[Headroom, ...]:
        """Return each limit as it is used now, and as it would be once the order has filled."""
        desk, name = self._engine.desk, intent.account
        view, limits = desk.view, desk.risk.account(name).limits
        equity, unit = view.equity(name), str(desk.valuation.reporting(name))
        raised = float(notional) if order.side is Side.BUY else -float(notional)
        found = [
            Headroom(
                before=usage(what, of, used, equity * share, unit),
                after=usage(what, of, max(0.0, used + raised), equity * share, unit),
            )
            for what, of, used, share in (
                ("order", "", 0.0, limits.order_frac),
                (
                    "instrument",
                    intent.instrument,
                    view.instrument_exposure(name, intent.instrument),
                    limits.instrument_frac,
                ),
                (
                    "strategy",
                    intent.strategy,
                    view.strategy_exposure(name, intent.strategy),
                    limits.strategy_frac,
                ),
                ("account", "", view.account_exposure(name), limits.account_frac),
            )
        ]
        return (*found, self._cash(name, order, rules), self._rate(name))

    def _cash(self, name: AccountId, order: ApprovedOrder, rules: Instrument) -> Headroom:
        desk = self._engine.desk
        owned = desk.portfolio.cash(name, rules.quote)
        locked = owned - desk.view.free_cash(name, rules.quote)
        more = order.reserve if order.reserve_currency == rules.quote else ZERO
        unit = str(rules.quote)
        return Headroom(
            before=usage("cash", "", locked, owned, unit),
            after=usage("cash", "", locked + more, owned, unit),
        )

    def _rate(self, name: AccountId) -> Headroom:
        account = self._engine.desk.risk.account(name)
        sent = orders_within_a_second(account, self._now())
        allowed = float(account.limits.orders_per_s)
        return Headroom(
            before=usage("order rate", "", float(sent), allowed, "orders/s"),
            after=usage("order rate", "", float(sent + 1), allowed, "orders/s"),
        )


class _Cost:
    """What an order is expected to cost.

    Args:
        costs: of the venue.
        order: on the grid.
        reference: the last price.
        tick: of the instrument: a venue fills at nothing between two.
    """

    def __init__(
        self, costs: Costs, order: ApprovedOrder, reference: Decimal, tick: Decimal
    ) -> None:
        sign, share = order.side.sign, costs.slippage_frac(order.type)
        start = order.limit_price or _fired_at(order, reference)
        takes = order.limit_price is not None and sign * (start - reference) >= ZERO
        against_us = ROUND_CEILING if order.side is Side.BUY else ROUND_FLOOR
        ticks = MONEY.divide(start * (1 + sign * share), tick).to_integral_value(against_us)
        self.price = max(ticks, _ONE) * tick
        self.notional = (order.quantity * self.price).quantize(QUANTUM, context=MONEY)
        fee = self.notional * costs.fee_frac(order.type, takes=takes)
        self.fee = fee.quantize(QUANTUM, ROUND_CEILING, MONEY)
        off = abs(self.price - start) * order.quantity
        self.slippage = off.quantize(QUANTUM, ROUND_CEILING, MONEY)
        self.slippage_bps = share * _BPS


def _fired_at(order: ApprovedOrder, reference: Decimal) -> Decimal:
    """Return where an order without a limit trades; a stop that was passed does so at once."""
    trigger = order.trigger_price
    if trigger is None:
        return reference
    return max(trigger, reference) if order.side is Side.BUY else min(trigger, reference)


def seen_mark(prices: Prices, instrument: InstrumentId, mark: Decimal, now: int) -> SeenPrice:
    """Return a mark with its age; none is known where nothing has moved it since the start."""
    moved = prices.mark(instrument)
    if moved is None:
        return SeenPrice(price=mark, source="mark")
    age_s = max(0.0, (now - moved.ts) / 1e9)
    return SeenPrice(price=mark, source="mark", ts=Nanos(moved.ts), age_s=age_s)


def _on_grid(intent: PlaceOrder, rules: Instrument, ts: int) -> ApprovedOrder | None:
    try:
        found = on_grid(intent, rules, ts)
    except _MALFORMED:
        return None
    return None if isinstance(found, BelowMinimum) else found


def _previewed(order: ApprovedOrder) -> PreviewedOrder:
    return PreviewedOrder(
        side=order.side,
        type=order.type,
        quantity=order.quantity,
        limit_price=order.limit_price,
        trigger_price=order.trigger_price,
        trail=order.trail,
        time_in_force=order.time_in_force,
        expires_at=order.expires_at,
        reduce_only=order.reduce_only,
    )


def _why(denied: Denied) -> dict[str, Any]:
    return {
        "code": denied.code,
        "detail": sentence(denied),
        "value": denied.value,
        "limit": denied.limit,
    }
