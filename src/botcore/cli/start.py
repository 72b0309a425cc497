"""``botcore start``: run the platform, here or in the background."""

from typing import Annotated

import typer

from botcore.cli import calls
from botcore.cli.foreground import run_here
from botcore.cli.options import Headless, Home, Host, MemoryOptimized, Port, given
from botcore.cli.status import print_status


def start(
    *,
    home: Home = None,
    host: Host = None,
    port: Port = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="In the background; return when it is ready.")
    ] = False,
    memory_optimized: MemoryOptimized = False,
    headless: Headless = False,
) -> int:
    """Start the platform, without opening a browser."""
    overrides = given(home=home, host=host, port=port)
    if detach:
        print_status(calls.commands().start(overrides=overrides, memory_optimized=memory_optimized))
        return 0
    return run_here(overrides=overrides, headless=headless, memory_optimized=memory_optimized)
