"""The searchable log: one SQLite file a day, bounded in days and bytes.

A line is kept under the place where it stood in its log file, so that reading that place again
changes nothing. One process writes; searches read on connections of their own.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from botcore.domain.errors import ConfigError
from botcore.domain.ids import DAY_NS, SECOND_NS
from botcore.storage import faults

DAYS: Final = 7
MAX_BYTES: Final = 256 * 1024 * 1024
LEVELS: Final = ("debug", "info", "warning", "error", "critical")
_TEXT_MAX: Final = 32_768
_SHAPE: Final = """
CREATE TABLE IF NOT EXISTS lines (
    id INTEGER PRIMARY KEY,
    ts INTEGER NOT NULL,
    place TEXT NOT NULL UNIQUE,
    level INTEGER NOT NULL,
    event TEXT NOT NULL,
    service TEXT NOT NULL,
    correlation TEXT NOT NULL,
    line TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS lines_by_time ON lines (ts, id);
CREATE INDEX IF NOT EXISTS lines_by_correlation ON lines (correlation, ts) WHERE correlation <> '';
CREATE INDEX IF NOT EXISTS lines_by_event ON lines (event, ts);
"""


class KeptLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line.

    Attributes:
        ts: nanoseconds since 1970.
        place: file and offset; unique.
        level: one of `LEVELS`.
        line: as it was written, JSON.
    """

    ts: int
    place: str
    level: str
    event: str
    service: str
    correlation: str
    line: str


class Sought(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for; empty is no filter.

    Attributes:
        text: stands in the line, whatever the case (of ASCII letters).
        level: this one or a worse one.
        since, until: ``since ≤ ts < until``, nanoseconds.
        before: (ts, id) of the last line of the page before.
        limit: how many.
    """

    text: str = ""
    level: str = ""
    event: str = ""
    service: str = ""
    correlation: str = ""
    since: int | None = None
    until: int | None = None
    before: tuple[int, int] | None = None
    limit: int = 100


class FoundLine(KeptLine, frozen=True, kw_only=True):
    """One line that was found; `id` is unique within its day."""

    id: int


class LogStore:
    """Keeps lines by day, and finds them again.

    Args:
        folder: of the files; made where it is missing.
        days: how many days are kept, today included.
        max_bytes: of all files; the oldest days go first, of today's the oldest lines.

    Raises:
        StorageError: the folder cannot be made.
    """

    def __init__(self, folder: Path, *, days: int = DAYS, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._days = days
        self._max_bytes = max_bytes
        with _translated("making the searchable log", folder):
            folder.mkdir(mode=0o700, exist_ok=True)

    def keep(self, lines: Sequence[KeptLine]) -> int:
        """Keep lines; return how many were new.

        Raises:
            StorageError: they cannot be written; those of some days may have been.
        """
        by_day: dict[int, list[KeptLine]] = {}
        for line in lines:
            by_day.setdefault(line.ts // DAY_NS, []).append(line)
        return sum(self._keep_whole(self._path(day), of_day) for day, of_day in by_day.items())

    def find(self, sought: Sought) -> list[FoundLine]:
        """Return the newest lines that are sought, newest first.

        Raises:
            ConfigError: there is no such level.
            StorageError: a file cannot be read.
        """
        if sought.level and sought.level not in LEVELS:
            raise ConfigError(
                code="LOG_LEVEL_UNKNOWN",
                cause=f"{sought.level!r} is no level of the log",
                fix=f"name one of {', '.join(LEVELS)}",
            )
        where, values = _conditions(sought)
        query = f"SELECT * FROM lines {where} ORDER BY ts DESC, id DESC LIMIT ?"  # noqa: S608  # of our own words
        found: list[FoundLine] = []
        for path in self._files_of(sought):
            with _reading(path) as connection:
                rows = connection.execute(query, (*values, sought.limit - len(found)))
                found.extend(_line(row) for row in rows)
            if len(found) >= sought.limit:
                break
        return found

    def size(self) -> int:
        """Return the bytes that it takes on disk."""
        return sum(_size(path) for path in self._folder.glob("*.db*"))

    def clean_up(self, now: int) -> None:
        """Remove the days and lines that are beyond the bounds.

        Raises:
            StorageError: a file cannot be removed or written.
        """
        oldest = self._path(now // DAY_NS - self._days + 1).name
        with _translated("cleaning up the searchable log", self._folder):
            files = self._files()
            for path in files:
                if path.name < oldest:
                    _remove(path)
            files = self._files()
            while len(files) > 1 and self.size() > self._max_bytes:
                _remove(files.pop(0))
        while files and self.size() > self._max_bytes and self._shorten(files[0]):
            pass

    def _shorten(self, path: Path) -> bool:
        """Remove the oldest half of a day's lines; return whether there were any."""
        with _writing(path) as connection:
            removed = connection.execute(
                "DELETE FROM lines WHERE id IN (SELECT id FROM lines ORDER BY ts, id"
                " LIMIT (SELECT (count(*) + 1) / 2 FROM lines))"
            ).rowcount
        with _writing(path) as connection:
            connection.execute("VACUUM")
        return removed > 0

    def _keep_whole(self, path: Path, lines: Sequence[KeptLine]) -> int:
        """Keep lines of a day; a damaged file is begun anew, the log files have its lines still."""
        try:
            return self._keep(path, lines)
        except faults.StoreRefused as error:
            if error.code != "STORE_CORRUPT":
                raise
        _remove(path)
        return self._keep(path, lines)

    def _keep(self, path: Path, lines: Sequence[KeptLine]) -> int:
        with _writing(path) as connection:
            connection.executescript(_SHAPE)
            before = connection.total_changes
            connection.executemany(
                "INSERT OR IGNORE INTO lines (ts, place, level, event, service, correlation, line)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        each.ts,
                        each.place,
                        _rank(each.level),
                        each.event,
                        each.service,
                        each.correlation,
                        each.line[:_TEXT_MAX],
                    )
                    for each in lines
                ],
            )
            return connection.total_changes - before

    def _path(self, day: int) -> Path:
        date = datetime.fromtimestamp(day * DAY_NS / SECOND_NS, UTC)
        return self._folder / f"lines-{date:%Y-%m-%d}.db"

    def _files(self) -> list[Path]:
        """Return the files, the oldest day first."""
        return sorted(self._folder.glob("lines-*.db"))

    def _files_of(self, sought: Sought) -> list[Path]:
        """Return the files that can hold what is sought, the newest day first."""
        latest = [] if sought.until is None else [sought.until - 1]
        if sought.before is not None:
            latest.append(sought.before[0])
        last = None if not latest else self._path(min(latest) // DAY_NS).name
        first = None if sought.since is None else self._path(sought.since // DAY_NS).name
        return [
            path
            for path in reversed(self._files())
            if (last is None or path.name <= last) and (first is None or path.name >= first)
        ]


def _conditions(sought: Sought) -> tuple[str, list[object]]:
    found: list[tuple[str, tuple[object, ...]]] = []
    if sought.since is not None:
        found.append(("ts >= ?", (sought.since,)))
    if sought.until is not None:
        found.append(("ts < ?", (sought.until,)))
    if sought.before is not None:
        found.append(("(ts, id) < (?, ?)", sought.before))
    if sought.level:
        found.append(("level >= ?", (_rank(sought.level),)))
    for name in ("event", "service", "correlation"):
        value = getattr(sought, name)
        if value:
            found.append((f"{name} = ?", (value,)))
    if sought.text:
        found.append(("instr(lower(line), ?) > 0", (_lower(sought.text),)))
    where = " AND ".join(condition for condition, _ in found)
    return (f"WHERE {where}" if where else ""), [each for _, values in found for each in values]


def _lower(text: str) -> str:
    """Return a text as SQLite's own ``lower`` does: only ASCII letters change."""
    return "".join(char.lower() if char.isascii() else char for char in text)


def _line(row: sqlite3.Row) -> FoundLine:
    return FoundLine(
        id=row["id"],
        ts=row["ts"],
        place=row["place"],
        level=LEVELS[row["level"]],
        event=row["event"],
        service=row["service"],
        correlation=row["correlation"],
        line=row["line"],
    )


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else LEVELS.index("info")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _remove(path: Path) -> None:
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        each.unlink(missing_ok=True)


@contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    with _translated("writing the searchable log", path):
        path.touch(mode=0o600)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            with connection:
                yield connection


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with (
        _translated("reading the searchable log", path),
        closing(sqlite3.connect(uri, uri=True)) as connection,
    ):
        connection.row_factory = sqlite3.Row
        yield connection


@contextmanager
def _translated(doing: str, path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise faults.from_database(error, doing=f"{doing}, {path.name}") from error
    except OSError as error:
        raise faults.from_files(error, doing=doing, path=path) from error
