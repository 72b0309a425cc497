"""What orders and fills do to balances: E74 to E79, E92, E93, E97, P4, P5 and P13."""

from decimal import Decimal
from typing import Any

import pytest
from tests.support.venue_session import (
    COIN,
    PAPER,
    USDT,
    VenueSession,
    an_instrument,
    fills,
    said,
)

from botcore.domain.errors import ConfigError
from botcore.domain.ids import AccountId, Currency
from botcore.domain.orders import OrderType
from botcore.domain.reports import ReportKind
from botcore.venues.simulated import FeeMode

MARKET, LIMIT, STOP = OrderType.MARKET, OrderType.LIMIT, OrderType.STOP
BNB = Currency("BNB")


def a_session(**more: Any) -> VenueSession:
    """A session that has seen one bar, at 100."""
    session = VenueSession(**more)
    session.bar(100, 100, 100, 100)
    return session


def test_e74_a_fee_in_base_leaves_less_and_the_rest_sells_flat() -> None:
    session = a_session(taker_fee_ppm=1_000, fee_mode=FeeMode.BASE)
    session.buy(MARKET, "1", name="in")
    (bought,) = session.bar(100, 100, 100, 100)
    session.sell(MARKET, "0.999", name="out")
    (sold,) = session.bar(100, 100, 100, 100)

    assert bought.fill is not None
    assert sold.fill is not None
    assert (bought.fill.fee, bought.fill.fee_currency) == (Decimal("0.001"), COIN)
    assert (sold.fill.fee, sold.fill.fee_currency) == (Decimal("0.0999"), USDT)
    assert session.held(COIN) == (Decimal(0), Decimal(0))
    assert session.held(USDT) == (Decimal(1_000_000) - 100 + Decimal("99.8001"), Decimal(0))


def test_e75_a_fee_in_a_third_currency_leaves_the_position_exact() -> None:
    session = a_session(
        taker_fee_ppm=1_000,
        fee_mode=FeeMode.THIRD,
        fee_currency=BNB,
        fee_price=Decimal(600),
    )
    session.venue.deposit(PAPER, BNB, Decimal(1))
    session.buy(MARKET, "1")
    (report,) = session.bar(100, 100, 100, 100)

    assert report.fill is not None
    assert (report.fill.fee, report.fill.fee_currency) == (Decimal("0.00016667"), BNB)
    assert session.held(COIN) == (Decimal(1), Decimal(0))
    assert session.held(USDT) == (Decimal(999_900), Decimal(0))
    assert session.held(BNB) == (Decimal("0.99983333"), Decimal(0))


def test_e75_without_the_third_currency_the_fee_is_paid_in_quote() -> None:
    session = a_session(
        taker_fee_ppm=1_000,
        fee_mode=FeeMode.THIRD,
        fee_currency=BNB,
        fee_price=Decimal(600),
    )
    session.buy(MARKET, "1")
    (report,) = session.bar(100, 100, 100, 100)

    assert report.fill is not None
    assert (report.fill.fee, report.fill.fee_currency) == (Decimal("0.1"), USDT)


def test_e76_cash_falls_by_notional_and_fee_exactly_once() -> None:
    session = a_session(taker_fee_ppm=1_000)
    session.buy(MARKET, "1")
    (bought,) = session.bar(101.01, 101.01, 101.01, 101.01)
    after_buy = session.held(USDT)
    session.sell(MARKET, "1")
    session.bar(99.99, 99.99, 99.99, 99.99)

    assert bought.fill is not None
    assert bought.fill.quote_amount == Decimal("101.01")
    assert bought.fill.fee == Decimal("0.10101")
    assert after_buy == (Decimal(1_000_000) - Decimal("101.11101"), Decimal(0))
    assert session.held(USDT)[0] == after_buy[0] + Decimal("99.99") - Decimal("0.09999")


def test_e77_a_makers_rebate_raises_cash() -> None:
    session = a_session(maker_fee_ppm=-100, coins="1")
    session.bar(100, 100, 100, 100)
    session.sell(LIMIT, name="ask", limit_price="105")
    session.bar(100, 101, 99, 100)
    (report,) = session.bar(100, 106, 99, 100)

    assert report.fill is not None
    assert report.fill.fee == Decimal("-0.0105")
    assert session.held(USDT)[0] == Decimal(1_000_000) + 105 + Decimal("0.0105")


