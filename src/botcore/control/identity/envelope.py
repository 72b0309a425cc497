"""Secrets at rest: sealed with a key of their own, and bound to the place where they are stored.

AES-256-GCM. Each record is encrypted with a fresh data key, which is wrapped by the key-encryption
key (KEK) of a file that only its owner can read. Both steps authenticate the record's place, so
that a ciphertext put into another row, column or owner's record does not open.
"""

import os
import secrets
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from botcore.domain.errors import ConfigError, StorageError

KEY_BYTES: Final = 32
_NONCE: Final = 12
_TAG: Final = 16
_FORMAT: Final = b"\x01"
_WRAPPED: Final = KEY_BYTES + _TAG
_HEAD: Final = len(_FORMAT) + _NONCE + _WRAPPED + _NONCE


class Place(NamedTuple):
    """Where a sealed value is stored, and whose it is; it opens nowhere else.

    Attributes:
        table, pk, column: of the value.
        owner: id of the user, or empty where it is the server's own.
        version: of what was sealed; a higher one for a new meaning of the same column.
    """

    table: str
    pk: str
    column: str
    owner: str = ""
    version: int = 1

    def authenticated(self) -> bytes:
        """Return it as additional authenticated data: ``table|pk|column|owner|version``.

        Raises:
            ValueError: a part holds the separator, so that two places could read the same.
        """
        parts = (self.table, self.pk, self.column, self.owner, str(self.version))
        if any("|" in part for part in parts):
            raise ValueError(f"a part of {self} holds the separator |")
        return "|".join(parts).encode()


class Envelope:
    """Seals and opens.

    Args:
        kek: 32 bytes, as from `key_encryption_key`.

    Raises:
        ValueError: it is of another length.
    """

    def __init__(self, kek: bytes) -> None:
        if len(kek) != KEY_BYTES:
            raise ValueError(f"the key has {len(kek)} bytes, not {KEY_BYTES}")
        self._kek = AESGCM(kek)

    def enclose(self, plain: bytes, place: Place) -> bytes:
        """Seal `plain` for this place and return it, with new keys and nonces at every call."""
        where = place.authenticated()
        key = AESGCM.generate_key(bit_length=KEY_BYTES * 8)
        outer, inner = secrets.token_bytes(_NONCE), secrets.token_bytes(_NONCE)
        wrapped = self._kek.encrypt(outer, key, where)
        return _FORMAT + outer + wrapped + inner + AESGCM(key).encrypt(inner, plain, where)

    def open(self, sealed: bytes, place: Place) -> bytes:
        """Return what was sealed.

        Raises:
            StorageError: it was changed, moved here from another place, or sealed with another key.
        """
        where = place.authenticated()
        try:
            if len(sealed) < _HEAD + _TAG or not sealed.startswith(_FORMAT):
                raise InvalidTag
            rest = sealed[len(_FORMAT) :]
            outer, rest = rest[:_NONCE], rest[_NONCE:]
            wrapped, rest = rest[:_WRAPPED], rest[_WRAPPED:]
            inner, content = rest[:_NONCE], rest[_NONCE:]
            key = self._kek.decrypt(outer, wrapped, where)
            return AESGCM(key).decrypt(inner, content, where)
        except InvalidTag as error:
            raise StorageError(
                code="SEAL_BROKEN",
                cause=f"the secret in {place.table}.{place.column} does not open: it was changed, "
                "moved from another row, or sealed with another key",
                fix="put the key file of this store back, or restore both from one backup",
            ) from error


def key_encryption_key(path: Path) -> bytes:
    """Return the key in `path`, making one (mode 0600) if there is none.

    Raises:
        ConfigError: others than its owner can read it, or it is damaged.
    """
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return _read(path)
    key = secrets.token_bytes(KEY_BYTES)
    with os.fdopen(fd, "wb") as file:
        file.write(key.hex().encode())
        file.flush()
        os.fsync(file.fileno())
    return key


def _read(path: Path) -> bytes:
    mode = path.stat().st_mode
    if mode & 0o077:
        raise ConfigError(
            code="KEY_FILE_OPEN",
            cause=f"{path} can be read by others than its owner (mode {mode & 0o777:o})",
            fix=f"chmod 600 {path}; if somebody may have read it, renew what it protects",
        )
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError(
            code="KEY_FILE_DAMAGED",
            cause=f"{path} does not hold {KEY_BYTES} bytes as hex digits",
            fix="put it back from a backup; without it second factors must be set up again",
        )
    return key
