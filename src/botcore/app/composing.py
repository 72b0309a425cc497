"""The engine as people want it now; where that cannot be, as it was composed last."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from botcore.app.composition import PAPER, engine_config, strategies_of
from botcore.app.desired import COMPOSED, DESIRED, NOTHING, Desired, read_desired, write_desired
from botcore.app.home import Home
from botcore.app.markets import Market
from botcore.app.settings import Settings
from botcore.domain.errors import BotError, ConfigError, StorageError
from botcore.domain.ids import InstrumentId, StrategyId
from botcore.domain.questions import StrategyState
from botcore.engine import Engine, EngineConfig
from botcore.kernel.guard import Crashed, guarded


class Composed(NamedTuple):
    """An engine that has taken no input yet.

    Attributes:
        desired: what it was composed from, above the settings.
        stopped: strategies that are configured and not run.
        refused: why the newest document was passed over; empty if it was not.
        seen: the newest document; None if it could not be read.
    """

    engine: Engine
    config: EngineConfig
    desired: Desired
    stopped: tuple[StrategyState, ...]
    refused: str = ""
    seen: Desired | None = None


def compose(settings: Settings, market: Market, home: Home) -> Composed:
    """Compose the engine from settings and what is desired.

    A document that is malformed, names what there is not, or holds a parameter that cannot be used
    stops nothing: the engine is composed from the document before, or from the settings alone. The
    limits of the newest document stay, as long as they can be used.

    Args:
        settings: in force.
        market: what is traded.
        home: holds the documents, and the person's own strategies.

    Raises:
        ConfigError: the settings alone cannot be composed.
    """
    refused = ""
    documents: list[Desired] = []
    seen: Desired | None = None
    for name in (DESIRED, COMPOSED):
        try:
            documents.append(read_desired(home, name))
            seen = documents[0] if name == DESIRED else seen
        except ConfigError as error:
            refused = refused or f"{error.cause} [{error.code}]"
    for desired, is_known in _best_first(documents):
        found = guarded(_composed, settings, market, home, desired)
        if isinstance(found, Crashed):  # a person's own strategy may raise anything
            refused = refused or _said(found)
            continue
        if is_known:
            _keep(home, desired)
        return found._replace(refused=refused, seen=seen)
    return _composed(settings, market, home, NOTHING)._replace(refused=refused, seen=seen)


def _best_first(documents: Sequence[Desired]) -> Iterator[tuple[Desired, bool]]:
    """Give what to compose from: strategies are let go of before the limits people put on them.

    Args:
        documents: the newest first.

    Yields:
        What is desired, and whether its strategies are a document's rather than the settings'.
    """
    for place, each in enumerate(documents, 1):
        for limits in [one.limits for one in documents[:place]]:
            yield replace(each, limits=limits), True
    for limits in [one.limits for one in documents]:
        yield replace(NOTHING, limits=limits), False


def _composed(settings: Settings, market: Market, home: Home, desired: Desired) -> Composed:
    config, classes = engine_config(settings, market, folder=home.strategies, desired=desired)
    stopped = tuple(
        StrategyState(
            id=StrategyId(name),
            account=PAPER,
            strategy=each.strategy,
            kind="",
            status="stopped",
            instruments=tuple(InstrumentId(one) for one in each.instruments or ()),
            parameters=each.parameters,
            equity_frac=each.equity_frac,
        )
        for name, each in strategies_of(settings, desired).items()
        if not each.is_active
    )
    return Composed(Engine(config, classes, observe=True), config, desired, stopped)


def _keep(home: Home, desired: Desired) -> None:
    """Keep what could be composed, for a start that finds worse."""
    with contextlib.suppress(ConfigError):
        if read_desired(home, COMPOSED) == desired:
            return
    with contextlib.suppress(StorageError):  # then an older one is gone back to
        write_desired(home, desired, COMPOSED)


def _said(crashed: Crashed) -> str:
    error = crashed.error
    return f"{error.cause} [{error.code}]" if isinstance(error, BotError) else crashed.summary
