"""Secrets at rest open where they were put, and nowhere else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.control.identity.envelope import Envelope, Place, key_encryption_key
from botcore.domain.errors import ConfigError, StorageError

KEK = bytes(range(32))
HERE = Place("totp", "u1", "sealed", owner="u1")
PARTS = st.text(st.characters(exclude_characters="|", codec="utf-8"), max_size=20)
PLACES = st.builds(Place, PARTS, PARTS, PARTS, PARTS, st.integers(0, 9))


@given(plain=st.binary(max_size=200), place=PLACES)
def test_what_was_sealed_opens_in_its_place(plain: bytes, place: Place) -> None:
    envelope = Envelope(KEK)

    assert envelope.open(envelope.enclose(plain, place), place) == plain


@given(place=PLACES, other=PLACES)
def test_a_secret_moved_to_another_place_does_not_open(place: Place, other: Place) -> None:
    envelope = Envelope(KEK)
    sealed = envelope.enclose(b"seed", place)

    if place == other:
        return
    with pytest.raises(StorageError, match="SEAL_BROKEN"):
        envelope.open(sealed, other)


@pytest.mark.parametrize(
    "other",
    [
        HERE._replace(table="signing_keys"),
        HERE._replace(pk="u2"),
        HERE._replace(column="digest"),
        HERE._replace(owner="u2"),
        HERE._replace(version=2),
    ],
)
def test_each_part_of_the_place_binds(other: Place) -> None:
    envelope = Envelope(KEK)

    with pytest.raises(StorageError, match=r"moved from another row"):
        envelope.open(envelope.enclose(b"seed", HERE), other)


def test_a_part_with_the_separator_is_refused_so_that_no_two_places_read_alike() -> None:
    with pytest.raises(ValueError, match="separator"):
        Envelope(KEK).enclose(b"seed", Place("totp", "u1|sealed", "x"))


@given(at=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_any_changed_byte_is_found(at: int, flip: int) -> None:
    envelope = Envelope(KEK)
    sealed = bytearray(envelope.enclose(b"twenty bytes of seed", HERE))
    sealed[at % len(sealed)] ^= flip

    with pytest.raises(StorageError):
        envelope.open(bytes(sealed), HERE)


@given(length=st.integers(0, 120))
def test_a_shortened_secret_does_not_open(length: int) -> None:
    envelope = Envelope(KEK)
    sealed = envelope.enclose(b"", HERE)

    with pytest.raises(StorageError):
        envelope.open(sealed[: min(length, len(sealed) - 1)], HERE)


def test_another_key_does_not_open() -> None:
    sealed = Envelope(KEK).enclose(b"seed", HERE)

    with pytest.raises(StorageError):
        Envelope(bytes(32)).open(sealed, HERE)


def test_the_same_secret_is_never_sealed_alike() -> None:
    envelope = Envelope(KEK)

    sealed = {envelope.enclose(b"seed", HERE) for _ in range(50)}

    assert len(sealed) == 50
    assert not any(b"seed" in each for each in sealed)


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        Envelope(bytes(16))


def test_the_key_file_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "identity.key"

    key = key_encryption_key(path)

    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert key_encryption_key(path) == key


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o601])
def test_a_key_file_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "identity.key"
    key_encryption_key(path)
    path.chmod(mode)

    with pytest.raises(ConfigError, match="KEY_FILE_OPEN"):
        key_encryption_key(path)


@pytest.mark.parametrize("text", ["", "zz" * 32, "00" * 16, "é"])
def test_a_damaged_key_file_is_not_overwritten(tmp_path: Path, text: str) -> None:
    path = tmp_path / "identity.key"
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")

    with pytest.raises(ConfigError, match="KEY_FILE_DAMAGED"):
        key_encryption_key(path)

    assert path.read_text("utf-8") == text
