"""The quantiser, the two crossings from float, and exact amounts: E96, E97, E98."""

import decimal
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.support.builders import USDT, an_instrument

from botcore.domain.instruments import BelowMinimum, Instrument
from botcore.domain.money import Money
from botcore.domain.numbers import (
    ceil_to,
    exact,
    floor_to,
    from_quanta,
    to_quanta,
    use_money_context,
)
from botcore.domain.orders import Side

STEPS = st.one_of(
    st.sampled_from([Decimal(text) for text in ("0.05", "0.00000001", "5", "0.25", "1E+2")]),
    st.builds(
        lambda digit, place: Decimal(digit).scaleb(place), st.integers(1, 99), st.integers(-8, 2)
    ),
)
VALUES = st.decimals("0.00000001", "100000000", allow_nan=False, allow_infinity=False)
AMOUNTS = st.decimals("-1e12", "1e12", places=8)
FLOATS = st.floats(1e-6, 1e9)


@pytest.fixture(autouse=True, params=["money", "default"])
def _context(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every thread has a context of its own: the answers are the same in both."""
    with decimal.localcontext():
        if request.param == "money":
            use_money_context()
        yield


def is_multiple(value: Decimal, step: Decimal) -> bool:
    return (Fraction(value) / Fraction(step)).denominator == 1


@given(VALUES, STEPS)
def test_e96_flooring_is_the_largest_multiple_not_above(value: Decimal, step: Decimal) -> None:
    floored = floor_to(value, step)

    assert floored <= value < floored + step
    assert is_multiple(floored, step)
    assert floor_to(floored, step) == floored
    assert floored == Fraction(value) // Fraction(step) * Fraction(step)


@given(VALUES, STEPS, st.booleans())
def test_e96_ceiling_mirrors_flooring(value: Decimal, step: Decimal, negative: bool) -> None:
    value = -value if negative else value

    assert ceil_to(value, step) == -floor_to(-value, step)
    assert ceil_to(value, step) - floor_to(value, step) in (0, step)


@given(st.integers(1, 10**9), STEPS)
def test_e96_what_is_on_the_grid_stays_where_it_is(count: int, step: Decimal) -> None:
    on_grid = count * step

    assert floor_to(on_grid, step) == ceil_to(on_grid, step) == on_grid


@given(FLOATS, st.sampled_from(Side), STEPS)
def test_e96_i19_an_order_price_is_on_the_grid_and_never_more_aggressive(
    x: float, side: Side, tick: Decimal
) -> None:
    assume(Decimal(repr(x)) >= tick and x / float(tick) < 1e15)

    price = an_instrument(tick=tick).order_price(x, side)

    a_hair = float(tick) * 1e-6
    assert is_multiple(price, tick)
    assert side.sign * (float(price) - x) <= a_hair + x * 1e-15
    assert abs(float(price) - x) <= float(tick) * (1 + 1e-9) + x * 1e-15


@given(FLOATS, STEPS)
def test_e96_i19_a_quantity_is_on_the_grid_and_not_above(x: float, lot: Decimal) -> None:
    assume(x / float(lot) < 1e15)
    quantity = an_instrument(lot=lot, min_quantity=Decimal(0)).quantity(x)

    if isinstance(quantity, BelowMinimum):
        assert quantity.quantity < lot
    else:
        assert is_multiple(quantity, lot)
        assert float(quantity) <= x + float(lot) * 1e-6 + x * 1e-15


def grid(count: int, tick: Decimal) -> tuple[Instrument, Decimal]:
    return an_instrument(tick=tick, lot=tick, min_quantity=Decimal(0)), count * tick


@given(st.integers(1, 10**8), STEPS)
def test_e97_a_recorded_price_on_the_grid_is_taken_exactly(count: int, tick: Decimal) -> None:
    instrument, price = grid(count, tick)

    assert instrument.price_from_data(float(price)) == price


@given(st.integers(1, 10**8), STEPS, st.sampled_from(Side))
def test_e96_a_computed_price_a_hair_off_the_grid_is_on_it(
    count: int, tick: Decimal, side: Side
) -> None:
    instrument, price = grid(count, tick)
    for noise in (1 - 4e-16, 1.0, 1 + 4e-16):
        assert instrument.order_price(float(price) * noise, side) == price
        assert instrument.quantity(float(price) * noise) == price


@given(st.integers(1, 10**6), st.integers(0, 6), STEPS)
def test_e98_a_number_written_with_more_zeros_is_the_same(
    count: int, zeros: int, tick: Decimal
) -> None:
    instrument, price = grid(count, tick)
    padded = Decimal(f"{price:f}" + ("" if "." in f"{price:f}" else ".") + "0" * zeros)

    assert instrument.order_price(padded, Side.BUY) == price
    assert instrument.quantity(padded) == instrument.quantity(price)


@given(st.integers(-(10**24), 10**24))
def test_quanta_and_amounts_are_two_names_of_one_thing(quanta: int) -> None:
    assert to_quanta(from_quanta(quanta)) == quanta
    assert Fraction(from_quanta(quanta)) == Fraction(quanta, 10**8)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_e97_a_float_becomes_its_shortest_text_and_comes_back(x: float) -> None:
    assert float(exact(x, what="x")) == x


@given(AMOUNTS, AMOUNTS)
def test_money_adds_and_subtracts_exactly(a: Decimal, b: Decimal) -> None:
    one, two = Money(a, USDT), Money(b, USDT)

    assert Fraction((one + two).amount) == Fraction(a) + Fraction(b)
    assert (one + two) - two == one
    assert one - two == -(two - one)


@pytest.mark.requirement("TC-UNIT-001")
@given(AMOUNTS)
def test_money_parses_what_it_writes(amount: Decimal) -> None:
    money = Money(amount, USDT)

    assert Money.parse(str(money)) == money
    assert "E" not in str(money).removesuffix(" USDT")
