"""A short tape and two strategies that go through an order's whole life on it.

On COIN a market buy of 3 fills one by one (the volume cap is 1 a bar), its bracket grows with it,
and a gap through the stop sells it piece by piece. On MOON a resting limit is changed and taken
back, another fills partly before its rest is taken back, and a reduce-only order closes what was
bought. Where a crash loses a decision, the strategies come to the same end on a later bar.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import ClassVar

from botcore.domain.ids import MINUTE_NS, AccountId, Currency, InstrumentId, Nanos, StrategyId
from botcore.domain.instruments import Instrument
from botcore.domain.intents import CancelOrder, Intent, PlaceOrder, ReplaceOrder
from botcore.domain.market import Bar, BarsClosed, BarSpec
from botcore.domain.orders import OrderType, Side
from botcore.engine import AccountConfig, EngineConfig, StrategyClass, StrategyConfig
from botcore.risk import RiskLimits
from botcore.strategies import EventStrategyBase, StrategyView

PAPER = AccountId("paper")
USDT = Currency("USDT")
COIN, MOON = InstrumentId("COINUSDT.SIM"), InstrumentId("MOONUSDT.SIM")
CASH = Decimal(100_000)
STARTS = 1_700_000_040 * 1_000_000_000 // MINUTE_NS * MINUTE_NS
"""When the first bar opens."""

_COIN = (
    (100, 101, 99, 100),
    (100, 101, 99, 100),
    (100, 101, 99, 100),
    (101, 102, 100, 101),
    (101, 102, 100, 101),
    (102, 103, 101, 102),
    (102, 103, 101, 102),
    (101, 102, 98, 99),
    (94, 96, 93, 95),
    (95, 97, 94, 96),
    (96, 98, 95, 97),
    (97, 98, 96, 97),
    (97, 98, 96, 97),
    (97, 98, 96, 97),
)
_MOON = (
    (51, 52, 51, 51),
    (51, 52, 51, 51),
    (51, 52, 51, 51),
    (51, 52, 51, 51),
    (51, 52, 51, 51),
    (51, 52, 51, 51),
    (51, 52, 49, 51),
    (51, 52, 51, 51),
    (51, 52, 51, 52),
    (52, 53, 52, 53),
    (53, 54, 53, 54),
    (54, 55, 54, 55),
    (55, 56, 55, 56),
    (55, 56, 55, 56),
)
_VOLUME = 10.0
_CHANGE, _TAKE_BACK, _BUY, _END_BUY, _SELL = 3, 4, 5, 6, 8


def tape() -> list[BarsClosed]:
    """The bars of the scenario, one stamp a minute, oldest first."""
    events = []
    for number, rows in enumerate(zip(_COIN, _MOON, strict=True)):
        opens = STARTS + number * MINUTE_NS
        bars = tuple(_bar(name, opens, row) for name, row in zip((COIN, MOON), rows, strict=True))
        events.append(BarsClosed(Nanos(opens + MINUTE_NS), bars))
    return events


def _bar(name: InstrumentId, opens: int, prices: tuple[int, int, int, int]) -> Bar:
    open_, high, low, close = (float(price) for price in prices)
    closes = opens + MINUTE_NS
    return Bar(name, BarSpec(MINUTE_NS), opens, closes, open_, high, low, close, _VOLUME)


def _number(bar: Bar) -> int:
    return (bar.ts_open - STARTS) // MINUTE_NS


def _order(
    view: StrategyView, bar: Bar, side: Side, type_: OrderType, **more: object
) -> PlaceOrder:
    given = {"account": view.account, "strategy": view.strategy, "instrument": bar.instrument}
    return PlaceOrder(**(given | {"side": side, "type": type_} | more))  # type: ignore[arg-type]  # by name


class Bracketed(EventStrategyBase):
    """Buy 3 at the market once, with a stop and a target."""

    name: ClassVar[str] = "bracketed"

    def on_bar(self, bar: Bar, view: StrategyView) -> Iterable[Intent]:
        """Enter on the second bar, or on the third if a crash lost the decision."""
        is_idle = not view.position(bar.instrument) and not view.working(bar.instrument)
        if _number(bar) in (1, 2) and is_idle:
            yield _order(
                view,
                bar,
                Side.BUY,
                OrderType.MARKET,
                quantity=3.0,
                stop_loss=95.0,
                take_profit=110.0,
            )


class Resting(EventStrategyBase):
    """Rest a buy, change it, take it back; buy a part of another, and sell what was bought."""

    name: ClassVar[str] = "resting"

    def on_bar(self, bar: Bar, view: StrategyView) -> Iterable[Intent]:
        """Act by the number of the bar and by what works, so that a lost decision is made up."""
        number, working = _number(bar), view.working(bar.instrument)
        held = view.position(bar.instrument)
        if number in (1, 2) and not working:
            yield _order(view, bar, Side.BUY, OrderType.LIMIT, quantity=1.0, limit_price=45.0)
        for order in working:
            is_low = order.limit_price is not None and order.limit_price < 50
            if order.side is not Side.BUY or order.cancel_owed:
                continue
            if number == _CHANGE and is_low:
                yield ReplaceOrder(
                    view.account, view.strategy, order.client_order_id, limit_price=46.0
                )
            if (number >= _TAKE_BACK and is_low) or number >= _END_BUY:
                yield CancelOrder(view.account, view.strategy, order.client_order_id)
        if number == _BUY and not held:
            yield _order(view, bar, Side.BUY, OrderType.LIMIT, quantity=2.0, limit_price=50.0)
        if number >= _SELL and held > 0 and not working:
            yield _order(view, bar, Side.SELL, OrderType.MARKET, quantity=held, reduce_only=True)


STRATEGIES: dict[str, StrategyClass] = {"bracketed": Bracketed, "resting": Resting}


def instrument(name: InstrumentId) -> Instrument:
    """COIN or MOON: tick 0.01, lot 0.001."""
    return Instrument(
        id=name,
        base=Currency(name.removesuffix("USDT.SIM")),
        quote=USDT,
        settle=USDT,
        tick=Decimal("0.01"),
        lot=Decimal("0.001"),
        min_quantity=Decimal("0.001"),
        min_notional=Decimal(1),
    )


INSTRUMENTS = (instrument(COIN), instrument(MOON))


def engine_config() -> EngineConfig:
    """One account, one strategy on each instrument."""
    strategies = tuple(
        StrategyConfig(
            id=StrategyId(name),
            strategy=name,
            account=PAPER,
            instruments=(on,),
            step_ns=MINUTE_NS,
        )
        for name, on in (("bracketed", COIN), ("resting", MOON))
    )
    return EngineConfig((AccountConfig(PAPER, USDT, RiskLimits()),), INSTRUMENTS, strategies)
