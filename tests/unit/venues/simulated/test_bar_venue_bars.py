"""What one bar does to orders: the numbers of the trap table, E1 to E18."""

from decimal import Decimal
from typing import Any

import pytest
from tests.support.venue_session import (
    COIN,
    USDT,
    VenueSession,
    an_instrument,
    fills,
    said,
)

from botcore.domain.ids import MINUTE_NS, InstrumentId, Nanos, StrategyId
from botcore.domain.market import BarFlag, BarOrigin, BarsClosed, BarSpec, PriceSource
from botcore.domain.orders import Liquidity, OrderType, TimeInForce
from botcore.domain.reports import ReportKind, VenueReport
from botcore.venues.simulated import PHASES

MARKET, LIMIT, STOP = OrderType.MARKET, OrderType.LIMIT, OrderType.STOP
STOP_LIMIT, TRAILING = OrderType.STOP_LIMIT, OrderType.TRAILING_STOP


def a_long(**more: Any) -> VenueSession:
    """A session that holds one coin since before its first bar, at 100."""
    session = VenueSession(coins="1", **more)
    session.bar(100, 100, 100, 100)
    return session


def with_bracket(session: VenueSession, stop: str = "95", target: str = "105") -> None:
    """Hang a stop and a target on what the session holds; one cancels the other."""
    session.sell(LIMIT, name="tp", limit_price=target, reduce_only=True, oco_group="g")
    session.sell(STOP, name="sl", trigger_price=stop, reduce_only=True, oco_group="g")


# --- E1, E2: several things in one bar


def test_e1_stop_and_target_in_one_bar_take_the_stop_and_flag_it() -> None:
    session = a_long()
    with_bracket(session)

    reports = session.bar(100, 106, 94, 100)

    assert fills(reports) == [("sl", Decimal(95))]
    assert said(reports) == [("sl", ReportKind.FILLED), ("tp", ReportKind.CANCELED)]
    assert reports[0].flags == ("ambiguous_bar",)
    assert session.working() == []


def test_e1_a_bar_that_reaches_one_exit_only_is_not_flagged() -> None:
    below, above = a_long(), a_long()
    with_bracket(below)
    with_bracket(above)

    stopped, taken = below.bar(100, 105, 94, 100), above.bar(100, 106, 96, 100)

    assert [report.flags for report in stopped + taken] == [(), (), (), ()]
    assert fills(stopped) == [("sl", Decimal(95))]
    assert fills(taken) == [("tp", Decimal(105))]


def test_e1_the_optimistic_path_is_opt_in_and_flagged_too() -> None:
    session = a_long(optimistic=True)
    with_bracket(session)

    reports = session.bar(100, 106, 94, 100)

    assert fills(reports) == [("tp", Decimal(105))]
    assert reports[0].flags == ("ambiguous_bar",)


def test_e1_two_exits_of_one_position_without_a_group_are_ambiguous_too() -> None:
    session = a_long()
    session.sell(LIMIT, name="tp", limit_price="105", reduce_only=True)
    session.sell(STOP, name="sl", trigger_price="95", reduce_only=True)

    reports = session.bar(100, 106, 94, 100)

    assert said(reports) == [("sl", ReportKind.FILLED), ("tp", ReportKind.CANCELED)]
    assert reports[0].flags == ("ambiguous_bar",)


def test_e2_a_stop_entry_and_its_stop_fill_in_the_same_bar() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(STOP, name="entry", trigger_price="101")

    def protect(report: VenueReport) -> None:
        if report.client_order_id == "entry":
            session.sell(STOP, name="sl", trigger_price="99", reduce_only=True, parent="entry")

    reports = session.bar(100, 103, 98, 100, on_fill=protect)

    assert fills(reports) == [("entry", Decimal(101)), ("sl", Decimal(99))]
    assert reports[1].flags == ("ambiguous_bar",)


def test_e2_after_a_limit_entry_the_low_is_later_and_the_stop_is_certain() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(LIMIT, name="entry", limit_price="99.5")

    def protect(report: VenueReport) -> None:
        if report.client_order_id == "entry":
            session.sell(STOP, name="sl", trigger_price="99", reduce_only=True, parent="entry")

    reports = session.bar(100, 103, 98, 100, on_fill=protect)

    assert fills(reports) == [("entry", Decimal("99.5")), ("sl", Decimal(99))]
    assert reports[1].flags == ()


