from decimal import Decimal, InvalidOperation

import pytest

from botcore.portfolio.amounts import canonical, plain, to_quantum


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("1E+3", "1000"),
        ("0.10", "0.1"),
        ("-0.00", "0"),
        ("0E-8", "0"),
        ("-1E-8", "-0.00000001"),
        ("1.2300E-9", "0.00000000123"),
    ],
)
def test_an_amount_is_written_plainly(written: str, text: str) -> None:
    assert plain(Decimal(written)) == text


@pytest.mark.parametrize("forms", [("1", "1.0", "1E+0"), ("-0", "0.00", "0"), ("1E-9", "10E-10")])
def test_equal_amounts_have_one_form(forms: tuple[str, ...]) -> None:
    assert len({str(canonical(Decimal(form))) for form in forms}) == 1


def test_an_amount_of_more_than_38_digits_has_none() -> None:
    with pytest.raises(InvalidOperation):
        canonical(Decimal("1E+31"))


def test_rounding_to_the_quantum_is_half_to_even() -> None:
    assert to_quantum(Decimal("0.000000005")) == 0
    assert to_quantum(Decimal("0.000000015")) == Decimal("0.00000002")
