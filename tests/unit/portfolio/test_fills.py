"""The accounting traps of engine-traps E-V, with the numbers of the table."""

from decimal import Decimal
from typing import Any

import pytest
from tests.unit.portfolio.builders import (
    BITCOIN,
    BNB,
    BNBUSDT,
    BTC,
    BTCUSDT,
    EMA,
    ETHER,
    MAIN,
    RSI,
    USDT,
    a_fill,
    a_portfolio,
    an_instrument,
    buy,
    deposit,
    exact,
    sell,
)

from botcore.domain.errors import InvariantBroken
from botcore.domain.events import LedgerPosted, PositionChanged, Posting
from botcore.domain.ids import ContractKind, InstrumentId, Nanos
from botcore.domain.orders import Side
from botcore.portfolio import Portfolio, Valuation, fees_path

FEES = fees_path(MAIN, EMA, BTCUSDT)


def test_books_five_postings_with_the_legs_of_trading_first() -> None:
    portfolio, _ = a_portfolio()

    posted, changed = portfolio.book_fill(buy("2", "100", fee="0.2"), BITCOIN)

    assert posted == LedgerPosted(
        MAIN,
        Nanos(1),
        "fill",
        "order-1/t1",
        (
            Posting("trading:main:ema:BTCUSDT.SIM", BTC, Decimal(-2)),
            Posting("trading:main:ema:BTCUSDT.SIM", USDT, Decimal(200)),
            Posting("assets:main", BTC, Decimal(2)),
            Posting("assets:main", USDT, Decimal("-200.2")),
            Posting("fees:main:ema:BTCUSDT.SIM", USDT, Decimal("0.2")),
        ),
    )
    assert changed == PositionChanged(
        MAIN,
        EMA,
        BTCUSDT,
        quantity=Decimal(2),
        cost=Decimal(200),
        realised=Decimal(0),
        fees=Decimal("0.2"),
        ts=Nanos(1),
    )


def test_books_the_venues_own_quote_amount_and_never_price_times_quantity() -> None:
    portfolio, _ = a_portfolio(buy("3", "0.33", quote_amount="0.99000001"))

    assert portfolio.position(MAIN, EMA, BTCUSDT).cost == Decimal("0.99000001")
    assert portfolio.cash(MAIN, USDT) == Decimal("99999.00999999")


def test_e74_a_fee_in_base_is_taken_from_the_quantity_and_selling_the_rest_is_flat() -> None:
    portfolio, _ = a_portfolio(buy("1", "30000", fee="0.001", fee_currency=BTC))
    position = portfolio.position(MAIN, EMA, BTCUSDT)
    assert position.quantity == Decimal("0.999")
    assert portfolio.cash(MAIN, BTC) == Decimal("0.999")
    assert (position.cost, position.fees) == exact(29970, 30)
    assert position.average == 30000

    portfolio.book_fill(sell("0.999", "30000", fee="29.97"), BITCOIN)

    assert position.quantity == 0
    assert not position.is_open
    assert portfolio.cash(MAIN, BTC) == 0
    assert (position.cost, position.realised, position.fees) == exact(0, 0, Decimal("59.97"))
    assert portfolio.cash(MAIN, USDT) == 100_000 - Decimal("59.97")


def test_e74_a_fee_in_base_on_the_selling_side_takes_more_than_was_sold() -> None:
    portfolio, _ = a_portfolio(buy("1", "100"), sell("0.5", "120", fee="0.001", fee_currency=BTC))
    position = portfolio.position(MAIN, EMA, BTCUSDT)

    assert position.quantity == Decimal("0.499")
    # 0.501 × (120 - 100) was earned, 0.001 × 120 of it went as the fee.
    assert (position.realised, position.fees) == exact(Decimal("10.02"), Decimal("0.12"))
    portfolio.verify()


def test_e75_a_fee_in_a_third_currency_lowers_its_balance_and_leaves_the_position_exact() -> None:
    portfolio, _ = a_portfolio()
    portfolio.book_deposit(deposit("10", BNB), Nanos(0))
    valuation = Valuation(portfolio)

    portfolio.book_fill(buy("1", "30000", fee="0.05", fee_currency=BNB), BITCOIN)
    portfolio.book_fill(sell("1", "30100", fee="0.05", fee_currency=BNB, trade=2), BITCOIN)

    position = portfolio.position(MAIN, EMA, BTCUSDT)
    assert portfolio.cash(MAIN, BNB) == Decimal("9.9")
    assert portfolio.ledger.balance(FEES, BNB) == Decimal("0.1")
    assert (position.quantity, position.realised, position.fees) == exact(0, 100, 0)
    profit = valuation.profit(MAIN, EMA, BTCUSDT)
    assert profit is not None
    assert profit.fees_elsewhere == ((BNB, Decimal("0.1")),)
    assert profit.unpriced == (BNB,)
    assert profit.net is None, "an unknown rate is not a rate of 0"


