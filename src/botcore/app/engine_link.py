"""The running engine, from the event loop of another process: views, facts, commands, questions."""

from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from botcore.app.calls import (
    Call,
    ComposedFrom,
    Composition,
    Recompose,
    Recomposing,
    decode_answer,
    encode_call,
)
from botcore.app.channel import Remote
from botcore.app.fact_feed import FactFeed, Lost
from botcore.app.zmq_async import ZmqAsyncClient
from botcore.control.views import PlatformView
from botcore.domain.commands import (
    CancelAll,
    Command,
    Flatten,
    KillSwitch,
    PauseStrategy,
    Referenced,
    SetMode,
)
from botcore.domain.events import Fact
from botcore.domain.ids import SECOND_NS
from botcore.domain.modes import Mode
from botcore.domain.outcomes import Outcome
from botcore.domain.questions import Question, answer_type
from botcore.kernel.clock import Clock, SystemClock

A = TypeVar("A")
ANSWER_S = 10.0
"""How long an answer is waited for."""
_TRIES = 4
"""How often what may be asked twice is sent within that time: an engine may be starting anew."""


class EngineLink:
    """Implements `control.EnginePort`; an asynchronous context manager.

    Args:
        events, commands: the engine's endpoints.
        token: the home's.
        clock: ages views, and bounds how late a call may be taken up.
        on_fact, on_lost: as `FactFeed`'s, on a thread of their own; None hears no facts.
        after: as `FactFeed`'s.
    """

    def __init__(
        self,
        *,
        events: str,
        commands: str,
        token: str,
        clock: Clock | None = None,
        on_fact: Callable[[int, Fact], None] | None = None,
        on_lost: Callable[[Lost], None] | None = None,
        after: int | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._remote = Remote(events=events, commands=commands, token=token, clock=self._clock)
        self._client = ZmqAsyncClient(commands, token=token)
        self._feed: FactFeed | None = None
        if on_fact is not None and on_lost is not None:
            self._feed = FactFeed(
                events=events, token=token, on_fact=on_fact, on_lost=on_lost, after=after
            )

    async def __aenter__(self) -> "EngineLink":
        await self._client.__aenter__()
        self._remote.start()
        if self._feed is not None:
            self._feed.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._feed is not None:
            self._feed.close()
        self._remote.close()
        await self._client.__aexit__(kind, error, trace)

    @property
    def platform(self) -> Remote:
        """The same platform for who waits on a thread."""
        return self._remote

    @property
    def newest_lsn(self) -> int:
        """The newest lsn that is known to be stored; 0 before the first word, or without facts."""
        return 0 if self._feed is None else self._feed.newest_lsn

    @property
    def refused(self) -> int:
        """How many views and facts came that were not the engine's."""
        return self._remote.refused + (0 if self._feed is None else self._feed.refused)

    def view(self) -> PlatformView | None:
        """Return the newest view, or None before the first arrives."""
        return self._remote.view()

    def view_age_s(self) -> float:
        """Return how long ago the newest view arrived, seconds; infinity before the first."""
        return self._remote.view_age_s()

    async def act(self, command: Command) -> Outcome:
        """Give the engine a command and wait until what came of it is durable.

        Raises:
            EngineUnreachable: no answer came. What carries a reference may be told again: it is
                done once.
            BotError: the command cannot be carried out.
        """
        tries = _TRIES if _may_come_again(command) else 1
        outcome: Outcome = decode_answer(
            await self._call(Call(command, self._until()), tries), Outcome
        )
        return outcome

    async def ask(self, question: Question[A]) -> A:
        """Ask the engine something; nothing changes by it.

        Raises:
            EngineUnreachable: no answer came.
            BotError: there is no answer.
        """
        reply = await self._call(Call(question, self._until()), _TRIES)  # type: ignore[arg-type]  # one of `Asked`
        answer: A = decode_answer(reply, answer_type(type(question)))
        return answer

    async def recompose(self, by: str) -> Recomposing:
        """Let the engine be composed anew from what is desired now; it is back within seconds.

        Raises:
            EngineUnreachable: no answer came.
            ConfigError: nobody would start it again.
        """
        reply = await self._call(Call(Recompose(by=by), self._until()), 1)
        answer: Recomposing = decode_answer(reply, Recomposing)
        return answer

    async def composition(self) -> ComposedFrom:
        """Ask what the engine was composed from.

        Raises:
            EngineUnreachable: no answer came.
        """
        reply = await self._call(Call(Composition(), self._until()), _TRIES)
        answer: ComposedFrom = decode_answer(reply, ComposedFrom)
        return answer

    def _until(self) -> int:
        return self._clock.monotonic_ns() + round(ANSWER_S * SECOND_NS)

    async def _call(self, call: Call, tries: int) -> bytes:
        return await self._client.call(encode_call(call), timeout_s=ANSWER_S, tries=tries)


def _may_come_again(command: Command) -> bool:
    """Whether an engine that was started meanwhile may be told a command that it may have done."""
    match command:
        case KillSwitch() | CancelAll() | Flatten() | PauseStrategy():
            return True  # twice comes to the same as once
        case SetMode():
            return command.mode is Mode.HALT  # leaving a mode twice could undo what came between
        case _:  # a reference is known to it: it does not act twice
            return isinstance(command, Referenced) and bool(command.reference)
