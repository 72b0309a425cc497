"""Notes about runs, kept in the control store (`control.runs_port.RunNotes`)."""

import asyncio
import secrets
from collections.abc import Mapping

from botcore.kernel.clock import Clock
from botcore.storage.control import NoteStore, ReportNote


class KeptNotes:
    """The newest note of each run.

    Args:
        store: keeps them.
        clock: dates them.
    """

    def __init__(self, store: NoteStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._writing = asyncio.Lock()

    async def all(self) -> Mapping[int, str]:
        """Return number → the newest note."""
        return {
            int(each.report): each.text
            for each in await self._store.every()
            if each.report.isdigit()
        }

    async def write(self, number: int, note: str, *, author: str) -> None:
        """Keep a note in the place of the one before."""
        async with self._writing:
            kept = ReportNote(
                report=str(number),
                id=secrets.token_hex(8),
                author=author,
                text=note,
                created_at=self._clock.now_ns(),
            )
            await self._store.remove(str(number))
            await self._store.add(kept)
