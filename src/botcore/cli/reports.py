"""Reports in a terminal: the figures, every assumption, and where the page lies."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from botcore.domain.calendar import instant_name

if TYPE_CHECKING:
    from botcore.app.runs import Run, RunRecord
    from botcore.backtest.parity import Parity
    from botcore.backtest.reporting import StoredReport


def print_report(report: "StoredReport", run: "Run") -> None:
    """Print a report: warnings first, figures beside holding, assumptions, and where it lies."""
    console = Console()
    console.print(f"[bold]{escape(report.title)}[/]", highlight=False, soft_wrap=True)
    console.print(f"{report.start} – {report.end}", highlight=False)
    for warning in report.warnings:
        console.print(f"[bold yellow]{escape(warning)}[/]", highlight=False, soft_wrap=True)
    console.print()
    _rows(console, report.rows())
    if report.unpriced:
        names = ", ".join(report.unpriced)
        console.print(f"  [yellow]without a price at the end: {escape(names)}[/]")
    console.print("\n[bold]Assumptions[/]")
    _rows(console, report.assumptions)
    console.print()
    _rows(
        console,
        (
            ("fingerprint", report.fingerprint),
            ("inputs", report.inputs_digest),
            ("run", f"{run.record.number}, played in {report.seconds:.2f} s"),
            ("page", str(run.folder / "report.html")),
            ("figures", str(run.folder / "report.json")),
            ("trades", str(run.folder / "trades.csv")),
        ),
    )


def print_compared(numbers: Sequence[int], reports: Sequence["StoredReport"]) -> None:
    """Print the figures of several runs side by side."""
    from botcore.backtest.reporting import compare

    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for number in numbers:
        table.add_column(f"run {number}", justify="right")
    for name, *values in compare(reports):
        table.add_row(name, *map(escape, values))
    Console().print(table)


def _rows(console: Console, pairs: Sequence[tuple[str, str]]) -> None:
    width = max((len(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        console.print(f"  {name:<{width}}  {value}", markup=False, highlight=False, soft_wrap=True)


def print_runs(records: Sequence["RunRecord"]) -> None:
    """Print a table of runs, oldest first."""
    console = Console()
    if not records:
        console.print("no run yet: botcore backtest ema-cross --bars 20000 makes one")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("run", "kind", "made", "what", "fingerprint"):
        table.add_column(name, no_wrap=name != "what")
    for record in records:
        kind = record.kind if record.of is None else f"{record.kind} of {record.of}"
        table.add_row(
            str(record.number),
            kind,
            instant_name(record.made_ns // 60_000_000_000 * 60_000_000_000),
            escape(record.title) if record.is_finished else "not played to its end",
            record.fingerprint[:12],
        )
    console.print(table)


def print_parity(found: "Parity", first: str, second: str) -> None:
    """Print how two runs differ."""
    console = Console()
    if not found.is_same_tape:
        console.print(
            "[yellow]the two had other data, settings or code: differences are to be expected[/]"
        )
    table = Table(box=None, pad_edge=False)
    for name in ("", f"run {first}", f"run {second}", "different"):
        table.add_column(name, justify="left" if not name else "right")
    for section in found.sections:
        table.add_row(
            section.name, f"{section.first:,}", f"{section.second:,}", f"{section.differing:,}"
        )
    console.print(table)
    for section in found.sections:
        for each in section.differences:
            console.print(f"\n{section.name}: {each.where} {instant_name(each.ts)}", markup=False)
            console.print(f"  {first}: {each.first or '–'}", markup=False, soft_wrap=True)
            console.print(f"  {second}: {each.second or '–'}", markup=False, soft_wrap=True)
        hidden = section.differing - len(section.differences)
        if hidden > 0 and section.differences:
            console.print(f"  … and {hidden:,} more")
    console.print("\nno difference" if found.is_empty else "\nthey differ")
