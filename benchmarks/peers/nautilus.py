"""NautilusTrader's year: its engine, bars, its own EMA, analyser and log off.

With bars alone NautilusTrader fills a market order sent in ``on_bar`` at that bar's close: the
bar has gone through the matching engine before the strategy sees it, and no setting fills at the
next open (its issue 4063 and discussion 4559, 2026). So there are two configurations, and the
faster of the two is the one that counts:

- ``next-open``: its maintainers' way to the next open, one trade tick at each open beside a bar
  that does not execute; it gives the task's money;
- ``close``: one executing bar a minute; the same orders at other prices, held against
  ``reference.py --fill close``.

Bars are stamped with their close time, as its bar execution demands. Sizes are ample, for the
task has no participation cap. Its risk engine is bypassed unless ``--risk`` is given (the
difference is below the noise).
"""

from __future__ import annotations

import argparse
import sys
from decimal import Decimal

import nautilus_trader
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, RiskEngineConfig
from nautilus_trader.indicators import ExponentialMovingAverage
from nautilus_trader.model.currencies import BTC, USDT
from nautilus_trader.model.data import Bar, BarType, TradeTick
from nautilus_trader.model.enums import AccountType, AggressorSide, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TradeId, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

from contestant import FAST, FEE_RATE, QUANTITY_BTC, SLOW, STARTING_CASH_USDT, report, timed
from tape import MINUTE_NS, Tape, load_year

VENUE = Venue("BINANCE")
INSTRUMENT_ID = InstrumentId(Symbol("BTCUSDT"), VENUE)
BAR_TYPE = BarType.from_str(f"{INSTRUMENT_ID}-1-MINUTE-LAST-EXTERNAL")
PRICE_PRECISION = 2
SIZE_PRECISION = 5
FILLS = {
    "next-open": "a bar and a trade tick at the next open each minute, fills at that tick",
    "close": "one executing bar a minute, fills at the deciding bar's close",
}
AMPLE_BTC = 1_000  # a size no order reaches: the task has no participation cap


class EmaCross(Strategy):
    """Long or flat by EMA 10/30, deciding at each bar and sending at once."""

    def __init__(self) -> None:
        super().__init__()
        self.fast = ExponentialMovingAverage(FAST)
        self.slow = ExponentialMovingAverage(SLOW)
        self.quantity = Quantity(QUANTITY_BTC, SIZE_PRECISION)

    def on_start(self) -> None:
        self.register_indicator_for_bars(BAR_TYPE, self.fast)
        self.register_indicator_for_bars(BAR_TYPE, self.slow)
        self.subscribe_bars(BAR_TYPE)

    def on_bar(self, bar: Bar) -> None:
        side = self.wanted()
        if side is not None:
            self.send(side)

    def wanted(self) -> OrderSide | None:
        if not self.slow.initialized:  # first after 30 bars: the 30th may decide
            return None
        fast, slow = self.fast.value, self.slow.value
        if fast > slow and self.portfolio.is_flat(INSTRUMENT_ID):
            return OrderSide.BUY
        if fast < slow and self.portfolio.is_net_long(INSTRUMENT_ID):
            return OrderSide.SELL
        return None

    def send(self, side: OrderSide) -> None:
        self.submit_order(self.order_factory.market(INSTRUMENT_ID, side, self.quantity))


class EmaCrossAtNextOpen(EmaCross):
    """The same decision, sent when the next bar's first trade is there."""

    def __init__(self) -> None:
        super().__init__()
        self.pending: OrderSide | None = None

    def on_start(self) -> None:
        super().on_start()
        self.subscribe_trade_ticks(INSTRUMENT_ID)

    def on_bar(self, bar: Bar) -> None:
        self.pending = self.wanted()

    def on_trade_tick(self, tick: TradeTick) -> None:
        if self.pending is not None:
            side, self.pending = self.pending, None
            self.send(side)


def instrument() -> CurrencyPair:
    return CurrencyPair(
        instrument_id=INSTRUMENT_ID,
        raw_symbol=Symbol("BTCUSDT"),
        base_currency=BTC,
        quote_currency=USDT,
        price_precision=PRICE_PRECISION,
        size_precision=SIZE_PRECISION,
        price_increment=Price.from_str("0.01"),
        size_increment=Quantity.from_str("0.00001"),
        maker_fee=Decimal(str(FEE_RATE)),
        taker_fee=Decimal(str(FEE_RATE)),
        ts_event=0,
        ts_init=0,
    )


def bars_of(tape: Tape) -> list[Bar]:
    size = Quantity(4 * AMPLE_BTC, SIZE_PRECISION)  # the matching engine takes a quarter a price
    columns = (tape.ts_open, tape.open, tape.high, tape.low, tape.close)
    return [
        Bar(
            BAR_TYPE,
            *(Price(x, PRICE_PRECISION) for x in prices),
            size,
            ts_open + MINUTE_NS,
            ts_open + MINUTE_NS,
        )
        for ts_open, *prices in zip(*(column.tolist() for column in columns), strict=True)
    ]


def opens_of(tape: Tape) -> list[TradeTick]:
    size = Quantity(AMPLE_BTC, SIZE_PRECISION)
    return [
        TradeTick(
            INSTRUMENT_ID,
            Price(x, PRICE_PRECISION),
            size,
            AggressorSide.NO_AGGRESSOR,
            TradeId(str(i)),
            ts_open + 1,  # a nanosecond after the bar that closes there
            ts_open + 1,
        )
        for i, (ts_open, x) in enumerate(
            zip(tape.ts_open.tolist(), tape.open.tolist(), strict=True)
        )
    ]


def engine_of(tape: Tape, *, fill: str, risk: bool) -> BacktestEngine:
    engine = BacktestEngine(
        BacktestEngineConfig(
            logging=LoggingConfig(bypass_logging=True),
            run_analysis=False,
            risk_engine=RiskEngineConfig(bypass=not risk),
        )
    )
    engine.add_venue(
        venue=VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.CASH,
        base_currency=None,
        starting_balances=[Money(STARTING_CASH_USDT, USDT)],
        bar_execution=fill == "close",
        trade_execution=fill == "next-open",
    )
    engine.add_instrument(instrument())
    engine.add_data(bars_of(tape))
    if fill == "next-open":
        engine.add_data(opens_of(tape))
    engine.add_strategy(EmaCross() if fill == "close" else EmaCrossAtNextOpen())
    return engine


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the year through NautilusTrader.")
    parser.add_argument("--fill", choices=tuple(FILLS), default="next-open")
    parser.add_argument("--risk", action="store_true", help="keep its risk engine's checks on")
    arguments = parser.parse_args()
    tape = load_year()
    engine = engine_of(tape, fill=arguments.fill, risk=arguments.risk)
    time, _ = timed(engine.run)
    account = engine.portfolio.account(VENUE)
    held = float(account.balance_total(BTC) or 0)
    orders = engine.cache.orders()
    filled = sum(order.filled_qty == order.quantity for order in orders)
    report(
        name="NautilusTrader",
        version=nautilus_trader.__version__,
        bars=len(tape),
        time=time,
        orders=filled,
        final_equity=float(account.balance_total(USDT)) + held * float(tape.close[-1]),
        notes=f"EMA first-price seed (its own); {FILLS[arguments.fill]}; risk engine "
        f"{'on' if arguments.risk else 'bypassed'}; log and analyser off",
        fill=arguments.fill,
        orders_sent=len(orders),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
