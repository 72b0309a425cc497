"""What is done each day: once, also after days on which nothing ran."""

from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from botcore.control.jobs_port import Jobs
from botcore.domain.errors import BotError
from botcore.kernel.clock import Clock

AFTER_MIDNIGHT: Final = timedelta(minutes=5)
"""How long after a UTC day it is reported on, so that its last facts are stored."""
_LOOK_S: Final = 60.0
SYSTEM: Final = "system"


def due_day(now: datetime) -> str:
    """Return the newest UTC day that can be reported on, ``2026-11-21``."""
    return f"{(now - AFTER_MIDNIGHT).date() - timedelta(days=1):%Y-%m-%d}"


class Schedule:
    """Asks for the report of each day that has ended: the newest only, and only once.

    A run key makes it once: what was asked for before an interruption is not asked for again, and
    of several days that were missed only the newest is caught up.

    Args:
        jobs: does the work.
        clock: the machine's.
    """

    def __init__(self, *, jobs: Jobs, clock: Clock) -> None:
        self._jobs = jobs
        self._clock = clock
        self._asked = ""
        self._log = structlog.get_logger("schedule")

    async def run(self) -> None:
        """Look each minute, until cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(_LOOK_S)

    async def look(self) -> None:
        """Ask for what is due and was not asked for."""
        day = due_day(datetime.fromtimestamp(self._clock.now_ns() / 1e9, UTC))
        if day == self._asked:
            return
        try:
            await self._jobs.submit(
                kind="daily report",
                title=f"report of {day}",
                owner=SYSTEM,
                request={"day": day},
                run_key=f"daily-report:{day}",
            )
        except BotError as error:  # the store is away: in a minute
            self._log.warning("schedule_failed", code=error.code, cause=error.cause)
            return
        self._asked = day
