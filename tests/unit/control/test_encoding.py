"""Answers as JSON."""

from decimal import Decimal

import pytest

from botcore.control.encoding import to_json


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1E-8"), '"0.00000001"'),
        (Decimal("-2.5E+7"), '"-25000000"'),
        (Decimal("0.06"), '"0.06"'),
        ("BC-1-MWRE-16M-1", '"BC-1-MWRE-16M-1"'),
        ("a note about 1E-8", '"a note about 1E-8"'),
        ([Decimal("3E-7"), "E-7", Decimal("4E-7")], '["0.0000003","E-7","0.0000004"]'),
    ],
)
def test_decimals_are_plain_digits_and_text_stays_as_it_is(value: object, text: str) -> None:
    assert to_json(value).decode() == text
