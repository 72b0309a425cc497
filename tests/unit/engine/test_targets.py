"""From the exposure a strategy wants to the orders that bring it there (P13, P14, P15)."""

# A Decimal equals the whole number that it is.
# mypy: disable-error-code="comparison-overlap"

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.support.trading_session import (
    ACCOUNT,
    WIDE,
    ByColour,
    TradingSession,
    buy,
    change,
    planned,
    scripted,
    sell,
    target,
)
from tests.support.venue_session import COINUSDT, USDT, an_instrument

from botcore.domain.events import (
    OrderDenied,
    OrderFilled,
    OrderPlaced,
    OrderUpdated,
    SignalGenerated,
)
from botcore.domain.intents import CancelOrder, ReplaceOrder
from botcore.domain.orders import OrderState, OrderType, Side
from botcore.risk import RiskLimits, Sizing, SizingKind

TENTH = Sizing(equity_frac=0.1)
KINDS = ("signal", "event")


def constant(kind: str, weight: float) -> Any:
    """A strategy of either kind that wants `weight` on every bar."""
    if kind == "signal":
        return ByColour
    return scripted(lambda bar, view: [target(view, weight)])


def a_session(kind: str, weight: float, *, sizing: Sizing = TENTH, **more: Any) -> TradingSession:
    return TradingSession(
        {"s": constant(kind, weight)},
        sizing=sizing,
        parameters={"s": {"rise": weight}} if kind == "signal" else None,
        **more,
    )


def rising(run: TradingSession, *closes: float) -> None:
    """Bars that each rise a little to their close: they want what a rise wants."""
    for close in closes:
        run.bar(close - 0.01, close, close - 0.01, close)


@pytest.mark.parametrize("kind", KINDS)
def test_p13_a_target_is_sized_by_the_exact_equity_at_the_close_it_is_decided_on(kind: str) -> None:
    run = a_session(kind, 0.5, cash="12345.67")

    rising(run, 100)

    placed = run.of(OrderPlaced)[0].order
    assert placed.quantity == Decimal("6.172"), "floor(12345.67 × 0.1 × 0.5 ÷ 100) to the lot"
    assert (placed.type, placed.side) == (OrderType.MARKET, Side.BUY)
    assert run.of(OrderPlaced)[0].decision_price == 100.0


def test_p13_an_open_beyond_the_reserve_cuts_the_order_to_what_cash_pays_for() -> None:
    run = TradingSession(
        {"s": planned({1: lambda view: [buy(view, "9.5")]})},
        cash="1000",
        limits=RiskLimits(order_frac=1.0, instrument_frac=1.0),
    )
    run.bar(100)

    facts = run.bar(120)

    fill = run.fills[0]
    flags = [fact.flags for fact in facts if isinstance(fact, OrderFilled)]
    assert flags == [("cut_by_cash",)]
    assert fill[2] == Decimal("8.333"), "1000 ÷ 120 to the lot"
    assert run.orders[0].state is OrderState.CANCELED
    assert run.engine.desk.portfolio.cash(ACCOUNT, USDT) >= 0


@pytest.mark.parametrize("kind", KINDS)
def test_p14_a_held_target_is_not_traded_again_while_it_is_inside_its_band(kind: str) -> None:
    run = a_session(kind, 0.5)

    rising(run, *[100, 100, 101, 103, 106, 110])

    assert len(run.orders) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_p14_a_held_target_is_traded_again_once_it_is_off_by_more_than_its_band(kind: str) -> None:
    run = a_session(kind, 1.0, sizing=Sizing(equity_frac=0.1, band_frac=0.05))
    rising(run, 100, 100)

    rising(run, 120, 120)

    assert [(side, quantity) for _, side, quantity, _ in run.fills] == [
        (Side.BUY, Decimal(1000)),
        (Side.SELL, Decimal("149.992")),
    ], "a tenth of 1,020,010 is 850.008 coins at 120"


