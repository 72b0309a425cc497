"""``botcore replay`` and ``botcore parity``: a backtest on paper's way, and the difference."""

from typing import Annotated

import typer

from botcore.cli import calls
from botcore.cli.options import Home, given
from botcore.cli.progress import bars_done
from botcore.domain.errors import ConfigError


def replay(
    run: Annotated[str, typer.Argument(help="The backtest's number, or last.")] = "last",
    speed: Annotated[
        str, typer.Option("--speed", help="max, or tape seconds a second: 60 is an hour a minute.")
    ] = "max",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew, though one was interrupted.")
    ] = False,
    home: Home = None,
) -> None:
    """Play a backtest's tape again the way paper goes: mailbox, sequencer, journal, venue's store.

    Interrupted, even killed, it goes on when it is asked for again.
    """
    pace = parsed_speed(speed)
    with bars_done("replaying") as told:
        done = calls.replaying().replay(
            overrides=given(home=home), run=run, speed=pace, fresh=fresh, progress=told
        )
    record = done.run.record
    how = "gone on with" if done.resumed else "played"
    what = f"replay {record.number} of backtest {record.of}"
    print(f"{what}: {how} to its end in {done.seconds:.1f} s")
    print(f"  journal      {done.records:,} records, {done.run.folder / 'journal.db'}")
    print(f"  fingerprint  {record.fingerprint}")
    print(f"compare them: botcore parity {record.of} {record.number}")


def parity(
    first: Annotated[str, typer.Argument(metavar="A", help="A run's number, or last.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another run's number.")],
    home: Home = None,
) -> int:
    """Show how two runs differ: decisions, orders, fills, facts; exit code 1 if they do."""
    from botcore.cli.reports import print_parity

    found = calls.backtesting().parity(overrides=given(home=home), first=first, second=second)
    print_parity(found, first, second)
    return 0 if found.is_empty else 1


def parsed_speed(text: str) -> float | None:
    """Return tape seconds a second; None is as fast as it goes.

    Raises:
        ConfigError: it is not ``max`` and no number above 0.
    """
    if text == "max":
        return None
    try:
        speed = float(text.rstrip("x×"))
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise ConfigError(
            code="SPEED_REFUSED",
            cause=f"a speed of {text!r}",
            fix="write max, or a number above 0 such as 60",
        )
    return speed
