"""What no field may hold, at any depth."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.api.rest.refusals import WrongField
from botcore.api.rest.soundness import refuse_unsound


class Deep(msgspec.Struct):
    inner: object


UNSOUND = [
    "\0",
    "a\0b",
    "\ud800",
    float("nan"),
    float("inf"),
    -float("inf"),
    Decimal("NaN"),
    Decimal("sNaN"),
    Decimal("-Infinity"),
    Decimal("1e31"),
    Decimal("1e-31"),
    Decimal("1" * 41),
    datetime(2030, 1, 1),  # noqa: DTZ001  # that it has no zone is the point
    datetime(1677, 12, 31, tzinfo=UTC),
    datetime(2262, 1, 1, tzinfo=UTC),
]


@pytest.mark.parametrize("value", UNSOUND, ids=repr)
def test_what_is_unsound_is_found_wherever_it_is(value: object) -> None:
    for place, field in (
        (value, ""),
        (Deep(value), "inner"),
        (Deep([1, value]), "inner[1]"),
        (Deep((Deep({"k": value}),)), "inner[0].inner.k"),
        ({"k": (value,)}, "k[0]"),
    ):
        with pytest.raises(WrongField) as refused:
            refuse_unsound(place)
        assert refused.value.details == {"field": field}


def test_a_name_in_a_mapping_counts_too() -> None:
    with pytest.raises(WrongField):
        refuse_unsound({"a\0": 1})


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
        | st.decimals(-(10**20), 10**20, places=8)
        | st.datetimes(
            datetime(1678, 1, 1),  # noqa: DTZ001  # Hypothesis adds the zone
            datetime(2261, 12, 31),  # noqa: DTZ001  # as above
            timezones=st.just(UTC),
        ),
        lambda inner: st.lists(inner) | st.builds(Deep, inner),
        max_leaves=8,
    )
)
def test_what_is_sound_goes_through(value: object) -> None:
    refuse_unsound(value)
