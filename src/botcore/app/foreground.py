"""The platform in the foreground: its processes kept, its view shown, its browser opened."""

import json
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from botcore.app.channel import Remote
from botcore.app.entrance import Ask, Entrance, EntranceKeeper
from botcore.app.home import Home
from botcore.app.processes import supervisor_for
from botcore.app.settings import Settings
from botcore.control.ports import Platform
from botcore.domain.ids import SECOND_NS
from botcore.kernel.child import ChildEventKind
from botcore.kernel.clock import SystemClock
from botcore.kernel.supervisor import ChildEvent, Verdict

_GRAVE: Final = frozenset(
    {
        ChildEventKind.SILENT,
        ChildEventKind.STUCK,
        ChildEventKind.GAVE_UP,
        ChildEventKind.KILLED,
    }
)
"""What no child does that is stopped, or that asks to be started again."""
Show = Callable[[Platform, threading.Event, str, Callable[[], Entrance | None]], None]
"""Draws the platform until the event is set; the text is the page's address, and the last one
returns the one-time link with which one signs in there, as long as it is good."""


def keep(
    settings: Settings,
    home: Home,
    show: Show,
    *,
    ask: Ask,
    open_browser: bool,
    offer_link: bool,
    reload: bool,
) -> tuple[Verdict, bool]:
    """Keep the processes once; return how it ended, and whether the code changed.

    Args:
        settings: in force.
        home: of the platform, locked.
        show: draws it, on a thread of its own.
        ask: reaches control, once it runs.
        open_browser: sign a browser in, once the page answers.
        offer_link: make a one-time link for `show`, also without a browser.
        reload: end when the code changes.
    """
    log = supervisor_log(home)
    supervisor, info = supervisor_for(settings, on_event=log)
    home.write_run_info(info)
    stopping = threading.Event()
    changed = threading.Event()
    remote = Remote(events=info.events, commands=info.commands, token=home.token())
    remote.start()

    told = ToldOnce(stopping)

    def ask_to_stop(_number: int, _frame: object) -> None:
        told.tell()
        supervisor.request_stop()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, ask_to_stop)
    keeper = EntranceKeeper(ask, opens=open_browser, clock=SystemClock())
    shown = (remote, stopping, info.url, keeper.entrance)
    threads = [threading.Thread(target=show, args=shown, name="view")]
    if open_browser or offer_link:
        threads.append(threading.Thread(target=keeper.run, args=(remote, stopping)))
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
        told.tell()
        for thread in threads:
            thread.join(timeout=3.0)
        remote.close()
        home.clear_run_info()


class ToldOnce:
    """Sets an event once, from one thread and from signals that interrupt it.

    `Event.set` takes a lock that is not re-entrant: a second signal inside the first one's
    handler would wait for itself for ever.
    """

    def __init__(self, event: threading.Event) -> None:
        self._event = event
        self._is_told = False

    def tell(self) -> None:
        """Set the event, unless that is done or under way."""
        if not self._is_told:
            self._is_told = True
            self._event.set()


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


def supervisor_log(home: Home) -> Callable[[ChildEvent], None]:
    """Return what writes supervision into a log of its own: the terminal belongs to the view."""
    path = home.logs / "supervisor.log"
    clock = SystemClock()

    def tell(event: ChildEvent) -> None:
        moment = datetime.fromtimestamp(clock.now_ns() / SECOND_NS, UTC)
        line = {
            "ts": f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z",
            "level": "warning" if event.kind in _GRAVE else "info",
            "event": f"child_{event.kind.lower()}",
            "service": "supervisor",
            "child": event.child,
            "child_pid": event.pid,
            "why": event.detail,
        }
        with path.open("a") as output:
            output.write(json.dumps(line) + "\n")

    return tell
