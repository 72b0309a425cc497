"""Whether the venue takes an order: its rules, its grid and its words, never its money."""

from collections.abc import Callable

from botcore.domain.ids import CLIENT_ORDER_ID, ContractKind
from botcore.domain.instruments import TradingStatus
from botcore.domain.orders import OrderType, Side, TimeInForce
from botcore.venues.simulated import rules
from botcore.venues.simulated.scales import Scale, amount
from botcore.venues.simulated.working import Order

_LIMITED = (OrderType.LIMIT, OrderType.STOP_LIMIT)
_TRIGGERED = (OrderType.STOP, OrderType.STOP_LIMIT)

# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_SPOT = ContractKind.SPOT
_TRADING = TradingStatus.TRADING
_MARKET = OrderType.MARKET
_TRAILING_STOP = OrderType.TRAILING_STOP
_GTD = TimeInForce.GTD
_BUY = Side.BUY


def refusal(order: Order, scale: Scale, last: Callable[[], int], entry: int, band_ppm: int) -> str:
    """Give the order its numbers, or return why it is refused (empty: it is not).

    Args:
        order: new, without numbers.
        scale: of its instrument, at its time.
        last: the last price seen, ticks; 0 before the first.
        entry: the price its parent filled at, ticks; 0 without a filled parent.
        band_ppm: how far above its price a buy without a limit reserves.
    """
    spec, instrument = order.spec, scale.instrument
    if instrument.kind is not _SPOT:
        return f"NOT_SPOT: {instrument.id} is no spot instrument; perpetuals are not yet tradable"
    if instrument.multiplier != 1:
        return f"NOT_SPOT: {instrument.id} has a multiplier of {instrument.multiplier}"
    if instrument.status is not _TRADING:
        return f"NOT_TRADING: {instrument.id} is {instrument.status}"
    if CLIENT_ORDER_ID.match(spec.client_order_id) is None:
        return "CLIENT_ID_MALFORMED: 1 to 36 of A-Z a-z 0-9 . : / _ - are allowed"
    lots = scale.lots_of(spec.quantity)
    if lots is None:
        return f"QUANTITY_OFF_GRID: {spec.quantity} is no positive multiple of {instrument.lot}"
    if lots < scale.least_lots:
        return f"MIN_QUANTITY: {spec.quantity} is below {instrument.min_quantity}"
    wrong = _life(order) or _prices(order, scale)
    if wrong:
        return wrong
    if spec.type is _TRAILING_STOP and not order.trigger:
        order.trigger = _first_stop(order, entry or last())
        if order.trigger <= 0:
            return "NO_PRICE: nothing to trail from yet"
    order.scale = scale
    order.leaves = lots
    return _value(order, scale, last, band_ppm)


def _prices(order: Order, scale: Scale) -> str:
    spec = order.spec
    if spec.type is _MARKET and spec.limit_price is spec.trigger_price is spec.trail is None:
        return ""
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


def _first_stop(order: Order, reference: int) -> int:
    if not reference:
        return 0
    return reference + order.sign * order.trail


def _value(order: Order, scale: Scale, last: Callable[[], int], band_ppm: int) -> str:
    instrument = scale.instrument
    price = order.limit or order.trigger or last()
    if not price:
        if order.sign > 0:
            return f"NO_PRICE: no price of {instrument.id} is known yet"
        return ""
    value = rules.notional(price, order.leaves, scale.num, scale.den, rules.SELL)
    if value < scale.least_notional:
        return f"MIN_NOTIONAL: {amount(value):f} is below {instrument.min_notional}"
    if order.spec.reduce_only and order.spec.side is _BUY:
        return "REDUCE_ONLY_FLAT: a spot account has no short to reduce"
    if order.sign > 0:
        order.reserve_price = order.limit or rules.banded(price, band_ppm)
    return ""
