"""Entries with exits that hang on them, groups and dates, through engine and venue together."""

# A Decimal equals the whole number that it is.
# mypy: disable-error-code="comparison-overlap"

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from tests.support.trading_session import TradingSession, buy, cancel, change, planned, sell
from tests.support.venue_session import COINUSDT, an_instrument

from botcore.domain.effects import Replace, Submit
from botcore.domain.events import Fact, OrderFilled, RiskAlert
from botcore.domain.ids import MINUTE_NS, AccountId, Currency, Nanos
from botcore.domain.orders import OrderState, OrderType, Side, TimeInForce
from botcore.domain.reports import ReportKind, VenueReport
from botcore.strategies import StrategyView
from botcore.venues.simulated import FeeMode

STOP, LIMIT, TRAILING = OrderType.STOP, OrderType.LIMIT, OrderType.TRAILING_STOP
S = OrderState


def prices(facts: Iterable[Fact]) -> list[Decimal]:
    return [fact.fill.price for fact in facts if isinstance(fact, OrderFilled)]


def states(run: TradingSession) -> list[OrderState]:
    return [order.state for order in run.orders]


def a_bracket(
    quantity: str = "1", type_: OrderType = OrderType.MARKET, **prices: str
) -> dict[int, Any]:
    """A plan that enters at the first close with a stop at 95 and a target at 105."""
    given = {"stop_loss": "95", "take_profit": "105"} | prices
    return {1: lambda view: [buy(view, quantity, type_, **given)]}


def test_e1_stop_and_target_in_one_bar_take_the_stop_and_the_target_ends() -> None:
    run = TradingSession({"s": planned(a_bracket())})
    run.flat(100, 2)

    facts = run.bar(100, 106, 94, 100)

    fill = next(fact for fact in facts if isinstance(fact, OrderFilled))
    assert (fill.fill.price, fill.flags) == (Decimal(95), ("ambiguous_bar",))
    assert states(run) == [S.FILLED, S.FILLED, S.CANCELED]
    assert run.position("s").quantity == 0


def test_e2_a_stop_entry_is_stopped_out_in_the_bar_of_its_entry() -> None:
    plan = {1: lambda view: [buy(view, "1", STOP, trigger_price="101", stop_loss="99")]}
    run = TradingSession({"s": planned(plan)})
    run.bar(100)

    facts = run.bar(100, 103, 98, 102)

    assert prices(facts) == [Decimal(101), Decimal(99)]
    assert states(run) == [S.FILLED, S.FILLED]
    submitted = [t for t in run.taken if any(isinstance(e, Submit) for e in t.step.effects)]
    exits = [t.event for t in submitted[1:]]
    assert [e.kind for e in exits if isinstance(e, VenueReport)] == [ReportKind.FILLED], (
        "the exit left while the venue was inside the bar"
    )


@pytest.mark.parametrize(("close", "is_reached"), [(104.0, False), (106.0, True)])
def test_e2b_a_target_on_the_entry_bar_needs_a_close_beyond_it(
    close: float, is_reached: bool
) -> None:
    run = TradingSession({"s": planned(a_bracket("1", LIMIT, limit_price="99"))})
    run.bar(100)

    facts = run.bar(100, 107, 98, close)

    assert prices(facts) == [Decimal(99), Decimal(105)][: 2 if is_reached else 1]


def test_e14_a_trailing_exit_follows_from_the_bar_after_its_entry() -> None:
    plan = {1: lambda view: [buy(view, "1", trailing="5")]}
    run = TradingSession({"s": planned(plan)})
    run.flat(100, 2)

    followed = run.bar(100, 110, 106, 109)
    left = run.bar(109, 109, 104, 108)

    assert prices(followed) == []
    assert prices(left) == [Decimal(105)]


def test_exits_are_held_with_us_until_the_entry_has_filled() -> None:
    run = TradingSession({"s": planned(a_bracket("1", LIMIT, limit_price="90", stop_loss="85"))})

    run.flat(100, 3)

    assert states(run) == [S.ACCEPTED, S.HELD, S.HELD]
    assert len([e for e in run.effects if isinstance(e, Submit)]) == 1


def test_e48_exits_are_sized_to_the_part_that_has_filled_and_grow_with_it() -> None:
    run = TradingSession({"s": planned(a_bracket("10"))}, venue={"participation_ppm": 100_000})
    run.bar(100)

    run.bar(100, volume=40)
    protected = [order.quantity for order in run.orders]
    run.bar(100, volume=30)
    grown = [order.quantity for order in run.orders]

    assert protected == [10, 4, 4], "no fill is unprotected"
    assert grown == [10, 7, 7]
    assert [e.quantity for e in run.effects if isinstance(e, Replace)] == [7, 7]
    assert run.position("s").quantity == 7


def test_e48_an_exit_that_fills_ends_what_is_left_of_the_entry() -> None:
    entry = a_bracket("10", LIMIT, limit_price="99")
    run = TradingSession({"s": planned(entry)}, venue={"participation_ppm": 100_000})
    run.bar(100)
    run.bar(100, 100, 98, 100, volume=40)

    run.bar(100, 106, 100, 106)
    run.bar(100, 100, 90, 95)

    assert [(o.state, o.filled) for o in run.orders] == [
        (S.CANCELED, 4),
        (S.CANCELED, 0),
        (S.FILLED, 4),
    ], "what would fill later would have nothing to protect it"
    assert run.position("s").quantity == 0


