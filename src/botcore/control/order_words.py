"""What an order would do, in one sentence with its figures, for who confirms it."""

from decimal import Decimal

from botcore.control.wording import amount, percent, price, quantity
from botcore.domain.orders import OrderType, Side
from botcore.domain.questions import OrderPreview, PreviewedOrder


def effect_words(preview: OrderPreview) -> str:
    """Return the sentence: "Buy 0.01 BTCUSDT at market, about 641.20 USDT, fee about 0.64 …".

    What is not known is not said; an order that is not allowed says why.
    """
    order = preview.order
    symbol = preview.instrument.partition(".")[0]
    if order is None:
        return f"An order on {symbol}, which is refused: {preview.detail}"
    parts = [f"{order_words(order, symbol)}{_money(preview)}"]
    if preview.position_after is not None:
        parts.append(f"position after {quantity(_plain(preview.position_after))}")
    share = equity_frac(preview)
    if share is not None:
        parts.append(f"{percent(share, 1)} of equity")
    parts += [f"with {_exit_words(each)}" for each in preview.exits]
    words = "; ".join(parts)
    where = f" (account {preview.account}, {preview.strategy})"
    refused = "" if preview.is_approved else f"; it is refused: {preview.detail}"
    return words + where + refused


def order_words(order: PreviewedOrder, symbol: str) -> str:
    """Return which way, how much, and at what: "Sell 2 ETHUSDT at 3,400.00 or better"."""
    verb = "Buy" if order.side is Side.BUY else "Sell"
    only = ", only reducing" if order.reduce_only else ""
    return f"{verb} {quantity(_plain(order.quantity))} {symbol} {_how(order)}{only}"


def equity_frac(preview: OrderPreview) -> float | None:
    """Return the notional as a fraction of equity; None where either is not known."""
    if preview.notional is None or preview.equity <= 0:
        return None
    return float(preview.notional / preview.equity)


def _money(preview: OrderPreview) -> str:
    words = ""
    if preview.notional is not None:
        words += f", about {amount(_plain(preview.notional))} {preview.currency}"
    if preview.fee is not None:
        in_other = preview.fee_currency != preview.currency
        unit = f" {preview.fee_currency}" if in_other else ""
        words += f", fee about {amount(_plain(preview.fee), 8 if in_other else 2)}{unit}"
    return words


def _how(order: PreviewedOrder) -> str:
    limit, trigger, trail = (
        "" if each is None else price(_plain(each))
        for each in (order.limit_price, order.trigger_price, order.trail)
    )
    match order.type:
        case OrderType.MARKET:
            return "at market"
        case OrderType.LIMIT:
            return f"at {limit} or better"
        case OrderType.STOP:
            return f"at market once the price reaches {trigger}"
        case OrderType.STOP_LIMIT:
            return f"at {limit} or better once the price reaches {trigger}"
        case OrderType.TRAILING_STOP:
            return f"at market once the price turns by {trail}"


def _exit_words(order: PreviewedOrder) -> str:
    match order.type:
        case OrderType.LIMIT:
            return f"take profit at {price(_plain(order.limit_price))}"
        case OrderType.TRAILING_STOP:
            return f"a stop that trails by {price(_plain(order.trail))}"
        case _:
            return f"stop loss at {price(_plain(order.trigger_price))}"


def _plain(number: Decimal | None) -> str:
    return "" if number is None else f"{number:f}"
