"""The story of the first day, as a user lives it: up, look, stop, start, and what can go wrong."""

import json
import re
import shutil
import socket
import sqlite3
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tests.support.platform_process import PlatformProcess, fetched

from botcore.app.composition import engine_config
from botcore.app.home import Home
from botcore.app.local_user import local_user
from botcore.app.market_tape import Tape
from botcore.app.restoring import restore
from botcore.app.settings import load_settings
from botcore.control.views import FeedStatus
from botcore.domain.market import BarsClosed
from botcore.domain.numbers import use_money_context
from botcore.engine import Engine
from botcore.storage import SqlJournal, Store

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240), pytest.mark.xdist_group("platform")]
BANNER = "SIMULATED MARKET – not real prices; this result says nothing about real markets"


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[PlatformProcess]:
    process = PlatformProcess(tmp_path / "home")
    yield process
    process.stop()


def quick_in(home: Path, **settings: str) -> PlatformProcess:
    """A platform with one-second bars and little history, for stories that need several bars."""
    return PlatformProcess(home, bar_s="1", history_days="0.02", **settings)


@pytest.fixture(scope="module")
def wanted_port() -> Iterator[int]:
    """A port that another program holds."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, wanted_port: int
) -> Iterator[PlatformProcess]:
    """A platform for whoever leaves it running; the port of its settings was taken."""
    process = quick_in(tmp_path_factory.mktemp("running") / "home", port=str(wanted_port))
    process.up()
    try:
        process.seen(lambda _: True, within_s=60)
        yield process
    finally:
        process.stop()


@pytest.fixture(scope="module")
def stopped_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a platform that traded and was stopped; to be copied."""
    process = quick_in(tmp_path_factory.mktemp("stopped") / "home")
    process.up()
    try:
        process.seen(lambda v: len(v.positions) > 2 and bool(v.fills), within_s=60)
        assert process.verb("stop").returncode == 0
    finally:
        process.stop()
    return process.home


@pytest.fixture
def stopped(tmp_path: Path, stopped_home: Path) -> Iterator[PlatformProcess]:
    """A platform that traded and was stopped, with a home of its own."""
    process = quick_in(shutil.copytree(stopped_home, tmp_path / "home"))
    yield process
    process.stop()


def state_hash(home: Path, *, use_snapshot: bool) -> str:
    """Return the hash of the state that a store leads to."""
    use_money_context()
    config, classes = engine_config(load_settings(home=home))
    engine = Engine(config, classes)
    with Store(Home(home).journal_url) as store, SqlJournal(store) as journal:
        restore(engine, journal, use_snapshot=use_snapshot)
    return engine.state_hash()


@pytest.mark.requirement("SCRIPT up")
def test_up_fills_within_a_minute_and_the_page_says_what_it_is(platform: PlatformProcess) -> None:
    platform.up()

    view = platform.seen(lambda v: bool(v.fills), within_s=90)

    page = platform.read().decode()
    first = view.fills[-1]
    started = view.feed.now - round(view.uptime_s * 1e9)
    assert first.ts - started < 60 * 1e9
    assert first.reason
    assert BANNER in page
    assert first.instrument in page
    assert view.feed.banner == BANNER
    assert view.feed.status is FeedStatus.LIVE
    assert {s.id for s in view.strategies} >= {"rsi", "macd", "bollinger", "ema-cross"}
    assert all(d.reason for s in view.strategies for d in s.decisions)
    assert fetched(platform.url + "livez")
    assert fetched(platform.url + "readyz")
    figures = platform.read("metrics").decode()
    assert 'botcore_reconcile_runs_total{result="ok"} 1.0' in figures
    assert "botcore_reconcile_overdue_seconds 0.0" in figures
    assert 'botcore_queue_capacity{queue="journal"} 65536.0' in figures
    assert f'botcore_md_staleness_seconds{{symbol="{first.instrument}"}}' in figures
    assert 'botcore_up_mode{account="paper",mode="starting"} 0.0' in figures
    assert re.search(r"^botcore_epoch [1-9]", figures, re.MULTILINE)


