"""What a file or a folder holds, and how that is known: shown to a person before it is imported."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from botcore.domain.calendar import instant_name, parse_step, step_name
from botcore.domain.errors import ConfigError, DataError
from botcore.domain.ids import SECOND_NS, InstrumentId, instrument_id, parse_instrument_id
from botcore.storage.lake.column import Column
from botcore.storage.lake.database import Database
from botcore.storage.lake.names import FileName, not_candles, read_name, venue_named
from botcore.storage.lake.questions import (
    ASK_INSTRUMENT,
    ASK_STEP,
    ASK_VENUE,
    ASK_ZONE,
    Question,
)
from botcore.storage.lake.reading import read_tables
from botcore.storage.lake.roles import Roles, find_roles
from botcore.storage.lake.rows import Stamps, read_stamps
from botcore.storage.lake.stamps import StampAt, Unit, parse_zone
from botcore.storage.lake.tables import Table
from botcore.storage.lake.text_tables import csv_header
from botcore.storage.lake.unpacking import Layout, Payload, unpack

_DATA: Final = (".csv", ".txt", ".json", ".gz", ".zip", ".feather", ".arrow", ".parquet", ".pq")
ARCHIVE_VENUE: Final = "BINANCE"
"""Whose kline archives have twelve columns."""


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says about the files; None leaves it to them.

    Attributes:
        instrument: ``BTCUSDT.BINANCE``; of files that hold one instrument.
        venue: of instruments whose symbol the names say.
        timeframe: length of a candle, ``1m``.
        columns: what each column is, in the order of the file: ``ts,open,high,low,close,volume``.
        unit: of numeric stamps: ``s``, ``ms``, ``us`` or ``ns``.
        zone: of stamps: ``UTC``, ``+03:00`` or ``Europe/Istanbul``.
        stamp: which end of a candle a stamp is: ``open`` or ``close``.
    """

    instrument: str | None = None
    venue: str | None = None
    timeframe: str | None = None
    columns: str | None = None
    unit: str | None = None
    zone: str | None = None
    stamp: str | None = None


class Known(msgspec.Struct, frozen=True):
    """One thing that was found out: what, its value, and how it is known."""

    what: str
    value: str
    how: str


class DetectedSeries(msgspec.Struct, frozen=True, kw_only=True):
    """Files of one instrument and timeframe.

    Attributes:
        instrument: None while the venue or the symbol is not known.
        step_ns: length of a candle; None while it is not known.
        stamp_at: which end of a candle the stamps are.
        unit: given by a person; None lets each file's numbers tell theirs.
        zone: given by a person, for stamps that do not say theirs.
        columns: given by a person.
        places: of the columns that matter.
        files: in the order of their names, which is the order of time.
        known: what was found out, to be shown.
        sample: some rows as they stand in the first file.
        questions: what must be said before it can be imported.
    """

    instrument: InstrumentId | None
    step_ns: int | None
    stamp_at: StampAt
    unit: Unit | None
    zone: str | None
    columns: str | None
    places: tuple[int, ...]
    files: tuple[Path, ...]
    known: tuple[Known, ...]
    sample: tuple[tuple[str, ...], ...]
    questions: tuple[Question, ...]


class Detected(msgspec.Struct, frozen=True):
    """What a path holds: series to import, and files that are none, each with the reason."""

    path: Path
    series: tuple[DetectedSeries, ...]
    skipped: tuple[tuple[str, str], ...]

    @property
    def questions(self) -> tuple[Question, ...]:
        """What must be said first; what several series ask alike is asked once."""
        asked = {question.option: question for each in self.series for question in each.questions}
        return tuple(asked.values())


def detect(path: Path, options: ImportOptions | None = None) -> Detected:
    """Look at a file or a folder, and say what it holds.

    Of a folder, one file of each instrument and timeframe is read; the names say the rest, and
    the import looks at each file again.

    Args:
        path: a file, or a folder with files at any depth.
        options: what a person says.

    Raises:
        ConfigError: an option is refused.
        DataError: the file is none that can be imported, or no file of the folder is.
        StorageError: it cannot be read.
    """
    options = options or ImportOptions()
    database = Database()
    files = _files(path)
    groups, skipped = _grouped(files)
    if options.instrument is not None and len({key[0] for key in groups}) > 1:
        raise ConfigError(
            code="INSTRUMENT_OF_SEVERAL",
            cause=f"{path} holds several symbols, and --instrument names one",
            fix="import the files of one symbol, or give --venue instead",
        )
    found, single = [], len(groups) == 1 and not skipped
    for members in groups.values():
        try:
            found.append(_series(members, options, database))
        except DataError as error:
            if single or len(members) > 1:  # a whole history is not left out for its first file
                raise
            skipped.append((members[0].name, error.cause))
    if not found:
        raise DataError(
            code="NOTHING_TO_IMPORT",
            cause=f"{path.name} holds no candles: "
            + (skipped[0][1] if skipped else "there is no file of data in it"),
            fix="give csv, json, Feather or Parquet files of candles, or a folder of them",
        )
    return Detected(path, tuple(found), tuple(skipped))


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        found = (each for each in path.rglob("*") if each.suffix.lower() in _DATA)
        return sorted(each for each in found if each.is_file())
    return [path]


