"""What types say of their fields: the values of a closed set."""

from enum import StrEnum
from typing import Annotated

import msgspec
import pytest

from botcore.control.describing import choices_at


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class Leg(msgspec.Struct):
    side: Side
    quantity: float


class Asked(msgspec.Struct):
    side: Annotated[Side, msgspec.Meta(title="which way")]
    maybe: Side | None = None
    sides: tuple[Side, ...] = ()
    leg: Leg | None = None
    legs: list[Leg] = []
    note: str = ""


@pytest.mark.parametrize(
    "place", ["side", "maybe", "sides[0]", "sides[...]", "leg.side", "legs[2].side"]
)
def test_a_field_of_a_closed_set_says_what_it_takes(place: str) -> None:
    assert choices_at(Asked, place) == ("BUY", "SELL")


@pytest.mark.parametrize("place", ["", "note", "leg", "leg.quantity", "nothing", "side.more"])
def test_any_other_field_says_nothing(place: str) -> None:
    assert choices_at(Asked, place) == ()
