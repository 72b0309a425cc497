"""Tapes: columns of bars, checked once, played as the inputs a live session would get."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from botcore.domain.errors import DataError
from botcore.domain.ids import InstrumentId, Nanos
from botcore.domain.market import Bar, BarFlag, BarsClosed, BarSpec
from botcore.indicators import FloatTable
from botcore.marketdata.candles import Candles
from botcore.strategies import BarColumns

PART = 8_192
"""Bars that are played from one set of columns."""
_COLUMNS = ("open", "high", "low", "close", "volume")
_CLOSE = _COLUMNS.index("close")


class BarSeries:
    """Closed bars of one instrument and timeframe, oldest first.

    Args:
        instrument: whose.
        spec: length and origin.
        ts_open: int64 nanoseconds UTC, shape ``(n,)``, ascending by at least one step.
        open, high, low, close: float64 prices, shape ``(n,)``.
        volume: float64 base units, shape ``(n,)``.

    Raises:
        DataError: a bar begins before the last one has ended, a price is not positive and finite,
            low and high do not enclose open and close, or a volume is negative; the first such
            row is named, and nothing is kept.
    """

    def __init__(
        self,
        instrument: InstrumentId,
        spec: BarSpec,
        *,
        ts_open: NDArray[np.int64],
        columns: Mapping[str, NDArray[np.float64]],
    ) -> None:
        self.instrument = instrument
        self.spec = spec
        self.ts_open = np.asarray(ts_open, dtype=np.int64)
        self.columns = {name: np.asarray(columns[name], dtype=np.float64) for name in _COLUMNS}
        self._check()
        self.flags = self._flagged()

    def __len__(self) -> int:
        """How many bars there are."""
        return len(self.ts_open)

    def between(self, start: int | None, end: int | None) -> "BarSeries":
        """Return the bars that open in ``[start, end)``, nanoseconds UTC; None is no bound."""
        low = 0 if start is None else int(np.searchsorted(self.ts_open, start))
        high = len(self) if end is None else int(np.searchsorted(self.ts_open, end))
        return BarSeries(
            self.instrument,
            self.spec,
            ts_open=self.ts_open[low:high],
            columns={name: values[low:high] for name, values in self.columns.items()},
        )

    def last(self, bars: int) -> "BarSeries":
        """Return the newest `bars` bars, or as many as there are."""
        return self.between(int(self.ts_open[-bars]) if 0 < bars < len(self) else None, None)

    @property
    def holes(self) -> tuple[tuple[int, int], ...]:
        """Return each hole: close of the bar before it and open of the bar after, nanoseconds."""
        behind = np.flatnonzero(self.flags & int(BarFlag.GAP_BEFORE))
        opens = self.ts_open
        step = self.spec.step_ns
        return tuple((int(opens[at - 1]) + step, int(opens[at])) for at in behind.tolist())

    def digest(self) -> str:
        """Return the SHA-256 of what the bars hold."""
        seen = hashlib.sha256(f"{self.instrument} {self.spec}".encode())
        for values in (self.ts_open, *self.columns.values()):
            seen.update(np.ascontiguousarray(values).tobytes())
        return seen.hexdigest()

    def _check(self) -> None:
        ts, c = self.ts_open, self.columns
        if any(len(values) != len(ts) for values in c.values()):
            raise _refused(self.instrument, 0, "its columns differ in length")
        step = self.spec.step_ns
        checks = [
            (np.diff(ts, prepend=ts[:1] - step) < step, "it begins before the last one has ended"),
            *(
                (~(np.isfinite(c[name]) & (c[name] > 0)), f"its {name} is no positive number")
                for name in _COLUMNS[:4]
            ),
            (~(np.isfinite(c["volume"]) & (c["volume"] >= 0)), "its volume is no number from 0"),
            (np.minimum(c["open"], c["close"]) < c["low"], "its low is above its open or close"),
            (np.maximum(c["open"], c["close"]) > c["high"], "its high is below its open or close"),
        ]
        for wrong, why in checks:
            if wrong.any():
                raise _refused(self.instrument, int(np.argmax(wrong)), why)

    def _flagged(self) -> NDArray[np.int64]:
        c = self.columns
        flat = (c["volume"] == 0) & (c["high"] == c["low"])
        gap = np.diff(self.ts_open, prepend=self.ts_open[:1] - self.spec.step_ns)
        flags = np.where(flat, int(BarFlag.FLAT), 0)
        return flags + np.where(gap > self.spec.step_ns, int(BarFlag.GAP_BEFORE), 0)


class BarTape:
    """Several series, merged by close stamp: smallest timeframe first, then by instrument id.

    Args:
        series: at most one for each instrument and timeframe, in any order.

    Raises:
        DataError: two are of one instrument and timeframe.
    """

    def __init__(self, series: Sequence[BarSeries]) -> None:
        self.series = tuple(sorted(series, key=lambda s: (s.spec.step_ns, s.instrument)))
        for one, other in pairwise(self.series):
            if (one.instrument, one.spec.step_ns) == (other.instrument, other.spec.step_ns):
                raise DataError(
                    code="SERIES_TWICE",
                    cause=f"{one.instrument} stands twice on one tape, in bars of one length",
                    fix="join the two series, or leave one out",
                )

    @classmethod
    def of(cls, candles: Iterable[Candles]) -> "BarTape":
        """Return the tape of candles, which are checked.

        Raises:
            DataError: as `BarSeries`.
        """
        return cls(
            [
                BarSeries(
                    each.instrument,
                    BarSpec(each.step_ns),
                    ts_open=each.ts_open,
                    columns=each.columns,
                )
                for each in candles
            ]
        )

    def __len__(self) -> int:
        """How many bars there are."""
        return sum(len(each) for each in self.series)

    def between(self, start: int | None, end: int | None) -> "BarTape":
        """Return the bars that open in ``[start, end)``."""
        return BarTape([each.between(start, end) for each in self.series])

    def last(self, bars: int) -> "BarTape":
        """Return the newest `bars` bars of each series; none at all for 0."""
        return BarTape([each.last(bars) for each in self.series] if bars else [])

    @property
    def instruments(self) -> tuple[InstrumentId, ...]:
        """Which instruments it holds, sorted."""
        return tuple(sorted({each.instrument for each in self.series}))

    @property
    def span(self) -> tuple[int, int]:
        """First open and last close, nanoseconds UTC; (0, 0) when it is empty."""
        filled = [each for each in self.series if len(each)]
        if not filled:
            return 0, 0
        first = min(int(each.ts_open[0]) for each in filled)
        return first, max(int(each.ts_open[-1]) + each.spec.step_ns for each in filled)

    @property
    def gaps(self) -> int:
        """How many bars stand behind a hole."""
        return sum(int((each.flags & int(BarFlag.GAP_BEFORE) > 0).sum()) for each in self.series)

    def digest(self) -> str:
        """Return the SHA-256 over all series."""
        return hashlib.sha256("".join(s.digest() for s in self.series).encode()).hexdigest()

    def __iter__(self) -> Iterator[BarsClosed]:
        """Play the tape: one input a close stamp."""
        return _play_many(self.series) if len(self) else iter(())


class BarPart(BarColumns, frozen=True):
    """Some thousand consecutive bars of a series, as columns that give bars one by one."""

    spec: BarSpec
    table: FloatTable
    flags: NDArray[np.int64]

    def bar(self, at: int) -> Bar:
        """Return the bar at an index."""
        ts_close = Nanos(self.ts_close.item(at))
        ts_open = Nanos(ts_close - self.step_ns)
        open_, high, low, close, volume = self.table[at].tolist()
        return Bar(
            self.instrument,
            self.spec,
            ts_open,
            ts_close,
            open_,
            high,
            low,
            close,
            volume,
            self.flags.item(at),
        )

    def event(self, at: int) -> BarsClosed:
        """Return the input that the bar at an index is."""
        bar = self.bar(at)
        return BarsClosed(Nanos(bar.ts_close), (bar,))


def parts(
    series: BarSeries, most: int = PART, start: int = 0, end: int | None = None
) -> Iterator[BarPart]:
    """Give the bars of a series from index `start` to before `end`, at most so many at a time."""
    last = len(series) if end is None else end
    for low in range(start, last, most):
        part = slice(low, min(low + most, last))
        columns = tuple(series.columns[name][part] for name in _COLUMNS)
        yield BarPart(
            series.instrument,
            series.spec.step_ns,
            series.ts_open[part] + series.spec.step_ns,
            columns,
            columns[_CLOSE].tolist(),
            series.spec,
            np.column_stack(columns),
            series.flags[part],
        )


def row_of(together: Sequence[BarPart], at: int) -> BarsClosed:
    """Return the input that the bars at an index of parts that close together are."""
    if len(together) == 1:
        return together[0].event(at)
    bars = tuple([each.bar(at) for each in together])
    return BarsClosed(Nanos(bars[0].ts_close), bars)


def side_by_side(series: Sequence[BarSeries], most: int = PART) -> Iterator[tuple[BarPart, ...]]:
    """Give the bars of series of one timeframe, at most so many stamps at a time.

    Every part that comes together has a bar at each of its stamps; where one of the series has
    none, the parts end, and the rest goes on without it.
    """
    filled = [each for each in series if len(each)]
    if not filled:
        return
    stamps = np.unique(np.concatenate([each.ts_open for each in filled]))
    present = np.stack([np.isin(stamps, each.ts_open, assume_unique=True) for each in filled])
    before: NDArray[np.int64] = (
        np.cumsum(present, axis=1) - present
    )  # how many bars of each series lie before a stamp
    edges = np.flatnonzero((present[:, 1:] != present[:, :-1]).any(axis=0)) + 1
    for low, high in pairwise([0, *edges.tolist(), len(stamps)]):
        chosen = [
            parts(each, most, first, first + high - low)
            for each, here, first in zip(
                filled, present[:, low].tolist(), before[:, low].tolist(), strict=True
            )
            if here
        ]
        yield from zip(*chosen, strict=True)


def _bars(series: BarSeries) -> Iterator[Bar]:
    instrument, spec = series.instrument, series.spec
    for part in parts(series):
        stamps = part.ts_close.tolist()
        rows = zip(stamps, part.table.tolist(), part.flags.tolist(), strict=True)
        for at, (open_, high, low, close, volume), flags in rows:
            ts = Nanos(at)
            ts_open = Nanos(at - spec.step_ns)
            yield Bar(instrument, spec, ts_open, ts, open_, high, low, close, volume, flags)


def _play_many(series: Sequence[BarSeries]) -> Iterator[BarsClosed]:
    closes = np.concatenate([each.ts_open + each.spec.step_ns for each in series])
    ranks = np.concatenate([np.full(len(each), rank) for rank, each in enumerate(series)])
    order = np.lexsort((ranks, closes))
    sources = [_bars(each) for each in series]
    stamp: int | None = None
    group: list[Bar] = []
    for rank, ts in zip(ranks[order].tolist(), closes[order].tolist(), strict=True):
        if ts != stamp and group:
            yield BarsClosed(Nanos(group[0].ts_close), tuple(group))
            group = []
        stamp = ts
        group.append(next(sources[rank]))
    if group:
        yield BarsClosed(Nanos(group[0].ts_close), tuple(group))


def _refused(instrument: InstrumentId, row: int, why: str) -> DataError:
    return DataError(
        code="BARS_REFUSED",
        cause=f"bar {row} of {instrument}: {why}",
        fix="repair or drop that record; nothing of the series was used",
    )
