"""What the risk gate asks of the rest: implemented by the engine over portfolio and execution."""

from decimal import Decimal
from typing import Protocol

from botcore.domain.ids import AccountId, ClientOrderId, Currency, InstrumentId, StrategyId
from botcore.domain.instruments import Instrument
from botcore.domain.orders import OrderSpec


class RiskView(Protocol):
    """The state of the account as risk sees it, before the order in question."""

    def instrument(self, instrument: InstrumentId) -> Instrument:
        """The rules in force now."""
        ...

    def mark(self, instrument: InstrumentId) -> float | None:
        """The last price, quote units; None if none is known."""
        ...

    def equity(self, account: AccountId) -> float:
        """Account equity at the marks, reporting currency."""
        ...

    def equity_exact(self, account: AccountId) -> Decimal:
        """The same, exact."""
        ...

    def free_cash(self, account: AccountId, currency: Currency) -> Decimal:
        """What is owned of a currency and not reserved."""
        ...

    def position(
        self, account: AccountId, strategy: StrategyId, instrument: InstrumentId
    ) -> Decimal:
        """The strategy's own position, base units, signed."""
        ...

    def working_sells(
        self, account: AccountId, strategy: StrategyId, instrument: InstrumentId
    ) -> Decimal:
        """What the strategy's working orders may still sell, each linked group counted once."""
        ...

    def working_buys(
        self, account: AccountId, strategy: StrategyId, instrument: InstrumentId
    ) -> Decimal:
        """What the strategy's working orders may still buy."""
        ...

    def instrument_exposure(self, account: AccountId, instrument: InstrumentId) -> float:
        """Worst-case exposure of the account: position, open and in-doubt orders; quote units."""
        ...

    def exposures(self, account: AccountId, strategy: StrategyId) -> tuple[float, float]:
        """Worst-case exposure of one strategy, and of the account, over all instruments.

        Both in quote units.
        """
        ...

    def is_in_doubt(self, account: AccountId, instrument: InstrumentId) -> bool:
        """Whether an order on the instrument has an unknown outcome."""
        ...

    def order(self, client_order_id: ClientOrderId) -> OrderSpec | None:
        """A working order's specification as it stands, or None."""
        ...
