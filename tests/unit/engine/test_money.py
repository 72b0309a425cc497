"""Cash, cost, fees, dust and equity through the whole engine, against the venue's own truth."""

# A Decimal equals the whole number that it is.
# mypy: disable-error-code="comparison-overlap"

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.support.trading_session import (
    ACCOUNT,
    WIDE,
    TradingSession,
    buy,
    cancel,
    planned,
    scripted,
    sell,
)
from tests.support.venue_session import COIN, COINUSDT, USDT, an_instrument

from botcore.domain.commands import Deposit
from botcore.domain.events import LedgerPosted, OrderFilled, PositionChanged
from botcore.domain.ids import Currency, InstrumentId, StrategyId
from botcore.domain.instruments import TradingStatus
from botcore.domain.intents import Intent
from botcore.domain.market import Bar
from botcore.domain.orders import OrderState, OrderType, Side
from botcore.risk import RiskLimits
from botcore.strategies import StrategyView
from botcore.venues.simulated import FeeMode

OTHER = InstrumentId("OTHERUSDT.SIM")
BASE_FEE = {"fee_mode": FeeMode.BASE, "taker_fee_ppm": 1_000, "maker_fee_ppm": 1_000}


def venue_total(run: TradingSession, currency: Currency) -> Decimal:
    balance = run.venue.balances(ACCOUNT).get(currency)
    return Decimal(0) if balance is None else Decimal(balance.total).scaleb(-8)


def exposure(run: TradingSession, instrument: InstrumentId = COINUSDT) -> float:
    return run.engine.desk.view.instrument_exposure(ACCOUNT, instrument)


def test_e76_cash_falls_by_notional_and_fee_exactly_once() -> None:
    run = TradingSession(
        {"s": planned({1: lambda view: [buy(view, "2")]})},
        cash="1000",
        venue={"taker_fee_ppm": 1_000},
    )

    run.flat(100, 2)

    cash = Decimal(1000) - Decimal(200) - Decimal("0.2")
    assert run.engine.desk.portfolio.cash(ACCOUNT, USDT) == cash
    assert venue_total(run, USDT) == cash
    assert run.equity == cash + 200
    assert run.position("s").fees == Decimal("0.2")


def test_e74_a_fee_in_base_is_taken_from_what_is_held_and_i3_holds() -> None:
    run = TradingSession({"s": planned({1: lambda view: [buy(view, "1")]})}, venue=BASE_FEE)

    run.flat(100, 2)

    assert run.position("s").quantity == Decimal("0.999") == venue_total(run, COIN)


def dusty(**more: Any) -> TradingSession:
    """One coin bought with a fee in base leaves 0.9990: 0.99 can be sold, 0.009 cannot."""
    plan = {
        1: lambda view: [buy(view, "1")],
        2: lambda view: [sell(view, "0.99", reduce_only=True)],
        4: lambda view: [buy(view, "1")],
    }
    coarse = an_instrument(lot="0.01", min_quantity="0.01")
    return TradingSession({"s": planned(plan)}, coarse, venue=BASE_FEE, **more)


def test_e78_what_an_exit_leaves_too_small_to_sell_becomes_dust_and_the_position_is_closed() -> (
    None
):
    run = dusty()
    run.flat(100, 2)

    facts = run.bar(100)

    position = run.position("s")
    assert (position.quantity, position.dust) == (0, Decimal("0.009"))
    assert [type(f) for f in facts] == [
        OrderFilled,
        LedgerPosted,
        PositionChanged,
        LedgerPosted,
        PositionChanged,
    ]
    assert [f.cause for f in facts if isinstance(f, LedgerPosted)] == ["fill", "dust"]
    assert venue_total(run, COIN) == position.quantity + position.dust, "I3 with the dust"
    run.engine.desk.portfolio.verify()


