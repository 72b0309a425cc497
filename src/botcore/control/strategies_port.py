"""What the handlers of strategies need: set-ups with their versions, what there is, the engine."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

import msgspec

from botcore.control.operations import Page
from botcore.control.schema.strategies import (
    Available,
    AvailableDetails,
    Decision,
    Rules,
    Signal,
)
from botcore.control.views import PlatformView
from botcore.domain.questions import OpenNow


class SetUp(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy is to run with.

    Attributes:
        strategy: name of what it runs.
        equity_frac: share of the account's equity, 0..1.
        symbols: what it trades; empty is everything.
        is_active: whether it is to be asked.
    """

    strategy: str
    parameters: dict[str, float] = msgspec.field(default_factory=dict)
    equity_frac: float = 0.10
    symbols: tuple[str, ...] = ()
    description: str = ""
    is_active: bool = True


class SetUpVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a set-up.

    Attributes:
        version: counts up from 1; 0 is what the settings say and nobody has changed.
        at: nanoseconds UTC; 0 where that is not known.
        undo_of: the version that it went back to.
    """

    id: str
    version: int
    author: str
    at: int
    setup: SetUp
    is_deleted: bool = False
    undo_of: int | None = None


class SetUps(Protocol):
    """The set-ups of the account; the newest version of each is what the engine is to run."""

    async def newest(self) -> Mapping[str, SetUpVersion]:
        """Return id → newest version, also of those that were deleted."""
        ...

    async def versions(self, strategy: str) -> Sequence[SetUpVersion]:
        """Return all versions of one, newest first; empty where there was never one."""
        ...

    async def write(
        self,
        strategy: str,
        setup: SetUp,
        *,
        author: str,
        after: int,
        is_deleted: bool = False,
        undo_of: int | None = None,
    ) -> SetUpVersion:
        """Add a version, durably, and leave it where the engine finds it at its next start.

        Args:
            strategy: its id.
            setup: from now on.
            author: who changed it.
            after: the version it follows.
            is_deleted: whether there is none from now on.
            undo_of: the version that it went back to.

        Raises:
            Conflict: ``VERSION_CHANGED``, another one came between.
            StorageError: it cannot be written.
        """
        ...


class StrategyCatalogue(Protocol):
    """Strategies that can be set up; its functions block."""

    def entries(self) -> Sequence[Available]:
        """Return all of them, and what cannot be loaded."""
        ...

    def details(self, name: str) -> AvailableDetails:
        """Return what one declares.

        Raises:
            ConfigError: there is none of that name, or it cannot be loaded.
        """
        ...

    def check(self, name: str, parameters: Mapping[str, float]) -> None:
        """Refuse a name or a parameter that cannot be.

        Raises:
            ConfigError: it cannot.
        """
        ...

    def rules_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of strategies without code."""
        ...

    def rules(self, name: str) -> Rules | None:
        """Return a strategy without code; None where there is none of that name."""
        ...

    def write_rules(self, name: str, document: Mapping[str, Any], *, replace: bool) -> Rules:
        """Compile and store a strategy without code.

        Raises:
            ConfigError: it is refused, or the name is taken.
            StorageError: it cannot be written; what was there stands.
        """
        ...


class Taken(StrEnum):
    """What became of a set-up that was stored."""

    IN_FORCE = "in force"
    REPLACED = "replaced"
    """Another one of the same strategy was stored after it, and that one is in force."""
    NOT_IN_FORCE = "not in force"
    """The engine does not run, takes longer, or cannot use it and goes on with what it ran."""


class StrategyEngine(Protocol):
    """The engine, as far as strategies go."""

    def view(self) -> PlatformView | None:
        """Return the newest view."""
        ...

    async def pause(self, strategy: str, *, by: str) -> None:
        """Stop asking a strategy.

        Raises:
            BotError: the engine does not answer.
        """
        ...

    async def resume(self, strategy: str, *, by: str) -> None:
        """Ask it again.

        Raises:
            BotError: the engine does not answer.
        """
        ...

    async def open_of(self, strategy: str) -> OpenNow:
        """Return what a strategy has open, all of it counted.

        Raises:
            BotError: the engine does not answer, so nobody knows.
        """
        ...

    async def refuse_untraded(self, symbols: Sequence[str]) -> None:
        """Refuse an instrument that is not traded, where the engine runs and can say so.

        Raises:
            ConfigError: ``INSTRUMENT_UNKNOWN``.
        """
        ...

    async def take_up(self, strategy: str, setup: SetUp) -> Taken:
        """Let the engine take up the newest set-ups, and return what became of one that was stored.

        Changes that come while the engine is composed anew are taken up together: the newest win.
        """
        ...

    async def decisions(
        self, strategy: str, symbol: str, *, limit: int, before: int | None
    ) -> Sequence[Decision]:
        """Return what a strategy decided, newest first, strictly before an instant.

        Raises:
            BotError: the engine does not answer.
        """
        ...

    def signals(self, *, strategy: str, symbol: str, limit: int, cursor: str) -> Page[Signal]:
        """Return signals, newest first; it blocks.

        Raises:
            StorageError: they cannot be read.
        """
        ...
