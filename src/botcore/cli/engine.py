"""``botcore engine``: be the engine's process; the supervisor and service files call it."""

from typing import Annotated

import typer

from botcore.cli import calls
from botcore.cli.options import Home, given


def engine(
    home: Home = None,
    quarantine: Annotated[
        list[str] | None, typer.Option("--quarantine", help="A strategy that never returned.")
    ] = None,
) -> int:
    """Run the engine alone."""
    return calls.commands().run_engine(
        overrides=given(home=home), quarantined=tuple(quarantine or ())
    )
