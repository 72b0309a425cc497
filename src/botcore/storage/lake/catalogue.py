"""The catalogue: all candles that were imported or fetched, by instrument and timeframe.

``<lake>/BTCUSDT.BINANCE/1m/2022-01.<digest>.parquet`` holds the candles that open in a month, and
``index.json`` beside it, written last, says which files count. A file never changes once it is
written, so a reader that meets a writer sees the old candles or the new ones, never half of both.
"""

import contextlib
import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from botcore.domain.calendar import step_name
from botcore.domain.errors import BotError, DataError
from botcore.domain.ids import InstrumentId, instrument_id
from botcore.marketdata import quality
from botcore.marketdata.candles import FIELDS, Candles, grid_origin_ns
from botcore.marketdata.series import SeriesInfo, SourceFile
from botcore.storage.faults import from_files
from botcore.storage.lake.database import Database
from botcore.storage.lake.index import (
    INDEX_FILE,
    Index,
    MonthFile,
    read_index,
    replace_file,
    settle,
    write_index,
)
from botcore.storage.lake.locking import only_writer
from botcore.storage.lake.merging import OnConflict, merge
from botcore.storage.lake.parquet import ParquetFiles, column_digest, damaged

_READS: Final = 100
"""How often a reader begins anew because a writer has replaced what it was about to read."""
QUARANTINE: Final = "quarantine"


class Written(msgspec.Struct, frozen=True):
    """What a write came to: candles that are new, were there already, or differ from what was."""

    added: int
    same: int
    conflicts: int


