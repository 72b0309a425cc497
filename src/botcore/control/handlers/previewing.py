"""An order on its way to the engine's question, and the answer on its way back."""

from decimal import Decimal

from botcore.control.handlers.plainly import measured, plainly
from botcore.control.handlers.pricing import prices_age
from botcore.control.order_words import effect_words, equity_frac
from botcore.control.schema import orders as o
from botcore.control.schema.values import Money, instant, nanoseconds
from botcore.control.views import PlatformView
from botcore.domain import questions as q
from botcore.domain.commands import OrderWish
from botcore.domain.ids import AccountId, Currency, InstrumentId, Nanos, StrategyId


def wish_of(request: o.PlaceOrder | o.PreviewOrder, account: str) -> OrderWish:
    """Return what the engine is asked for, on behalf of `account`."""
    expires_at = request.expires_at
    return OrderWish(
        account=AccountId(account),
        instrument=InstrumentId(request.instrument),
        side=request.side,
        type=request.type,
        quantity=request.quantity,
        limit_price=request.limit_price,
        trigger_price=request.trigger_price,
        trail=request.trail,
        time_in_force=request.time_in_force,
        expires_at=None if expires_at is None else Nanos(nanoseconds(expires_at)),
        reduce_only=request.reduce_only,
        take_profit=request.take_profit,
        stop_loss=request.stop_loss,
        trailing=request.trailing,
        strategy=StrategyId(request.strategy),
    )


def preview_of(
    preview: q.OrderPreview, reporting: str, view: PlatformView, age_s: float
) -> o.OrderPreview:
    """Return the engine's answer as doors tell it.

    Args:
        preview: of the engine.
        reporting: currency of the account's equity.
        view: the newest document.
        age_s: how long ago that arrived, seconds.
    """

    def money(number: Decimal | None, currency: Currency) -> Money | None:
        return None if number is None else Money(number, currency)

    denial = None
    if not preview.is_approved:
        denial = o.Denial(
            code=preview.code, sentence=preview.detail, value=preview.value, limit=preview.limit
        )
    shown = o.OrderPreview(
        effect=effect_words(preview),
        is_allowed=preview.is_approved,
        denial=denial,
        can_raise=preview.can_raise,
        account=preview.account,
        strategy=preview.strategy,
        instrument=preview.instrument,
        mode=preview.mode,
        order=None if preview.order is None else _order(preview.order),
        exits=tuple(_order(each) for each in preview.exits),
        reference=None if preview.reference is None else _price(preview.reference),
        expected_price=preview.expected_price,
        notional=money(preview.notional, preview.currency),
        fee=money(preview.fee, preview.fee_currency),
        fee_model=preview.fee_model,
        slippage=money(preview.slippage, preview.currency),
        slippage_bps=preview.slippage_bps,
        slippage_model=preview.slippage_model,
        reserve=money(preview.reserve, preview.reserve_currency),
        position_before=preview.position_before,
        position_after=preview.position_after,
        position_frac_after=preview.position_frac_after,
        equity=Money(measured(preview.equity), reporting),
        equity_frac=equity_frac(preview),
        head_room=preview.headroom,
        prices=prices_age(view, age_s),
    )
    return plainly(shown)


def _order(order: q.PreviewedOrder) -> o.PreviewedOrder:
    return o.PreviewedOrder(
        side=order.side,
        type=order.type,
        time_in_force=order.time_in_force,
        quantity=order.quantity,
        limit_price=order.limit_price,
        trigger_price=order.trigger_price,
        trail=order.trail,
        expires_at=None if order.expires_at is None else instant(order.expires_at),
        reduce_only=order.reduce_only,
    )


def _price(seen: q.SeenPrice) -> o.SeenPrice:
    return o.SeenPrice(
        price=measured(seen.price),
        source=seen.source,
        at=None if seen.ts is None else instant(seen.ts),
        age_s=seen.age_s,
    )
