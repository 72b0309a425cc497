"""The platform in the foreground: its processes kept, its view shown, its browser opened."""

import json
import signal
import threading
import webbrowser
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from botcore.app.channel import Remote
from botcore.app.home import Home
from botcore.app.processes import supervisor_for
from botcore.app.settings import Settings
from botcore.control.ports import Platform
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import SystemClock
from botcore.kernel.supervisor import ChildEvent, Verdict

Show = Callable[[Platform, threading.Event, str], None]
"""Draws the platform until the event is set; the text is the page's address."""
_POLL_S = 0.1


def keep(
    settings: Settings, home: Home, show: Show, *, open_browser: bool, reload: bool
) -> tuple[Verdict, bool]:
    """Keep the processes once; return how it ended, and whether the code changed."""
    log = _supervisor_log(home)
    supervisor, info = supervisor_for(settings, on_event=log)
    home.write_run_info(info)
    stopping = threading.Event()
    changed = threading.Event()
    remote = Remote(events=info.events, commands=info.commands, token=home.token())
    remote.start()

    def ask_to_stop(_number: int, _frame: object) -> None:
        stopping.set()
        supervisor.request_stop()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, ask_to_stop)
    threads = [threading.Thread(target=show, args=(remote, stopping, info.url), name="view")]
    if open_browser:
        threads.append(threading.Thread(target=_open_when_ready, args=(remote, stopping, info.url)))
    if reload:
        threads.append(
            threading.Thread(target=_watch_code, args=(stopping, changed, supervisor.request_stop))
        )
    for thread in threads:
        thread.daemon = True
        thread.start()
    try:
        return supervisor.run_blocking(), changed.is_set()
    finally:
        stopping.set()
        for thread in threads:
            thread.join(timeout=3.0)
        remote.close()
        home.clear_run_info()


def _open_when_ready(platform: Platform, stopping: threading.Event, url: str) -> None:
    while platform.view() is None:
        if stopping.wait(_POLL_S):
            return
    webbrowser.open(url)


def _watch_code(
    stopping: threading.Event, changed: threading.Event, stop_all: Callable[[], None]
) -> None:
    root = Path(__file__).parents[1]

    def newest() -> float:
        return max(path.stat().st_mtime for path in root.rglob("*.py"))

    known = newest()
    while not stopping.wait(1.0):
        if newest() > known:
            changed.set()
            stop_all()
            return


def _supervisor_log(home: Home) -> Callable[[ChildEvent], None]:
    """Return what writes supervision into a log of its own: the terminal belongs to the view."""
    output = (home.logs / "supervisor.log").open("a", buffering=1)
    clock = SystemClock()

    def tell(event: ChildEvent) -> None:
        moment = datetime.fromtimestamp(clock.now_ns() / SECOND_NS, UTC)
        line = {
            "child": event.child,
            "child_pid": event.pid,
            "why": event.detail,
            "event": f"child_{event.kind.lower()}",
            "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z",
        }
        output.write(json.dumps(line) + "\n")

    return tell
