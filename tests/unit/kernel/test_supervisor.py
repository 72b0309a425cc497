"""Real child processes: what is promised is that they live, die and come back."""

import os
import signal
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from botcore.kernel import (
    Backoff,
    ChildEvent,
    ChildEventKind,
    ChildSpec,
    Crashed,
    Ending,
    RestartPolicy,
    Supervisor,
    SystemClock,
    Verdict,
    guarded,
)

QUICK = RestartPolicy(restarts_max=3, within_s=60, backoff=Backoff(base_s=0.001, cap_s=0.01))


class _Run:
    """A supervisor on a thread of its own, and the events it told."""

    def __init__(self, *children: ChildSpec) -> None:
        self.events: list[ChildEvent] = []
        self.verdict: Verdict | None = None
        self._changed = threading.Condition()
        self.supervisor = Supervisor(
            children, clock=SystemClock(), rng=np.random.default_rng(1), on_event=self._on_event
        )
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def wait_for(self, true: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(true, timeout=60), self.events

    def end(self) -> Verdict:
        self._thread.join(timeout=60)
        assert self.verdict is not None, self.events
        return self.verdict

    def kinds(self, name: str = "child") -> list[ChildEventKind]:
        return [event.kind for event in self.events if event.child == name]

    def pids(self) -> list[int | None]:
        return [event.pid for event in self.events if event.kind is ChildEventKind.STARTED]

    def _on_event(self, event: ChildEvent) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def _run(self) -> None:
        self.verdict = self.supervisor.run_blocking()


def _child(script: str, *, name: str = "child", **more: object) -> ChildSpec:
    argv = (sys.executable, "-c", textwrap.dedent(script))
    return ChildSpec(name=name, argv=argv, **{"restart": QUICK, **more})  # type: ignore[arg-type]  # any values


SLEEPS = "import time; time.sleep(600)"
READY_THEN_SLEEPS = """
    import os, time
    os.write(int(os.environ["BOTCORE_SUPERVISOR_FD"]), b"beat\\n")
    time.sleep(600)
"""


def test_children_start_in_order_and_stop_in_the_opposite_one() -> None:
    run = _Run(_child(SLEEPS, name="engine"), _child(SLEEPS, name="api"))
    run.wait_for(lambda: len(run.events) == 2)

    run.supervisor.request_stop()

    assert run.end() == Verdict(Ending.STOPPED)
    assert [(event.kind, event.child) for event in run.events] == [
        (ChildEventKind.STARTED, "engine"),
        (ChildEventKind.STARTED, "api"),
        (ChildEventKind.EXITED, "api"),
        (ChildEventKind.EXITED, "engine"),
    ]
    assert run.supervisor.pids == {}


def test_a_child_that_is_killed_is_started_again() -> None:
    run = _Run(_child(SLEEPS))
    run.wait_for(lambda: len(run.pids()) == 1)

    os.kill(run.supervisor.pids["child"], signal.SIGKILL)
    run.wait_for(lambda: len(run.pids()) == 2)
    run.supervisor.request_stop()

    run.end()
    assert len(set(run.pids())) == 2


def test_a_child_that_dies_too_often_is_given_up_and_the_others_are_stopped() -> None:
    run = _Run(_child(SLEEPS, name="other"), _child("raise SystemExit(3)"))

    verdict = run.end()

    assert verdict == Verdict(Ending.GAVE_UP, "child", 3)
    assert run.kinds().count(ChildEventKind.STARTED) == 1 + QUICK.restarts_max
    assert run.kinds()[-1] is ChildEventKind.GAVE_UP
    assert run.kinds("other")[-1] is ChildEventKind.EXITED


def test_an_exit_that_a_restart_would_not_change_ends_supervision() -> None:
    run = _Run(_child("raise SystemExit(2)", final_codes=frozenset({0, 2})))

    assert run.end() == Verdict(Ending.FINISHED, "child", 2)
    assert run.kinds() == [ChildEventKind.STARTED, ChildEventKind.EXITED]


def test_a_child_that_does_not_obey_is_killed_after_its_grace(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    script = f"""
        import pathlib, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        pathlib.Path({str(ready)!r}).touch()
        time.sleep(600)
    """
    run = _Run(_child(script, grace_s=0.05))
    while not ready.exists():
        SystemClock().sleep_blocking(0.005)

    run.supervisor.request_stop()

    run.end()
    assert run.kinds()[-2:] == [ChildEventKind.KILLED, ChildEventKind.EXITED]


def test_d20_a_second_request_to_stop_does_not_wait_for_the_grace(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    script = f"""
        import pathlib, signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        pathlib.Path({str(ready)!r}).touch()
        time.sleep(600)
    """
    run = _Run(_child(script, grace_s=3600))
    while not ready.exists():
        SystemClock().sleep_blocking(0.005)

    run.supervisor.request_stop()
    run.supervisor.request_stop()

    run.end()
    assert ChildEventKind.KILLED in run.kinds()


def test_a_child_that_stops_beating_is_killed_and_started_again() -> None:
    run = _Run(_child(READY_THEN_SLEEPS, silence_s=0.05))

    run.wait_for(lambda: run.kinds().count(ChildEventKind.STARTED) == 2)
    run.supervisor.request_stop()

    run.end()
    assert run.kinds()[:4] == [
        ChildEventKind.STARTED,
        ChildEventKind.SILENT,
        ChildEventKind.RESTARTING,
        ChildEventKind.STARTED,
    ]


def test_d17_a_child_that_says_it_is_stuck_is_killed_and_comes_back_without_the_culprit(
    tmp_path: Path,
) -> None:
    seen = tmp_path / "arguments"
    script = f"""
        import pathlib, sys, time
        from botcore.kernel import Heart
        import os
        if "--quarantine" in sys.argv:
            pathlib.Path({str(seen)!r}).write_text(" ".join(sys.argv[1:]))
            raise SystemExit(0)
        heart = Heart(int(os.environ["BOTCORE_SUPERVISOR_FD"]), on_orphaned=lambda: None)
        heart.start()
        heart.tell_stuck("strategy:rsi")
        time.sleep(600)
    """
    run = _Run(
        _child(script, silence_s=60, stuck_arguments=lambda name: ("--quarantine", name)),
    )

    verdict = run.end()

    assert verdict == Verdict(Ending.FINISHED, "child", 0)
    assert run.kinds()[:2] == [ChildEventKind.STARTED, ChildEventKind.STUCK]
    assert seen.read_text() == "--quarantine strategy:rsi"


def test_a_child_learns_that_its_supervisor_is_gone(tmp_path: Path) -> None:
    from botcore.kernel import Heart

    reading, writing = os.pipe()
    orphaned = threading.Event()
    heart = Heart(writing, interval_s=0.001, on_orphaned=orphaned.set)
    heart.start()

    os.close(reading)

    assert orphaned.wait(30)
    heart.stop()


def test_a_heart_whose_supervisor_does_not_read_keeps_beating() -> None:
    from botcore.kernel import Heart

    reading, writing = os.pipe()
    heart = Heart(writing, interval_s=0.001, on_orphaned=lambda: pytest.fail("orphaned"))

    for _ in range(20_000):
        heart.tell_stuck("strategy:rsi")
    heart.start()
    heart.stop()

    os.close(reading)


def test_a_program_that_does_not_exist_is_told_to_the_caller() -> None:
    supervisor = Supervisor(
        [ChildSpec(name="child", argv=("/nowhere/at/all",))],
        clock=SystemClock(),
        rng=np.random.default_rng(1),
        on_event=lambda event: None,
    )

    with pytest.raises(FileNotFoundError):
        supervisor.run_blocking()


def test_a_guarded_call_gives_its_result_or_what_it_raised() -> None:
    def divide(a: int, by: int) -> float:
        return a / by

    assert guarded(divide, 6, 3) == 2.0
    crashed = guarded(divide, 1, 0)
    assert isinstance(crashed, Crashed)
    assert isinstance(crashed.error, ZeroDivisionError)


def test_a_guarded_call_does_not_swallow_the_end_of_the_process() -> None:
    with pytest.raises(SystemExit):
        guarded(sys.exit, 1)


COUNTS_ITS_STARTS = """
    import sys, time
    starts = open("{file}", "a+")
    starts.write("x")
    starts.flush()
    starts.seek(0)
    if len(starts.read()) > {most}:
        time.sleep(600)
    time.sleep({lives})
    sys.exit(4)
"""


def test_a_child_that_asks_to_be_started_again_is_and_that_is_no_crash(tmp_path: Path) -> None:
    script = COUNTS_ITS_STARTS.format(file=tmp_path / "starts", most=5, lives=0.1)
    other = _child(SLEEPS, name="other")
    run = _Run(
        _child(script, final_codes=frozenset({0}), again_codes=frozenset({4}), again_s=0.05), other
    )

    run.wait_for(lambda: run.kinds().count(ChildEventKind.STARTED) == 6)
    run.supervisor.request_stop()

    assert run.end().ending is Ending.STOPPED
    assert run.kinds("other")[:1] == [ChildEventKind.STARTED]
    assert run.kinds("other").count(ChildEventKind.STARTED) == 1
    whys = {e.detail for e in run.events if e.kind is ChildEventKind.RESTARTING}
    assert whys == {"as it asked"}


def test_a_child_that_asks_again_before_it_has_lived_counts_as_a_crash(tmp_path: Path) -> None:
    script = COUNTS_ITS_STARTS.format(file=tmp_path / "starts", most=99, lives=0)
    run = _Run(_child(script, again_codes=frozenset({4}), again_s=60.0))

    assert run.end() == Verdict(Ending.GAVE_UP, "child", 4)


def test_a_signal_after_the_end_is_written_into_nobodys_file(tmp_path: Path) -> None:
    """The number of its closed pipe may be that of a file by then, of a journal for example."""
    run = _Run(_child("import time; time.sleep(60)"))
    run.wait_for(lambda: ChildEventKind.STARTED in run.kinds())
    run.supervisor.request_stop()
    run.end()
    others = [(tmp_path / str(number)).open("wb", buffering=0) for number in range(16)]

    run.supervisor.request_stop()

    for file in others:
        file.close()
    assert [path.name for path in tmp_path.iterdir() if path.stat().st_size] == []