@pytest.mark.parametrize("kind", KINDS)
def test_p14_nothing_is_sent_for_less_than_a_lot_or_the_least_notional(kind: str) -> None:
    small = an_instrument(min_notional="10")
    tiny = Sizing(kind=SizingKind.FIXED, quantity=Decimal("0.09"))
    run = TradingSession({"s": constant(kind, 1.0)}, small, sizing=tiny, parameters=None)

    rising(run, 100, 100)
    assert run.orders == [], "9 USDT is too little"
    rising(run, 120)

    assert [order.quantity for order in run.orders] == [Decimal("0.09")]
    assert run.denials == []


@pytest.mark.parametrize("kind", KINDS)
def test_p14_an_order_under_way_is_counted_and_no_second_one_is_sent(kind: str) -> None:
    run = a_session(kind, 0.5)
    rising(run, 100)

    for close in (100, 100):
        run.bar(close - 0.01, close, close - 0.01, close, volume=0)

    assert len(run.orders) == 1
    assert run.fills == []


@pytest.mark.parametrize("kind", KINDS)
def test_p14_what_works_against_a_new_target_is_cancelled_first(kind: str) -> None:
    event = scripted(lambda bar, view: [target(view, 1.0 if bar.close > bar.open else 0.0)])
    run = TradingSession({"s": ByColour if kind == "signal" else event}, sizing=TENTH)
    rising(run, 100)

    run.bar(100, 100, 99, 99, volume=0)
    run.flat(99, 2)

    assert [order.state for order in run.orders] == [OrderState.CANCELED]
    assert run.fills == []


@pytest.mark.parametrize("kind", KINDS)
def test_p14_a_flip_on_spot_is_two_orders_the_first_closes(kind: str) -> None:
    event = scripted(lambda bar, view: [target(view, 1.0 if bar.close > bar.open else -1.0)])
    run = TradingSession(
        {"s": ByColour if kind == "signal" else event},
        sizing=TENTH,
        parameters={"s": {"fall": -1.0}} if kind == "signal" else None,
    )
    rising(run, 100)
    run.bar(100, 100, 99, 99)

    run.bar(99, 99, 98, 98)

    closing = run.orders[1].spec
    assert (closing.side, closing.reduce_only) == (Side.SELL, True)
    assert closing.quantity == run.fills[0][2]
    assert run.position("s").quantity == 0
    assert run.denials == ["SHORT_NOT_ALLOWED"], "the opening half is asked for, and refused"


def test_a_standing_no_is_said_once_and_a_new_one_again() -> None:
    run = TradingSession({"s": ByColour}, limits=RiskLimits(order_frac=0.01), sizing=TENTH)

    rising(run, 100, 100, 100)

    assert run.denials == ["ORDER_LIMIT"]
    assert run.engine.deciders.slots[0].outcome == "ORDER_LIMIT"
    denied = run.of(OrderDenied)[0].denied
    assert (denied.value, denied.limit) == (pytest.approx(100_000, rel=1e-3), 10_000.0)


def test_a_signal_is_told_once_for_each_exposure_that_is_wanted() -> None:
    run = a_session("signal", 0.5)

    rising(run, 100, 100, 100)
    run.bar(100, 100, 99, 99)

    assert [fact.weight for fact in run.of(SignalGenerated)] == [0.5, 0.0]
    assert [row.weight for row in run.signal().log] == [0.5, 0.5, 0.5, 0.0]


def test_a_strategy_without_a_view_leaves_its_position_as_it_is() -> None:
    run = a_session("signal", 1.0)
    rising(run, 100, 100)

    run.flat(100, 3)

    assert len(run.orders) == 1
    assert run.position("s").quantity > 0


def test_an_exit_is_a_reduce_only_order_of_the_whole_position() -> None:
    run = a_session("signal", 1.0)
    rising(run, 100, 100)

    run.bar(100, 100, 99, 99)
    run.bar(99)

    assert [(o.spec.side, o.spec.reduce_only) for o in run.orders] == [
        (Side.BUY, False),
        (Side.SELL, True),
    ]
    assert run.position("s").quantity == 0


