"""Handlers of backtests: started as jobs; kept runs shown, compared, noted and removed.

One's own runs; an administrator's are everybody's, also those made on the command line.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from botcore.control.access import Actor, Scope
from botcore.control.handlers.jobs import owner_of, submitted
from botcore.control.handlers.paging import page_of
from botcore.control.handling import Context, Effect, Handling
from botcore.control.jobs_port import Jobs
from botcore.control.operations import Done, Page, Request
from botcore.control.problems import Malformed, NotFound
from botcore.control.runs_port import KeptRuns, RunNotes
from botcore.control.schema import backtests as b
from botcore.control.schema.jobs import Job
from botcore.domain.errors import ConfigError


class BacktestHandlers:
    """Answers and acts on backtests.

    Args:
        runs: that were kept.
        notes: about them.
        jobs: that make them.
    """

    def __init__(self, *, runs: KeptRuns, notes: RunNotes, jobs: Jobs) -> None:
        self._runs = runs
        self._notes = notes
        self._jobs = jobs

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {
            b.StartBacktest: Handling(self.start),
            b.StartReplay: Handling(self.replay),
            b.StartStrategyCheck: Handling(self.check),
            b.ListRuns: Handling(self.list),
            b.ReadRun: Handling(self.report),
            b.ReadRunTrades: Handling(self.trades),
            b.ReadRunEquity: Handling(self.equity),
            b.CompareRuns: Handling(self.compare),
            b.NoteRun: Handling(self.note),
            b.DeleteRun: Handling(self.delete, self.effect_of_delete),
        }

    async def start(self, context: Context, request: b.StartBacktest) -> Job:
        """Start a backtest; what it would refuse is refused now."""
        for name in ("start", "end"):
            moment = getattr(request, name)
            if moment is not None and moment.tzinfo is None:
                raise Malformed(
                    code="TIME_WITHOUT_ZONE",
                    cause=f"{name} has no time zone",
                    fix="write it in UTC: 2024-01-31T00:00:00Z",
                )
        await asyncio.to_thread(self._runs.check, request)
        on = ", ".join(request.symbols) or "the simulated market"
        title = f"{', '.join(request.strategies)} on {on}, {request.timeframe}"
        return await submitted(self._jobs, context, "backtest", title, request)

    async def replay(self, context: Context, request: b.StartReplay) -> Job:
        """Start a replay."""
        await self._own(context.actor, request.number)
        return await submitted(
            self._jobs, context, "replay", f"replay of run {request.number}", request
        )

    async def check(self, context: Context, request: b.StartStrategyCheck) -> Job:
        """Start the detectors."""
        title = f"check of {request.strategy}"
        return await submitted(self._jobs, context, "strategy check", title, request)

    async def list(self, context: Context, request: b.ListRuns) -> Page[b.Run]:
        """List runs, newest first."""
        notes = await self._notes.all()
        found = [
            msgspec.structs.replace(each, note=notes.get(each.number, ""))
            for each in await asyncio.to_thread(self._runs.all)
            if (not request.strategy or request.strategy in each.strategies)
            and _may_see(context.actor, each)
        ]
        return page_of(
            found,
            key=lambda each: f"{each.number:010d}",
            limit=request.limit,
            cursor=request.cursor,
            is_newest=True,
        )

    async def report(self, context: Context, request: b.ReadRun) -> b.Report:
        """Show what a run found."""
        await self._own(context.actor, request.number)
        found = await asyncio.to_thread(_known, self._runs.report, request.number)
        note = (await self._notes.all()).get(request.number, "")
        return b.Report(run=msgspec.structs.replace(found.run, note=note), report=found.report)

    async def trades(self, context: Context, request: b.ReadRunTrades) -> b.Text:
        """Give the trades."""
        await self._own(context.actor, request.number)
        found: b.Text = await asyncio.to_thread(_known, self._runs.trades, request.number)
        return found

    async def equity(self, context: Context, request: b.ReadRunEquity) -> b.RunEquity:
        """Give the curve."""
        await self._own(context.actor, request.number)
        found: b.RunEquity = await asyncio.to_thread(
            _known, self._runs.equity, request.number, request.points
        )
        return found

    async def compare(self, context: Context, request: b.CompareRuns) -> b.Comparison:
        """Put runs side by side."""
        await self._own(context.actor, *request.runs)
        found: b.Comparison = await asyncio.to_thread(_known, self._runs.compare, request.runs)
        return found

    async def note(self, context: Context, request: b.NoteRun) -> b.Run:
        """Write a note."""
        (found,) = await self._own(context.actor, request.number)
        await self._notes.write(request.number, request.note, author=context.actor.name)
        return msgspec.structs.replace(found, note=request.note)

    async def delete(self, context: Context, request: b.DeleteRun) -> Done:
        """Remove a run."""
        await self._own(context.actor, request.number)
        await asyncio.to_thread(self._runs.remove, request.number)
        return Done(detail=f"run {request.number} is removed")

    async def effect_of_delete(self, context: Context, request: b.DeleteRun) -> Effect:
        """Say what is removed."""
        (found,) = await self._own(context.actor, request.number)
        return Effect(f"Remove run {found.number} ({found.title}) with its report and trades")

    async def _own(self, actor: Actor, *numbers: int) -> Sequence[b.Run]:
        """Return runs that somebody may see; one of somebody else is none at all to him."""
        kept = {each.number: each for each in await asyncio.to_thread(self._runs.all)}
        found = []
        for number in numbers:
            run = kept.get(number)
            if run is None or not _may_see(actor, run):
                raise NotFound(
                    code="RUN_UNKNOWN",
                    cause=f"there is no run {number}",
                    fix="see GET /api/v1/backtests",
                )
            found.append(run)
        return found


def _may_see(actor: Actor, run: b.Run) -> bool:
    return run.owner == owner_of(actor) or actor.may(Scope.ADMIN_SYSTEM)


def _known(ask: Any, *args: Any) -> Any:  # noqa: ANN401  # the port's own functions and answers
    """Ask about a run; one that does not exist is not found rather than refused."""
    try:
        return ask(*args)
    except ConfigError as error:
        if error.code != "RUN_UNKNOWN":
            raise
        raise NotFound(code=error.code, cause=error.cause, fix=error.fix) from error
