"""What keeps a control room going."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.support.fast_clock import FastClock
from tests.support.sample_view import sample_view

from botcore.app.control_room import _seed, settle
from botcore.app.home import Home
from botcore.app.running_market import FollowedMarket
from botcore.app.zmq_calls import EngineUnreachable
from botcore.backtest.demo import demo_instruments
from botcore.control.views import PlatformView
from botcore.domain.errors import BotError, ConfigError, StorageError
from botcore.domain.ids import MINUTE_NS
from botcore.storage.tape import TapeReader


class Platform:
    def view(self) -> PlatformView:
        return sample_view()

    def view_age_s(self) -> float:
        return 0.0


class Settling:
    """A room of which only what is to be settled is there; it ends once the test has seen enough.

    Args:
        pids: of the engine, one a look.
        failure: what the first attempt ends with.
    """

    def __init__(self, pids: list[int], *, failure: BotError | None = None) -> None:
        self.engine = self.risk = self.strategies = self
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


def test_a_tape_that_cannot_be_read_costs_the_past_and_nothing_else(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (instrument, *_) = demo_instruments()
    market = FollowedMarket(platform=Platform())
    market.use([instrument], MINUTE_NS)
    home.tape.mkdir(parents=True, exist_ok=True)
    (home.tape / "tape-1.seg").mkdir()  # a folder where a segment should be
    with pytest.raises(StorageError):
        list(TapeReader(home.tape).read())

    _seed(market, home)

    assert market.bars(instrument.id) == []