class Lake:
    """Candles in a folder; made at the first write.

    Args:
        folder: usually ``<home>/data``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._database = Database()
        self._files = ParquetFiles(self._database)
        self._writing = False

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self._folder

    @property
    def database(self) -> Database:
        """What reads its files, for those who read others into it."""
        return self._database

    def series(self) -> tuple[SeriesInfo, ...]:
        """Return what is stored, by instrument, then timeframe.

        Raises:
            StorageError: an index is damaged or cannot be read.
        """
        found = [read_index(path.parent) for path in self._folder.glob(f"*/*/{INDEX_FILE}")]
        infos = [index.info() for index in found if index is not None and index.months]
        return tuple(sorted(infos, key=lambda info: (info.instrument, info.step_ns)))

    def info(self, instrument: InstrumentId, step_ns: int) -> SeriesInfo:
        """Return what is known about one series.

        Raises:
            DataError: nothing is stored of it (``SERIES_UNKNOWN``).
            StorageError: its index is damaged or cannot be read.
        """
        return self._index(instrument, step_ns).info()

    def has(self, instrument: InstrumentId, step_ns: int) -> bool:
        """Whether candles of it are stored."""
        index = read_index(self._series_folder(instrument, step_ns))
        return index is not None and bool(index.months)

    def files(self, instrument: InstrumentId, step_ns: int) -> tuple[Path, ...]:
        """Return the Parquet files of a series as they are now, oldest first.

        Raises:
            DataError: nothing is stored of it (``SERIES_UNKNOWN``).
            StorageError: its index is damaged or cannot be read.
        """
        folder = self._series_folder(instrument, step_ns)
        return tuple(folder / month.file for month in self._index(instrument, step_ns).months)

    def read(
        self,
        instrument: InstrumentId,
        step_ns: int,
        start: int | None = None,
        end: int | None = None,
    ) -> Candles:
        """Return the candles that open in ``[start, end)``, ascending; None is no bound.

        Args:
            instrument: whose.
            step_ns: length of a candle.
            start: first instant, nanoseconds UTC.
            end: first instant after, nanoseconds UTC.

        Raises:
            DataError: nothing is stored of this series (``SERIES_UNKNOWN``).
            StorageError: a file is missing, damaged, or not the one that was written.
        """
        index = self._index(instrument, step_ns)
        for _ in range(_READS):
            try:
                return self._read_range(index, start, end)
            except BotError:
                # A writer may just have replaced what the index names: then there is a new one.
                newer = self._index(instrument, step_ns)
                if newer == index:
                    raise
                index = newer
        return self._read_range(index, start, end)

    def write(
        self,
        candles: Candles,
        *,
        sources: Sequence[SourceFile] = (),
        quarantine: bytes = b"",
        on_conflict: OnConflict = OnConflict.KEEP,
    ) -> Written:
        """Add validated candles, all of them or none.

        Where a stamp is stored already with other values, the stored ones stay, unless
        `on_conflict` says otherwise; either way it is counted. The same candles again change
        nothing.

        Args:
            candles: ascending, on the grid of their timeframe, finite.
            sources: the files they came from, remembered in the index. Where there is one,
                conflicts are counted with it; of several, with the last.
            quarantine: rows set aside, as csv text with a header; kept beside the candles.
            on_conflict: which of two different candles stays.

        Raises:
            DataError: the candles are not ascending, off the grid or not finite.
            StorageError: another program writes, or the disk refused; nothing was stored.
        """
        _refuse_unsound(candles)
        folder = self._series_folder(candles.instrument, candles.step_ns)
        with self.writing():
            index = read_index(folder) or Index(
                instrument=candles.instrument, step_ns=candles.step_ns
            )
            with _files("writing the lake", folder):
                folder.mkdir(parents=True, exist_ok=True)
            if quarantine:
                self._set_aside(folder, quarantine)
            return self._commit(folder, index, candles, sources, on_conflict)

    def assess(self, instrument: InstrumentId, step_ns: int) -> SeriesInfo:
        """Look at all candles of a series for what is odd, remember it, and return it.

        Raises:
            DataError, StorageError: as `read` and `write` do.
        """
        with self.writing():
            index = self._index(instrument, step_ns)
            candles = self._read_months(index, index.months)
            found = msgspec.structs.replace(index, quality=quality.assess(candles))
            write_index(self._series_folder(instrument, step_ns), found)
            return found.info()

    def remove(self, instrument: InstrumentId, step_ns: int) -> SeriesInfo:
        """Delete a series, and return what it was.

        Raises:
            DataError: nothing is stored of it.
            StorageError: another program writes, or the disk refused.
        """
        folder = self._series_folder(instrument, step_ns)
        with self.writing():
            info = self._index(instrument, step_ns).info()
            with _files("removing from the lake", folder):
                (folder / INDEX_FILE).unlink()  # from here on it is gone; the rest is tidying
                shutil.rmtree(folder)
                with contextlib.suppress(OSError):
                    folder.parent.rmdir()  # refused while another timeframe lies there
        return info

    def verify(self, instrument: InstrumentId, step_ns: int) -> tuple[str, ...]:
        """Read every file of a series anew, and return what is wrong, a sentence each.

        Raises:
            DataError: nothing is stored of it.
            StorageError: its index is damaged or cannot be read.
        """
        index = self._index(instrument, step_ns)
        found = []
        for month in index.months:
            try:
                candles = self._read_months(index, [month])
            except BotError as error:
                found.append(error.cause)
                continue
            if column_digest(candles) != month.digest:
                found.append(f"{month.file} does not hold the candles that its index names")
        return tuple(found)

    def rebuild(self, instrument: InstrumentId, step_ns: int) -> SeriesInfo:
        """Make the index of a series again from its Parquet files; sources are then unknown.

        Raises:
            DataError: there is no Parquet file of it.
            StorageError: a file is damaged, or the disk refused.
        """
        folder = self._series_folder(instrument, step_ns)
        with self.writing():
            paths = sorted(folder.glob("*.parquet"))
            parts = [
                self._files.read([path], instrument=instrument, step_ns=step_ns) for path in paths
            ]
            if not parts:
                raise _unknown(instrument, step_ns, self.series())
            index = Index(instrument=instrument, step_ns=step_ns)
            whole = parts[0]
            for part in parts[1:]:
                whole = merge(whole, part, OnConflict.KEEP).candles
            _refuse_unsound(whole)
            self._commit(folder, index, whole, (), OnConflict.KEEP)
            return self._index(instrument, step_ns).info()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep other writers out for longer than one write; may be nested.

        Raises:
            StorageError: another program writes the lake (``LAKE_BUSY``).
        """
        if self._writing:
            yield
            return
        with only_writer(self._folder):
            self._writing = True
            try:
                yield
            finally:
                self._writing = False

    def _series_folder(self, instrument: InstrumentId, step_ns: int) -> Path:
        return self._folder / instrument_id(instrument) / step_name(step_ns)

    def _index(self, instrument: InstrumentId, step_ns: int) -> Index:
        index = read_index(self._series_folder(instrument, step_ns))
        if index is None or not index.months:
            raise _unknown(instrument, step_ns, self.series())
        return index

    def _read_range(self, index: Index, start: int | None, end: int | None) -> Candles:
        months = [
            month
            for month in index.months
            if (end is None or month.first < end) and (start is None or month.last >= start)
        ]
        return self._read_months(index, months).between(start, end)

    def _read_months(self, index: Index, months: Sequence[MonthFile]) -> Candles:
        """Read some months, having looked at every byte of their files."""
        folder = self._series_folder(index.instrument, index.step_ns)
        if not months:
            return _none_of(index.instrument, index.step_ns)
        paths = [folder / month.file for month in months]
        for month, path in zip(months, paths, strict=True):
            with _files("reading the lake", path):
                found = hashlib.sha256(path.read_bytes()).hexdigest()
            if found != month.file_sha256:
                raise damaged([path], "its bytes are not those that were written")
        candles = self._files.read(paths, instrument=index.instrument, step_ns=index.step_ns)
        if len(candles) != sum(month.rows for month in months):
            raise damaged([folder], "it does not hold as many candles as its index says")
        return candles

    def _commit(
        self,
        folder: Path,
        index: Index,
        candles: Candles,
        sources: Sequence[SourceFile],
        on_conflict: OnConflict,
    ) -> Written:
        months = {month.month: month for month in index.months}
        added = same = conflicts = 0
        for name, part in _by_month(candles):
            stored = months.get(name)
            old = self._read_months(index, [stored] if stored else [])
            merged = merge(old, part, on_conflict)
            added, same = added + merged.added, same + merged.same
            conflicts += merged.conflicts
            months[name] = self._written_month(folder, name, merged.candles, stored)
        changed = tuple(months[name] for name in sorted(months))
        keeps = changed == index.months
        known = {source.sha256 for source in index.sources}
        fresh = [source for source in sources if source.sha256 not in known]
        if fresh and conflicts:
            fresh[-1] = msgspec.structs.replace(fresh[-1], conflicts=conflicts)
        if not keeps or fresh:
            write_index(
                folder,
                msgspec.structs.replace(
                    index,
                    months=changed,
                    sources=(*index.sources, *fresh),
                    quality=index.quality if keeps else None,
                ),
            )
        for name in {m.file for m in index.months} - {m.file for m in changed}:
            (folder / name).unlink(missing_ok=True)
        return Written(added, same, conflicts)

    def _written_month(
        self, folder: Path, name: str, candles: Candles, stored: MonthFile | None
    ) -> MonthFile:
        digest = column_digest(candles)
        if stored is not None and stored.digest == digest:
            return stored
        path = folder / f"{name}.{digest[:12]}.parquet"
        temporary = path.with_name(f".{path.name}.tmp")
        self._files.write(candles, temporary)
        with _files("writing the lake", path):
            file_sha256 = hashlib.sha256(temporary.read_bytes()).hexdigest()
            settle(temporary, path)
        return MonthFile(
            month=name,
            file=path.name,
            rows=len(candles),
            first=int(candles.ts_open[0]),
            last=int(candles.ts_open[-1]),
            gaps=quality.gaps(candles.ts_open, candles.step_ns),
            digest=digest,
            file_sha256=file_sha256,
        )

    def _set_aside(self, folder: Path, rows: bytes) -> None:
        """Keep bad rows under a name that their content gives: twice the same is once."""
        place = folder / QUARANTINE
        with _files("writing the lake", place):
            place.mkdir(exist_ok=True)
        replace_file(place / f"{hashlib.sha256(rows).hexdigest()[:12]}.csv", rows)


