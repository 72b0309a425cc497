"""What control asks of the engine about strategies; the engine is written here."""

import asyncio
from collections import deque
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.fast_clock import FastClock
from tests.support.sample_view import sample_view

from botcore.app.calls import ComposedFrom, Recomposing
from botcore.app.desired import Desired, read_desired, write_desired
from botcore.app.engine_strategies import EngineStrategies
from botcore.app.home import Home
from botcore.app.wanted import desired_of
from botcore.app.zmq_calls import EngineUnreachable
from botcore.control.strategies_port import SetUp, Taken
from botcore.control.views import PlatformView
from botcore.domain.commands import PauseStrategy, ResumeStrategy
from botcore.domain.errors import BotError, ConfigError
from botcore.domain.questions import TopsOfBook


def crossing(fast: float) -> SetUp:
    return SetUp(strategy="ema-cross", parameters={"fast": fast})


class Engine:
    """An engine, and the link to it: composed anew, it reads the document of its home.

    Args:
        home: has the document.
        refused: why it uses no newer document than the first; empty if it does.
        is_back: whether it answers once it was composed anew.
    """

    def __init__(self, home: Home, *, refused: str = "", is_back: bool = True) -> None:
        self.home = home
        self.refused = refused
        self.is_back = is_back
        self.document: Desired | None = read_desired(home)
        self.composed = read_desired(home)
        self.limits: dict[str, Any] = {"order_frac": 0.15}
        self.begun = 0
        self.answer: BotError | None = None
        self.asked: list[object] = []
        self.expected: list[int] = []
        self.statuses: deque[str] = deque(["running"])

    def view(self) -> PlatformView | None:
        if self.begun and not self.is_back:
            return None
        status = self.statuses.popleft() if len(self.statuses) > 1 else self.statuses[0]
        first, *others = sample_view().strategies
        strategies = (replace(first, status=status), *others)
        return replace(sample_view(), engine_pid=self._pid(), strategies=strategies)

    async def act(self, command: object) -> None:
        """Do it at once, and say so some views later."""
        assert isinstance(command, PauseStrategy | ResumeStrategy)
        before = self.statuses[-1]
        after = "paused" if isinstance(command, PauseStrategy) else "running"
        self.statuses = deque([*(before for _ in range(5)), after])

    async def recompose(self, by: str) -> Recomposing:
        assert by
        self.begun += 1
        await FastClock(0).sleep(0.0)
        self.document = read_desired(self.home)
        if not self.refused:
            self.composed = self.document
            self.limits.update(self.document.limits)
        return Recomposing()

    async def composition(self) -> ComposedFrom:
        return ComposedFrom(
            pid=self._pid(),
            seen=self.document,
            desired=self.composed,
            refused=self.refused if self.begun else "",
            limits=dict(self.limits),
        )

    async def ask(self, question: object) -> object:
        self.asked.append(question)
        if self.answer is not None:
            raise self.answer
        return ()

    def _pid(self) -> int:
        return sample_view().engine_pid + self.begun


