"""``botcore backtest``: a strategy over recorded or simulated bars, and its report."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Final

import typer

from botcore.cli import calls
from botcore.domain.errors import ConfigError
from botcore.domain.ids import DAY_NS, MINUTE_NS, SECOND_NS

if TYPE_CHECKING:
    from rich.console import Console

    from botcore.backtest import BacktestReport

_STEP: Final = re.compile(r"^([1-9][0-9]{0,5})([smhd])\Z")
_UNITS_NS: Final = {"s": SECOND_NS, "m": MINUTE_NS, "h": 60 * MINUTE_NS, "d": DAY_NS}
_WORDS: Final = {"true": 1.0, "yes": 1.0, "on": 1.0, "false": 0.0, "no": 0.0, "off": 0.0}


def backtest(
    strategy: Annotated[str, typer.Argument(help="Of the library, such as ema-cross.")],
    *,
    market: Annotated[str, typer.Option("--market", help="Where bars come from.")] = "demo",
    bars: Annotated[int, typer.Option("--bars", min=1, help="Bars an instrument.")] = 100_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the simulated market.")] = 1,
    step: Annotated[str, typer.Option("--step", help="Length of a bar: 15s, 1m, 4h, 1d.")] = "1m",
    instrument: Annotated[
        list[str] | None, typer.Option("--instrument", help="One or several; all by default.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", help="NAME=VALUE, such as fast=10.")
    ] = None,
    cash: Annotated[str, typer.Option("--cash", help="What the account begins with.")] = "10000",
) -> None:
    """Run a strategy over many bars and print what it would have done, with every assumption."""
    parameters = parsed_parameters(param or ())
    step_ns = parsed_step(step)

    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    progress = Progress(
        "running",
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),  # so that the report alone goes into a file
        transient=True,
    )
    with progress:
        task = progress.add_task("bars", total=None)

        def told(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        report = calls.backtesting().run(
            strategy=strategy,
            market=market,
            bars=bars,
            seed=seed,
            step_ns=step_ns,
            instruments=tuple(instrument) if instrument else None,
            parameters=parameters,
            cash=cash,
            progress=told,
        )
    print_report(report, Console())


def parsed_step(text: str) -> int:
    """Return the length of a bar in nanoseconds.

    Raises:
        ConfigError: it is not a whole number and a unit.
    """
    match = _STEP.match(text)
    if match is None:
        raise ConfigError(
            code="STEP_MALFORMED",
            cause=f"step {text!r} is not a length of time",
            fix="write a whole number and s, m, h or d, such as 15s or 1m",
        )
    return int(match[1]) * _UNITS_NS[match[2]]


def parsed_parameters(given: Sequence[str]) -> Mapping[str, float]:
    """Return ``fast=10`` and the like as numbers by name; true and false are 1 and 0.

    Raises:
        ConfigError: one is not ``name=value``, not a number, or given twice.
    """
    found: dict[str, float] = {}
    for text in given:
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


def print_report(report: "BacktestReport", console: "Console") -> None:
    """Print a report: the warning first, figures, every assumption, and the fingerprint."""
    from rich.markup import escape

    def rows(pairs: Sequence[tuple[str, str]]) -> None:
        width = max((len(name) for name, _ in pairs), default=0)
        for name, value in pairs:
            console.print(
                f"  {name:<{width}}  {value}", markup=False, highlight=False, soft_wrap=True
            )

    console.print(f"[bold]{escape(report.title)}[/]", highlight=False, soft_wrap=True)
    if report.warning:
        console.print(f"[bold yellow]{escape(report.warning)}[/]", highlight=False, soft_wrap=True)
    console.print()
    rows(report.rows())
    if report.unpriced:
        names = ", ".join(report.unpriced)
        console.print(f"  [yellow]without a price at the end: {escape(names)}[/]")
    console.print("\n[bold]Assumptions[/]")
    rows(report.assumptions)
    console.print()
    rows((("fingerprint", report.fingerprint), ("inputs", report.inputs_digest)))
