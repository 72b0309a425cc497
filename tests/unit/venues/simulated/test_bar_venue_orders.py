"""An order's life at the venue: taken or refused, cancelled, replaced, asked about, restored."""

import gc
from decimal import Decimal
from typing import Any

import pytest
from tests.support.venue_session import (
    COIN,
    COINUSDT,
    PAPER,
    USDT,
    VenueSession,
    an_instrument,
    fills,
    said,
)

from botcore.domain.errors import ConfigError, StorageError
from botcore.domain.ids import MINUTE_NS, ContractKind, Nanos
from botcore.domain.instruments import Instrument, InstrumentBook, TradingStatus
from botcore.domain.orders import OrderRef, OrderType, Side
from botcore.domain.reports import ReportKind
from botcore.venues.simulated import SimulatedVenue, VenueConfig
from botcore.venues.simulated.accounts import Purse

MARKET, LIMIT, STOP = OrderType.MARKET, OrderType.LIMIT, OrderType.STOP
STOP_LIMIT, TRAILING = OrderType.STOP_LIMIT, OrderType.TRAILING_STOP


def a_session(*instruments: Instrument, **more: Any) -> VenueSession:
    """A session that has seen one bar, at 100."""
    session = VenueSession(*instruments, **more)
    session.bar(100, 100, 100, 100)
    return session


# --- taken or refused


def test_a_linear_perpetual_is_refused_as_not_yet_tradable() -> None:
    perpetual = an_instrument("COINUSDT-PERP.SIM", kind=ContractKind.LINEAR_PERPETUAL)
    session = VenueSession(perpetual)

    report = session.buy(MARKET)

    assert report.kind is ReportKind.REJECTED
    assert report.detail.startswith("NOT_SPOT")
    assert "perpetuals are not yet tradable" in report.detail


@pytest.mark.parametrize(
    ("code", "order"),
    [
        ("QUANTITY_OFF_GRID", {"type_": MARKET, "quantity": "1.0005"}),
        ("QUANTITY_OFF_GRID", {"type_": MARKET, "quantity": "0"}),
        ("QUANTITY_OFF_GRID", {"type_": MARKET, "quantity": "-1"}),
        ("QUANTITY_OFF_GRID", {"type_": MARKET, "quantity": "NaN"}),
        ("QUANTITY_OFF_GRID", {"type_": MARKET, "quantity": "Infinity"}),
        ("MIN_QUANTITY", {"type_": MARKET, "quantity": "0.005"}),
        ("MIN_NOTIONAL", {"type_": MARKET, "quantity": "0.04"}),
        ("MIN_NOTIONAL", {"type_": LIMIT, "quantity": "1", "limit_price": "4.99"}),
        ("PRICE_MISSING", {"type_": LIMIT, "quantity": "1"}),
        ("PRICE_MISSING", {"type_": STOP, "quantity": "1"}),
        ("PRICE_MISSING", {"type_": TRAILING, "quantity": "1"}),
        ("PRICE_OFF_GRID", {"type_": LIMIT, "quantity": "1", "limit_price": "99.995"}),
        ("PRICE_OFF_GRID", {"type_": LIMIT, "quantity": "1", "limit_price": "-5"}),
        ("PRICE_OFF_GRID", {"type_": STOP, "quantity": "1", "trigger_price": "NaN"}),
        ("PRICE_UNEXPECTED", {"type_": MARKET, "quantity": "1", "limit_price": "100"}),
        ("PRICE_UNEXPECTED", {"type_": LIMIT, "quantity": "1", "limit_price": "9", "trail": "1"}),
        ("EXPIRED", {"type_": LIMIT, "quantity": "1", "limit_price": "99", "expires_at": 1}),
        ("CLIENT_ID_MALFORMED", {"type_": MARKET, "quantity": "1", "name": "näme"}),
        ("CLIENT_ID_MALFORMED", {"type_": MARKET, "quantity": "1", "name": "x" * 37}),
    ],
)
def test_e97_e98_the_grid_and_the_minimums_are_checked_at_the_door(
    code: str, order: dict[str, Any]
) -> None:
    session = a_session(an_instrument(min_quantity="0.01", min_notional="5"))

    report = session.send(Side.BUY, **order)

    assert report.kind is ReportKind.REJECTED
    assert report.detail.startswith(code)
    assert session.held(USDT) == (Decimal(1_000_000), Decimal(0))