def test_e49_exits_of_an_entry_cancelled_in_part_stay_sized_to_what_filled() -> None:
    plan = a_bracket("10", LIMIT, limit_price="99") | {2: lambda view: [cancel(view)]}
    run = TradingSession({"s": planned(plan)}, venue={"participation_ppm": 100_000})
    run.bar(100)

    run.bar(100, 100, 98, 100, volume=40)
    run.flat(100, 1)

    assert states(run) == [S.CANCELED, S.ACCEPTED, S.ACCEPTED]
    assert [(o.quantity, o.filled) for o in run.orders] == [(10, 4), (4, 0), (4, 0)]


def test_e49_exits_of_an_entry_that_never_filled_end_with_it() -> None:
    plan = a_bracket("10", LIMIT, limit_price="90", stop_loss="80")
    run = TradingSession({"s": planned(plan | {2: lambda view: [cancel(view)]})})

    run.flat(100, 2)

    assert states(run) == [S.CANCELED, S.CANCELED, S.CANCELED]
    assert run.of(RiskAlert) == []


def test_e49_exits_end_with_an_entry_that_the_venue_cancels_at_a_gap() -> None:
    run = TradingSession({"s": planned(a_bracket())})
    run.bar(100)

    run.gap(10)
    run.bar(100)

    assert states(run) == [S.CANCELED, S.CANCELED, S.CANCELED]


def test_e50_reduce_only_is_cut_to_the_position_and_never_opens_the_other_side() -> None:
    plan = {
        1: lambda view: [buy(view, "3")],
        2: lambda view: [sell(view, "5", reduce_only=True)],
        4: lambda view: [sell(view, "1", reduce_only=True)],
    }
    run = TradingSession({"s": planned(plan)})

    run.flat(100, 6)

    assert run.orders[1].quantity == 3
    assert run.position("s").quantity == 0
    assert run.denials == ["NOTHING_TO_REDUCE"]


def test_e50_two_exits_together_never_sell_more_than_is_held() -> None:
    plan = {
        1: lambda view: [buy(view, "3")],
        2: lambda view: [
            sell(view, "2", LIMIT, limit_price="105", reduce_only=True),
            sell(view, "2", LIMIT, limit_price="106", reduce_only=True),
            sell(view, "2", LIMIT, limit_price="107", reduce_only=True),
        ],
    }
    run = TradingSession({"s": planned(plan)})
    run.flat(100, 2)

    run.bar(100, 120, 100, 110)

    assert [order.quantity for order in run.orders] == [3, 2, 1]
    assert run.denials == ["INSUFFICIENT_POSITION"]
    assert run.position("s").quantity == 0


def test_e50_reduce_only_over_several_bars_respects_its_cap() -> None:
    plan = {
        1: lambda view: [buy(view, "10")],
        3: lambda view: [sell(view, "10", reduce_only=True)],
    }
    run = TradingSession({"s": planned(plan)}, venue={"participation_ppm": 100_000})
    run.bar(100)
    run.bar(100, volume=1_000)
    run.bar(100)
    for _ in range(4):
        run.bar(100, volume=40)

    assert [q for _, side, q, _ in run.fills if side is Side.SELL] == [4, 4, 2]
    assert run.position("s").quantity == 0


def test_e47_one_of_a_group_fills_and_the_others_end() -> None:
    plan = {
        1: lambda view: [
            buy(view, "1", STOP, trigger_price="105", oco_group="breakout"),
            buy(view, "1", LIMIT, limit_price="95", oco_group="breakout"),
        ]
    }
    run = TradingSession({"s": planned(plan)})
    run.bar(100)

    run.bar(100, 106, 99, 106)

    assert states(run) == [S.FILLED, S.CANCELED]


def test_groups_of_two_strategies_under_one_name_are_two_groups() -> None:
    entry = planned({1: lambda view: [buy(view, "1", LIMIT, limit_price="99", oco_group="mine")]})
    run = TradingSession({"a": entry, "b": entry})
    run.bar(100)

    run.bar(100, 100, 98, 99)

    assert states(run) == [S.FILLED, S.FILLED]


def expiring(view: StrategyView, minute: int, quantity: str = "10") -> list[Any]:
    return [
        buy(
            view,
            quantity,
            LIMIT,
            limit_price="95",
            time_in_force=TimeInForce.GTD,
            expires_at=Nanos(minute * MINUTE_NS),
        )
    ]


def test_e53_an_order_is_matched_up_to_its_date_and_then_expires() -> None:
    run = TradingSession({"s": planned({1: lambda view: expiring(view, 3)})})
    run.bar(100)

    run.flat(100, 2)
    alive = states(run)
    late = run.bar(100, 100, 90, 100)

    assert alive == [S.ACCEPTED]
    assert prices(late) == []
    assert states(run) == [S.EXPIRED]
    assert run.engine.desk.execution.index.locked(*_money(run)) == 0


