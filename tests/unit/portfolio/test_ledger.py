from decimal import Decimal

import pytest
from tests.unit.portfolio.builders import BTC, BTCUSDT, EMA, MAIN, USDT

from botcore.domain.errors import InvariantBroken, Remedy
from botcore.domain.events import LedgerPosted, Posting
from botcore.domain.ids import Currency, Nanos
from botcore.portfolio import (
    Ledger,
    assets_path,
    dust_path,
    external_path,
    fees_path,
    trading_path,
)

ASSETS = assets_path(MAIN)
WORLD = external_path(MAIN)


def posted(*lines: tuple[str, Currency, str]) -> LedgerPosted:
    postings = tuple(Posting(ledger, currency, Decimal(x)) for ledger, currency, x in lines)
    return LedgerPosted(MAIN, Nanos(1), "deposit", "start", postings)


def a_ledger() -> Ledger:
    ledger = Ledger()
    ledger.fold(posted((ASSETS, USDT, "1000"), (WORLD, USDT, "-1000")))
    return ledger


def test_places_are_named_by_account_strategy_and_instrument() -> None:
    assert ASSETS == "assets:main"
    assert WORLD == "external:main"
    assert trading_path(MAIN, EMA, BTCUSDT) == "trading:main:ema:BTCUSDT.SIM"
    assert fees_path(MAIN, EMA, BTCUSDT) == "fees:main:ema:BTCUSDT.SIM"
    assert dust_path(MAIN, EMA, BTCUSDT) == "dust:main:ema:BTCUSDT.SIM"


def test_books_both_sides_of_a_balanced_transaction() -> None:
    ledger = a_ledger()

    assert ledger.balance(ASSETS, USDT) == 1000
    assert ledger.balance(WORLD, USDT) == -1000
    assert ledger.balance(ASSETS, BTC) == 0
    assert ledger.balance("assets:nobody", USDT) == 0


def test_i2_all_balances_of_a_currency_add_up_to_zero() -> None:
    ledger = a_ledger()

    assert ledger.total_by_currency() == {USDT: 0}
    ledger.verify()


def test_i2_refuses_an_unbalanced_transaction_and_keeps_nothing_of_it() -> None:
    ledger = a_ledger()
    before = ledger.state()

    with pytest.raises(InvariantBroken, match=r"adds up to 1 USDT, not 0") as refused:
        ledger.fold(
            posted((ASSETS, BTC, "2"), (ASSETS, USDT, "-4"), (WORLD, BTC, "-2"), (WORLD, USDT, "5"))
        )

    assert refused.value.code == "LEDGER_UNBALANCED"
    assert refused.value.remedy is Remedy.HALT
    assert ledger.state() == before
    assert ledger.total_by_currency()[USDT] == 0


def test_i2_currencies_do_not_balance_one_another() -> None:
    ledger = Ledger()

    with pytest.raises(InvariantBroken, match="5 BTC"):
        ledger.fold(posted((ASSETS, BTC, "5"), (WORLD, USDT, "-5")))

    assert ledger.balances() == ()


def test_refuses_a_sum_that_would_round_and_rolls_back_what_was_booked_before_it() -> None:
    ledger = a_ledger()
    huge, tiny = "1" + "0" * 37, "0.00000001"
    before = ledger.state()

    with pytest.raises(InvariantBroken, match="not exact") as refused:
        ledger.fold(posted((ASSETS, USDT, "7"), (ASSETS, USDT, huge), (WORLD, USDT, tiny)))

    assert refused.value.code == "LEDGER_UNBALANCED"
    assert ledger.state() == before


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_e97_refuses_an_amount_that_is_not_a_number(amount: str) -> None:
    ledger = a_ledger()
    before = ledger.state()

    with pytest.raises(InvariantBroken) as refused:
        ledger.fold(posted((ASSETS, USDT, amount), (WORLD, USDT, amount)))

    assert refused.value.code == "LEDGER_UNBALANCED"
    assert ledger.state() == before


def test_refuses_a_transaction_without_postings() -> None:
    with pytest.raises(InvariantBroken, match="no postings"):
        Ledger().fold(posted())


def test_several_postings_to_one_place_add_up() -> None:
    ledger = Ledger()

    ledger.fold(posted((ASSETS, USDT, "1"), (ASSETS, USDT, "2"), (WORLD, USDT, "-3")))

    assert ledger.balance(ASSETS, USDT) == 3


def test_balances_are_sorted_and_leave_out_zeros() -> None:
    ledger = a_ledger()
    ledger.fold(posted((ASSETS, BTC, "2"), (WORLD, BTC, "-2")))
    ledger.fold(posted((ASSETS, USDT, "-1000"), (WORLD, USDT, "1000")))

    assert ledger.balances() == ((ASSETS, BTC, Decimal(2)), (WORLD, BTC, Decimal(-2)))


def test_state_is_the_same_bytes_however_the_amounts_were_written() -> None:
    one, other = Ledger(), Ledger()

    one.fold(posted((ASSETS, USDT, "1E+3"), (WORLD, USDT, "-1000.00")))
    other.fold(posted((WORLD, USDT, "-1000"), (ASSETS, USDT, "1000.000")))

    assert one.state() == other.state() == b"assets:main USDT 1000\nexternal:main USDT -1000\n"


def test_verify_finds_a_balance_that_was_edited() -> None:
    ledger = a_ledger()
    ledger.restore([(ASSETS, USDT, Decimal("1000.01")), (WORLD, USDT, Decimal(-1000))])

    with pytest.raises(InvariantBroken, match=r"0\.01 USDT"):
        ledger.verify()
