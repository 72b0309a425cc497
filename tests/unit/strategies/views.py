"""A world for event strategies in tests: what is held and rests is as the test says."""

from dataclasses import dataclass, field
from decimal import Decimal

from botcore.domain.decisions import Denied
from botcore.domain.events import OrderFilled
from botcore.domain.ids import (
    MINUTE_NS,
    AccountId,
    ClientOrderId,
    Currency,
    InstrumentId,
    Nanos,
    StrategyId,
    TradeId,
)
from botcore.domain.intents import CancelOrder, Intent, PlaceOrder
from botcore.domain.market import Bar, BarSpec
from botcore.domain.orders import Liquidity, OrderState, OrderType, Side
from botcore.domain.reports import Fill
from botcore.strategies import EventStrategy, WorkingOrder

COIN = InstrumentId("COINUSDT.SIM")
ACCOUNT = AccountId("paper")
MINE = StrategyId("mine")
EPOCH = Nanos(0)


def a_bar(close: float, number: int = 0) -> Bar:
    """Return the bar of minute `number` since 1970, with one price."""
    opens = number * MINUTE_NS
    spec = BarSpec(MINUTE_NS)
    return Bar(COIN, spec, opens, opens + MINUTE_NS, close, close, close, close, 1_000.0)


@dataclass
class FakeWorld:
    """Implements `StrategyView`, and does what a strategy asks for: orders rest until filled."""

    strategy_class: EventStrategy
    lot: Decimal = Decimal("0.001")
    budget: float = 1_000.0
    held: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    rests: list[WorkingOrder] = field(default_factory=list)
    said: list[Intent] = field(default_factory=list)
    account: AccountId = ACCOUNT
    strategy: StrategyId = MINE
    now: Nanos = EPOCH
    is_warmup: bool = False
    refuses: str = ""
    _count: int = 0

    def position(self, _instrument: InstrumentId) -> Decimal:
        return self.held

    def average_price(self, _instrument: InstrumentId) -> Decimal | None:
        return self.cost / self.held if self.held else None

    def working(self, _instrument: InstrumentId) -> tuple[WorkingOrder, ...]:
        return tuple(self.rests)

    def equity_budget(self) -> float:
        return self.budget

    def last(self, _instrument: InstrumentId) -> Bar | None:
        return None

    def bars(self, _instrument: InstrumentId, _n: int) -> tuple[Bar, ...]:
        return ()

    def closes_at(self, price: float, number: int = 0) -> list[Intent]:
        """Let a bar close, and do what is asked; return that."""
        return self._does(list(self.strategy_class.on_bar(a_bar(price, number), self)))

    def fills(self, order: WorkingOrder, part: str = "1") -> list[Intent]:
        """Fill a share of what an order has left; return what is asked then."""
        quantity = order.leaves * Decimal(part)
        price = order.limit_price
        assert price is not None
        if order.side is Side.BUY:
            self.held += quantity
            self.cost += quantity * price
        else:
            self.cost -= self.cost * quantity / self.held
            self.held -= quantity
        self.rests.remove(order)
        is_whole = quantity == order.leaves
        if not is_whole:
            left = order.leaves - quantity
            self.rests.append(_order(order.client_order_id, order.side, left, price))
        fill = Fill(
            trade_id=TradeId("t"),
            quantity=quantity,
            price=price,
            quote_amount=quantity * price,
            fee=Decimal(0),
            fee_currency=Currency("USDT"),
            liquidity=Liquidity.MAKER,
            ts_event=Nanos(0),
        )
        fact = OrderFilled(
            ACCOUNT,
            MINE,
            COIN,
            order.client_order_id,
            order.side,
            fill,
            OrderState.FILLED if is_whole else OrderState.PARTIAL,
            quantity,
            Decimal(0),
        )
        return self._does(list(self.strategy_class.on_fill(fact, self)))

    def resting(self, side: Side) -> list[tuple[float, float]]:
        """Return price and quantity of what rests on a side, the highest price first."""
        found = [
            (float(each.limit_price or 0), float(each.leaves))
            for each in self.rests
            if each.side is side
        ]
        return sorted(found, reverse=True)

    def at(self, price: float) -> WorkingOrder:
        """Return the order that rests nearest to a price."""
        return min(self.rests, key=lambda each: abs(float(each.limit_price or 0) - price))

    def _does(self, intents: list[Intent]) -> list[Intent]:
        self.said += intents
        for intent in intents:
            if isinstance(intent, CancelOrder):
                self.rests = [o for o in self.rests if o.client_order_id != intent.client_order_id]
            elif isinstance(intent, PlaceOrder):
                self._places(intent)
        return intents

    def _places(self, intent: PlaceOrder) -> None:
        if self.refuses:
            denied = Denied(ACCOUNT, MINE, COIN, self.refuses, 0.0, 0.0, Nanos(0), intent.reason)
            self._does(list(self.strategy_class.on_denied(denied, self)))
            return
        quantity = Decimal(str(intent.quantity)) // self.lot * self.lot
        if intent.type is OrderType.MARKET:
            return
        self._count += 1
        name = ClientOrderId(f"o{self._count}")
        price = Decimal(str(intent.limit_price)).quantize(Decimal("0.01"))
        self.rests.append(_order(name, intent.side, quantity, price))


def _order(name: ClientOrderId, side: Side, leaves: Decimal, price: Decimal) -> WorkingOrder:
    return WorkingOrder(name, side, OrderType.LIMIT, leaves, price)
