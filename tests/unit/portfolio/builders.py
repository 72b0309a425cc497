"""Builders of fills and instruments with plain defaults."""

from decimal import Decimal
from typing import Any

from botcore.domain.commands import Deposit
from botcore.domain.events import LedgerPosted, OrderFilled, PositionChanged
from botcore.domain.ids import (
    AccountId,
    ClientOrderId,
    Currency,
    InstrumentId,
    Nanos,
    StrategyId,
    TradeId,
)
from botcore.domain.instruments import Instrument
from botcore.domain.orders import Liquidity, OrderState, Side
from botcore.domain.reports import Fill
from botcore.portfolio import Portfolio

MAIN = AccountId("main")
EMA = StrategyId("ema")
RSI = StrategyId("rsi")
BTCUSDT = InstrumentId("BTCUSDT.SIM")
ETHUSDT = InstrumentId("ETHUSDT.SIM")
ETHBTC = InstrumentId("ETHBTC.SIM")
BNBUSDT = InstrumentId("BNBUSDT.SIM")
BTC, ETH, BNB, USDT = Currency("BTC"), Currency("ETH"), Currency("BNB"), Currency("USDT")


def an_instrument(
    identifier: InstrumentId = BTCUSDT,
    base: Currency = BTC,
    quote: Currency = USDT,
    **rules: Any,
) -> Instrument:
    """A spot instrument of 0.001 lots and a minimum notional of 10."""
    defaults: dict[str, Any] = {
        "settle": quote,
        "tick": Decimal("0.01"),
        "lot": Decimal("0.001"),
        "min_quantity": Decimal("0.001"),
        "min_notional": Decimal(10),
    }
    return Instrument(id=identifier, base=base, quote=quote, **(defaults | rules))


BITCOIN = an_instrument()
ETHER = an_instrument(ETHUSDT, ETH)
ETHER_IN_BITCOIN = an_instrument(ETHBTC, ETH, BTC)


def a_fill(
    side: Side = Side.BUY,
    quantity: str = "1",
    price: str = "100",
    *,
    fee: str = "0",
    fee_currency: Currency = USDT,
    quote_amount: str | None = None,
    instrument: InstrumentId = BTCUSDT,
    strategy: StrategyId = EMA,
    account: AccountId = MAIN,
    trade: int = 1,
) -> OrderFilled:
    """One fill of one order; the quote amount is price × quantity unless it is given."""
    amount = Decimal(quote_amount) if quote_amount else Decimal(price) * Decimal(quantity)
    return OrderFilled(
        account=account,
        strategy=strategy,
        instrument=instrument,
        client_order_id=ClientOrderId(f"order-{trade}"),
        side=side,
        fill=Fill(
            trade_id=TradeId(f"t{trade}"),
            price=Decimal(price),
            quantity=Decimal(quantity),
            quote_amount=amount,
            fee=Decimal(fee),
            fee_currency=fee_currency,
            liquidity=Liquidity.TAKER,
            ts_event=Nanos(trade),
        ),
        state=OrderState.FILLED,
        filled=Decimal(quantity),
        overfill=Decimal(0),
    )


def buy(quantity: str, price: str = "100", **more: Any) -> OrderFilled:
    """A bought fill."""
    return a_fill(Side.BUY, quantity, price, **more)


def sell(quantity: str, price: str = "100", **more: Any) -> OrderFilled:
    """A sold fill."""
    return a_fill(Side.SELL, quantity, price, **more)


def deposit(amount: str, currency: Currency = USDT, account: AccountId = MAIN) -> Deposit:
    """Money from outside."""
    return Deposit(account=account, currency=currency, amount=amount, reference="start")


def exact(*values: int | str | Decimal) -> tuple[Decimal, ...]:
    """Numbers to compare figures with."""
    return tuple(Decimal(value) for value in values)


def a_portfolio(
    *fills: OrderFilled, cash: str = "100000"
) -> tuple[Portfolio, list[LedgerPosted | PositionChanged]]:
    """A portfolio with cash and fills on BITCOIN booked, and all facts it made."""
    portfolio = Portfolio()
    facts: list[LedgerPosted | PositionChanged] = [portfolio.book_deposit(deposit(cash), Nanos(0))]
    for filled in fills:
        facts.extend(portfolio.book_fill(filled, BITCOIN))
    return portfolio, facts
