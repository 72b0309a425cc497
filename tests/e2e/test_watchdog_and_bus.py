"""What the supervisor does about a strategy that never returns, and what watchers hear."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.support.platform_process import PlatformProcess, fetched, waited_for

from botcore.app.channel import PLACES, Remote
from botcore.app.home import Home, RunInfo
from botcore.app.home_lock import HomeLock
from botcore.app.processes import endpoints
from botcore.app.zmq_bus import ZmqFactSubscriber
from botcore.control.views import PlatformView
from botcore.domain.records import decode_fact
from botcore.kernel import ChildEvent, ChildEventKind, ChildSpec, Supervisor, SystemClock

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180), pytest.mark.xdist_group("platform")]
ENGINE = Path(__file__).parents[1] / "support" / "stuck_engine.py"
SETTINGS = """
bar_s = 1
history_days = 0.01
[strategies.stuck]
strategy = "never-returns"
[strategies.rsi]
strategy = "rsi"
"""
HISTORY_BARS = 864  # 0.01 days of one-second bars


def test_a_strategy_that_never_returns_is_quarantined_and_the_others_trade_on(
    tmp_path: Path,
) -> None:
    home = Home(tmp_path / "home")
    (home.path / "settings.toml").write_text(SETTINGS)
    events, commands = endpoints()
    home.write_run_info(RunInfo(os.getpid(), "", 0, events, commands))
    seen: list[ChildEvent] = []
    spec = ChildSpec(
        name="engine",
        argv=(sys.executable, str(ENGINE), str(HISTORY_BARS)),
        env={**os.environ, "BOTCORE_HOME": str(home.path)},
        silence_s=10.0,
        startup_s=60.0,
        stuck_arguments=lambda name: ("--quarantine", name),
    )
    supervisor = Supervisor(
        [spec],
        clock=SystemClock(),
        rng=np.random.Generator(np.random.PCG64(1)),
        on_event=seen.append,
    )
    remote = Remote(events=events, commands=commands, token=home.token())

    def quarantined() -> PlatformView | None:
        view = remote.view()
        states = {s.id: s.status for s in view.strategies} if view else {}
        return view if states.get("stuck") == "quarantined" else None

    with HomeLock(home.path):
        thread = threading.Thread(target=supervisor.run_blocking)
        thread.start()
        remote.start()
        try:
            view = waited_for(quarantined, within_s=90, what="the quarantine")
        finally:
            supervisor.request_stop()
            thread.join(timeout=40)
            remote.close()

    kinds = [event.kind for event in seen]
    assert ChildEventKind.STUCK in kinds
    assert {s.id: s.status for s in view.strategies}["rsi"] != "quarantined"
    assert view.accounts[0].mode == "NORMAL"  # CANCEL_ONLY until it was reconciled
    assert any("CANCEL_ONLY" in alert.detail for alert in view.alerts)
    log = (home.logs / "engine.log").read_text()
    assert "step_slow" in log  # after one second, with the stack
    assert "in decide" in log


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[PlatformProcess]:
    process = PlatformProcess(tmp_path / "home", bar_s="1", history_days="0.02")
    yield process
    process.stop()


CHANGES_ITS_MIND = """
[strategies.fickle]
strategy = "ema-cross"
parameters = { fast = 1, slow = 2, no_trade_bps = 0 }
"""


@pytest.mark.requirement("FACT MarketDataUpdate")
@pytest.mark.requirement("FACT SignalGenerated")
@pytest.mark.requirement("FACT OrderPlaced")
@pytest.mark.requirement("FACT OrderFilled")
@pytest.mark.requirement("FACT RiskAlert")
@pytest.mark.requirement("FACT SystemHealth")
@pytest.mark.requirement("FACT ModeChanged")
@pytest.mark.requirement("FACT PerformanceUpdate")
@pytest.mark.requirement("FACT DecisionMade")
def test_every_fact_of_the_contract_is_heard_on_the_bus(quick: PlatformProcess) -> None:
    wanted = {
        "MarketDataUpdate",
        "SignalGenerated",
        "OrderPlaced",
        "OrderFilled",
        "RiskAlert",
        "SystemHealth",
        "ModeChanged",
        "PerformanceUpdate",
        "DecisionMade",
        "LedgerPosted",
        "PositionChanged",
    }
    heard: set[str] = set()
    quick.home.mkdir(parents=True)
    (quick.home / "settings.toml").write_text(CHANGES_ITS_MIND)  # whoever comes late hears it too
    quick.up()
    info = waited_for(lambda: Home(quick.home).run_info(), within_s=30, what="the start")
    subscriber = ZmqFactSubscriber(info.events, "fact/", token=Home(quick.home).token())

    def listened() -> bool:
        for message in subscriber.take(1_000, timeout_s=0.2):
            heard.add(message.topic.removeprefix("fact/"))
            fact = decode_fact(message.payload[PLACES.size :])
            assert type(fact).__name__ == message.topic.removeprefix("fact/")
        if "ModeChanged" in wanted - heard <= {"ModeChanged", "RiskAlert", "SystemHealth"}:
            quick.verb("kill")  # not before the rest is heard: nothing trades after it
        return wanted <= heard

    try:
        waited_for(listened, within_s=90, what=f"hearing {sorted(wanted)}")
    finally:
        subscriber.close()
    assert wanted <= heard


def test_a_killed_engine_is_started_again_with_the_same_positions(quick: PlatformProcess) -> None:
    quick.up()
    before = quick.seen(lambda v: len(v.positions) > 2 and not v.orders, within_s=60)

    os.kill(before.engine_pid, signal.SIGKILL)
    after = quick.seen(lambda v: v.engine_pid != before.engine_pid, within_s=60)

    held = {(p.strategy, p.instrument) for p in before.positions}
    assert held <= {(p.strategy, p.instrument) for p in after.positions} | {
        (f.strategy, f.instrument) for f in after.fills if f.side == "SELL"
    }
    assert after.accounts[0].mode == "NORMAL"


def test_nothing_is_left_running_when_the_supervisor_is_killed(quick: PlatformProcess) -> None:
    quick.up()
    quick.seen(lambda _: True, within_s=60)
    url = quick.url
    assert quick._up is not None

    quick._up.kill()

    def is_gone() -> bool:
        try:
            fetched(url + "livez")
        except OSError:
            return True
        return False

    waited_for(is_gone, within_s=20, what="the end of the page's process")
