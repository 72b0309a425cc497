"""What `botcore backtest` does: from the command line's words to a report."""

from collections.abc import Callable, Mapping

from botcore.backtest import (
    SIMULATED,
    BacktestingFramework,
    BacktestReport,
    StrategyRun,
    demo_instruments,
    demo_tape,
)
from botcore.domain.errors import ConfigError
from botcore.domain.parameters import did_you_mean
from botcore.risk import RiskLimits, Sizing
from botcore.strategies.library import strategy_named

MARKETS = ("demo",)
BARS_MAX = 5_000_000
EQUITY_FRAC = 0.10


def run(
    *,
    strategy: str,
    market: str,
    bars: int,
    seed: int,
    step_ns: int,
    instruments: tuple[str, ...] | None,
    parameters: Mapping[str, float],
    cash: str,
    progress: Callable[[int, int], None],
) -> BacktestReport:
    """Run a strategy, with 10 % of equity shared by its instruments, over simulated history.

    Args:
        strategy: its name in the library.
        market: ``demo``, the seeded simulated market.
        bars: bars an instrument, 1 to 5,000,000.
        seed: the same seed gives the same market.
        step_ns: length of a bar, nanoseconds.
        instruments: which of the market's; None is all.
        parameters: by name; the rest take their defaults.
        cash: opening USDT, a decimal string above 0.
        progress: called now and then with bars done and in all.

    Raises:
        ConfigError: a name or a value is refused.
    """
    if market not in MARKETS:
        raise ConfigError(
            code="MARKET_UNKNOWN",
            cause=f"there is no market {market!r}",
            fix=did_you_mean(market, list(MARKETS)),
        )
    if not 1 <= bars <= BARS_MAX:
        raise ConfigError(
            code="BARS_REFUSED", cause=f"{bars} bars", fix=f"choose from 1 to {BARS_MAX:,}"
        )
    space = strategy_named(strategy).parameters
    space.row(parameters)
    known = [str(instrument.id) for instrument in demo_instruments()]
    chosen = instruments or tuple(known)
    for name in chosen:
        if name not in known:
            raise ConfigError(
                code="INSTRUMENT_UNKNOWN",
                cause=f"the market has no {name!r}",
                fix=did_you_mean(name, known),
            )
    framework = BacktestingFramework(
        tape=demo_tape(bars, seed=seed, step_ns=step_ns, instruments=chosen),
        instruments=demo_instruments(),
        cash=cash,
        limits=RiskLimits(),
        warning=SIMULATED,
    )
    sizing = Sizing(equity_frac=EQUITY_FRAC / len(chosen))
    return framework.run_backtest(StrategyRun(strategy, parameters, sizing), progress=progress)
