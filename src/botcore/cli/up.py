"""``botcore up``: run the platform here and show it."""

from typing import Annotated

import typer

from botcore.cli.foreground import run_here
from botcore.cli.options import Headless, Home, Host, MemoryOptimized, Port, given


def up(
    *,
    home: Home = None,
    host: Host = None,
    port: Port = None,
    headless: Headless = False,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")
    ] = True,
    memory_optimized: MemoryOptimized = False,
) -> int:
    """Start the platform and show it here; Ctrl+C stops it. Paper money, no key, no network."""
    return run_here(
        overrides=given(home=home, host=host, port=port),
        headless=headless,
        open_browser=browser,
        memory_optimized=memory_optimized,
    )
