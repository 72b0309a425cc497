"""The same act under the same key comes again after a crash: its job is not made a second time."""

import asyncio
from typing import Any

import pytest
from tests.support.callers import a_call
from tests.support.fast_clock import FastClock
from tests.support.memory_jobs import MemoryJobs

from botcore.app.jobs.runner import JobRunner
from botcore.control.handlers.backtests import BacktestHandlers
from botcore.control.handlers.data import DataHandlers
from botcore.control.operations import Act
from botcore.control.schema.backtests import StartBacktest, StartStrategyCheck
from botcore.control.schema.data import StartDataCheck
from botcore.control.schema.jobs import Job

ASKED: list[Act[Job]] = [
    StartBacktest(strategies=("ema-cross",)),
    StartStrategyCheck(strategy="ema-cross"),
    StartDataCheck(),
]


class _Runs:
    def check(self, asked: StartBacktest) -> None:
        """Refuse nothing."""


def _made(request: Act[Job], *references: str) -> list[Any]:
    jobs = JobRunner(keeping=MemoryJobs(), overrides={}, clock=FastClock(10**18))
    runs: Any = _Runs()
    nothing: Any = None
    handlers = {
        **BacktestHandlers(runs=runs, notes=nothing, jobs=jobs).handlers(),
        **DataHandlers(folder=nothing, jobs=jobs, remove=nothing).handlers(),
    }
    carry_out = handlers[type(request)].carry_out

    async def ask() -> list[Any]:
        return [(await carry_out(a_call(reference=each), request)).id for each in references]

    return asyncio.run(ask())


@pytest.mark.parametrize("request_", ASKED)
def test_a_job_is_made_once_for_each_act(request_: Act[Job]) -> None:
    first, again, other = _made(request_, "key-1", "key-1", "key-2")

    assert first == again
    assert other != first