def _grouped(
    files: Sequence[Path],
) -> tuple[dict[tuple[str, int | None, Path], list[Path]], list[tuple[str, str]]]:
    """Group files by the symbol and the timeframe that their names say, and by folder."""
    groups: dict[tuple[str, int | None, Path], list[Path]] = {}
    skipped = []
    for file in files:
        try:
            name = read_name(file)
        except DataError as error:
            skipped.append((file.name, error.cause))
            continue
        if what := not_candles(file):
            skipped.append((file.name, what))
        else:
            symbol = name.symbol or file.name
            groups.setdefault((symbol, name.step_ns, file.parent), []).append(file)
    return groups, skipped


def _series(files: Sequence[Path], options: ImportOptions, database: Database) -> DetectedSeries:
    payload = unpack(files[0])
    _refuse_header(payload, options)
    (table,) = read_tables([payload], database)
    roles = find_roles(table, options.columns, name=payload.name)
    zone = None if options.zone is None else parse_zone(options.zone)
    stamps = read_stamps(
        table.columns[roles.stamp], unit=_unit(options), zone=zone, name=payload.name
    )
    name = read_name(files[0])
    instrument, known, questions = _instrument(files[0], name, roles, options)
    step_ns, how = _step(name, stamps.instants, options, questions)
    _ask_zone(stamps, options, questions)
    at, at_how = _stamp_at(roles, options)
    known += [
        Known("timeframe", "?" if step_ns is None else step_name(step_ns), how),
        Known("files", _counted(files), f"first candle {_first(stamps)}"),
        Known("layout", _layout(payload, table), "the file's first bytes"),
        Known("columns", roles.described(), roles.how),
        Known("unit", *_unit_known(stamps, options)),
        Known("time zone", *_zone_known(stamps, options)),
        Known("stamp", at.value, at_how),
    ]
    return DetectedSeries(
        instrument=instrument,
        step_ns=step_ns,
        stamp_at=at,
        unit=_unit(options),
        zone=options.zone,
        columns=options.columns,
        places=roles.places,
        files=tuple(files),
        known=tuple(known),
        sample=table.sample,
        questions=tuple(questions),
    )


def _refuse_header(payload: Payload, options: ImportOptions) -> None:
    """Refuse a csv for its header, before all of what may be large is read."""
    names = csv_header(payload) if payload.layout is Layout.CSV else None
    if names is None:
        return
    if any("funding" in name for name in names):
        raise DataError(
            code="NOT_CANDLES",
            cause=f"{payload.name} holds funding rates: perpetuals are not tradable yet",
            fix="import candles",
        )
    if options.columns is None:
        blank = Table(names=names, columns=(Column(),) * len(names), rows=0)
        find_roles(blank, None, name=payload.name)


def _instrument(
    file: Path, name: FileName, roles: Roles, options: ImportOptions
) -> tuple[InstrumentId | None, list[Known], list[Question]]:
    if options.instrument is not None:
        instrument = instrument_id(options.instrument)
        return instrument, [Known("instrument", instrument, "given")], []
    if not name.symbol:
        return None, [Known("instrument", "?", "the file's name does not say")], [ASK_INSTRUMENT]
    venue, how = _venue(file, name, roles, options)
    if not venue:
        asked = msgspec.structs.replace(
            ASK_VENUE, cause=f"the venue of {name.symbol} cannot be told from {file.name}"
        )
        return None, [Known("instrument", f"{name.symbol}.?", "the file's name")], [asked]
    instrument = instrument_id(f"{name.symbol}.{venue}")
    spot = ", spot unless said: archives of perpetuals look alike" if roles.is_archive else ""
    how = f"symbol from the name, venue {how}{spot}"
    return instrument, [Known("instrument", instrument, how)], []


