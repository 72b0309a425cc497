"""Options that several verbs take, declared once."""

from pathlib import Path
from typing import Annotated

import typer

Home = Annotated[
    Path | None,
    typer.Option("--home", help="Folder of all state [BOTCORE_HOME, else ~/.botcore]."),
]
Port = Annotated[
    int | None,
    typer.Option(
        "--port", min=0, max=65_535, help="Port of the page; the next free one is taken [8080]."
    ),
]
Host = Annotated[
    str | None, typer.Option("--host", help="Address the page listens on [127.0.0.1].")
]
MemoryOptimized = Annotated[
    bool, typer.Option("--memory-optimized", help="Keep less history in memory.")
]
Headless = Annotated[
    bool, typer.Option("--headless", help="Log JSON lines instead of drawing; open no browser.")
]
Browser = Annotated[
    bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
]
Account = Annotated[str, typer.Option("--account", help="Which account.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

Feed = Annotated[
    str | None,
    typer.Option(
        "--feed", help="Where prices come from: simulated, tape, binance, auto [simulated]."
    ),
]
FeedInstruments = Annotated[
    list[str] | None,
    typer.Option("--instrument", help="Of a tape or an exchange: one or several."),
]
FeedTimeframe = Annotated[
    str | None, typer.Option("--timeframe", help="Length of a tape's bars [1m].")
]
FeedFrom = Annotated[
    str | None, typer.Option("--from", help="Where a tape begins: a date or time, UTC.")
]
FeedSpeed = Annotated[
    float | None, typer.Option("--speed", help="Of a tape: 60 plays an hour a minute [60].")
]

PAPER = "paper"


def given(**options: object) -> dict[str, object]:
    """Return the options that were given: those that are not None."""
    return {name: value for name, value in options.items() if value is not None}


def feed_given(
    feed: str | None,
    instruments: list[str] | None,
    timeframe: str | None,
    start: str | None,
    speed: float | None,
) -> dict[str, object]:
    """Return the options that say where prices come from, by the settings' names."""
    return given(
        feed=feed,
        feed_instruments=tuple(instruments) if instruments else None,
        feed_timeframe=timeframe,
        feed_from=start,
        feed_speed=speed,
    )