def test_e78_dust_below_a_lot_stays_and_the_next_buy_merges_it() -> None:
    session = a_session(taker_fee_ppm=1_000, fee_mode=FeeMode.BASE)
    session.buy(MARKET, "0.5")
    session.bar(100, 100, 100, 100)  # receives 0.4995
    session.sell(MARKET, "0.5", name="out", reduce_only=True)
    reports = session.bar(100, 100, 100, 100)

    assert [r.fill.quantity for r in reports if r.fill] == [Decimal("0.499")]
    assert said(reports)[-1] == ("out", ReportKind.CANCELED)
    assert session.held(COIN) == (Decimal("0.0005"), Decimal(0))
    session.buy(MARKET, "0.5")
    session.bar(100, 100, 100, 100)
    assert session.held(COIN) == (Decimal("0.5"), Decimal(0))


def test_e92_a_buy_beyond_free_cash_is_refused_fee_and_open_orders_counted() -> None:
    session = a_session(cash="200.2", taker_fee_ppm=1_000, maker_fee_ppm=1_000)

    assert session.buy(LIMIT, "1", limit_price="100").kind is ReportKind.ACCEPTED
    assert session.buy(LIMIT, "1.001", limit_price="100").kind is ReportKind.REJECTED
    assert session.buy(LIMIT, "1", limit_price="100").kind is ReportKind.ACCEPTED
    report = session.buy(LIMIT, "0.001", limit_price="100")

    assert report.kind is ReportKind.REJECTED
    assert report.detail == "INSUFFICIENT_BALANCE: needs 0.10010000 USDT, 0.00000000 is free"


def test_e92_a_spot_account_cannot_sell_what_it_does_not_hold() -> None:
    session = a_session(coins="1")

    assert session.sell(MARKET, "1.001").detail.startswith("INSUFFICIENT_BALANCE")
    assert session.sell(LIMIT, "1", limit_price="110").kind is ReportKind.ACCEPTED
    assert session.sell(MARKET, "0.001").detail.startswith("INSUFFICIENT_BALANCE")


def test_e93_a_limit_buy_locks_and_releases_in_proportion() -> None:
    session = a_session(cash="2000", maker_fee_ppm=1_000, participation_ppm=100_000)
    session.buy(LIMIT, "10", name="bid", limit_price="100")
    placed = session.held(USDT)
    session.bar(101, 101, 99, 101, volume=40.0)
    partial = session.held(USDT)
    session.cancel("bid")
    cancelled = session.held(USDT)

    assert placed == (Decimal(999), Decimal(1001))
    assert partial == (Decimal(999), Decimal("600.6"))
    assert cancelled == (Decimal("1599.6"), Decimal(0))


def test_e93_a_sell_locks_its_base() -> None:
    session = a_session(coins="3")
    session.sell(LIMIT, "2", name="ask", limit_price="110")

    assert session.held(COIN) == (Decimal(1), Decimal(2))
    session.cancel("ask")
    assert session.held(COIN) == (Decimal(3), Decimal(0))


def test_e93_a_replace_moves_the_lock_with_it() -> None:
    session = a_session(cash="1000")
    session.buy(LIMIT, "5", name="bid", limit_price="100")
    session.replace("bid", limit_price="90")
    lower = session.held(USDT)
    session.replace("bid", quantity="11")
    larger = session.held(USDT)
    refused = session.replace("bid", quantity="12")

    assert lower == (Decimal(550), Decimal(450))
    assert larger == (Decimal(10), Decimal(990))
    assert refused.kind is ReportKind.REPLACE_REJECTED


def test_e97_ten_fills_of_a_tenth_make_exactly_one() -> None:
    session = a_session(participation_ppm=100_000)
    session.buy(MARKET, "1", name="m")
    reports = []
    for _ in range(10):
        reports += session.bar(100, 100, 100, 100, volume=1.0)

    assert [r.fill.quantity for r in reports if r.fill] == [Decimal("0.1")] * 10
    assert reports[-1].cumulative == 1
    assert session.working() == []
    assert session.held(COIN) == (Decimal(1), Decimal(0))