def test_e75_the_third_currencys_fee_is_converted_once_at_its_mark() -> None:
    portfolio, _ = a_portfolio(
        buy("1", "30000", fee="0.05", fee_currency=BNB),
        sell("1", "30100", fee="0.05", fee_currency=BNB, trade=2),
    )
    valuation = Valuation(portfolio)

    valuation.mark(BNBUSDT, 600.0)

    profit = valuation.profit(MAIN, EMA, BTCUSDT)
    assert profit is not None
    assert (profit.net, profit.unpriced) == (40.0, ())
    assert profit.realised == 100
    # Twice 0.05 at 600 is 60: equity loses exactly that, too.
    assert valuation.equity(MAIN) == 100_040.0


def test_e76_cash_changes_by_notional_and_fee_exactly_once() -> None:
    portfolio, _ = a_portfolio(buy("2", "100", fee="0.2"))
    assert portfolio.cash(MAIN, USDT) == 100_000 - 200 - Decimal("0.2")

    portfolio.book_fill(sell("2", "110", fee="0.22", trade=2), BITCOIN)

    assert portfolio.cash(MAIN, USDT) == 100_000 + 20 - Decimal("0.42")
    assert portfolio.ledger.balance(FEES, USDT) == Decimal("0.42")


def test_e77_a_rebate_increases_cash_and_lowers_the_fees() -> None:
    portfolio, _ = a_portfolio(buy("1", "100", fee="-0.01"))

    position = portfolio.position(MAIN, EMA, BTCUSDT)

    assert portfolio.cash(MAIN, USDT) == Decimal("99900.01")
    assert position.fees == Decimal("-0.01")
    assert position.cost == 100
    assert Valuation(portfolio).equity_exact(MAIN) == Decimal("100000.01")


def test_e77_a_rebate_in_base_increases_the_position() -> None:
    portfolio, _ = a_portfolio(buy("1", "100", fee="-0.001", fee_currency=BTC))

    position = portfolio.position(MAIN, EMA, BTCUSDT)

    assert position.quantity == Decimal("1.001")
    assert (position.cost, position.fees) == exact(Decimal("100.1"), Decimal("-0.1"))
    portfolio.verify()


def test_e80_a_flip_in_one_fill_realises_ten_and_opens_five_short() -> None:
    portfolio, _ = a_portfolio(buy("10", "100"), sell("15", "120", fee="1.8", trade=2))

    position = portfolio.position(MAIN, EMA, BTCUSDT)

    assert position.quantity == -5
    assert position.realised == 200
    assert position.cost == -600
    assert position.average == 120
    assert position.fees == Decimal("1.8")
    portfolio.verify()


def test_e81_partial_closes_keep_the_average_and_adding_changes_it_by_weight() -> None:
    portfolio, _ = a_portfolio(buy("1", "100"), buy("3", "120", trade=2))
    position = portfolio.position(MAIN, EMA, BTCUSDT)
    assert position.average == 115

    portfolio.book_fill(sell("1", "200", trade=3), BITCOIN)
    portfolio.book_fill(sell("1", "50", trade=4), BITCOIN)

    assert position.average == 115
    assert (position.quantity, position.cost) == exact(2, 230)
    assert position.realised == 85 - 65


def test_e81_i4_the_rounding_of_a_partial_close_stays_with_the_position() -> None:
    portfolio, _ = a_portfolio(buy("3", "33.33", quote_amount="100"))
    position = portfolio.position(MAIN, EMA, BTCUSDT)

    for trade in (2, 3, 4):
        portfolio.book_fill(sell("1", "40", trade=trade), BITCOIN)
        portfolio.verify()

    assert (position.quantity, position.cost, position.realised) == exact(0, 0, 20)


def test_e92_a_fill_beyond_the_cash_is_booked_as_it_is_and_named_as_overdrawn() -> None:
    portfolio, _ = a_portfolio(cash="100")
    assert portfolio.holdings(MAIN).overdrawn() == ()

    portfolio.book_fill(buy("1", "100", fee="0.1"), BITCOIN)

    assert portfolio.cash(MAIN, USDT) == Decimal("-0.1")
    assert portfolio.holdings(MAIN).overdrawn() == (USDT,)


