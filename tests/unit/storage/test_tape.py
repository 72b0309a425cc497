import resource
import signal
from pathlib import Path

import pytest

from botcore.domain.errors import StorageError
from botcore.domain.keys import Key, Rank
from botcore.domain.records import SCHEMA
from botcore.storage import StoreRefused, TapeReader, TapeRecord, TapeWriter


def _key(seq: int) -> Key:
    return Key(seq * 10, Rank.TRADE, 1, seq)


def _write(folder: Path, *seqs: int, size: int = 10) -> None:
    with TapeWriter(folder) as tape:
        for seq in seqs:
            tape.append(_key(seq), bytes([seq % 256]) * size)


def test_what_was_written_is_read_in_order(tmp_path: Path) -> None:
    _write(tmp_path, 1, 2, 3)

    assert list(TapeReader(tmp_path).read()) == [
        TapeRecord(_key(seq), bytes([seq]) * 10) for seq in (1, 2, 3)
    ]


def test_reading_begins_at_a_place_in_the_journal(tmp_path: Path) -> None:
    _write(tmp_path, 1, 5, 9)

    assert [record.key.seq for record in TapeReader(tmp_path).read(from_seq=5)] == [5, 9]


def test_a_tape_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    reader = TapeReader(tmp_path / "nowhere")

    assert list(reader.read()) == []
    assert reader.damage == ()


def test_each_writer_goes_on_in_a_segment_of_its_own(tmp_path: Path) -> None:
    _write(tmp_path, 1)
    _write(tmp_path, 2)

    assert [record.key.seq for record in TapeReader(tmp_path).read()] == [1, 2]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_flush_shows_readers_what_was_written(tmp_path: Path) -> None:
    with TapeWriter(tmp_path) as tape:
        tape.append(_key(1), b"x")
        tape.flush()

        assert [record.key.seq for record in TapeReader(tmp_path).read()] == [1]


def test_a_torn_last_record_is_left_out_and_told(tmp_path: Path) -> None:
    _write(tmp_path, 1, 2)
    [segment] = tmp_path.iterdir()
    segment.write_bytes(segment.read_bytes()[:-3])
    _write(tmp_path, 3)

    reader = TapeReader(tmp_path)

    assert [record.key.seq for record in reader.read()] == [1, 3]
    [damage] = reader.damage
    assert damage.segment == segment
    assert damage.offset + damage.lost == segment.stat().st_size


def test_a_flipped_bit_ends_its_segment_and_no_other(tmp_path: Path) -> None:
    _write(tmp_path, 1, 2)
    [segment] = tmp_path.iterdir()
    data = bytearray(segment.read_bytes())
    data[-1] ^= 1
    segment.write_bytes(data)
    _write(tmp_path, 3)

    reader = TapeReader(tmp_path)

    assert [record.key.seq for record in reader.read()] == [1, 3]
    assert len(reader.damage) == 1


def test_a_file_that_is_no_tape_is_left_out_and_told(tmp_path: Path) -> None:
    (tmp_path / "tape-0000000001.seg").write_bytes(b"something else")
    (tmp_path / "tape-0000000002.seg").write_bytes(b"")

    reader = TapeReader(tmp_path)

    assert list(reader.read()) == []
    assert [damage.lost for damage in reader.damage] == [14]


def test_segments_rotate_and_the_oldest_give_way_to_the_bound(tmp_path: Path) -> None:
    with TapeWriter(tmp_path, segment_bytes=1_000, total_bytes=5_000) as tape:
        for seq in range(500):
            tape.append(_key(seq), bytes(100))
        deleted = tape.segments_deleted

    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    kept = [record.key.seq for record in TapeReader(tmp_path).read()]
    assert sum(sizes) <= 5_000
    assert deleted > 0
    assert kept == list(range(kept[0], 500))


def test_a_tape_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, 1)
    [segment] = tmp_path.iterdir()
    data = bytearray(segment.read_bytes())
    data[7] = SCHEMA + 1
    segment.write_bytes(data)

    with pytest.raises(StoreRefused, match="STORE_NEWER"):
        list(TapeReader(tmp_path).read())


def test_d06_a_tape_that_cannot_be_written_says_so_and_goes_on_when_it_can(
    tmp_path: Path,
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    tape = TapeWriter(tmp_path)
    tape.append(_key(1), b"x")
    tape.flush()
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))
        tape.append(_key(2), bytes(1000))
        with pytest.raises(StorageError, match="STORE_DISK_FULL"):
            tape.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    tape.append(_key(3), b"y")
    tape.close()

    assert [record.key.seq for record in TapeReader(tmp_path).read()] == [1, 3]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError) as refused:
        TapeWriter(tmp_path / "file" / "tape").append(_key(1), b"x")

    assert refused.value.fix
