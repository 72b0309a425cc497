"""What `botcore data` does: import, list, check and export recorded candles."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import msgspec

from botcore.app.home import Home
from botcore.app.settings import load_settings
from botcore.domain.calendar import parse_instant, parse_step, step_name
from botcore.domain.errors import ConfigError
from botcore.domain.ids import InstrumentId, instrument_id
from botcore.kernel.clock import Clock, SystemClock
from botcore.marketdata.instruments import known_instrument
from botcore.marketdata.series import SeriesInfo
from botcore.storage.lake import Lake, OnConflict
from botcore.storage.lake.detecting import Detected, DetectedSeries, ImportOptions
from botcore.storage.lake.detecting import detect as look_at
from botcore.storage.lake.exporting import ExportFormat
from botcore.storage.lake.exporting import export as write_out
from botcore.storage.lake.importing import BAD_MOST, SeriesImport, import_files

__all__ = [
    "Checked",
    "Detected",
    "DetectedSeries",
    "Exported",
    "SeriesImport",
    "bring_in",
    "check",
    "detect",
    "export",
    "lake_of",
    "series",
]

Told = Callable[[int, int], None]
"""Told files done and files in all."""


class Checked(msgspec.Struct, frozen=True):
    """One series, looked at anew.

    Attributes:
        damage: what is wrong with its files, a sentence each.
    """

    info: SeriesInfo
    damage: tuple[str, ...]

    @property
    def concerns(self) -> tuple[str, ...]:
        """What a person should look at, a sentence each; none where all is well."""
        found = list(self.damage)
        info, quality = self.info, self.info.quality
        if info.gaps:
            found.append(f"{info.missing:,} candles are missing in {len(info.gaps):,} gaps")
        if info.conflicts:
            found.append(f"{info.conflicts:,} stamps came with other values than were stored")
        if aside := sum(info.quarantined.values()):
            found.append(f"{aside:,} rows were set aside")
        if quality is not None and quality.zero_run_count:
            found.append(f"{quality.zero_run_count:,} stretches have no volume")
        if quality is not None and any(each.is_spike for each in quality.outliers):
            found.append("a price jumped and came back within a candle")
        return tuple(found)


class Exported(msgspec.Struct, frozen=True):
    """A file that was written, and how many candles it holds."""

    path: Path
    rows: int


def detect(*, path: Path, options: Mapping[str, str]) -> Detected:
    """Look at files before they are imported.

    Args:
        path: a file or a folder.
        options: what a person says, by the names of `ImportOptions`.

    Raises:
        ConfigError: an option is refused.
        DataError: there is nothing that can be imported.
        StorageError: it cannot be read.
    """
    return look_at(path, ImportOptions(**options))


def bring_in(
    *,
    overrides: Mapping[str, object],
    detected: Detected,
    replace: bool = False,
    max_bad: float = BAD_MOST,
    progress: Told | None = None,
    clock: Clock | None = None,
) -> tuple[SeriesImport, ...]:
    """Import what was detected.

    Args:
        overrides: settings given on the command line.
        detected: without open questions.
        replace: what a file says goes before what is stored.
        max_bad: the largest share of bad rows with which a file is taken, 0..1.
        progress: told after each month of files.
        clock: what is still forming.

    Raises:
        DataError: a file is refused; what came before it is stored.
        StorageError: the lake cannot be written.
    """
    return import_files(
        detected,
        lake_of(overrides),
        now=(clock or SystemClock()).now_ns(),
        progress=progress or (lambda _done, _total: None),
        tick_of=_tick_of,
        on_conflict=OnConflict.REPLACE if replace else OnConflict.KEEP,
        bad_most=max_bad,
    )


def series(*, overrides: Mapping[str, object]) -> tuple[SeriesInfo, ...]:
    """Return what is stored.

    Raises:
        StorageError: an index cannot be read.
    """
    return lake_of(overrides).series()


def check(
    *,
    overrides: Mapping[str, object],
    instrument: str | None,
    timeframe: str | None,
    rebuild: bool,
    progress: Told,
) -> tuple[Checked, ...]:
    """Read all candles anew and say what is odd about them.

    Args:
        overrides: settings given on the command line.
        instrument: of which; None for all.
        timeframe: of which; None for all.
        rebuild: first make the index again from the files; needs both of the above.
        progress: told after each series.

    Raises:
        ConfigError: nothing, or not exactly one series to rebuild, is named.
        StorageError: the lake cannot be read or written.
    """
    lake = lake_of(overrides)
    if rebuild:
        if instrument is None or timeframe is None:
            raise ConfigError(
                code="SERIES_UNNAMED",
                cause="only one series at a time is rebuilt",
                fix="name it: botcore data check INSTRUMENT TIMEFRAME --rebuild",
            )
        lake.rebuild(instrument_id(instrument), parse_step(timeframe))
    chosen = _chosen(lake, instrument, timeframe)
    checked = []
    for done, info in enumerate(chosen):
        progress(done, len(chosen))
        damage = lake.verify(info.instrument, info.step_ns)
        fresh = info if damage else lake.assess(info.instrument, info.step_ns)
        checked.append(Checked(fresh, damage))
    return tuple(checked)


def export(
    *,
    overrides: Mapping[str, object],
    instrument: str,
    timeframe: str,
    output: Path | None,
    kind: str,
    start: str | None,
    end: str | None,
) -> Exported:
    """Write candles into a file for other programs.

    Args:
        overrides: settings given on the command line.
        instrument: whose.
        timeframe: length of a candle.
        output: the file; None for one in the current folder, named after the series.
        kind: ``csv`` or ``parquet``.
        start: first open, as a person writes it; None is no bound.
        end: first open that is left out.

    Raises:
        ConfigError: the format is unknown, or the file exists.
        DataError: nothing is stored of the series.
        StorageError: it cannot be read or written.
    """
    try:
        written = ExportFormat(kind.lower())
    except ValueError as error:
        raise ConfigError(
            code="FORMAT_UNKNOWN",
            cause=f"there is no format {kind!r}",
            fix="write --format csv or --format parquet",
        ) from error
    lake, step_ns = lake_of(overrides), parse_step(timeframe)
    candles = lake.read(instrument_id(instrument), step_ns, _bound(start), _bound(end))
    path = output or Path(f"{instrument}-{step_name(step_ns)}.{written.value}")
    write_out(candles, path, written, lake.database)
    return Exported(path, len(candles))


def lake_of(overrides: Mapping[str, object]) -> Lake:
    """Return the lake of the home that the settings name."""
    return Lake(Home(load_settings(**overrides).home).lake)


def _tick_of(instrument: InstrumentId) -> Decimal | None:
    known = known_instrument(instrument)
    return None if known is None else known.instrument.tick


def _bound(text: str | None) -> int | None:
    return None if text is None else parse_instant(text)


def _chosen(lake: Lake, instrument: str | None, timeframe: str | None) -> tuple[SeriesInfo, ...]:
    """Return the series that are named; of a name that has none, the error says what there is."""
    name = None if instrument is None else instrument_id(instrument)
    step_ns = None if timeframe is None else parse_step(timeframe)
    if name is not None and step_ns is not None and lake.has(name, step_ns):
        return (lake.info(name, step_ns),)  # whatever state the indices of others are in
    chosen = tuple(
        info
        for info in lake.series()
        if name in (None, info.instrument) and step_ns in (None, info.step_ns)
    )
    if not chosen and name is not None:
        stored = sorted({str(info.instrument) for info in lake.series()})
        raise ConfigError(
            code="SERIES_UNNAMED",
            cause=f"no candles of {name} {timeframe or ''} are stored".replace("  ", " "),
            fix="import or fetch them" + (f"; stored are {', '.join(stored)}" if stored else ""),
        )
    return chosen
