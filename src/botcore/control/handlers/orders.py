"""Orders: what people place, change and take back, and what they ask before they do."""

import asyncio
from decimal import Decimal
from typing import Any, Final

from botcore.control.engine_port import EnginePort
from botcore.control.handlers.addressing import Accounts, must_cover, must_trade
from botcore.control.handlers.previewing import preview_of, wish_of
from botcore.control.handlers.refusing import must_be_done, refusal
from botcore.control.handlers.spans import span_of
from botcore.control.handling import Context, Effect, Handling
from botcore.control.history_port import Asked, History, OnlyFills, OnlyOrders
from botcore.control.operations import Page, Request
from botcore.control.order_words import effect_words
from botcore.control.own_threads import OnThread
from botcore.control.problems import Forbidden, NotFound, Refused
from botcore.control.schema import orders as o
from botcore.control.schema.orders import Order, OrderDetail, OrderSort
from botcore.control.schema.values import PAGE_MAX, instant
from botcore.control.views import AccountView
from botcore.control.wording import price, quantity
from botcore.domain import commands as c
from botcore.domain import questions as q
from botcore.domain.errors import StorageError
from botcore.domain.ids import AccountId, ClientOrderId, InstrumentId, StrategyId
from botcore.domain.numbers import ZERO
from botcore.domain.orders import OrderState, OrderType, Side
from botcore.domain.outcomes import Outcome

_WORKING: Final = frozenset(state for state in OrderState if not state.is_terminal)
_ENDED: Final = frozenset(OrderState) - _WORKING


