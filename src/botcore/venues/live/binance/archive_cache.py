"""The cache of archives: a file is in its place only if its checksum was right."""

import hashlib
import re
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from botcore.domain.errors import BotError, DataError, StorageError

_CHECKSUM = re.compile(r"\s*([0-9a-fA-F]{64})\s+\*?(\S+)\s*\Z")
_CHUNK: Final = 1 << 20
_SHOWN: Final = 60


class PartFile:
    """A file on its way: beside its place until it is whole, and gone if it never is.

    Raises:
        StorageError: it cannot be written.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._part = place.with_name(f"{place.name}.part")
        self._hash = hashlib.sha256()
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._part.open("wb")
        except OSError as error:
            raise _not_stored(place, error) from error

    def __enter__(self) -> "PartFile":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # a full disk may refuse the last bytes, which are not wanted
            self._file.close()
        with suppress(OSError):
            self._part.unlink(missing_ok=True)

    @property
    def digest(self) -> str:
        """The SHA-256 of what was written, in hex."""
        return self._hash.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Add what came."""
        self._hash.update(chunk)
        try:
            self._file.write(chunk)
        except OSError as error:
            raise _not_stored(self._place, error) from error

    def keep(self) -> None:
        """Move it to its place, its checksum first: a file without one is not believed."""
        try:
            self._file.close()
            line = f"{self.digest}  {self._place.name}\n"
            _checksum_of(self._place).write_text(line, encoding="ascii")
            self._part.replace(self._place)
        except OSError as error:
            raise _not_stored(self._place, error) from error

    def damaged(self) -> DataError:
        """Say what came in place of the file."""
        name = self._place.name
        try:
            self._file.flush()
            with self._part.open("rb") as file:
                start = file.read(_SHOWN).lstrip()
            is_zip = zipfile.is_zipfile(self._part)
        except OSError as error:
            raise _not_stored(self._place, error) from error
        if is_zip:
            cause = f"{name} came with contents that are not those of its checksum"
        elif start.startswith(b"<"):
            cause = f"a web page came in place of {name}"
        else:
            cause = f"{name} came truncated or damaged: it is no whole zip file"
        return DataError(
            code="ARCHIVE_DAMAGED",
            cause=cause,
            fix="try again later: nothing of it was kept; a proxy on the way may have changed it",
        )


def _checksum_of(place: Path) -> Path:
    return place.with_name(f"{place.name}.CHECKSUM")


def is_verified(place: Path) -> bool:
    """Say whether a file of an earlier fetch is whole, by the checksum that was kept with it."""
    try:
        expected = expected_digest(_checksum_of(place).read_bytes(), place.name)
        digest = hashlib.sha256()
        with place.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except (OSError, BotError):
        return False
    return digest.hexdigest() == expected


def expected_digest(body: bytes, name: str) -> str:
    """Return the SHA-256, in hex, that a checksum file gives for the file of that name.

    Raises:
        DataError: it is of another file, or no checksum file.
    """
    match = _CHECKSUM.match(body.decode("utf-8", "replace"))
    if match is None or match[2] != name:
        shown = body[:_SHOWN].decode("utf-8", "replace").split("\n")[0]
        raise DataError(
            code="CHECKSUM_UNREADABLE",
            cause=f"the checksum of {name} cannot be read: {shown!r}",
            fix="try again later; a proxy or a portal on the way may answer in its place",
        )
    return match[1].lower()


def _not_stored(place: Path, error: OSError) -> StorageError:
    return StorageError(
        code="ARCHIVE_NOT_STORED",
        cause=f"{place} cannot be written: {error.strerror or error}",
        fix="free some space or choose another folder, then run the same command again",
    )
