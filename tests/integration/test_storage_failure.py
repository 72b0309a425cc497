"""A store that cannot be written while the account trades: nothing leaves, cancels do, it mends."""

import json
import os
import resource
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from tests.support.crashes import CONTEXT, copy_of, disagreements, truth_of
from tests.support.engine_under_test import IN_PROCESS, EngineUnderTest, LocalVenue
from tests.support.full_disk import FullDisk
from tests.support.scripted_trading import PAPER, tape

from botcore.app.engine_process import EngineProcess, run_engine
from botcore.app.failpoints import FAILPOINT
from botcore.app.home import Home
from botcore.app.processes import log_to
from botcore.app.settings import load_settings
from botcore.domain.commands import CancelAll
from botcore.domain.events import Fact, OrderFilled, OrderPlaced, RiskAlert
from botcore.domain.ids import ClientOrderId
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderState
from botcore.domain.records import RecordKind, decode_fact
from botcore.observability import configure_logging
from botcore.storage import Store, read_journal, verify

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


class Trading:
    """The scripted scenario over a journal whose disk fills up."""

    def __init__(self, home: Path) -> None:
        home.mkdir(exist_ok=True)
        self.venue = LocalVenue(home / "venue.db")
        self.engine = EngineUnderTest(home, self.venue, horizon=IN_PROCESS)
        self.disk = FullDisk(self.engine.store)
        self.engine.open()
        self.bars = tape()

    def play(self, count: int) -> None:
        """Play the next bars."""
        for _ in range(count):
            self.engine.bar(self.bars.pop(0))

    @property
    def mode(self) -> Mode:
        """What the account may do."""
        return self.engine.engine.desk.risk.account(PAPER).mode

    def mended(self) -> bool:
        """Try to go on; return whether the store is back."""
        return self.engine.recovery.mend(self.engine.recorder)

    def without_intent(self) -> set[ClientOrderId]:
        """Orders that the venue took, and whose intent is not in the store (R1)."""
        placed = {
            fact.order.client_order_id
            for fact in facts_in(self.engine.home / "engine.db")
            if isinstance(fact, OrderPlaced)
        }
        return set(self.venue.simulated.acceptances()) - placed

    def end(self) -> list[str]:
        """Play to the end, stop, and say where belief and truth differ."""
        self.play(len(self.bars))
        self.engine.close()
        return disagreements(self.engine.dump(), truth_of(self.venue.simulated))

    def let_go(self) -> None:
        """Close what a test left open."""
        self.disk.free()
        self.engine.recorder.try_again()
        self.engine.tape.close()
        self.engine.journal.close()
        self.engine.store.close()


