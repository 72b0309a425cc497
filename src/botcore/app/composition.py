"""From settings to an engine's configuration: the paper account on the simulated market."""

from botcore.app.settings import Settings
from botcore.backtest.demo import demo_instruments
from botcore.domain.errors import ConfigError
from botcore.domain.ids import SECOND_NS, AccountId, Currency, StrategyId, slug
from botcore.engine import AccountConfig, EngineConfig, StrategyClass, StrategyConfig
from botcore.risk import RiskLimits, Sizing
from botcore.strategies import SignalRunner
from botcore.strategies.library import strategy_named
from botcore.venues.simulated.market import DEMO, MarketConfig

PAPER = AccountId("paper")
USDT = Currency("USDT")
DECISIONS_KEPT = 2_000
"""Decisions kept in memory a strategy and instrument, and points of the equity curve."""


def market_config(settings: Settings) -> MarketConfig:
    """Return the simulated market at the bar size of the settings."""
    return DEMO.with_bar_ns(round(settings.bar_s * SECOND_NS))


def engine_config(settings: Settings) -> tuple[EngineConfig, dict[str, StrategyClass]]:
    """Return what the engine is told, and the classes it names.

    Each strategy has its share of the account's equity, divided equally over the instruments.

    Raises:
        ConfigError: a strategy or a parameter does not exist, or a value is out of range.
    """
    market = market_config(settings)
    instruments = demo_instruments(market)
    classes: dict[str, StrategyClass] = {}
    configured = []
    if not settings.strategies:
        raise ConfigError(
            code="NO_STRATEGY",
            cause="the settings name no strategy",
            fix="name at least one, or remove the table to run the shipped ones",
        )
    for name, each in settings.strategies.items():
        classes[each.strategy] = chosen = strategy_named(each.strategy)
        SignalRunner(chosen, each.parameters)  # refuses what it cannot run with
        configured.append(
            StrategyConfig(
                id=StrategyId(slug(name, what="strategy")),
                strategy=each.strategy,
                account=PAPER,
                instruments=tuple(sorted(i.id for i in instruments)),
                step_ns=market.bar_ns,
                parameters=each.parameters,
                sizing=Sizing(equity_frac=each.equity_frac / len(instruments)),
            )
        )
    limits = RiskLimits(**settings.limits.model_dump())
    account = AccountConfig(PAPER, USDT, limits)
    config = EngineConfig((account,), instruments, tuple(configured), decisions_kept=DECISIONS_KEPT)
    return config, classes
