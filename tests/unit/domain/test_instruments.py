"""Instruments: their rules, the grid for prices and quantities, versions in time."""

import math
from decimal import Decimal

import numpy as np
import pytest
from tests.support.builders import BTCUSDT, an_instrument

from botcore.domain.errors import ConfigError, DataError
from botcore.domain.ids import ContractKind, InstrumentId, Nanos
from botcore.domain.instruments import BelowMinimum, InstrumentBook, TradingStatus
from botcore.domain.orders import Side

BUY, SELL = Side.BUY, Side.SELL


def test_a_linear_perpetual_can_be_constructed() -> None:
    perpetual = an_instrument(
        id=InstrumentId("BTCUSDT-PERP.SIM"), kind=ContractKind.LINEAR_PERPETUAL
    )

    assert perpetual.kind is ContractKind.LINEAR_PERPETUAL


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ({"tick": Decimal(0)}, "tick"),
        ({"lot": Decimal("-0.1")}, "lot"),
        ({"multiplier": Decimal("NaN")}, "multiplier"),
        ({"min_quantity": Decimal(-1)}, "min_quantity"),
        ({"min_notional": Decimal("Infinity")}, "min_notional"),
        ({"kind": ContractKind.FUTURE}, "FUTURE"),
        ({"id": InstrumentId("BTCUSDT-PERP.SIM")}, "SPOT"),
        ({"valid_from": Nanos(5), "valid_to": Nanos(5)}, "ends before it begins"),
    ],
)
def test_rules_that_cannot_be_are_refused_by_name(rules: dict[str, object], why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        an_instrument(**rules)

    assert caught.value.code == "INSTRUMENT_REFUSED"


@pytest.mark.parametrize(
    ("tick", "x", "side", "price"),
    [
        ("0.05", 100.04, BUY, "100.00"),
        ("0.05", 100.01, SELL, "100.05"),
        ("0.00000001", 0.000000019, BUY, "0.00000001"),
        ("0.00000001", 0.000000011, SELL, "0.00000002"),
        ("5", 12.0, BUY, "10"),
        ("5", 12.0, SELL, "15"),
        ("0.1", 0.30000000000000004, SELL, "0.3"),  # computed, and on the grid
        ("0.05", 1.15, BUY, "1.15"),
        ("0.01", 30000.01, BUY, "30000.01"),
        ("0.01", np.float64(30000.01), SELL, "30000.01"),
        ("0.01", 7, BUY, "7"),
    ],
)
def test_e96_an_order_price_is_never_more_aggressive_than_asked(
    tick: str, x: float, side: Side, price: str
) -> None:
    assert an_instrument(tick=Decimal(tick)).order_price(x, side) == Decimal(price)


def test_e96_a_trigger_errs_to_the_cautious_side() -> None:
    instrument = an_instrument(tick=Decimal("0.5"))

    protects_a_long = instrument.order_price(94.3, SELL)
    protects_a_short = instrument.order_price(105.7, BUY)

    assert (protects_a_long, protects_a_short) == (Decimal("94.5"), Decimal("105.5"))


@pytest.mark.parametrize(
    ("lot", "x", "quantity"),
    [
        ("0.001", 1.2349, "1.234"),
        ("0.001", Decimal("1.2349"), "1.234"),
        ("0.1", 0.1 + 0.2, "0.3"),
        ("0.1", 0.7999999999999999, "0.8"),  # a float within a millionth of a lot is on it
        ("0.1", Decimal("0.7999999999999999"), "0.7"),  # a decimal means what it says
        ("5", 14, "10"),
    ],
)
def test_e96_a_quantity_floors_to_the_lot(lot: str, x: float | Decimal, quantity: str) -> None:
    instrument = an_instrument(lot=Decimal(lot), min_quantity=Decimal(0))

    assert instrument.quantity(x) == Decimal(quantity)


@pytest.mark.parametrize(
    ("x", "floored", "minimum"),
    [
        (0.0009, "0", "0.02"),
        (0, "0", "0.02"),
        (0.0199, "0.019", "0.02"),
        (0.0209, "0.02", "0.0205"),  # enough as it was asked for, and not as it would be sent
    ],
)
def test_e96_a_floored_quantity_is_checked_against_the_minimum(
    x: float, floored: str, minimum: str
) -> None:
    instrument = an_instrument(min_quantity=Decimal(minimum))

    assert instrument.quantity(x) == BelowMinimum(Decimal(floored), Decimal(minimum))


def test_e98_a_tenth_and_a_hundred_thousandths_are_one_quantity() -> None:
    instrument = an_instrument(lot=Decimal("0.100"), min_quantity=Decimal("0.1"))

    assert instrument.quantity(Decimal("0.1")) == instrument.quantity(Decimal("0.100"))
    assert instrument.order_price(Decimal("5.10"), BUY) == instrument.order_price(5.1, BUY)


def test_e98_a_changed_tick_is_taken_from_its_version() -> None:
    old = an_instrument(valid_to=Nanos(100))
    new = an_instrument(version=2, valid_from=Nanos(100), tick=Decimal("0.1"))
    book = InstrumentBook([new, old])

    assert book.at(BTCUSDT, 99).order_price(100.17, BUY) == Decimal("100.17")
    assert book.at(BTCUSDT, 100).order_price(100.17, BUY) == Decimal("100.1")


@pytest.mark.parametrize("x", [math.nan, math.inf, -1.0, 0.0, 0.004, Decimal("NaN"), Decimal(-1)])
def test_e97_an_order_price_that_is_none_is_refused(x: float | Decimal) -> None:
    with pytest.raises(DataError):
        an_instrument().order_price(x, BUY)


@pytest.mark.parametrize("x", [math.nan, math.inf, -0.001, Decimal("NaN"), Decimal("-Infinity")])
def test_e97_a_quantity_that_is_none_is_refused(x: float | Decimal) -> None:
    with pytest.raises(DataError):
        an_instrument().quantity(x)


@pytest.mark.parametrize("x", [1e17, 1e308, Decimal("1E+400")])
def test_e97_an_order_that_overflows_64_bits_raises(x: float | Decimal) -> None:
    with pytest.raises(DataError, match="64 bits"):
        an_instrument().order_price(x, BUY)
    with pytest.raises(DataError, match="64 bits"):
        an_instrument().quantity(x)


@pytest.mark.parametrize(
    ("tick", "x", "price"),
    [
        ("0.01", 30000.01, "30000.01"),
        ("0.05", 1.15, "1.15"),
        ("0.01", 0.1 + 0.2, "0.30"),
        ("0.00000001", 1.23e-06, "0.00000123"),
        ("0.01", np.float64(101.37), "101.37"),
    ],
)
def test_a_recorded_price_is_taken_exactly(tick: str, x: float, price: str) -> None:
    assert an_instrument(tick=Decimal(tick)).price_from_data(x) == Decimal(price)


@pytest.mark.parametrize(
    ("tick", "x"),
    [
        ("0.01", 100.005),
        ("0.05", 1.16),
        ("0.01", 0.0),
        ("0.01", -1.0),
        ("0.01", math.nan),
        ("0.01", math.inf),
        ("0.01", 1e-12),
    ],
)
def test_a_recorded_price_off_the_grid_is_refused(tick: str, x: float) -> None:
    with pytest.raises(DataError):
        an_instrument(tick=Decimal(tick)).price_from_data(x)


@pytest.mark.parametrize(
    ("tick", "x", "mark"),
    [
        ("0.1", (60_000.1 + 60_000.2) / 2, "60000.15"),
        ("0.01", (0.1 + 0.2) / 2, "0.15"),
        ("0.01", (100.01 + 100.02) / 2, "100.015"),
        ("0.25", (10.25 + 10.5) / 2, "10.375"),
        ("0.00001", (0.00012 + 0.00013) / 2, "0.000125"),
        ("0.01", 100.0, "100.00"),
        ("1", 0.1, "0.1"),
    ],
)
def test_a_mark_is_shown_to_half_a_tick_without_the_digits_that_floats_leave(
    tick: str, x: float, mark: str
) -> None:
    assert str(an_instrument(tick=Decimal(tick)).mark_from_data(x)) == mark


def test_the_book_answers_with_the_version_in_force() -> None:
    first = an_instrument(valid_from=Nanos(10), valid_to=Nanos(20))
    second = an_instrument(version=2, valid_from=Nanos(20), status=TradingStatus.DELISTED)
    book = InstrumentBook([second, first])

    assert book.at(BTCUSDT, 10).version == 1
    assert book.at(BTCUSDT, 19).version == 1
    assert book.at(BTCUSDT, 20).version == 2
    assert book.ids() == (BTCUSDT,)


@pytest.mark.parametrize(("name", "ts"), [("BTCUSDT.SIM", 9), ("BTCUSDT.SIM", 25), ("X1.SIM", 15)])
def test_the_book_says_what_it_knows_when_asked_for_what_it_does_not(name: str, ts: int) -> None:
    book = InstrumentBook([an_instrument(valid_from=Nanos(10), valid_to=Nanos(20))])

    with pytest.raises(ConfigError) as caught:
        book.at(InstrumentId(name), ts)

    assert caught.value.code == "INSTRUMENT_UNKNOWN"
    assert "BTCUSDT.SIM" in caught.value.fix


@pytest.mark.parametrize("end", [None, Nanos(21)])
def test_versions_that_overlap_are_refused(end: Nanos | None) -> None:
    first = an_instrument(valid_to=end)
    second = an_instrument(version=2, valid_from=Nanos(20))

    with pytest.raises(ConfigError, match="overlap"):
        InstrumentBook([first, second])
