"""Shedding load: after five hot seconds, by halves, down to a quarter, and back by steps."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from tests.support.limits import FixedLatency

from botcore.api.limits import LoadGovernor, watch_load
from botcore.api.limits.load import SAMPLE_S
from botcore.app.limiting import limits_config
from botcore.app.settings import RateSettings
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import ManualClock

MS = 1_000_000
STEP = round(SAMPLE_S * SECOND_NS)


class Running:
    """A governor that is fed second after second."""

    def __init__(self, latency: FixedLatency | None = None) -> None:
        self.governor = LoadGovernor(
            limits_config(RateSettings()), latency or FixedLatency(), now_ns=0
        )
        self.now = 0

    def pass_s(self, seconds: int, *, lag_ms: float = 0.0) -> list[int]:
        """Let seconds pass at an even lag; return the divisor after each."""
        divisors = []
        for _ in range(seconds):
            end = self.now + SECOND_NS
            while self.now < end:
                self.now = min(end, self.now + STEP + round(lag_ms * MS))
                self.governor.lagged(round(lag_ms * MS), now_ns=self.now)
            divisors.append(self.governor.divisor)
        return divisors


def test_budgets_halve_each_five_seconds_of_a_slow_loop_down_to_a_quarter() -> None:
    running = Running()

    assert running.pass_s(16, lag_ms=150) == [1] * 4 + [2] * 5 + [4] * 7
    assert running.governor.factor == 0.25


def test_budgets_halve_when_the_engine_decides_slowly() -> None:
    running = Running(FixedLatency(0.0011))

    assert running.pass_s(11) == [1] * 4 + [2] * 5 + [4] * 2


def test_what_is_just_within_the_bounds_changes_nothing() -> None:
    assert set(Running(FixedLatency(0.001)).pass_s(20, lag_ms=100)) == {1}


def test_an_engine_that_says_nothing_is_not_a_slow_one() -> None:
    assert set(Running(FixedLatency(None)).pass_s(20)) == {1}


def test_budgets_come_back_step_by_step() -> None:
    running = Running()
    running.pass_s(10, lag_ms=150)

    assert running.pass_s(12) == [4] * 4 + [2] * 5 + [1] * 3
    assert running.governor.factor == 1


def test_a_load_between_the_bounds_keeps_what_is() -> None:
    running = Running()
    running.pass_s(5, lag_ms=150)

    assert set(running.pass_s(30, lag_ms=90)) == {2}


def test_four_hot_seconds_are_no_reason() -> None:
    running = Running()

    for _ in range(5):
        running.pass_s(4, lag_ms=500)
        assert running.pass_s(1) == [1]


@pytest.mark.parametrize(("stall_ms", "divisor"), [(101, 2), (100, 1)])
def test_one_stall_in_each_of_five_seconds_is_enough(stall_ms: int, divisor: int) -> None:
    running = Running()
    for _ in range(5):
        end = running.now + SECOND_NS
        running.governor.lagged(stall_ms * MS, now_ns=running.now + STEP + stall_ms * MS)
        for _ in range(40):
            running.now += STEP
            running.governor.lagged(0, now_ns=running.now)
        running.now = end
        running.governor.lagged(0, now_ns=end)

    assert running.governor.lag_p99_s == stall_ms / 1_000
    assert running.governor.divisor == divisor


def test_a_loop_that_stood_still_for_seconds_was_hot_in_all_of_them() -> None:
    running = Running()

    running.governor.lagged(6 * SECOND_NS, now_ns=6 * SECOND_NS + STEP)

    assert running.governor.divisor == 2


class StallingClock(ManualClock):
    """Every sleep is longer than asked for."""

    def __init__(self, lag_ns: int) -> None:
        super().__init__()
        self.lag_ns = lag_ns
        self.left = 400

    async def sleep(self, seconds: float) -> None:
        if not self.left:
            raise asyncio.CancelledError
        self.left -= 1
        await super().sleep(seconds)
        self.advance(self.lag_ns)


@pytest.mark.parametrize(("lag_ms", "divisor"), [(0, 1), (120, 4)])
def test_the_loop_is_watched_by_sleeping(lag_ms: int, divisor: int) -> None:
    clock = StallingClock(lag_ms * MS)
    governor = LoadGovernor(limits_config(RateSettings()), FixedLatency(), now_ns=0)

    with suppress(asyncio.CancelledError):
        asyncio.run(watch_load(governor, clock=clock))

    assert governor.divisor == divisor
    assert governor.lag_p99_s == pytest.approx(lag_ms / 1_000)
