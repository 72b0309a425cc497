"""Files into the lake: validated, month by month, each month whole or not at all."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby, pairwise
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from botcore.domain.calendar import step_name
from botcore.domain.errors import DataError
from botcore.domain.ids import InstrumentId
from botcore.marketdata.candles import FIELDS, Candles
from botcore.marketdata.series import SourceFile
from botcore.marketdata.validation import RawCandles, Validated, validate
from botcore.storage.lake.catalogue import Lake
from botcore.storage.lake.detecting import Detected, DetectedSeries
from botcore.storage.lake.merging import OnConflict
from botcore.storage.lake.names import read_name
from botcore.storage.lake.quarantine import BadRows, as_csv
from botcore.storage.lake.reading import read_tables
from botcore.storage.lake.roles import find_roles
from botcore.storage.lake.rows import raw_candles, read_stamps
from botcore.storage.lake.stamps import parse_zone
from botcore.storage.lake.tables import Table
from botcore.storage.lake.unpacking import Payload, sha256_of, unpack

BAD_MOST: Final = 0.01
"""A file with a larger share of bad rows is not what it was taken for: nothing of it is stored."""
Progress = Callable[[int, int], None]
"""Told files done and files in all."""
TickOf = Callable[[InstrumentId], Decimal | None]
"""The price step of an instrument, where it is known."""


class SeriesImport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one series.

    Attributes:
        files: read; `skipped` were imported before.
        added: candles that are new.
        same: candles that were there with the same values.
        conflicts: stamps that were there with other values.
        duplicates, unsorted, unfinished: as `Validated` counts them.
        quarantined: reason → rows set aside.
        off_tick: files whose prices are not on the tick that is known.
    """

    instrument: InstrumentId
    step_ns: int
    files: int = 0
    skipped: int = 0
    added: int = 0
    same: int = 0
    conflicts: int = 0
    duplicates: int = 0
    unsorted: int = 0
    unfinished: int = 0
    quarantined: Mapping[str, int] = {}
    off_tick: int = 0


class _Read(msgspec.Struct, frozen=True, eq=False):
    """One file, read and validated."""

    source: SourceFile
    raw: RawCandles
    validated: Validated


def import_files(
    detected: Detected,
    lake: Lake,
    *,
    now: int,
    progress: Progress,
    tick_of: TickOf,
    on_conflict: OnConflict = OnConflict.KEEP,
    bad_most: float = BAD_MOST,
) -> tuple[SeriesImport, ...]:
    """Import what was detected; one result a series.

    Files of one month are committed together, so that an import that is interrupted goes on where
    it stood: files that are in the lake, by their SHA-256, are passed over.

    Args:
        detected: without open questions.
        lake: where to.
        now: nanoseconds UTC; a candle that closes later is unfinished.
        progress: told after each file.
        tick_of: finds prices that are off the tick.
        on_conflict: which of two different candles of one stamp stays.
        bad_most: the largest share of bad rows, 0..1, with which a file is still taken.

    Raises:
        DataError: a question is open, or a file is refused; the months before it are stored.
        StorageError: the lake is being written by another program, or the disk refused.
    """
    for question in detected.questions:
        raise question.refused()
    meter = _Meter(progress, sum(len(series.files) for series in detected.series))
    results = []
    with lake.writing():
        for series in detected.series:
            work = _SeriesWork(
                series,
                lake,
                now=now,
                tick_of=tick_of,
                on_conflict=on_conflict,
                bad_most=bad_most,
            )
            results.append(work.run(meter))
    return tuple(results)


class _Meter:
    """Counts files over all series."""

    def __init__(self, progress: Progress, files: int) -> None:
        self._progress = progress
        self._files = files
        self._done = 0

    def add(self, files: int) -> None:
        self._done += files
        self._progress(self._done, self._files)