@pytest.mark.parametrize(("close", "is_filled"), [(104.0, False), (105.0, False), (106.0, True)])
def test_e2b_a_target_fills_on_the_entry_bar_only_if_the_close_is_beyond(
    close: float, is_filled: bool
) -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(STOP, name="entry", trigger_price="101")

    def protect(report: VenueReport) -> None:
        if report.client_order_id == "entry":
            session.sell(LIMIT, name="tp", limit_price="105", reduce_only=True, parent="entry")

    reports = session.bar(100, 107, 99, close, on_fill=protect)

    target = [("tp", Decimal(105))] if is_filled else []
    assert fills(reports) == [("entry", Decimal(101)), *target]


def test_e2b_the_target_left_on_the_entry_bar_fills_on_the_next() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(STOP, name="entry", trigger_price="101")

    def protect(report: VenueReport) -> None:
        if report.client_order_id == "entry":
            session.sell(LIMIT, name="tp", limit_price="105", reduce_only=True, parent="entry")

    session.bar(100, 107, 99, 104, on_fill=protect)
    reports = session.bar(104, 106, 103, 104)

    assert fills(reports) == [("tp", Decimal(105))]


def test_p10_an_entry_at_the_open_has_the_whole_bar_before_its_exits() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, name="entry")

    def protect(report: VenueReport) -> None:
        if report.client_order_id == "entry":
            group: dict[str, Any] = {"reduce_only": True, "parent": "entry", "oco_group": "g"}
            session.sell(LIMIT, name="tp", limit_price="105", **group)
            session.sell(STOP, name="sl", trigger_price="95", **group)

    reports = session.bar(100, 106, 96, 100, on_fill=protect)

    assert fills(reports) == [("entry", Decimal(100)), ("tp", Decimal(105))]


def test_p10_an_entry_at_the_open_with_both_exits_in_its_bar_takes_the_stop() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, name="entry")

    def protect(report: VenueReport) -> None:
        if report.client_order_id == "entry":
            group: dict[str, Any] = {"reduce_only": True, "parent": "entry", "oco_group": "g"}
            session.sell(LIMIT, name="tp", limit_price="105", **group)
            session.sell(STOP, name="sl", trigger_price="95", **group)

    reports = session.bar(100, 106, 94, 100, on_fill=protect)

    assert fills(reports) == [("entry", Decimal(100)), ("sl", Decimal(95))]
    assert reports[1].flags == ("ambiguous_bar",)


def test_p10_both_exits_after_an_entry_inside_the_bar_take_the_stop() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(LIMIT, name="entry", limit_price="99")

    def protect(report: VenueReport) -> None:
        if report.client_order_id == "entry":
            group: dict[str, Any] = {"reduce_only": True, "parent": "entry", "oco_group": "g"}
            session.sell(LIMIT, name="tp", limit_price="105", **group)
            session.sell(STOP, name="sl", trigger_price="95", **group)

    reports = session.bar(100, 107, 94, 106, on_fill=protect)

    assert fills(reports) == [("entry", Decimal(99)), ("sl", Decimal(95))]
    assert reports[1].flags == ("ambiguous_bar",)


# --- E3 to E6: gaps and stops


@pytest.mark.parametrize(
    ("bar", "price"),
    [((90, 92, 88, 91), 90), ((95, 101, 94, 101), 95), ((102, 103, 98, 101), 100)],
    ids=["e3_gap_through", "e4_gap_then_wick_above", "e5_move_through"],
)
def test_e3_e4_e5_a_sell_stop_at_100_fills_where_the_market_was(
    bar: tuple[float, float, float, float], price: int
) -> None:
    session = VenueSession(coins="1")
    session.bar(105, 105, 105, 105)
    session.sell(STOP, name="sl", trigger_price="100")

    reports = session.bar(*bar)

    assert fills(reports) == [("sl", Decimal(price))]


