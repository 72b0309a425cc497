"""When strategies see, when orders fill, and in which order all of it happens."""

# A Decimal equals the whole number that it is.
# mypy: disable-error-code="comparison-overlap"

from collections.abc import Iterable
from decimal import Decimal

import pytest
from tests.support.trading_session import (
    ACCOUNT,
    ByColour,
    TradingSession,
    buy,
    planned,
    scripted,
    sell,
)
from tests.support.venue_session import COINUSDT, an_instrument

from botcore.domain.events import (
    Fact,
    LedgerPosted,
    OrderFilled,
    OrderPlaced,
    OrderUpdated,
    PositionChanged,
    SignalGenerated,
)
from botcore.domain.ids import MINUTE_NS, InstrumentId, Nanos
from botcore.domain.intents import Intent
from botcore.domain.keys import Rank
from botcore.domain.market import Bar, BarFlag, BarOpened, BarOrigin, BarSpec, Quote, Trade
from botcore.domain.orders import OrderState, OrderType, Side
from botcore.strategies import StrategyView

ABLE, BAKER = InstrumentId("ABLEUSDT.SIM"), InstrumentId("BAKERUSDT.SIM")
FIVE_MINUTES = BarSpec(5 * MINUTE_NS)


def fills(facts: Iterable[Fact]) -> list[Decimal]:
    return [fact.fill.price for fact in facts if isinstance(fact, OrderFilled)]


def test_e10_a_decision_at_a_close_fills_at_the_next_open_at_the_earliest() -> None:
    run = TradingSession({"colour": ByColour})

    decided = run.bar(100, 103, 99, 102)
    filled = run.bar(104, 106, 103, 105)

    assert [fact for fact in decided if isinstance(fact, OrderFilled)] == []
    assert fills(filled) == [Decimal(104)]
    placed = next(fact for fact in decided if isinstance(fact, OrderPlaced))
    fill = next(fact for fact in filled if isinstance(fact, OrderFilled)).fill
    assert fill.ts_event == placed.ts == MINUTE_NS, "the close of one bar is the open of the next"


def test_p7_a_market_order_waits_through_bars_that_nobody_traded_in() -> None:
    run = TradingSession({"s": planned({1: lambda view: [buy(view)]})})
    run.bar(100)

    empty = run.bar(101, volume=0)
    traded = run.bar(102)

    assert fills(empty) == []
    assert fills(traded) == [Decimal(102)]


def test_e10b_a_market_order_that_would_wait_into_a_gap_is_cancelled_and_asked_for_again() -> None:
    run = TradingSession({"colour": ByColour})
    run.bar(100, 102, 100, 102)

    run.gap(3)
    after = run.bar(150, 151, 149, 150.5)

    assert fills(after) == []
    ended = next(f for f in after if isinstance(f, OrderUpdated) and f.state is OrderState.CANCELED)
    assert ended.detail == "DATA_GAP"
    assert run.engine.desk.execution.index.locked(ACCOUNT, run.instruments[0].quote) > 0, (
        "the strategy wants it still, and has decided again with the price behind the gap"
    )
    assert fills(run.bar(151)) == [Decimal(151)]


def test_e13_nothing_fills_inside_a_gap_and_a_resting_stop_meets_the_first_open_behind_it() -> None:
    plan = {
        1: lambda view: [buy(view)],
        2: lambda view: [sell(view, "1", OrderType.STOP, trigger_price="95", reduce_only=True)],
    }
    run = TradingSession({"s": planned(plan)})
    run.flat(100, 2)

    run.gap(80)
    after = run.bar(90, 91, 89, 90, flags=int(BarFlag.GAP_BEFORE))

    found = [fact for fact in after if isinstance(fact, OrderFilled)]
    assert [fact.fill.price for fact in found] == [Decimal(90)], "not 95: nobody traded there"
    assert [fact.fill.ts_event for fact in found] == [run.now - MINUTE_NS]


def test_e11_e12_a_strategy_sees_a_bar_at_its_close_and_never_one_that_is_still_forming() -> None:
    seen: list[tuple[int, Bar | None, tuple[Bar, ...]]] = []

    def on_bar(bar: Bar, view: StrategyView) -> Iterable[Intent]:
        seen.append((view.now, view.last(COINUSDT), view.bars(COINUSDT, 10)))
        return ()

    run = TradingSession({"s": scripted(on_bar), "colour": ByColour})
    first = run.a_bar(100, 101, 99, 100)
    run.bars(first)
    run.session.opened(BarOpened(COINUSDT, run.now, 107.0))
    run.session.input(Trade(COINUSDT, Nanos(run.now + 1), 108.0, 1.0), run.now + 1)
    run.session.input(Quote(COINUSDT, Nanos(run.now + 2), 109.0, 111.0, 1.0, 1.0), run.now + 2)
    second = run.a_bar(107, 112, 106, 110)

    assert len(seen) == 1, "ticks of a bar that is forming ask nobody"
    assert run.engine.desk.valuation.price(COINUSDT) == 110.0, "they move the mark (E94)"
    run.bars(second)

    assert seen == [
        (MINUTE_NS, first, (first,)),
        (2 * MINUTE_NS, second, (first, second)),
    ]
    log = run.signal(1).log
    assert [row.ts for row in log] == [MINUTE_NS, 2 * MINUTE_NS]
    assert [row.operands[0] for row in log] == [0.0, 3.0], "closed bars only"