def test_e98_equal_decimals_of_other_exponents_are_the_same_order() -> None:
    session = a_session()

    assert session.buy(LIMIT, "0.1", limit_price="99").kind is ReportKind.ACCEPTED
    assert session.buy(LIMIT, "0.100", limit_price="99.000").kind is ReportKind.ACCEPTED
    assert session.buy(LIMIT, "1E-1", limit_price="9.9E+1").kind is ReportKind.ACCEPTED


@pytest.mark.parametrize("tick", ["0.05", "0.00000001", "5"])
def test_e96_prices_on_any_grid_come_back_exactly(tick: str) -> None:
    step = Decimal(tick)
    session = VenueSession(an_instrument(tick=tick, lot="1"))
    first, second = 100 * step, 103 * step
    session.bar(*[float(first)] * 4)
    session.buy(MARKET, name="m")

    reports = session.bar(*[float(second)] * 4)

    assert fills(reports) == [("m", second)]
    assert str(reports[0].fill.price if reports[0].fill else "") == str(second)


def test_e79_a_market_order_is_measured_at_the_last_price() -> None:
    session = a_session(an_instrument(min_notional="50"))

    assert session.buy(MARKET, "0.5").kind is ReportKind.ACCEPTED
    assert session.buy(MARKET, "0.499").detail.startswith("MIN_NOTIONAL: 49.9")


def test_a_market_buy_before_the_first_price_is_refused() -> None:
    session = VenueSession()

    assert session.buy(MARKET).detail.startswith("NO_PRICE")


def test_a_halted_instrument_takes_no_order() -> None:
    session = VenueSession(an_instrument(status=TradingStatus.HALTED))

    assert session.buy(LIMIT, limit_price="9").detail.startswith("NOT_TRADING")


def test_an_instrument_without_rules_is_refused() -> None:
    session = a_session()

    report = session.buy(MARKET, instrument="XXUSDT.SIM")

    assert report.kind is ReportKind.REJECTED
    assert report.detail.startswith("INSTRUMENT_UNKNOWN")


def test_i6_a_client_id_is_accepted_once_for_ever() -> None:
    session = a_session()
    session.buy(MARKET, name="once")
    while_working = session.buy(MARKET, name="once")
    session.bar(100, 100, 100, 100)
    after_its_fill = session.buy(MARKET, name="once")

    assert [while_working.kind, while_working.detail] == [ReportKind.REJECTED, "DUPLICATE"]
    assert [after_its_fill.kind, after_its_fill.detail] == [ReportKind.REJECTED, "DUPLICATE"]
    assert session.venue.acceptances() == {"once": 1}
    assert session.held(COIN) == (Decimal(1), Decimal(0))


def test_a_refused_client_id_is_used_up_too() -> None:
    session = a_session(cash="1")
    refused = session.buy(MARKET, name="dear")

    assert refused.detail.startswith("INSUFFICIENT_BALANCE")
    assert session.buy(MARKET, "0.001", name="dear").detail == "DUPLICATE"
    assert session.venue.acceptances() == {}
    assert [report.kind for report in session.query("dear")] == [ReportKind.REJECTED]


# --- cancelled and replaced


def test_e31_a_part_filled_order_is_cancelled_with_what_it_got() -> None:
    session = a_session(participation_ppm=100_000)
    session.buy(LIMIT, "10", name="bid", limit_price="99")
    session.bar(100, 100, 98, 100, volume=40.0)

    report = session.cancel("bid")

    assert (report.kind, report.cumulative) == (ReportKind.CANCELED, Decimal(4))
    assert session.held(COIN) == (Decimal(4), Decimal(0))
    assert session.held(USDT)[1] == 0
    assert session.bar(100, 100, 98, 100) == []


def test_e44_a_cancel_of_what_is_not_working_is_rejected_and_changes_nothing() -> None:
    session = a_session(participation_ppm=100_000)
    session.buy(LIMIT, "10", name="bid", limit_price="99")
    session.bar(100, 100, 98, 100, volume=40.0)
    before = session.venue.snapshot()

    unknown = session.cancel("nobody")
    stranger = session.venue.cancel(OrderRef(session.ref("bid").client_order_id, COINUSDT, "x"), 1)  # type: ignore[arg-type]  # another account's

    assert unknown.kind is ReportKind.CANCEL_REJECTED
    assert stranger[0].kind is ReportKind.CANCEL_REJECTED
    assert session.venue.snapshot() == before
    assert [report.kind for report in session.query("bid")] == [
        ReportKind.FILLED,
        ReportKind.STATUS,
    ]


def test_e44_a_second_cancel_is_rejected_as_not_working() -> None:
    session = a_session()
    session.buy(LIMIT, name="bid", limit_price="99")

    assert session.cancel("bid").kind is ReportKind.CANCELED
    assert session.cancel("bid").kind is ReportKind.CANCEL_REJECTED


