"""From settings to an engine's configuration: the paper account, and the market it trades on."""

from pathlib import Path
from typing import Protocol

from botcore.app.home import Home
from botcore.app.markets import Market
from botcore.app.settings import Settings
from botcore.app.strategies import find_strategy
from botcore.backtest.demo import demo_instruments
from botcore.domain.errors import ConfigError
from botcore.domain.ids import SECOND_NS, AccountId, Currency, StrategyId, slug
from botcore.domain.instruments import Instrument
from botcore.engine import AccountConfig, EngineConfig, StrategyClass, StrategyConfig
from botcore.risk import RiskLimits, Sizing
from botcore.strategies import parameters_in_force
from botcore.venues.simulated.market import DEMO, MarketConfig

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


def market_config(settings: Settings) -> MarketConfig:
    """Return the simulated market at the bar size of the settings."""
    return DEMO.with_bar_ns(round(settings.bar_s * SECOND_NS))


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
    settings: Settings, market: Prices | None = None, *, folder: Path | None = None
) -> tuple[EngineConfig, dict[str, StrategyClass]]:
    """Return what the engine is told, and the classes it names.

    Each strategy has its share of the account's equity, divided equally over the instruments.

    Args:
        settings: in force.
        market: what is traded, in bars of which length; None is the simulated market.
        folder: of the person's own strategies; None for the library alone.

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
    if not settings.strategies:
        raise ConfigError(
            code="NO_STRATEGY",
            cause="the settings name no strategy",
            fix="name at least one, or remove the table to run the shipped ones",
        )
    for name, each in settings.strategies.items():
        known_as, chosen = find_strategy(each.strategy, folder)
        classes[known_as] = chosen
        parameters_in_force(chosen, each.parameters)  # refuses what it cannot run with
        configured.append(
            StrategyConfig(
                id=StrategyId(slug(name, what="strategy")),
                strategy=known_as,
                account=PAPER,
                instruments=tuple(sorted(i.id for i in instruments)),
                step_ns=step_ns,
                parameters=each.parameters,
                sizing=Sizing(equity_frac=each.equity_frac / len(instruments)),
            )
        )
    limits = RiskLimits(**settings.limits.model_dump())
    account = AccountConfig(PAPER, USDT, limits)
    config = EngineConfig((account,), instruments, tuple(configured), decisions_kept=DECISIONS_KEPT)
    return config, classes
