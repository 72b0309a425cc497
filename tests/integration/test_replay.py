"""A replay of a backtest's tape differs in nothing, however often it was killed on the way."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.recorded_candles import spot_days

from botcore.app import backtesting, replaying
from botcore.app.home import Home
from botcore.app.runs import Runs
from botcore.backtest.parity import Parity
from botcore.domain.errors import BotError, DataError
from botcore.storage import Store, read_journal
from botcore.storage.lake import Lake

KILLED = -9


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with one backtest: two strategies on two simulated instruments, 1,500 minutes."""
    run_backtest(tmp_path, instruments=("BTCUSDT.SIM", "ETHUSDT.SIM"), bars=1_500)
    return tmp_path


def quietly(_done: int, _total: int) -> None:
    """Nobody watches."""


def run_backtest(
    home: Path, *, instruments: tuple[str, ...], bars: int = 1_000, allow_gaps: bool = False
) -> None:
    backtesting.run(
        overrides={"home": home},
        strategies=["ema-cross", "bollinger"],
        instruments=instruments,
        step_ns=60_000_000_000,
        start=None,
        end=None,
        bars=bars,
        seed=5,
        parameters={"ema-cross.fast": 5, "ema-cross.slow": 20, "ema-cross.no_trade_bps": 0},
        cash="10000",
        equity_frac=0.2,
        fee_bps=10.0,
        slippage_bps=2.0,
        allow_gaps=allow_gaps,
        progress=quietly,
    )


def replay(home: Path, *, fresh: bool = False, speed: float | None = None) -> replaying.Replayed:
    return replaying.replay(
        overrides={"home": home}, run="last", speed=speed, fresh=fresh, progress=quietly
    )


def parity(home: Path, second: int) -> Parity:
    return backtesting.parity(overrides={"home": home}, first="1", second=str(second))


def replay_in_a_process(home: Path, failpoint: str) -> int:
    """Replay in a process of its own that kills itself at a failpoint; return its exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "botcore", "replay", "last", "--home", str(home)],
        env={**os.environ, "BOTCORE_FAILPOINT": failpoint},
        capture_output=True,
        timeout=100,
        check=False,
    )
    return done.returncode


def test_a_replay_takes_papers_way_and_differs_in_nothing(home: Path) -> None:
    done = replay(home)

    found = parity(home, done.run.record.number)
    assert found.is_empty
    assert found.is_same_tape
    assert found.sections[1].first > 10, "orders, or there is nothing to compare"
    assert (done.run.folder / "venue.db").stat().st_size > 0
    with Store(f"sqlite:///{done.run.folder / 'journal.db'}") as store:
        assert sum(1 for _ in read_journal(store)) == done.records


@pytest.mark.slow
@pytest.mark.parametrize(
    "failpoint",
    [
        "record.before:40:kill",
        "submit.committed:9:kill",
        "submit.answered:9:kill",
        "venue.written:15:kill",
        "venue.committed:15:kill",
    ],
)
def test_a_replay_that_was_killed_goes_on_and_differs_in_nothing(
    home: Path, failpoint: str
) -> None:
    assert replay_in_a_process(home, failpoint) == KILLED

    done = replay(home)

    assert done.resumed
    assert parity(home, done.run.record.number).is_empty
    source = Runs(Home(home).runs).find("1").record
    assert done.run.record.fingerprint == source.fingerprint


@pytest.mark.slow
def test_a_replay_that_was_killed_three_times_is_one_replay(home: Path) -> None:
    for failpoint in ("submit.sending:10:kill", "venue.committed:12:kill", "record.after:60:kill"):
        assert replay_in_a_process(home, failpoint) == KILLED

    done = replay(home)

    assert done.run.record.number == 2
    assert parity(home, 2).is_empty


@pytest.mark.slow
def test_what_the_venue_kept_after_a_kill_is_what_an_unbroken_replay_kept(home: Path) -> None:
    replay_in_a_process(home, "submit.answered:12:kill")
    broken = replay(home)

    whole = replay(home, fresh=True)

    assert venue_of(broken) == venue_of(whole)


def venue_of(done: replaying.Replayed) -> bytes:
    from botcore.venues.simulated import SqliteVenueStore, records

    store = SqliteVenueStore(done.run.folder / "venue.db")
    kept = store.load()
    store.close()
    assert kept is not None
    return records.encode(kept)


@pytest.mark.slow
def test_a_replay_does_not_go_on_over_a_journal_that_is_not_its_own(home: Path) -> None:
    replay_in_a_process(home, "record.after:60:kill")
    run_backtest(home, instruments=("ETHUSDT.SIM",))
    replay_in_a_process(home, "record.after:20:kill")
    first, second = (each.folder for each in Runs(Home(home).runs).all() if each.record.of)
    for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
        (second / name).unlink(missing_ok=True)
        if (first / name).exists():
            (first / name).rename(second / name)

    with pytest.raises(DataError) as refused:
        replay(home)

    assert refused.value.code == "REPLAY_DIVERGED"


def test_a_backtest_whose_data_has_changed_is_not_replayed(
    tmp_path: Path, market_data_dir: Path
) -> None:
    lake = Lake(Home(tmp_path).lake)
    candles = spot_days(market_data_dir, "BTCUSDT", "2022-01-01", 1)
    lake.write(candles)
    run_backtest(tmp_path, instruments=("BTCUSDT.BINANCE",))
    lake.remove(candles.instrument, candles.step_ns)
    candles.columns["close"][-1] += 0.01
    candles.columns["high"][-1] += 0.01
    lake.write(candles)

    with pytest.raises(DataError) as refused:
        replay(tmp_path)

    assert refused.value.code == "INPUTS_CHANGED"
    assert [run.record.kind for run in Runs(Home(tmp_path).runs).all()] == ["backtest"]


@pytest.mark.slow
def test_a_replay_of_recorded_data_with_an_outage_differs_in_nothing(
    tmp_path: Path, market_data_dir: Path
) -> None:
    lake = Lake(Home(tmp_path).lake)
    for symbol in ("BTCUSDT", "ETHUSDT"):
        lake.write(spot_days(market_data_dir, symbol, "2023-03-23", 2))
    names = ("BTCUSDT.BINANCE", "ETHUSDT.BINANCE")
    with pytest.raises(DataError) as refused:
        run_backtest(tmp_path, instruments=names)
    assert refused.value.code == "DATA_GAPS"
    assert "2023-03-24 12:40" in refused.value.cause
    run_backtest(tmp_path, instruments=names, allow_gaps=True)

    done = replay(tmp_path)

    assert parity(tmp_path, done.run.record.number).is_empty
    report = json.loads((done.run.folder / "report.json").read_text())
    assert report["holes_count"] == 2


def test_there_is_nothing_to_replay_in_an_empty_home(tmp_path: Path) -> None:
    with pytest.raises(BotError) as refused:
        replay(tmp_path)

    assert refused.value.code == "RUN_UNKNOWN"
