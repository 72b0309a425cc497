"""``botcore backtest``: strategies over recorded or simulated bars, and what became of the runs."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import typer

from botcore.cli import calls
from botcore.cli.groups import RunsByDefault
from botcore.cli.options import Home, given
from botcore.cli.progress import bars_done
from botcore.domain.calendar import parse_instant, parse_step
from botcore.domain.errors import ConfigError

_WORDS: Final = {"true": 1.0, "yes": 1.0, "on": 1.0, "false": 0.0, "no": 0.0, "off": 0.0}


def backtest(
    strategies: Annotated[
        list[str],
        typer.Argument(
            metavar="STRATEGY", help="Of the library (ema-cross), of your own, or files."
        ),
    ],
    *,
    instrument: Annotated[
        list[str] | None,
        typer.Option("--instrument", help="Such as BTCUSDT.BINANCE; one or several."),
    ] = None,
    timeframe: Annotated[
        str, typer.Option("--timeframe", "--step", help="Length of a bar: 15s, 1m, 4h, 1d.")
    ] = "1m",
    start: Annotated[
        str | None, typer.Option("--from", help="First bar: a date or time, UTC.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="First bar left out.")] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", help="fast=10, or ema-cross.fast=10 among several."),
    ] = None,
    cash: Annotated[str, typer.Option("--cash", help="What the account begins with.")] = "10000",
    share: Annotated[
        float, typer.Option("--share", help="Of the equity, each strategy: 0.1 is 10 %.")
    ] = 0.10,
    fee_bps: Annotated[float, typer.Option("--fee-bps", help="Of each fill; 10 is 0.1 %.")] = 10.0,
    slippage_bps: Annotated[
        float, typer.Option("--slippage-bps", help="On market and stop orders.")
    ] = 2.0,
    allow_gaps: Annotated[
        bool, typer.Option("--allow-gaps", help="Play data that has holes; nothing fills in one.")
    ] = False,
    protections: Annotated[
        bool, typer.Option("--protections", help="Lock entries as those of the settings say.")
    ] = False,
    market: Annotated[
        str | None, typer.Option("--market", help="demo: the simulated market.")
    ] = None,
    bars: Annotated[
        int, typer.Option("--bars", min=1, help="Bars an instrument of the simulated market.")
    ] = 100_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the simulated market.")] = 1,
    home: Home = None,
) -> None:
    """Run strategies over many bars, print what they would have done, and keep the report.

    With an --instrument that was imported (`botcore data import`) it is real prices; without one
    the simulated market. `backtest list`, `backtest show RUN` and `backtest compare RUN RUN` look
    at what was run.
    """
    refuse_market(market, instrument or ())
    with bars_done("running") as told:
        finished = calls.backtesting().run(
            overrides=given(home=home),
            strategies=strategies,
            instruments=tuple(instrument or ()),
            step_ns=parse_step(timeframe),
            start=None if start is None else parse_instant(start),
            end=None if end is None else parse_instant(end),
            bars=bars,
            seed=seed,
            parameters=parsed_parameters(param or ()),
            cash=cash,
            equity_frac=share,
            fee_bps=fee_bps,
            slippage_bps=slippage_bps,
            allow_gaps=allow_gaps,
            progress=told,
            has_protections=protections,
        )
    from botcore.cli.reports import print_report

    print_report(finished.report, finished.run)


def list_runs(home: Home = None) -> None:
    """List the backtests and replays of this home."""
    from botcore.cli.reports import print_runs

    print_runs(calls.backtesting().records(overrides=given(home=home)))


def show(
    run: Annotated[str, typer.Argument(help="Its number, or last.")] = "last", home: Home = None
) -> None:
    """Show the report of a run, and where its page lies."""
    from botcore.cli.reports import print_report

    (found,) = calls.backtesting().shown(overrides=given(home=home), runs=[run])
    print_report(found.report, found.run)


def compare(
    runs: Annotated[list[str], typer.Argument(metavar="RUN", help="Two or more numbers.")],
    home: Home = None,
) -> None:
    """Put the figures of several runs side by side."""
    from botcore.cli.reports import print_compared

    found = calls.backtesting().shown(overrides=given(home=home), runs=runs)
    print_compared([each.run.record.number for each in found], [each.report for each in found])


def group() -> typer.Typer:
    """Return the verb with the verbs under it."""
    verbs = typer.Typer(
        cls=RunsByDefault,
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Run strategies over many bars; list, show and compare what was run.",
    )
    verbs.command("run")(backtest)
    verbs.command("list")(list_runs)
    verbs.command("show")(show)
    verbs.command("compare")(compare)
    return verbs


def refuse_market(market: str | None, instruments: Sequence[str]) -> None:
    """Refuse a market that does not exist, or that the instruments contradict.

    Raises:
        ConfigError: it does.
    """
    if market in (None, "data"):
        return
    if market != "demo":
        raise ConfigError(
            code="MARKET_UNKNOWN",
            cause=f"there is no market {market!r}",
            fix="leave --market out, or write demo for the simulated one",
        )
    for name in instruments:
        if not name.endswith(".SIM"):
            raise ConfigError(
                code="MARKET_UNKNOWN",
                cause=f"{name} is not of the simulated market",
                fix="leave --market out to use what was imported",
            )


def parsed_parameters(given_texts: Sequence[str]) -> Mapping[str, float]:
    """Return ``fast=10`` and the like as numbers by name; true and false are 1 and 0.

    Raises:
        ConfigError: one is not ``name=value``, not a number, or given twice.
    """
    found: dict[str, float] = {}
    for text in given_texts:
        name, equals, value = text.partition("=")
        try:
            number = _WORDS[value.lower()] if value.lower() in _WORDS else float(value)
        except ValueError:
            equals = ""
            number = 0.0
        if not name or not equals or name in found:
            raise ConfigError(
                code="PARAMETER_MALFORMED",
                cause=f"parameter {text!r} is given twice"
                if name in found
                else f"parameter {text!r} is not NAME=NUMBER",
                fix="write for example --param fast=10 --param slow=30, each once",
            )
        found[name] = number
    return found
