"""From settings to an engine's configuration: the paper account, and the market it trades on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from botcore.app.desired import NOTHING, Desired, DesiredStrategy
from botcore.app.feed import market_config
from botcore.app.home import Home
from botcore.app.markets import Market
from botcore.app.protection_settings import protections_of
from botcore.app.settings import Settings
from botcore.app.strategies import find_strategy
from botcore.backtest.demo import demo_instruments
from botcore.domain.commands import MANUAL
from botcore.domain.errors import ConfigError
from botcore.domain.ids import (
    AccountId,
    Currency,
    InstrumentId,
    StrategyId,
    slug,
)
from botcore.domain.instruments import Instrument
from botcore.engine import AccountConfig, EngineConfig, StrategyClass, StrategyConfig
from botcore.engine.limits import limits_of
from botcore.risk import Sizing
from botcore.strategies import parameters_in_force

PAPER = AccountId("paper")
USDT = Currency("USDT")
DECISIONS_KEPT = 2_000
"""Decisions kept in memory a strategy and instrument, and points of the equity curve."""


class Prices(Protocol):
    """What is traded, and in bars of which length."""

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """Their rules."""
        ...

    @property
    def step_ns(self) -> int:
        """Nanoseconds."""
        ...


def market_of(settings: Settings, home: Home) -> Market:
    """Return where the settings take prices from; it is not open yet.

    Raises:
        ConfigError: there are no such prices.
    """
    if settings.feed == "tape":
        from botcore.app.tape_prices import TapePrices  # the lake: only for who plays from it

        return TapePrices(settings, home)
    if settings.feed == "binance":
        from botcore.app.live_prices import LivePrices  # the network: only for who asks for it

        return LivePrices(settings, home)
    from botcore.app.simulated_prices import SimulatedPrices

    return SimulatedPrices(settings, home)


def engine_config(
    settings: Settings,
    market: Prices | None = None,
    *,
    folder: Path | None = None,
    desired: Desired = NOTHING,
) -> tuple[EngineConfig, dict[str, StrategyClass]]:
    """Return what the engine is told, and the classes it names.

    Each strategy has its share of the account's equity, divided equally over the instruments.

    Args:
        settings: in force.
        market: what is traded, in bars of which length; None is the simulated market.
        folder: of the person's own strategies; None for the library alone.
        desired: what people want above the settings.

    Raises:
        ConfigError: a strategy or a parameter does not exist, or a value is out of range.
    """
    if market is None:
        simulated = market_config(settings)
        instruments, step_ns = demo_instruments(simulated), simulated.bar_ns
    else:
        instruments, step_ns = market.instruments, market.step_ns
    classes: dict[str, StrategyClass] = {}
    configured = []
    wanted = strategies_of(settings, desired)
    if not wanted:
        raise ConfigError(
            code="NO_STRATEGY",
            cause="the settings name no strategy",
            fix="name at least one, or remove the table to run the shipped ones",
        )
    for name, each in wanted.items():
        if not each.is_active:
            continue
        known_as, chosen = find_strategy(each.strategy, folder)
        classes[known_as] = chosen
        parameters_in_force(chosen, each.parameters)  # refuses what it cannot run with
        traded = _traded(name, each, instruments)
        configured.append(
            StrategyConfig(
                id=StrategyId(_own_name(name)),
                strategy=known_as,
                account=PAPER,
                instruments=traded,
                step_ns=step_ns,
                parameters=each.parameters,
                sizing=Sizing(equity_frac=each.equity_frac / len(traded)),
            )
        )
    limits = limits_of({**settings.limits.model_dump(), **desired.limits})
    protections = protections_of(settings.protections, step_ns=step_ns)
    account = AccountConfig(PAPER, USDT, limits, protections)
    config = EngineConfig((account,), instruments, tuple(configured), decisions_kept=DECISIONS_KEPT)
    return config, classes


def strategies_of(settings: Settings, desired: Desired = NOTHING) -> dict[str, DesiredStrategy]:
    """Return the settings' strategies by name, with the desired ones in their place and behind."""
    known = {
        name: DesiredStrategy(
            strategy=each.strategy, equity_frac=each.equity_frac, parameters=each.parameters
        )
        for name, each in settings.strategies.items()
    }
    return {**known, **desired.strategies}


def _own_name(name: str) -> str:
    if name == MANUAL:
        raise ConfigError(
            code="STRATEGY_NAME_RESERVED",
            cause=f"{name!r} is the name of what people do by hand",
            fix="give the strategy another name",
        )
    return slug(name, what="strategy")


def _traded(
    name: str, wanted: DesiredStrategy, instruments: Sequence[Instrument]
) -> tuple[InstrumentId, ...]:
    """Return what a strategy trades: all of it where it names nothing."""
    known = sorted({each.id for each in instruments})
    if wanted.instruments is None:
        return tuple(known)
    for each in wanted.instruments:
        if each not in known:
            raise ConfigError(
                code="INSTRUMENT_UNKNOWN",
                cause=f"strategy {name} wants {each}, which is not traded here",
                fix=f"choose from: {', '.join(known)}",
            )
    if not wanted.instruments:
        raise ConfigError(
            code="NO_INSTRUMENT",
            cause=f"strategy {name} names no instrument",
            fix=f"name at least one of: {', '.join(known)}",
        )
    return tuple(each for each in known if each in wanted.instruments)