def test_a_market_order_fills_at_an_open_that_ticks_show_and_not_again_at_the_bar() -> None:
    run = TradingSession({"s": planned({1: lambda view: [buy(view)]})})
    run.bar(100)

    run.session.opened(BarOpened(COINUSDT, run.now, 101.0))
    assert run.fills == [("s", Side.BUY, Decimal(1), Decimal(101))]
    run.bar(101, 102, 100, 101)

    assert len(run.fills) == 1


def test_e16_two_orders_at_the_open_price_each_execute_exactly_once() -> None:
    plan = {
        1: lambda view: [buy(view, "2")],
        2: lambda view: [
            buy(view, "1", OrderType.LIMIT, limit_price="101"),
            sell(view, "1", OrderType.LIMIT, limit_price="99"),
        ],
    }
    run = TradingSession({"s": planned(plan)})
    run.flat(100, 2)

    facts = run.bar(100, 103, 97, 100)
    run.flat(100, 2)

    assert len([fact for fact in facts if isinstance(fact, OrderFilled)]) == 2
    assert len(run.fills) == 3
    assert run.position("s").quantity == 2


def test_e18_a_bar_built_from_ticks_is_decided_on_and_matches_nothing() -> None:
    run = TradingSession({"colour": ByColour})
    built = BarSpec(MINUTE_NS, origin=BarOrigin.BUILT)

    run.bar(100, 102, 100, 102, spec=built)
    still = run.bar(103, 105, 103, 105, spec=built)

    assert [o.state for o in run.orders] == [OrderState.ACCEPTED], "decided, and waiting"
    assert fills(still) == []
    assert fills(run.bar(106, 107, 105, 107)) == [Decimal(106)]


