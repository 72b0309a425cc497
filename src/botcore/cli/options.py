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
Account = Annotated[str, typer.Option("--account", help="Which account.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

PAPER = "paper"


def given(**options: object) -> dict[str, object]:
    """Return the options that were given: those that are not None."""
    return {name: value for name, value in options.items() if value is not None}
