"""The equity curve: drawn to scale, and no dip is thinned away."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from botcore.api.curve import HEIGHT, WIDTH, curve_of

floats = st.floats(1.0, 1e9)


def drawn(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"([-\d.]+) ([-\d.]+)", path)]


def test_higher_equity_is_drawn_higher_and_later_is_drawn_further_right() -> None:
    curve = curve_of([(10, 100.0), (20, 50.0), (30, 200.0)])

    assert curve is not None
    (x1, y1), (x2, y2), (x3, y3) = drawn(curve.line)
    assert (x1, x2, x3) == (0.0, WIDTH / 2, WIDTH)
    assert y3 < y1 < y2  # downwards is positive in SVG


def test_there_is_no_curve_of_less_than_two_instants() -> None:
    assert curve_of([]) is None
    assert curve_of([(1, 5.0)]) is None
    assert curve_of([(1, 5.0), (1, 6.0)]) is None
    assert curve_of([(1, float("nan")), (2, 5.0), (3, float("inf"))]) is None


def test_a_level_curve_lies_in_the_middle() -> None:
    curve = curve_of([(1, 5.0), (2, 5.0)])

    assert curve is not None
    assert {y for _, y in drawn(curve.line)} == {HEIGHT / 2}


def test_a_single_dip_among_thousands_of_points_is_drawn() -> None:
    points = [(ts, 100.0 + ts % 2) for ts in range(5_000)]
    points[2_317] = (2_317, 1.0)

    curve = curve_of(points)

    assert curve is not None
    places = drawn(curve.line)
    assert len(places) < 1_000
    assert max(y for _, y in places) > HEIGHT * 0.9
    assert curve.lowest == 1.0


@given(st.lists(floats, min_size=2, max_size=900))
def test_every_curve_stays_in_its_box_and_goes_forward(values: list[float]) -> None:
    curve = curve_of([(at, value) for at, value in enumerate(values)])

    assert curve is not None
    places = drawn(curve.line)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)
    assert places == sorted(places, key=lambda place: place[0])
    assert (curve.begin, curve.end) == (values[0], values[-1])
    assert (curve.lowest, curve.highest) == (min(values), max(values))
