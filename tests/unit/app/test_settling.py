"""Engine and store are brought together whenever an engine has begun."""

import asyncio

import pytest
from msgspec.structs import replace
from tests.support.fast_clock import FastClock
from tests.support.sample_view import sample_view

from botcore.app.settling import settle
from botcore.app.zmq_calls import EngineUnreachable
from botcore.control.views import PlatformView
from botcore.domain.errors import BotError, ConfigError


class Settling:
    """A room of which only what is to be settled is there; it ends once the test has seen enough.

    Args:
        pids: of the engine, one a look.
        failure: what the first attempt ends with.
    """

    def __init__(self, pids: list[int], *, failure: BotError | None = None) -> None:
        self.engine = self.limits = self.strategies = self
        self.has_unkept = False
        self.done: list[str] = []
        self._pids = pids
        self._failure = failure

    def view(self) -> PlatformView:
        if not self._pids:
            raise asyncio.CancelledError
        return replace(sample_view(), engine_pid=self._pids.pop(0))

    async def keep_in_force(self) -> None:
        self.done.append("kept")
        self.has_unkept = False

    async def catch_up(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        self.done.append("caught up")


def settled(room: Settling) -> list[str]:
    async def run() -> None:
        await settle(room, clock=FastClock(0, rate=1_000.0))  # type: ignore[arg-type]  # by its shape

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    return room.done


def test_each_engine_that_begins_is_brought_together_with_what_is_kept_once() -> None:
    assert settled(Settling([7, 7, 8, 8])) == ["kept", "caught up"] * 2


def test_what_could_not_be_brought_together_is_tried_again() -> None:
    silent = EngineUnreachable(code="ENGINE_UNREACHABLE", cause="no answer", fix="wait")

    assert settled(Settling([7, 7, 7], failure=silent)) == ["kept", "kept", "caught up"]


def test_what_a_person_must_mend_is_not_tried_again_with_the_same_engine() -> None:
    alone = ConfigError(code="NOT_SUPERVISED", cause="it runs alone", fix="start it anew")

    assert settled(Settling([7, 7, 8], failure=alone)) == ["kept", "kept", "caught up"]


def test_limits_that_could_not_be_kept_are_kept_without_waiting_for_another_engine() -> None:
    class Locked(Settling):
        async def keep_in_force(self) -> None:
            await super().keep_in_force()
            self.has_unkept = len(self.done) == 1  # a person changes them while the store is locked

    assert settled(Locked([7, 7, 7])) == ["kept", "caught up"] * 2