def test_e53_a_tick_at_exactly_the_date_is_matched_first() -> None:
    run = TradingSession({"s": planned({1: lambda view: expiring(view, 2)})})
    run.bar(100)
    run.bar(100)

    facts = run.bar(94, 96, 93, 95)

    assert prices(facts) == [Decimal(95)], "the open of the third bar is the order's last instant"


def test_e53_a_part_that_filled_stays_when_the_rest_expires() -> None:
    run = TradingSession(
        {"s": planned({1: lambda view: expiring(view, 2)})}, venue={"participation_ppm": 100_000}
    )
    run.bar(100)
    run.bar(94, 96, 93, 95, volume=40)

    run.flat(100, 2)

    assert states(run) == [S.EXPIRED]
    assert (run.orders[0].filled, run.position("s").quantity) == (4, 4)


def test_e45_a_change_below_what_has_filled_is_refused_and_to_it_closes() -> None:
    plan = {
        1: lambda view: [buy(view, "10", LIMIT, limit_price="99")],
        2: lambda view: [change(view, quantity="3")],
        3: lambda view: [change(view, quantity="4")],
    }
    run = TradingSession({"s": planned(plan)}, venue={"participation_ppm": 100_000})
    run.bar(100)

    run.bar(100, 100, 98, 100, volume=40)
    refused = list(run.denials)
    run.flat(100, 1)

    assert refused == ["QUANTITY_BELOW_FILLED"]
    assert [(o.state, o.filled) for o in run.orders] == [(S.FILLED, 4)]


def test_an_exit_that_would_fill_at_once_is_refused_with_its_entry() -> None:
    plan = {1: lambda view: [buy(view, "1", stop_loss="101")]}
    run = TradingSession({"s": planned(plan)})

    run.flat(100, 2)

    assert run.denials == ["INTENT_MALFORMED"]
    assert run.orders == []


def _money(run: TradingSession) -> tuple[AccountId, Currency]:
    return run.orders[0].spec.account, run.instruments[0].quote


def test_the_working_orders_a_strategy_sees_are_its_live_ones() -> None:
    seen: list[Any] = []

    def look(view: StrategyView) -> list[Any]:
        seen.append(tuple((w.side, w.type, w.leaves) for w in view.working(COINUSDT)))
        return []

    plan = a_bracket("2", LIMIT, limit_price="99") | {2: look, 3: look}
    run = TradingSession({"s": planned(plan)})
    run.flat(100, 2)

    run.bar(100, 100, 98, 100)

    assert seen == [
        ((Side.BUY, LIMIT, Decimal(2)),),
        ((Side.SELL, STOP, Decimal(2)), (Side.SELL, LIMIT, Decimal(2))),
    ]


def a_base_fee(**more: Any) -> dict[str, Any]:
    return {"fee_mode": FeeMode.BASE, "taker_fee_ppm": 1_000, "maker_fee_ppm": 1_000} | more


def test_e48_e74_exits_are_sized_to_what_fees_in_base_left_and_sell_nothing_of_another() -> None:
    run = TradingSession(
        {"s": planned(a_bracket("10")), "other": planned({1: lambda view: [buy(view, "5")]})},
        an_instrument(lot="0.1"),
        venue=a_base_fee(),
    )
    run.flat(100, 2)
    assert [order.quantity for order in run.orders[1:3]] == [Decimal("9.9")] * 2

    run.bar(100, 100, 94, 96)

    assert run.position("s").quantity == 0
    assert run.position("s").dust == Decimal("0.09")
    assert run.position("other").quantity == Decimal("4.995")
    run.engine.desk.portfolio.verify()


def test_e48_exits_of_an_entry_too_small_to_sell_end_with_it() -> None:
    run = TradingSession(
        {"s": planned(a_bracket("0.1"))}, an_instrument(lot="0.1"), venue=a_base_fee()
    )

    run.flat(100, 2)

    assert states(run) == [S.FILLED, S.CANCELED, S.CANCELED]
    assert (run.position("s").quantity, run.position("s").dust) == (0, Decimal("0.0999"))


def test_e48_an_exit_held_back_as_too_small_goes_out_with_the_next_fill() -> None:
    run = TradingSession(
        {"s": planned(a_bracket("1", LIMIT, limit_price="99"))},
        an_instrument(lot="0.1"),
        venue=a_base_fee(participation_ppm=100_000),
    )
    run.bar(100)

    run.bar(100, 100, 98, 100, volume=1)
    first = states(run)
    run.bar(100, 100, 98, 100, volume=5)

    assert first == [S.PARTIAL, S.HELD, S.HELD]
    assert [order.quantity for order in run.orders[1:]] == [Decimal("0.5")] * 2


def test_a_sell_takes_no_exits_of_its_own() -> None:
    plan = {
        1: lambda view: [buy(view, "1")],
        2: lambda view: [sell(view, "1", stop_loss="105")],
    }
    run = TradingSession({"s": planned(plan)})

    run.flat(100, 3)

    assert run.denials == ["INTENT_MALFORMED"]
