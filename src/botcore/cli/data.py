"""``botcore data``: candles in, out, listed and checked."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from botcore.cli import calls
from botcore.cli.acting import act, write_down
from botcore.cli.options import Home, Yes, given
from botcore.cli.progress import bars_done
from botcore.cli.target import anywhere

if TYPE_CHECKING:
    from botcore.app.data import Detected

_PERCENT: Final = 100
Instrument = Annotated[str, typer.Argument(help="Such as BTCUSDT.BINANCE.")]
Timeframe = Annotated[str, typer.Argument(help="Length of a candle: 1m, 1h, 1d.")]
Start = Annotated[str | None, typer.Option("--from", help="First candle: a date or time, UTC.")]
End = Annotated[str | None, typer.Option("--to", help="First candle left out.")]


def group() -> typer.Typer:
    """Return the verb with the verbs under it."""
    app = typer.Typer(
        help="Recorded candles: import, fetch, list, check, export, remove.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    app.command("import")(import_)
    app.command("fetch")(fetch)
    app.command("list")(list_series)
    app.command("check")(check)
    app.command("export")(export)
    app.command("remove")(remove)
    return app


def import_(
    path: Annotated[Path, typer.Argument(help="A file, or a folder of files.")],
    *,
    instrument: Annotated[
        str | None, typer.Option("--instrument", help="Whose candles: BTCUSDT.BINANCE.")
    ] = None,
    venue: Annotated[
        str | None, typer.Option("--venue", help="Where from, when the names say the symbols.")
    ] = None,
    timeframe: Annotated[
        str | None, typer.Option("--timeframe", help="Length of a candle: 1m, 1h.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns", help="In the order of the file: ts,open,high,low,close,volume[,ts_close]."
        ),
    ] = None,
    unit: Annotated[
        str | None, typer.Option("--unit", help="Of numeric stamps: s, ms, us or ns.")
    ] = None,
    zone: Annotated[
        str | None, typer.Option("--zone", help="Of stamps: UTC, +03:00 or Europe/Istanbul.")
    ] = None,
    stamp: Annotated[
        str | None, typer.Option("--stamp", help="Which end of a candle it is: open or close.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Let the files win where other values are stored.")
    ] = False,
    max_bad: Annotated[
        float,
        typer.Option(
            "--max-bad", min=0, max=100, help="Most bad rows with which a file is taken, percent."
        ),
    ] = 1.0,
    yes: Yes = False,
    home: Home = None,
) -> None:
    """Import candles. Shows what the files hold and how that is known, and asks."""
    options = {
        "instrument": instrument,
        "venue": venue,
        "timeframe": timeframe,
        "columns": columns,
        "unit": unit,
        "zone": zone,
        "stamp": stamp,
    }
    said = {name: value for name, value in options.items() if value is not None}
    detected = _settled(path, said, asks=not yes and sys.stdin.isatty())

    from botcore.cli.data_tables import print_detected, print_imported

    print_detected(detected)
    for question in detected.questions:
        raise question.refused()
    if not yes and not typer.confirm("Import these?"):
        print("nothing was imported")
        return
    write_down("import", str(path.absolute()), home=home, replace=replace)
    with bars_done("importing") as told:
        results = calls.data().bring_in(
            overrides=given(home=home),
            detected=detected,
            replace=replace,
            max_bad=max_bad / _PERCENT,
            progress=told,
        )
    print_imported(results)


def fetch(
    instrument: Instrument,
    timeframe: Timeframe,
    *,
    start: Annotated[str, typer.Option("--from", help="First candle: a date or time, UTC.")],
    end: End = None,
    home: Home = None,
) -> None:
    """Fetch candles from Binance's public archives, without a key; ends at now by default."""
    span = f"from {start}" + (f" to {end}" if end else "")
    write_down("fetch", f"{instrument} {timeframe} {span}", home=home)
    with bars_done("fetching") as told:
        fetched = calls.fetching().fetch(
            overrides=given(home=home),
            instrument=instrument,
            timeframe=timeframe,
            start=start,
            end=end,
            progress=told,
        )

    from botcore.cli.data_tables import print_fetched

    print_fetched(fetched)


def list_series(home: Home = None) -> None:
    """List what is stored."""
    series = calls.data().series(overrides=given(home=home))

    from botcore.cli.data_tables import print_series

    print_series(series)


def check(
    instrument: Annotated[str | None, typer.Argument(help="Of which; all by default.")] = None,
    timeframe: Annotated[str | None, typer.Argument(help="Of which; all by default.")] = None,
    *,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="First make its index again from its files.")
    ] = False,
    home: Home = None,
) -> int:
    """Read all candles anew and say what is odd; exit code 1 when something needs your eyes."""
    with bars_done("checking") as told:
        checked = calls.data().check(
            overrides=given(home=home),
            instrument=instrument,
            timeframe=timeframe,
            rebuild=rebuild,
            progress=told,
        )

    from botcore.cli.data_tables import print_checked

    print_checked(checked)
    return 1 if any(each.concerns for each in checked) else 0


def export(
    instrument: Instrument,
    timeframe: Timeframe,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", help="The file [INSTRUMENT-TIMEFRAME.FORMAT].")
    ] = None,
    kind: Annotated[str, typer.Option("--format", help="csv or parquet.")] = "csv",
    start: Start = None,
    end: End = None,
    home: Home = None,
) -> None:
    """Write candles into a file for other programs."""
    exported = calls.data().export(
        overrides=given(home=home),
        instrument=instrument,
        timeframe=timeframe,
        output=output,
        kind=kind,
        start=start,
        end=end,
    )
    print(f"wrote {exported.rows:,} candles to {exported.path}")


@anywhere
def remove(
    context: typer.Context,
    instrument: Instrument,
    timeframe: Timeframe,
    *,
    yes: Yes = False,
    home: Home = None,
) -> int:
    """Delete the candles of one instrument and timeframe; asks."""
    fields = {"symbol": instrument, "timeframe": timeframe}
    return act(context, "data.remove-series", fields, home=home, yes=yes)


def _settled(path: Path, said: dict[str, str], *, asks: bool) -> "Detected":
    """Look at the files; where a person is there, ask what they do not say, and look again."""
    detected = calls.data().detect(path=path, options=said)
    while asks and detected.questions:
        question = detected.questions[0]
        answer = typer.prompt(question.text)
        said = {**said, question.option: answer}
        detected = calls.data().detect(path=path, options=said)
    return detected