class OrderHandlers:
    """Carries out what concerns orders.

    Args:
        engine: where orders live.
        history: what was stored of them.
        on_thread: looks an order up for an act; threads that all share may be held by readings.
    """

    def __init__(
        self,
        *,
        engine: EnginePort,
        history: History,
        on_thread: OnThread = asyncio.to_thread,
    ) -> None:
        self._on_thread = on_thread
        self._engine = engine
        self._history = history
        self._accounts = Accounts(engine=engine, stored=history)

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {
            o.PlaceOrder: Handling(self.place, self.placing),
            o.PreviewOrder: Handling(self.preview),
            o.ListOrders: Handling(self.listed),
            o.GetOrder: Handling(self.show),
            o.AmendOrder: Handling(self.amend, self.amending),
            o.CancelOrder: Handling(self.cancel),
            o.CancelOrders: Handling(self.cancel_all),
        }

    async def place(self, context: Context, request: o.PlaceOrder) -> Order:
        """Place an order; told again under its reference it is not placed again."""
        account = self._may_act(context, request.account, request.instrument)
        wish = wish_of(request, account.id)
        if context.actor.max_notional is not None:
            self._must_be_within(context, await self._engine.ask(q.PreviewOrder(order=wish)))
        actor = context.actor
        outcome = await self._engine.act(
            c.SubmitOrder(
                order=wish,
                by=actor.by,
                reference=context.reference,
                correlation=context.correlation,
            )
        )
        must_be_done(outcome)
        entry = outcome.orders[0].client_order_id
        return await self._stored(entry) or self._as_placed(wish, outcome)

    async def placing(self, context: Context, request: o.PlaceOrder) -> Effect:
        """Say what an order would do; one that the gate refuses is refused at once."""
        account = self._may_act(context, request.account, request.instrument)
        preview = await self._engine.ask(q.PreviewOrder(order=wish_of(request, account.id)))
        if not preview.is_approved:
            raise refusal(
                code=preview.code,
                sentence=preview.detail,
                value=preview.value,
                limit=preview.limit,
                mode=account.mode,
                mode_cause=account.mode_cause,
            )
        self._must_be_within(context, preview)
        return Effect(effect_words(preview), preview.can_raise)

    async def preview(self, _context: Context, request: o.PreviewOrder) -> o.OrderPreview:
        """Show what an order would do."""
        account = self._accounts.shown(request.account)
        asked = q.PreviewOrder(order=wish_of(request, account.id))
        preview = await self._engine.ask(asked)
        return preview_of(
            preview, account.currency, self._accounts.platform(), self._engine.view_age_s()
        )

    def listed(self, _context: Context, request: o.ListOrders) -> Page[Order]:
        """Return a page of orders."""
        account, states = self._accounts.name_blocking(request.account), _states(request)
        if not states:
            return Page(items=())
        return self._history.orders(
            Asked(
                account=account,
                only=OnlyOrders(
                    states=states,
                    strategy=request.strategy,
                    instrument=request.instrument,
                    side=request.side,
                ),
                span=span_of(request.start, request.end),
                limit=request.limit,
                cursor=request.cursor,
                is_oldest=request.sort is OrderSort.OLDEST,
            )
        )

    def show(self, _context: Context, request: o.GetOrder) -> OrderDetail:
        """Return one order with its executions."""
        order = self._history.order(request.id)
        if order is None:
            raise _unknown(request.id)
        fills = self._history.fills(
            Asked(
                account=order.account,
                only=OnlyFills(order_id=order.id),
                limit=PAGE_MAX,
                is_oldest=True,
            )
        )
        known = {name: getattr(order, name) for name in order.__struct_fields__}
        return OrderDetail(
            **known, fills=fills.items, children=tuple(self._history.children(order.id))
        )

    async def amend(self, context: Context, request: o.AmendOrder) -> Order:
        """Change an order."""
        order = await self._order(request.id)
        self._may_act(context, order.account, order.instrument)
        _must_have(order, request)
        await self._must_stay_within(context, order, request)
        outcome = await self._engine.act(
            c.AmendOrder(
                account=AccountId(order.account),
                by=context.actor.by,
                reference=context.reference,
                client_order_id=ClientOrderId(order.id),
                quantity=request.quantity,
                limit_price=request.limit_price,
                trigger_price=request.trigger_price,
                correlation=context.correlation,
            )
        )
        must_be_done(outcome)
        return await self._order(request.id)

    async def amending(self, context: Context, request: o.AmendOrder) -> Effect:
        """Say how an order would change."""
        order = await self._order(request.id)
        self._may_act(context, order.account, order.instrument)
        _must_have(order, request)
        return _change(order, request)

    async def cancel(self, context: Context, request: o.CancelOrder) -> o.CanceledOrder:
        """Take an order back, also while the store cannot be read."""
        account, instrument = await self._whose(request.id)
        self._may_act(context, account, instrument)
        outcome = await self._engine.act(
            c.CancelOne(
                account=AccountId(account),
                by=context.actor.by,
                client_order_id=ClientOrderId(request.id),
                reference=context.reference,
                correlation=context.correlation,
            )
        )
        must_be_done(outcome)
        standing = outcome.orders[0]
        return o.CanceledOrder(
            id=request.id,
            account=account,
            state=standing.state,
            filled=standing.filled,
            leaves=standing.leaves,
            cancel_owed=standing.cancel_owed,
        )

    async def cancel_all(self, context: Context, request: o.CancelOrders) -> o.Canceled:
        """Take every working order back, or those that are meant: one command, at one moment."""
        account = self._may_act(context, request.account, request.instrument or "")
        strategy, instrument = request.strategy, request.instrument
        outcome = await self._engine.act(
            c.CancelAll(
                AccountId(account.id),
                context.actor.by,
                None if strategy is None else StrategyId(strategy),
                None if instrument is None else InstrumentId(instrument),
                request.side,
            )
        )
        what = f"{request.side.lower()} order" if request.side else "order"
        whose = f"of {strategy}" if strategy else f"of the account {account.id}"
        on = f" on {instrument}" if instrument else ""
        return o.Canceled(
            account=account.id,
            count=outcome.working,
            orders=tuple(each.client_order_id for each in outcome.orders),
            detail=f"asked to cancel every working {what} {whose}{on}",
        )

    def _may_act(self, context: Context, account: str, instrument: str) -> AccountView:
        shown = self._accounts.shown(account)
        must_trade(context.actor, shown)
        must_cover(context.actor, instrument)
        return shown

    @staticmethod
    def _must_be_within(context: Context, preview: q.OrderPreview) -> None:
        """Refuse an order beyond a key's notional, or one whose notional nobody knows."""
        if context.actor.max_notional is None:
            return
        if preview.notional is None:
            raise _unpriced()
        must_cover(context.actor, preview.instrument, preview.notional)

    async def _must_stay_within(
        self, context: Context, order: Order, request: o.AmendOrder
    ) -> None:
        """Refuse a change to more than a key's notional, or to what nobody knows the price of."""
        if context.actor.max_notional is None:
            return
        price = request.limit_price or order.limit_price
        if price is None:
            price = await self._at_market(order, request.trigger_price or order.trigger_price)
        total = (request.quantity or order.quantity) * price
        must_cover(context.actor, order.instrument, total)

    async def _at_market(self, order: Order, trigger: Decimal | None) -> Decimal:
        """Return the price at which an order without a limit counts, by today's.

        Raises:
            Forbidden: nobody knows it.
        """
        if trigger is not None and order.side is Side.SELL:
            return trigger
        wish = c.OrderWish(
            account=AccountId(order.account),
            instrument=InstrumentId(order.instrument),
            side=order.side,
            type=OrderType.MARKET,
            quantity=order.quantity,
        )
        seen = (await self._engine.ask(q.PreviewOrder(order=wish))).reference
        if seen is None:
            raise _unpriced()
        return seen.price if trigger is None else max(trigger, seen.price)

    async def _order(self, name: str) -> Order:
        order = await self._on_thread(self._history.order, name)
        if order is None:
            raise _unknown(name)
        return order

    async def _stored(self, name: str) -> Order | None:
        """Return an order as stored; None where the store cannot say: what was done is done."""
        try:
            return await self._on_thread(self._history.order, name)
        except StorageError:
            return None

    async def _whose(self, name: str) -> tuple[str, str]:
        """Return account and instrument of an order; of a working one the engine knows them."""
        view = self._accounts.platform()
        for order in view.orders:
            if order.client_order_id == name:
                return order.account, order.instrument
        stored = await self._stored(name)
        if stored is not None:
            return stored.account, stored.instrument
        return self._accounts.shown("").id, ""  # the engine says whether there is such an order

    def _as_placed(self, wish: c.OrderWish, outcome: Outcome) -> Order:
        """Return an order that was placed, from what was asked and what the engine answered."""
        standing = outcome.orders[0]
        state = standing.state or OrderState.INTENT
        asked = standing.quantity or wish.quantity
        symbol, _, venue = wish.instrument.partition(".")
        now = instant(self._accounts.platform().feed.now)
        return Order(
            id=standing.client_order_id,
            account=wish.account,
            strategy=wish.strategy,
            instrument=wish.instrument,
            symbol=symbol,
            venue=venue,
            side=wish.side,
            type=wish.type,
            time_in_force=wish.time_in_force,
            state=state,
            is_working=not state.is_terminal,
            quantity=asked,
            filled=standing.filled or ZERO,
            leaves=asked if standing.leaves is None else standing.leaves,
            limit_price=standing.limit_price,
            trigger_price=standing.trigger_price,
            trail=wish.trail,
            reduce_only=wish.reduce_only,
            cancel_owed=standing.cancel_owed,
            replace_pending=standing.replace_pending,
            detail="placed; the store cannot be read at the moment",
            placed_at=now,
            updated_at=now,
        )


