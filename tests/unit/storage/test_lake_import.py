"""Files of every layout end as the same candles; what cannot be known is asked; nothing is half."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pytest

from botcore.domain.errors import BotError, ConfigError, DataError
from botcore.domain.ids import MINUTE_NS, InstrumentId
from botcore.kernel.guard import Crashed, guarded
from botcore.marketdata.candles import FIELDS, Candles
from botcore.storage.lake import Lake, OnConflict, detecting, unpacking
from botcore.storage.lake.detecting import Detected, ImportOptions, detect
from botcore.storage.lake.importing import SeriesImport, import_files

BTC = InstrumentId("BTCUSDT.BINANCE")
START_MS = 1_640_995_200_000  # 2022-01-01
NOW = 1_800_000_000_000_000_000
ROWS = 300

Row = list[object]


def rows(count: int = ROWS, *, begin: int = 0) -> list[Row]:
    """Stamp in ms, open, high, low, close, volume; prices on a tick of 0.01."""
    return [
        [START_MS + i * 60_000, 100 + i / 4, 101 + i / 4, 99 + i / 4, 100.5 + i / 4, 1.5 + i]
        for i in range(begin, begin + count)
    ]


def csv(table: list[Row], header: str = "", delimiter: str = ",", end: str = "\n") -> bytes:
    lines = ([header] if header else []) + [delimiter.join(map(str, row)) for row in table]
    return (end.join(lines) + end).encode()


def archive(table: list[Row]) -> bytes:
    """As the exchange's archives have it: twelve columns, the close of each in the seventh."""
    return csv([[*row, int(str(row[0])) + 59_999, 1.0, 5, 0.5, 0.5, 0] for row in table])


def zipped(content: bytes, name: str = "BTCUSDT-1m-2022-01.csv") -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return target.getvalue()


def scaled(factor: int) -> list[Row]:
    return [[int(str(row[0])) * factor, *row[1:]] for row in rows()]


def dated(form: str) -> list[Row]:
    return [
        [datetime.fromtimestamp(int(str(row[0])) / 1_000, UTC).strftime(form), *row[1:]]
        for row in rows()
    ]


def parquet(folder: Path) -> bytes:
    path = folder / "made.parquet"
    table = csv(dated("%Y-%m-%d %H:%M:%S+00"), "date,open,high,low,close,volume")
    (folder / "made.csv").write_bytes(table)
    duckdb.connect().execute(
        f"COPY (SELECT date::TIMESTAMP AT TIME ZONE 'UTC' AS date, open::DECIMAL(18, 4) AS open,"
        f" * EXCLUDE (date, open) FROM read_csv('{folder}/made.csv')) TO '{path}'"
    )
    content = path.read_bytes()
    path.unlink()
    (folder / "made.csv").unlink()
    return content


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "data")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "binance-files"
    folder.mkdir()
    return folder


def brought_in(
    path: Path, lake: Lake, options: ImportOptions | None = None, *, now: int = NOW
) -> SeriesImport:
    (result,) = take(detect(path, options), lake, now=now)
    return result


