"""What a person does by hand, with a short hand: orders, changes, cancels and limits."""

from decimal import Decimal
from typing import Any

from tests.support.trading_session import ACCOUNT, TradingSession
from tests.support.venue_session import COINUSDT

from botcore.domain.commands import (
    AmendOrder,
    CancelOne,
    OrderWish,
    Referenced,
    SubmitOrder,
    UseLimits,
)
from botcore.domain.ids import ClientOrderId
from botcore.domain.orders import OrderType, Side
from botcore.domain.outcomes import Outcome
from botcore.engine import is_repeated, outcome_of

ADA = "person:ada"
_NUMBERS = ("limit_price", "trigger_price", "trail", "take_profit", "stop_loss", "trailing")


def a_wish(quantity: str = "1", side: Side = Side.BUY, **more: Any) -> OrderWish:
    """An order at the market of COINUSDT, unless told otherwise; prices may be text."""
    for name in _NUMBERS:
        if isinstance(more.get(name), str):
            more[name] = Decimal(more[name])
    given = {"account": ACCOUNT, "instrument": COINUSDT, "type": OrderType.MARKET, **more}
    return OrderWish(side=side, quantity=Decimal(quantity), **given)


def a_limit(quantity: str = "1", price: str = "90", **more: Any) -> OrderWish:
    """An order with a limit."""
    return a_wish(quantity, type=OrderType.LIMIT, limit_price=price, **more)


def submit(wish: OrderWish, reference: str = "r-1", **more: Any) -> SubmitOrder:
    """Ask for an order."""
    return SubmitOrder(order=wish, **{"by": ADA, "reference": reference, **more})


def amend(order: ClientOrderId, reference: str = "r-2", **more: Any) -> AmendOrder:
    """Ask for a change; numbers are text."""
    values: dict[str, Any] = {name: Decimal(text) for name, text in more.items()}
    return AmendOrder(account=ACCOUNT, by=ADA, reference=reference, client_order_id=order, **values)


def cancel(order: ClientOrderId, reference: str = "r-3") -> CancelOne:
    """Ask for a cancel."""
    return CancelOne(ACCOUNT, ADA, order, reference)


def use(reference: str = "r-4", **limits: Any) -> UseLimits:
    """Ask for other limits."""
    return UseLimits(account=ACCOUNT, by=ADA, reference=reference, limits=limits)


def told(run: TradingSession, command: Referenced) -> Outcome:
    """Give the engine a command as the process does; return what it came to."""
    is_repeat = is_repeated(run.engine, command)
    run.tell(command)
    return outcome_of(run.engine, command, is_repeat=is_repeat, lsn=0)


def a_session(**more: Any) -> TradingSession:
    """Nobody but people trades; three bars at 100 have closed."""
    run = TradingSession(more.pop("strategies", {}), **more)
    run.flat(100, 3)
    return run
