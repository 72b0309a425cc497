from decimal import Decimal

import pytest
from tests.unit.portfolio.builders import (
    BITCOIN,
    BTC,
    BTCUSDT,
    EMA,
    MAIN,
    USDT,
    a_portfolio,
    buy,
    exact,
    sell,
)

from botcore.domain.events import LedgerPosted, PositionChanged
from botcore.domain.ids import Nanos
from botcore.portfolio import Portfolio, Valuation, dust_path

DUST = dust_path(MAIN, EMA, BTCUSDT)
BOUGHT = buy("1", "100", fee="0.0015", fee_currency=BTC)
"""Leaves 0.9985; with lots of 0.001, 0.998 of it can be sold."""
SOLD = sell("0.998", "110", trade=2)


def sweep(portfolio: Portfolio, price: str = "110") -> tuple[LedgerPosted, PositionChanged] | None:
    return portfolio.sweep_dust(MAIN, EMA, BITCOIN, price=Decimal(price), ts=Nanos(9))


def test_e78_the_remainder_goes_to_dust_with_its_cost_and_the_position_is_closed() -> None:
    portfolio, _ = a_portfolio(BOUGHT, SOLD)
    position = portfolio.position(MAIN, EMA, BTCUSDT)
    assert position.quantity == Decimal("0.0005")

    facts = sweep(portfolio)

    assert facts is not None
    posted, changed = facts
    assert posted.cause == "dust"
    assert (changed.quantity, changed.cost) == exact(0, 0)
    assert not position.is_open
    assert (position.dust, position.dust_cost) == exact("0.0005", "0.05")
    assert portfolio.ledger.balance(DUST, BTC) == Decimal("0.0005")
    assert portfolio.cash(MAIN, BTC) == 0
    portfolio.verify()


def test_e78_dust_stays_in_equity_and_the_profit_does_not_jump() -> None:
    portfolio, _ = a_portfolio(BOUGHT, SOLD)
    valuation = Valuation(portfolio)
    valuation.mark(BTCUSDT, 110.0)
    equity, mirror = valuation.equity_exact(MAIN), valuation.equity(MAIN)
    profit = valuation.profit(MAIN, EMA, BTCUSDT)

    sweep(portfolio)

    assert valuation.equity_exact(MAIN) == equity
    assert valuation.equity(MAIN) == mirror == pytest.approx(float(equity), rel=1e-12)
    assert valuation.profit(MAIN, EMA, BTCUSDT) == profit


def test_e78_the_next_buy_merges_the_dust() -> None:
    portfolio, _ = a_portfolio(BOUGHT, SOLD)
    sweep(portfolio)

    posted, changed = portfolio.book_fill(buy("1", "200", trade=3), BITCOIN)

    position = portfolio.position(MAIN, EMA, BTCUSDT)
    assert changed.quantity == position.quantity == Decimal("1.0005")
    assert changed.cost == Decimal("200.05")
    assert (position.dust, position.dust_cost) == exact(0, 0)
    assert portfolio.ledger.balance(DUST, BTC) == portfolio.ledger.balance(DUST, USDT) == 0
    assert portfolio.cash(MAIN, BTC) == Decimal("1.0005")
    assert sum(p.amount for p in posted.postings if p.currency == BTC) == 0
    portfolio.verify()


def test_e78_what_can_still_be_sold_is_no_dust() -> None:
    portfolio, _ = a_portfolio(buy("1", "100"))

    assert sweep(portfolio) is None
    assert portfolio.position(MAIN, EMA, BTCUSDT).is_open


def test_e79_a_remainder_under_the_minimum_notional_is_dust_and_one_at_it_is_not() -> None:
    portfolio, _ = a_portfolio(buy("0.1", "100"))

    assert sweep(portfolio, price="100") is None
    assert sweep(portfolio, price="99.99") is not None


def test_e78_less_than_a_lot_is_dust_at_any_price() -> None:
    portfolio, _ = a_portfolio(BOUGHT, SOLD)

    assert sweep(portfolio, price="1000000") is not None


def test_nothing_is_swept_where_nothing_is_held() -> None:
    portfolio, _ = a_portfolio(buy("1", "100"), sell("1", "100", trade=2))

    assert sweep(portfolio) is None
    assert sweep(Portfolio()) is None


def test_dust_swept_twice_adds_up() -> None:
    portfolio, _ = a_portfolio(BOUGHT, SOLD)
    sweep(portfolio)
    portfolio.book_fill(buy("1", "100", fee="0.0002", fee_currency=BTC, trade=3), BITCOIN)
    portfolio.book_fill(sell("1", "100", trade=4), BITCOIN)

    sweep(portfolio)

    assert portfolio.position(MAIN, EMA, BTCUSDT).dust == Decimal("0.0003")
    assert portfolio.holdings(MAIN).held() == [(BTCUSDT, Decimal("0.0003"))]
    portfolio.verify()