def _venue(file: Path, name: FileName, roles: Roles, options: ImportOptions) -> tuple[str, str]:
    if options.venue is not None:
        venue = options.venue.strip().upper()
        parse_instrument_id(f"XX.{venue}")
        return venue, "given"
    if named := name.venue or venue_named(file):
        return named, "from the name of the file or its folder"
    return (ARCHIVE_VENUE, "from the columns of its archives") if roles.is_archive else ("", "")


def _step(
    name: FileName,
    instants: NDArray[np.int64],
    options: ImportOptions,
    questions: list[Question],
) -> tuple[int | None, str]:
    """Return the timeframe and how it is known; what the name and the stamps say must agree."""
    if options.timeframe is not None:
        return parse_step(options.timeframe), "given"
    measured = _median_step(instants)
    if name.step_ns is None:
        if measured is None:
            questions.append(ASK_STEP)
        return measured, "the usual distance of the stamps"
    if measured is None:
        return name.step_ns, "the file's name"
    if measured != name.step_ns:
        said, seen = step_name(name.step_ns), step_name(measured)
        questions.append(
            msgspec.structs.replace(
                ASK_STEP,
                code="TIMEFRAME_DISAGREES",
                text=f"The name says {said} and the stamps say {seen}: which is it",
                cause=f"the file's name says {said}, and its stamps are {seen} apart",
                fix=f"say which it is: --timeframe {said} or --timeframe {seen}",
            )
        )
        return None, f"the name says {said}, the stamps say {seen}"
    return name.step_ns, "the file's name and the distance of the stamps"


def _median_step(instants: NDArray[np.int64]) -> int | None:
    apart = np.diff(np.sort(instants[instants > 0]))
    apart = apart[apart > 0]
    if not len(apart):
        return None
    steps, counts = np.unique(apart, return_counts=True)
    step = int(steps[np.argmax(counts)])
    return step if step % SECOND_NS == 0 else None


def _ask_zone(stamps: Stamps, options: ImportOptions, questions: list[Question]) -> None:
    if not stamps.has_zone and options.zone is None:
        questions.append(ASK_ZONE)


def _stamp_at(roles: Roles, options: ImportOptions) -> tuple[StampAt, str]:
    if options.stamp is not None:
        try:
            return StampAt(options.stamp.strip().lower()), "given"
        except ValueError as error:
            raise ConfigError(
                code="STAMP_REFUSED",
                cause=f"a stamp is at the open or the close, not {options.stamp!r}",
                fix="write --stamp open or --stamp close",
            ) from error
    if roles.close_stamp is not None:
        return StampAt.OPEN, "the file has the close in a column of its own"
    return StampAt.OPEN, "taken so; were it the close, candles would be seen late, never early"


def _unit(options: ImportOptions) -> Unit | None:
    if options.unit is None:
        return None
    try:
        return Unit(options.unit.strip().lower().replace("µ", "u").replace("μ", "u"))
    except ValueError as error:
        raise ConfigError(
            code="UNIT_REFUSED",
            cause=f"there is no unit of time {options.unit!r}",
            fix="write --unit s, ms, us or ns",
        ) from error


def _unit_known(stamps: Stamps, options: ImportOptions) -> tuple[str, str]:
    if stamps.unit is None:
        return "none", "the stamps are dates and times"
    return stamps.unit.value, "given" if options.unit else "the size of the numbers"


def _zone_known(stamps: Stamps, options: ImportOptions) -> tuple[str, str]:
    if stamps.unit is None and stamps.has_zone:
        return "UTC", "the stamps say their zone"
    if options.zone is not None:
        return options.zone, "given"
    if stamps.unit is not None:
        return "UTC", "they count from 1970-01-01 UTC"
    return "?", "the stamps do not say"


def _layout(payload: Payload, table: Table) -> str:
    header = "" if table.names is not None else ", no header"
    packed = f" in {payload.wrapping}" if payload.wrapping else ""
    return f"{payload.layout.value}{packed}, {len(table.columns)} columns{header}"


def _counted(files: Sequence[Path]) -> str:
    if len(files) == 1:
        return files[0].name
    return f"{len(files):,}, {files[0].name} to {files[-1].name}"


def _first(stamps: Stamps) -> str:
    known = stamps.instants[stamps.instants > 0]
    return instant_name(int(known.min())) if len(known) else "unknown"
