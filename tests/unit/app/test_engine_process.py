"""What the market missed is history to the engine's process: it is seen, and nothing is traded."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from botcore.app.composition import PAPER
from botcore.app.desired import Desired, write_desired
from botcore.app.engine_process import EngineProcess, _Heard
from botcore.app.home import Home
from botcore.app.settings import load_settings
from botcore.domain.commands import UseLimits
from botcore.domain.errors import StorageError
from botcore.domain.ids import MINUTE_NS, Nanos
from botcore.domain.market import Bar, BarsClosed, BarSpec, Quote
from botcore.domain.modes import Mode
from botcore.observability.events import LogEvent

BROKEN = StorageError(code="VENUE_STORE", cause="the disk is full", fix="free some space")


class Running:
    """A process that was opened and takes what the test gives it; no thread of it runs."""

    def __init__(self, folder: Path) -> None:
        settings = load_settings(home=folder, history_days=0.001)
        self.process = EngineProcess(
            settings, Home(folder), events="tcp://127.0.0.1:*", commands="tcp://127.0.0.1:*"
        )
        self.process._open()
        self.instrument = self.process._market.instruments[0].id
        self.begin = self.process._now() // MINUTE_NS * MINUTE_NS

    @property
    def is_ready(self) -> bool:
        return self.process._engine.deciders.is_ready

    @property
    def mode(self) -> Mode:
        return self.process._engine.desk.risk.account("paper").mode  # type: ignore[arg-type]  # its name

    def missed(self, number: int) -> None:
        opens = self.begin + number * MINUTE_NS
        prices = (100.0, 101.0, 99.0, 100.0, 1.0)
        bar = Bar(self.instrument, BarSpec(MINUTE_NS), opens, opens + MINUTE_NS, *prices)
        event = BarsClosed(Nanos(bar.ts_close), (bar,))
        self.process._take(_Heard(event, bar.ts_close, is_history=True))

    def live(self, number: int) -> None:
        at = self.begin + number * MINUTE_NS
        self.process._take(_Heard(Quote(self.instrument, Nanos(at), 100.0, 1.0, 100.1, 1.0), at))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    yield made
    made.process._close()


def test_nobody_trades_on_missed_minutes_and_everybody_on_the_first_live_price(
    running: Running,
) -> None:
    before = running.is_ready
    running.missed(1)
    during = running.is_ready
    running.missed(2)
    running.live(3)

    assert (before, during, running.is_ready) == (True, False, True)
    assert running.process._decided_at == running.begin + 3 * MINUTE_NS
    assert running.mode is Mode.NORMAL


def test_history_goes_on_being_history_behind_a_store_that_mended(running: Running) -> None:
    running.missed(1)
    running.process._venue_failure = BROKEN
    running.process._mend(BROKEN)
    mended = running.is_ready

    running.missed(2)

    assert mended
    assert not running.is_ready
    running.live(3)
    assert running.is_ready


@pytest.mark.parametrize("step", ["begin", "finish"])
def test_a_venue_that_cannot_be_asked_holds_the_account_and_mends(
    running: Running, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def broken(*_: object) -> None:
        raise BROKEN

    with monkeypatch.context() as patch:
        patch.setattr(running.process._recovery, step, broken)
        running.missed(1)
        running.live(2)

    held = running.mode
    failure = running.process._failure
    assert failure is BROKEN
    running.process._mend(BROKEN)

    assert held is Mode.CANCEL_ONLY
    assert (running.is_ready, running.mode) == (True, Mode.NORMAL)
    assert running.process._failure is None


def test_the_log_says_what_an_upgrade_of_the_store_changed(tmp_path: Path) -> None:
    Running(tmp_path).process._close()
    with sqlite3.connect(tmp_path / "engine.db") as store:
        store.execute("ALTER TABLE denials DROP COLUMN detail")
        store.execute("UPDATE alembic_version SET version_num = '0002'")
    store.close()

    with capture_logs() as first:
        Running(tmp_path).process._close()
    with capture_logs() as second:
        Running(tmp_path).process._close()

    (told,) = (line for line in first if line["event"] == LogEvent.STORE_UPGRADED)
    assert told["detail"].startswith("engine.db was brought from revision 0002 to ")
    assert LogEvent.STORE_UPGRADED not in [line["event"] for line in second]


NARROW = UseLimits(account=PAPER, by="person:ada", reference="r-1", limits={"order_frac": 0.01})


def _crashed(process: EngineProcess, *, with_snapshot: bool) -> None:
    """End as a crash does: the journal is durable, and nothing else is kept."""
    if with_snapshot:
        process._checkpoint(process._now())
    process._journal.wait_durable(process._journal.last_lsn)
    process._publisher.close()
    process._tape.close()
    process._journal.close()


@pytest.mark.parametrize("with_snapshot", [False, True])
def test_limits_that_a_person_put_in_force_and_nobody_kept_are_in_force_after_every_start(
    tmp_path: Path, with_snapshot: bool
) -> None:
    first = Running(tmp_path).process
    configured = first._engine.desk.risk.account(PAPER).limits
    first._session.input(NARROW, first._now())
    _crashed(first, with_snapshot=with_snapshot)

    with capture_logs() as lines:
        second = Running(tmp_path).process
    found = second._engine.desk.risk.account(PAPER).limits
    alerts = [(each.code, each.detail) for each in second._recent.alerts]
    _crashed(second, with_snapshot=with_snapshot)
    third = Running(tmp_path).process
    again = third._engine.desk.risk.account(PAPER).limits
    third._close()

    assert configured.order_frac == 0.15
    assert (found.order_frac, again.order_frac) == (0.01, 0.01)
    assert found.instrument_frac == configured.instrument_frac
    assert [line for line in lines if line["event"] == LogEvent.LIMITS_NOT_KEPT]
    assert ("LIMITS_NOT_KEPT", "order_frac 0.15 → 0.01, as person:ada had set it") in alerts


def test_limits_that_were_kept_are_the_configurations_at_the_next_start(tmp_path: Path) -> None:
    first = Running(tmp_path).process
    first._session.input(NARROW, first._now())
    write_desired(Home(tmp_path), Desired(revision=1, limits={"order_frac": 0.01}))
    _crashed(first, with_snapshot=False)

    with capture_logs() as lines:
        second = Running(tmp_path).process
    changed = second._engine.limits.by_people(PAPER)
    write_desired(Home(tmp_path), Desired(revision=2, limits={"order_frac": 0.1}))
    _crashed(second, with_snapshot=False)
    third = Running(tmp_path).process
    found = third._engine.desk.risk.account(PAPER).limits
    third._close()

    assert changed == ({}, "")
    assert not [line for line in lines if line["event"] == LogEvent.LIMITS_NOT_KEPT]
    assert found.order_frac == 0.1
