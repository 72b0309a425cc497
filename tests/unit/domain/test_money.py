"""Money: exact, of one currency, written plainly."""

import decimal
from decimal import Decimal

import pytest
from tests.support.builders import BTC, USDT

from botcore.domain.errors import InvariantBroken
from botcore.domain.money import Money


@pytest.mark.requirement("TC-UNIT-001")
def test_money_comes_back_from_its_text_as_it_was() -> None:
    for text in ("0.00000001 BTC", "-12.50 USDT", "1000000 USDT"):
        money = Money.parse(text)

        assert str(money) == text
        assert Money.parse(str(money)) == money


def test_money_is_written_without_an_exponent() -> None:
    assert str(Money(Decimal("1E+3"), USDT)) == "1000 USDT"
    assert str(Money(Decimal("1E-8"), BTC)) == "0.00000001 BTC"


def test_money_of_one_currency_adds_up() -> None:
    one, two = Money(Decimal("0.1"), USDT), Money(Decimal("0.2"), USDT)

    assert one + two == Money(Decimal("0.3"), USDT)
    assert one - two == Money(Decimal("-0.1"), USDT)
    assert -one == Money(Decimal("-0.1"), USDT)


def test_money_of_two_currencies_is_never_mixed() -> None:
    dollars, coins = Money(Decimal(1), USDT), Money(Decimal(1), BTC)

    with pytest.raises(InvariantBroken, match="CURRENCIES_MIXED"):
        dollars + coins
    with pytest.raises(InvariantBroken, match="CURRENCIES_MIXED"):
        coins - dollars


def test_money_does_not_lose_a_digit_to_the_threads_context() -> None:
    with decimal.localcontext(prec=6):
        total = Money(Decimal("123456789.01"), USDT) + Money(Decimal("0.02"), USDT)

    assert total == Money(Decimal("123456789.03"), USDT)


@pytest.mark.parametrize("text", ["", "1", "USDT", "x USDT", "NaN USDT", "1  USDT", "1 US DT"])
def test_what_is_no_money_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an amount and a currency"):
        Money.parse(text)