def test_e92_a_short_in_a_cash_account_is_named_as_overdrawn() -> None:
    portfolio, _ = a_portfolio(sell("1", "100"))

    assert portfolio.holdings(MAIN).overdrawn() == (BTC,)
    assert portfolio.position(MAIN, EMA, BTCUSDT).quantity == -1


def test_e95_closing_and_opening_again_keeps_the_earlier_profit() -> None:
    portfolio, _ = a_portfolio(buy("1", "100", fee="1"), sell("1", "130", fee="1", trade=2))

    portfolio.book_fill(buy("1", "200", fee="1", trade=3), BITCOIN)

    position = portfolio.position(MAIN, EMA, BTCUSDT)
    assert (position.realised, position.fees, position.cost) == exact(30, 3, 200)


def test_e97_ten_fills_of_a_tenth_are_one_and_close_with_one() -> None:
    fills = [buy("0.1", "100", trade=n) for n in range(10)]
    portfolio, _ = a_portfolio(*fills)
    position = portfolio.position(MAIN, EMA, BTCUSDT)
    assert position.quantity == 1
    assert position.quantity_float == 1.0

    portfolio.book_fill(sell("1", "100", trade=11), BITCOIN)

    assert not position.is_open
    assert portfolio.cash(MAIN, BTC) == 0
    assert portfolio.cash(MAIN, USDT) == 100_000


@pytest.mark.parametrize(
    "figures",
    [
        {"quantity": "NaN", "quote_amount": "1"},
        {"quantity": "Infinity", "quote_amount": "1"},
        {"quantity": "0", "quote_amount": "1"},
        {"quantity": "-1", "quote_amount": "1"},
        {"quote_amount": "-1"},
        {"quote_amount": "NaN"},
        {"fee": "NaN"},
        {"fee": "sNaN"},
        {"fee": "Infinity"},
        {"quote_amount": "1" + "0" * 40},
    ],
)
def test_e97_figures_that_are_no_amounts_are_refused_and_change_nothing(
    figures: dict[str, Any],
) -> None:
    portfolio, _ = a_portfolio(buy("1", "100"))
    before = portfolio.state()

    with pytest.raises(InvariantBroken) as refused:
        portfolio.book_fill(a_fill(Side.BUY, **figures), BITCOIN)

    assert refused.value.code in {"FILL_NOT_BOOKABLE", "LEDGER_UNBALANCED"}
    assert portfolio.state() == before
    portfolio.verify()


def test_refuses_the_fill_of_a_contract_that_has_no_booking_rules() -> None:
    perpetual = an_instrument(InstrumentId("BTCUSDT-PERP.SIM"), kind=ContractKind.LINEAR_PERPETUAL)

    with pytest.raises(InvariantBroken, match="BTCUSDT-PERP") as refused:
        Portfolio().book_fill(a_fill(instrument=perpetual.id), perpetual)

    assert refused.value.code == "FILL_NOT_BOOKABLE"


def test_refuses_a_fill_with_the_rules_of_another_instrument() -> None:
    with pytest.raises(InvariantBroken, match="ETHUSDT"):
        Portfolio().book_fill(buy("1"), ETHER)


def test_strategies_on_one_instrument_are_apart_and_only_the_net_view_joins_them() -> None:
    portfolio, _ = a_portfolio(buy("2", "100"), sell("1", "110", strategy=RSI, trade=2))

    assert portfolio.position(MAIN, EMA, BTCUSDT).quantity == 2
    assert portfolio.position(MAIN, RSI, BTCUSDT).quantity == -1
    assert portfolio.position(MAIN, EMA, BTCUSDT).realised == 0
    assert portfolio.net_position(MAIN, BTCUSDT) == 1
    assert [p.strategy for p in portfolio.positions(MAIN)] == [EMA, RSI]


def test_a_position_view_may_be_kept_and_follows_every_fill() -> None:
    portfolio, _ = a_portfolio()
    position = portfolio.position(MAIN, EMA, BTCUSDT)
    assert portfolio.positions(MAIN) == ()

    portfolio.book_fill(buy("0.3", "100"), BITCOIN)

    assert (position.quantity_float, position.cost_float) == (0.3, 30.0)
    assert portfolio.positions(MAIN) == (position,)


def test_the_float_mirror_of_cash_follows_the_exact_amount() -> None:
    portfolio, _ = a_portfolio()
    assert portfolio.cash_float(MAIN, USDT) == 100_000.0

    portfolio.book_fill(buy("0.1", "0.3"), BITCOIN)

    assert portfolio.cash_float(MAIN, USDT) == float(portfolio.cash(MAIN, USDT)) == 99_999.97
