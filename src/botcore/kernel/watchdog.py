"""The watchdog: a thread that notices when a named section of another thread does not end.

It throws nothing into that thread, which a synchronous engine could not survive: it shows where
the thread stands, and past a second limit it tells whoever can end the process (trap D17).
"""

import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock


@dataclass(frozen=True, slots=True)
class SlowSection:
    """A section that lasts too long.

    Attributes:
        name: as its thread named it, for example ``strategy:rsi``.
        seconds: how long it has lasted.
        thread: the thread's name.
        stack: where that thread stands, outermost call first.
    """

    name: str
    seconds: float
    thread: str
    stack: str


class Section:
    """One named stretch of work, as a context manager; made by `Watchdog.section`."""

    __slots__ = ("_watchdog", "name", "since_ns", "told_slow", "told_stuck")

    def __init__(self, watchdog: "Watchdog", name: str) -> None:
        self._watchdog = watchdog
        self.name = name
        self.since_ns = 0
        self.told_slow = False
        self.told_stuck = False

    def __enter__(self) -> None:
        self._watchdog._enter(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._watchdog._leave()


class Watchdog:
    """Watch the sections of all threads; call back once for each limit that a section passes.

    Args:
        clock: measures by its monotonic time.
        on_slow: called on the watchdog's thread after `slow_s`.
        on_stuck: called there after `stuck_s`; typically tells the supervisor to end the process.
        slow_s: first limit, seconds.
        stuck_s: second limit, seconds.
        poll_s: how often it looks, seconds.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        on_slow: Callable[[SlowSection], None],
        on_stuck: Callable[[SlowSection], None],
        slow_s: float = 1.0,
        stuck_s: float = 5.0,
        poll_s: float = 0.2,
    ) -> None:
        self._clock = clock
        self._on_slow = on_slow
        self._on_stuck = on_stuck
        self._slow_ns = round(slow_s * SECOND_NS)
        self._stuck_ns = round(stuck_s * SECOND_NS)
        self._poll_s = poll_s
        self._open: dict[int, list[Section]] = {}
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def name(self) -> str:
        """What a log line calls it."""
        return "watchdog"

    def section(self, name: str) -> Section:
        """Return a context manager; while it is open on a thread, that thread is watched.

        Sections nest; the innermost is the one that is judged.
        """
        return Section(self, name)

    def start(self) -> None:
        """Begin to watch."""
        self._stopped.clear()
        self._thread = threading.Thread(target=self._watch, name=self.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def check(self) -> None:
        """Look once at every open section."""
        now = self._clock.monotonic_ns()
        for thread_id, sections in tuple(self._open.items()):
            # The other thread may leave at any moment: a slice is atomic, an index is not.
            for section in sections[-1:]:
                self._judge(section, thread_id, now)

    def _judge(self, section: Section, thread_id: int, now: int) -> None:
        elapsed = now - section.since_ns
        if elapsed >= self._slow_ns and not section.told_slow:
            section.told_slow = True
            self._on_slow(_describe(section, thread_id, elapsed))
        if elapsed >= self._stuck_ns and not section.told_stuck:
            section.told_stuck = True
            self._on_stuck(_describe(section, thread_id, elapsed))

    def _enter(self, section: Section) -> None:
        section.since_ns = self._clock.monotonic_ns()
        section.told_slow = section.told_stuck = False
        self._open.setdefault(threading.get_ident(), []).append(section)

    def _leave(self) -> None:
        thread_id = threading.get_ident()
        sections = self._open[thread_id]
        sections.pop()
        if not sections:
            # A thread that ended must not be remembered: its number is given to another.
            del self._open[thread_id]

    def _watch(self) -> None:
        while not self._stopped.wait(self._poll_s):
            self.check()


def _describe(section: Section, thread_id: int, elapsed_ns: int) -> SlowSection:
    frame = sys._current_frames().get(thread_id)
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return SlowSection(
        name=section.name,
        seconds=elapsed_ns / SECOND_NS,
        thread=names.get(thread_id, str(thread_id)),
        stack="".join(traceback.format_stack(frame)) if frame is not None else "",
    )
