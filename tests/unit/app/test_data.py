"""What `botcore data` does, on a home of its own."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from botcore.app import data
from botcore.domain.errors import ConfigError, StorageError
from botcore.domain.ids import MINUTE_NS
from botcore.kernel.clock import ManualClock

START_MS = 1_640_995_200_000
CLOCK = ManualClock(1_700_000_000_000_000_000)


def nothing(_done: int, _total: int) -> None:
    """Tell nobody."""


def written(folder: Path, *, hole: bool = False, bad: bool = False) -> Path:
    path = folder / "BTCUSDT.BINANCE-1m.csv"
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["timestamp", "open", "high", "low", "close", "volume"])
        for minute in range(300):
            if not (hole and minute in range(100, 110)):
                price = "nan" if bad and minute == 5 else 100
                out.writerow([START_MS + minute * 60_000, price, 101, 99, 100.5, 3])
    return path


def bring_in(home: Path, path: Path) -> None:
    detected = data.detect(path=path, options={})
    data.bring_in(overrides={"home": home}, detected=detected, clock=CLOCK)


def check(home: Path, **said: object) -> tuple[data.Checked, ...]:
    asked = {"instrument": None, "timeframe": None, "rebuild": False, **said}
    return data.check(overrides={"home": home}, progress=nothing, **asked)  # type: ignore[arg-type]  # each is what the verb gives


def test_sound_candles_are_listed_and_raise_no_concern(tmp_path: Path) -> None:
    bring_in(tmp_path / "home", written(tmp_path))

    (info,) = data.series(overrides={"home": tmp_path / "home"})
    (checked,) = check(tmp_path / "home")

    assert (info.instrument, info.step_ns, info.rows) == ("BTCUSDT.BINANCE", MINUTE_NS, 300)
    assert checked.concerns == ()


def test_holes_and_bad_rows_are_what_a_person_should_look_at(tmp_path: Path) -> None:
    bring_in(tmp_path / "home", written(tmp_path, hole=True, bad=True))

    (checked,) = check(tmp_path / "home")

    assert checked.concerns == (
        "11 candles are missing in 2 gaps",
        "1 rows were set aside",
    )


def test_damage_is_what_a_person_should_look_at(tmp_path: Path) -> None:
    bring_in(tmp_path / "home", written(tmp_path))
    (file,) = (tmp_path / "home").rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:-9])

    (checked,) = check(tmp_path / "home")

    assert "is damaged" in checked.concerns[0]


def test_a_lost_index_is_made_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    bring_in(home, written(tmp_path))
    next(home.rglob("index.json")).unlink()

    assert check(home) == ()
    (checked,) = check(home, instrument="BTCUSDT.BINANCE", timeframe="1m", rebuild=True)

    assert checked.info.rows == 300
    with pytest.raises(ConfigError, match="SERIES_UNNAMED"):
        check(home, rebuild=True)


def test_a_series_is_looked_at_whatever_state_the_index_of_another_is_in(tmp_path: Path) -> None:
    home = tmp_path / "home"
    bring_in(home, written(tmp_path))
    broken = home / "data" / "ETHUSDT.BINANCE" / "1m"
    broken.mkdir(parents=True)
    (broken / "index.json").write_text('{"version": 2}')

    (checked,) = check(home, instrument="BTCUSDT.BINANCE", timeframe="1m", rebuild=True)

    assert checked.info.rows == 300
    with pytest.raises(StorageError, match="LAKE_FROM_THE_FUTURE"):
        check(home)


def test_a_series_that_is_not_stored_is_named_with_those_that_are(tmp_path: Path) -> None:
    bring_in(tmp_path / "home", written(tmp_path))

    with pytest.raises(ConfigError, match=r"SERIES_UNNAMED.*BTCUSDT\.BINANCE"):
        check(tmp_path / "home", instrument="ETHUSDT.BINANCE")


def export(home: Path, path: Path, kind: str = "csv") -> data.Exported:
    return data.export(
        overrides={"home": home},
        instrument="BTCUSDT.BINANCE",
        timeframe="1m",
        output=path,
        kind=kind,
        start="2022-01-01T00:10",
        end="2022-01-01T00:12",
    )


def test_a_range_is_exported_with_instants_that_say_their_zone(tmp_path: Path) -> None:
    bring_in(tmp_path / "home", written(tmp_path))

    exported = export(tmp_path / "home", tmp_path / "out.csv")

    assert exported.rows == 2
    assert (tmp_path / "out.csv").read_text().splitlines() == [
        "open_time,open,high,low,close,volume",
        "2022-01-01T00:10:00Z,100.0,101.0,99.0,100.5,3.0",
        "2022-01-01T00:11:00Z,100.0,101.0,99.0,100.5,3.0",
    ]
    with pytest.raises(ConfigError, match="FORMAT_UNKNOWN"):
        export(tmp_path / "home", tmp_path / "out.xls", kind="xls")
