"""Exact numbers: the contexts, the quantum and the two crossings from float."""

import decimal
import math
from decimal import Decimal

import numpy as np
import pytest

from botcore.domain.errors import DataError
from botcore.domain.numbers import (
    EXACT,
    MONEY,
    QUANTUM,
    ceil_to,
    exact,
    finite,
    floor_to,
    from_quanta,
    to_quanta,
    use_money_context,
)


def test_e97_no_float_slips_into_money() -> None:
    with decimal.localcontext():
        use_money_context()

        with pytest.raises(decimal.FloatOperation):
            Decimal(0.1)  # noqa: RUF032  # this is the slip that must raise
        with pytest.raises(decimal.FloatOperation):
            _ = Decimal(1) > 0.5


def test_e97_overflow_raises_and_no_nan_appears() -> None:
    with decimal.localcontext():
        use_money_context()

        with pytest.raises(decimal.Overflow):
            Decimal("9E999999") * 10
        with pytest.raises(decimal.InvalidOperation):
            Decimal(0) / Decimal(0)
        with pytest.raises(decimal.DivisionByZero):
            Decimal(1) / Decimal(0)


def test_e97_the_ledgers_context_refuses_to_round() -> None:
    assert MONEY.divide(Decimal(1), Decimal(3)) == Decimal("0." + "3" * 38)
    with pytest.raises(decimal.Inexact):
        EXACT.divide(Decimal(1), Decimal(3))


def test_e97_ten_times_a_tenth_is_one() -> None:
    total = sum((exact(0.1, what="a fill") for _ in range(10)), Decimal(0))

    assert total == 1
    assert sum([0.1] * 10) != 1.0


@pytest.mark.parametrize("x", [math.nan, math.inf, -math.inf, Decimal("NaN"), Decimal("Infinity")])
def test_e97_what_is_no_number_is_refused_at_the_door(x: float | Decimal) -> None:
    with pytest.raises(DataError) as caught:
        exact(x, what="a price")

    assert caught.value.code == "NUMBER_NOT_FINITE"
    assert caught.value.cause.startswith("a price is")


def test_a_finite_number_passes() -> None:
    assert finite(1.5, what="a price") == 1.5


@pytest.mark.parametrize("x", [0.1, 1.15, np.float64(0.1), 30000.01, 7, Decimal("0.3")])
def test_a_number_is_the_decimal_that_its_shortest_text_says(x: float | Decimal) -> None:
    assert exact(x, what="a price") == Decimal(str(x))


@pytest.mark.parametrize(
    ("value", "step", "floor", "ceiling"),
    [
        ("1.15", "0.05", "1.15", "1.15"),
        ("1.16", "0.05", "1.15", "1.20"),
        ("0.000000019", "0.00000001", "0.00000001", "0.00000002"),
        ("12", "5", "10", "15"),
        ("-0.3", "0.2", "-0.4", "-0.2"),
        ("0", "0.1", "0", "0"),
        ("0." + "9" * 30, "1", "0", "1"),  # a rounded quotient would be 1, and above the value
    ],
)
def test_e96_a_value_goes_to_the_grid_in_the_direction_asked_for(
    value: str, step: str, floor: str, ceiling: str
) -> None:
    assert floor_to(Decimal(value), Decimal(step)) == Decimal(floor)
    assert ceil_to(Decimal(value), Decimal(step)) == Decimal(ceiling)


def test_an_amount_is_a_whole_number_of_quanta() -> None:
    assert to_quanta(Decimal("1.00000001")) == 100_000_001
    assert from_quanta(-5) == Decimal("-0.00000005")


def test_e97_an_amount_finer_than_a_quantum_is_refused() -> None:
    with pytest.raises(decimal.Inexact):
        to_quanta(QUANTUM / 2)


def test_an_amount_of_more_digits_than_the_threads_context_stays_exact() -> None:
    with decimal.localcontext(prec=6):
        assert to_quanta(Decimal("123456789.12345678")) == 12_345_678_912_345_678
        assert from_quanta(12_345_678_912_345_678) == Decimal("123456789.12345678")
        assert floor_to(Decimal("123456789.123"), Decimal("0.01")) == Decimal("123456789.12")