def test_e3_a_gap_through_a_stop_fills_at_the_open_less_slippage() -> None:
    session = VenueSession(coins="1", slippage_ppm=200)
    session.bar(105, 105, 105, 105)
    session.sell(STOP, name="sl", trigger_price="100")

    reports = session.bar(90, 92, 88, 91)

    assert fills(reports) == [("sl", Decimal("89.98"))]
    assert reports[0].ts_event == MINUTE_NS


def test_e6_a_gapped_stop_entry_fills_at_the_open() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(STOP, name="entry", trigger_price="105")

    assert fills(session.bar(110, 111, 109, 110)) == [("entry", Decimal(110))]


# --- E7 to E9: limits


def test_e7_a_resting_limit_gapped_over_fills_at_itself_as_maker() -> None:
    session = VenueSession()
    session.bar(105, 105, 105, 105)
    session.buy(LIMIT, name="bid", limit_price="100")
    session.bar(105, 106, 104, 105)

    reports = session.bar(95, 96, 94, 95)

    assert fills(reports) == [("bid", Decimal(100))]
    assert reports[0].fill is not None
    assert reports[0].fill.liquidity is Liquidity.MAKER


def test_e7_a_session_market_improves_a_gapped_limit() -> None:
    session = VenueSession(gap_improvement=True)
    session.bar(105, 105, 105, 105)
    session.buy(LIMIT, name="bid", limit_price="100")

    assert fills(session.bar(95, 96, 94, 95)) == [("bid", Decimal(95))]


def test_e8_a_touched_limit_does_not_fill_and_a_crossed_one_does() -> None:
    session = VenueSession()
    session.bar(105, 105, 105, 105)
    session.buy(LIMIT, name="bid", limit_price="100")

    assert session.bar(105, 106, 100, 105) == []
    assert fills(session.bar(105, 106, 99.99, 105)) == [("bid", Decimal(100))]


def test_e9_slippage_never_touches_a_limit() -> None:
    session = VenueSession(coins="1", slippage_ppm=10_000)
    session.bar(100, 100, 100, 100)
    session.buy(LIMIT, name="bid", limit_price="99")
    session.sell(LIMIT, name="ask", limit_price="101")

    reports = session.bar(100, 102, 98, 100)

    assert fills(reports) == [("bid", Decimal(99)), ("ask", Decimal(101))]


def test_e29_a_limit_that_arrives_marketable_pays_the_takers_fee() -> None:
    session = VenueSession(taker_fee_ppm=2_000, maker_fee_ppm=500)
    session.bar(100, 100, 100, 100)
    session.buy(LIMIT, name="bid", limit_price="101")

    (report,) = session.bar(100, 102, 98, 100)

    assert report.fill is not None
    assert report.fill.liquidity is Liquidity.TAKER
    assert report.fill.fee == Decimal("0.202")


# --- E10, E10b, E13: when a market order fills


def test_e10_a_market_order_decided_at_a_close_fills_at_the_next_open() -> None:
    session = VenueSession()
    session.bar(100, 110, 90, 105)

    accepted = session.buy(MARKET, name="m")
    (report,) = session.bar(106, 120, 80, 100)

    assert accepted.kind is ReportKind.ACCEPTED
    assert fills([report]) == [("m", Decimal(106))]
    assert report.ts_event == MINUTE_NS


def test_e10_an_order_sent_between_two_fills_waits_for_the_next_bar() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, name="first")

    def again(report: VenueReport) -> None:
        if report.client_order_id == "first":
            session.buy(MARKET, name="second")

    assert fills(session.bar(101, 101, 101, 101, on_fill=again)) == [("first", Decimal(101))]
    assert fills(session.bar(102, 102, 102, 102)) == [("second", Decimal(102))]


def test_p9_an_order_stamped_with_the_fill_that_caused_it_waits_too() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, name="first")

    def again(report: VenueReport) -> None:
        session.buy(LIMIT, name="second", limit_price="99", ts=report.ts_event)

    assert fills(session.bar(101, 101, 98, 101, on_fill=again)) == [("first", Decimal(101))]
    assert fills(session.bar(101, 101, 98, 101)) == [("second", Decimal(99))]