def room(engine: Engine) -> EngineStrategies:
    parts: dict[str, Any] = {"engine": engine, "link": engine, "signals": None}
    return EngineStrategies(
        home=engine.home,
        account="paper",
        clock=FastClock(0, rate=1_000.0),
        recomposed=engine.expected.append,
        **parts,
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    want(home, 1, {"a": crossing(1.0)})
    return home


def want(home: Home, revision: int, setups: dict[str, SetUp], **limits: float) -> None:
    strategies = {name: desired_of(setup) for name, setup in setups.items()}
    write_desired(home, Desired(revision=revision, strategies=strategies, limits=limits))


@pytest.mark.parametrize(
    ("refused", "is_back", "taken"),
    [
        ("", True, Taken.IN_FORCE),
        ("no such strategy", True, Taken.NOT_IN_FORCE),
        ("", False, Taken.NOT_IN_FORCE),
    ],
)
def test_what_is_wanted_is_in_force_once_an_engine_that_began_anew_took_it_up(
    home: Home, refused: str, is_back: bool, taken: Taken
) -> None:
    engine = Engine(home, refused=refused, is_back=is_back)
    want(home, 2, {"a": crossing(2.0)})

    assert asyncio.run(room(engine).take_up("a", crossing(2.0))) is taken
    assert engine.begun == 1


def test_many_changes_at_once_compose_the_engine_twice_and_each_hears_what_became_of_its_own(
    home: Home,
) -> None:
    engine, revisions = Engine(home), count(2)
    strategies = room(engine)
    setups = {"a": crossing(1.0)}

    async def change(name: str, fast: float) -> Taken:
        setups[name] = crossing(fast)
        want(home, next(revisions), setups)
        return await strategies.take_up(name, crossing(fast))

    async def changes() -> list[Taken]:
        first = asyncio.create_task(change("a", 2.0))
        while not engine.begun:
            await FastClock(0).sleep(0.0)
        rest = [("b", 3.0), ("b", 4.0), ("c", 5.0)]
        return [await first, *await asyncio.gather(*(change(*each) for each in rest))]

    taken = asyncio.run(changes())

    assert taken == [Taken.IN_FORCE, Taken.REPLACED, Taken.IN_FORCE, Taken.IN_FORCE]
    assert engine.begun == 2
    assert engine.composed.strategies["b"].parameters == {"fast": 4.0}


@pytest.mark.parametrize(
    ("fast", "limits", "in_force", "is_composed"),
    [
        (1.0, {}, 0.15, False),
        (2.0, {}, 0.15, True),
        (1.0, {"order_frac": 0.1}, 0.15, True),
        (1.0, {"order_frac": 0.1}, 0.1, False),
    ],
    ids=["the same", "another set-up", "limits not in force", "limits in force"],
)
def test_an_engine_that_runs_something_else_than_what_is_kept_is_composed_anew(
    home: Home, fast: float, limits: dict[str, float], in_force: float, is_composed: bool
) -> None:
    engine = Engine(home)
    engine.limits["order_frac"] = in_force
    want(home, 2, {"a": crossing(fast)}, **limits)

    asyncio.run(room(engine).catch_up())
    asyncio.run(room(engine).catch_up())

    assert engine.begun == int(is_composed)


def test_an_engine_that_could_not_read_the_document_is_composed_anew_once_it_is_mended(
    home: Home,
) -> None:
    engine = Engine(home)
    engine.document = None

    asyncio.run(room(engine).catch_up())

    assert engine.begun == 1


def test_what_is_not_traded_is_refused_by_the_engine_where_there_is_one(home: Home) -> None:
    engine = Engine(home)
    strategies = room(engine)

    engine.answer = ConfigError(code="INSTRUMENT_UNKNOWN", cause="not traded", fix="choose")
    with pytest.raises(ConfigError, match="INSTRUMENT_UNKNOWN"):
        asyncio.run(strategies.refuse_untraded(["MOONUSDT.SIM"]))
    engine.answer = EngineUnreachable(code="ENGINE_UNREACHABLE", cause="no answer", fix="wait")
    asyncio.run(strategies.refuse_untraded(["MOONUSDT.SIM"]))
    asyncio.run(strategies.refuse_untraded(()))

    assert [type(each) for each in engine.asked] == [TopsOfBook, TopsOfBook]


def test_an_engine_that_is_asked_to_begin_anew_is_expected_to_end(home: Home) -> None:
    engine = Engine(home)
    want(home, 2, {"a": crossing(2.0)})

    asyncio.run(room(engine).take_up("a", crossing(2.0)))

    assert engine.expected == [sample_view().engine_pid]


def test_who_pauses_or_resumes_sees_it_once_that_is_answered(home: Home) -> None:
    engine = Engine(home)
    strategies = room(engine)
    name = sample_view().strategies[0].id

    for act, expected in ((strategies.pause, "paused"), (strategies.resume, "running")):
        asyncio.run(act(name, by="person:alice"))

        view = strategies.view()
        assert view is not None
        assert view.strategies[0].status == expected
