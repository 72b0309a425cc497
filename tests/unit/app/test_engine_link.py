"""The engine as a handler sees it, over real sockets; who answers is written here."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal

import pytest
from tests.support.sample_view import sample_view

from botcore.app import engine_link
from botcore.app.calls import Recompose, Recomposing
from botcore.app.channel import Publisher, Remote
from botcore.app.engine_link import EngineLink
from botcore.app.told import Told
from botcore.app.zmq_calls import EngineUnreachable
from botcore.control.engine_port import EnginePort
from botcore.domain.commands import (
    CancelAll,
    Command,
    Flatten,
    KillSwitch,
    PauseStrategy,
    ResumeStrategy,
    SetMode,
)
from botcore.domain.errors import ConfigError, StorageError
from botcore.domain.ids import AccountId, InstrumentId, StrategyId
from botcore.domain.modes import Mode
from botcore.domain.outcomes import Outcome
from botcore.domain.questions import SeenPrice, TopOfBook, TopsOfBook
from botcore.kernel import SystemClock

ANY = "tcp://127.0.0.1:*"
PAPER = AccountId("paper")
KILL = KillSwitch(PAPER, "person:ada")
HALTED = Outcome(sentence="done; the account is in HALT", account=PAPER, mode=Mode.HALT, lsn=7)
PRICE = SeenPrice(price=Decimal("100.10"), source="mark")
TOPS = (TopOfBook(instrument=InstrumentId("BTCUSDT.SIM"), mark=PRICE),)


class Engine:
    """Answers calls as it is told to."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.answer: Callable[[Told], None] = self._as_usual
        self.publisher = Publisher(events=ANY, commands=ANY, token="t", on_call=self._take)
        self.publisher.start()

    def linked(self, ask: Callable[[EnginePort], Awaitable[None]]) -> None:
        """Do something with a link."""

        async def run() -> None:
            link = EngineLink(
                events=self.publisher.events, commands=self.publisher.commands, token="t"
            )
            async with link:
                await ask(link)

        asyncio.run(run())

    def _take(self, told: Told) -> None:
        self.told.append(told)
        self.answer(told)

    def _as_usual(self, told: Told) -> None:
        if told.what == KILL:
            told.answer(HALTED)
        elif isinstance(told.what, Recompose):
            told.answer(Recomposing())
        else:
            told.answer(TOPS)


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine()
    yield made
    made.publisher.close()


def test_commands_and_questions_are_answered_with_what_they_say(engine: Engine) -> None:
    async def ask(link: EnginePort) -> None:
        assert await link.act(KILL) == HALTED
        assert await link.ask(TopsOfBook()) == TOPS
        assert isinstance(link, EngineLink)
        assert await link.recompose("person:ada") == Recomposing()

    engine.linked(ask)

    clock = SystemClock()
    assert all(not told.is_late(clock.monotonic_ns()) for told in engine.told)
    assert all(told.is_late(clock.monotonic_ns() + 11 * 10**9) for told in engine.told)


@pytest.mark.parametrize("kind", [ConfigError, StorageError])
def test_a_refusal_is_raised_as_what_it_is(
    engine: Engine, kind: type[ConfigError] | type[StorageError]
) -> None:
    engine.answer = lambda told: told.refuse(kind(code="A_CODE", cause="a cause", fix="a fix"))

    async def ask(link: EnginePort) -> None:
        with pytest.raises(kind) as refused:
            await link.act(KILL)
        found = refused.value
        assert (found.code, found.cause, found.fix) == ("A_CODE", "a cause", "a fix")

    engine.linked(ask)


def test_the_newest_view_is_there_with_its_age(engine: Engine) -> None:
    async def ask(link: EnginePort) -> None:
        assert (link.view(), link.view_age_s()) == (None, float("inf"))
        while link.view() is None:
            engine.publisher.publish_view(sample_view())
            await SystemClock().sleep(0.01)
        assert link.view_age_s() < 30

    engine.linked(ask)


def test_who_waits_on_a_thread_hears_the_same(engine: Engine) -> None:
    remote = Remote(events=engine.publisher.events, commands=engine.publisher.commands, token="t")

    done, tops = remote.act(KILL), remote.ask(TopsOfBook())
    remote.close()

    assert done == HALTED
    assert tops == TOPS


@pytest.mark.parametrize(
    ("command", "times"),
    [
        (KILL, 2),
        (CancelAll(PAPER, "person:ada"), 2),
        (Flatten(PAPER, "person:ada", confirmed=True), 2),
        (PauseStrategy(PAPER, StrategyId("rsi"), "person:ada"), 2),
        (SetMode(PAPER, Mode.HALT, "person:ada", "stop"), 2),
        (SetMode(PAPER, Mode.NORMAL, "person:ada", "go on"), 1),
        (ResumeStrategy(PAPER, StrategyId("rsi"), "person:ada"), 1),
    ],
)
def test_what_stops_is_told_the_engine_that_comes_next_and_what_lets_go_on_is_not(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, command: Command, times: int
) -> None:
    monkeypatch.setattr(engine_link, "ANSWER_S", 1.2)
    engine.answer = lambda told: None  # it ends before it answers
    commands = engine.publisher.commands
    heard: list[Told] = []

    def next_one() -> Publisher:
        def answer(told: Told) -> None:
            heard.append(told)
            told.answer(HALTED)

        made = Publisher(events=ANY, commands=commands, token="t", on_call=answer)
        made.start()
        return made

    async def ask(link: EnginePort) -> None:
        acting = asyncio.create_task(link.act(command))
        while not engine.told:
            await SystemClock().sleep(0.01)
        engine.publisher.close()
        engine.publisher = next_one()
        if times > 1:
            assert await acting == HALTED
        else:
            with pytest.raises(EngineUnreachable, match="may have been done"):
                await acting

    engine.linked(ask)

    assert [each.what for each in (*engine.told, *heard)] == [command] * times
