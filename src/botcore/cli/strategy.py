"""``botcore strategy``: which there are, what they declare, one of your own, and its detectors."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from botcore.cli import calls
from botcore.cli.backtest import parsed_parameters, refuse_market
from botcore.cli.options import Home, given
from botcore.domain.calendar import parse_instant, parse_step
from botcore.domain.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from botcore.app.strategy_verbs import StrategyDetails
    from botcore.backtest.checks import CheckReport

_SYMBOLS: Final = {"passed": "ok      ", "unproven": "unproven", "failed": "FAILED  "}
Name = Annotated[str, typer.Argument(help="Of the library, of your own, or a file.")]


def group() -> typer.Typer:
    """Return the verb with the verbs under it."""
    app = typer.Typer(
        help="Strategies: which there are, what they declare, one of your own, and its checks.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    app.command("list")(list_strategies)
    app.command("show")(show)
    app.command("new")(new)
    app.command("check")(check)
    return app


def list_strategies(home: Home = None) -> int:
    """List every strategy that can be named, and which of your own cannot be loaded."""
    from rich.table import Table

    entries = calls.strategies().entries(overrides=given(home=home))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("name", "kind", "what it does", "from"):
        table.add_column(title, overflow="fold")
    for each in entries:
        table.add_row(
            each.name, each.kind, each.problem or each.summary, _home_relative(each.origin)
        )
    _console().print(table, markup=False, highlight=False)
    return 1 if any(each.problem for each in entries) else 0


def show(
    name: Annotated[
        str | None, typer.Argument(help="Of the library, of your own, or a file.")
    ] = None,
    schema: Annotated[
        bool,
        typer.Option(
            "--schema", help="Print a JSON Schema: of its parameters; without NAME of rule files."
        ),
    ] = False,
    home: Home = None,
) -> None:
    """Show a strategy's parameters, what it reads, its reasons and where it is from."""
    overrides = given(home=home)
    if schema:
        print(json.dumps(calls.strategies().schema(overrides=overrides, name=name), indent=2))
        return
    if name is None:
        raise ConfigError(
            code="STRATEGY_UNNAMED",
            cause="no strategy was named",
            fix="write botcore strategy show NAME; botcore strategy list has the names",
        )
    _print_details(calls.strategies().details(overrides=overrides, name=name))


def new(
    name: Annotated[str, typer.Argument(help="A name of a-z, 0-9, _ and -.")],
    *,
    kind: Annotated[
        str,
        typer.Option("--kind", help="signal (a rule), event (own orders) or rules (no code)."),
    ] = "signal",
    home: Home = None,
) -> None:
    """Write a strategy that runs, to be changed into your own."""
    path = calls.strategies().create(overrides=given(home=home), name=name, kind=kind)
    print(f"wrote {path}")
    at = "" if home is None else f" --home {home}"
    print(f"see that it is sound:  botcore strategy check {name}{at}")
    print(f"see what it does:      botcore backtest {name} --bars 20000{at}")


def check(
    name: Name,
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
    market: Annotated[
        str | None, typer.Option("--market", help="demo: the simulated market.")
    ] = None,
    bars: Annotated[
        int, typer.Option("--bars", min=100, max=1_000_000, help="Bars an instrument, the newest.")
    ] = 5_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the simulated market.")] = 1,
    param: Annotated[list[str] | None, typer.Option("--param", help="Such as fast=10.")] = None,
    home: Home = None,
) -> int:
    """Look for faults: seeing the future, too short a warm-up, chance, wrong bounds, idleness.

    Without an --instrument that was imported it looks on the simulated market. Exit code 1 when a
    check has failed.
    """
    refuse_market(market, instrument or ())
    report = calls.strategies().check(
        overrides=given(home=home),
        name=name,
        instruments=tuple(instrument or ()),
        step_ns=parse_step(timeframe),
        start=None if start is None else parse_instant(start),
        end=None if end is None else parse_instant(end),
        bars=bars,
        seed=seed,
        parameters=parsed_parameters(param or ()),
    )
    _print_report(report)
    return 0 if report.is_ok else 1


def _print_report(report: "CheckReport") -> None:
    print(f"{report.name} on {report.bars:,} bars")
    for each in report.findings:
        where = f" on {each.instrument}" if each.instrument else ""
        print(f"{_SYMBOLS[each.verdict]}  {each.check}{where}: {each.detail}")
    failed = sum(each.verdict == "failed" for each in report.findings)
    unproven = sum(each.verdict == "unproven" for each in report.findings)
    if failed:
        print(f"{failed} of {len(report.findings)} checks failed: mend it before you trust it")
    elif unproven:
        print(f"nothing failed; {unproven} could not be told on these bars")
    else:
        print("all is well")


def _print_details(details: "StrategyDetails") -> None:
    from rich.table import Table

    console = _console()
    print(f"{details.name}, a strategy of kind {details.kind}, version {details.version}")
    print(details.summary)
    print(f"from {_home_relative(details.origin)}")
    if details.digest:
        print(f"sha-256 {details.digest}")
    if details.features:
        print(f"\nreads {', '.join(details.features)}")
    print(details.warm_up)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("parameter", "type", "default", "from", "to", "unit", "what it is"):
        table.add_column(title, overflow="fold")
    for each in details.parameters:
        bounds = (f"{number:g}" for number in (each.default, each.low, each.high))
        table.add_row(each.name, each.kind, *bounds, each.unit, each.help)
    if details.parameters:
        print()
        console.print(table, markup=False, highlight=False)
    print("\nreasons")
    for code, sentence in enumerate(details.reasons):
        print(f"  {code:>3}  {sentence}")


def _console() -> "Console":
    from rich.console import Console

    return Console()


def _home_relative(origin: str) -> str:
    """Return a path as people write it, from their home folder on."""
    home = str(Path.home())
    return f"~{origin.removeprefix(home)}" if origin.startswith(home + "/") else origin
