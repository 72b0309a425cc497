from decimal import Decimal

import numpy as np
import pytest
from tests.unit.portfolio.builders import (
    BITCOIN,
    BNB,
    BNBUSDT,
    BTC,
    BTCUSDT,
    EMA,
    ETHBTC,
    ETHER,
    ETHER_IN_BITCOIN,
    ETHUSDT,
    MAIN,
    RSI,
    a_portfolio,
    buy,
    deposit,
    exact,
    sell,
)

from botcore.domain.errors import DataError
from botcore.domain.events import PerformanceUpdate
from botcore.domain.ids import Currency, InstrumentId, Nanos
from botcore.portfolio import Portfolio, Valuation


def test_equity_of_cash_alone_is_the_cash() -> None:
    portfolio, _ = a_portfolio()
    valuation = Valuation(portfolio)

    assert valuation.equity(MAIN) == 100_000.0
    assert valuation.equity_exact(MAIN) == 100_000
    assert valuation.unpriced(MAIN) == ()


def test_e94_positions_are_marked_to_the_mark_and_not_to_the_last_fill() -> None:
    portfolio, _ = a_portfolio(buy("2", "100"))
    valuation = Valuation(portfolio)

    valuation.mark(BTCUSDT, 90.5)

    assert valuation.equity(MAIN) == 99_981.0
    assert valuation.equity_exact(MAIN) == 99_981


def test_e94_a_missing_price_is_reported_and_the_position_is_not_worth_zero() -> None:
    portfolio, _ = a_portfolio(buy("2", "100", fee="1"))
    valuation = Valuation(portfolio)

    assert valuation.unpriced(MAIN) == (BTCUSDT,)
    assert valuation.equity(MAIN) == 99_999.0, "carried at its cost of 200"
    assert valuation.equity_exact(MAIN) == 99_999

    valuation.mark(BTCUSDT, 100.0)
    assert valuation.unpriced(MAIN) == ()


def test_e94_a_currency_without_a_rate_is_reported_by_name() -> None:
    portfolio, _ = a_portfolio()
    portfolio.book_deposit(deposit("10", BNB), Nanos(0))
    valuation = Valuation(portfolio)
    assert valuation.unpriced(MAIN) == (BNB,)
    assert valuation.equity(MAIN) == 100_000.0

    valuation.mark(BNBUSDT, 600.0)

    assert valuation.unpriced(MAIN) == ()
    assert valuation.equity(MAIN) == 106_000.0
    assert valuation.equity_exact(MAIN) == 106_000


def test_equity_follows_each_mark_and_each_fill() -> None:
    portfolio, _ = a_portfolio(buy("1", "100"))
    valuation = Valuation(portfolio)
    valuation.mark(BTCUSDT, 100.0)
    assert valuation.equity(MAIN) == 100_000.0

    valuation.mark(BTCUSDT, 110.0)
    assert valuation.equity(MAIN) == 100_010.0

    portfolio.book_fill(sell("1", "105", fee="1", trade=2), BITCOIN)
    assert valuation.equity(MAIN) == 100_004.0
    valuation.mark(BTCUSDT, 500.0)
    assert valuation.equity(MAIN) == 100_004.0


def test_opposite_strategies_are_netted_in_the_account_only() -> None:
    portfolio, _ = a_portfolio(buy("1", "100"), sell("1", "100", strategy=RSI, trade=2))
    valuation = Valuation(portfolio)

    assert valuation.unpriced(MAIN) == ()
    assert valuation.equity(MAIN) == 100_000.0


def test_p16_the_sum_is_in_order_of_instruments_and_equal_to_the_bit() -> None:
    bitcoin, ether = buy("1", "50"), buy("1", "50", instrument=ETHUSDT, trade=2)
    one, _ = a_portfolio(bitcoin, cash="100.2")
    one.book_fill(ether, ETHER)
    other, _ = a_portfolio(cash="100.2")
    other.book_fill(ether, ETHER)
    other.book_fill(bitcoin, BITCOIN)

    for portfolio in (one, other):
        valuation = Valuation(portfolio)
        valuation.mark(ETHUSDT, 0.3)
        valuation.mark(BTCUSDT, 0.1)

        assert valuation.equity(MAIN) == 0.2 + 0.1 + 0.3 != 0.2 + 0.3 + 0.1


def test_equity_follows_every_single_fact() -> None:
    _, facts = a_portfolio(buy("1", "100"))
    portfolio = Portfolio()
    valuation = Valuation(portfolio)
    seen = [valuation.equity(MAIN)]

    for fact in facts:
        portfolio.fold(fact)
        seen.append(valuation.equity(MAIN))

    # Without a mark the bitcoin has a value from the position fact on: what it cost.
    assert seen == [0.0, 100_000.0, 99_900.0, 100_000.0]


