"""Strategies in the running engine: taken up, paused and resumed, and asked for their reasons."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from botcore.app.calls import ComposedFrom
from botcore.app.desired import Desired, read_desired
from botcore.app.engine_link import EngineLink
from botcore.app.home import Home
from botcore.app.wanted import desired_of
from botcore.app.zmq_calls import EngineUnreachable
from botcore.control.engine_port import EnginePort
from botcore.control.operations import Page
from botcore.control.problems import Unavailable
from botcore.control.schema.strategies import Decision, Signal
from botcore.control.schema.values import instant
from botcore.control.strategies_port import SetUp, Taken
from botcore.control.views import PlatformView
from botcore.domain.commands import PauseStrategy, ResumeStrategy
from botcore.domain.errors import BotError
from botcore.domain.ids import AccountId, InstrumentId, Nanos, StrategyId
from botcore.domain.questions import DecisionsOf, OpenNow, TopsOfBook, WhatIsOpen
from botcore.kernel.clock import Clock

_BACK_S: Final = 8.0
_LOOK_S: Final = 0.1
_SAID_S: Final = 2.0
_PAUSED: Final = ("paused", "quarantined")


class SignalPages(Protocol):
    """Reads the stored signals by page."""

    def __call__(self, *, strategy: str, symbol: str, limit: int, cursor: str) -> Page[Signal]:
        """Return signals, newest first."""
        ...


class EngineStrategies:
    """Strategies in the running engine (`control.strategies_port.StrategyEngine`).

    Args:
        engine: answers and acts.
        link: composes anew; None where nothing runs.
        home: has the document of what is wanted.
        account: whose strategies.
        signals: reads signals by page.
        clock: waits for an engine that is composed anew, and for what it says of itself.
        recomposed: told which engine's process was asked to begin anew.
    """

    def __init__(
        self,
        *,
        engine: EnginePort,
        link: EngineLink | None,
        home: Home,
        account: str,
        signals: SignalPages,
        clock: Clock,
        recomposed: Callable[[int], None],
    ) -> None:
        self._engine = engine
        self._link = link
        self._home = home
        self._composing = asyncio.Lock()
        self._account = AccountId(account)
        self._signals = signals
        self._clock = clock
        self._recomposed = recomposed

    def view(self) -> PlatformView | None:
        """Return the newest view."""
        return self._engine.view()

    async def pause(self, strategy: str, *, by: str) -> None:
        """Stop asking a strategy."""
        await self._engine.act(PauseStrategy(self._account, StrategyId(strategy), by))
        await self._until_said(strategy, is_paused=True)

    async def resume(self, strategy: str, *, by: str) -> None:
        """Ask it again."""
        await self._engine.act(ResumeStrategy(self._account, StrategyId(strategy), by))
        await self._until_said(strategy, is_paused=False)

    async def open_of(self, strategy: str) -> OpenNow:
        """Return what a strategy has open."""
        return await self._engine.ask(
            WhatIsOpen(account=self._account, strategy=StrategyId(strategy))
        )

    async def refuse_untraded(self, symbols: Sequence[str]) -> None:
        """Refuse an instrument that is not traded: all set-ups would be passed over for it."""
        if symbols:
            names = tuple(InstrumentId(each) for each in symbols)
            with contextlib.suppress(EngineUnreachable, Unavailable):  # nobody can say
                await self._engine.ask(TopsOfBook(instruments=names))

    async def take_up(self, strategy: str, setup: SetUp) -> Taken:
        """Have the engine composed anew where it has not seen the newest document.

        One at a time: who waits is mostly served by the one before, with all that was stored
        meanwhile.
        """
        if self._link is None:
            return Taken.NOT_IN_FORCE
        try:
            async with self._composing:
                found = await self._up_to_date(self._link)
        except BotError:  # it does not answer, or nobody would start it again: at its next start
            return Taken.NOT_IN_FORCE
        runs = found.desired.strategies.get(strategy)
        if runs == desired_of(setup):
            return Taken.IN_FORCE
        is_newest = runs is not None and not found.refused
        return Taken.REPLACED if is_newest else Taken.NOT_IN_FORCE

    async def catch_up(self) -> None:
        """Have the engine composed anew where it runs something else than what is wanted now.

        Whoever changed that was cut off before the engine heard of it, or the document was mended.

        Raises:
            EngineUnreachable: it does not answer.
            ConfigError: the document cannot be read, or nobody would start the engine again.
        """
        if self._link is None:
            return
        async with self._composing:
            wanted = await asyncio.to_thread(read_desired, self._home)
            if _is_behind(await self._link.composition(), wanted):
                await self._up_to_date(self._link)

    async def _up_to_date(self, link: EngineLink) -> ComposedFrom:
        """Return what the engine was composed from, once it has seen the newest document.

        Raises:
            BotError: it does not answer, or does not come back in time.
        """
        wanted = await asyncio.to_thread(read_desired, self._home)
        found = await link.composition()
        if found.seen == wanted:
            return found
        await link.recompose(by="control")
        self._recomposed(found.pid)
        waited = 0.0
        while waited < _BACK_S:
            await self._clock.sleep(_LOOK_S)
            waited += _LOOK_S
            view = self._engine.view()
            if view is not None and view.engine_pid != found.pid:
                return await link.composition()
        raise EngineUnreachable(
            code="ENGINE_UNREACHABLE",
            cause=f"the engine did not come back within {_BACK_S:.0f} s",
            fix="see `./bot status`",
        )

    async def decisions(
        self, strategy: str, symbol: str, *, limit: int, before: int | None
    ) -> Sequence[Decision]:
        """Return decisions on one instrument, or on all that the strategy trades."""
        names = [symbol] if symbol else self._instruments(strategy)
        found: list[Decision] = []
        for name in names:
            told = await self._engine.ask(
                DecisionsOf(
                    strategy=StrategyId(strategy),
                    instrument=InstrumentId(name),
                    limit=limit,
                    before=None if before is None else Nanos(before),
                )
            )
            found += [
                Decision(
                    strategy=strategy,
                    symbol=name,
                    time=instant(each.ts),
                    wish=each.wish,
                    weight=each.weight,
                    reason=each.reason,
                    outcome=each.outcome,
                )
                for each in told.items
            ]
        found.sort(key=lambda each: (each.time, each.symbol), reverse=True)
        return found[:limit]

    def signals(self, *, strategy: str, symbol: str, limit: int, cursor: str) -> Page[Signal]:
        """Return signals, newest first."""
        return self._signals(strategy=strategy, symbol=symbol, limit=limit, cursor=cursor)

    def _instruments(self, strategy: str) -> list[str]:
        view = self._engine.view()
        for each in () if view is None else view.strategies:
            if each.id == strategy:
                return sorted({decision.instrument for decision in each.decisions})
        return []

    async def _until_said(self, strategy: str, *, is_paused: bool) -> None:
        """Wait, not for long, until the view shows what the engine has done already."""
        for _ in range(round(_SAID_S / _LOOK_S)):
            view = self._engine.view()
            said = [] if view is None else [x for x in view.strategies if x.id == strategy]
            if all((each.status in _PAUSED) is is_paused for each in said):
                return
            await self._clock.sleep(_LOOK_S)


def _is_behind(found: ComposedFrom, wanted: Desired) -> bool:
    """Whether an engine was composed from something else than what is wanted.

    Limits are put in force as they are changed: a document that only has them too is no reason.
    """
    if found.seen is None or found.seen.strategies != wanted.strategies:
        return True
    return found.seen != wanted and any(
        found.limits.get(name) != value for name, value in wanted.limits.items()
    )
