"""The index of a series: which files hold its candles, and where they came from.

It is written last, whole or not at all: what it does not name is not stored.
"""

import hashlib
import os
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec

from botcore.domain.calendar import step_name
from botcore.domain.errors import StorageError
from botcore.domain.ids import InstrumentId
from botcore.marketdata.quality import Gap, Quality
from botcore.marketdata.series import SeriesInfo, SourceFile
from botcore.storage.faults import StoreRefused, from_files

INDEX_FILE: Final = "index.json"
VERSION: Final = 1


class MonthFile(msgspec.Struct, frozen=True, kw_only=True):
    """The candles that open in one month, UTC.

    Attributes:
        month: ``2022-01``.
        file: name of the Parquet file in the series' folder.
        rows: how many candles it holds.
        first, last: open stamps of its ends, nanoseconds UTC.
        gaps: inside the month.
        digest: SHA-256 over the columns.
        file_sha256: of the file's bytes; another writer's bytes may differ for equal columns.
    """

    month: str
    file: str
    rows: int
    first: int
    last: int
    gaps: tuple[Gap, ...]
    digest: str
    file_sha256: str


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """What one series consists of; months and sources as `SeriesInfo` tells them."""

    version: int = VERSION
    instrument: InstrumentId
    step_ns: int
    months: tuple[MonthFile, ...] = ()
    sources: tuple[SourceFile, ...] = ()
    quality: Quality | None = None

    def info(self) -> SeriesInfo:
        """Return what it says about its candles; it must have some."""
        return SeriesInfo(
            instrument=self.instrument,
            step_ns=self.step_ns,
            rows=sum(month.rows for month in self.months),
            first=self.months[0].first,
            last=self.months[-1].last,
            gaps=self._gaps(),
            digest=self._digest(),
            sources=self.sources,
            quality=self.quality,
        )

    def _gaps(self) -> tuple[Gap, ...]:
        """Join the gaps inside the months with those between them."""
        found = list(self.months[0].gaps)
        for earlier, later in pairwise(self.months):
            start = earlier.last + self.step_ns
            missing = (later.first - start) // self.step_ns
            if missing:
                found.append(Gap(start, later.first, missing))
            found.extend(later.gaps)
        return tuple(found)

    def _digest(self) -> str:
        whole = hashlib.sha256(f"{self.instrument} {self.step_ns}\n".encode())
        for month in self.months:
            whole.update(f"{month.month} {month.digest}\n".encode())
        return whole.hexdigest()


def read_index(folder: Path) -> Index | None:
    """Return the index in a series' folder, or None where there is none.

    Raises:
        StorageError: it is damaged, of a newer version, or cannot be read.
    """
    path = folder / INDEX_FILE
    try:
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise from_files(error, doing="reading the lake", path=path) from error
    try:
        version = msgspec.json.decode(raw, type=_Version).version
        index = msgspec.json.decode(raw, type=Index) if version == VERSION else None
    except msgspec.MsgspecError as error:
        raise _damaged(path) from error
    if index is None:
        raise StoreRefused(
            code="LAKE_FROM_THE_FUTURE",
            cause=f"{path} has version {version}, and this program knows version {VERSION}",
            fix="update botcore, or import the files again into another home",
        )
    if folder.name != step_name(index.step_ns) or folder.parent.name != index.instrument:
        raise _damaged(path)
    return index


def write_index(folder: Path, index: Index) -> None:
    """Put a series' index in the place of the old one.

    Raises:
        StorageError: it cannot be written; the old one stands.
    """
    content = msgspec.json.format(msgspec.json.encode(index), indent=1)
    replace_file(folder / INDEX_FILE, content)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: a temporary one, synced, renamed over it.

    Raises:
        StorageError: it cannot be written; the old one stands.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_bytes(content)
        settle(temporary, path)
    except OSError as error:
        raise from_files(error, doing="writing the lake", path=path) from error


def settle(temporary: Path, path: Path) -> None:
    """Make a written file durable under its name: it is there after a power cut, or it is not.

    Raises:
        OSError: the disk refused.
    """
    sync(temporary)
    temporary.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Version(msgspec.Struct):
    version: int


def _damaged(path: Path) -> StorageError:
    return StoreRefused(
        code="LAKE_INDEX_DAMAGED",
        cause=f"{path} is damaged",
        fix="make it again from the Parquet files beside it: `botcore data check --rebuild`",
    )
