"""Effects: what the world must do. The engine never does it; a runner does, once durable."""

from decimal import Decimal

import msgspec

from botcore.domain.ids import AccountId, Nanos
from botcore.domain.orders import OrderRef, OrderSpec


class Submit(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Send a new order."""

    order: OrderSpec


class Cancel(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Take an order back; safe to repeat."""

    order: OrderRef


class Replace(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Change a working order; None leaves a value as it is."""

    order: OrderRef
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None


class Query(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Ask the venue for the truth about an order."""

    order: OrderRef


class SetTimer(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Wake the engine with `TimerFired(name)` at `at`."""

    account: AccountId
    name: str
    at: Nanos


Effect = Submit | Cancel | Replace | Query | SetTimer