def test_e10_an_order_sent_inside_a_bar_does_not_meet_that_bars_open() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, name="m", ts=session.now + MINUTE_NS // 4)

    assert session.bar(101, 101, 101, 101) == []
    assert fills(session.bar(102, 102, 102, 102)) == [("m", Decimal(102))]


def test_e10b_a_market_order_is_cancelled_at_a_gap() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, name="m")

    (report,) = session.bar(101, 101, 101, 101, flags=BarFlag.GAP_BEFORE)

    assert (report.kind, report.detail) == (ReportKind.CANCELED, "DATA_GAP")
    assert session.held(USDT) == (Decimal(1_000_000), Decimal(0))


def test_e10b_a_hole_that_nobody_flagged_is_a_gap_too() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, name="m")
    session.gap(minutes=80)

    (report,) = session.bar(120, 120, 120, 120)

    assert (report.kind, report.detail) == (ReportKind.CANCELED, "DATA_GAP")


def test_e10b_an_immediate_limit_is_cancelled_at_a_gap() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(LIMIT, name="ioc", limit_price="101", time_in_force=TimeInForce.IOC)

    (report,) = session.bar(100, 100, 100, 100, flags=BarFlag.GAP_BEFORE)

    assert (report.kind, report.detail) == (ReportKind.CANCELED, "DATA_GAP")


def test_e10b_a_hole_before_the_order_is_no_gap_to_it() -> None:
    session = VenueSession(coins="1")
    session.bar(100, 100, 100, 100)
    session.gap(minutes=80)
    session.sell(MARKET, name="m")

    assert fills(session.bar(101, 101, 101, 101)) == [("m", Decimal(101))]


def test_e10b_a_resting_stop_survives_a_gap_and_fills_at_the_first_open_after_it() -> None:
    session = VenueSession(coins="1")
    session.bar(105, 105, 105, 105)
    session.sell(STOP, name="sl", trigger_price="100")
    session.gap(minutes=80)

    assert fills(session.bar(90, 92, 88, 91, flags=BarFlag.GAP_BEFORE)) == [("sl", Decimal(90))]


def test_e13_e15_an_empty_bar_fills_nothing_and_a_market_order_waits() -> None:
    session = VenueSession(coins="1")
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, name="m")
    session.sell(STOP, name="sl", trigger_price="100")

    assert session.bar(100, 100, 100, 100, volume=0.0, flags=BarFlag.FLAT) == []
    assert fills(session.bar(101, 101, 101, 101)) == [("m", Decimal(101))]


# --- E14: trailing


def trailing(bars: list[tuple[float, float, float, float]]) -> list[VenueReport]:
    """A stop at 95 that trails by 5, from the second bar on; the reports of the last bar."""
    session = VenueSession(coins="1")
    session.bar(100, 100, 100, 100)
    session.sell(TRAILING, name="ts", trail="5")
    reports = []
    for bar in bars:
        reports = session.bar(*bar)
    return reports


def test_e14_1_an_open_below_the_old_stop_fills_at_the_open() -> None:
    assert fills(trailing([(94, 110, 93, 100)])) == [("ts", Decimal(94))]


def test_e14_2_the_old_stop_comes_first() -> None:
    (report,) = trailing([(100, 110, 94, 100)])

    assert fills([report]) == [("ts", Decimal(95))]
    assert report.flags == ()


def test_e14_3_the_moved_stop_fills_and_is_ambiguous() -> None:
    (report,) = trailing([(100, 110, 98, 108)])

    assert fills([report]) == [("ts", Decimal(105))]
    assert report.flags == ("ambiguous_bar",)


def test_e14_4_the_stop_is_carried_and_never_moves_back() -> None:
    assert trailing([(100, 102, 98, 101)]) == []
    assert fills(trailing([(100, 102, 98, 101), (101, 101, 96.5, 100)])) == [("ts", Decimal(97))]
    assert trailing([(100, 102, 98, 101), (99, 99.5, 97.5, 98)]) == []


def test_e14_a_trailing_child_keeps_its_first_stop_on_the_entry_bar() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, name="entry")

    def protect(report: VenueReport) -> None:
        if report.client_order_id == "entry":
            session.sell(TRAILING, name="ts", trail="5", reduce_only=True, parent="entry")

    entry_bar = session.bar(100, 110, 98, 108, on_fill=protect)
    next_bar = session.bar(108, 110, 105.5, 107)
    last_bar = session.bar(107, 107, 104, 104)

    assert fills(entry_bar) == [("entry", Decimal(100))]
    assert next_bar == []
    assert fills(last_bar) == [("ts", Decimal(105))]