def test_e45_a_quantity_below_the_filled_is_refused_and_equal_to_it_closes() -> None:
    session = a_session(participation_ppm=100_000)
    session.buy(LIMIT, "10", name="bid", limit_price="99")
    session.bar(100, 100, 98, 100, volume=40.0)

    below = session.replace("bid", quantity="3")
    equal = session.replace("bid", quantity="4")

    assert below.kind is ReportKind.REPLACE_REJECTED
    assert below.detail.startswith("BELOW_FILLED")
    assert (equal.kind, equal.quantity) == (ReportKind.REPLACED, Decimal(4))
    assert session.working() == []
    assert session.held(USDT)[1] == 0
    asked = [report.kind for report in session.query("bid")]
    assert asked == [ReportKind.REPLACED, ReportKind.FILLED]


def test_e46_a_replaced_order_stays_one_order_under_its_ids() -> None:
    session = a_session()
    accepted = session.buy(LIMIT, name="bid", limit_price="99")
    replaced = session.replace("bid", limit_price="98", quantity="2")

    assert session.bar(100, 100, 98.5, 100) == []
    (filled,) = session.bar(100, 100, 97, 100)

    assert replaced.kind is ReportKind.REPLACED
    assert (replaced.limit_price, replaced.quantity) == (Decimal(98), Decimal(2))
    assert accepted.venue_order_id == replaced.venue_order_id == filled.venue_order_id
    assert filled.fill is not None
    assert (filled.fill.price, filled.fill.quantity) == (Decimal(98), Decimal(2))


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"limit_price": "99.999"}, "OFF_GRID"),
        ({"quantity": "0.0001"}, "OFF_GRID"),
        ({"trigger_price": "99"}, "PRICE_UNEXPECTED"),
        ({"quantity": "100000"}, "INSUFFICIENT_BALANCE"),
    ],
)
def test_e45_a_refused_replace_changes_nothing(values: dict[str, str], code: str) -> None:
    session = a_session()
    session.buy(LIMIT, name="bid", limit_price="99")
    before = session.venue.snapshot()

    report = session.replace("bid", **values)

    assert report.kind is ReportKind.REPLACE_REJECTED
    assert report.detail.startswith(code)
    assert session.venue.snapshot() == before


def test_a_replace_of_what_is_not_working_is_refused() -> None:
    session = a_session()

    assert session.replace("nobody", quantity="1").kind is ReportKind.REPLACE_REJECTED


def test_a_new_price_is_matched_from_the_next_bar_on() -> None:
    session = a_session()
    session.buy(MARKET, name="m")
    session.buy(LIMIT, name="bid", limit_price="90")

    reports = session.bar(
        100, 100, 95, 100, on_fill=lambda _: session.replace("bid", limit_price="99")
    )

    assert fills(reports) == [("m", Decimal(100))]
    assert fills(session.bar(100, 100, 98, 100)) == [("bid", Decimal(99))]


# --- groups and reduce-only


def test_e47_one_of_a_group_fills_and_the_others_end_at_the_venue() -> None:
    session = a_session(coins="1")
    session.sell(LIMIT, name="tp", limit_price="105", oco_group="g")
    session.sell(STOP, name="sl", trigger_price="95", oco_group="g")

    reports = session.bar(100, 106, 99, 104)

    assert said(reports) == [("tp", ReportKind.FILLED), ("sl", ReportKind.CANCELED)]
    assert reports[1].detail == "OCO"
    assert session.held(COIN) == (Decimal(0), Decimal(0))


def purses_in_memory() -> int:
    gc.collect()
    return sum(isinstance(each, Purse) for each in gc.get_objects())


def test_a_venue_that_is_dropped_leaves_nothing_of_its_groups_behind() -> None:
    before = purses_in_memory()
    session = a_session(coins="1")
    session.sell(LIMIT, name="tp", limit_price="105", oco_group="g")
    session.sell(STOP, name="sl", trigger_price="95", oco_group="g")
    assert purses_in_memory() > before

    del session

    assert purses_in_memory() == before, "an order that nobody can reach still holds one"


def test_e47_a_group_locks_once_and_frees_what_its_last_order_leaves() -> None:
    session = a_session(coins="1")
    session.sell(LIMIT, name="tp", limit_price="105", oco_group="g")
    session.sell(STOP, name="sl", trigger_price="95", oco_group="g")

    assert session.held(COIN) == (Decimal(0), Decimal(1))
    session.cancel("tp")
    assert session.held(COIN) == (Decimal(0), Decimal(1))
    session.cancel("sl")
    assert session.held(COIN) == (Decimal(1), Decimal(0))


