"""Whether the venue takes an order: its rules, its grid and its words, never its money."""

from botcore.domain.ids import CLIENT_ORDER_ID
from botcore.domain.orders import OrderType, TimeInForce
from botcore.venues.simulated import rules
from botcore.venues.simulated.scales import Scale, amount
from botcore.venues.simulated.working import Order

_LIMITED = (OrderType.LIMIT, OrderType.STOP_LIMIT)
_TRIGGERED = (OrderType.STOP, OrderType.STOP_LIMIT)

# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_TRAILING_STOP = OrderType.TRAILING_STOP
_GTC = TimeInForce.GTC
_GTD = TimeInForce.GTD


def refusal(order: Order, scale: Scale, reference: float | None, entry: int, band_ppm: int) -> str:
    """Give the order its numbers, or return why it is refused (empty: it is not).

    Args:
        order: new, without numbers.
        scale: of its instrument, at its time.
        reference: the price it would meet now, quote units; None before the first.
        entry: the price its parent filled at, ticks; 0 without a filled parent.
        band_ppm: how far above its price a buy without a limit reserves.
    """
    spec = order.spec
    if scale.refusal:
        return scale.refusal
    if CLIENT_ORDER_ID.match(spec.client_order_id) is None:
        return "CLIENT_ID_MALFORMED: 1 to 36 of A-Z a-z 0-9 . : / _ - are allowed"
    lots = scale.lots_of(spec.quantity)
    if lots is None:
        lot = scale.instrument.lot
        return f"QUANTITY_OFF_GRID: {spec.quantity} is no positive multiple of {lot}"
    if lots < scale.least_lots:
        return f"MIN_QUANTITY: {spec.quantity} is below {scale.instrument.min_quantity}"
    if spec.time_in_force is not _GTC or spec.expires_at is not None:
        wrong = _life(order)
        if wrong:
            return wrong
    plain = spec.limit_price is spec.trigger_price is spec.trail is None
    if not (plain and order.is_market):
        wrong = _prices(order, scale) or _first_stop(order, scale, reference, entry)
        if wrong:
            return wrong
    order.scale = scale
    order.leaves = lots
    return _value(order, scale, reference, band_ppm)


def _prices(order: Order, scale: Scale) -> str:
    spec = order.spec
    kind, tick = spec.type, scale.instrument.tick
    trails = kind is _TRAILING_STOP
    for name, price, needed, allowed in (
        ("limit_price", spec.limit_price, kind in _LIMITED, kind in _LIMITED),
        ("trigger_price", spec.trigger_price, kind in _TRIGGERED, kind in _TRIGGERED or trails),
        ("trail", spec.trail, trails, trails),
    ):
        if price is None:
            if needed:
                return f"PRICE_MISSING: {kind} needs {name}"
            continue
        if not allowed:
            return f"PRICE_UNEXPECTED: {kind} takes no {name}"
        ticks = scale.ticks_of(price)
        if ticks is None:
            return f"PRICE_OFF_GRID: {name} {price} is no positive multiple of {tick}"
        if name == "limit_price":
            order.limit = ticks
        elif name == "trail":
            order.trail = ticks
        else:
            order.trigger = ticks
    return ""


def _life(order: Order) -> str:
    spec = order.spec
    if (spec.time_in_force is _GTD) != (spec.expires_at is not None):
        return "EXPIRY_MISSING: GTD needs expires_at, and nothing else takes it"
    if spec.expires_at is not None and spec.expires_at <= order.ts:
        return f"EXPIRED: expires_at {spec.expires_at} is not after {order.ts}"
    if order.is_immediate and order.is_stop:
        return f"LIFE_UNEXPECTED: {spec.type} cannot be {spec.time_in_force}"
    return ""


def _first_stop(order: Order, scale: Scale, reference: float | None, entry: int) -> str:
    """Place a trailing stop that came without a trigger."""
    if order.spec.type is not _TRAILING_STOP or order.trigger:
        return ""
    first = entry or (0 if reference is None else scale.ticks(reference))
    if first:
        order.trigger = first + order.sign * order.trail
    if order.trigger <= 0:
        return "NO_PRICE: nothing to trail from yet"
    return ""


def _value(order: Order, scale: Scale, reference: float | None, band_ppm: int) -> str:
    price = order.limit or order.trigger
    if not price and reference is not None:
        price = scale.ticks(reference)
    if not price:
        if order.sign > 0:
            return f"NO_PRICE: no price of {scale.instrument.id} is known yet"
        return ""
    value = rules.notional(price, order.leaves, scale.num, scale.den, rules.SELL)
    if value < scale.least_notional:
        return f"MIN_NOTIONAL: {amount(value):f} is below {scale.instrument.min_notional}"
    if order.sign > 0:
        if order.spec.reduce_only:
            return "REDUCE_ONLY_FLAT: a spot account has no short to reduce"
        order.reserve_price = order.limit or rules.banded(price, band_ppm)
    return ""
