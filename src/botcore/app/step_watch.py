"""Watching the engine's steps: a slow one is logged, a stuck one is told to the supervisor."""

import os
from collections.abc import Callable

import structlog

from botcore.engine import Engine
from botcore.kernel.clock import Clock
from botcore.kernel.heart import SUPERVISOR_FD, Heart
from botcore.kernel.watchdog import Section, SlowSection, Watchdog


class StepWatch:
    """Notices when a step does not end, and names the strategy that was asked in it.

    Args:
        engine: whose steps are watched.
        clock: measures them.
        on_orphaned: called when the supervisor has gone; never where there was none.
    """

    def __init__(self, engine: Engine, *, clock: Clock, on_orphaned: Callable[[], None]) -> None:
        self._log = structlog.get_logger("engine")
        self._engine = engine
        self._watchdog = Watchdog(clock=clock, on_slow=self._slow, on_stuck=self._stuck)
        fd = os.environ.get(SUPERVISOR_FD)
        self._heart = None if fd is None else Heart(int(fd), on_orphaned=on_orphaned)

    def start(self) -> None:
        """Begin to beat, and to watch."""
        if self._heart is not None:
            self._heart.start()
        self._watchdog.start()

    def step(self) -> Section:
        """Return one step, as a context manager."""
        return self._watchdog.section("step")

    def stop_watching(self) -> None:
        """Watch no more steps; the heart beats on while the process ends."""
        self._watchdog.stop()

    def stop(self) -> None:
        """Let the heart stand still: the process has ended well."""
        if self._heart is not None:
            self._heart.stop()

    def _slow(self, slow: SlowSection) -> None:
        self._log.warning(
            "step_slow", seconds=round(slow.seconds, 1), asked=self._asked(), stack=slow.stack
        )

    def _stuck(self, slow: SlowSection) -> None:
        """A callback never returns: only the supervisor can end it, by ending this process."""
        asked = self._asked()
        self._log.error("step_stuck", seconds=round(slow.seconds, 1), asked=asked)
        if self._heart is not None:
            self._heart.tell_stuck(asked)

    def _asked(self) -> str:
        """Name the strategy being asked at this moment; empty between two."""
        slot = self._engine.deciders.asked
        return "" if slot is None else slot.strategy