def test_e78_dust_is_worth_what_it_is_and_the_next_buy_takes_it_back() -> None:
    run = dusty()
    run.flat(100, 3)
    before = run.equity

    run.flat(100, 2)

    assert before == Decimal(1_000_000) - Decimal("0.1") - Decimal("0.099"), "fees and no more"
    position = run.position("s")
    assert (position.quantity, position.dust) == (Decimal("1.008"), 0)
    assert venue_total(run, COIN) == Decimal("1.008")
    run.engine.desk.portfolio.verify()


def test_e78_a_small_part_of_an_exit_that_still_works_is_no_dust() -> None:
    plan = {
        1: lambda view: [buy(view, "1")],
        2: lambda view: [sell(view, "1", reduce_only=True)],
    }
    run = TradingSession(
        {"s": planned(plan)},
        an_instrument(min_notional="10"),
        venue={"participation_ppm": 100_000},
    )
    run.bar(100)
    run.bar(100)

    run.bar(100, volume=9.5)
    working = run.position("s").quantity, run.position("s").dust
    run.bar(100)

    assert working == (Decimal("0.05"), 0), "5 USDT are left, and an order sells them"
    assert (run.position("s").quantity, run.position("s").dust) == (0, 0)


def test_e78_an_exit_cancelled_short_of_its_end_leaves_dust() -> None:
    def on_fill(fill: OrderFilled, view: StrategyView) -> Iterable[Intent]:
        return [cancel(view)] if fill.side is Side.SELL and view.working(COINUSDT) else []

    plan = {
        1: lambda view: [buy(view, "1")],
        2: lambda view: [sell(view, "1", reduce_only=True)],
    }
    run = TradingSession(
        {"s": planned(plan, on_fill=on_fill)},
        an_instrument(min_notional="10"),
        venue={"participation_ppm": 100_000},
    )
    run.flat(100, 2)

    run.bar(100, volume=9.5)

    assert run.orders[1].state is OrderState.CANCELED
    assert (run.position("s").quantity, run.position("s").dust) == (0, Decimal("0.05"))


def test_e78_the_strategy_is_told_of_the_fill_once_the_dust_is_set_aside() -> None:
    seen: list[Decimal] = []

    def on_fill(fill: OrderFilled, view: StrategyView) -> Iterable[Intent]:
        seen.append(view.position(COINUSDT))
        return ()

    plan = {
        1: lambda view: [buy(view, "1")],
        2: lambda view: [sell(view, "0.99", reduce_only=True)],
    }
    run = TradingSession(
        {"s": planned(plan, on_fill=on_fill)},
        an_instrument(lot="0.01", min_quantity="0.01"),
        venue=BASE_FEE,
    )

    run.flat(100, 3)

    assert seen == [Decimal("0.999"), 0]


def test_e79_an_exit_that_would_leave_too_little_to_sell_closes_all() -> None:
    plan = {
        1: lambda view: [buy(view, "1")],
        2: lambda view: [sell(view, "0.95", reduce_only=True)],
    }
    run = TradingSession({"s": planned(plan)}, an_instrument(min_notional="10"))

    run.flat(100, 3)

    assert run.orders[1].quantity == 1
    assert run.position("s").quantity == 0


def test_e79_an_order_below_the_least_notional_at_the_last_price_is_denied() -> None:
    plan = {1: lambda view: [buy(view, "0.09")]}
    run = TradingSession({"s": planned(plan)}, an_instrument(min_notional="10"))

    run.flat(100, 2)

    assert run.denials == ["BELOW_MINIMUM"]


def test_e92_a_buy_beyond_free_cash_is_denied_with_fee_band_and_open_orders_counted() -> None:
    limits = msgspec.structs.replace(WIDE, price_band_frac=0.05, fee_frac=0.001)
    resting = {"limit_price": "100"}
    plan = {
        1: lambda view: [
            buy(view, "5", OrderType.LIMIT, **resting),
            buy(view, "5", OrderType.LIMIT, **resting),
            buy(view, "4.755"),
            buy(view, "4.742"),
        ]
    }
    run = TradingSession({"s": planned(plan)}, cash="1000", limits=limits)

    run.bar(100)

    # 5 × 100 × 1.001 is 500.5; of the 499.5 left 4.755 × 105 × 1.001 would take 499.78.
    assert run.denials == ["INSUFFICIENT_CASH", "INSUFFICIENT_CASH"]
    assert [order.quantity for order in run.orders] == [5, Decimal("4.742")]
    assert run.engine.desk.view.free_cash(ACCOUNT, USDT) >= 0


