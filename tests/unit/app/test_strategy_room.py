"""What control asks of the engine about strategies; the engine is written here."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace
from tests.support.fast_clock import FastClock
from tests.support.sample_view import sample_view

from botcore.app.calls import Recomposing
from botcore.app.desired import REFUSED
from botcore.app.strategy_room import EngineStrategies
from botcore.app.zmq_calls import EngineUnreachable
from botcore.control.views import AlertView, PlatformView
from botcore.domain.errors import BotError, ConfigError
from botcore.domain.questions import TopsOfBook


class Engine:
    """An engine, and the link to it: composed anew, it shows what it is told to."""

    def __init__(self, after: PlatformView | None) -> None:
        self._shown: PlatformView | None = sample_view()
        self._after = after
        self.answer: BotError | None = None
        self.asked: list[object] = []

    def view(self) -> PlatformView | None:
        return self._shown

    async def recompose(self, by: str) -> Recomposing:
        self._shown = self._after
        return Recomposing()

    async def ask(self, question: object) -> object:
        self.asked.append(question)
        if self.answer is not None:
            raise self.answer
        return ()


def room(engine: Engine) -> EngineStrategies:
    parts: dict[str, Any] = {"engine": engine, "link": engine, "signals": None}
    return EngineStrategies(account="paper", clock=FastClock(0, rate=1_000.0), **parts)


def begun_anew(*alerts: AlertView) -> PlatformView:
    return replace(sample_view(), engine_pid=sample_view().engine_pid + 1, alerts=alerts)


@pytest.mark.parametrize(
    ("after", "is_in_force"),
    [
        (begun_anew(), True),
        (begun_anew(AlertView(1, "MODE_CHANGED", "of an earlier run")), True),
        (begun_anew(AlertView(1, REFUSED, "what ran last goes on")), False),
        (sample_view(), False),
        (None, False),
    ],
)
def test_what_is_wanted_is_in_force_once_an_engine_that_began_anew_took_it_up(
    after: PlatformView | None, is_in_force: bool
) -> None:
    assert asyncio.run(room(Engine(after)).recompose()) is is_in_force


def test_what_is_not_traded_is_refused_by_the_engine_where_there_is_one() -> None:
    engine = Engine(None)
    strategies = room(engine)

    engine.answer = ConfigError(code="INSTRUMENT_UNKNOWN", cause="not traded", fix="choose")
    with pytest.raises(ConfigError, match="INSTRUMENT_UNKNOWN"):
        asyncio.run(strategies.refuse_untraded(["MOONUSDT.SIM"]))
    engine.answer = EngineUnreachable(code="ENGINE_UNREACHABLE", cause="no answer", fix="wait")
    asyncio.run(strategies.refuse_untraded(["MOONUSDT.SIM"]))
    asyncio.run(strategies.refuse_untraded(()))

    assert [type(each) for each in engine.asked] == [TopsOfBook, TopsOfBook]
