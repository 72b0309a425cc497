"""What the page's charts and its list of trades are drawn from, small enough for one file."""

import math
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from botcore.backtest.reporting.analysis import Analysis
from botcore.backtest.reporting.trips import SHORT, RoundTrip
from botcore.domain.ids import DAY_NS, MINUTE_NS, SECOND_NS
from botcore.marketdata.candles import Candles

BUCKETS: Final = 1_000
"""Columns of a chart: each keeps its lowest and its highest point."""
CANDLES: Final = 8_000
"""Candles of all instruments together."""
_LEAST_CANDLES: Final = 400
_HOUR_NS: Final = 60 * MINUTE_NS
_LENGTHS_NS: Final = (
    *(SECOND_NS * n for n in (1, 5, 15, 30)),
    *(MINUTE_NS * n for n in (1, 2, 5, 10, 15, 30)),
    *(_HOUR_NS * n for n in (1, 2, 4, 8, 12)),
    *(DAY_NS * n for n in (1, 2, 7, 14, 28)),
)
_AMBIGUOUS: Final = 1
_OPEN: Final = 2
_SHORT: Final = 4


class DrawnCurve(msgspec.Struct, frozen=True):
    """Points of a curve: seconds since the run's start, and values."""

    t: list[int]
    v: list[float]


class DrawnCandles(msgspec.Struct, frozen=True):
    """Candles of one instrument in columns: `t` in seconds since the run's start."""

    instrument: str
    step: int
    drawn_from: int
    t: list[int]
    o: list[float]
    h: list[float]
    l: list[float]  # noqa: E741  # low, in the letters that every chart uses
    c: list[float]


class DrawnTrips(msgspec.Struct, frozen=True):
    """Round trips in columns; the newest when there are more than the page holds.

    Attributes:
        total: how many there are in all; `first`: the number of the first one here, from 1.
        strategies, instruments, reasons: names that `s`, `i`, `n` and `x` are indices of.
        o, d: opened and held, seconds.
        q, e, l: quantity, entry price, exit price (0 where there is none).
        p, r, f: profit, return, fees; p is None for an open one without a price.
        a, v: adverse and favourable excursion; None where unknown.
        n, x: why it was entered and left.
        g: 1 ambiguous, 2 open, 4 short, added up.
    """

    total: int
    first: int
    strategies: list[str]
    instruments: list[str]
    reasons: list[str]
    s: list[int]
    i: list[int]
    o: list[int]
    d: list[int]
    q: list[float]
    e: list[float]
    l: list[float]  # noqa: E741  # where it was left
    p: list[float | None]
    r: list[float | None]
    f: list[float]
    a: list[float | None]
    v: list[float | None]
    n: list[int]
    x: list[int]
    g: list[int]


class Drawn(msgspec.Struct, frozen=True):
    """Everything that the page's script reads.

    Attributes:
        currency: of the account.
        start, end: of the run, seconds since 1970.
        equity, fallen: of the account; `held`, `held_fallen`: of buying and holding, or None.
        candles: by instrument.
        trips: the list of trades.
    """

    currency: str
    start: int
    end: int
    equity: DrawnCurve
    fallen: DrawnCurve
    held: DrawnCurve | None
    held_fallen: DrawnCurve | None
    candles: list[DrawnCandles]
    trips: DrawnTrips


