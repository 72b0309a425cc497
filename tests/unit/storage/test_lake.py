"""The catalogue keeps candles whole: what is read is what was written, or a clear error."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botcore.domain.errors import DataError, StorageError
from botcore.domain.ids import DAY_NS, MINUTE_NS, InstrumentId
from botcore.marketdata.candles import FIELDS, Candles
from botcore.marketdata.quality import Gap
from botcore.marketdata.series import SourceFile
from botcore.storage.lake import Lake, OnConflict, Written, catalogue

BTC = InstrumentId("BTCUSDT.BINANCE")
START = 1_640_995_200_000_000_000  # 2022-01-01
SOURCE = SourceFile(name="a.csv", sha256="a" * 64, rows=3)


def candles(
    minutes: list[int],
    *,
    price: float = 100.0,
    instrument: InstrumentId = BTC,
    step: int = MINUTE_NS,
) -> Candles:
    stamps = START + np.array(minutes, np.int64) * step
    columns = {
        name: price + np.array(minutes, float) / 8 + place for place, name in enumerate(FIELDS)
    }
    return Candles(instrument, step, stamps, columns)


def same(left: Candles, right: Candles) -> bool:
    return (left.instrument, left.step_ns) == (right.instrument, right.step_ns) and (
        np.array_equal(left.ts_open, right.ts_open)
        and all(np.array_equal(left.columns[name], right.columns[name]) for name in FIELDS)
    )


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "data")


def series_folder(lake: Lake) -> Path:
    return lake.folder / BTC / "1m"


def test_what_was_written_is_read_by_another(lake: Lake) -> None:
    wanted = candles(list(range(0, 100_000, 7)))

    assert lake.write(wanted) == Written(len(wanted), 0, 0)

    assert same(Lake(lake.folder).read(BTC, MINUTE_NS), wanted)


def test_a_month_is_a_file_and_any_parquet_reader_opens_it(lake: Lake) -> None:
    lake.write(candles([0, 31 * 1_440, 60 * 1_440]))

    names = sorted(path.name for path in series_folder(lake).glob("*.parquet"))
    rows = (
        duckdb.connect().sql(f"SELECT * FROM '{series_folder(lake)}/2022-01*.parquet'").fetchall()
    )

    assert [name[:7] for name in names] == ["2022-01", "2022-02", "2022-03"]
    assert rows == [(START, 100.0, 101.0, 102.0, 103.0, 104.0)]


def test_a_range_is_read_from_its_start_up_to_its_end(lake: Lake) -> None:
    lake.write(candles(list(range(100_000))))

    found = lake.read(BTC, MINUTE_NS, START + 50_000 * MINUTE_NS, START + 50_003 * MINUTE_NS)

    assert found.ts_open.tolist() == [START + i * MINUTE_NS for i in (50_000, 50_001, 50_002)]
    assert len(lake.read(BTC, MINUTE_NS, START - DAY_NS, START)) == 0


def test_the_same_again_changes_nothing(lake: Lake) -> None:
    lake.write(candles([0, 1, 2]), sources=[SOURCE])
    before = {path: path.stat().st_mtime_ns for path in series_folder(lake).iterdir()}
    digest = lake.info(BTC, MINUTE_NS).digest

    assert lake.write(candles([0, 1, 2]), sources=[SOURCE]) == Written(0, 3, 0)

    assert {path: path.stat().st_mtime_ns for path in series_folder(lake).iterdir()} == before
    assert lake.info(BTC, MINUTE_NS).digest == digest


def test_other_values_of_a_stored_stamp_are_counted_and_the_stored_ones_stay(lake: Lake) -> None:
    lake.write(candles([0, 1, 2]))

    written = lake.write(candles([1, 2, 3], price=200.0), sources=[SOURCE])

    assert written == Written(1, 0, 2)
    assert lake.read(BTC, MINUTE_NS).columns["open"].tolist() == [100.0, 100.125, 100.25, 200.375]
    assert lake.info(BTC, MINUTE_NS).conflicts == 2


def test_other_values_replace_the_stored_ones_where_that_is_asked_for(lake: Lake) -> None:
    lake.write(candles([0, 1, 2]))

    lake.write(candles([1, 2, 3], price=200.0), on_conflict=OnConflict.REPLACE)

    assert lake.read(BTC, MINUTE_NS).columns["open"].tolist() == [100.0, 200.125, 200.25, 200.375]


def test_gaps_within_and_between_months_are_known(lake: Lake) -> None:
    lake.write(candles([0, 1, 4, 5]))
    lake.write(candles([31 * 1_440, 31 * 1_440 + 2]))

    info = lake.info(BTC, MINUTE_NS)

    assert info.gaps == (
        Gap(START + 2 * MINUTE_NS, START + 4 * MINUTE_NS, 2),
        Gap(START + 6 * MINUTE_NS, START + 31 * DAY_NS, 31 * 1_440 - 6),
        Gap(START + 31 * DAY_NS + MINUTE_NS, START + 31 * DAY_NS + 2 * MINUTE_NS, 1),
    )
    assert info.rows + info.missing == (info.end - info.first) // MINUTE_NS
    assert info.gaps_within(START + 3 * MINUTE_NS, START + 4 * MINUTE_NS) == info.gaps[:1]


def test_instruments_and_timeframes_are_apart_and_listed_in_order(lake: Lake) -> None:
    eth = InstrumentId("ETHUSDT.BINANCE")
    lake.write(candles([0], instrument=eth))
    lake.write(candles([0], step=60 * MINUTE_NS))
    lake.write(candles([0]))

    listed = [(info.instrument, info.step_ns) for info in lake.series()]

    assert listed == [(BTC, MINUTE_NS), (BTC, 60 * MINUTE_NS), (eth, MINUTE_NS)]


def test_the_digest_depends_on_the_values_and_not_on_the_order_of_writing(tmp_path: Path) -> None:
    one, two, three = (Lake(tmp_path / name) for name in ("one", "two", "three"))
    one.write(candles([0, 1, 2, 50_000]))
    two.write(candles([50_000]))
    two.write(candles([1]))
    two.write(candles([0, 2]))
    three.write(candles([0, 1, 2, 50_000], price=100.000001))

    digests = [lake.info(BTC, MINUTE_NS).digest for lake in (one, two, three)]

    assert digests[0] == digests[1] != digests[2]


@settings(max_examples=8)
@given(st.lists(st.sets(st.integers(0, 50_000), min_size=1, max_size=20), min_size=1, max_size=3))
def test_any_writes_come_to_their_union(
    tmp_path_factory: pytest.TempPathFactory, several: list[set[int]]
) -> None:
    lake = Lake(tmp_path_factory.mktemp("lake"))

    for minutes in several:
        lake.write(candles(sorted(minutes)))

    assert same(lake.read(BTC, MINUTE_NS), candles(sorted(set().union(*several))))


@pytest.mark.parametrize("broken", ["write_index", "settle"])
def test_a_write_that_breaks_off_stores_nothing(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    lake.write(candles([0, 1]))
    real = getattr(catalogue, broken)
    monkeypatch.setattr(catalogue, broken, _interrupted)

    with pytest.raises(KeyboardInterrupt):
        lake.write(candles([1, 2, 50_000], price=7.0))

    assert same(lake.read(BTC, MINUTE_NS), candles([0, 1]))
    monkeypatch.setattr(catalogue, broken, real)
    lake.write(candles([2]))
    assert same(lake.read(BTC, MINUTE_NS), candles([0, 1, 2]))


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_full_disk_is_said_in_one_sentence(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(catalogue, "settle", full)

    with pytest.raises(StorageError, match="STORE_DISK_FULL"):
        lake.write(candles([0]))


@pytest.mark.parametrize("damage", ["truncated", "flipped", "garbage"])
def test_a_damaged_file_is_never_read_as_candles(lake: Lake, damage: str) -> None:
    lake.write(candles(list(range(1_000))))
    (path,) = series_folder(lake).glob("*.parquet")
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        content = content[: len(content) // 2]
    elif damage == "flipped":
        content[len(content) // 2] ^= 1
    else:
        content = bytearray(b"no parquet")
    path.write_bytes(content)

    with pytest.raises(StorageError, match="LAKE_FILE_DAMAGED"):
        lake.read(BTC, MINUTE_NS)
    assert len(lake.verify(BTC, MINUTE_NS)) == 1


def test_a_missing_file_is_said_in_one_sentence(lake: Lake) -> None:
    lake.write(candles([0]))
    next(series_folder(lake).glob("*.parquet")).unlink()

    with pytest.raises(StorageError, match="STORE_CANNOT_OPEN"):
        lake.read(BTC, MINUTE_NS)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "LAKE_INDEX_DAMAGED"),
        (b'{"version": 1, "instrument": "X"}', "LAKE_INDEX_DAMAGED"),
        (b'{"version": 2, "months": {}}', "LAKE_FROM_THE_FUTURE"),
        (
            b'{"version": 1, "instrument": "ETHUSDT.BINANCE", "step_ns": 60000000000}',
            "LAKE_INDEX_DAMAGED",
        ),
    ],
)
def test_an_index_that_cannot_be_understood_is_refused(
    lake: Lake, content: bytes, code: str
) -> None:
    lake.write(candles([0]))
    (series_folder(lake) / "index.json").write_bytes(content)

    with pytest.raises(StorageError, match=code):
        lake.read(BTC, MINUTE_NS)


def test_an_index_is_made_again_from_its_files(lake: Lake) -> None:
    lake.write(candles([0, 1, 50_000]), sources=[SOURCE])
    before = lake.info(BTC, MINUTE_NS)
    (series_folder(lake) / "index.json").unlink()

    after = lake.rebuild(BTC, MINUTE_NS)

    assert (after.digest, after.gaps, after.rows) == (before.digest, before.gaps, before.rows)
    assert same(lake.read(BTC, MINUTE_NS), candles([0, 1, 50_000]))


def test_a_second_writer_is_refused_and_readers_are_not(lake: Lake) -> None:
    lake.write(candles([0]))
    other = (
        "import sys; from pathlib import Path; from botcore.storage.lake import Lake\n"
        "with Lake(Path(sys.argv[1])).writing(): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", other, str(lake.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"

        with pytest.raises(StorageError, match=f"process {holder.pid}.*LAKE_BUSY"):
            lake.write(candles([1]))
        assert len(lake.read(BTC, MINUTE_NS)) == 1

    lake.write(candles([1]))
    assert len(lake.read(BTC, MINUTE_NS)) == 2


def test_a_reader_sees_the_old_candles_or_the_new_ones(lake: Lake) -> None:
    lake.write(candles([0], price=0.0))
    seen: list[list[float]] = []
    done = threading.Event()

    def read() -> None:
        reader = Lake(lake.folder)
        while not done.is_set():
            seen.append(reader.read(BTC, MINUTE_NS).columns["open"].tolist())

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for price in range(1, 20):
            lake.write(candles([0, 50_000], price=float(price)), on_conflict=OnConflict.REPLACE)
    finally:
        done.set()
        thread.join()

    whole = [[0.0], *([float(price), price + 6_250.0] for price in range(1, 20))]
    assert seen
    assert all(each in whole for each in seen)


def test_a_removed_series_is_gone_and_its_neighbour_stays(lake: Lake) -> None:
    lake.write(candles([0, 1]))
    lake.write(candles([0], step=60 * MINUTE_NS))

    assert lake.remove(BTC, MINUTE_NS).rows == 2

    assert [info.step_ns for info in lake.series()] == [60 * MINUTE_NS]
    lake.remove(BTC, 60 * MINUTE_NS)
    assert not (lake.folder / BTC).exists()


def test_a_series_that_is_not_there_is_named_beside_those_that_are(lake: Lake) -> None:
    lake.write(candles([0]))

    with pytest.raises(DataError, match=r"SERIES_UNKNOWN.*BTCUSDT\.BINANCE 1m"):
        lake.read(BTC, 60 * MINUTE_NS)
    assert not lake.has(BTC, 60 * MINUTE_NS)


@pytest.mark.parametrize("fault", ["unsorted", "repeated", "off grid", "nan"])
def test_candles_that_were_not_validated_are_refused(lake: Lake, fault: str) -> None:
    wrong = candles([0, 1, 2])
    if fault == "unsorted":
        wrong = wrong.rows(np.array([0, 2, 1]))
    elif fault == "repeated":
        wrong = wrong.rows(np.array([0, 1, 1]))
    elif fault == "off grid":
        wrong.ts_open[2] += 1
    else:
        wrong.columns["close"][1] = float("nan")

    with pytest.raises(DataError, match="CANDLES_UNSOUND"):
        lake.write(wrong)
    assert lake.series() == ()


def test_what_is_odd_is_remembered_until_candles_come_in(lake: Lake) -> None:
    dead = candles(list(range(10)))
    dead.columns["volume"][:] = 0.0
    lake.write(dead)

    assessed = lake.assess(BTC, MINUTE_NS)
    lake.write(candles([11]))

    assert assessed.quality is not None
    assert assessed.quality.zero_volume == 10
    assert lake.info(BTC, MINUTE_NS).quality is None


def test_weeks_open_on_mondays(lake: Lake) -> None:
    week = 7 * DAY_NS
    monday = np.array([START + 2 * DAY_NS], np.int64)  # 2022-01-03
    columns = {name: np.ones(1) for name in FIELDS}

    lake.write(Candles(BTC, week, monday, columns))

    with pytest.raises(DataError, match="CANDLES_UNSOUND"):
        lake.write(Candles(BTC, week, monday + DAY_NS, columns))
