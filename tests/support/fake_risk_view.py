"""The account as the risk gate asks for it: plain numbers that a test sets."""

from dataclasses import dataclass, field
from decimal import Decimal

from tests.support.builders import an_instrument

from botcore.domain.ids import AccountId, ClientOrderId, Currency, InstrumentId, StrategyId
from botcore.domain.instruments import Instrument
from botcore.domain.orders import OrderSpec


@dataclass
class FakeRiskView:
    """Implements `risk.RiskView`: by default 10,000 USDT, flat, the mark at 100."""

    rules: Instrument = field(default_factory=an_instrument)
    price: float | None = 100.0
    equity_float: float | None = None
    equity_is: Decimal = Decimal(10_000)
    free: Decimal = Decimal(10_000)
    held: Decimal = Decimal(0)
    selling: Decimal = Decimal(0)
    buying: Decimal = Decimal(0)
    on_instrument: float = 0.0
    of_strategy: float = 0.0
    of_account: float = 0.0
    doubtful: bool = False

    def instrument(self, instrument: InstrumentId) -> Instrument:
        return self.rules

    def mark(self, instrument: InstrumentId) -> float | None:
        return self.price

    def equity(self, account: AccountId) -> float:
        return float(self.equity_is) if self.equity_float is None else self.equity_float

    def equity_exact(self, account: AccountId) -> Decimal:
        return self.equity_is

    def free_cash(self, account: AccountId, currency: Currency) -> Decimal:
        return self.free

    def position(
        self, account: AccountId, strategy: StrategyId, instrument: InstrumentId
    ) -> Decimal:
        return self.held

    def working_sells(
        self, account: AccountId, strategy: StrategyId, instrument: InstrumentId
    ) -> Decimal:
        return self.selling

    def working_buys(
        self, account: AccountId, strategy: StrategyId, instrument: InstrumentId
    ) -> Decimal:
        return self.buying

    def instrument_exposure(self, account: AccountId, instrument: InstrumentId) -> float:
        return self.on_instrument

    def exposures(self, account: AccountId, strategy: StrategyId) -> tuple[float, float]:
        return self.of_strategy, self.of_account

    def is_in_doubt(self, account: AccountId, instrument: InstrumentId) -> bool:
        return self.doubtful

    def order(self, client_order_id: ClientOrderId) -> OrderSpec | None:
        return None