def test_e14_a_moved_stop_never_beats_the_target_the_price_passed_before() -> None:
    session = a_long()
    session.sell(LIMIT, name="tp", limit_price="103", reduce_only=True, oco_group="g")
    session.sell(TRAILING, name="ts", trail="2", reduce_only=True, oco_group="g")

    # The high of 110 would move the stop to 108, above the target at 103.
    reports = session.bar(100, 110, 99, 104)

    assert fills(reports) == [("tp", Decimal(103))]


# --- E15: volume


def test_e15_a_fill_takes_its_share_of_the_volume_and_the_rest_stays_open() -> None:
    session = VenueSession(participation_ppm=100_000)
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, "1", name="m")

    first = session.bar(101, 101, 101, 101, volume=4.0)
    second = session.bar(102, 102, 102, 102, volume=100.0)

    assert [r.fill.quantity for r in first if r.fill] == [Decimal("0.4")]
    assert [r.cumulative for r in first] == [Decimal("0.4")]
    assert [r.fill.quantity for r in second if r.fill] == [Decimal("0.6")]
    assert session.working() == []


def test_e15_all_fills_of_a_bar_share_its_volume() -> None:
    session = VenueSession(participation_ppm=100_000)
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, "3", name="a")
    session.buy(MARKET, "3", name="b")

    reports = session.bar(101, 101, 101, 101, volume=40.0)

    assert [r.fill.quantity for r in reports if r.fill] == [Decimal(3), Decimal(1)]


def test_e15_what_is_left_of_a_stop_that_fired_takes_the_next_open() -> None:
    session = VenueSession(coins="1", participation_ppm=100_000)
    session.bar(105, 105, 105, 105)
    session.sell(STOP, name="sl", trigger_price="100")

    first = session.bar(101, 101, 99, 101, volume=5.0)
    second = session.bar(103, 103, 103, 103, volume=100.0)

    assert [(r.fill.price, r.fill.quantity) for r in first if r.fill] == [
        (Decimal(100), Decimal("0.5"))
    ]
    assert [(r.fill.price, r.fill.quantity) for r in second if r.fill] == [
        (Decimal(103), Decimal("0.5"))
    ]


def test_e15_a_stop_that_fires_in_a_bar_without_room_takes_the_next_open() -> None:
    session = VenueSession(coins="1", participation_ppm=100_000)
    session.bar(105, 105, 105, 105)
    session.sell(STOP, name="sl", trigger_price="100")

    assert session.bar(101, 101, 99, 101, volume=0.005) == []
    assert fills(session.bar(103, 103, 103, 103)) == [("sl", Decimal(103))]


# --- E16, E18 and the order of things


def test_e16_two_orders_at_the_open_price_each_execute_once() -> None:
    session = VenueSession(coins="5")
    session.bar(105, 105, 105, 105)
    session.buy(STOP, name="up", trigger_price="100")
    session.sell(STOP, name="down", trigger_price="100")

    reports = session.bar(100, 101, 99, 100)

    assert sorted(fills(reports)) == [("down", Decimal(100)), ("up", Decimal(100))]
    assert session.bar(100, 101, 99, 100) == []


def test_e18_bars_built_from_ticks_never_match() -> None:
    session = VenueSession()
    built = BarSpec(MINUTE_NS, PriceSource.TRADE, BarOrigin.BUILT)
    session.bar(100, 100, 100, 100, spec=built)
    session.buy(LIMIT, name="bid", limit_price="99")
    session.buy(MARKET, name="m")

    assert session.bar(100, 101, 90, 95, spec=built) == []
    assert session.working() == ["bid", "m"]