def test_e48_children_sized_to_the_filled_part_follow_by_replace() -> None:
    session = a_session(participation_ppm=100_000)
    session.buy(LIMIT, "10", name="entry", limit_price="99")

    def protect(report: Any) -> None:
        if report.client_order_id != "entry":
            return
        filled = str(report.cumulative)
        if "sl" in session.working():
            session.replace("sl", quantity=filled)
        else:
            session.sell(
                STOP, filled, name="sl", trigger_price="90", reduce_only=True, parent="entry"
            )

    session.bar(100, 100, 98, 100, volume=40.0, on_fill=protect)
    session.bar(98, 100, 97, 98, volume=40.0, on_fill=protect)
    reports = session.bar(89, 89, 88, 88)

    assert [r.fill.quantity for r in reports if r.client_order_id == "sl" and r.fill] == [
        Decimal(8)
    ]


def test_e49_children_of_a_cancelled_part_filled_parent_stay_sized_to_it() -> None:
    session = a_session(participation_ppm=100_000)
    session.buy(LIMIT, "10", name="entry", limit_price="99")

    def protect(report: Any) -> None:
        session.sell(
            STOP,
            str(report.cumulative),
            name="sl",
            trigger_price="90",
            reduce_only=True,
            parent="entry",
        )

    session.bar(100, 100, 98, 100, volume=40.0, on_fill=protect)
    session.cancel("entry")
    reports = session.bar(89, 89, 88, 88)

    assert fills(reports) == [("sl", Decimal(89))]
    assert session.held(COIN) == (Decimal(0), Decimal(0))


def test_e50_reduce_only_is_capped_to_what_the_account_holds() -> None:
    session = a_session(coins="2")
    session.sell(STOP, "5", name="sl", trigger_price="95", reduce_only=True)

    reports = session.bar(94, 94, 94, 94)

    assert said(reports) == [("sl", ReportKind.FILLED), ("sl", ReportKind.CANCELED)]
    assert reports[0].fill is not None
    assert reports[0].fill.quantity == 2
    assert reports[1].detail == "REDUCE_ONLY_FLAT"


def test_e50_reduce_only_is_cancelled_when_the_account_is_flat() -> None:
    session = a_session(coins="2")
    session.sell(STOP, "2", name="sl", trigger_price="95", reduce_only=True)
    session.sell(MARKET, "2", name="exit")

    reports = session.bar(100, 100, 99, 100)

    assert said(reports) == [("exit", ReportKind.FILLED), ("sl", ReportKind.CANCELED)]


def test_e50_reduce_only_respects_its_cap_over_several_fills() -> None:
    session = a_session(coins="2", participation_ppm=100_000)
    session.sell(MARKET, "5", name="exit", reduce_only=True)

    first = session.bar(100, 100, 100, 100, volume=15.0)
    second = session.bar(100, 100, 100, 100, volume=15.0)

    assert [r.fill.quantity for r in first + second if r.fill] == [Decimal("1.5"), Decimal("0.5")]
    assert session.working() == []


def test_e50_reduce_only_opens_nothing_from_flat() -> None:
    session = a_session()

    assert session.sell(MARKET, reduce_only=True).detail.startswith("REDUCE_ONLY_FLAT")
    assert session.buy(MARKET, reduce_only=True).detail.startswith("REDUCE_ONLY_FLAT")


def test_e50_reduce_only_never_sells_what_another_order_has_locked() -> None:
    session = a_session(coins="2")
    session.sell(LIMIT, "2", name="ask", limit_price="110")
    session.sell(STOP, "2", name="sl", trigger_price="95", reduce_only=True)

    (report,) = session.bar(94, 94, 94, 94)

    assert (report.client_order_id, report.kind) == ("sl", ReportKind.CANCELED)
    assert session.held(COIN) == (Decimal(0), Decimal(2))


# --- asked about, versions, restored


def test_a_query_tells_fills_first_and_then_how_the_order_stands() -> None:
    session = a_session(participation_ppm=100_000)
    session.buy(LIMIT, "10", name="bid", limit_price="99")
    (fill,) = session.bar(100, 100, 98, 100, volume=40.0)

    working = session.query("bid")
    session.cancel("bid")
    ended = session.query("bid")
    nobody = session.query("nobody")

    assert working[0] == ended[0] == fill
    assert [(r.kind, r.cumulative) for r in working[1:]] == [(ReportKind.STATUS, Decimal(4))]
    assert [(r.kind, r.cumulative) for r in ended[1:]] == [(ReportKind.CANCELED, Decimal(4))]
    assert [r.kind for r in nobody] == [ReportKind.NOT_FOUND]


