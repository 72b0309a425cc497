"""What people want run, in versions: kept in the control store, and told the engine in a document.

The engine never opens the control store. At each change the newest versions are written out as
`desired.json` beside the engine's own; a document that is behind is written anew at the start.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from botcore.app.desired import Desired, DesiredStrategy, read_desired, write_desired
from botcore.app.home import Home
from botcore.app.settings import Settings
from botcore.control.problems import Conflict
from botcore.control.strategies_port import SetUp, SetUpVersion
from botcore.domain.errors import ConfigError
from botcore.kernel.clock import Clock
from botcore.storage.control import DesiredStore, Version

LIMITS: Final = "limits"
_AUTHOR: Final = "settings"


class WantedSetUps:
    """Set-ups of strategies (`control.strategies_port.SetUps`), and limits that people changed.

    Args:
        strategies, limits: their versions.
        settings: what is run where nobody has changed anything.
        home: of the account's market.
        account: whose.
        clock: dates versions.
    """

    def __init__(
        self,
        *,
        strategies: DesiredStore,
        limits: DesiredStore,
        settings: Settings,
        home: Home,
        account: str,
        clock: Clock,
    ) -> None:
        self._strategies = strategies
        self._limits = limits
        self._settings = settings
        self._home = home
        self._account = f"{home.state.name}/{account}" if home.state != home.path else account
        self._clock = clock
        self._writing = asyncio.Lock()
        self._writes = 0
        self._known: Mapping[str, SetUpVersion] | None = None

    async def newest(self) -> Mapping[str, SetUpVersion]:
        """Return id → newest version: the settings' own, and above them what people changed.

        It is read anew after a write, and else remembered: nobody else writes here.
        """
        if self._known is not None:
            return self._known
        writes = self._writes
        found = await self._read()
        if writes == self._writes:
            self._known = found
        return found

    async def _read(self) -> Mapping[str, SetUpVersion]:
        found = {
            name: SetUpVersion(id=name, version=0, author=_AUTHOR, at=0, setup=self._own(name))
            for name in self._settings.strategies
        }
        for name, version in (await self._strategies.newest(self._account)).items():
            found[name] = _setup_version(version)
        return found

    async def versions(self, strategy: str) -> Sequence[SetUpVersion]:
        """Return all versions of one, newest first; that of the settings is number 0."""
        kept = await self._strategies.versions(self._account, strategy)
        found = [_setup_version(each) for each in kept]
        if strategy in self._settings.strategies:
            own = self._own(strategy)
            found.append(SetUpVersion(id=strategy, version=0, author=_AUTHOR, at=0, setup=own))
        return found

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
        """Add a version, and tell the engine's document."""
        version = Version(
            account=self._account,
            id=strategy,
            version=after + 1,
            author=author,
            at=self._clock.now_ns(),
            document=msgspec.json.encode(setup).decode(),
            is_deleted=is_deleted,
            undo_of=undo_of,
        )
        async with self._writing:
            self._writes += 1
            self._known = None
            try:
                is_written = await self._strategies.write(version)
            finally:  # also where nobody can tell
                self._writes += 1
                self._known = None
            if not is_written:
                raise Conflict(
                    code="VERSION_CHANGED",
                    cause=f"{strategy!r} was changed by somebody else meanwhile",
                    fix="look at it again, and decide anew",
                )
            await self._tell_engine()
        return _setup_version(version)

    async def keep_limits(self, limits: Mapping[str, Any], *, author: str) -> None:
        """Keep limits that were put in force, for the next start; once, however often it is asked.

        Args:
            limits: those that people changed, by their names; the rest stay the settings'.
            author: who did.

        Raises:
            StorageError: they cannot be kept.
        """
        async with self._writing:
            newest = (await self._limits.newest(self._account)).get(LIMITS)
            known = {} if newest is None else msgspec.json.decode(newest.document)
            if newest is not None and {**known, **limits} == known:
                await self._tell_engine()
                return
            version = Version(
                account=self._account,
                id=LIMITS,
                version=1 if newest is None else newest.version + 1,
                author=author,
                at=self._clock.now_ns(),
                document=msgspec.json.encode({**known, **limits}).decode(),
            )
            if not await self._limits.write(version):
                raise Conflict(
                    code="VERSION_CHANGED",
                    cause="the limits were changed meanwhile",
                    fix="look again",
                )
            await self._tell_engine()

    async def catch_up(self) -> None:
        """Write the document anew where it is not what is wanted: a write may have been cut off.

        Raises:
            StorageError: it cannot be read or written.
        """
        async with self._writing:
            await self._tell_engine()

    async def _tell_engine(self) -> None:
        strategies = await self._strategies.newest(self._account)
        limits = await self._limits.newest(self._account)
        if not strategies and not limits:
            return
        wanted = {name: _wanted(_setup_version(version)) for name, version in strategies.items()}
        kept = limits.get(LIMITS)
        revision = sum(each.version for each in (*strategies.values(), *limits.values()))
        document = Desired(
            revision=revision,
            strategies=wanted,
            limits={} if kept is None else msgspec.json.decode(kept.document),
        )
        await asyncio.to_thread(self._write, document)

    def _write(self, document: Desired) -> None:
        try:
            if read_desired(self._home) == document:
                return
        except ConfigError:
            pass  # it is damaged: what is wanted replaces it
        write_desired(self._home, document)

    def _own(self, name: str) -> SetUp:
        each = self._settings.strategies[name]
        return SetUp(
            strategy=each.strategy,
            parameters=dict(each.parameters),
            equity_frac=each.equity_frac,
        )


def _setup_version(version: Version) -> SetUpVersion:
    return SetUpVersion(
        id=version.id,
        version=version.version,
        author=version.author,
        at=version.at,
        setup=msgspec.json.decode(version.document, type=SetUp),
        is_deleted=version.is_deleted,
        undo_of=version.undo_of,
    )


def desired_of(setup: SetUp) -> DesiredStrategy:
    """Return what the engine is told of a set-up."""
    return DesiredStrategy(
        strategy=setup.strategy,
        equity_frac=setup.equity_frac,
        parameters=setup.parameters,
        is_active=setup.is_active,
        instruments=setup.symbols or None,
    )


def _wanted(version: SetUpVersion) -> DesiredStrategy:
    """Return what the engine is told; one that was removed is not run, and what it holds stands."""
    wanted = desired_of(version.setup)
    return replace(wanted, is_active=False) if version.is_deleted else wanted
