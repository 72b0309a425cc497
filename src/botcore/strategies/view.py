"""What a strategy may look at: its own position and orders, and the past. The engine shows it."""

from decimal import Decimal
from typing import Protocol

import msgspec

from botcore.domain.ids import AccountId, ClientOrderId, InstrumentId, Nanos, StrategyId
from botcore.domain.market import Bar
from botcore.domain.orders import OrderType, Side


class WorkingOrder(msgspec.Struct, frozen=True, gc=False):
    """One order of the strategy that may still trade.

    Attributes:
        leaves: quantity not yet filled, base units.
        limit_price, trigger_price: quote units; None where the type has none.
        cancel_owed: a cancel was asked for and the order is not proven gone.
    """

    client_order_id: ClientOrderId
    side: Side
    type: OrderType
    leaves: Decimal
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    cancel_owed: bool = False


class StrategyView(Protocol):
    """The world of one strategy at one instant: nothing later than `now` can be asked for.

    All figures are those of this strategy's own sub-ledger: what another strategy holds on the
    same instrument is not in them.
    """

    @property
    def account(self) -> AccountId:
        """Whose money it is: stands in every intent."""
        ...

    @property
    def strategy(self) -> StrategyId:
        """The name under which it is configured: stands in every intent."""
        ...

    @property
    def now(self) -> Nanos:
        """The instant of the event being handled, nanoseconds UTC."""
        ...

    @property
    def is_warmup(self) -> bool:
        """Whether history is being fed: intents are dropped and counted."""
        ...

    def position(self, instrument: InstrumentId) -> Decimal:
        """Return what the strategy holds, base units, signed; fills only."""
        ...

    def average_price(self, instrument: InstrumentId) -> Decimal | None:
        """Return the average cost of the open position, quote units; None while flat."""
        ...

    def working(self, instrument: InstrumentId) -> tuple[WorkingOrder, ...]:
        """Return the strategy's orders that may still trade, in doubt ones too, oldest first."""
        ...

    def equity_budget(self) -> float:
        """Return the share of the account's equity that is this strategy's, quote units."""
        ...

    def last(self, instrument: InstrumentId) -> Bar | None:
        """Return the newest closed bar; None before the first."""
        ...

    def bars(self, instrument: InstrumentId, n: int) -> tuple[Bar, ...]:
        """Return the newest `n` closed bars or as many as are kept, oldest first."""
        ...
