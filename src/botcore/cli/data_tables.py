"""Recorded candles in a terminal: what files hold, what is stored, what is odd about it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from botcore.domain.calendar import instant_name, step_name

if TYPE_CHECKING:
    from botcore.app.data import Checked, Detected, DetectedSeries, SeriesImport
    from botcore.app.fetching import Fetched
    from botcore.marketdata.quality import Outlier
    from botcore.marketdata.series import SeriesInfo

_NAMED: Final = 10
"""Findings of one kind that are printed; the rest is counted."""
_WIDE: Final = 160
_OWN: Final = ("instrument", "timeframe", "files")
"""What differs between series that are alike in all else."""


def print_detected(detected: "Detected") -> None:
    """Print what was found and how it is known: once for series that are alike in it."""
    console = _console()
    alike: dict[tuple[str, ...], list[DetectedSeries]] = {}
    for series in detected.series:
        alike.setdefault(_shared(series), []).append(series)
    for members in alike.values():
        _print_alike(console, members)
    if detected.skipped:
        _say(console, f"left out, {len(detected.skipped)} files:")
        for why, names in _by_reason(detected.skipped).items():
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            _say(console, f"  {names[0]}{more}: {why}")


def _shared(series: "DetectedSeries") -> tuple[str, ...]:
    return tuple(
        known.how if known.what in _OWN else f"{known.value} {known.how}"
        for known in series.known
        if known.what != "files"
    )


def _print_alike(console: Console, members: "Sequence[DetectedSeries]") -> None:
    own = _table(*_OWN, "")
    for each in members:
        known = {known.what: known for known in each.known}
        own.add_row(*(known[what].value for what in _OWN), known["files"].how)
    console.print(own, markup=False, highlight=False)
    console.print()
    facts = _table("", "found", "how it is known")
    for each_known in members[0].known:
        if each_known.what != "files":
            value = "" if each_known.what in _OWN else each_known.value
            facts.add_row(each_known.what, value, each_known.how)
    console.print(facts, markup=False, highlight=False)
    _say(console, f"\nfirst rows of {members[0].files[0].name}:")
    for row in members[0].sample:
        _say(console, "  " + "  ".join(row))
    console.print()


def print_imported(results: "Sequence[SeriesImport]") -> None:
    """Print what became of each series, and what a person should know."""
    console = _console()
    table = _table("instrument", "timeframe", "files", "new", "there already", "other values")
    for each in results:
        table.add_row(
            each.instrument,
            step_name(each.step_ns),
            f"{each.files:,}" + (f" (+{each.skipped:,} known)" if each.skipped else ""),
            f"{each.added:,}",
            f"{each.same:,}",
            f"{each.conflicts:,}",
        )
    console.print(table, markup=False, highlight=False)
    for each in results:
        for note in _notes(each):
            _say(console, f"{each.instrument} {step_name(each.step_ns)}: {note}")


def _notes(result: "SeriesImport") -> list[str]:
    counts = {
        "repeated rows with the same values were dropped": result.duplicates,
        "rows stood after a later one and were put in their place": result.unsorted,
        "unfinished candles were dropped": result.unfinished,
        "stamps came with other values than were stored (--replace lets the files win)": (
            result.conflicts
        ),
        "files have prices off the tick that is known: filters will be inferred": result.off_tick,
    }
    notes = [f"{count:,} {what}" for what, count in counts.items() if count]
    return notes + [
        f"{count:,} rows were set aside: {why}" for why, count in result.quarantined.items()
    ]


def print_fetched(fetched: "Fetched") -> None:
    """Print what a fetch came to."""
    console = _console()
    name = f"{fetched.instrument} {step_name(fetched.step_ns)}"
    _say(
        console,
        f"{name}: {fetched.added:,} new candles, {fetched.same:,} there already,"
        f" from {fetched.files:,} archives",
    )
    if fetched.conflicts:
        _say(console, f"{fetched.conflicts:,} stamps came with other values than were stored")
    if fetched.quarantined:
        _say(console, f"{fetched.quarantined:,} rows were set aside")
    if fetched.absent:
        _say(
            console,
            f"the exchange has nothing for {len(fetched.absent):,} stretches, such as"
            f" {fetched.absent[0]}",
        )


def print_series(series: "Sequence[SeriesInfo]") -> None:
    """Print a table of what is stored."""
    console = _console()
    if not series:
        _say(console, "no candles yet: botcore data import PATH, or botcore data fetch")
        return
    table = _table("instrument", "timeframe", "candles", "from", "to", "missing", "gaps")
    for info in series:
        table.add_row(
            info.instrument,
            step_name(info.step_ns),
            f"{info.rows:,}",
            instant_name(info.first),
            instant_name(info.end),
            f"{info.missing:,}",
            f"{len(info.gaps):,}",
        )
    console.print(table, markup=False, highlight=False)


def print_checked(checked: "Sequence[Checked]") -> None:
    """Print what is odd about each series, with times in UTC."""
    console = _console()
    for each in checked:
        info = each.info
        _say(console, f"{info.instrument} {step_name(info.step_ns)}", style="bold")
        for what, value in _facts(info):
            _say(console, f"  {what:<14}{value}")
        for line in _findings(info):
            _say(console, f"    {line}")
        for concern in each.concerns:
            _say(console, f"  look at: {concern}", style="yellow")
    if not checked:
        _say(console, "no candles yet: botcore data import PATH, or botcore data fetch")
    elif not any(each.concerns for each in checked):
        _say(console, "all is well")


def _facts(info: "SeriesInfo") -> list[tuple[str, str]]:
    expected = info.rows + info.missing
    facts = [
        ("candles", f"{info.rows:,} from {instant_name(info.first)} to {instant_name(info.end)}"),
        ("coverage", f"{info.rows / expected:.4%}, {info.missing:,} missing"),
        ("sources", f"{len(info.sources):,} files"),
        ("duplicates", f"{info.duplicates:,} dropped at import"),
        ("conflicts", f"{info.conflicts:,}"),
        ("set aside", f"{sum(info.quarantined.values()):,} rows"),
    ]
    if info.quality is not None:
        quality = info.quality
        facts.append(("zero volume", f"{quality.zero_volume:,} candles"))
        facts.append(("outliers", f"{quality.outlier_count:,} returns far out of the ordinary"))
    return facts


def _findings(info: "SeriesInfo") -> list[str]:
    """Return gaps, dead stretches, outliers and reasons, each kind cut at `_NAMED`."""
    step = info.step_ns
    lines = _cut(
        [f"gap {_span(gap.start, gap.end, step)}: {gap.missing:,} candles" for gap in info.gaps],
        "gaps",
    )
    if info.quality is not None:
        lines += _cut(
            [
                f"no volume {_span(run.start, run.end, step)}: {run.count:,} candles"
                for run in info.quality.zero_runs
            ],
            "stretches",
        )
        worst = sorted(info.quality.outliers, key=lambda each: -abs(each.z))
        lines += _cut([_outlier(each) for each in worst], "outliers")
    return lines + [f"set aside {count:,}: {why}" for why, count in info.quarantined.items()]


def _outlier(outlier: "Outlier") -> str:
    back = ", and came back at once" if outlier.is_spike else ""
    return (
        f"outlier {instant_name(outlier.ts_open)}: {outlier.log_return:+.2%} in one candle,"
        f" {abs(outlier.z):.0f} robust deviations{back}"
    )


def _span(start: int, end: int, step_ns: int) -> str:
    """Name the first and the last candle of a stretch."""
    last = end - step_ns
    if last <= start:
        return instant_name(start)
    return f"{instant_name(start)} – {instant_name(last)}"


def _cut(lines: list[str], what: str) -> list[str]:
    more = len(lines) - _NAMED
    return lines if more <= 0 else [*lines[:_NAMED], f"and {more:,} more {what}"]


def _by_reason(skipped: Sequence[tuple[str, str]]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, why in skipped:
        found.setdefault(why, []).append(name)
    return found


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, title in enumerate(titles):
        table.add_column(title, overflow="fold", no_wrap=place == 0)
    return table


def _console() -> Console:
    """Return the terminal; what is no terminal is as wide as the tables like."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDE)


def _say(console: Console, line: str, style: str = "") -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True, style=style or None)
