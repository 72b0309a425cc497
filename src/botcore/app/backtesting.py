"""What `botcore backtest` does: from the command line's words to a report."""

from collections.abc import Callable, Mapping, Sequence

from botcore.backtest import (
    SIMULATED,
    BacktestingFramework,
    BacktestReport,
    StrategyRun,
    demo_instruments,
    demo_tape,
)
from botcore.domain.errors import ConfigError
from botcore.domain.ids import SECOND_NS
from botcore.domain.parameters import did_you_mean
from botcore.risk import RiskLimits, Sizing
from botcore.strategies.library import strategy_named

MARKETS = ("demo",)
UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
BARS_MAX = 5_000_000


def step_ns(text: str) -> int:
    """Return a bar length such as ``15s``, ``1m`` or ``4h`` in nanoseconds.

    Raises:
        ConfigError: it is no such length, or above a day.
    """
    number, unit = text[:-1], text[-1:]
    if unit in UNITS_S and number.isdigit() and 0 < int(number) * UNITS_S[unit] <= UNITS_S["d"]:
        return int(number) * UNITS_S[unit] * SECOND_NS
    raise ConfigError(
        code="STEP_MALFORMED",
        cause=f"bar length {text!r} is not a number and one of s, m, h, d",
        fix="write for example 15s, 1m, 4h or 1d",
    )


def run(
    strategies: Sequence[str],
    *,
    market: str = "demo",
    bars: int = 100_000,
    seed: int = 1,
    step: str = "1m",
    instruments: Sequence[str] = (),
    parameters: Mapping[str, str] | None = None,
    cash: str = "10000",
    equity_frac: float = 0.10,
    progress: Callable[[int, int], None] | None = None,
) -> BacktestReport:
    """Run strategies over the simulated market's history.

    Args:
        strategies: names in the library; each has `equity_frac` of equity, shared by instruments.
        market: ``demo``, the seeded simulated market.
        bars: bars an instrument, 1 to 5,000,000.
        seed: the same seed gives the same market.
        step: length of a bar, ``1m`` for example.
        instruments: which of the market's; none named is the first, BTCUSDT.
        parameters: of every strategy that has a parameter of that name.
        cash: opening USDT, a decimal string above 0.
        equity_frac: share of equity a strategy.
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
    known = [instrument.id for instrument in demo_instruments()]
    chosen = tuple(instruments) or (known[0],)
    for name in chosen:
        if name not in known:
            raise ConfigError(
                code="INSTRUMENT_UNKNOWN",
                cause=f"the market has no {name!r}",
                fix=did_you_mean(name, [str(each) for each in known]),
            )
    runs = [
        StrategyRun(
            name, _for(name, parameters or {}), Sizing(equity_frac=equity_frac / len(chosen))
        )
        for name in strategies
    ]
    for name in parameters or {}:
        if not any(name in each.parameters for each in runs):
            strategy_named(strategies[0]).parameters.row({name: parameters[name]})  # type: ignore[index]  # raises with the nearest name
    framework = BacktestingFramework(
        tape=demo_tape(bars, seed=seed, step_ns=step_ns(step), instruments=chosen),
        instruments=demo_instruments(),
        cash=cash,
        limits=RiskLimits(),
        warning=SIMULATED,
    )
    return framework.run_backtest(runs, progress=progress)


def _for(name: str, parameters: Mapping[str, str]) -> dict[str, float]:
    """Return the given parameters that a strategy has, validated."""
    space = strategy_named(name).parameters
    own = {p.name for p in space}
    given = {key: value for key, value in parameters.items() if key in own}
    named = space.named(space.row(given))
    return {key: named[key] for key in given}