class _SeriesWork:
    """The import of one series."""

    def __init__(
        self,
        series: DetectedSeries,
        lake: Lake,
        *,
        now: int,
        tick_of: TickOf,
        on_conflict: OnConflict,
        bad_most: float,
    ) -> None:
        assert series.instrument is not None  # else a question would be open
        assert series.step_ns is not None
        self._series = series
        self._instrument = series.instrument
        self._step_ns = series.step_ns
        self._lake = lake
        self._now = now
        self._tick = tick_of(series.instrument)
        self._on_conflict = on_conflict
        self._bad_most = bad_most

    def run(self, meter: _Meter) -> SeriesImport:
        """Import all files, and look at the whole series at the end."""
        total = SeriesImport(instrument=self._instrument, step_ns=self._step_ns)
        imported = self._imported()
        for month in _by_month(self._series.files):
            fresh = [path for path in month if not (imported and sha256_of(path) in imported)]
            total = _plus(total, skipped=len(month) - len(fresh))
            meter.add(len(month) - len(fresh))
            if fresh:
                payloads = [unpack(path) for path in fresh]
                tables = read_tables(payloads, self._lake.database, self._series.places)
                reads = [self._read(*each) for each in zip(payloads, tables, strict=True)]
                total = self._stored(reads, total)
                meter.add(len(fresh))
        self._assess()
        return total

    def _assess(self) -> None:
        """Look at the whole series, unless nothing came in since it was last looked at."""
        if not self._lake.has(self._instrument, self._step_ns):
            return
        if self._lake.info(self._instrument, self._step_ns).quality is None:
            self._lake.assess(self._instrument, self._step_ns)

    def _imported(self) -> set[str]:
        if self._on_conflict is OnConflict.REPLACE or not self._lake.has(
            self._instrument, self._step_ns
        ):
            return set()
        info = self._lake.info(self._instrument, self._step_ns)
        return {source.sha256 for source in info.sources}

    def _read(self, payload: Payload, table: Table) -> _Read:
        series = self._series
        roles = find_roles(table, series.columns, name=payload.name)
        stamps = read_stamps(
            table.columns[roles.stamp],
            unit=series.unit,
            zone=None if series.zone is None else parse_zone(series.zone),
            name=payload.name,
        )
        if not stamps.has_zone and series.zone is None:
            raise DataError(
                code="ZONE_UNTOLD",
                cause=f"the stamps of {payload.name} do not say their time zone",
                fix="add --zone",
            )
        raw = raw_candles(table, roles, stamps, step_ns=self._step_ns, at=series.stamp_at)
        found = validate(
            raw,
            instrument=self._instrument,
            step_ns=self._step_ns,
            now=self._now,
            tick=self._tick,
        )
        self._refuse_if_bad(payload.name, raw, found)
        source = SourceFile(
            name=payload.name,
            sha256=payload.sha256,
            rows=len(found.candles),
            duplicates=found.duplicates,
            unfinished=found.unfinished,
            quarantined=found.counts(),
        )
        return _Read(source, raw, found)

    def _refuse_if_bad(self, name: str, raw: RawCandles, found: Validated) -> None:
        if len(found.bad) <= self._bad_most * len(raw):
            return
        counts = found.counts()
        worst = max(counts, key=lambda reason: counts[reason])
        raise DataError(
            code="FILE_REFUSED",
            cause=f"{len(found.bad):,} of {len(raw):,} rows of {name} cannot be taken as candles "
            f"of {self._instrument} {step_name(self._step_ns)}, mostly because {worst}",
            fix="check --columns, --unit, --zone, --stamp and --timeframe, or allow more with "
            "--max-bad",
        )

    def _stored(self, reads: Sequence[_Read], total: SeriesImport) -> SeriesImport:
        """Commit some files together; where two of them tell of one stamp, the first counts."""
        aside = as_csv([BadRows(r.source.name, r.raw, r.validated.bad) for r in reads])
        added = same = conflicts = 0
        for candles, part in _disjoint(reads):
            written = self._lake.write(
                candles,
                sources=[read.source for read in part],
                quarantine=aside,
                on_conflict=self._on_conflict,
            )
            added, same = added + written.added, same + written.same
            conflicts += written.conflicts
        counts = dict(total.quarantined)
        for read in reads:
            for reason, count in read.source.quarantined.items():
                counts[reason] = counts.get(reason, 0) + count
        return msgspec.structs.replace(
            _plus(
                total,
                files=len(reads),
                added=added,
                same=same,
                conflicts=conflicts,
                duplicates=sum(read.validated.duplicates for read in reads),
                unsorted=sum(read.validated.unsorted for read in reads),
                unfinished=sum(read.validated.unfinished for read in reads),
                off_tick=sum(read.validated.is_off_tick for read in reads),
            ),
            quarantined=counts,
        )


def _disjoint(reads: Sequence[_Read]) -> Iterator[tuple[Candles, Sequence[_Read]]]:
    """Join files that follow one another in time into one write; else one write each."""
    parts = [read.validated.candles for read in reads]
    filled = [part for part in parts if len(part)]
    follows = all(a.ts_open[-1] < b.ts_open[0] for a, b in pairwise(filled))
    if follows and filled:
        columns = {name: np.concatenate([p.columns[name] for p in filled]) for name in FIELDS}
        stamps = np.concatenate([part.ts_open for part in filled])
        yield Candles(filled[0].instrument, filled[0].step_ns, stamps, columns), reads
        return
    for read, part in zip(reads, parts, strict=True):
        yield part, [read]


def _by_month(files: Sequence[Path]) -> Iterator[list[Path]]:
    """Group files whose names say of which month they are; any other file stands alone."""
    for month, members in groupby(files, key=lambda file: read_name(file).period[:7]):
        if month:
            yield list(members)
        else:
            yield from ([file] for file in members)


def _plus(total: SeriesImport, **more: int) -> SeriesImport:
    return msgspec.structs.replace(
        total, **{name: getattr(total, name) + count for name, count in more.items()}
    )
