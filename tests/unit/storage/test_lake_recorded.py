"""What is known about recorded markets comes out of an import of their files, to the cent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from botcore.domain.calendar import parse_instant
from botcore.domain.errors import DataError
from botcore.domain.ids import MINUTE_NS, InstrumentId
from botcore.marketdata.candles import Candles
from botcore.marketdata.quality import Gap, ZeroVolumeRun
from botcore.storage.lake import Lake
from botcore.storage.lake.detecting import ImportOptions, detect
from botcore.storage.lake.importing import SeriesImport, import_files

HOUR_NS = 60 * MINUTE_NS
NOW = parse_instant("2026-11-01")


def name(symbol: str) -> InstrumentId:
    return InstrumentId(f"{symbol}.BINANCE")


def imported(folder: Path, lake: Lake) -> dict[str, SeriesImport]:
    results = import_files(
        detect(folder, ImportOptions(venue="BINANCE")),
        lake,
        now=NOW,
        progress=lambda _done, _total: None,
        tick_of=lambda _: None,
    )
    return {result.instrument: result for result in results}


def lowest(candles: Candles, start: str, end: str) -> float:
    return float(candles.between(parse_instant(start), parse_instant(end)).columns["low"].min())


def test_the_crash_of_may_2021(market_data_dir: Path, tmp_path: Path) -> None:
    lake = Lake(tmp_path)

    results = imported(market_data_dir / "crash-2021-05", lake)

    assert len(results) == 6
    btc = lake.info(name("BTCUSDT"), MINUTE_NS)
    hole = Gap(parse_instant("2021-04-25T04:01"), parse_instant("2021-04-25T08:45"), 284)
    assert btc.gaps == (hole,)
    candles = lake.read(name("BTCUSDT"), MINUTE_NS)
    assert lowest(candles, "2021-05-19T13:10", "2021-05-19T13:11") == 30_000.0


def test_the_crash_of_march_2020(market_data_dir: Path, tmp_path: Path) -> None:
    lake = Lake(tmp_path)

    results = imported(market_data_dir / "crash-2020-03", lake)

    assert [result.duplicates for result in results.values()] == [1] * 6
    assert all(not result.quarantined for result in results.values())
    assert lake.info(name("BTCUSDT"), 5 * MINUTE_NS).missing == 131


def test_years_of_hours(market_data_dir: Path, tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    place = market_data_dir / "binance-1h-long"

    imported(place / "BTC_USDT-1h.feather", lake)
    holes = lake.info(name("BTCUSDT"), HOUR_NS).gaps
    low = lowest(lake.read(name("BTCUSDT"), HOUR_NS), "2020-03-13", "2020-03-14")
    joined = imported(place / "BTC_USDT_1h.csv.gz", lake)[name("BTCUSDT")]
    imported(place / "FTT_USDT_1h.csv.gz", lake)
    ftt = lake.info(name("FTTUSDT"), HOUR_NS).quality

    assert len(holes) == 28
    assert low == 3_782.13
    assert (joined.conflicts, joined.same) == (0, 16_734)
    assert ftt is not None
    assert (ftt.zero_volume, ftt.zero_run_count) == (31_230, 1)


def test_perpetuals_and_what_lies_beside_them(market_data_dir: Path, tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    detected = detect(market_data_dir / "binance-usdm-1m-2025")

    imported(market_data_dir / "binance-usdm-1m-2025" / "ADA_USDT_USDT-1m-futures.feather", lake)

    assert len(detected.series) == 16
    assert all("perpetuals are not tradable yet" in why for _, why in detected.skipped)
    assert lake.info(name("ADAUSDT-PERP"), MINUTE_NS).rows == 43_199


@pytest.mark.parametrize(
    "place",
    [
        "funding-rates",
        "funding-rates/BTC-USDT/BTC-USDT_binance_2020-01-01_2024-01-01_funding_history.csv",
        "funding-rates/BTC_USDT_USDT-8h-mark.feather",
        "raw-freqtrade/XRP_ETH-trades.feather",
    ],
)
def test_what_is_no_candles_is_refused(market_data_dir: Path, place: str) -> None:
    with pytest.raises(DataError):
        detect(market_data_dir / place)


def test_a_month_of_text_stamps_without_a_zone(market_data_dir: Path, tmp_path: Path) -> None:
    path = market_data_dir / "raw-nautilus/tests/test_data/btc-perp-20211231-20220201_1m.csv"
    lake = Lake(tmp_path)
    asked = {question.option for question in detect(path).questions}
    said = ImportOptions(instrument="BTCUSD-PERP.FTX", timeframe="1m", zone="UTC")

    (result,) = import_files(
        detect(path, said),
        lake,
        now=NOW,
        progress=lambda _done, _total: None,
        tick_of=lambda _: None,
    )

    assert asked == {"instrument", "zone"}
    first = lake.info(InstrumentId("BTCUSD-PERP.FTX"), MINUTE_NS).first
    assert first == parse_instant("2021-12-31T23:01")
    assert result.added > 44_000


@pytest.mark.slow
def test_eighteen_months_of_three_instruments(market_data_dir: Path, tmp_path: Path) -> None:
    lake = Lake(tmp_path)

    results = imported(market_data_dir / "binance-spot-1m", lake)

    added = {str(each)[:3]: result.added for each, result in results.items()}
    assert added == {"BTC": 786_160, "ETH": 786_160, "SOL": 786_159}
    outage = Gap(parse_instant("2023-03-24T12:40"), parse_instant("2023-03-24T14:00"), 80)
    dead = ZeroVolumeRun(parse_instant("2023-03-24T11:28"), outage.start, 72)
    minute = parse_instant("2023-02-14T16:39")
    for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
        info = lake.info(name(symbol), MINUTE_NS)
        assert info.gaps[-1] == outage
        assert info.quality is not None
        assert dead in info.quality.zero_runs
    assert lake.info(name("BTCUSDT"), MINUTE_NS).gaps == (outage,)
    sol = lake.info(name("SOLUSDT"), MINUTE_NS)
    assert sol.gaps == (Gap(minute, minute + MINUTE_NS, 1), outage)
    candles = lake.read(name("BTCUSDT"), MINUTE_NS)
    assert lowest(candles, "2022-05-12", "2022-05-13") == 26_700.0
    assert lowest(candles, "2022-06-18", "2022-06-19") == 17_622.0
    assert lowest(candles, "2022-11-09", "2022-11-10") == 15_588.0
    assert lowest(candles, "2023-03-10", "2023-03-11") == 19_549.09
    assert (np.diff(candles.ts_open) % MINUTE_NS == 0).all()