def test_e92_going_short_is_denied() -> None:
    run = TradingSession({"s": planned({1: lambda view: [sell(view, "1")]})})

    run.flat(100, 2)

    assert run.denials == ["SHORT_NOT_ALLOWED"]


def test_e93_a_reservation_is_released_with_each_fill_and_by_the_cancel() -> None:
    plan = {
        1: lambda view: [buy(view, "10", OrderType.LIMIT, limit_price="99")],
        3: lambda view: [cancel(view)],
    }
    limits = msgspec.structs.replace(WIDE, fee_frac=0.0)
    run = TradingSession({"s": planned(plan)}, limits=limits, venue={"participation_ppm": 100_000})
    locked = run.engine.desk.execution.index.locked
    seen = []

    run.bar(100)
    seen.append(locked(ACCOUNT, USDT))
    run.bar(100, 100, 98, 100, volume=40)
    seen.append(locked(ACCOUNT, USDT))
    run.bar(100)
    seen.append(locked(ACCOUNT, USDT))

    assert seen == [990, 594, 0]
    balance = run.venue.balances(ACCOUNT)[USDT]
    assert balance.total == balance.free + balance.locked == 100_000_000 * (1_000_000 - 396)


def test_e94_a_position_without_a_price_counts_as_its_cost_and_takes_no_new_risk() -> None:
    instruments = (an_instrument(), an_instrument(OTHER))
    buyer = planned(
        {
            1: lambda view: [buy(view, "2", instrument=OTHER)],
            4: lambda view: [buy(view, "1", instrument=OTHER), buy(view, "1")],
        }
    )
    run = TradingSession({"s": buyer}, *instruments, cash="1000")
    for _ in range(2):
        run.bars(run.a_bar(*[50] * 4), run.a_bar(*[100] * 4, instrument=OTHER))

    run.restarted()
    run.resumed()
    run.bar(50)
    assert run.engine.desk.valuation.unpriced(ACCOUNT) == (OTHER,)
    assert exposure(run, OTHER) == 200.0, "not 0"
    assert run.engine.desk.view.strategy_exposure(ACCOUNT, StrategyId("s")) == 200.0
    assert run.engine.desk.view.account_exposure(ACCOUNT) == 200.0
    assert run.equity == 1000
    run.bar(50)

    assert run.denials == ["NO_PRICE"]
    run.bar(50)
    assert [(f[1], f[3]) for f in run.fills[1:]] == [(Side.BUY, 50)], "what has a price may trade"


def test_e94_open_buys_without_a_price_count_as_what_they_reserve() -> None:
    plan = {1: lambda view: [buy(view, "2", OrderType.LIMIT, limit_price="90")]}
    limits = msgspec.structs.replace(WIDE, fee_frac=0.0)
    run = TradingSession({"s": planned(plan)}, limits=limits)
    run.bar(100)

    run.restarted()

    assert run.engine.desk.view.mark(COINUSDT) is None
    assert exposure(run) == 180.0
    assert run.engine.desk.view.strategy_exposure(ACCOUNT, StrategyId("s")) == 180.0


def test_i8_an_open_order_above_the_mark_counts_as_what_it_would_cost() -> None:
    limits = RiskLimits(order_frac=0.5, instrument_frac=0.5, price_band_frac=0.5)
    plan = {
        1: lambda view: [
            buy(view, "2", OrderType.STOP, trigger_price="200"),
            buy(view, "2", OrderType.STOP, trigger_price="200"),
        ]
    }
    run = TradingSession({"s": planned(plan)}, cash="1000", limits=limits)

    run.bar(100)

    assert exposure(run) == 400.0
    assert run.denials == ["INSTRUMENT_LIMIT"], "both together could cost 800 of 1000"


