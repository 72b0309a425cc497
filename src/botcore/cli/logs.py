"""``botcore logs``: the last lines of the log, and new ones as they come."""

from typing import Annotated

import typer

from botcore.cli import calls
from botcore.cli.options import Home, given


def logs(
    home: Home = None,
    service: Annotated[
        str | None, typer.Option("--service", help="One process only, such as engine or api.")
    ] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many.")] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for new lines.")] = False,
) -> None:
    """Show the log."""
    found = calls.commands().logs(
        overrides=given(home=home), service=service, lines=lines, follow=follow
    )
    for line in found:
        print(line, flush=follow)