def test_an_instrument_quoted_in_another_currency_is_converted_by_its_rate() -> None:
    portfolio, _ = a_portfolio(buy("1", "30000"))
    portfolio.book_fill(
        buy("2", "0.05", instrument=ETHBTC, strategy=RSI, trade=2), ETHER_IN_BITCOIN
    )
    valuation = Valuation(portfolio)
    valuation.mark(BTCUSDT, 30_000.0)
    assert valuation.unpriced(MAIN) == (ETHBTC,)
    assert valuation.equity(MAIN) == pytest.approx(100_000.0), "carried at 0.1 BTC"

    valuation.mark(ETHBTC, 0.06)

    # 70,000 cash, 1 BTC held by a strategy, 0.1 BTC paid by the other for 2 ETH.
    assert valuation.equity_exact(MAIN) == 70_000 + 30_000 - 3_000 + 3_600
    assert valuation.equity(MAIN) == pytest.approx(100_600.0)
    assert valuation.unpriced(MAIN) == ()


def test_an_instrument_whose_quote_has_no_rate_is_left_out_with_both_its_legs() -> None:
    portfolio, _ = a_portfolio()
    portfolio.book_fill(buy("2", "0.05", instrument=ETHBTC), ETHER_IN_BITCOIN)
    valuation = Valuation(portfolio)
    valuation.mark(ETHBTC, 0.06)

    assert valuation.unpriced(MAIN) == (BTC,)
    assert valuation.equity(MAIN) == 100_000.0
    assert valuation.equity_exact(MAIN) == 100_000


def test_each_account_reports_in_its_own_currency() -> None:
    portfolio, _ = a_portfolio()
    valuation = Valuation(portfolio, reporting={MAIN: Currency("EUR")})
    assert valuation.unpriced(MAIN) == ("USDT",)

    valuation.mark(InstrumentId("USDTEUR.SIM"), 0.9)

    assert valuation.equity(MAIN) == 90_000.0


def test_of_several_venues_rates_the_first_by_id_counts_whichever_came_first() -> None:
    portfolio, _ = a_portfolio(cash="1")
    portfolio.book_deposit(deposit("1", BNB), Nanos(0))
    valuation = Valuation(portfolio)

    valuation.mark(InstrumentId("BNBUSDT.ZZ"), 700.0)
    assert valuation.equity(MAIN) == 701.0

    valuation.mark(InstrumentId("BNBUSDT.AA"), 600.0)
    assert valuation.equity(MAIN) == 601.0


@pytest.mark.parametrize("price", [float("nan"), float("inf"), 0.0, -1.0])
def test_e97_a_price_that_is_none_is_refused_and_the_old_mark_stays(price: float) -> None:
    portfolio, _ = a_portfolio(buy("1", "100"))
    valuation = Valuation(portfolio)
    valuation.mark(BTCUSDT, 120.0)

    with pytest.raises(DataError, match="MARK_REFUSED"):
        valuation.mark(BTCUSDT, price)

    assert valuation.equity(MAIN) == 100_020.0


def test_a_mark_out_of_an_array_is_a_mark_like_any_other() -> None:
    portfolio, _ = a_portfolio(buy("1", "100"))
    valuation = Valuation(portfolio)

    valuation.mark(BTCUSDT, np.array([120.1])[0])

    assert valuation.equity_exact(MAIN) == Decimal("100020.1")


def test_i12_marks_come_back_from_a_performance_update() -> None:
    portfolio, _ = a_portfolio(buy("1", "100"))
    valuation, restored = Valuation(portfolio), Valuation(portfolio)
    valuation.mark(ETHUSDT, 10.0)
    valuation.mark(BTCUSDT, 120.0)
    assert valuation.marks() == ((BTCUSDT, 120.0), (ETHUSDT, 10.0))

    restored.fold(PerformanceUpdate(MAIN, Nanos(1), 0.0, 0.0, 0, 0.0, valuation.marks()))

    assert restored.marks() == valuation.marks()
    assert restored.equity(MAIN) == 100_020.0
    assert restored.price(BTCUSDT) == 120.0
    assert restored.price(ETHBTC) is None


def test_profit_adds_up_to_what_equity_gained() -> None:
    portfolio, _ = a_portfolio(buy("2", "100", fee="1"), sell("1", "130", fee="1", trade=2))
    valuation = Valuation(portfolio)
    unmarked = valuation.profit(MAIN, EMA, BTCUSDT)
    assert unmarked is not None
    assert (unmarked.unrealised, unmarked.net, unmarked.unpriced) == (None, None, (BTCUSDT,))

    valuation.mark(BTCUSDT, 140.0)

    profit = valuation.profit(MAIN, EMA, BTCUSDT)
    assert profit is not None
    assert (profit.realised, profit.fees) == exact(30, 2)
    assert profit.unrealised == 40.0
    assert profit.net == 68.0 == valuation.equity(MAIN) - 100_000.0


def test_profit_of_what_was_never_traded_is_none_and_not_zero() -> None:
    portfolio, _ = a_portfolio(buy("1", "100"))

    assert Valuation(portfolio).profit(MAIN, EMA, ETHUSDT) is None