def test_p5_amounts_finer_than_a_quantum_round_against_us() -> None:
    session = VenueSession(an_instrument("ETHBTC.SIM", tick="0.00001", lot="0.0001"), cash="1")
    session.bar(0.03001, 0.03001, 0.03001, 0.03001)
    session.buy(MARKET, "0.0001")
    (bought,) = session.bar(0.03001, 0.03001, 0.03001, 0.03001)
    session.sell(MARKET, "0.0001")
    (sold,) = session.bar(0.03001, 0.03001, 0.03001, 0.03001)

    assert bought.fill is not None
    assert sold.fill is not None
    assert bought.fill.quote_amount == Decimal("0.00000301")  # exactly 0.000003001
    assert sold.fill.quote_amount == Decimal("0.00000300")


def test_p13_a_market_buy_locks_its_cost_at_the_close_plus_the_band() -> None:
    session = a_session(cash="1000", taker_fee_ppm=1_000)
    session.buy(MARKET, "1")

    assert session.held(USDT) == (Decimal("894.895"), Decimal("105.105"))


def test_p13_an_open_beyond_the_cash_cuts_the_buy() -> None:
    session = a_session(cash="106", taker_fee_ppm=1_000)
    session.buy(MARKET, "1", name="m")

    reports = session.bar(110, 110, 110, 110)

    assert said(reports) == [("m", ReportKind.FILLED), ("m", ReportKind.CANCELED)]
    assert reports[0].fill is not None
    assert reports[0].fill.quantity == Decimal(
        "0.962"
    )  # 105.92582 with the fee; 0.963 is 106.03593
    assert reports[0].flags == ("cut_by_cash",)
    assert reports[1].detail == "CUT_BY_CASH"
    assert session.held(USDT) == (Decimal("0.07418"), Decimal(0))


def test_p13_a_buy_cut_below_the_minimum_is_denied() -> None:
    instrument = an_instrument(min_notional="50")
    session = VenueSession(instrument, cash="106")
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, "1", name="m")

    (report,) = session.bar(150_000, 150_000, 150_000, 150_000)

    assert (report.kind, report.flags) == (ReportKind.CANCELED, ("cut_by_cash",))
    assert session.held(USDT) == (Decimal(106), Decimal(0))


def test_p13_a_stop_buy_that_gaps_beyond_its_lock_uses_free_cash_then_is_cut() -> None:
    session = a_session(cash="120")
    session.buy(STOP, "1", name="up", trigger_price="101")
    locked = session.held(USDT)

    reports = session.bar(115, 115, 115, 115)

    assert locked == (Decimal("13.95"), Decimal("106.05"))
    assert fills(reports) == [("up", Decimal(115))]
    assert session.held(USDT) == (Decimal(5), Decimal(0))


def test_many_small_fills_that_each_round_up_never_overdraw() -> None:
    instrument = an_instrument("ETHBTC.SIM", tick="0.00001", lot="0.0001")
    session = VenueSession(
        instrument, cash="0.00003002", participation_ppm=100_000, maker_fee_ppm=1, taker_fee_ppm=1
    )
    session.bar(0.03005, 0.03005, 0.03005, 0.03005)
    accepted = session.buy(LIMIT, "0.001", name="bid", limit_price="0.03001")
    reports = []
    for _ in range(12):
        reports += session.bar(0.03005, 0.03005, 0.03000, 0.03005, volume=0.001)

    assert accepted.kind is ReportKind.ACCEPTED
    assert sum(1 for report in reports if report.fill) == 9
    assert reports[-1].detail == "CUT_BY_CASH"
    assert session.working() == []
    free, locked = session.held(USDT)
    assert free >= 0
    assert locked == 0


def test_accounts_do_not_see_one_anothers_money() -> None:
    session = a_session()
    other = AccountId("other")

    report = session.buy(MARKET, account=other)

    assert report.detail.startswith("INSUFFICIENT_BALANCE")
    assert session.venue.balances(other) == {}
    assert session.venue.open_orders(other) == ()


@pytest.mark.parametrize("value", ["0", "-1", "0.000000001", "NaN", "Infinity"])
def test_a_deposit_that_cannot_be_booked_is_refused(value: str) -> None:
    with pytest.raises(ConfigError):
        VenueSession().venue.deposit(PAPER, USDT, Decimal(value))