@pytest.mark.requirement("SCRIPT stop")
def test_a_stop_and_a_later_start_continue_to_the_byte(stopped: PlatformProcess) -> None:
    from_snapshot = state_hash(stopped.home, use_snapshot=True)
    from_nothing = state_hash(stopped.home, use_snapshot=False)

    started = stopped.verb("start", "--detach")
    view = stopped.seen(lambda v: v.feed.status is FeedStatus.LIVE, within_s=30)
    stopped.verb("stop")

    assert from_snapshot == from_nothing
    assert started.returncode == 0, started.stderr
    assert view.continued.startswith("continued: equity ")
    assert "positions, stopped" in view.continued
    tape = Tape(Home(stopped.home).tape, max_bytes=1 << 30)
    closed = [event.bars for _, event in tape.read() if isinstance(event, BarsClosed)]
    tape.close()
    for earlier, later in pairwise(closed):
        assert later[0].ts_open == earlier[0].ts_close  # no gap
        assert [bar.open for bar in later] == [bar.close for bar in earlier]  # price continuous


def test_a_second_up_says_where_the_first_is(running: PlatformProcess) -> None:
    second = running.verb("up", "--headless", "--no-browser")

    assert second.returncode == 2
    assert "ALREADY_RUNNING" in second.stderr
    assert running.url in second.stderr
    assert "Traceback" not in second.stderr


def test_the_kill_switch_halts_and_a_person_resumes(running: PlatformProcess) -> None:
    running.seen(lambda v: len(v.positions) > 0, within_s=60)

    killed = running.verb("kill")
    halted = running.seen(lambda v: v.accounts[0].mode == "HALT", within_s=10)
    unconfirmed = running.verb("resume")
    resumed = running.verb("resume", "--yes")
    audited = json.loads(running.verb("audit", "list", "--json").stdout)["items"]
    modes = json.loads(running.verb("risk", "modes", "--json").stdout)["items"]

    assert killed.returncode == 0
    assert unconfirmed.returncode == 130
    assert "from HALT" in unconfirmed.stderr
    me = f"local:{local_user()}"
    assert [(each["actor"], each["action"], each["result"]) for each in audited[:6]] == [
        (me, "risk.mode", "done"),
        (me, "risk.mode", "asked"),
        (me, "risk.mode", "refused"),
        (me, "risk.mode", "refused"),
        (me, "risk.kill-switch", "done"),
        (me, "risk.kill-switch", "asked"),
    ]
    assert {each["by"] for each in modes[:2]} == {f"person:{me}"}
    assert halted.positions  # they are kept
    assert not halted.orders
    assert resumed.returncode == 0
    running.seen(lambda v: v.accounts[0].mode == "NORMAL", within_s=10)


def test_an_edited_posting_refuses_the_start_and_doctor_says_what(
    stopped: PlatformProcess,
) -> None:
    with sqlite3.connect(stopped.home / "engine.db") as store:
        changed = store.execute(
            "UPDATE postings SET amount = '1' WHERE lsn = (SELECT MAX(lsn) FROM postings) "
            "AND line = 0"
        ).rowcount
    store.close()

    start = stopped.verb("up", "--headless", "--no-browser")
    doctor = stopped.verb("doctor")

    assert changed == 1
    assert start.returncode != 0
    assert "[POSTINGS_DIFFER]" in start.stderr
    assert "Traceback" not in start.stderr
    assert doctor.returncode == 1
    assert "POSTINGS_DIFFER" in doctor.stdout
    assert stopped.verb("doctor", "--rebuild").returncode == 0


def test_a_store_of_a_newer_version_is_refused(stopped: PlatformProcess) -> None:
    with sqlite3.connect(stopped.home / "engine.db") as store:
        store.execute("UPDATE alembic_version SET version_num = '9999'")
    store.close()

    start = stopped.verb("up", "--headless", "--no-browser")

    assert start.returncode != 0
    assert "[STORE_NEWER]" in start.stderr


def test_a_home_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    process = PlatformProcess(tmp_path / "file" / "home")

    start = process.verb("up", "--headless", "--no-browser")

    assert start.returncode != 0
    assert "[HOME_UNWRITABLE]" in start.stderr
    assert "Traceback" not in start.stderr


def test_the_next_free_port_is_taken_and_said(running: PlatformProcess, wanted_port: int) -> None:
    view = running.seen(lambda _: True, within_s=60)

    assert view.engine_pid
    assert str(wanted_port) not in running.url


def test_misspelt_settings_are_refused_before_anything_starts(tmp_path: Path) -> None:
    process = PlatformProcess(tmp_path / "home")
    process.home.mkdir()
    (process.home / "settings.toml").write_text('[strategies.mine]\nstrategy = "ema-croos"\n')

    start = process.verb("up", "--headless", "--no-browser")

    assert start.returncode == 2
    assert "did you mean 'ema-cross'" in start.stderr
