"""Handlers of recorded data: import, fetch and check as jobs."""

import asyncio
from typing import Any

from botcore.control.access import ActorKind
from botcore.control.handlers.jobs import submitted
from botcore.control.handling import Context, Effect, Handling
from botcore.control.jobs_port import Jobs
from botcore.control.operations import Done, Request
from botcore.control.problems import Malformed, NotFound, Refused, TooMany
from botcore.control.runs_port import ImportFolder, SeriesRemover
from botcore.control.schema import data as d
from botcore.control.schema.jobs import Job
from botcore.domain.calendar import parse_step
from botcore.domain.errors import ConfigError, DataError


class DataHandlers:
    """Acts on recorded data.

    Args:
        folder: the only one from which files are imported by name.
        jobs: that do the work.
        remove: removes a series.
    """

    def __init__(self, *, folder: ImportFolder, jobs: Jobs, remove: SeriesRemover) -> None:
        self._folder = folder
        self._jobs = jobs
        self._remove = remove

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {
            d.ListWaiting: Handling(self.waiting),
            d.StartImport: Handling(self.start_import),
            d.UploadData: Handling(self.upload),
            d.StartFetch: Handling(self.fetch),
            d.StartDataCheck: Handling(self.check),
            d.NoteLocalWork: Handling(self.note_local_work),
            d.RemoveSeries: Handling(self.remove, self.effect_of_remove),
        }

    def waiting(self, _context: Context, _request: d.ListWaiting) -> tuple[d.Waiting, ...]:
        """List the import folder."""
        return tuple(self._folder.waiting())

    async def start_import(self, context: Context, request: d.StartImport) -> Job:
        """Import from the folder."""
        try:
            await asyncio.to_thread(self._folder.check, request.name)
        except ConfigError as error:
            raise NotFound(
                code="FILE_UNKNOWN",
                cause=f"there is no {request.name!r} in the home's import folder",
                fix="put it into import/ of the home, or upload it",
            ) from error
        return await submitted(self._jobs, context, "import", f"import of {request.name}", request)

    async def upload(self, context: Context, request: d.UploadData) -> Job:
        """Put an uploaded file into the folder, and import it from there."""
        taken = await asyncio.to_thread(self._folder.take, request.upload, request.name)
        asked = d.StartImport(
            name=taken.name,
            symbol=request.symbol,
            timeframe=request.timeframe,
            replace=request.replace,
        )
        try:
            return await submitted(self._jobs, context, "import", f"import of {taken.name}", asked)
        except TooMany:  # nothing will read it, and what is refused must not fill the disk
            if taken.is_new:
                await asyncio.to_thread(self._folder.remove, taken.name)
            raise

    async def fetch(self, context: Context, request: d.StartFetch) -> Job:
        """Fetch from an exchange."""
        for moment in (request.start, request.end):
            if moment is not None and moment.tzinfo is None:
                raise Malformed(
                    code="TIME_WITHOUT_ZONE",
                    cause=f"{moment} has no time zone",
                    fix="write it in UTC: 2024-01-31T00:00:00Z",
                )
        title = f"fetch of {request.symbol} {request.timeframe}"
        return await submitted(self._jobs, context, "fetch", title, request)

    async def check(self, context: Context, request: d.StartDataCheck) -> Job:
        """Check what is recorded."""
        title = f"check of {request.symbol or 'all series'}"
        return await submitted(self._jobs, context, "data check", title, request)

    def note_local_work(self, context: Context, request: d.NoteLocalWork) -> Done:
        """Let it be written down: the audit's two rows are all there is to do."""
        if context.actor.kind is not ActorKind.LOCAL:
            raise Refused(
                code="ONLY_LOCAL",
                cause="only the command line on this machine works beside control;"
                f" {context.actor.name} is not it",
                fix="start a job instead: data/imports, data/uploads or data/fetches",
            )
        return Done(detail=f"{request.work} of {request.what} is written down")

    def remove(self, _context: Context, request: d.RemoveSeries) -> Done:
        """Remove a series."""
        try:
            rows = self._remove(request.symbol, parse_step(request.timeframe))
        except DataError as error:
            raise NotFound(code="SERIES_UNKNOWN", cause=error.cause, fix=error.fix) from error
        return Done(detail=f"{rows:,} candles of {request.symbol} are removed")

    async def effect_of_remove(self, _context: Context, request: d.RemoveSeries) -> Effect:
        """Say what is removed."""
        return Effect(f"Remove all {request.timeframe} candles of {request.symbol} from the lake")