@pytest.mark.parametrize("source", [PriceSource.MARK, PriceSource.INDEX])
def test_e18_bars_of_prices_nobody_traded_at_never_match(source: PriceSource) -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, name="m")

    assert session.bar(100, 101, 90, 95, spec=BarSpec(MINUTE_NS, source)) == []
    session.buy(MARKET, name="finer", ts=session.now + MINUTE_NS // 2)
    assert session.bar(100, 101, 90, 95, spec=BarSpec(MINUTE_NS // 2, source)) == []


def test_p8_only_the_smallest_timeframe_matches() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(LIMIT, name="bid", limit_price="99")
    for _ in range(5):
        session.bar(100, 101, 99.5, 100)
    small = session.a_bar(100, 101, 99.5, 100)
    large = session.a_bar(100, 120, 80, 100, spec=BarSpec(5 * MINUTE_NS))

    assert session.bars(small, large) == []
    assert session.bars(session.a_bar(100, 120, 80, 100, spec=BarSpec(5 * MINUTE_NS))) == []
    assert fills(session.bar(100, 101, 98, 100)) == [("bid", Decimal(99))]


def test_p8_every_open_comes_before_the_inside_of_any_bar() -> None:
    session = VenueSession(an_instrument("AAUSDT.SIM"), an_instrument("BBUSDT.SIM"))
    a, b = (each.id for each in session.instruments)
    session.bars(
        session.a_bar(100, 100, 100, 100, instrument=a),
        session.a_bar(100, 100, 100, 100, instrument=b),
    )
    session.buy(LIMIT, name="inside_a", limit_price="99", instrument=a)
    session.buy(MARKET, name="open_b", instrument=b)
    session.buy(MARKET, name="open_a", instrument=a)

    reports = session.bars(
        session.a_bar(100, 101, 98, 100, instrument=a),
        session.a_bar(100, 101, 98, 100, instrument=b),
    )

    assert [report.client_order_id for report in reports] == ["open_a", "open_b", "inside_a"]


def test_p11_orders_fill_in_the_order_of_the_path_stops_before_limits() -> None:
    session = VenueSession(coins="5")
    session.bar(100, 100, 100, 100)
    session.buy(LIMIT, name="bid97", limit_price="97")
    session.buy(LIMIT, name="bid98", limit_price="98")
    session.sell(STOP, name="stop97", trigger_price="97")
    session.sell(LIMIT, name="ask103", limit_price="103")
    session.buy(STOP, name="up102", trigger_price="102")

    reports = session.bar(100, 104, 96, 100)

    order = [report.client_order_id for report in reports]
    assert order == ["bid98", "stop97", "bid97", "up102", "ask103"]


def test_p11_two_strategies_trade_opposite_ways_each_for_itself() -> None:
    session = VenueSession(coins="1")
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, name="a", strategy=StrategyId("a"))
    session.sell(MARKET, name="b", strategy=StrategyId("b"))

    reports = session.bar(101, 101, 101, 101)

    assert fills(reports) == [("a", Decimal(101)), ("b", Decimal(101))]
    assert session.held(COIN) == (Decimal(1), Decimal(0))


def test_p7_the_venue_names_its_ten_phases_with_its_assumptions() -> None:
    described = VenueSession().venue.describe()

    assert [phase[0] for phase in PHASES] == list("0123456789")
    assert [text for name, text in described if name == "phase"] == list(PHASES)


# --- stop-limits


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((100, 103, 98, 100), "102"),
        ((101.5, 103, 101, 102), "102"),
        ((105, 106, 101, 103), "102"),
    ],
    ids=["fired_inside", "fired_at_the_open", "gapped_beyond_then_back"],
)
def test_a_stop_limit_that_fired_fills_at_its_limit(
    bar: tuple[float, float, float, float], price: str
) -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(STOP_LIMIT, name="sl", trigger_price="101", limit_price="102")

    assert fills(session.bar(*bar)) == [("sl", Decimal(price))]


def test_a_stop_limit_gapped_beyond_its_limit_rests_there() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(STOP_LIMIT, name="sl", trigger_price="101", limit_price="102")

    assert session.bar(105, 106, 103, 104) == []
    reports = session.bar(104, 105, 101, 104)

    assert fills(reports) == [("sl", Decimal(102))]
    assert reports[0].fill is not None
    assert reports[0].fill.liquidity is Liquidity.MAKER


