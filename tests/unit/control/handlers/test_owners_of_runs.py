"""Runs of backtests: one's own; an administrator's are everybody's; another's are none at all."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.callers import a_call, a_person

from botcore.app.home import Home
from botcore.app.kept_runs import HomeRuns
from botcore.app.runs import Recipe, Runs, StrategyRecipe
from botcore.control.access import Actor, Role, local_actor
from botcore.control.handlers.backtests import BacktestHandlers
from botcore.control.operations import Request
from botcore.control.problems import NotFound
from botcore.control.schema import backtests as b

RECIPE = Recipe(
    strategies=(StrategyRecipe("rsi", {"period": 20.0}, 0.1),),
    market="demo",
    instruments=("BTCUSDT.SIM",),
    step_ns=60_000_000_000,
)
TRADER = a_person(Role.TRADER)
OTHER = msgspec.structs.replace(a_person(Role.TRADER), name="person:bob", user="bob")
ADMIN = msgspec.structs.replace(a_person(Role.ADMIN), name="person:eve", user="eve")
ON_ONE: list[Request[Any]] = [
    b.ReadRun(number=2),
    b.ReadRunTrades(number=2),
    b.ReadRunEquity(number=2),
    b.CompareRuns(runs=(1, 2)),
    b.NoteRun(number=2, note="mine"),
    b.DeleteRun(number=2),
    b.StartReplay(number=2),
]


class Notes:
    def __init__(self) -> None:
        self.kept: dict[int, str] = {}

    async def all(self) -> Mapping[int, str]:
        return self.kept

    async def write(self, number: int, note: str, *, author: str) -> None:
        self.kept[number] = note


class Room:
    """A home with a run of Ann, one of Bob, and one that was made on the command line."""

    def __init__(self, folder: Path) -> None:
        home = Home(folder)
        self.runs = Runs(home.runs)
        for owner in (TRADER.user, OTHER.user, ""):
            self.runs.new("backtest", RECIPE, name="rsi", owner=owner)
        nothing: Any = None
        self.handlers = BacktestHandlers(
            runs=HomeRuns(home), notes=Notes(), jobs=nothing
        ).handlers()

    def send(self, actor: Actor, request: Request[Any]) -> Any:
        return asyncio.run(self.handlers[type(request)].carry_out(a_call(actor), request))

    def numbers(self, actor: Actor) -> list[int]:
        return [each.number for each in self.send(actor, b.ListRuns()).items]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_each_sees_his_own_runs_and_an_administrator_and_the_machine_see_all(room: Room) -> None:
    assert room.numbers(TRADER) == [1]
    assert room.numbers(OTHER) == [2]
    assert room.numbers(ADMIN) == [3, 2, 1]
    assert room.numbers(local_actor("root")) == [3, 2, 1]


@pytest.mark.parametrize("request_", ON_ONE)
def test_a_run_of_somebody_else_is_none_at_all(room: Room, request_: Request[Any]) -> None:
    with pytest.raises(NotFound) as refused:
        room.send(TRADER, request_)

    assert (refused.value.code, refused.value.cause) == ("RUN_UNKNOWN", "there is no run 2")
    assert len(room.runs.all()) == 3


def test_who_confirms_a_removal_is_told_of_no_run_of_somebody_else(room: Room) -> None:
    effect = room.handlers[b.DeleteRun].effect
    assert effect is not None

    with pytest.raises(NotFound):
        asyncio.run(effect(a_call(TRADER), b.DeleteRun(number=2)))


def test_one_notes_and_removes_ones_own_run(room: Room) -> None:
    assert room.send(TRADER, b.NoteRun(number=1, note="too dear")).note == "too dear"
    room.send(TRADER, b.DeleteRun(number=1))
    room.send(ADMIN, b.DeleteRun(number=3))

    assert [each.record.number for each in room.runs.all()] == [2]