def drawn(analysis: Analysis, *, trips_most: int) -> Drawn:
    """Return what the page draws.

    Args:
        analysis: of the run.
        trips_most: how many round trips the page may hold.
    """
    curve, held = analysis.curve, analysis.benchmark
    start = curve.start

    def points(values: NDArray[np.float64], before: float) -> DrawnCurve:
        return _points(curve.stamps, values, start=start, end=curve.end, before=before)

    most = max(_LEAST_CANDLES, CANDLES // max(1, len(analysis.marks)))
    inside = [each.between(start, curve.end) for each in analysis.marks.values()]
    return Drawn(
        currency=analysis.report.currency,
        start=start // SECOND_NS,
        end=curve.end // SECOND_NS,
        equity=points(curve.equity, curve.initial),
        fallen=points(curve.fallen(), 0.0),
        held=None if held is None else points(held.equity, held.initial),
        held_fallen=None if held is None else points(held.fallen(), 0.0),
        candles=[_candles(each, most, start) for each in inside if len(each)],
        trips=_trips(analysis, trips_most),
    )


def extremes(
    stamps: NDArray[np.int64], values: NDArray[np.float64], *, start: int, end: int, buckets: int
) -> NDArray[np.int64]:
    """Return which points of a curve to draw: in each bucket of time its lowest and its highest.

    First and last are among them, so no peak and no fall is lost, only what lies between them.

    Args:
        stamps: nanoseconds, ascending, shape ``(n,)``.
        values: shape ``(n,)``.
        start: of the first bucket.
        end: of the last bucket.
        buckets: how many.
    """
    if not len(stamps):
        return np.empty(0, dtype=np.int64)
    width = max(1, -(-(end - start) // buckets))
    edges = np.flatnonzero(np.diff((stamps - start - 1) // width)) + 1
    kept = {0, len(stamps) - 1}
    for low, high in zip((0, *edges.tolist()), (*edges.tolist(), len(stamps)), strict=True):
        kept.add(low + int(np.argmin(values[low:high])))
        kept.add(low + int(np.argmax(values[low:high])))
    return np.array(sorted(kept), dtype=np.int64)


def coarser(candles: Candles, most: int) -> Candles:
    """Return candles of a longer timeframe, at most so many; as they are when they are few.

    Each is made of the whole candles that open inside it: first open, highest high, lowest low,
    last close, all volume.
    """
    if len(candles) <= most:
        return candles
    step = _length_ns(len(candles), candles.step_ns, most)
    frames = candles.ts_open // step
    first = np.concatenate(([0], np.flatnonzero(np.diff(frames)) + 1))
    columns = candles.columns
    return Candles(
        candles.instrument,
        step,
        frames[first] * step,
        {
            "open": columns["open"][first],
            "high": np.maximum.reduceat(columns["high"], first),
            "low": np.minimum.reduceat(columns["low"], first),
            "close": columns["close"][np.append(first[1:], len(frames)) - 1],
            "volume": np.add.reduceat(columns["volume"], first),
        },
    )


def _length_ns(count: int, step_ns: int, most: int) -> int:
    least = count * step_ns / most
    for length in _LENGTHS_NS:
        if length >= least and length % step_ns == 0:
            return length
    return math.ceil(least / step_ns) * step_ns


def _points(
    stamps: NDArray[np.int64],
    values: NDArray[np.float64],
    *,
    start: int,
    end: int,
    before: float,
) -> DrawnCurve:
    kept = extremes(stamps, values, start=start, end=end, buckets=BUCKETS)
    return DrawnCurve(
        [0, *((stamps[kept] - start) // SECOND_NS).tolist()],
        [before, *map(_short, values[kept].tolist())],
    )


def _candles(candles: Candles, most: int, start: int) -> DrawnCandles:
    found = coarser(candles, most)
    prices = {
        name: [_short(price) for price in found.columns[name].tolist()]
        for name in ("open", "high", "low", "close")
    }
    return DrawnCandles(
        found.instrument,
        found.step_ns // SECOND_NS,
        candles.step_ns // SECOND_NS,
        ((found.ts_open - start) // SECOND_NS).tolist(),
        prices["open"],
        prices["high"],
        prices["low"],
        prices["close"],
    )


def _trips(analysis: Analysis, most: int) -> DrawnTrips:
    left_out = max(0, len(analysis.trips) - most)
    trips = analysis.trips[left_out:]
    kinds = analysis.kinds[left_out:]
    strategies, s = _indexed([trip.strategy for trip in trips])
    instruments, i = _indexed([trip.instrument for trip in trips])
    reasons, both = _indexed([kind for pair in kinds for kind in pair])
    start = analysis.curve.start

    def column(of: Callable[[RoundTrip], float]) -> list[float]:
        return [_short(of(trip)) for trip in trips]

    return DrawnTrips(
        total=len(analysis.trips),
        first=left_out + 1,
        strategies=strategies,
        instruments=instruments,
        reasons=reasons,
        s=s,
        i=i,
        o=[(trip.opened - start) // SECOND_NS for trip in trips],
        d=[trip.duration_ns // SECOND_NS for trip in trips],
        q=column(lambda trip: float(trip.quantity)),
        e=column(lambda trip: trip.entry_price),
        l=column(lambda trip: trip.exit_price),
        p=[_rounded(trip.profit, 8) for trip in trips],
        r=[_rounded(trip.return_frac, 6) for trip in trips],
        f=column(lambda trip: float(trip.fees)),
        a=[_rounded(x, 5) for x in analysis.excursions.adverse[left_out:].tolist()],
        v=[_rounded(x, 5) for x in analysis.excursions.favourable[left_out:].tolist()],
        n=both[::2],
        x=both[1::2],
        g=[
            _AMBIGUOUS * trip.is_ambiguous + _OPEN * trip.is_open + _SHORT * (trip.side == SHORT)
            for trip in trips
        ],
    )


def _indexed(names: Sequence[str]) -> tuple[list[str], list[int]]:
    known: dict[str, int] = {}
    found = [known.setdefault(name, len(known)) for name in names]
    return list(known), found


def _short(value: float) -> float:
    """Keep ten digits: what a page shows, without the noise of binary fractions behind it."""
    return float(f"{value:.10g}")


def _rounded(value: float, places: int) -> float | None:
    return round(value, places) if math.isfinite(value) else None
