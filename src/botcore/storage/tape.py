"""The tape: market inputs as they came, in segment files; joined to the journal by their key.

It is no truth about money: written without fsync, bounded in size (the oldest segment goes), and
a torn end costs the last records and nothing else.

A segment is ``tape-<number>.seg``: the magic, the schema version, then records, each a length and
a CRC-32 (unsigned, little endian, four bytes) before that many bytes of msgpack.
"""

import contextlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO
from zlib import crc32

import msgspec

from botcore.domain.keys import Key
from botcore.domain.records import SCHEMA, RecordKind
from botcore.storage import faults
from botcore.storage.upcasting import upcast

_MAGIC = b"BOTTAPE"
_HEADER = struct.Struct("<7sB")
_FRAME = struct.Struct("<II")
_RECORD_MAX = 64 * 1024 * 1024
_BUFFER = 256 * 1024


class TapeRecord(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One market input; `payload` is as `domain.records.encode` made it."""

    key: Key
    payload: bytes


_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(TapeRecord).decode


class TapeWriter:
    """Append market inputs; used by one thread.

    Each writer begins a segment of its own, so that a torn end of the last one is left behind.

    Args:
        folder: where the segments lie; made if it does not exist.
        segment_bytes: a segment that is longer is closed.
        total_bytes: when all segments are longer, the oldest are deleted.
    """

    def __init__(
        self,
        folder: Path,
        *,
        segment_bytes: int = 64 * 1024 * 1024,
        total_bytes: int = 1024 * 1024 * 1024,
    ) -> None:
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._total_bytes = total_bytes
        self._file: BinaryIO | None = None
        self._written = 0
        self._deleted = 0

    def __enter__(self) -> "TapeWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def segments_deleted(self) -> int:
        """How many segments gave way to the bound since this writer was made."""
        return self._deleted

    def append(self, key: Key, payload: bytes) -> None:
        """Write one input; it may stay in memory until `flush`.

        Raises:
            StorageError: the tape cannot be written.
        """
        body = _ENCODE(TapeRecord(key, payload))
        try:
            file = self._file or self._begin()
            file.write(_FRAME.pack(len(body), crc32(body)))
            file.write(body)
            self._written += _FRAME.size + len(body)
            if self._written >= self._segment_bytes:
                self._end()
        except OSError as error:
            raise self._failure(error) from error

    def flush(self) -> None:
        """Hand what is in memory to the operating system, so that readers see it.

        Raises:
            StorageError: the tape cannot be written.
        """
        if self._file is not None:
            try:
                self._file.flush()
            except OSError as error:
                raise self._failure(error) from error

    def close(self) -> None:
        """End the segment.

        Raises:
            StorageError: the tape cannot be written.
        """
        try:
            self._end()
        except OSError as error:
            raise self._failure(error) from error

    def _begin(self) -> BinaryIO:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        existing = _segments(self._folder)
        number = 1 + (_number(existing[-1]) if existing else 0)
        self._make_room(existing)
        file = (self._folder / f"tape-{number:010d}.seg").open("xb", buffering=_BUFFER)
        file.write(_HEADER.pack(_MAGIC, SCHEMA))
        self._file, self._written = file, _HEADER.size
        return file

    def _end(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _make_room(self, segments: list[Path]) -> None:
        sizes = [path.stat().st_size for path in segments]
        # The next segment may grow to its full length.
        excess = sum(sizes) + self._segment_bytes - self._total_bytes
        for path, size in zip(segments, sizes, strict=True):
            if excess <= 0:
                return
            path.unlink()
            self._deleted += 1
            excess -= size

    def _failure(self, error: OSError) -> Exception:
        file, self._file = self._file, None
        if file is not None:
            # What it still holds in memory cannot be written either.
            with contextlib.suppress(OSError):
                file.close()
        return faults.from_files(error, doing="writing the tape", path=self._folder)


@dataclass(frozen=True, slots=True)
class TapeDamage:
    """A segment that could not be read to its end.

    Attributes:
        offset: of the first byte that was not understood.
        lost: how many bytes from there on.
    """

    segment: Path
    offset: int
    lost: int


class TapeReader:
    """Read all segments in order; what is torn is left out and told in `damage`.

    Args:
        folder: where the segments lie; one that does not exist is an empty tape.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._damage: list[TapeDamage] = []

    @property
    def damage(self) -> tuple[TapeDamage, ...]:
        """What the last reading could not read."""
        return tuple(self._damage)

    def read(self, *, from_seq: int = 0) -> Iterator[TapeRecord]:
        """Yield the records whose key's `seq` is not below `from_seq`, as they were written.

        Raises:
            StorageError: a segment cannot be read, or is of a newer version.
        """
        self._damage = []
        for path in _segments(self._folder):
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue  # it gave way to the writer's bound meanwhile
            except OSError as error:
                raise faults.from_files(error, doing="reading the tape", path=path) from error
            yield from self._read_segment(path, data, from_seq)

    def _read_segment(self, path: Path, data: bytes, from_seq: int) -> Iterator[TapeRecord]:
        if len(data) < _HEADER.size or not data.startswith(_MAGIC):
            if data:
                self._damage.append(TapeDamage(path, 0, len(data)))
            return
        _, schema = _HEADER.unpack_from(data)
        offset = _HEADER.size
        while offset < len(data):
            record = _record_at(data, offset)
            if record is None:
                self._damage.append(TapeDamage(path, offset, len(data) - offset))
                return
            found, offset = record
            if found.key.seq >= from_seq:
                payload = upcast(schema, RecordKind.INPUT, found.payload)
                yield TapeRecord(found.key, payload)


def _record_at(data: bytes, offset: int) -> tuple[TapeRecord, int] | None:
    begin = offset + _FRAME.size
    if begin > len(data):
        return None
    length, checksum = _FRAME.unpack_from(data, offset)
    body = data[begin : begin + length]
    if length > _RECORD_MAX or len(body) < length or crc32(body) != checksum:
        return None
    try:
        return _DECODE(body), begin + length
    except (msgspec.MsgspecError, ValueError):
        return None


def _segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("tape-*.seg"), key=_number)


def _number(path: Path) -> int:
    digits = path.stem.removeprefix("tape-")
    return int(digits) if digits.isdigit() else 0