def _states(request: o.ListOrders) -> frozenset[OrderState]:
    """Return in which states orders are asked for."""
    chosen = frozenset(request.state) or frozenset(OrderState)
    if request.working is None:
        return chosen
    return chosen & (_WORKING if request.working else _ENDED)


def _change(order: Order, request: o.AmendOrder) -> Effect:
    """Return what a change would do.

    More to buy, at a higher price or triggered sooner, can raise exposure.
    """
    parts, is_raising = [], False
    if request.quantity is not None and request.quantity != order.quantity:
        before, after = f"{order.quantity:f}", f"{request.quantity:f}"
        parts.append(f"quantity {quantity(before)} → {quantity(after)}")
        is_raising |= request.quantity > order.quantity
    for name in ("limit_price", "trigger_price"):
        asked, known = getattr(request, name), getattr(order, name)
        if asked is None or asked == known:
            continue
        before = "none" if known is None else price(f"{known:f}")
        parts.append(f"{name.replace('_', ' ')} {before} → {price(f'{asked:f}')}")
        is_raising |= order.side is Side.BUY and (
            name == "trigger_price" or known is None or asked > known
        )
    verb = "buys" if order.side is Side.BUY else "sells"
    what = f"Change order {order.id}, which {verb} {order.symbol}: {', '.join(parts) or 'nothing'}"
    return Effect(f"{what} (account {order.account})", is_raising and not order.reduce_only)


def _must_have(order: Order, request: o.AmendOrder) -> None:
    """Refuse to change a price that a working order does not have."""
    for name in ("limit_price", "trigger_price"):
        if order.is_working and getattr(request, name) is not None and getattr(order, name) is None:
            raise Refused(
                code="ORDER_PRICE_ABSENT",
                cause=f"order {order.id} is of type {order.type} and has no"
                f" {name.replace('_', ' ')}",
                fix="leave that price out; or cancel the order, and place one of another type",
            )


def _unpriced() -> Forbidden:
    return Forbidden(
        code="KEY_SCOPE",
        cause="the order's notional is not known, and this key has a highest one",
        fix="wait for a price of the instrument, or use another key",
    )


def _unknown(name: str) -> NotFound:
    return NotFound(
        code="ORDER_UNKNOWN",
        cause=f"there is no order {name!r}",
        fix="see GET /api/v1/trading/orders",
    )