def test_a_stop_limit_below_its_trigger_needs_the_close_on_the_bar_it_fired() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(STOP_LIMIT, name="sl", trigger_price="101", limit_price="99")

    assert session.bar(100, 103, 98, 100) == []  # the low may have come before the trigger
    assert fills(session.bar(100, 103, 98, 100)) == [("sl", Decimal(99))]


# --- life


def test_an_immediate_limit_has_one_open() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(LIMIT, name="ioc", limit_price="99", time_in_force=TimeInForce.IOC)

    (report,) = session.bar(100, 101, 98, 100)

    assert (report.kind, report.detail) == (ReportKind.EXPIRED, "IOC")


def test_an_immediate_order_keeps_its_part_and_ends_once() -> None:
    session = VenueSession(participation_ppm=100_000)
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, name="ioc", time_in_force=TimeInForce.IOC)

    reports = session.bar(100, 101, 98, 100, volume=4.0)

    assert said(reports) == [("ioc", ReportKind.FILLED), ("ioc", ReportKind.EXPIRED)]
    assert [report.cumulative for report in reports] == [Decimal("0.4"), Decimal("0.4")]


def test_fill_or_kill_fills_whole_or_not_at_all() -> None:
    session = VenueSession(participation_ppm=100_000)
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, name="fok", time_in_force=TimeInForce.FOK)
    killed = session.bar(100, 101, 98, 100, volume=4.0)
    session.buy(MARKET, name="fok2", time_in_force=TimeInForce.FOK)
    filled = session.bar(100, 101, 98, 100, volume=10.0)

    assert said(killed) == [("fok", ReportKind.EXPIRED)]
    assert said(filled) == [("fok2", ReportKind.FILLED)]


def test_e53_a_tick_at_exactly_the_expiry_is_matched_first() -> None:
    session = VenueSession()
    session.bar(105, 105, 105, 105)
    session.buy(LIMIT, name="gtd", limit_price="100", expires_at=2 * MINUTE_NS)

    assert session.bar(105, 106, 101, 104) == []
    reports = session.bar(99, 105, 99, 104)  # opens at the very instant

    assert said(reports) == [("gtd", ReportKind.FILLED)]


def test_e53_an_unmatched_order_expires_at_its_time() -> None:
    session = VenueSession()
    session.bar(105, 105, 105, 105)
    session.buy(LIMIT, name="gtd", limit_price="100", expires_at=2 * MINUTE_NS)

    session.bar(105, 106, 101, 104)
    (report,) = session.bar(104, 105, 90, 95)  # crosses only after the instant

    assert report.kind is ReportKind.EXPIRED
    assert report.ts_event == 2 * MINUTE_NS
    assert session.held(USDT) == (Decimal(1_000_000), Decimal(0))


def test_e53_a_part_filled_order_expires_and_keeps_its_fills() -> None:
    session = VenueSession(participation_ppm=100_000)
    session.bar(105, 105, 105, 105)
    session.buy(LIMIT, name="gtd", limit_price="100", expires_at=2 * MINUTE_NS)

    session.bar(105, 106, 99, 104, volume=4.0)
    (report,) = session.bar(104, 105, 103, 104)

    assert (report.kind, report.cumulative) == (ReportKind.EXPIRED, Decimal("0.4"))
    assert session.held(COIN) == (Decimal("0.4"), Decimal(0))


def test_e53_an_end_inside_a_bar_counts_against_us() -> None:
    session = VenueSession(coins="1")
    session.bar(105, 105, 105, 105)
    middle = MINUTE_NS + MINUTE_NS // 2
    session.buy(LIMIT, name="bid", limit_price="100", expires_at=middle)
    session.sell(STOP, name="stop", trigger_price="100", expires_at=middle)

    reports = session.bar(105, 106, 99, 104)

    assert said(reports) == [("stop", ReportKind.FILLED), ("bid", ReportKind.EXPIRED)]
    assert reports[0].ts_event == middle


def test_e53_an_order_whose_time_came_while_no_bar_did_never_fills() -> None:
    session = VenueSession()
    session.bar(105, 105, 105, 105)
    session.buy(LIMIT, name="gtd", limit_price="100", expires_at=2 * MINUTE_NS)
    session.gap(minutes=10)

    (report,) = session.bar(90, 91, 89, 90)

    assert (report.kind, report.ts_event) == (ReportKind.EXPIRED, 2 * MINUTE_NS)