def test_e103_a_longer_bar_is_seen_only_after_it_has_closed_and_the_shorter_comes_first() -> None:
    heard: list[tuple[str, int]] = []

    def hears(name: str) -> type:
        def on_bar(bar: Bar, view: StrategyView) -> Iterable[Intent]:
            heard.append((name, view.now // MINUTE_NS))
            return ()

        return scripted(on_bar)

    run = TradingSession(
        {"short": hears("short"), "long": hears("long")}, steps={"long": 5 * MINUTE_NS}
    )
    for minute in range(1, 7):
        bars = [run.a_bar(100, 101, 99, 100)]
        if minute % 5 == 0:
            bars.append(run.a_bar(100, 101, 99, 100, spec=FIVE_MINUTES))
        run.bars(*bars)

    assert heard == [
        *(("short", minute) for minute in range(1, 6)),
        ("long", 5),
        ("short", 6),
    ]


@pytest.mark.parametrize("decided_on", [MINUTE_NS, 5 * MINUTE_NS])
def test_e103_the_smallest_timeframe_marks_and_matches_whatever_is_decided_on(
    decided_on: int,
) -> None:
    run = TradingSession(
        {"s": scripted(lambda bar, view: [buy(view)] if not view.position(COINUSDT) else ())},
        steps={"s": decided_on},
    )
    run.bars(run.a_bar(100, 100, 100, 100), run.a_bar(99, 101, 99, 100, spec=FIVE_MINUTES))

    run.bar(110)
    after = run.equity
    run.bar(120)

    assert run.fills[0][3] == 110
    assert (after, run.equity) == (Decimal(1_000_000), Decimal(1_000_010)), "marked each minute"


def test_p8_every_fill_of_a_stamp_comes_before_any_decision_of_it() -> None:
    heard: list[str] = []

    def on_bar(bar: Bar, view: StrategyView) -> Iterable[Intent]:
        held = view.position(ABLE), view.position(BAKER)
        heard.append(f"bar {bar.instrument} {held[0]:.0f} {held[1]:.0f}")
        if view.now == MINUTE_NS and bar.instrument == BAKER:
            return [buy(view, instrument=BAKER), buy(view, instrument=ABLE)]
        return ()

    def on_fill(fill: OrderFilled, view: StrategyView) -> Iterable[Intent]:
        heard.append(f"fill {fill.instrument}")
        return ()

    run = TradingSession(
        {"s": scripted(on_bar, on_fill=on_fill)}, an_instrument(BAKER), an_instrument(ABLE)
    )
    for _ in range(2):
        run.bars(*(run.a_bar(10, 10, 10, 10, instrument=name) for name in (ABLE, BAKER)))

    assert heard == [
        f"bar {ABLE} 0 0",
        f"bar {BAKER} 0 0",
        f"fill {ABLE}",
        f"fill {BAKER}",
        f"bar {ABLE} 1 1",
        f"bar {BAKER} 1 1",
    ]


def test_p8_all_bars_of_a_stamp_are_known_before_anybody_is_asked() -> None:
    seen: list[tuple[InstrumentId, float, float]] = []

    def on_bar(bar: Bar, view: StrategyView) -> Iterable[Intent]:
        able, baker = view.last(ABLE), view.last(BAKER)
        assert able is not None
        assert baker is not None
        seen.append((bar.instrument, able.close, baker.close))
        return ()

    run = TradingSession({"s": scripted(on_bar)}, an_instrument(ABLE), an_instrument(BAKER))
    run.bars(run.a_bar(*[10] * 4, instrument=ABLE), run.a_bar(*[20] * 4, instrument=BAKER))

    assert seen == [(ABLE, 10.0, 20.0), (BAKER, 10.0, 20.0)]


def test_p8_strategies_are_asked_in_configured_order_and_instruments_by_id() -> None:
    run = TradingSession(
        {"zeta": ByColour, "alpha": ByColour}, an_instrument(BAKER), an_instrument(ABLE)
    )

    facts = run.bars(*(run.a_bar(10, 11, 10, 11, instrument=name) for name in (ABLE, BAKER)))

    wanted = [(f.strategy, f.instrument) for f in facts if isinstance(f, SignalGenerated)]
    assert wanted == [("zeta", ABLE), ("zeta", BAKER), ("alpha", ABLE), ("alpha", BAKER)]


def test_p9_a_fill_inside_a_bar_is_told_without_any_later_price() -> None:
    seen: list[tuple[int, float, float, Decimal]] = []

    def on_fill(fill: OrderFilled, view: StrategyView) -> Iterable[Intent]:
        last = view.last(COINUSDT)
        assert last is not None
        seen.append((view.now, last.close, view.equity_budget(), view.position(COINUSDT)))
        return ()

    entry = planned(
        {1: lambda view: [buy(view, "1", OrderType.LIMIT, limit_price="99")]}, on_fill=on_fill
    )
    run = TradingSession({"s": entry}, cash="1000")
    run.bar(100)

    run.bar(100, 140, 90, 140)

    now, close, budget, position = seen[0]
    assert now < run.now
    assert close == 100.0, "the bar in which it filled has not closed for it"
    assert budget == pytest.approx(0.1 * (1000 + 1)), "marked at the last close, not at this one"
    assert position == 1


def test_p9_what_a_fill_makes_it_send_meets_the_next_bar_and_not_this_one() -> None:
    def on_fill(fill: OrderFilled, view: StrategyView) -> Iterable[Intent]:
        if fill.side is Side.BUY:
            return [sell(view, "1", OrderType.LIMIT, limit_price="105", reduce_only=True)]
        return ()

    run = TradingSession({"s": planned({1: lambda view: [buy(view)]}, on_fill=on_fill)})
    run.bar(100)

    entered = run.bar(100, 110, 99, 109)
    left = run.bar(109, 110, 104, 108)

    assert fills(entered) == [Decimal(100)], "the high of 110 was before it was sent"
    assert fills(left) == [Decimal(105)]


def test_p11_two_strategies_on_opposite_sides_trade_each_for_itself() -> None:
    run = TradingSession(
        {
            "bull": planned({1: lambda view: [buy(view, "3")], 3: lambda view: [buy(view, "1")]}),
            "bear": planned({1: lambda view: [buy(view, "2")], 3: lambda view: [sell(view, "2")]}),
        }
    )
    run.flat(100, 3)

    crossing = run.bar(101)

    assert [(f.strategy, f.side) for f in crossing if isinstance(f, OrderFilled)] == [
        ("bull", Side.BUY),
        ("bear", Side.SELL),
    ]
    assert (run.position("bull").quantity, run.position("bear").quantity) == (4, 0)
    assert run.engine.desk.portfolio.net_position(ACCOUNT, COINUSDT) == 4


def test_every_fill_is_booked_at_once_and_the_facts_stand_in_their_order() -> None:
    run = TradingSession({"s": planned({1: lambda view: [buy(view)]})})
    run.bar(100)

    facts = run.bar(100)

    assert [type(fact) for fact in facts] == [OrderFilled, LedgerPosted, PositionChanged]


def test_e99_every_input_has_a_key_of_its_own_in_rising_order() -> None:
    run = TradingSession({"s": planned({1: lambda view: [buy(view)]})})
    run.flat(100, 3)

    keys = [taken.key for taken in run.taken]

    assert [key.seq for key in keys] == list(range(1, len(keys) + 1))
    assert [key.ts for key in keys] == sorted(key.ts for key in keys)
    answers = [t.key for t in run.taken if type(t.event).__name__ == "VenueReport"]
    assert {key.rank for key in answers} == {int(Rank.BAR)}, "an answer belongs to its cause"