def test_e98_resting_orders_live_through_a_finer_tick_and_end_at_a_coarser_one() -> None:
    change = 2 * MINUTE_NS
    old = an_instrument(tick="0.01", valid_to=Nanos(change))
    new = an_instrument(tick="0.5", version=2, valid_from=Nanos(change))
    session = VenueSession(cash="0")
    session.instruments = (old,)
    session.venue = SimulatedVenue(
        instruments=InstrumentBook([old, new]), config=session.config, store=None
    )
    session.venue.deposit(PAPER, USDT, Decimal(1000))
    session.bar(100, 100, 100, 100)
    session.buy(LIMIT, name="fits", limit_price="99.5")
    session.buy(LIMIT, name="does_not", limit_price="99.51")
    session.bar(100, 100, 100, 100)

    reports = session.bar(100, 100, 99, 100)

    assert said(reports) == [("does_not", ReportKind.CANCELED), ("fits", ReportKind.FILLED)]
    assert (reports[0].detail, reports[0].ts_event) == ("INSTRUMENT_CHANGED", change)
    assert fills(reports) == [("fits", Decimal("99.5"))]
    assert session.held(USDT) == (Decimal("900.5"), Decimal(0))


def test_a_delisted_instrument_ends_its_orders() -> None:
    change = 2 * MINUTE_NS
    session = a_session(an_instrument(valid_to=Nanos(change)))
    session.buy(LIMIT, name="bid", limit_price="99")
    session.bar(100, 100, 100, 100)

    reports = session.bar(100, 100, 90, 100)

    assert said(reports) == [("bid", ReportKind.CANCELED)]
    assert session.held(USDT)[1] == 0
    assert session.buy(LIMIT, limit_price="99").detail.startswith("INSTRUMENT_UNKNOWN")


def test_i19_a_replace_cannot_go_below_the_minimum() -> None:
    session = a_session(an_instrument(min_quantity="0.5", min_notional="60"))
    session.buy(LIMIT, name="bid", limit_price="99")

    assert session.replace("bid", quantity="0.4").detail.startswith("BELOW_MINIMUM")
    assert session.replace("bid", quantity="0.6").detail.startswith("BELOW_MINIMUM")
    assert session.replace("bid", limit_price="59").detail.startswith("BELOW_MINIMUM")


def test_i12_a_restored_venue_goes_on_as_the_first_would_have() -> None:
    session = a_session(coins="3", participation_ppm=100_000)
    session.buy(LIMIT, "10", name="bid", limit_price="99")
    session.sell(TRAILING, "1", name="ts", trail="3")
    session.sell(STOP_LIMIT, "1", name="sl", trigger_price="90", limit_price="89")
    session.buy(MARKET, "50", name="m")
    session.bar(101, 102, 98, 101, volume=40.0)
    state = session.venue.snapshot()
    minute = session.minute

    def the_rest() -> tuple[list[Any], bytes]:
        session.minute = minute
        reports: list[Any] = []
        for prices in [(101, 104, 100, 103), (103, 103, 88, 88), (95, 96, 94, 95)]:
            reports += session.bar(*prices, volume=40.0)
        return reports, session.venue.snapshot()

    first = the_rest()
    session.venue.restore(state)
    assert session.venue.snapshot() == state
    second = the_rest()

    assert len(fills(first[0])) == 4
    assert second == first


@pytest.mark.parametrize("state", [b"", b"\x00", b"not a snapshot"])
def test_a_damaged_snapshot_is_refused(state: bytes) -> None:
    with pytest.raises(StorageError) as caught:
        VenueSession().venue.restore(state)

    assert caught.value.code == "VENUE_STORE_CORRUPT"


@pytest.mark.parametrize(
    "values",
    [
        {"taker_fee_ppm": 200_000},
        {"slippage_ppm": -1},
        {"participation_ppm": 0},
        {"fee_mode": "third"},
        {"fee_currency": "BNB"},
    ],
)
def test_an_assumption_out_of_range_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        VenueConfig(**values)

    assert caught.value.code == "VENUE_CONFIG_REFUSED"


def test_the_defaults_are_the_ones_that_are_printed() -> None:
    described = dict(VenueConfig().describe())

    assert described["fee"] == "taker 0.1 %, maker 0.1 %"
    assert described["slippage"].startswith("0.02 % on market and stop orders")
    assert described["participation"].startswith("10 % of a bar's volume")
    assert "5 %" in described["cash"]