# --- the open known before the close


def test_an_open_shown_by_ticks_fills_waiting_market_orders_once() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, name="m")

    at_open = session.opens(101)
    at_close = session.bar(101, 101, 101, 101)

    assert fills(at_open) == [("m", Decimal(101))]
    assert at_open[0].ts_event == MINUTE_NS
    assert at_close == []


def test_an_open_shown_by_ticks_takes_its_share_of_the_previous_bar() -> None:
    session = VenueSession(participation_ppm=100_000)
    session.bar(100, 100, 100, 100, volume=4.0)
    session.buy(MARKET, name="m")

    at_open = session.opens(101)
    at_close = session.bar(101, 101, 101, 101, volume=100.0)
    after = session.bar(102, 102, 102, 102, volume=100.0)

    assert [r.fill.quantity for r in at_open if r.fill] == [Decimal("0.4")]
    assert at_close == []
    assert [r.fill.quantity for r in after if r.fill] == [Decimal("0.6")]


def test_an_open_after_an_empty_bar_is_left_to_its_own_bar() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100, volume=0.0)
    session.buy(MARKET, name="m")

    assert session.opens(101) == []
    assert fills(session.bar(101, 101, 101, 101)) == [("m", Decimal(101))]


def test_e10b_an_open_after_a_hole_fills_nothing() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, name="m")
    session.gap(minutes=1)

    assert session.opens(101) == []
    assert said(session.bar(101, 101, 101, 101)) == [("m", ReportKind.CANCELED)]


def test_a_child_of_an_order_filled_at_a_shown_open_meets_the_whole_bar() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, name="entry")

    def protect(report: VenueReport) -> None:
        ts = session.now
        session.sell(STOP, name="sl", trigger_price="99", parent="entry", reduce_only=True, ts=ts)
        session.buy(MARKET, name="more", ts=ts)

    session.opens(100, on_fill=protect)
    reports = session.bar(100, 101, 98, 100)

    assert fills(reports) == [("sl", Decimal(99))]
    assert fills(session.bar(102, 102, 102, 102)) == [("more", Decimal(102))]


def test_a_bar_without_working_orders_answers_with_nothing_at_once() -> None:
    session = VenueSession()
    event = BarsClosed(Nanos(MINUTE_NS), (session.a_bar(1, 1, 1, 1),))

    assert session.venue.on_bars(event) == ()


def test_an_unknown_instruments_bars_are_ignored() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, name="m")

    other = session.a_bar(5, 5, 5, 5, instrument=InstrumentId("XXUSDT.SIM"))

    assert session.bars(other) == []
    assert session.working() == ["m"]


def test_p9_an_order_sent_at_a_shown_open_waits_for_the_next_bar() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, name="m")

    session.opens(100, on_fill=lambda _: session.buy(LIMIT, name="bid", limit_price="99"))

    assert session.bar(100, 101, 98, 100) == []
    assert fills(session.bar(100, 101, 98, 100)) == [("bid", Decimal(99))]


def test_a_market_order_that_comes_after_the_shown_open_waits_for_the_next() -> None:
    session = VenueSession()
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, name="m")
    session.opens(101)
    session.buy(MARKET, name="late")

    assert session.opens(101) == []
    assert session.bar(101, 101, 101, 101) == []
    assert fills(session.bar(102, 102, 102, 102)) == [("late", Decimal(102))]


def test_a_touch_at_the_open_fires_a_stop_and_leaves_a_limit() -> None:
    session = VenueSession(coins="2")
    session.bar(105, 105, 105, 105)
    session.sell(STOP, name="down", trigger_price="100")
    session.buy(STOP, name="up", trigger_price="100")
    session.buy(LIMIT, name="bid", limit_price="100")
    session.sell(LIMIT, name="ask", limit_price="100")

    reports = session.bar(100, 100, 100, 100)

    assert session.working() == ["bid", "ask"]
    assert [(report.client_order_id, report.ts_event) for report in reports] == [
        ("down", MINUTE_NS),
        ("up", MINUTE_NS),
    ]
