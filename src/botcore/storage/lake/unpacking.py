"""Files as people have them, unpacked in memory and within bounds: plain, gzip, or a zip of one.

What a file is, its first bytes say, not its name: a renamed file is read all the same.
"""

import hashlib
import io
import lzma
import struct
import zipfile
import zlib
from enum import StrEnum
from pathlib import Path
from typing import IO, Final

import msgspec

from botcore.domain.errors import DataError
from botcore.storage.faults import from_files

BYTES_MOST: Final = 1 << 29
"""Half a gigabyte unpacked: twelve years of minutes. A bomb is larger."""
_ZIP, _GZIP = b"PK\x03\x04", b"\x1f\x8b"
_EMPTY_ZIP: Final = b"PK\x05\x06"
_ZIP_FAULTS: Final = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError),
    *(ValueError, RuntimeError),  # a place before the beginning, a password, a method it lacks
)
_LOOKED_AT: Final = 512


class Layout(StrEnum):
    """How a file is laid out inside, as people call it."""

    CSV = "csv"
    JSON = "json"
    FEATHER = "Feather"
    PARQUET = "Parquet"


class Payload(msgspec.Struct, frozen=True, eq=False):
    """A file's content.

    Attributes:
        name: of the file on disk, without folders.
        wrapping: how it was packed: ``zip``, ``gzip``, or nothing.
        layout: what it is.
        data: its bytes, unpacked.
        sha256: of the file on disk.
    """

    name: str
    wrapping: str
    layout: Layout
    data: bytes
    sha256: str


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise from_files(error, doing="reading a file", path=path) from error


def unpack(path: Path) -> Payload:
    """Return the content of a file.

    Raises:
        DataError: it is empty, truncated, damaged, too large once unpacked, an archive of several
            files or of archives, or a web page.
        StorageError: it cannot be read.
    """
    try:
        if path.stat().st_size > BYTES_MOST:
            raise _too_large(path)
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(
            code="FILE_MISSING",
            cause=f"{path} does not exist",
            fix="correct the path",
        ) from error
    except OSError as error:
        raise from_files(error, doing="reading a file", path=path) from error
    if raw.startswith((_ZIP, _EMPTY_ZIP)):
        wrapping, data = "zip", _unzipped(raw, path)
    elif raw.startswith(_GZIP):
        wrapping, data = "gzip", _gunzipped(raw, path)
    else:
        wrapping, data = "", raw
    layout = _layout(data, path)
    return Payload(path.name, wrapping, layout, data, hashlib.sha256(raw).hexdigest())


def _layout(data: bytes, path: Path) -> Layout:
    begin = data[:_LOOKED_AT].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not begin:
        raise DataError(
            code="FILE_EMPTY", cause=f"{path.name} is empty", fix="download or export it again"
        )
    if begin.startswith((_ZIP, _GZIP)):
        raise DataError(
            code="ARCHIVE_IN_ARCHIVE",
            cause=f"{path.name} holds another archive",
            fix="unpack it once, and import what is inside",
        )
    if begin.startswith(b"<"):  # HTML, or the XML in which object stores answer
        raise DataError(
            code="FILE_IS_A_WEB_PAGE",
            cause=f"{path.name} is a web page, not data",
            fix="download it again: the address probably answered with an error page",
        )
    if data.startswith(b"PAR1"):
        return Layout.PARQUET
    if data.startswith(b"ARROW1"):
        return Layout.FEATHER
    if data.startswith(b"FEA1"):
        raise unknown_layout(path.name, "Feather of the first version", "write it as version 2")
    if begin[:1] in (b"[", b"{"):
        return Layout.JSON
    if b"\x00" in begin:
        raise unknown_layout(path.name, "a binary file", "give csv, json, Feather or Parquet")
    return Layout.CSV


def unknown_layout(name: str, what: str, fix: str) -> DataError:
    """Return the error that a file is nothing that can be read."""
    return DataError(code="LAYOUT_UNKNOWN", cause=f"{name} is {what}", fix=fix)


def damaged_file(name: str, why: str) -> DataError:
    """Return the error that a file is not whole."""
    return DataError(
        code="FILE_DAMAGED", cause=f"{name} is damaged: {why}", fix="download it again"
    )


def _unzipped(raw: bytes, path: Path) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) != 1:
                raise DataError(
                    code="ARCHIVE_NOT_ONE_FILE",
                    cause=f"{path.name} holds {len(members)} files",
                    fix="unpack it, and import the folder",
                )
            if members[0].file_size > BYTES_MOST:
                raise _too_large(path)
            with archive.open(members[0]) as member:
                return _bounded(member, path)
    except _ZIP_FAULTS as error:
        raise damaged_file(path.name, "it is truncated, locked or no zip") from error


def _gunzipped(raw: bytes, path: Path) -> bytes:
    parts, size, rest = [], 0, raw
    try:
        while rest:  # several gzip members one after the other are one file
            unpacker = zlib.decompressobj(wbits=31)
            part = unpacker.decompress(rest, BYTES_MOST + 1 - size)
            size += len(part)
            if size > BYTES_MOST:
                raise _too_large(path)
            if not unpacker.eof:
                raise damaged_file(path.name, "it ends in the middle")
            parts.append(part)
            rest = unpacker.unused_data.lstrip(b"\x00")
    except zlib.error as error:
        raise damaged_file(path.name, "it is no whole gzip") from error
    return b"".join(parts)


def _bounded(file: IO[bytes], path: Path) -> bytes:
    data = file.read(BYTES_MOST + 1)  # an archive's own word about its size may be a lie
    if len(data) > BYTES_MOST:
        raise _too_large(path)
    return data


def _too_large(path: Path) -> DataError:
    return DataError(
        code="FILE_TOO_LARGE",
        cause=f"{path.name} is larger than {BYTES_MOST >> 20} MB unpacked",
        fix="split it, for example into years",
    )
