"""What a backtest does with recorded markets: holes, ambiguous bars, prices that really traded."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from tests.support.recorded_candles import candles_of, json_rows, spot_days

from botcore.backtest import BacktestingFramework, BarTape, StrategyRun
from botcore.backtest.collector import Collector
from botcore.domain.commands import Input
from botcore.domain.events import OrderFilled, OrderUpdated
from botcore.domain.ids import MINUTE_NS, Currency, InstrumentId
from botcore.domain.instruments import Instrument
from botcore.domain.intents import Intent, PlaceOrder
from botcore.domain.keys import Key
from botcore.domain.market import Bar
from botcore.domain.orders import OrderType, Side
from botcore.domain.steps import Step
from botcore.marketdata.candles import Candles
from botcore.risk import RiskLimits
from botcore.strategies import EventStrategyBase, StrategyView
from botcore.venues.simulated import VenueConfig

USDT = Currency("USDT")
WIDE = RiskLimits(
    order_frac=10, instrument_frac=10, daily_loss_frac=0.99, drawdown_frac=0.99, price_band_frac=0.5
)
HOLE = (1_679_661_600_000_000_000, 1_679_666_400_000_000_000)
"""2023-03-24 12:40 to 14:00 UTC: Binance was down."""


def spot(symbol: str, *, tick: str, lot: str) -> Instrument:
    base = symbol.removesuffix("USDT")
    return Instrument(
        id=InstrumentId(f"{symbol}.BINANCE"),
        base=Currency(base),
        quote=USDT,
        settle=USDT,
        tick=Decimal(tick),
        lot=Decimal(lot),
        min_quantity=Decimal(lot),
        min_notional=Decimal(1),
    )


class Facts:
    """Keeps the facts of a run."""

    def __init__(self) -> None:
        self.filled: list[OrderFilled] = []
        self.updated: list[OrderUpdated] = []

    def commit(self, _key: Key, _event: Input, step: Step, _durable: bool) -> None:
        self.filled += [fact for fact in step.facts if isinstance(fact, OrderFilled)]
        self.updated += [fact for fact in step.facts if isinstance(fact, OrderUpdated)]


class InAndOut(EventStrategyBase):
    """Buys at the market while it is flat, and sells it all on the next bar."""

    name = "in-and-out"

    def on_bar(self, bar: Bar, view: StrategyView) -> Iterable[Intent]:
        held = view.position(bar.instrument)
        if view.working(bar.instrument):
            return
        yield PlaceOrder(
            account=view.account,
            strategy=view.strategy,
            instrument=bar.instrument,
            side=Side.SELL if held else Side.BUY,
            type=OrderType.MARKET,
            quantity=held or Decimal("0.01"),
            reduce_only=bool(held),
        )


def levels(close: float, tick: str) -> tuple[Decimal, Decimal]:
    """A stop 1 % below and a target 1 % above, both on the grid as an order carries them."""
    step = Decimal(tick)

    def up(price: Decimal) -> Decimal:
        return -(-price // step) * step  # a sell's trigger and a sell's limit both round up

    at = Decimal(repr(close))
    return up(at * Decimal("0.99")), up(at * Decimal("1.01"))


class Bracketed(EventStrategyBase):
    """Always in the market: bought at the next open, out at 1 % either way."""

    name = "bracketed"
    tick = "0.01"
    quantity = "0.001"

    def on_bar(self, bar: Bar, view: StrategyView) -> Iterator[Intent]:
        if view.position(bar.instrument) or view.working(bar.instrument):
            return
        stop, target = levels(bar.close, self.tick)
        yield PlaceOrder(
            account=view.account,
            strategy=view.strategy,
            instrument=bar.instrument,
            side=Side.BUY,
            type=OrderType.MARKET,
            quantity=Decimal(self.quantity),
            stop_loss=stop,
            take_profit=target,
        )


def played(
    candles: Candles, instrument: Instrument, strategy: type[EventStrategyBase]
) -> tuple[Facts, Collector]:
    facts, collector = Facts(), Collector()
    framework = BacktestingFramework(
        tape=BarTape.of([candles]),
        instruments=[instrument],
        cash="1000000",
        venue=VenueConfig(participation_ppm=None),
        limits=WIDE,
        strategies={strategy.name: strategy},
    )
    framework.played(StrategyRun(strategy.name), collector=collector, trace=facts.commit)
    return facts, collector


def test_e13_no_fill_lies_in_the_outage_or_has_a_price_from_beyond_it(
    market_data_dir: Path,
) -> None:
    candles = spot_days(market_data_dir, "BTCUSDT", "2023-03-24", 1)
    tick = 0.01

    facts, _ = played(candles, spot("BTCUSDT", tick="0.01", lot="0.00001"), InAndOut)

    opens = {int(ts): at for at, ts in enumerate(candles.ts_open)}
    assert len(facts.filled) > 1_000
    assert not [f for f in facts.filled if HOLE[0] <= f.fill.ts_event < HOLE[1]]
    for each in facts.filled:
        at = opens[each.fill.ts_event // MINUTE_NS * MINUTE_NS]
        slip = 0.0002 * candles.columns["open"][at] + tick
        price = float(each.fill.price)
        assert candles.columns["low"][at] - slip <= price <= candles.columns["high"][at] + slip


def test_e10b_the_order_that_waited_when_the_outage_began_is_cancelled_for_the_gap(
    market_data_dir: Path,
) -> None:
    candles = spot_days(market_data_dir, "BTCUSDT", "2023-03-24", 1)
    # The 72 minutes before the hole had no trade at all: an order given then would still wait.
    traded = candles.rows(candles.columns["volume"] > 0)
    last = int(traded.ts_open[traded.ts_open < HOLE[0]][-1])

    facts, _ = played(traded, spot("BTCUSDT", tick="0.01", lot="0.00001"), InAndOut)

    ended = [fact for fact in facts.updated if "DATA_GAP" in fact.detail]
    assert ended
    assert all(fact.ts >= HOLE[1] for fact in ended)
    assert not [f for f in facts.filled if last + MINUTE_NS <= f.fill.ts_event < HOLE[1]]


@pytest.mark.parametrize(
    ("symbol", "tick", "lot"), [("BTC", "0.01", "0.001"), ("DOGE", "0.0000001", "100")]
)
def test_e1_ambiguous_bars_of_a_crash_are_as_many_as_a_count_by_hand(
    market_data_dir: Path, symbol: str, tick: str, lot: str
) -> None:
    rows = json_rows(market_data_dir / "crash-2021-05" / f"{symbol}_USDT-1m.json.gz")
    candles = candles_of(f"{symbol}USDT.BINANCE", rows)

    class Here(Bracketed):
        pass

    Here.tick, Here.quantity = tick, lot
    _, collector = played(candles, spot(f"{symbol}USDT", tick=tick, lot=lot), Here)

    assert collector.ambiguous == ambiguous_by_hand(candles, tick)
    assert collector.ambiguous > 5


def ambiguous_by_hand(candles: Candles, tick: str) -> int:
    """Walk the candles with one position at a time, and count bars that reach stop and target."""
    grid = Decimal(tick)
    o, h, low, c = (
        [Decimal(repr(x)).quantize(grid) for x in candles.columns[name].tolist()]
        for name in ("open", "high", "low", "close")
    )
    volume = candles.columns["volume"].tolist()
    follows = np.diff(candles.ts_open) == candles.step_ns
    count, at, last = 0, 0, len(c) - 1
    while at < last:
        stop, target = levels(float(c[at]), tick)
        entry = at + 1
        if not follows[at]:  # the order that waits into a hole is cancelled, and given anew
            at += 1
            continue
        while entry <= last and not volume[entry]:
            entry += 1
        bar = entry
        while bar <= last:
            if volume[bar]:
                if bar > entry and (o[bar] <= stop or o[bar] > target):
                    break  # decided at the open
                if low[bar] <= stop or h[bar] > target:
                    count += low[bar] <= stop and h[bar] > target
                    break
            bar += 1
        at = bar
    return count