def test_p15_open_positions_stay_open_at_the_end_and_are_marked_at_the_last_close() -> None:
    run = TradingSession({"s": planned({1: lambda view: [buy(view, "2")]})}, cash="1000")
    run.bar(100)

    run.bar(100, 130, 100, 125)

    assert run.position("s").quantity == 2
    assert run.equity == Decimal(1050)
    assert run.engine.curves[ACCOUNT].equity[-1] == 1050.0


def test_a_target_counts_attached_exits_as_no_step_towards_it() -> None:
    def on_bar(bar: Any, view: Any) -> list[Any]:
        if view.now == bar.spec.step_ns:
            return [buy(view, "1", stop_loss="90", take_profit="130")]
        return [target(view, 1.0)]

    run = TradingSession({"s": scripted(on_bar)})
    run.flat(100, 4)

    assert len(run.fills) == 1, "one coin is held, and the exits that hang on it sell nothing yet"
    assert run.denials == []


def test_a_target_sized_by_range_waits_for_the_range_and_follows_it() -> None:
    sizing = Sizing(kind=SizingKind.ATR_RISK, risk_frac=0.01, atr_multiple=2.0, equity_frac=1.0)
    run = TradingSession(
        {"s": scripted(lambda bar, view: [target(view, 1.0)])}, sizing=sizing, cash="10000"
    )
    run.bar(100, 101, 99, 100)
    assert run.orders == [], "one bar has no true range yet"

    run.bar(100, 101, 99, 100)

    assert [order.quantity for order in run.orders] == [25], "1 % of 10,000 over 2 ATR of 2"


def test_a_target_says_nothing_while_no_price_is_known() -> None:
    other = an_instrument("OTHERUSDT.SIM")
    run = TradingSession(
        {"s": scripted(lambda bar, view: [target(view, 1.0, other.id)])},
        an_instrument(),
        other,
    )

    run.bar(100, instrument=COINUSDT)

    assert run.orders == []
    assert run.of(SignalGenerated) == []


def test_a_replace_is_judged_by_what_the_order_carries_and_not_by_what_it_was_placed_with() -> None:
    """Down and up again is up: the larger order is looked at in full."""
    limits = msgspec.structs.replace(WIDE, order_frac=0.05)
    plan = {
        1: lambda view: [buy(view, "4", OrderType.LIMIT, limit_price="90")],
        2: lambda view: [change(view, quantity="1")],
        3: lambda view: [change(view, quantity="6")],
        4: lambda view: [change(view, quantity="5")],
    }
    run = TradingSession({"s": planned(plan)}, limits=limits, cash="10000")
    run.flat(100, 2)
    assert run.orders[0].quantity == 1

    run.flat(100, 1)
    assert run.denials == ["ORDER_LIMIT"], "540 is more than 500"
    run.flat(100, 1)

    assert run.orders[0].quantity == 5


def test_a_strategy_cannot_sell_what_another_one_bought() -> None:
    run = TradingSession(
        {
            "owner": planned({1: lambda view: [buy(view, "5")]}),
            "thief": planned(
                {3: lambda view: [sell(view, "5"), sell(view, "5", reduce_only=True)]}
            ),
        }
    )

    run.flat(100, 5)

    assert run.denials == ["SHORT_NOT_ALLOWED", "NOTHING_TO_REDUCE"]
    assert run.position("owner").quantity == 5


def test_a_strategy_can_neither_cancel_nor_change_the_order_of_another() -> None:
    stolen: list[Any] = []

    def watch(view: Any) -> list[Any]:
        name = stolen[0]
        return [
            CancelOrder(view.account, view.strategy, name),
            ReplaceOrder(view.account, view.strategy, name, quantity=Decimal(2)),
        ]

    run = TradingSession(
        {
            "owner": planned({1: lambda view: [buy(view, "1", OrderType.LIMIT, limit_price="90")]}),
            "thief": planned({2: watch}),
        }
    )
    run.bar(100)
    stolen.append(run.orders[0].id)

    run.bar(100)

    assert run.denials == ["NOT_YOURS", "NOT_YOURS"]
    assert [f for f in run.of(OrderUpdated) if f.cancel_owed or f.replace_pending] == []