def _by_month(candles: Candles) -> Iterator[tuple[str, Candles]]:
    months = candles.ts_open.astype("datetime64[ns]").astype("datetime64[M]")
    edges = [0, *(np.flatnonzero(months[1:] != months[:-1]) + 1).tolist(), len(candles)]
    for begin, end in pairwise(edges):
        if begin < end:
            yield str(months[begin]), candles.rows(slice(begin, end))


def _none_of(instrument: InstrumentId, step_ns: int) -> Candles:
    columns = {name: np.empty(0) for name in FIELDS}
    return Candles(instrument, step_ns, np.empty(0, np.int64), columns)


def _refuse_unsound(candles: Candles) -> None:
    stamps = candles.ts_open
    on_grid = (stamps - grid_origin_ns(candles.step_ns)) % candles.step_ns == 0
    finite = all(np.isfinite(column).all() for column in candles.columns.values())
    if not (finite and on_grid.all() and (np.diff(stamps) > 0).all()):
        raise DataError(
            code="CANDLES_UNSOUND",
            cause=f"candles of {candles.instrument} are not ascending, off the grid of "
            f"{step_name(candles.step_ns)}, or not finite",
            fix="validate them before they are stored",
        )


def _unknown(instrument: InstrumentId, step_ns: int, series: Sequence[SeriesInfo]) -> DataError:
    stored = [f"{info.instrument} {step_name(info.step_ns)}" for info in series]
    return DataError(
        code="SERIES_UNKNOWN",
        cause=f"no candles of {instrument} {step_name(step_ns)} are stored",
        fix="import or fetch them with `botcore data`"
        + (f"; stored are {', '.join(stored[:10])}" if stored else ""),
    )


@contextmanager
def _files(doing: str, path: Path) -> Iterator[None]:
    """Say what the file system refused as an error of the tree."""
    try:
        yield
    except OSError as error:
        raise from_files(error, doing=doing, path=path) from error