def take(
    detected: Detected,
    lake: Lake,
    *,
    now: int = NOW,
    on_conflict: OnConflict = OnConflict.KEEP,
    tick: Decimal | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[SeriesImport, ...]:
    return import_files(
        detected,
        lake,
        now=now,
        progress=progress,
        tick_of=lambda _: tick,
        on_conflict=on_conflict,
    )


def expected(count: int = ROWS) -> Candles:
    table = np.array(rows(count), dtype=float)
    stamps = table[:, 0].astype(np.int64) * 1_000_000
    return Candles(BTC, MINUTE_NS, stamps, {n: table[:, i + 1] for i, n in enumerate(FIELDS)})


def is_stored(lake: Lake, wanted: Candles) -> bool:
    found = lake.read(BTC, MINUTE_NS)
    return np.array_equal(found.ts_open, wanted.ts_open) and all(
        np.array_equal(found.columns[name], wanted.columns[name]) for name in FIELDS
    )


HEADER = "timestamp,open,high,low,close,volume"
LAYOUTS: dict[str, tuple[str, Callable[[Path], bytes]]] = {
    "archive": ("BTCUSDT-1m-2022-01.zip", lambda _: zipped(archive(rows()))),
    "csv": ("BTCUSDT-1m.csv", lambda _: csv(rows())),
    "header": ("BTC_USDT-1m.csv", lambda _: csv(rows(), HEADER)),
    "crlf": ("BTCUSDT-1m.csv", lambda _: csv(rows(), HEADER, end="\r\n")),
    "marked": ("BTCUSDT-1m.csv", lambda _: b"\xef\xbb\xbf" + csv(rows(), HEADER)),
    "semicolon": ("BTCUSDT-1m.csv", lambda _: csv(rows(), HEADER.replace(",", ";"), ";")),
    "text column": (
        "BTC_USDT_1m.csv.gz",
        lambda _: gzip.compress(
            csv(
                [[*a, b[0]] for a, b in zip(rows(), dated("%Y-%m-%d %H:%M:%S"), strict=True)],
                HEADER + ",datetime",
            )
        ),
    ),
    "seconds": (
        "BTCUSDT-1m.csv",
        lambda _: csv([[int(str(row[0])) // 1_000, *row[1:]] for row in rows()], HEADER),
    ),
    "microseconds": ("BTCUSDT-1m.csv", lambda _: csv(scaled(1_000), HEADER)),
    "nanoseconds": ("BTCUSDT-1m.csv", lambda _: csv(scaled(1_000_000), HEADER)),
    "iso": ("BTCUSDT-1m.csv", lambda _: csv(dated("%Y-%m-%dT%H:%M:%SZ"), HEADER)),
    "offset": ("BTCUSDT-1m.csv", lambda _: csv(dated("%Y-%m-%d %H:%M:%S+00:00"), HEADER)),
    "json": ("BTC_USDT-1m.json", lambda _: json.dumps(rows()).encode()),
    "json.gz": ("BTC_USDT-1m.json.gz", lambda _: gzip.compress(json.dumps(rows()).encode())),
    "json of text": (
        "BTCUSDT-1m.json",
        lambda _: json.dumps([[row[0], *map(str, row[1:])] for row in rows()]).encode(),
    ),
    "json objects": (
        "BTCUSDT-1m.json",
        lambda _: json.dumps(
            [dict(zip(HEADER.split(","), row, strict=True)) for row in rows()]
        ).encode(),
    ),
    "parquet": ("BTCUSDT-1m.parquet", parquet),
    "renamed zip": ("BTCUSDT-1m.csv", lambda _: zipped(archive(rows()))),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_ends_as_the_same_candles(layout: str, place: Path, lake: Lake) -> None:
    name, made = LAYOUTS[layout]
    (place / name).write_bytes(made(place))

    result = brought_in(place / name, lake)

    assert (result.instrument, result.step_ns) == (BTC, MINUTE_NS)
    assert (result.added, dict(result.quarantined)) == (ROWS, {})
    assert is_stored(lake, expected())


def test_what_was_detected_is_told_with_how_it_is_known(place: Path) -> None:
    path = place / "BTCUSDT-1m-2022-01.zip"
    path.write_bytes(zipped(archive(rows())))

    (series,) = detect(path).series

    told = {known.what: (known.value, known.how) for known in series.known}
    assert told["instrument"][0] == "BTCUSDT.BINANCE"
    assert told["timeframe"] == ("1m", "the file's name and the distance of the stamps")
    assert told["unit"] == ("ms", "the size of the numbers")
    assert told["time zone"] == ("UTC", "they count from 1970-01-01 UTC")
    assert told["stamp"] == ("open", "the file has the close in a column of its own")
    assert series.sample[0][:2] == (str(START_MS), "100.0")


def test_an_import_of_the_same_file_again_does_nothing(place: Path, lake: Lake) -> None:
    path = place / "BTCUSDT-1m.csv"
    path.write_bytes(csv(rows()))
    brought_in(path, lake)

    again = brought_in(path, lake)

    assert (again.files, again.skipped, again.added) == (0, 1, 0)
    assert len(lake.info(BTC, MINUTE_NS).sources) == 1


def test_the_same_candles_from_another_file_change_nothing(place: Path, lake: Lake) -> None:
    (place / "BTCUSDT-1m.csv").write_bytes(csv(rows()))
    (place / "BTC_USDT-1m.json").write_bytes(json.dumps(rows()).encode())
    brought_in(place / "BTCUSDT-1m.csv", lake)
    digest = lake.info(BTC, MINUTE_NS).digest

    again = brought_in(place / "BTC_USDT-1m.json", lake)

    assert (again.added, again.same, again.conflicts) == (0, ROWS, 0)
    assert lake.info(BTC, MINUTE_NS).digest == digest


def test_other_values_are_counted_and_win_only_where_that_is_asked_for(
    place: Path, lake: Lake
) -> None:
    path = place / "BTCUSDT-1m.csv"
    path.write_bytes(csv(rows()))
    brought_in(path, lake)
    corrected = rows()
    corrected[7][4] = 101.0
    path.write_bytes(csv(corrected))

    kept = brought_in(path, lake)
    (won,) = take(detect(path), lake, on_conflict=OnConflict.REPLACE)

    assert (kept.conflicts, won.conflicts) == (1, 1)
    assert lake.read(BTC, MINUTE_NS).columns["close"][7] == 101.0


def test_a_folder_of_days_is_one_series_and_goes_on_where_it_was_interrupted(
    place: Path, lake: Lake
) -> None:
    for day in range(29, 35):
        month, date = (1, day) if day <= 31 else (2, day - 31)
        table = rows(1_440, begin=(day - 1) * 1_440)
        name = f"BTCUSDT-1m-2022-{month:02}-{date:02}.zip"
        (place / name).write_bytes(zipped(archive(table)))
    (place / "README.md").write_text("not data")

    def stop(done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take(detect(place), lake, progress=stop)
    interrupted = lake.info(BTC, MINUTE_NS)
    result = brought_in(place, lake)

    assert interrupted.rows == 3 * 1_440
    assert (result.skipped, result.files) == (3, 3)
    assert lake.info(BTC, MINUTE_NS).rows == 6 * 1_440
    assert lake.info(BTC, MINUTE_NS).gaps == ()


def test_a_folder_of_several_instruments_is_one_import(place: Path, lake: Lake) -> None:
    for symbol in ("BTC_USDT", "ETH_USDT"):
        (place / f"{symbol}-1m.json").write_bytes(json.dumps(rows()).encode())
    (place / "ETH_USDT_USDT-1m-futures.csv").write_bytes(csv(rows(), HEADER))
    (place / "ETH_USDT_USDT-8h-funding_rate.csv").write_bytes(csv(rows(), HEADER))
    (place / "broken-1m.json").write_bytes(b"[[1,2")

    detected = detect(place)
    results = take(detected, lake)

    names = ["BTCUSDT.BINANCE", "ETHUSDT.BINANCE", "ETHUSDT-PERP.BINANCE"]
    assert [str(result.instrument) for result in results] == names
    assert {name for name, _ in detected.skipped} == {
        "ETH_USDT_USDT-8h-funding_rate.csv",
        "broken-1m.json",
    }


def test_one_instrument_cannot_be_said_of_several(place: Path) -> None:
    for symbol in ("BTC_USDT", "ETH_USDT"):
        (place / f"{symbol}-1m.json").write_bytes(json.dumps(rows()).encode())

    with pytest.raises(ConfigError, match="INSTRUMENT_OF_SEVERAL"):
        detect(place, ImportOptions(instrument="BTCUSDT.BINANCE"))


@pytest.mark.parametrize(
    ("name", "content", "code", "answer"),
    [
        ("BTC_USDT-1m.json", json.dumps(rows()).encode(), "VENUE_UNTOLD", {"venue": "binance"}),
        ("prices.csv", csv(rows(), HEADER), "INSTRUMENT_UNTOLD", {"instrument": str(BTC)}),
        (
            "BTCUSDT.BINANCE-5m.csv",
            csv(rows(), HEADER),
            "TIMEFRAME_DISAGREES",
            {"timeframe": "1m"},
        ),
        (
            "BTCUSDT.BINANCE-1m.csv",
            csv(dated("%Y-%m-%d %H:%M:%S"), HEADER),
            "ZONE_UNTOLD",
            {"zone": "UTC"},
        ),
    ],
)
def test_what_cannot_be_known_is_asked_and_an_answer_is_enough(
    tmp_path: Path, lake: Lake, name: str, content: bytes, code: str, answer: dict[str, str]
) -> None:
    (tmp_path / "x").mkdir()
    path = tmp_path / "x" / name
    path.write_bytes(content)
    detected = detect(path)

    assert [question.code for question in detected.questions] == [code]
    with pytest.raises(DataError, match=code):
        take(detected, lake)
    assert lake.series() == ()

    brought_in(path, lake, ImportOptions(**answer))
    assert is_stored(lake, expected())


@pytest.mark.parametrize(
    ("zone", "shift_h"), [("+03:00", 3), ("Europe/Istanbul", 3), ("-05:30", -5.5)]
)
def test_stamps_of_another_zone_are_put_right(
    place: Path, lake: Lake, zone: str, shift_h: float
) -> None:
    path = place / "BTCUSDT-1m.csv"
    local = [
        [
            datetime.fromtimestamp(int(str(row[0])) / 1_000 + shift_h * 3_600, UTC).isoformat(" ")[
                :19
            ],
            *row[1:],
        ]
        for row in rows()
    ]
    path.write_bytes(csv(local, HEADER))

    brought_in(path, lake, ImportOptions(zone=zone))

    assert is_stored(lake, expected())


def test_e11_a_stamp_at_the_close_is_put_at_the_open(place: Path, lake: Lake) -> None:
    path = place / "BTCUSDT-1m.csv"
    path.write_bytes(csv([[int(str(row[0])) + 60_000, *row[1:]] for row in rows()], HEADER))

    brought_in(path, lake, ImportOptions(stamp="close"))

    assert is_stored(lake, expected())


def test_e11_the_last_millisecond_of_a_candle_is_its_close_too(place: Path, lake: Lake) -> None:
    path = place / "BTCUSDT-1m.csv"
    path.write_bytes(csv([[int(str(row[0])) + 59_999, *row[1:]] for row in rows()], HEADER))

    brought_in(path, lake, ImportOptions(stamp="close"))

    assert is_stored(lake, expected())


def test_another_order_of_columns_can_be_said(place: Path, lake: Lake) -> None:
    path = place / "BTCUSDT-1m.csv"
    path.write_bytes(csv([[row[0], row[4], row[2], row[3], row[1], "x", row[5]] for row in rows()]))

    with pytest.raises(DataError, match="COLUMNS_UNKNOWN"):
        detect(path)
    brought_in(path, lake, ImportOptions(columns="ts,close,high,low,open,other,volume"))

    assert is_stored(lake, expected())


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"columns": "ts,open"}, "COLUMNS_REFUSED"),
        ({"columns": "ts,open,high,low,close,x,volume"}, "COLUMNS_REFUSED"),
        ({"unit": "hours"}, "UNIT_REFUSED"),
        ({"zone": "Mars/Olympus"}, "ZONE_UNKNOWN"),
        ({"stamp": "middle"}, "STAMP_REFUSED"),
        ({"timeframe": "1x"}, "STEP_MALFORMED"),
        ({"instrument": "btc"}, "INSTRUMENT_MALFORMED"),
        ({"venue": "?"}, "INSTRUMENT_MALFORMED"),
    ],
)
def test_an_option_that_cannot_be_is_refused(place: Path, said: dict[str, str], code: str) -> None:
    path = place / "BTCUSDT-1m.csv"
    path.write_bytes(csv(rows()))

    with pytest.raises(ConfigError, match=code):
        detect(path, ImportOptions(**said))


def truncated_gzip() -> bytes:
    content = gzip.compress(csv(rows()))
    return content[: len(content) // 2]


def several() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        file.writestr("a.csv", "1")
        file.writestr("b.csv", "2")
    return target.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("BTCUSDT-1m.csv", b"", "FILE_EMPTY"),
        ("BTCUSDT-1m.csv", b"\n\n", "FILE_EMPTY"),
        ("BTCUSDT-1m.csv", HEADER.encode(), "FILE_EMPTY"),
        ("BTCUSDT-1m.json", b"[]", "FILE_EMPTY"),
        ("BTCUSDT-1m.csv", b"<!DOCTYPE html><html>404</html>", "FILE_IS_A_WEB_PAGE"),
        ("BTCUSDT-1m.csv", b"<!-- portal --><body>Sign in</body>", "FILE_IS_A_WEB_PAGE"),
        ("BTCUSDT-1m.csv", b"<Error><Code>NoSuchKey</Code></Error>", "FILE_IS_A_WEB_PAGE"),
        ("BTCUSDT-1m.csv", csv(rows(), HEADER, end="\r"), "FILE_DAMAGED"),
        ("BTCUSDT-1m.csv", b"a" * 200_000, "FILE_DAMAGED"),
        ("BTCUSDT-1m.json", b"[[]]", "COLUMNS_UNKNOWN"),
        ("BTCUSDT-1m.csv", csv([[*r, 1] for r in rows()], HEADER + ",open"), "COLUMNS_UNKNOWN"),
        ("BTCUSDT-1m.zip", zipped(archive(rows()))[:-40], "FILE_DAMAGED"),
        ("BTCUSDT-1m.zip", zipped(zipped(archive(rows()))), "ARCHIVE_IN_ARCHIVE"),
        ("BTCUSDT-1m.zip", several(), "ARCHIVE_NOT_ONE_FILE"),
        ("BTCUSDT-1m.csv.gz", truncated_gzip(), "FILE_DAMAGED"),
        ("BTCUSDT-1m.json", b'[[1,2,3],["x"', "FILE_DAMAGED"),
        ("BTCUSDT-1m.json", b'{"a": 1}', "LAYOUT_UNKNOWN"),
        ("BTCUSDT-1m.feather", b"ARROW1\0\0 cut off", "FILE_DAMAGED"),
        ("BTCUSDT-1m.feather", b"ARROW1\0\0 garbage ARROW1", "FILE_DAMAGED"),
        ("BTCUSDT-1m.feather", b"FEA1 old", "LAYOUT_UNKNOWN"),
        ("BTCUSDT-1m.parquet", b"PAR1 cut off", "FILE_DAMAGED"),
        ("BTCUSDT-1m.csv", b"\x7fELF\x00\x01", "LAYOUT_UNKNOWN"),
        ("BTCUSDT-1m.csv", "ts,öpen\n1,2\n".encode("latin-1"), "LAYOUT_UNKNOWN"),
        ("BTCUSDT-1m.csv", csv(rows(), "a,b,c,d,e,f"), "COLUMNS_UNKNOWN"),
        ("BTCUSDT-1m.csv", csv([row[:5] for row in rows()]), "COLUMNS_UNKNOWN"),
        ("BTCUSDT-1m.csv", csv([[i, *row[1:]] for i, row in enumerate(rows())]), "STAMPS_UNKNOWN"),
        ("BTC-8h-funding_rate.csv", csv(rows(), HEADER), "NOTHING_TO_IMPORT"),
        ("renamed-8h.csv", b"Symbol,Date,Funding Rate\nBTC,2020-01-01 03:00:00,1\n", "NOT_CANDLES"),
        ("BTCUSDT-1M.csv", csv(rows()), "NOTHING_TO_IMPORT"),
    ],
)
def test_a_file_that_is_no_candles_is_refused_in_one_sentence(
    place: Path, name: str, content: bytes, code: str
) -> None:
    (place / name).write_bytes(content)

    with pytest.raises(DataError, match=code) as caught:
        detect(place / name)
    assert "\n" not in str(caught.value)


def test_a_large_file_is_refused_for_its_header_and_not_read_to_its_end(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> None:
        raise AssertionError("the rows were read")

    monkeypatch.setattr(detecting, "read_tables", read)
    (place / "BTCUSDT-1m.csv").write_bytes(b"id,side,size\n" + b"1,buy,2\n" * 100)

    with pytest.raises(DataError, match="COLUMNS_UNKNOWN"):
        detect(place / "BTCUSDT-1m.csv")


@pytest.mark.parametrize("packed", [zipped, gzip.compress])
def test_a_bomb_is_refused_before_it_unfolds(
    place: Path, monkeypatch: pytest.MonkeyPatch, packed: Callable[[bytes], bytes]
) -> None:
    monkeypatch.setattr(unpacking, "BYTES_MOST", 100_000)
    (place / "BTCUSDT-1m.zip").write_bytes(packed(bytes(1_000_000)))

    with pytest.raises(DataError, match="FILE_TOO_LARGE"):
        detect(place / "BTCUSDT-1m.zip")


def test_a_missing_file_and_an_empty_folder_are_said(place: Path) -> None:
    with pytest.raises(DataError, match="FILE_MISSING"):
        detect(place / "none.csv")
    with pytest.raises(DataError, match="NOTHING_TO_IMPORT"):
        detect(place)


def test_stamps_with_and_without_a_zone_in_one_file_are_refused(place: Path) -> None:
    mixed = dated("%Y-%m-%dT%H:%M:%SZ")
    mixed[5][0] = str(mixed[5][0]).removesuffix("Z")
    (place / "BTCUSDT-1m.csv").write_bytes(csv(mixed, HEADER))

    with pytest.raises(DataError, match="ZONES_MIXED"):
        detect(place / "BTCUSDT-1m.csv")


BAD: dict[str, tuple[Row, str]] = {
    "nan": ([START_MS + 60_000, "nan", 2, 1, 1.5, 1], "a value is missing or not a number"),
    "text": ([START_MS + 60_000, "abc", 2, 1, 1.5, 1], "a value is missing or not a number"),
    "empty": ([START_MS + 60_000, "", 2, 1, 1.5, 1], "a value is missing or not a number"),
    "negative": ([START_MS + 60_000, -1, 2, -1, 1.5, 1], "a price is zero or negative"),
    "seconds": (
        [START_MS // 1_000 + 60, 1, 2, 1, 1.5, 1],
        "its stamp is in another unit, before 2009 or in the future",
    ),
    "short": ([START_MS + 60_000, 1, 2], "not as many values as columns"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_row_is_kept_apart_with_its_reason(place: Path, lake: Lake, kind: str) -> None:
    bad, reason = BAD[kind]
    table = rows()
    table[1] = bad
    (place / "BTCUSDT-1m.csv").write_bytes(csv(table, HEADER))

    result = brought_in(place / "BTCUSDT-1m.csv", lake)

    assert dict(result.quarantined) == {reason: 1}
    assert dict(lake.info(BTC, MINUTE_NS).quarantined) == {reason: 1}
    (aside,) = (lake.folder / BTC / "1m" / "quarantine").glob("*.csv")
    lines = aside.read_text().splitlines()
    assert lines[0] == "file,row,reason,ts_open,open,high,low,close,volume"
    assert lines[1].startswith("BTCUSDT-1m.csv,2,")
    assert len(lines) == 2


@pytest.mark.parametrize("odd", [True, [1], {"at": 1}])
def test_what_json_has_in_place_of_a_price_is_no_price(
    place: Path, lake: Lake, odd: object
) -> None:
    table = rows()
    table[1] = [table[1][0], odd, odd, odd, odd, 1]
    (place / "BTCUSDT-1m.json").write_bytes(json.dumps(table).encode())

    result = brought_in(place / "BTCUSDT-1m.json", lake)

    assert dict(result.quarantined) == {"a value is missing or not a number": 1}


def test_an_infinite_price_is_set_aside_without_a_word_of_numpy(place: Path, lake: Lake) -> None:
    table = rows()
    table[1] = [table[1][0], 100, "inf", 99, 100, 1]
    (place / "BTCUSDT-1m.csv").write_bytes(csv(table, HEADER))

    (result,) = take(detect(place / "BTCUSDT-1m.csv"), lake, tick=Decimal("0.01"))

    assert dict(result.quarantined) == {"a value is missing or not a number": 1}


@pytest.mark.parametrize("title", ["https://www.example.org", "# exported, by a program", "\n"])
def test_lines_above_the_header_are_looked_past(place: Path, lake: Lake, title: str) -> None:
    content = title.encode() + b"\n" + csv(rows(), HEADER)
    (place / "BTCUSDT-1m.csv").write_bytes(content)

    result = brought_in(place / "BTCUSDT-1m.csv", lake)

    assert (result.added, dict(result.quarantined)) == (ROWS, {})


def test_what_an_import_that_was_killed_has_not_looked_at_the_next_one_does(
    place: Path, lake: Lake
) -> None:
    (place / "BTCUSDT-1m.csv").write_bytes(csv(rows(), HEADER))

    def stop(done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take(detect(place), lake, progress=stop)
    before = lake.info(BTC, MINUTE_NS).quality
    brought_in(place / "BTCUSDT-1m.csv", lake)

    assert before is None
    assert lake.info(BTC, MINUTE_NS).quality is not None


def test_a_file_with_too_many_bad_rows_is_refused_whole(place: Path, lake: Lake) -> None:
    table = rows()
    for i in range(0, 40, 10):
        table[i][1] = "nan"
    (place / "BTCUSDT-1m.csv").write_bytes(csv(table, HEADER))
    detected = detect(place / "BTCUSDT-1m.csv")

    with pytest.raises(DataError, match=r"4 of 300 rows.*FILE_REFUSED"):
        take(detected, lake)
    assert lake.series() == ()
    assert not (lake.folder / BTC).exists()


def test_a_bad_file_among_many_stops_the_import_after_whole_months(place: Path, lake: Lake) -> None:
    for month, begin in ((1, 0), (2, 31 * 1_440), (3, 59 * 1_440)):
        name = f"BTCUSDT-1m-2022-{month:02}.zip"
        content = zipped(archive(rows(begin=begin)))
        (place / name).write_bytes(content if month != 2 else content[:-30])

    with pytest.raises(DataError, match=r"BTCUSDT-1m-2022-02\.zip is damaged"):
        brought_in(place, lake)

    assert lake.info(BTC, MINUTE_NS).rows == ROWS


def test_a_history_is_not_left_out_because_its_first_file_is_broken(place: Path) -> None:
    for month in (1, 2):
        content = zipped(archive(rows()))
        name = f"BTCUSDT-1m-2022-{month:02}.zip"
        (place / name).write_bytes(content[:-30] if month == 1 else content)
    (place / "ETHUSDT-1m-2022-01.zip").write_bytes(zipped(archive(rows())))

    with pytest.raises(DataError, match="FILE_DAMAGED"):
        detect(place)


def test_microseconds_in_later_archives_are_told_file_by_file(place: Path, lake: Lake) -> None:
    late = [[int(str(row[0])) * 1_000, *row[1:]] for row in rows(begin=31 * 1_440)]
    late = [[*row, int(str(row[0])) + 59_999_999, 1.0, 5, 0.5, 0.5, 0] for row in late]
    (place / "BTCUSDT-1m-2022-01.zip").write_bytes(zipped(archive(rows())))
    (place / "BTCUSDT-1m-2022-02.zip").write_bytes(zipped(csv(late)))

    brought_in(place, lake)

    stamps = lake.read(BTC, MINUTE_NS).ts_open
    assert stamps[-1] == (START_MS + (31 * 1_440 + ROWS - 1) * 60_000) * 1_000_000


def test_e12_the_candle_that_is_still_forming_is_left_out(place: Path, lake: Lake) -> None:
    (place / "BTCUSDT-1m.csv").write_bytes(csv(rows()))
    now = (START_MS + (ROWS - 1) * 60_000 + 30_000) * 1_000_000

    result = brought_in(place / "BTCUSDT-1m.csv", lake, now=now)

    assert (result.added, result.unfinished) == (ROWS - 1, 1)


def test_prices_off_the_tick_are_set_aside(place: Path, lake: Lake) -> None:
    table = rows()
    table[3][1] = 100.753
    (place / "BTCUSDT-1m.csv").write_bytes(csv(table))

    (result,) = take(detect(place / "BTCUSDT-1m.csv"), lake, tick=Decimal("0.01"))

    assert dict(result.quarantined) == {"a price is off the instrument's tick": 1}


def test_what_was_exported_by_name_is_read_back(place: Path, lake: Lake, tmp_path: Path) -> None:
    from botcore.storage.lake.exporting import ExportFormat, export

    (place / "BTCUSDT-1m.csv").write_bytes(csv(rows()))
    brought_in(place / "BTCUSDT-1m.csv", lake)
    other = Lake(tmp_path / "other")

    for kind in ExportFormat:
        target = tmp_path / f"BTCUSDT.BINANCE-1m.{kind}"
        export(lake.read(BTC, MINUTE_NS), target, kind, lake.database)
        said = ImportOptions(zone=None if kind is ExportFormat.CSV else "UTC")
        result = brought_in(target, other, said)
        assert result.conflicts == 0
        with pytest.raises(ConfigError, match="EXPORT_REFUSED"):
            export(lake.read(BTC, MINUTE_NS), target, kind, lake.database)

    assert is_stored(other, expected())


def test_no_fault_of_a_byte_ends_in_a_traceback(place: Path) -> None:
    content = zipped(archive(rows(20)))
    rng = np.random.default_rng(7)
    path = place / "BTCUSDT-1m-2022-01.zip"
    for _ in range(60):
        broken = bytearray(content)
        for at in rng.integers(0, len(broken), 3).tolist():
            broken[at] = int(rng.integers(0, 256))
        path.write_bytes(broken)
        outcome = guarded(detect, path)
        assert not isinstance(outcome, Crashed) or isinstance(outcome.error, BotError)
