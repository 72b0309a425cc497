"""A newcomer's way from recorded files to a report and its parity, by the command line alone."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from tests.support.platform_process import PlatformProcess

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
DAYS = ("2022-05-09", "2022-05-10", "2022-05-11", "2022-05-12")


@pytest.fixture
def archives(tmp_path: Path, market_data_dir: Path) -> Path:
    """Four days of two symbols, as the exchange publishes them."""
    folder = tmp_path / "archives"
    folder.mkdir()
    for symbol in ("BTCUSDT", "ETHUSDT"):
        for day in DAYS:
            name = f"{symbol}-1m-{day}.zip"
            shutil.copy(market_data_dir / "binance-spot-1m" / name, folder / name)
    return folder


def well(platform: PlatformProcess, *words: str) -> str:
    done = platform.verb(*words)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout


def test_from_files_to_a_backtest_its_report_and_its_parity(tmp_path: Path, archives: Path) -> None:
    home = PlatformProcess(tmp_path / "home")

    well(home, "data", "import", str(archives), "--yes")
    assert "BTCUSDT.BINANCE" in well(home, "data", "list")
    assert "all is well" in well(home, "data", "check")
    words = "backtest ema-cross grid --instrument BTCUSDT.BINANCE --instrument ETHUSDT.BINANCE"
    dates = "--timeframe 5m --from 2022-05-10 --to 2022-05-12T12:00"
    printed = well(home, *words.split(), *dates.split(), "--param", "ema-cross.no_trade_bps=0")
    well(home, "replay", "last")
    compared = well(home, "parity", "1", "2")

    assert "buy and hold" in printed
    assert "no difference" in compared
    folder = next((tmp_path / "home" / "runs").glob("0001-*"))
    report = json.loads((folder / "report.json").read_text())
    metrics = {each["key"]: each for each in report["metrics"]}
    trades = list(csv.DictReader((folder / "trades.csv").read_text().splitlines()))
    assert metrics["orders"]["value"] > 10
    closed = [trade for trade in trades if trade["state"] == "closed"]
    assert len(closed) == metrics["trips"]["value"] > 0
    page = (folder / "report.html").read_text()
    assert report["fingerprint"] in page
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert "https://" not in page


@pytest.mark.parametrize("kind", ["signal", "event", "rules"])
def test_a_strategy_of_ones_own_is_written_checked_and_run(
    tmp_path: Path, archives: Path, kind: str
) -> None:
    home = PlatformProcess(tmp_path / "home")
    well(home, "data", "import", str(archives), "--yes")

    well(home, "strategy", "new", "mine", "--kind", kind)
    assert "mine" in well(home, "strategy", "list")
    well(home, "strategy", "show", "mine")
    well(home, "strategy", "check", "mine", "--instrument", "BTCUSDT.BINANCE")
    printed = well(home, "backtest", "mine", "--instrument", "BTCUSDT.BINANCE")
    well(home, "replay")

    assert "mine" in printed.splitlines()[0]
    assert "no difference" in well(home, "parity", "1", "2")