def test_equity_moves_with_the_mark_and_a_deposit_is_no_profit() -> None:
    run = TradingSession({"s": planned({1: lambda view: [buy(view, "2")]})}, cash="1000")
    run.flat(100, 2)
    run.bar(110)
    assert (run.equity, run.risk.peak, run.risk.day_start) == (1020, 1020.0, 1000.0)

    run.tell(Deposit(ACCOUNT, USDT, "500", "more"))
    run.tell(Deposit(ACCOUNT, USDT, "-100", "less"))

    assert (run.equity, run.risk.peak, run.risk.day_start) == (1420, 1420.0, 1400.0)
    run.bar(110)
    assert run.risk.equity == 1420.0


def test_the_float_equity_stays_within_a_millionth_of_the_exact_one_over_a_long_run() -> None:
    chance = np.random.default_rng(7)

    def on_bar(bar: Bar, view: StrategyView) -> Iterable[Intent]:
        held = view.position(bar.instrument)
        if chance.random() < 0.4:
            return [buy(view, str(round(0.001 + chance.random(), 3)), instrument=bar.instrument)]
        if held > 0 and chance.random() < 0.6:
            part = str(round(float(held) * chance.random() + 0.001, 3))
            return [sell(view, part, instrument=bar.instrument, reduce_only=True)]
        return ()

    run = TradingSession(
        {"s": scripted(on_bar)},
        an_instrument(),
        an_instrument(OTHER, tick="0.0001"),
        venue={"taker_fee_ppm": 997, "slippage_ppm": 213},
        cash="100000",
    )
    price, other = 100.0, 3.1415
    for _ in range(1_500):
        price = round(max(1.0, price * (1 + chance.normal(0, 0.01))), 2)
        other = round(max(0.1, other * (1 + chance.normal(0, 0.02))), 4)
        run.bars(run.a_bar(*[price] * 4), run.a_bar(*[other] * 4, instrument=OTHER))
        exact = float(run.equity)
        assert run.risk.equity == pytest.approx(exact, rel=1e-6)

    assert len(run.fills) > 1_000
    run.engine.desk.portfolio.verify()
    assert float(run.equity) == pytest.approx(run.engine.curves[ACCOUNT].equity[-1], rel=1e-6)
    for currency in (USDT, COIN, Currency("OTHER")):
        assert run.engine.desk.portfolio.cash(ACCOUNT, currency) == venue_total(run, currency)


def test_an_instrument_that_ends_takes_no_order_and_the_engine_goes_on() -> None:
    ends = an_instrument(OTHER, valid_to=2 * 60_000_000_000)
    later = an_instrument("LATERUSDT.SIM", valid_from=5 * 60_000_000_000)
    plan = {
        1: lambda view: [buy(view, "1", instrument=OTHER), buy(view, "1", instrument=later.id)],
        3: lambda view: [sell(view, "1", instrument=OTHER, reduce_only=True), buy(view)],
    }
    run = TradingSession({"s": planned(plan)}, an_instrument(), ends, later)
    run.bars(
        run.a_bar(*[100] * 4),
        run.a_bar(*[10] * 4, instrument=later.id),
        run.a_bar(*[50] * 4, instrument=OTHER),
    )
    run.bars(run.a_bar(*[100] * 4), run.a_bar(*[50] * 4, instrument=OTHER))

    run.flat(100, 2)

    assert run.denials == ["INSTRUMENT_NOT_TRADING", "INSTRUMENT_NOT_TRADING"]
    assert run.engine.desk.view.instrument(OTHER).status is TradingStatus.DELISTED
    assert run.position("s", OTHER).quantity == 1, "it stays, and stays marked"
    assert run.position("s").quantity == 1
    run.flat(100, 2)
    assert run.engine.desk.view.instrument(later.id).status is TradingStatus.TRADING
