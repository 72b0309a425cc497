"""The equity curve as a drawing, made on the server: no script and no library draws it."""

import math
from collections.abc import Sequence
from typing import Final

import msgspec

WIDTH: Final = 720.0
HEIGHT: Final = 180.0
_MARGIN: Final = 6.0
_BUCKETS: Final = 180


class Curve(msgspec.Struct, frozen=True):
    """What the page draws, in a box of `WIDTH` by `HEIGHT`.

    Attributes:
        line: an SVG path through the points. `area`: the same, closed at the lower edge.
        first, last: the outer stamps, nanoseconds.
        begin, end, lowest, highest: equity there, and its extremes over the whole curve.
        end_x, end_y: where the last point lies.
    """

    line: str
    area: str
    first: int
    last: int
    begin: float
    end: float
    lowest: float
    highest: float
    end_x: float
    end_y: float


def curve_of(points: Sequence[tuple[int, float]]) -> Curve | None:
    """Return the drawing of an equity curve, or None while there is nothing to draw.

    Args:
        points: (stamp, equity), oldest first; what is not finite is left out.
    """
    finite = [(ts, value) for ts, value in points if math.isfinite(value)]
    if len(finite) < 2 or finite[0][0] >= finite[-1][0]:  # noqa: PLR2004 – a line has two ends
        return None
    values = [value for _, value in finite]
    lowest, highest = min(values), max(values)
    first, last = finite[0][0], finite[-1][0]
    span = (highest - lowest) or 1.0
    middle = 0.0 if highest > lowest else 0.5  # a level curve lies in the middle

    def place(ts: int, value: float) -> tuple[float, float]:
        x = WIDTH * (ts - first) / (last - first)
        share = (value - lowest) / span + middle
        return x, HEIGHT - _MARGIN - (HEIGHT - 2 * _MARGIN) * share

    drawn = [place(ts, value) for ts, value in _thinned(finite)]
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in drawn)
    return Curve(
        line=line,
        area=f"{line}V{HEIGHT:g}H0Z",
        first=first,
        last=last,
        begin=values[0],
        end=values[-1],
        lowest=lowest,
        highest=highest,
        end_x=round(drawn[-1][0], 1),
        end_y=round(drawn[-1][1], 1),
    )


def _thinned(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return fewer points that keep the ends and every bucket's extremes: no dip is hidden."""
    if len(points) <= 2 * _BUCKETS:
        return list(points)
    size = len(points) / _BUCKETS
    kept = [points[0]]
    for bucket in range(_BUCKETS):
        part = points[round(bucket * size) : round((bucket + 1) * size)]
        low = min(part, key=lambda point: point[1])
        high = max(part, key=lambda point: point[1])
        kept += sorted({low, high})
    return [*kept, points[-1]]