Begin = Callable[[Path], Trading]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Begin to trade in a home."""
    begun: list[Trading] = []

    def begin(home: Path) -> Trading:
        begun.append(Trading(home))
        return begun[-1]

    yield begin
    for trading in begun:
        trading.let_go()


def facts_in(database: Path) -> list[Fact]:
    """Every fact that is durable in a store."""
    with Store(f"sqlite:///{database}") as store:
        return [decode_fact(r.payload) for r in read_journal(store) if r.kind is RecordKind.FACT]


@pytest.mark.parametrize("bars", [1, 2, 3, 5, 7, 8])
def test_d06_while_the_disk_is_full_nothing_new_is_sent_and_then_it_trades_on(
    bars: int, begin: Begin, tmp_path: Path
) -> None:
    trading = begin(tmp_path / "home")
    trading.play(bars)
    sent = dict(trading.venue.simulated.acceptances())

    trading.disk.fill()
    trading.play(3)
    trading.engine.recovery.hold("the disk is full")
    assert dict(trading.venue.simulated.acceptances()) == sent
    assert trading.mode is Mode.CANCEL_ONLY
    assert not trading.mended()
    trading.disk.free()

    assert trading.mended()
    assert trading.mode.value == Mode.NORMAL
    assert trading.without_intent() == set()
    assert trading.end() == []


@pytest.mark.parametrize("shard", range(4))
def test_d06_wherever_the_disk_fills_up_no_order_leaves_without_a_durable_intent(
    shard: int, begin: Begin, tmp_path: Path
) -> None:
    """`room` statements are written and the next is not: inside commits, between them."""
    wrong = {}
    for room in range(shard * 3, 240, 12):
        trading = begin(tmp_path / f"room-{room}")
        trading.disk.fill(after=room)
        trading.play(len(trading.bars) - 2)
        without = trading.without_intent()
        trading.disk.free()
        is_back = trading.mended()
        found = trading.end()
        if without or found or not is_back or trading.mode is not Mode.NORMAL:
            wrong[room] = [*without, *found, str(trading.mode)]
    assert wrong == {}


def test_k15_cancels_reach_the_venue_while_the_disk_is_full_and_are_known_afterwards(
    begin: Begin,
    tmp_path: Path,
) -> None:
    trading = begin(tmp_path / "home")
    trading.play(3)
    assert len(trading.venue.simulated.open_orders(PAPER)) > 1
    trading.disk.fill()

    trading.engine.session.input(CancelAll(PAPER, "person:me"), trading.venue.now())
    assert trading.venue.simulated.open_orders(PAPER) == ()

    trading.disk.free()
    assert trading.mended()
    states = {order.state for order in trading.engine.engine.desk.execution.index}
    assert states == {OrderState.CANCELED}
    assert trading.end() == []


def test_e48_a_fill_while_the_disk_is_full_is_protected_once_it_is_free(
    begin: Begin, tmp_path: Path
) -> None:
    trading = begin(tmp_path / "home")
    trading.play(2)
    trading.disk.fill()
    trading.play(1)  # the entry fills, its exits cannot be sent
    assert not any(o.trigger_price for o in trading.venue.simulated.open_orders(PAPER))
    trading.disk.free()

    assert trading.mended()

    assert any(o.trigger_price for o in trading.venue.simulated.open_orders(PAPER))
    alerts = facts_in(trading.engine.home / "engine.db")
    assert "FILL_UNPROTECTED" in {f.code for f in alerts if isinstance(f, RiskAlert)}
    assert trading.end() == []


def test_d06_a_kill_while_the_disk_is_full_loses_nothing_that_the_venue_knows(
    begin: Begin,
    tmp_path: Path,
) -> None:
    trading = begin(tmp_path / "home")
    trading.play(2)
    trading.disk.fill()
    trading.play(3)
    killed = copy_of(tmp_path / "home", tmp_path / "killed")  # as a kill here would leave it

    again = begin(killed)

    assert again.mode is Mode.NORMAL
    filled = {f.fill.trade_id for f in facts_in(killed / "engine.db") if isinstance(f, OrderFilled)}
    assert filled == {trade.trade_id for trade in again.venue.simulated.trades(PAPER)}
    again.bars = again.bars[5:]  # what was played is on its tape
    assert again.end() == []


# The platform's own engine process.

_BARS_S = 1.0


def _platform(home: Path, tell: Connection, limit_after_s: float, limit_for_s: float) -> None:
    """Run the engine's process; let no file of it grow for a while; tell how its modes went."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    settings = load_settings(home=home, bar_s=_BARS_S, history_days=0.02)
    paths = Home(settings.home)
    log_to(paths.logs / "engine.log")
    configure_logging(format="json", level="info", stream=sys.stdout)
    engine = EngineProcess(
        settings,
        paths,
        events="tcp://127.0.0.1:*",
        commands="tcp://127.0.0.1:*",
    )
    seen: list[tuple[str, str]] = []

    def watch() -> None:
        account = engine._engine.desk.risk.account(PAPER)
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        began = time.monotonic()
        is_limited = False
        while (passed := time.monotonic() - began) < limit_after_s + 2 * limit_for_s:
            due = limit_after_s < passed < limit_after_s + limit_for_s
            if due is not is_limited:
                is_limited = due
                resource.setrlimit(resource.RLIMIT_FSIZE, (1 if due else most, most))
            state = ("full" if is_limited else "free", str(account.mode))
            if not seen or seen[-1] != state:
                seen.append(state)
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()
    engine.run()
    tell.send(seen)


def _compare(home: Path) -> None:
    """What the engine has in its store is what the venue has in its own."""
    facts = facts_in(home / "engine.db")
    with sqlite3.connect(home / "paper-venue.db") as venue:
        rows = venue.execute("SELECT kind, body FROM truth").fetchall()
    orders = [json.loads(body) for kind, body in rows if kind == "order"]
    fills = [json.loads(body) for kind, body in rows if kind == "fill"]
    placed = {f.order.client_order_id for f in facts if isinstance(f, OrderPlaced)}
    assert {order["spec"]["client_order_id"] for order in orders} <= placed
    booked = sorted(f.fill.trade_id for f in facts if isinstance(f, OrderFilled))
    assert booked == sorted(fill["report"]["fill"]["trade_id"] for fill in fills)
    with Store(f"sqlite:///{home / 'engine.db'}") as store:
        assert verify(store) == []
    assert orders


def test_d06_the_platform_outlives_a_disk_on_which_no_file_may_grow(tmp_path: Path) -> None:
    told, tell = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(
        target=_platform, args=(tmp_path / "home", tell, 6.0, 6.0), daemon=True
    )
    process.start()
    tell.close()

    seen = told.recv()
    process.join(30)

    assert process.exitcode == 0
    assert ("full", Mode.CANCEL_ONLY) in seen
    assert seen[-1] == ("free", Mode.NORMAL)
    assert "storage_back" in (tmp_path / "home" / "logs" / "engine.log").read_text()
    _compare(tmp_path / "home")


def _run_platform(home: Path, spec: str, seconds: float) -> None:
    os.environ[FAILPOINT] = spec
    if seconds:
        stop = threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGTERM))
        stop.daemon = True
        stop.start()
    settings = load_settings(home=home, bar_s=_BARS_S, history_days=0.02)
    run_engine(settings, events="tcp://127.0.0.1:*", commands="tcp://127.0.0.1:*")


@pytest.mark.parametrize("place", ["submit.sending:2", "venue.committed:4", "fill.received:1"])
def test_k05_k09_k12_the_platform_itself_is_killed_and_comes_back_with_the_venues_truth(
    place: str, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    killed = CONTEXT.Process(target=_run_platform, args=(home, f"{place}:kill", 0), daemon=True)
    killed.start()
    killed.join(60)
    assert killed.exitcode == -signal.SIGKILL

    again = CONTEXT.Process(target=_run_platform, args=(home, "", 4.0), daemon=True)
    again.start()
    again.join(60)

    assert again.exitcode == 0
    _compare(home)
